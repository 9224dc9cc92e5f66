/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jitreader/switch.h"

#include "engine/emit/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void gu_switch_deinit(struct gu_switch *s)
{
	free(s->threads);
}

/* --- the request ---------------------------------------------------------- */

static void add_thread(struct gu_switch *s, const struct gu_switch_thread *t)
{
	struct gu_switch_thread *threads = s->threads;

	if ((s->nthreads & (s->nthreads - 1)) == 0) /* room for twice as many */
		threads = reallocarray(threads,
			s->nthreads ? 2 * s->nthreads : 1, sizeof *threads);
	if (!threads)
		return; /* without a number one cannot switch to it */
	s->threads = threads;
	s->threads[s->nthreads++] = *t;
}

static bool parse_verb(struct gu_switch *s, const char *line)
{
	if (strcmp(line, "which") == 0)
		s->verb = GU_SWITCH_WHICH;
	else if (sscanf(line, "switch %" SCNu64, &s->id) == 1)
		s->verb = GU_SWITCH_TO;
	else if (sscanf(line, "in %" SCNu64 " %u %u", &s->id, &s->argc,
		&s->first) == 3)
		s->verb = GU_SWITCH_IN;
	else if (sscanf(line, "all %u %u", &s->argc, &s->first) == 2)
		s->verb = GU_SWITCH_ALL;
	else
		return false;
	return true;
}

bool gu_switch_parse(struct gu_switch *s, const char *line)
{
	struct gu_switch_thread thread;

	if (sscanf(line, "number %" SCNd32 " %15[0-9.]", &thread.tid,
		thread.number) == 2)
		add_thread(s, &thread);
	else if (sscanf(line, "here %" SCNx64 " %" SCNx64, &s->here.pc,
		&s->here.sp) == 2)
		s->has_here = true;
	else if (sscanf(line, "first %31s", s->word) != 1 &&
		sscanf(line, "selected %" SCNu64, &s->selected) != 1)
		return parse_verb(s, line);
	return true;
}

/* --- who is where --------------------------------------------------------- */

static const struct gu_goroutine *find(const struct gu_goroutines *gs,
	uint64_t id)
{
	for (size_t i = 0; id && i < gs->n; i++)
		if (gs->list[i].id == id)
			return &gs->list[i];
	return NULL;
}

static const char *number_of(const struct gu_switch *s, int32_t tid)
{
	for (size_t i = 0; i < s->nthreads; i++)
		if (s->threads[i].tid == tid)
			return s->threads[i].number;
	return NULL;
}

static bool is_at(const struct gu_thread *thread, const struct gu_regs *regs)
{
	return thread->regs.pc == regs->pc && thread->regs.sp == regs->sp;
}

static int32_t tid_here(const struct gu_switch *s,
	const struct gu_switch_target *target)
{
	for (size_t i = 0; s->has_here && i < target->nthreads; i++)
		if (is_at(&target->threads[i], &s->here))
			return target->threads[i].tid;
	return 0;
}

static bool is_on_thread(const struct gu_goroutine *g)
{
	return g->tid && (g->status == GU_STATUS_RUNNING ||
		g->status == GU_STATUS_SYSCALL);
}

/* The goroutine of the thread that GDB is in; NULL if it has none. */
static const struct gu_goroutine *current(const struct gu_switch *s,
	const struct gu_switch_target *target)
{
	int32_t tid = tid_here(s, target);

	for (size_t i = 0; tid && i < target->gs->n; i++) {
		const struct gu_goroutine *g = &target->gs->list[i];

		if (g->tid == tid && is_on_thread(g))
			return g;
	}
	return NULL;
}

/* --- pieces of the reply -------------------------------------------------- */

static void put_state(struct gu_buf *out, const struct gu_goroutine *g)
{
	struct gu_str state = gu_goroutine_state(g);

	gu_buf_printf(out, "%" PRIu64 " [", g->id);
	if (state.n)
		gu_text_escape(out, state);
	else
		gu_buf_printf(out, "status %" PRIu32, g->status);
	gu_buf_u8(out, ']');
}

/* A line "BEFORE 17 [chan receive]AFTER". */
static void put_line(struct gu_buf *out, const char *before,
	const struct gu_goroutine *g, const char *after)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) line;

	gu_buf_init(&line, false);
	gu_buf_str(&line, gu_str(before));
	put_state(&line, g);
	gu_buf_str(&line, gu_str(after));
	if (line.failed)
		out->failed = true;
	else
		gu_text_echo(out,
			(struct gu_str){(const char *)line.p, line.n});
}

static void put_variable(struct gu_buf *out, const char *name, uint64_t value)
{
	gu_buf_printf(out, "with language c -- set $_%s = %" PRIu64
		"\n", name, value);
}

static void put_count(struct gu_buf *out, const struct gu_goroutines *gs)
{
	uint64_t count = 0;

	for (size_t i = 0; i < gs->n; i++)
		count += !gs->list[i].system;
	put_variable(out, "goroutine_count", count);
}

/* Where gounstrip-find-goroutine looks for G's innermost frame. */
static void put_there(struct gu_buf *out, const struct gu_regs *regs)
{
	put_variable(out, "gounstrip_there_pc", regs->pc);
	put_variable(out, "gounstrip_there_sp", regs->sp);
}

/* By what gounstrip-check knows G's frames again. */
static void select_goroutine(const struct gu_switch *s,
	const struct gu_goroutine *g, struct gu_standin *standin,
	struct gu_buf *out)
{
	gu_standin_set(standin, &s->here, g);
	put_variable(out, "goroutine", g->id);
	put_variable(out, "gounstrip_goroutine", g->id);
	put_variable(out, "gounstrip_goroutine_pc", g->regs.pc);
	put_variable(out, "gounstrip_goroutine_sp", g->regs.sp);
	put_variable(out, "gounstrip_here_pc", s->here.pc);
	put_variable(out, "gounstrip_here_sp", s->here.sp);
}

static void select_none(struct gu_buf *out, const struct gu_goroutine *current)
{
	put_variable(out, "goroutine", current ? current->id : 0);
	put_variable(out, "gounstrip_goroutine", 0);
}

/* --- which, switch -------------------------------------------------------- */

void gu_switch_keep(const struct gu_switch *s,
	const struct gu_switch_target *target, struct gu_standin *standin,
	struct gu_buf *out)
{
	const struct gu_goroutine *g = find(target->gs, s->selected);

	if (g && s->has_here && g->start != GU_START_NONE)
		select_goroutine(s, g, standin, out);
	else
		select_none(out, current(s, target));
	put_count(out, target->gs);
}

static enum gu_status which(const struct gu_switch *s,
	const struct gu_switch_target *target, struct gu_standin *standin,
	struct gu_buf *out)
{
	const struct gu_goroutine *g = find(target->gs, s->selected);

	gu_switch_keep(s, target, standin, out);
	if (g)
		put_line(out, "[Goroutine ", g, " is selected]");
	else if ((g = current(s, target)))
		put_line(out, "[Goroutine ", g, " is on this thread]");
	else
		gu_text_echo(out, gu_str("[No goroutine is on this thread]"));
	return GU_OK;
}

static enum gu_status check(const struct gu_switch *s,
	const struct gu_goroutine *g, struct gu_diag *diag)
{
	if (!g)
		return gu_fail(diag, GU_NOT_FOUND, "there is no goroutine %"
			PRIu64, s->id);
	if (g->start == GU_START_NONE)
		return gu_fail(diag, GU_UNSUPPORTED, "goroutine %" PRIu64
			": %s", g->id, gu_trouble_text(g->trouble));
	if (!s->has_here)
		return gu_fail(diag, GU_UNSUPPORTED,
			"there is no thread to start from");
	return GU_OK;
}

/* Onto the thread that runs G, or back to it. */
static bool switch_thread(const struct gu_switch *s,
	const struct gu_switch_target *target, const struct gu_goroutine *g,
	struct gu_buf *out)
{
	const char *number = number_of(s, g->tid);
	bool same = current(s, target) == g;

	if (!same && (g->start != GU_START_THREAD || !number))
		return false;
	put_variable(out, "goroutine", g->id);
	put_variable(out, "gounstrip_goroutine", 0);
	put_line(out, "[Goroutine ", g, same ? " is on this thread]"
					     : " is on another thread]");
	if (same)
		gu_buf_str(out, gu_str("frame 0\n"));
	else
		gu_buf_printf(out, "thread %s\n", number);
	return true;
}

static enum gu_status switch_to(const struct gu_switch *s,
	const struct gu_switch_target *target, struct gu_diag *diag,
	struct gu_standin *standin, struct gu_buf *out)
{
	const struct gu_goroutine *g = find(target->gs, s->id);
	enum gu_status st = check(s, g, diag);

	if (st)
		return st;
	put_count(out, target->gs);
	if (is_on_thread(g) && switch_thread(s, target, g, out))
		return GU_OK;
	select_goroutine(s, g, standin, out);
	put_there(out, &g->regs);
	/* the number of its frame is GDB's to say */
	put_line(out, "[Switching to goroutine ", g, ", frame");
	out->n -= sizeof "\\n\n" - 1;
	gu_buf_str(out, gu_str("\ngounstrip-enter\n"));
	return GU_OK;
}

/* --- a command for one or all --------------------------------------------- */

/* Would GDB end a stack at the function at PC? */
static bool is_main(const struct gu_switch_target *target, uint64_t pc)
{
	struct gu_code code = gu_runtime_code(target->rt, pc);
	struct gu_func func;

	return !gu_pclntab_find(&code.module->tab, pc - code.bias, NULL,
			&func) &&
		gu_str_eq(gu_func_name(&code.module->tab, &func),
			gu_str("main.main"));
}

/*
 * A thread other than the one GDB is in: GDB goes back from it whatever
 * happens, and then forgets all frames.  NULL: there is none.
 */
static const struct gu_thread *find_host(const struct gu_switch *s,
	const struct gu_switch_target *target)
{
	const struct gu_thread *host = NULL;

	for (size_t i = 0; i < target->nthreads; i++) {
		const struct gu_thread *thread = &target->threads[i];

		if (is_at(thread, &s->here) || !number_of(s, thread->tid) ||
			is_main(target, thread->regs.pc))
			continue;
		host = thread;
		if (gu_modules_find(target->modules, target->mem,
			thread->regs.pc, true))
			break;
	}
	return host;
}

/* "print x": as arguments of the command in which GDB reads the reply. */
static void put_arguments(struct gu_buf *out, const struct gu_switch *s)
{
	if (*s->word)
		gu_buf_printf(out, " %s", s->word);
	for (unsigned i = s->first; i < s->argc; i++)
		gu_buf_printf(out, " $arg%u", i);
	gu_buf_u8(out, '\n');
}

/* GDB replaces $arg0 only within blocks. */
static void put_visit(const struct gu_switch *s, const struct gu_goroutine *g,
	const struct gu_thread *host, size_t n, struct gu_buf *out)
{
	const char *on = is_on_thread(g) && g->start == GU_START_THREAD
		? number_of(s, g->tid) : NULL;

	put_line(out, "goroutine ", g, ":");
	put_variable(out, "goroutine", g->id);
	if (!on && g->start != GU_START_NONE && g->start != GU_START_THREAD) {
		put_there(out, &g->regs);
		put_variable(out, "gounstrip_next", n);
		gu_buf_str(out, gu_str("if 1\n"));
		if (host)
			gu_buf_printf(out, "thread apply %s -q ",
				number_of(s, host->tid));
		else
			gu_buf_str(out,
				gu_str("gounstrip-c gounstrip-flush\n"));
		gu_buf_str(out, gu_str("gounstrip-visit"));
		put_arguments(out, s);
		if (!host)
			gu_buf_str(out,
				gu_str("gounstrip-c gounstrip-flush\n"));
		gu_buf_str(out, gu_str("end\n"));
	} else if (on) {
		gu_buf_printf(out, "if 1\nthread apply %s -q "
			"gounstrip-visit-thread", on);
		put_arguments(out, s);
		gu_buf_str(out, gu_str("end\n"));
	} else {
		gu_text_echo(out, gu_str(gu_trouble_text(g->trouble)));
	}
}

/* What gounstrip-visit is to run, with arguments as put_arguments has them. */
static enum gu_status write_command(const struct gu_switch *s,
	struct gu_diag *diag)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) command;
	unsigned first = s->first < s->argc ? s->first : s->argc;

	gu_buf_init(&command, false);
	gu_buf_str(&command, gu_str("if 1\n"));
	for (unsigned i = 0; i < s->argc - first + (*s->word != '\0'); i++)
		gu_buf_printf(&command, "%s$arg%u", i ? " " : "", i);
	gu_buf_str(&command, gu_str("\nend\n"));
	return gu_session_put(getpid(), "visit", &command, diag);
}

static bool is_visited(const struct gu_switch *s, const struct gu_goroutine *g)
{
	return s->verb == GU_SWITCH_ALL ? !g->system : g->id == s->id;
}

static enum gu_status visit(const struct gu_switch *s,
	const struct gu_switch_target *target, struct gu_diag *diag,
	struct gu_standin *standin, struct gu_buf *out)
{
	const struct gu_thread *host = find_host(s, target);
	enum gu_status st = write_command(s, diag);
	const struct gu_goroutine *now;
	uint64_t *visits;
	size_t n = 0;

	if (!st && s->verb == GU_SWITCH_IN)
		st = check(s, find(target->gs, s->id), diag);
	if (st)
		return st;
	visits = calloc(target->gs->n + 1, sizeof *visits);
	if (!visits)
		return gu_fail(diag, GU_NO_MEMORY, "out of memory");
	gu_switch_keep(s, target, standin, out);
	gu_buf_str(out, gu_str("gounstrip-c gounstrip-leave\n"));
	for (size_t i = 0; i < target->gs->n; i++) {
		const struct gu_goroutine *g = &target->gs->list[i];

		if (!is_visited(s, g))
			continue;
		put_visit(s, g, host, n, out);
		visits[n++] = g->addr;
	}
	now = find(target->gs, s->selected);
	if (!now)
		now = current(s, target);
	put_variable(out, "goroutine", now ? now->id : 0);
	gu_buf_str(out, gu_str("gounstrip-c gounstrip-return\n"));
	gu_standin_visit(standin, host ? &host->regs : &s->here, visits, n);
	return GU_OK;
}

enum gu_status gu_switch_reply(const struct gu_switch *s,
	const struct gu_switch_target *target, struct gu_diag *diag,
	struct gu_standin *standin, struct gu_buf *out)
{
	enum gu_status st = GU_OK;

	switch (s->verb) {
	case GU_SWITCH_NONE:
		break;
	case GU_SWITCH_WHICH:
		st = which(s, target, standin, out);
		break;
	case GU_SWITCH_TO:
		st = switch_to(s, target, diag, standin, out);
		break;
	case GU_SWITCH_IN:
	case GU_SWITCH_ALL:
		st = visit(s, target, diag, standin, out);
		break;
	}
	return st ? st : gu_buf_status(out, diag);
}
