/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jitreader/mailbox.h"

#include "engine/base/outfile.h"
#include "engine/emit/goroutine_list.h"
#include "engine/emit/text.h"
#include "engine/emit/waits_text.h"
#include "engine/image/cache.h"
#include "engine/stack/curg.h"
#include "jitreader/mem_near.h"
#include "jitreader/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { CACHE_BYTES = 8 << 20 };

/* All that is freed when GDB throws past us. */
struct answer {
	struct gu_request request;
	struct gu_cache *cache;
	struct gu_mem_near near;
	struct gu_runtime rt;
	struct gu_goroutines gs;
	struct gu_waits waits;
	struct gu_buf lines, commands;
	struct gu_outfile file; /* if the request names one */
	bool has_file;          /* it is open */
	/* the runtimes that are here, and the module whose one rt is */
	size_t nruntimes;
	const char *owner;
};

static void answer_deinit(struct answer *a)
{
	if (a->has_file) /* it is not complete */
		(void)!gu_outfile_close(&a->file, GU_STOP, NULL);
	gu_waits_close(&a->waits);
	gu_goroutines_close(&a->gs);
	gu_runtime_close(&a->rt);
	gu_cache_destroy(a->cache);
	gu_mem_near_deinit(&a->near);
	gu_request_deinit(&a->request);
	gu_buf_deinit(&a->lines);
	gu_buf_deinit(&a->commands);
}

/* --- the reply ------------------------------------------------------------ */

/* The lines so far into the file. */
static enum gu_status write_lines(void *ctx, struct gu_buf *lines,
	struct gu_diag *diag)
{
	struct answer *a = ctx;
	enum gu_status st = GU_OK;

	if (!a->has_file) {
		st = gu_outfile_open(a->request.file, diag, &a->file);
		a->has_file = st == GU_OK;
	}
	if (!st && !gu_write_all(a->file.fd, lines->p, lines->n))
		st = gu_fail(diag, GU_IO, "%s cannot be written: %s",
			a->request.file, strerror(errno));
	lines->n = 0;
	return st;
}

/* What of the runtime's list is not in ours, whatever is asked. */
static void put_lost(struct answer *a)
{
	if (a->nruntimes > 1) {
		gu_buf_str(&a->lines, gu_str("...these are of "));
		gu_text_escape(&a->lines, gu_str(a->owner));
		gu_buf_printf(&a->lines, "; %zu Go runtimes are here: see "
			"'go runtime'...\n", a->nruntimes);
	}
	if (a->rt.allgs_claim)
		gu_buf_printf(&a->lines, "...runtime.allgs has a length of %"
			PRIu64 ", which is wrong: of what is there the first %"
			PRIu64 " can be goroutines...\n", a->rt.allgs_claim,
			a->rt.allgs.len);
	if (a->gs.unreadable)
		gu_buf_printf(&a->lines, "...%" PRIu64 " goroutines cannot be "
			"read: their memory is not there...\n",
			a->gs.unreadable);
	if (a->gs.damaged)
		gu_buf_printf(&a->lines, "...%" PRIu64 " goroutines are "
			"damaged...\n", a->gs.damaged);
}

static enum gu_status put_all(struct answer *a, struct gu_diag *diag)
{
	const struct gu_request *r = &a->request;
	const struct gu_drain drain = {write_lines, a};
	enum gu_status st = gu_goroutine_list(&a->rt, &a->gs, &r->query,
		r->bt ? GU_LIST_STACKS : GU_LIST_LINES,
		r->file ? &drain : NULL, diag, &a->lines);

	if (!st && !r->query.id)
		put_lost(a);
	return st ? st : gu_buf_status(&a->lines, diag);
}

static enum gu_status put_waits(struct answer *a, struct gu_diag *diag)
{
	const struct gu_request *r = &a->request;
	enum gu_status st = gu_waits_open(&a->rt, &a->gs, diag, &a->waits);

	if (st)
		return st;
	if (r->waits_fd)
		gu_waits_text_fd(&a->waits, r->awaited, &a->lines);
	else
		gu_waits_text(&a->waits, r->awaited, &a->lines);
	put_lost(a);
	return gu_buf_status(&a->lines, diag);
}

/*
 * GDB reads the condition again in the language that was set when the
 * breakpoint was made. It has no casts, which each language writes in its own
 * way, should another one be asked: a variable has the type.
 */
static void put_break(const struct gu_request *r, const struct gu_curg *curg,
	unsigned word, struct gu_buf *out)
{
	char g[96], m[192];

	if (curg->in_memory)
		(void)snprintf(g, sizeof g, "$_gounstrip_memory[$fs_base/%u%+"
			PRId64 "]", word, (int64_t)curg->off / word);
	else
		(void)snprintf(g, sizeof g, "$x28");
	(void)snprintf(m, sizeof m, "$_gounstrip_memory[%s/%u+%" PRIu64 "]", g,
		word, curg->g_m / word);
	gu_buf_printf(out, "with language c -- set $_gounstrip_memory = "
		"(unsigned long *) 0\n"
		"with language c -- break %.*s if %s != 0 && "
		"$_gounstrip_memory[%s/%u+%" PRIu64
		"] != 0 && $_gounstrip_memory[$_gounstrip_memory[%s/%u+%" PRIu64
		"]/%u+%" PRIu64 "] == %" PRIu64 "\n", GU_STR(r->place), g,
		m, word, curg->m_curg / word, m, word, curg->m_curg / word,
		word, curg->g_goid / word, r->only);
}

static enum gu_status make_break(struct answer *a, struct gu_diag *diag)
{
	const struct gu_request *r = &a->request;
	unsigned word = a->rt.mem.ptr_size;
	struct gu_curg curg;
	enum gu_status st = GU_NOT_FOUND;

	for (size_t i = 0; i < a->gs.n && st; i++)
		if (a->gs.list[i].id == r->only)
			st = GU_OK;
	if (st)
		return gu_fail(diag, st, "there is no goroutine %" PRIu64,
			r->only);
	if (r->thread == 0)
		return gu_fail(diag, GU_UNSUPPORTED, "GDB does not show the "
			"register that leads to a thread's goroutine");
	st = gu_curg_find(&a->rt, &a->gs, r->thread, diag, &curg);
	if (st)
		return st;
	if (word != 8 || r->thread % word || curg.off % word ||
		curg.g_m % word || curg.m_curg % word || curg.g_goid % word)
		return gu_fail(diag, GU_UNSUPPORTED, "what leads to a thread's "
			"goroutine is not aligned");
	put_break(r, &curg, word, &a->commands);
	return gu_buf_status(&a->commands, diag);
}

/* --- how it is shown ------------------------------------------------------ */

static enum gu_status write_file(struct answer *a, struct gu_diag *diag)
{
	enum gu_status st = write_lines(a, &a->lines, diag);

	if (st)
		return st;
	a->has_file = false;
	return gu_outfile_close(&a->file, st, diag);
}

/* Past GDB, which prints a megabyte a second. */
static enum gu_status put_text(struct answer *a, struct gu_diag *diag)
{
	char folder[64];

	gu_session_path(getpid(), folder, sizeof folder);
	gu_buf_printf(&a->commands, "shell cat %s/text\n", folder);
	return gu_session_put(getpid(), "text", &a->lines, diag);
}

/* In a file, for GDB would replace a $argc of the user's. */
static enum gu_status put_shell(struct answer *a, struct gu_diag *diag)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) command;
	char folder[64];
	enum gu_status st;

	gu_buf_init(&command, false);
	gu_buf_printf(&command, "%s\n", a->request.shell);
	gu_session_path(getpid(), folder, sizeof folder);
	gu_buf_printf(&a->commands, "shell sh %s/shell <%s/text\n", folder,
		folder);
	st = gu_session_put(getpid(), "shell", &command, diag);
	return st ? st : gu_session_put(getpid(), "text", &a->lines, diag);
}

static enum gu_status put_reply(struct answer *a, struct gu_diag *diag)
{
	enum { SHORT = 1 << 16 };
	const char *p = (const char *)a->lines.p, *end = p + a->lines.n;

	if (a->request.file)
		return write_file(a, diag);
	if (a->request.shell)
		return put_shell(a, diag);
	if (a->lines.n > SHORT)
		return put_text(a, diag);
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		gu_text_echo(&a->commands,
			(struct gu_str){p, (size_t)(eol - p)});
		p = eol + 1;
	}
	return GU_OK;
}

/* --- the answer ----------------------------------------------------------- */

/* The addresses of the goroutines tell a process from any other. */
static void read_direct(struct answer *a, const struct gu_mem *target)
{
	const struct gu_request *r = &a->request;
	struct gu_mem direct = *target;

	if (r->core)
		gu_mem_near_core(&a->near, target, r->core);
	else if (r->native && r->nthreads)
		gu_mem_near_process(&a->near, target, r->threads[0].tid);
	if (a->near.own.ops) {
		gu_mem_near_prove(&a->near, a->rt.allgs.addr,
			(size_t)a->rt.allgs.len * target->ptr_size);
		direct = gu_mem_of_near(&a->near);
	}
	gu_runtime_read_direct(&a->rt, &direct);
}

/* Module I, if the target holds it. */
static const struct gu_loaded *find_loaded(struct gu_modules *modules,
	const struct gu_mem *target, size_t i)
{
	return gu_modules_find(modules, target, modules->loaded[i].lo, false);
}

static void count_runtimes(struct gu_modules *modules,
	const struct gu_mem *target, struct answer *a)
{
	size_t n = modules->session.nmodules;

	for (size_t i = 0; n > 1 && i < n; i++)
		a->nruntimes += find_loaded(modules, target, i) &&
			gu_modules_owns(modules, target, i);
}

/*
 * "* /usr/lib/libx.so": those that are here; "*" is whose goroutines are shown.
 */
static enum gu_status put_runtimes(struct gu_modules *modules,
	const struct gu_mem *target, struct gu_diag *diag, struct answer *a)
{
	size_t asked = gu_modules_main(modules, target);

	for (size_t i = 0; i < modules->session.nmodules; i++) {
		if (!gu_modules_owns(modules, target, i) ||
			!find_loaded(modules, target, i))
			continue;
		gu_buf_str(&a->lines, gu_str(i == asked ? "* " : "  "));
		gu_text_escape(&a->lines,
			gu_str(modules->session.modules[i].file));
		gu_buf_u8(&a->lines, '\n');
	}
	if (!a->lines.n)
		gu_buf_str(&a->lines, gu_str("No Go runtime is here\n"));
	return gu_buf_status(&a->lines, diag);
}

/*
 * The runtime that was chosen; else the first module's, by the session's order,
 * that is here and has goroutines.
 */
static enum gu_status open_runtime(struct gu_modules *modules,
	const struct gu_mem *target, struct gu_diag *diag, struct answer *a)
{
	enum gu_status st = gu_cache_create(target, CACHE_BYTES, diag,
		&a->cache);
	size_t n = modules->session.nmodules, first;
	struct gu_mem mem;

	if (st)
		return st;
	mem = gu_cache_mem(a->cache);
	first = gu_modules_main(modules, target);
	st = gu_fail(diag, GU_NOT_FOUND, "the program is not where it was "
		"loaded: 'go load' again");
	for (size_t k = 0; st && k <= n; k++) {
		size_t i = k ? k - 1 : first;
		const struct gu_loaded *loaded;

		if (i >= n || (k && (i == first || modules->chosen)))
			continue;
		loaded = find_loaded(modules, target, i);
		if (!loaded)
			continue;
		st = gu_runtime_open(loaded->module, loaded->bias, &mem, diag,
			&a->rt);
		a->owner = modules->session.modules[i].file;
	}
	if (!st)
		read_direct(a, target);
	return st;
}

static enum gu_status put_answer(struct answer *a,
	const struct gu_switch_target *found, struct gu_diag *diag,
	struct gu_standin *standin)
{
	const struct gu_request *r = &a->request;
	enum gu_status st;

	if (r->goroutine.verb)
		return gu_switch_reply(&r->goroutine, found, diag, standin,
			&a->commands);
	gu_switch_keep(&r->goroutine, found, standin, &a->commands);
	if (r->breaks)
		return make_break(a, diag);
	st = r->waits || r->waits_fd ? put_waits(a, diag) : put_all(a, diag);
	return st ? st : put_reply(a, diag);
}

static enum gu_status make_reply(struct gu_modules *modules,
	const struct gu_mem *target, uint64_t pc, struct gu_diag *diag,
	struct answer *a, struct gu_standin *standin)
{
	struct gu_switch_target found = {modules, target, &a->rt, &a->gs,
		NULL, 0};
	enum gu_status st = gu_request_parse(diag, &a->request);

	if (st)
		return st;
	/* a program that has moved is found by a pc in it */
	(void)gu_modules_find(modules, target, pc, false);
	if (a->request.runtimes) {
		if (a->request.runtime.n)
			st = gu_modules_choose(modules, target,
				a->request.runtime, diag);
		if (!st)
			st = put_runtimes(modules, target, diag, a);
		return st ? st : put_reply(a, diag);
	}
	count_runtimes(modules, target, a);
	st = open_runtime(modules, target, diag, a);
	if (!st)
		st = gu_goroutines_read(&a->rt, a->request.threads,
			a->request.nthreads, a->request.now, diag, &a->gs);
	if (st)
		return st;
	found.threads = a->request.threads;
	found.nthreads = a->request.nthreads;
	st = gu_standin_watch(standin, found.threads, found.nthreads,
		a->request.native, diag);
	if (!st)
		st = put_answer(a, &found, diag, standin);
	if (st) { /* what was selected stays so */
		a->commands.n = 0;
		gu_switch_keep(&a->request.goroutine, &found, standin,
			&a->commands);
	}
	return st;
}

/* GDB has no command that only fails. */
static void put_failure(struct gu_buf *commands, const char *text)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) line;

	gu_buf_init(&line, false);
	gu_buf_printf(&line, "gounstrip: %s", text);
	if (!line.failed)
		gu_text_echo(commands,
			(struct gu_str){(const char *)line.p, line.n});
	gu_buf_str(commands, gu_str("remove-symbol-file gounstrip\n"));
}

void gu_mailbox_answer(struct gu_modules *modules, const struct gu_mem *target,
	uint64_t pc, struct gu_standin *standin)
{
	gu_cleanup(answer_deinit) struct answer a = {.owner = ""};
	struct gu_diag diag = {.text = ""};
	enum gu_status st;

	gu_buf_init(&a.request.text, false);
	gu_buf_init(&a.lines, false);
	gu_buf_init(&a.commands, false);
	st = gu_session_take(getpid(), "request", &diag,
		&a.request.text);
	if (st)
		return;
	/* GDB 10 drops a Ctrl-C while it goes back to the user's frame */
	put_failure(&a.commands, "interrupted");
	if (gu_session_put(getpid(), "reply", &a.commands, &diag))
		modules->debug("the reply", &diag);
	a.commands.n = 0;
	if (make_reply(modules, target, pc, &diag, &a, standin))
		put_failure(&a.commands, diag.text);
	if (gu_session_put(getpid(), "reply", &a.commands, &diag))
		modules->debug("the reply", &diag);
}
