/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gounstrip stacks: the goroutines of a process or a core, and their stacks,
 * as Go's own traceback prints them.
 *
 * The process stands still while its memory is read, not while the answer is
 * printed: whoever reads it may take long.
 */
#include "engine/emit/goroutine_text.h"
#include "engine/emit/text.h"
#include "engine/emit/waits_text.h"
#include "engine/stack/labels.h"
#include "tools/options.h"
#include "tools/target.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OPT_CORE = GU_OPTION_LONG, OPT_JSON, OPT_WHO_WAITS };

static const struct gu_option options[] = {
	{'p', "pid", "PID", "a process: it is stopped for a moment, and\n"
		"nothing is written to it"},
	{OPT_CORE, "core", "FILE", "a core file"},
	{'e', "exe", "FILE", "the program, if the target does not tell"},
	{'g', "goroutine", "ID", "this goroutine only"},
	{'a', "all", NULL, "the runtime's own goroutines and calls too"},
	{OPT_JSON, "json", NULL, "print JSON, one goroutine a line"},
	{OPT_WHO_WAITS, "who-waits", "ADDR", "only who waits on the channel, "
		"mutex, wait\ngroup, condition variable or timer at ADDR, or "
		"for\nfile descriptor N if ADDR is fd:N"},
	{0},
};

struct request {
	const char *exe, *core;
	int pid;
	uint64_t id; /* 0: all */
	uint64_t awaited; /* what to tell the waiters of, if… */
	bool who_waits, is_fd;
	bool all, json;
};

struct report {
	struct gu_runtime rt;
	struct gu_goroutines gs;
	struct gu_buf out;
	uint64_t shown, hidden;
};

/* --- JSON ----------------------------------------------------------------- */

/* Escaped, since JSON takes valid UTF-8 only. */
static json_t *text(struct gu_str s)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) buf;

	gu_buf_init(&buf, false);
	gu_text_escape(&buf, s);
	return json_stringn(buf.n ? (const char *)buf.p : "", buf.n);
}

static json_t *address(uint64_t addr)
{
	return json_sprintf("0x%" PRIx64, addr);
}

static json_t *call_json(const struct gu_trace_call *call)
{
	json_t *o = json_object();

	json_object_set_new(o, "function", text(call->name));
	json_object_set_new(o, "file", text(call->file));
	json_object_set_new(o, "line", json_integer(call->line));
	json_object_set_new(o, "pc", address(call->pc));
	if (call->inlined)
		json_object_set_new(o, "inlined", json_true());
	return o;
}

static void put_trace(json_t *o, const struct gu_goroutine *g,
	const struct gu_trace *trace)
{
	json_t *calls = json_array();

	for (size_t i = 0; i < trace->n; i++)
		json_array_append_new(calls, call_json(&trace->calls[i]));
	json_object_set_new(o, "stack", calls);
	if (trace->elided)
		json_object_set_new(o, "elided",
			json_integer((json_int_t)trace->elided));
	if (trace->stop.text[0])
		json_object_set_new(o, "stops", json_string(trace->stop.text));
	if (trace->has_creator)
		json_object_set_new(o, "created_by",
			call_json(&trace->creator));
	if (g->parent)
		json_object_set_new(o, "created_in",
			json_integer((json_int_t)g->parent));
}

static void put_label(void *ctx, struct gu_str key, struct gu_str value)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) name;

	gu_buf_init(&name, false);
	gu_text_escape(&name, key);
	gu_buf_u8(&name, '\0');
	if (!name.failed)
		json_object_set_new(ctx, (const char *)name.p, text(value));
}

static void put_labels(json_t *o, const struct gu_runtime *rt,
	const struct gu_goroutine *g)
{
	json_t *labels = json_object();

	if (gu_labels_read(rt, g, put_label, labels, NULL))
		json_object_set_new(o, "labels_incomplete", json_true());
	if (json_object_size(labels))
		json_object_set(o, "labels", labels);
	json_decref(labels);
}

static void put_json(struct report *r, const struct gu_goroutine *g,
	const struct gu_trace *trace)
{
	json_t *o = json_object();
	struct gu_str state = gu_goroutine_state(g);
	uint64_t minutes = gu_goroutine_minutes(&r->gs, g);
	char *line;

	json_object_set_new(o, "goroutine", json_integer((json_int_t)g->id));
	json_object_set_new(o, "state", state.n ? text(state)
		: json_sprintf("status %" PRIu32, g->status));
	if (minutes)
		json_object_set_new(o, r->gs.now_exact ? "minutes"
			: "minutes_at_least", json_integer((json_int_t)minutes));
	if (g->tid)
		json_object_set_new(o, "thread", json_integer(g->tid));
	if (g->locked)
		json_object_set_new(o, "locked", json_true());
	if (g->system)
		json_object_set_new(o, "system", json_true());
	if (g->scan)
		json_object_set_new(o, "scan", json_true());
	json_object_set_new(o, "g", address(g->addr));
	put_labels(o, &r->rt, g);
	put_trace(o, g, trace);
	line = json_dumps(o, JSON_COMPACT);
	if (line)
		gu_buf_str(&r->out, gu_str(line));
	gu_buf_u8(&r->out, '\n');
	free(line);
	json_decref(o);
}

/* --- the report ----------------------------------------------------------- */

static bool is_wanted(const struct request *request,
	const struct gu_goroutine *g)
{
	if (request->id)
		return g->id == request->id;
	return request->all || !g->system;
}

static void report_all(struct report *r, const struct request *request)
{
	struct gu_trace trace;

	for (size_t i = 0; i < r->gs.n && !r->out.failed; i++) {
		const struct gu_goroutine *g = &r->gs.list[i];

		if (!is_wanted(request, g)) {
			r->hidden++;
			continue;
		}
		gu_traceback(&r->rt, g, request->all ? GU_TRACE_RUNTIME
						     : GU_TRACE_USER, &trace);
		if (request->json) {
			put_json(r, g, &trace);
		} else {
			if (r->shown)
				gu_buf_u8(&r->out, '\n');
			gu_goroutine_text_header(&r->rt, &r->gs, g, &r->out);
			gu_goroutine_text_trace(&trace, &r->out);
		}
		r->shown++;
	}
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
	report_all(r, request);
	return gu_buf_status(&r->out, diag);
}

static void complain_of(const char *subject, uint64_t n, const char *what)
{
	if (n)
		gu_complain(subject, "%" PRIu64 " of the entries in the list "
			"of goroutines %s", n, what);
}

/* What the list left out. */
static int tell_rest(const struct report *r, const struct request *request,
	const struct gu_target *target, const char *subject)
{
	uint64_t lost = target->core ? gu_core_lost(target->core) : 0;

	if (lost)
		gu_complain(subject, "the file was cut short: %" PRIu64
			" bytes of memory are not in it", lost);
	complain_of(subject, r->gs.unreadable,
		"cannot be read: their memory is not there");
	complain_of(subject, r->gs.damaged, "are damaged");
	if (!r->gs.now_exact && request->core)
		gu_complain(subject, "a core does not tell when it was made: "
			"times of waiting are at least as long as shown");
	if (request->id && !r->shown) {
		gu_complain(subject, "there is no goroutine %" PRIu64,
			request->id);
		return GU_EXIT_FAILED;
	}
	if (r->hidden && !request->id && !request->json)
		printf("\n...%" PRIu64 " goroutines of the runtime's own are "
		       "not shown; --all shows them...\n", r->hidden);
	return GU_EXIT_OK;
}

static int report(const struct request *request)
{
	struct report r = {.shown = 0};
	struct gu_target target;
	struct gu_diag diag = {.text = ""};
	char name[32];
	const char *subject = request->core ? request->core : name;
	enum gu_status st;
	int code;

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
		code = tell_rest(&r, request, &target, subject);
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

static int run(const struct gu_command *self, int argc, char **argv)
{
	struct gu_options parser;
	struct request request = {.pid = 0};
	uint64_t number;
	int c;

	gu_options_init(&parser, self, argc, argv);
	while ((c = gu_options_next(&parser)) != -1) {
		if ((c == 'p' || c == 'g') &&
			(!gu_parse_number(parser.arg, false, &number) ||
				number == 0 || (c == 'p' && number > INT32_MAX)))
			return gu_usage_error(self, "'%s' is no %s", parser.arg,
				c == 'p' ? "process id" : "goroutine's number");
		if (c == 'p')
			request.pid = (int)number;
		if (c == 'g')
			request.id = number;
		if (c == 'e')
			request.exe = parser.arg;
		if (c == OPT_CORE)
			request.core = parser.arg;
		if (c == OPT_WHO_WAITS && !parse_awaited(parser.arg, &request))
			return gu_usage_error(self, "'%s' is neither an "
				"address nor a file descriptor (fd:N)",
				parser.arg);
		request.all |= c == 'a';
		request.json |= c == OPT_JSON;
	}
	if (optind < argc)
		return gu_usage_error(self, "'%s' was not expected",
			argv[optind]);
	if (!request.pid == !request.core)
		return gu_usage_error(self,
			"either a process (-p) or a core (--core) is needed");
	if (request.who_waits && (request.json || request.id || request.all))
		return gu_usage_error(self, "--who-waits tells of all "
			"goroutines, as text: it goes with no other choice");
	if (request.pid == (int)getpid())
		return gu_usage_error(self, "this is the process that asks");
	return report(&request);
}

const struct gu_command gu_cmd_stacks = {
	.name = "stacks",
	.brief = "goroutines and their stacks, of a process or a core",
	.operands = "{-p PID | --core FILE} [OPTION]...",
	.about = "Print the stacks of all goroutines as Go's own traceback does, "
		 "without its help:\nthe program needs neither symbols nor "
		 "DWARF.  A process is stopped for the moment\nit takes to read "
		 "it, and runs on as if nothing had happened.",
	.options = options,
	.run = run,
};
