/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jitreader/standin.h"

#include "engine/emit/session.h"
#include "engine/image/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const uint64_t standin_class = UINT64_C(1) << 63;

void gu_standin_end(struct gu_standin *standin)
{
	free(standin->threads);
	free(standin->visits);
	*standin = (struct gu_standin){.visits = NULL};
}

enum gu_status gu_standin_watch(struct gu_standin *standin,
	const struct gu_thread *threads, size_t n, bool native,
	struct gu_diag *diag)
{
	struct gu_thread *copy = calloc(n + 1, sizeof *copy);

	if (!copy)
		return gu_fail(diag, GU_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < n; i++)
		copy[i] = threads[i];
	free(standin->threads);
	standin->threads = copy;
	standin->nthreads = n;
	standin->native = native;
	return GU_OK;
}

static void stand_in(struct gu_standin *standin, const struct gu_regs *here,
	const struct gu_goroutine *g)
{
	standin->here = *here;
	standin->g = g->addr;
	standin->id = g->id;
	standin->there = g->regs;
	standin->there.g = g->addr;
	standin->there.has_g = true;
	standin->stack_lo = g->stack_lo;
	standin->stack_hi = g->stack_hi;
}

void gu_standin_set(struct gu_standin *standin, const struct gu_regs *here,
	const struct gu_goroutine *g)
{
	stand_in(standin, here, g);
	standin->pending = true;
}

void gu_standin_visit(struct gu_standin *standin, const struct gu_regs *host,
	uint64_t *visits, size_t n)
{
	free(standin->visits);
	standin->visits = visits;
	standin->nvisits = n;
	standin->host = *host;
}

/* --- is it still so? ------------------------------------------------------ */

static bool same_place(const struct gu_regs *a, const struct gu_regs *b)
{
	return a->pc == b->pc && a->sp == b->sp;
}

static bool is_known_thread(const struct gu_standin *standin,
	const struct gu_regs *regs)
{
	for (size_t i = 0; i < standin->nthreads; i++)
		if (same_place(&standin->threads[i].regs, regs))
			return true;
	return false;
}

/* No thread that is resumed and stops again does so unseen by its kernel. */
static uint64_t count_switches(const struct gu_standin *standin)
{
	uint64_t sum = 0;

	for (size_t i = 0; standin->native && i < standin->nthreads; i++)
		sum += gu_process_switches(standin->threads[i].tid);
	return sum;
}

static bool is_where_it_was(const struct gu_standin *standin,
	const struct gu_runtime *rt)
{
	struct gu_goroutine g;

	return gu_goroutine_locate(rt, standin->g, NULL, &g) == GU_OK &&
		g.id == standin->id && g.start != GU_START_NONE &&
		g.start != GU_START_THREAD &&
		same_place(&g.regs, &standin->there) &&
		g.stack_lo == standin->stack_lo &&
		g.stack_hi == standin->stack_hi;
}

static bool still_stands(struct gu_standin *standin,
	const struct gu_runtime *rt, const struct gu_regs *regs,
	uint64_t registers)
{
	/* "info threads" goes to all, and comes back */
	if (!same_place(regs, &standin->here) && is_known_thread(standin, regs))
		return false;
	standin->chosen = standin->chosen && same_place(regs, &standin->here) &&
		registers == standin->registers &&
		standin->switches == count_switches(standin) &&
		is_where_it_was(standin, rt);
	return standin->chosen;
}

/* --- what GDB leaves in the session folder --------------------------------------------------------------- */

/* The file "off": GDB was told that it is over. */
static bool take_off(void)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) buf;

	gu_buf_init(&buf, false);
	return !gu_session_take(getpid(), "off", NULL, &buf);
}

/*
 * The number in the file "next", which is taken: GDB has written it a moment
 * ago.  A Ctrl-C may have come between, and then whoever asks, asks later.
 */
static bool take_next(uint32_t *out)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) buf;
	char folder[64], path[80];
	struct timespec now;
	struct stat info;
	struct gu_cur cur;
	int64_t age;

	gu_buf_init(&buf, false);
	gu_session_path(getpid(), folder, sizeof folder);
	(void)snprintf(path, sizeof path, "%s/next", folder);
	if (lstat(path, &info) || gu_session_take(getpid(), "next", NULL, &buf))
		return false;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	age = (now.tv_sec - info.st_mtim.tv_sec) * INT64_C(1000000000) +
		(now.tv_nsec - info.st_mtim.tv_nsec);
	cur = gu_cur(buf.p, buf.n, 0, false, "next");
	*out = gu_cur_u32(&cur);
	return gu_cur_ok(&cur) && age < INT64_C(1000000000);
}

/* What was told may be of an earlier stop: the g is read now. */
static bool visit(struct gu_standin *standin, const struct gu_runtime *rt,
	const struct gu_regs *regs)
{
	struct gu_goroutine g;
	uint32_t next;

	if (!standin->visits || !take_next(&next) ||
		next >= standin->nvisits || !same_place(regs, &standin->host) ||
		gu_goroutine_locate(rt, standin->visits[next], NULL, &g) ||
		g.start == GU_START_NONE)
		return false;
	stand_in(standin, regs, &g);
	standin->chosen = false;
	return true;
}

bool gu_standin_take(struct gu_standin *standin, const struct gu_runtime *rt,
	const struct gu_regs *regs, uint64_t registers, struct gu_regs *out)
{
	bool off = take_off();

	if (standin->pending) {
		standin->pending = false;
		standin->chosen = same_place(regs, &standin->here);
		standin->registers = registers;
		standin->switches = count_switches(standin);
		standin->shown = standin->chosen;
	} else {
		standin->shown = visit(standin, rt, regs) ||
			(standin->chosen && !off &&
				still_stands(standin, rt, regs, registers));
	}
	if (off && !standin->shown)
		standin->chosen = false;
	if (standin->shown)
		*out = standin->there;
	return standin->shown;
}

uint64_t gu_standin_id(const struct gu_standin *standin, uint64_t sp,
	uint64_t stack)
{
	bool stands_in = standin->shown && sp > standin->stack_lo &&
		sp <= standin->stack_hi;

	return stands_in ? stack | standin_class : stack;
}
