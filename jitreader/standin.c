/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jitreader/standin.h"

#include "engine/emit/session.h"
#include "engine/image/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 80 };

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

static struct gu_guest make_guest(const struct gu_regs *here,
	const struct gu_goroutine *g)
{
	struct gu_guest guest = {.here = *here, .there = g->regs, .g = g->addr,
		.id = g->id, .stack_lo = g->stack_lo, .stack_hi = g->stack_hi};

	guest.there.g = g->addr;
	guest.there.has_g = true;
	return guest;
}

void gu_standin_set(struct gu_standin *standin, const struct gu_regs *here,
	const struct gu_goroutine *g)
{
	standin->selected = make_guest(here, g);
	standin->pending = true;
}

void gu_standin_visit(struct gu_standin *standin, const struct gu_regs *host,
	uint64_t *visits, size_t n)
{
	free(standin->visits);
	standin->visits = visits;
	standin->nvisits = n;
	standin->host = *host;
	standin->visiting = false;
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

/*
 * No thread that is resumed and stops again does so unseen by its kernel.
 * WHERE: only of those that stand there; NULL: of all.
 */
static uint64_t count_switches(const struct gu_standin *standin,
	const struct gu_regs *where)
{
	uint64_t sum = 0;

	for (size_t i = 0; standin->native && i < standin->nthreads; i++)
		if (!where || same_place(&standin->threads[i].regs, where))
			sum += gu_process_switches(standin->threads[i].tid);
	return sum;
}

static bool is_where_it_was(const struct gu_guest *guest,
	const struct gu_runtime *rt)
{
	struct gu_goroutine g;

	return gu_goroutine_locate(rt, guest->g, NULL, &g) == GU_OK &&
		g.id == guest->id && g.start != GU_START_NONE &&
		g.start != GU_START_THREAD &&
		same_place(&g.regs, &guest->there) &&
		g.stack_lo == guest->stack_lo &&
		g.stack_hi == guest->stack_hi;
}

static bool still_stands(struct gu_standin *standin,
	const struct gu_runtime *rt, const struct gu_regs *regs,
	uint64_t registers)
{
	const struct gu_guest *guest = &standin->selected;

	/* "info threads" goes to all, and comes back */
	if (!same_place(regs, &guest->here) && is_known_thread(standin, regs))
		return false;
	standin->chosen = standin->chosen && same_place(regs, &guest->here) &&
		registers == guest->registers &&
		guest->switches == count_switches(standin, NULL) &&
		is_where_it_was(guest, rt);
	return standin->chosen;
}

/* --- what GDB leaves in the session folder -------------------------------- */

/* The file "off": GDB was told that it is over. */
static bool take_off(void)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) buf;

	gu_buf_init(&buf, false);
	return !gu_session_take(getpid(), "off", NULL, &buf);
}

static void session_file(const char *name, char *out, size_t out_size)
{
	size_t n;

	gu_session_path(getpid(), out, out_size);
	n = strlen(out);
	(void)snprintf(out + n, out_size - n, "/%s", name);
}

/*
 * The number in the file "next", which is taken: GDB has written it a moment
 * ago.  A Ctrl-C may have come between, and then whoever asks, asks later.
 */
static bool take_next(uint32_t *out)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) buf;
	char path[PATH_SIZE];
	struct timespec now;
	struct stat info;
	struct gu_cur cur;
	int64_t age;

	gu_buf_init(&buf, false);
	session_file("next", path, sizeof path);
	if (lstat(path, &info) || gu_session_take(getpid(), "next", NULL, &buf))
		return false;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	age = (now.tv_sec - info.st_mtim.tv_sec) * INT64_C(1000000000) +
		(now.tv_nsec - info.st_mtim.tv_nsec);
	cur = gu_cur(buf.p, buf.n, 0, false, "next");
	*out = gu_cur_u32(&cur);
	return gu_cur_ok(&cur) && age < INT64_C(1000000000);
}

/*
 * Does GDB run what is in the file "visit"?  It has the file open as long as it
 * does, however that ends: Ctrl-C, and an error, close it.
 */
static bool is_in_visit(void)
{
	char path[PATH_SIZE];
	struct stat visit, info;
	struct dirent *entry;
	bool open = false;
	DIR *dir;

	session_file("visit", path, sizeof path);
	if (lstat(path, &visit))
		return false;
	dir = opendir("/proc/self/fd");
	while (dir && !open && (entry = readdir(dir)))
		open = *entry->d_name != '.' &&
			fstat((int)strtol(entry->d_name, NULL, 10), &info) ==
				0 &&
			info.st_dev == visit.st_dev &&
			info.st_ino == visit.st_ino;
	if (dir)
		(void)closedir(dir);
	return open;
}

/* What was told may be of an earlier stop: the g is read now. */
static bool begin_visit(struct gu_standin *standin, const struct gu_runtime *rt,
	const struct gu_regs *regs, uint64_t registers)
{
	struct gu_goroutine g;
	uint32_t next;

	if (!standin->visits || !take_next(&next) ||
		next >= standin->nvisits || !same_place(regs, &standin->host) ||
		gu_goroutine_locate(rt, standin->visits[next], NULL, &g) ||
		g.start == GU_START_NONE)
		return false;
	standin->visited = make_guest(regs, &g);
	standin->visited.registers = registers;
	/* of this thread alone: there may be many visits, and many threads */
	standin->visited.switches = count_switches(standin, regs);
	standin->visiting = true;
	return true;
}

/* GDB comes back from other threads, or has forgotten its frames. */
static bool still_visits(struct gu_standin *standin,
	const struct gu_runtime *rt, const struct gu_regs *regs,
	uint64_t registers)
{
	const struct gu_guest *guest = &standin->visited;

	if (!standin->visiting || !same_place(regs, &guest->here))
		return false;
	standin->visiting = is_in_visit() && registers == guest->registers &&
		guest->switches == count_switches(standin, regs) &&
		is_where_it_was(guest, rt);
	return standin->visiting;
}

bool gu_standin_take(struct gu_standin *standin, const struct gu_runtime *rt,
	const struct gu_regs *regs, uint64_t registers, struct gu_regs *out)
{
	bool off = take_off();

	standin->shown = NULL;
	if (standin->pending) {
		standin->pending = false;
		standin->chosen = same_place(regs, &standin->selected.here);
		standin->selected.registers = registers;
		standin->selected.switches = count_switches(standin, NULL);
		if (standin->chosen)
			standin->shown = &standin->selected;
	} else {
		standin->chosen = standin->chosen && !off;
		if (begin_visit(standin, rt, regs, registers) ||
			still_visits(standin, rt, regs, registers))
			standin->shown = &standin->visited;
		else if (standin->chosen &&
			still_stands(standin, rt, regs, registers))
			standin->shown = &standin->selected;
	}
	if (standin->shown)
		*out = standin->shown->there;
	return standin->shown;
}

uint64_t gu_standin_id(const struct gu_standin *standin, uint64_t sp,
	uint64_t stack)
{
	const struct gu_guest *guest = standin->shown;
	bool stands_in = guest && sp > guest->stack_lo && sp <= guest->stack_hi;

	return stands_in ? stack | standin_class : stack;
}
