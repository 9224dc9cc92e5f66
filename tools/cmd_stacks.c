/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gounstrip stacks: the goroutines of a process or a core, and their stacks,
 * as Go's own traceback prints them.
 *
 * The process stands still while its memory is read, not while the answer is
 * printed: whoever reads it may take long.
 */
#include "engine/emit/goroutine_list.h"
#include "engine/emit/waits_text.h"
#include "tools/goroutine_json.h"
#include "tools/options.h"
#include "tools/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	OPT_CORE = GU_OPTION_LONG, OPT_JSON, OPT_WHO_WAITS, OPT_LIST, OPT_QUERY,
};

static const struct gu_option options[] = {
	{'p', "pid", "PID", "a process: it is stopped for a moment, and\n"
		"nothing is written to it"},
	{OPT_CORE, "core", "FILE", "a core file"},
	{'e', "exe", "FILE", "the program, if the target does not tell"},
	{'g', "goroutine", "ID", "this goroutine only"},
	{'a', "all", NULL, "the runtime's own goroutines and calls too"},
	{OPT_LIST, "list", NULL,
		"a line for each, as 'info goroutines' in GDB"},
	{OPT_QUERY, "with", "KIND",
		"only those of that KIND; more than one may "
		"be\ngiven, all must hold: running, runnable, waiting,\n"
		"syscall, user, system, wait REASON (or its\nbeginning), age "
		">5m (or <, >=, <=; s, m, h, d),\n"
		"chan ADDR, label KEY=VALUE or KEY, func REGEX,\n"
		"file REGEX (of any call on the stack)"},
	{OPT_QUERY, "without", "KIND", "only those not of that KIND"},
	{OPT_QUERY, "group", "KEY",
		"count those that are alike, most first: by\n"
		"stack, curloc (the innermost call), userloc (in the\nuser's "
		"code), go (who made it), start, state, wait,\nlabel KEY"},
	{OPT_QUERY, "sort", "ORDER", "id, age (longest first) or loc"},
	{OPT_QUERY, "limit", "N", "the first N only"},
	{'t', NULL, "[DEPTH]", "no more than DEPTH calls of a stack"},
	{OPT_JSON, "json", NULL, "print JSON, one goroutine a line"},
	{OPT_WHO_WAITS, "who-waits", "ADDR", "only who waits on the channel, "
		"mutex, wait\ngroup, condition variable or timer at ADDR, or "
		"for\nfile descriptor N if ADDR is fd:N"},
	{0},
};

struct request {
	const char *exe, *core;
	int pid;
	uint64_t awaited; /* what to tell the waiters of, if… */
	bool who_waits, is_fd;
	struct gu_query query;
	bool json, list;
};

static void request_deinit(struct request *request)
{
	gu_query_deinit(&request->query);
}

struct report {
	struct gu_runtime rt;
	struct gu_goroutines gs;
	struct gu_buf out;
};

/* --- the report ----------------------------------------------------------- */

static enum gu_trace_show show_of(const struct request *request)
{
	return request->query.all ? GU_TRACE_RUNTIME : GU_TRACE_USER;
}

static enum gu_status report_json(struct report *r,
	const struct request *request, struct gu_diag *diag)
{
	const struct gu_query *query = &request->query;
	struct gu_selection gu_cleanup(gu_selection_close) s = {.list = NULL};
	enum gu_status st = gu_select(&r->rt, &r->gs, query, diag, &s);
	struct gu_trace trace;

	if (st)
		return st;
	if (query->id && !s.n)
		return gu_fail(diag, GU_NOT_FOUND, "there is no goroutine %"
			PRIu64, query->id);
	for (size_t i = 0; i < gu_goroutine_limit(query, &s) &&
		!r->out.failed; i++) {
		if (query->group) {
			gu_goroutine_group_json(&r->rt, query, &s,
				&s.groups[i], &r->out);
			continue;
		}
		gu_traceback(&r->rt, s.list[i], show_of(request), &trace);
		if (query->depth)
			gu_trace_cut(&trace, query->depth);
		gu_goroutine_json(&r->rt, &r->gs, s.list[i], &trace, &r->out);
	}
	return gu_buf_status(&r->out, diag);
}

static enum gu_status report_text(struct report *r,
	const struct request *request, struct gu_diag *diag)
{
	enum gu_list_form form = request->list ? GU_LIST_LINES
		: request->query.all ? GU_LIST_RUNTIME : GU_LIST_STACKS;

	return gu_goroutine_list(&r->rt, &r->gs, &request->query, form, NULL,
		diag, &r->out);
}

static enum gu_status report_waits(struct report *r,
	const struct request *request, struct gu_diag *diag)
{
	struct gu_waits gu_cleanup(gu_waits_close) waits = {.rt = NULL};
	enum gu_status st = gu_waits_open(&r->rt, &r->gs, diag, &waits);

	if (st)
		return st;
	if (request->is_fd)
		gu_waits_text_fd(&waits, request->awaited, &r->out);
	else
		gu_waits_text(&waits, request->awaited, &r->out);
	return gu_buf_status(&r->out, diag);
}

static enum gu_status read_all(struct gu_target *target,
	const struct request *request, struct gu_diag *diag, struct report *r)
{
	enum gu_status st;

	if (!gu_unwind_numbers(target->module->image->arch))
		return gu_fail(diag, GU_UNSUPPORTED, "stacks of %s programs "
			"are not unwound, only those of amd64 and arm64",
			gu_arch_name(target->module->image->arch));
	st = gu_runtime_open(target->module, target->bias, &target->mem, diag,
		&r->rt);
	r->rt.others = target->others;
	r->rt.nothers = target->nothers;
	if (!st)
		st = gu_goroutines_read(&r->rt, target->threads,
			target->nthreads, target->now, diag, &r->gs);
	if (st)
		return st;
	if (request->who_waits)
		return report_waits(r, request, diag);
	return request->json ? report_json(r, request, diag)
			     : report_text(r, request, diag);
}

static void complain_of(const char *subject, uint64_t n, const char *what)
{
	if (n)
		gu_complain(subject, "%" PRIu64 " of the entries in the list "
			"of goroutines %s", n, what);
}

/* What the runtime's list has and ours has not. */
static void tell_rest(const struct report *r, const struct request *request,
	const struct gu_target *target, const char *subject)
{
	uint64_t lost = target->core ? gu_core_lost(target->core) : 0;

	if (lost)
		gu_complain(subject, "the file was cut short: %" PRIu64
			" bytes of memory are not in it", lost);
	if (r->rt.allgs_claim)
		gu_complain(subject, "runtime.allgs has a length of %" PRIu64
			", which is wrong: of what is there the first %" PRIu64
			" can be goroutines", r->rt.allgs_claim,
			r->rt.allgs.len);
	complain_of(subject, r->gs.unreadable,
		"cannot be read: their memory is not there");
	complain_of(subject, r->gs.damaged, "are damaged");
	if (!r->gs.now_exact && request->core)
		gu_complain(subject, "a core does not tell when it was made: "
			"times of waiting are at least as long as shown");
}

static int report(const struct request *request)
{
	struct report r = {.rt = {.module = NULL}};
	struct gu_target target;
	struct gu_diag diag = {.text = ""};
	char name[32];
	const char *subject = request->core ? request->core : name;
	enum gu_status st;
	int code = GU_EXIT_OK;

	(void)snprintf(name, sizeof name, "process %d", request->pid);
	st = gu_target_open(request->pid, request->core, request->exe, &diag,
		&target);
	if (st)
		return gu_complain_diag(NULL, &diag);
	gu_buf_init(&r.out, false);
	st = read_all(&target, request, &diag, &r);
	gu_target_resume(&target);
	if (st) {
		code = gu_complain_diag(subject, &diag);
	} else {
		if (r.out.n)
			fwrite(r.out.p, 1, r.out.n, stdout);
		tell_rest(&r, request, &target, subject);
	}
	gu_buf_deinit(&r.out);
	gu_goroutines_close(&r.gs);
	gu_runtime_close(&r.rt);
	gu_target_close(&target);
	return code;
}

/* "c000076060", with or without 0x, or "fd:7" */
static bool parse_awaited(const char *arg, struct request *out)
{
	out->who_waits = true;
	out->is_fd = strncmp(arg, "fd:", 3) == 0;
	return gu_parse_number(arg + (out->is_fd ? 3 : 0), !out->is_fd,
		&out->awaited);
}

/*
 * Take the words that GDB's "info goroutines" knows too out of ARGV: they may
 * have a value of two words, and one dash or two.
 */
static enum gu_status take_query(struct gu_query *query, int *argc, char **argv,
	struct gu_diag *diag)
{
	struct gu_str *words = calloc((size_t)*argc, sizeof *words);
	size_t n = (size_t)*argc, used, kept = 0;
	enum gu_status st = GU_OK;

	if (!words)
		return gu_fail(diag, GU_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < n; i++)
		words[i] = gu_str(argv[i]);
	for (size_t i = 0; i < n && !st; i += used ? used : 1) {
		st = gu_query_take(query, words + i, n - i, diag, &used);
		if (!used)
			argv[kept++] = argv[i];
	}
	free(words);
	argv[kept] = NULL;
	*argc = (int)kept;
	return st;
}

/* "--with=KIND", which the option parser has taken apart. */
static enum gu_status take_option(struct gu_query *query, const char *option,
	const char *arg, struct gu_diag *diag)
{
	const char *equal = strchr(option, '=');
	const struct gu_str words[] = {
		{option, equal ? (size_t)(equal - option) : 2}, gu_str(arg)};
	size_t used;
	enum gu_status st = gu_query_take(query, words, 2, diag, &used);

	return st || used == 2 ? st : gu_query_refuse(gu_str(option), diag);
}

static int run(const struct gu_command *self, int argc, char **argv)
{
	struct gu_options parser;
	struct request gu_cleanup(request_deinit) request = {.pid = 0};
	struct gu_diag diag;
	uint64_t number;
	int c;

	if (take_query(&request.query, &argc, argv, &diag))
		return gu_usage_error(self, "%s", diag.text);
	gu_options_init(&parser, self, argc, argv);
	while ((c = gu_options_next(&parser)) != -1) {
		if ((c == 'p' || c == 'g') &&
			(!gu_parse_number(parser.arg, false, &number) ||
				number == 0 ||
				(c == 'p' && number > INT32_MAX)))
			return gu_usage_error(self, "'%s' is no %s", parser.arg,
				c == 'p' ? "process id" : "goroutine's number");
		if (c == 'p')
			request.pid = (int)number;
		if (c == 'g')
			request.query.id = number;
		if (c == 'e')
			request.exe = parser.arg;
		if (c == OPT_CORE)
			request.core = parser.arg;
		if ((c == OPT_QUERY || c == 't') && take_option(&request.query,
			argv[optind - 1], parser.arg, &diag))
			return gu_usage_error(self, "%s", diag.text);
		if (c == OPT_WHO_WAITS && !parse_awaited(parser.arg, &request))
			return gu_usage_error(self, "'%s' is neither an "
				"address nor a file descriptor (fd:N)",
				parser.arg);
		request.query.all |= c == 'a';
		request.json |= c == OPT_JSON;
		request.list |= c == OPT_LIST;
	}
	if (optind < argc)
		return gu_usage_error(self, "'%s' was not expected",
			argv[optind]);
	if (!request.pid == !request.core)
		return gu_usage_error(self,
			"either a process (-p) or a core (--core) is needed");
	if (request.who_waits && (request.json || request.list ||
		gu_query_narrows(&request.query)))
		return gu_usage_error(self, "--who-waits tells of all "
			"goroutines, as text: it goes with no other choice");
	if (request.json && request.list)
		return gu_usage_error(self, "either --list or --json");
	if (request.pid == (int)getpid())
		return gu_usage_error(self, "this is the process that asks");
	return report(&request);
}

const struct gu_command gu_cmd_stacks = {
	.name = "stacks",
	.brief = "goroutines and their stacks, of a process or a core",
	.operands = "{-p PID | --core FILE} [OPTION]...",
	.about =
"Print the stacks of all goroutines as Go's own traceback does, without its\n"
"help: the program needs neither symbols nor DWARF.  A process is stopped for\n"
"the moment it takes to read it, and runs on as if nothing had happened.  The\n"
"words of --with and so on are those of 'info goroutines' in GDB.",
	.options = options,
	.run = run,
};
