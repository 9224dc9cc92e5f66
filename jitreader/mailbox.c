/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jitreader/mailbox.h"

#include "engine/emit/goroutine_text.h"
#include "engine/emit/text.h"
#include "engine/emit/waits_text.h"
#include "engine/image/cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CACHE_BYTES = 64 << 20, STATE_SIZE = 64 };

struct request {
	bool bt, all, stacks;
	bool waits, waits_fd; /* who waits for… */
	uint64_t awaited;     /* …this address, or descriptor */
	uint64_t id, limit; /* 0: all */
	char with[STATE_SIZE], without[STATE_SIZE];
	struct gu_thread *threads;
	size_t nthreads;
};

/* All that is freed when GDB throws past us. */
struct answer {
	struct gu_buf text; /* of the request */
	struct request request;
	struct gu_cache *cache;
	struct gu_runtime rt;
	struct gu_goroutines gs;
	struct gu_waits waits;
	struct gu_buf lines, commands;
	uint64_t shown, hidden, left;
};

static void answer_deinit(struct answer *a)
{
	gu_waits_close(&a->waits);
	gu_goroutines_close(&a->gs);
	gu_runtime_close(&a->rt);
	gu_cache_destroy(a->cache);
	free(a->request.threads);
	gu_buf_deinit(&a->text);
	gu_buf_deinit(&a->lines);
	gu_buf_deinit(&a->commands);
}

/* --- the request ---------------------------------------------------------- */

static void parse_line(const char *line, struct request *r)
{
	struct gu_thread thread = {.regs = {.has_fp = true}};
	struct gu_regs *regs = &thread.regs;

	if (sscanf(line, "bt %" SCNu64, &r->id) == 1)
		r->bt = true;
	else if (sscanf(line, "waits %" SCNx64, &r->awaited) == 1)
		r->waits = true;
	else if (sscanf(line, "fd %" SCNu64, &r->awaited) == 1)
		r->waits_fd = true;
	else if (sscanf(line, "limit %" SCNu64, &r->limit) == 1 ||
		sscanf(line, "with %63[^\n]", r->with) == 1 ||
		sscanf(line, "without %63[^\n]", r->without) == 1)
		return;
	else if (strcmp(line, "all") == 0)
		r->all = true;
	else if (strcmp(line, "stacks") == 0)
		r->stacks = true;
	else if (sscanf(line, "thread %" SCNd32 " %" SCNx64 " %" SCNx64
			" %" SCNx64, &thread.tid, &regs->pc, &regs->sp,
			&regs->fp) == 4)
		r->threads[r->nthreads++] = thread;
}

/* TEXT ends with a NUL, its lines become strings. */
static enum gu_status parse(struct gu_buf *text, struct gu_diag *diag,
	struct request *out)
{
	char *line, *rest = NULL;
	size_t lines = 1;

	for (size_t i = 0; i < text->n; i++)
		lines += text->p[i] == '\n';
	out->threads = calloc(lines, sizeof *out->threads);
	if (!out->threads)
		return gu_fail(diag, GU_NO_MEMORY, "out of memory");
	for (line = strtok_r((char *)text->p, "\n", &rest); line;
		line = strtok_r(NULL, "\n", &rest))
		parse_line(line, out);
	return GU_OK;
}

/* --- the reply ------------------------------------------------------------ */

static bool has_state(const struct gu_goroutine *g, const char *state)
{
	struct gu_str wanted = gu_str(state), has = gu_goroutine_state(g);

	if (gu_str_eq(wanted, gu_str("user")) ||
		gu_str_eq(wanted, gu_str("system")))
		return g->system == (*state == 's');
	if (gu_str_eq(wanted, gu_str("waiting")))
		return g->status == GU_STATUS_WAITING;
	return gu_str_starts(has, wanted);
}

static bool is_wanted(const struct request *r, const struct gu_goroutine *g)
{
	if (r->id)
		return g->id == r->id;
	if (*r->with && !has_state(g, r->with))
		return false;
	return !*r->without || !has_state(g, r->without);
}

static bool is_hidden(const struct request *r, const struct gu_goroutine *g)
{
	return g->system && !r->all && !r->id &&
		strcmp(r->with, "system") != 0;
}

/* "* 17 [chan receive] main.worker at FILE:LINE, created by main.main" */
static void put_goroutine(struct answer *a, const struct gu_goroutine *g)
{
	struct gu_str state = gu_goroutine_state(g);
	uint64_t minutes = gu_goroutine_minutes(&a->gs, g);
	struct gu_buf *out = &a->lines;
	struct gu_trace trace;

	gu_traceback(&a->rt, g, GU_TRACE_USER, &trace);
	gu_buf_printf(out, "%c %" PRIu64 " [", g->tid ? '*' : ' ', g->id);
	if (state.n)
		gu_text_escape(out, state);
	else
		gu_buf_printf(out, "status %" PRIu32, g->status);
	if (minutes)
		gu_buf_printf(out, ", %s%" PRIu64 " minutes",
			a->gs.now_exact ? "" : "at least ", minutes);
	gu_buf_printf(out, "%s]", g->locked ? ", locked to thread" : "");
	if (trace.n) {
		gu_buf_u8(out, ' ');
		gu_goroutine_text_name(trace.calls[0].name, out);
		gu_buf_str(out, gu_str(" at "));
		gu_text_place(out, trace.calls[0].file, trace.calls[0].line);
	} else {
		gu_buf_printf(out, " (%s)", trace.stop.text);
	}
	if (trace.has_creator) {
		gu_buf_str(out, gu_str(", created by "));
		gu_goroutine_text_name(trace.creator.name, out);
	}
	if (g->tid)
		gu_buf_printf(out, ", thread %" PRId32, g->tid);
	gu_buf_u8(out, '\n');
	if (a->request.stacks)
		gu_goroutine_text_trace(&trace, out);
}

static void put_stack(struct answer *a, const struct gu_goroutine *g)
{
	struct gu_trace trace;

	gu_traceback(&a->rt, g, GU_TRACE_USER, &trace);
	if (a->shown)
		gu_buf_u8(&a->lines, '\n');
	gu_goroutine_text_header(&a->rt, &a->gs, g, &a->lines);
	gu_goroutine_text_trace(&trace, &a->lines);
}

static void put_rest(struct answer *a)
{
	const struct {
		uint64_t n;
		const char *what;
	} rest[] = {
		{a->hidden, "of the runtime's own are not shown"},
		{a->left, "more were left out by the limit"},
		{a->gs.unreadable, "cannot be read: their memory is not there"},
		{a->gs.damaged, "are damaged"},
	};

	for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
		if (rest[i].n)
			gu_buf_printf(&a->lines, "...%" PRIu64
				" goroutines %s...\n", rest[i].n, rest[i].what);
}

static enum gu_status put_all(struct answer *a, struct gu_diag *diag)
{
	const struct request *r = &a->request;

	for (size_t i = 0; i < a->gs.n && !a->lines.failed; i++) {
		const struct gu_goroutine *g = &a->gs.list[i];

		if (!is_wanted(r, g))
			continue;
		if (is_hidden(r, g)) {
			a->hidden++;
			continue;
		}
		if (r->limit && a->shown == r->limit) {
			a->left++;
			continue;
		}
		if (r->bt)
			put_stack(a, g);
		else
			put_goroutine(a, g);
		a->shown++;
	}
	if (r->id && !a->shown)
		return gu_fail(diag, GU_NOT_FOUND, "there is no goroutine %"
			PRIu64, r->id);
	if (!r->id)
		put_rest(a);
	return gu_buf_status(&a->lines, diag);
}

static enum gu_status put_waits(struct answer *a, struct gu_diag *diag)
{
	const struct request *r = &a->request;
	enum gu_status st = gu_waits_open(&a->rt, &a->gs, diag, &a->waits);

	if (st)
		return st;
	if (r->waits_fd)
		gu_waits_text_fd(&a->waits, r->awaited, &a->lines);
	else
		gu_waits_text(&a->waits, r->awaited, &a->lines);
	return gu_buf_status(&a->lines, diag);
}

/* The first module, by the session's order, that has a runtime. */
static enum gu_status open_runtime(struct gu_modules *modules,
	const struct gu_mem *target, uint64_t pc, struct gu_diag *diag,
	struct answer *a)
{
	enum gu_status st = gu_cache_create(target, CACHE_BYTES, diag,
		&a->cache);
	struct gu_mem mem;

	if (st)
		return st;
	mem = gu_cache_mem(a->cache);
	/* a program that has moved is found by a pc in it */
	(void)gu_modules_find(modules, target, pc, false);
	st = gu_fail(diag, GU_NOT_FOUND, "the program is not where it was "
		"loaded: 'go load' again");
	for (size_t i = 0; st && i < modules->session.nmodules; i++) {
		const struct gu_loaded *loaded = gu_modules_find(modules,
			target, modules->loaded[i].lo, false);

		if (loaded)
			st = gu_runtime_open(loaded->module, loaded->bias,
				&mem, diag, &a->rt);
	}
	return st;
}

static enum gu_status make_reply(struct gu_modules *modules,
	const struct gu_mem *target, uint64_t pc, struct gu_diag *diag,
	struct answer *a)
{
	enum gu_status st = parse(&a->text, diag, &a->request);

	if (!st)
		st = open_runtime(modules, target, pc, diag, a);
	if (!st)
		st = gu_goroutines_read(&a->rt, a->request.threads,
			a->request.nthreads, 0, diag, &a->gs);
	if (!st && (a->request.waits || a->request.waits_fd))
		return put_waits(a, diag);
	return st ? st : put_all(a, diag);
}

/* GDB prints a megabyte a second; what is long goes past it. */
static void put_reply(struct answer *a)
{
	enum { SHORT = 1 << 16 };
	const char *p = (const char *)a->lines.p, *end = p + a->lines.n;
	char folder[64];

	if (a->lines.n > SHORT &&
		!gu_session_put(getpid(), "text", &a->lines, NULL)) {
		gu_session_path(getpid(), folder, sizeof folder);
		gu_buf_printf(&a->commands, "shell cat %s/text\n", folder);
		return;
	}
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		gu_text_echo(&a->commands,
			(struct gu_str){p, (size_t)(eol - p)});
		p = eol + 1;
	}
}

void gu_mailbox_answer(struct gu_modules *modules, const struct gu_mem *target,
	uint64_t pc)
{
	gu_cleanup(answer_deinit) struct answer a = {.shown = 0};
	struct gu_diag diag = {.text = ""};
	enum gu_status st;

	gu_buf_init(&a.text, false);
	gu_buf_init(&a.lines, false);
	gu_buf_init(&a.commands, false);
	st = gu_session_take(getpid(), "request", &diag, &a.text);
	gu_buf_u8(&a.text, '\0');
	if (st || a.text.failed)
		return;
	if (make_reply(modules, target, pc, &diag, &a)) {
		a.lines.n = 0;
		gu_buf_printf(&a.lines, "gounstrip: %s", diag.text);
		gu_text_echo(&a.commands, (struct gu_str){
			(const char *)a.lines.p, a.lines.n});
		/* GDB has no command that only fails */
		gu_buf_str(&a.commands, gu_str("remove-symbol-file "
			"gounstrip\n"));
	} else {
		put_reply(&a);
	}
	if (gu_session_put(getpid(), "reply", &a.commands, &diag))
		modules->debug("the reply", &diag);
}
