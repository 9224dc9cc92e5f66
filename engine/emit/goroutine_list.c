/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/goroutine_list.h"

#include "engine/emit/text.h"
#include "engine/stack/ahead.h"
#include "engine/stack/labels.h"

#include <inttypes.h>

enum {
	IDS_SHOWN = 10, /* of a group */
	DRAIN_AT = 1 << 16, /* bytes */
};

/* --- a goroutine ---------------------------------------------------------- */

static void put_text(struct gu_buf *out, const char *text)
{
	gu_buf_str(out, gu_str(text));
}

/* Go counts minutes only; a list that is looked at may tell more. */
static void put_age(const struct gu_goroutines *gs,
	const struct gu_goroutine *g, struct gu_buf *out)
{
	uint64_t seconds = gu_goroutine_age(gs, g) / UINT64_C(1000000000);
	uint64_t n = seconds < 60 ? seconds : seconds / 60;

	if (!n)
		return;
	put_text(out, gs->now_exact ? ", " : ", at least ");
	gu_buf_decimal(out, n);
	put_text(out, seconds < 60 ? " second" : " minute");
	if (n != 1)
		gu_buf_u8(out, 's');
}

static void put_call(const struct gu_trace_call *call, struct gu_buf *out)
{
	gu_goroutine_text_name(call->name, out);
	put_text(out, " at ");
	gu_text_place(out, call->file, call->line);
}

static void put_start(const struct gu_runtime *rt,
	const struct gu_goroutine *g, struct gu_buf *out)
{
	struct gu_str name = gu_runtime_name(rt, g->start_pc);

	if (name.n)
		gu_goroutine_text_name(name, out);
	else
		gu_buf_printf(out, "0x%" PRIx64, g->start_pc);
}

void gu_goroutine_brief(const struct gu_goroutines *gs,
	const struct gu_goroutine *g, const struct gu_trace *trace,
	const char *what, struct gu_buf *out)
{
	const struct gu_trace_call *call = gu_trace_user(trace);

	gu_buf_decimal(out, g->id);
	put_text(out, " [");
	gu_goroutine_text_state(g, out);
	put_age(gs, g, out);
	gu_goroutine_text_ties(g, out);
	put_text(out, "] ");
	put_text(out, what);
	if (*what)
		put_text(out, ": ");
	if (call)
		put_call(call, out);
	else
		gu_buf_printf(out, "(%s)", trace->stop.text);
}

static void put_line(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, const struct gu_goroutine *g,
	const struct gu_trace *trace, struct gu_buf *out)
{
	put_text(out, g->tid ? "* " : "  ");
	gu_goroutine_brief(gs, g, trace, "", out);
	if (trace->has_creator) {
		put_text(out, ", created by ");
		gu_goroutine_text_name(trace->creator.name, out);
	}
	put_text(out, ", started at ");
	put_start(rt, g, out);
	if (g->tid)
		gu_buf_printf(out, ", thread %" PRId32, g->tid);
	gu_goroutine_text_labels(rt, g, out);
	gu_buf_u8(out, '\n');
}

void gu_goroutine_line(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, const struct gu_goroutine *g,
	struct gu_buf *out)
{
	struct gu_trace trace;

	gu_traceback_top(rt, g, &trace);
	put_line(rt, gs, g, &trace, out);
}

/* --- a group -------------------------------------------------------------- */

struct wanted_label {
	const char *key;
	struct gu_buf *out;
	bool found;
};

static void put_label(void *ctx, struct gu_str key, struct gu_str value)
{
	struct wanted_label *w = ctx;

	if (!gu_str_eq(key, gu_str(w->key)))
		return;
	w->found = true;
	put_text(w->out, ": ");
	gu_goroutine_text_word(value, w->out);
}

static void name_label(const struct gu_runtime *rt, const char *key,
	const struct gu_goroutine *g, struct gu_buf *out)
{
	struct wanted_label w = {key, out, false};
	size_t start = out->n;

	gu_buf_u8(out, '{');
	gu_goroutine_text_word(gu_str(key), out);
	(void)!gu_labels_read(rt, g, put_label, &w, NULL);
	if (w.found || out->failed) {
		gu_buf_u8(out, '}');
		return;
	}
	out->n = start;
	put_text(out, "without label ");
	gu_goroutine_text_word(gu_str(key), out);
}

static void name_place(const struct gu_trace_call *call, struct gu_buf *out)
{
	if (call)
		put_call(call, out);
	else
		put_text(out, "of which it is not known");
}

void gu_goroutine_group_name(const struct gu_runtime *rt,
	const struct gu_query *query, const struct gu_goroutine *first,
	struct gu_buf *out)
{
	struct gu_trace trace;

	switch (query->group) {
	case GU_GROUP_CURLOC:
	case GU_GROUP_USERLOC:
		gu_traceback_top(rt, first, &trace);
		name_place(query->group == GU_GROUP_CURLOC
				? gu_trace_current(&trace)
				: gu_trace_user(&trace),
			out);
		break;
	case GU_GROUP_GO:
		gu_traceback_creator(rt, first, &trace);
		put_text(out, "created by ");
		name_place(trace.has_creator ? &trace.creator : NULL, out);
		break;
	case GU_GROUP_START:
		put_text(out, "started at ");
		put_start(rt, first, out);
		break;
	case GU_GROUP_STATE:
		gu_buf_u8(out, '[');
		gu_goroutine_text_state(first, out);
		gu_buf_u8(out, ']');
		break;
	case GU_GROUP_WAIT:
		if (gu_goroutine_waits(first))
			gu_text_escape(out, gu_goroutine_state(first));
		else
			put_text(out, "waiting for nothing");
		break;
	case GU_GROUP_LABEL:
		name_label(rt, query->group_label, first, out);
		break;
	default:
		put_text(out, "with this stack");
		break;
	}
}

static void put_trace(const struct gu_runtime *rt,
	const struct gu_query *query, const struct gu_goroutine *g,
	struct gu_buf *out)
{
	struct gu_trace trace;

	gu_traceback(rt, g, GU_TRACE_USER, &trace);
	if (query->depth)
		gu_trace_cut(&trace, query->depth);
	gu_goroutine_text_trace(&trace, out);
}

void gu_goroutine_group(const struct gu_runtime *rt,
	const struct gu_query *query, const struct gu_selection *selection,
	const struct gu_group *group, struct gu_buf *out)
{
	const struct gu_goroutine *const *list = selection->list + group->first;

	gu_buf_printf(out, "%zu goroutine%s ", group->n,
		group->n == 1 ? "" : "s");
	gu_goroutine_group_name(rt, query, list[0], out);
	for (size_t i = 0; i < group->n && i < IDS_SHOWN; i++)
		gu_buf_printf(out, "%s %" PRIu64, i ? "," : ":", list[i]->id);
	put_text(out, group->n > IDS_SHOWN ? ", ...\n" : "\n");
	if (query->stacks || query->group == GU_GROUP_STACK)
		put_trace(rt, query, list[0], out);
}

/* --- all of them ---------------------------------------------------------- */

struct list {
	const struct gu_goroutines *gs;
	const struct gu_query *query;
	enum gu_list_form form;
	bool apart; /* empty lines between them */
	struct gu_buf *out;
};

static void put_goroutine(const struct list *l, const struct gu_runtime *rt,
	const struct gu_goroutine *g)
{
	const struct gu_query *query = l->query;
	bool lines = l->form == GU_LIST_LINES;
	struct gu_trace trace;

	if (lines && !query->stacks) {
		gu_goroutine_line(rt, l->gs, g, l->out);
		return;
	}
	gu_traceback(rt, g, l->form == GU_LIST_RUNTIME ? GU_TRACE_RUNTIME
		: GU_TRACE_USER, &trace);
	if (lines)
		put_line(rt, l->gs, g, &trace, l->out);
	else
		gu_goroutine_text_header(rt, l->gs, g, l->out);
	if (query->depth)
		gu_trace_cut(&trace, query->depth);
	gu_goroutine_text_trace(&trace, l->out);
}

size_t gu_goroutine_limit(const struct gu_query *query,
	const struct gu_selection *selection)
{
	size_t n = query->group ? selection->ngroups : selection->n;

	return query->limit && query->limit < n ? (size_t)query->limit : n;
}

void gu_goroutine_rest(const struct gu_query *query,
	const struct gu_selection *selection, struct gu_buf *out)
{
	size_t all = query->group ? selection->ngroups : selection->n;
	const struct {
		uint64_t n;
		const char *what;
	} rest[] = {
		{selection->hidden, "goroutines of the runtime's own are not "
			"shown; -all shows them"},
		{all - gu_goroutine_limit(query, selection), query->group
			? "more groups were left out by the limit"
			: "more goroutines were left out by the limit"},
		{query->nfilters && !query->id ? selection->others : 0,
			"goroutines do not match"},
	};

	for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
		if (rest[i].n)
			gu_buf_printf(out, "...%" PRIu64 " %s...\n",
				rest[i].n, rest[i].what);
}

static void ahead_destroy(struct gu_ahead **ahead)
{
	gu_ahead_destroy(*ahead);
}

/* What is listed, one after the other; *any: there was something. */
static enum gu_status put_selected(const struct list *l,
	const struct gu_runtime *rt, const struct gu_selection *s,
	const struct gu_drain *drain, struct gu_diag *diag, bool *any)
{
	struct gu_ahead gu_cleanup(ahead_destroy) *ahead = NULL;
	enum gu_status st = gu_ahead_create(rt, diag, &ahead);
	size_t n = gu_goroutine_limit(l->query, s);

	for (size_t i = 0; i < n && !st && !l->out->failed; i++) {
		if (i && l->apart)
			gu_buf_u8(l->out, '\n');
		if (l->query->group)
			gu_goroutine_group(rt, l->query, s, &s->groups[i],
				l->out);
		else
			put_goroutine(l, gu_ahead_of(ahead, s->list, s->n, i),
				s->list[i]);
		if (drain && l->out->n > DRAIN_AT)
			st = drain->take(drain->ctx, l->out, diag);
	}
	*any = n != 0;
	return st;
}

enum gu_status gu_goroutine_list(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, const struct gu_query *query,
	enum gu_list_form form, const struct gu_drain *drain,
	struct gu_diag *diag, struct gu_buf *out)
{
	struct gu_selection gu_cleanup(gu_selection_close) s = {.list = NULL};
	struct list l = {gs, query, form, query->group ? query->stacks ||
		query->group == GU_GROUP_STACK : form != GU_LIST_LINES, out};
	enum gu_status st = gu_select(rt, gs, query, diag, &s);
	bool any;
	size_t n;

	if (st)
		return st;
	if (query->id && !s.n)
		return gu_fail(diag, GU_NOT_FOUND, "there is no goroutine %"
			PRIu64 "%s", query->id,
			query->nfilters ? " of that kind" : "");
	st = put_selected(&l, rt, &s, drain, diag, &any);
	if (st)
		return st;
	n = out->n;
	if (l.apart && any)
		gu_buf_u8(out, '\n');
	gu_goroutine_rest(query, &s, out);
	if (l.apart && any && out->n == n + 1)
		out->n = n; /* there is no rest to be apart from */
	return gu_buf_status(out, diag);
}
