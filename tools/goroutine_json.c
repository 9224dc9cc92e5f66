/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/goroutine_json.h"

#include "engine/emit/text.h"
#include "engine/stack/labels.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

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

static void put_age(json_t *o, const struct gu_goroutines *gs,
	const struct gu_goroutine *g)
{
	uint64_t seconds = gu_goroutine_age(gs, g) / UINT64_C(1000000000);
	uint64_t minutes = gu_goroutine_minutes(gs, g);

	if (seconds)
		json_object_set_new(o,
			gs->now_exact ? "seconds" : "seconds_at_least",
			json_integer((json_int_t)seconds));
	if (minutes)
		json_object_set_new(o,
			gs->now_exact ? "minutes" : "minutes_at_least",
			json_integer((json_int_t)minutes));
}

static void put_line(json_t *o, struct gu_buf *out)
{
	char *line = json_dumps(o, JSON_COMPACT);

	if (line)
		gu_buf_str(out, gu_str(line));
	else
		out->failed = true;
	gu_buf_u8(out, '\n');
	free(line);
	json_decref(o);
}

void gu_goroutine_json(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, const struct gu_goroutine *g,
	const struct gu_trace *trace, struct gu_buf *out)
{
	json_t *o = json_object();
	struct gu_str state = gu_goroutine_state(g);

	json_object_set_new(o, "goroutine", json_integer((json_int_t)g->id));
	json_object_set_new(o, "state", state.n ? text(state)
		: json_sprintf("status %" PRIu32, g->status));
	put_age(o, gs, g);
	if (g->tid)
		json_object_set_new(o, "thread", json_integer(g->tid));
	if (g->locked)
		json_object_set_new(o, "locked", json_true());
	if (g->system)
		json_object_set_new(o, "system", json_true());
	if (g->scan)
		json_object_set_new(o, "scan", json_true());
	json_object_set_new(o, "g", address(g->addr));
	json_object_set_new(o, "start", text(gu_runtime_name(rt, g->start_pc)));
	put_labels(o, rt, g);
	put_trace(o, g, trace);
	put_line(o, out);
}

void gu_goroutine_group_json(const struct gu_runtime *rt,
	const struct gu_query *query, const struct gu_selection *selection,
	const struct gu_group *group, struct gu_buf *out)
{
	json_t *o = json_object(), *ids = json_array();
	const struct gu_goroutine *const *list = selection->list + group->first;
	struct gu_buf gu_cleanup(gu_buf_deinit) name;

	gu_buf_init(&name, false);
	gu_goroutine_group_name(rt, query, list[0], &name);
	json_object_set_new(o, "group", json_stringn(
		name.n ? (const char *)name.p : "", name.n));
	json_object_set_new(o, "count", json_integer((json_int_t)group->n));
	for (size_t i = 0; i < group->n; i++)
		json_array_append_new(ids,
			json_integer((json_int_t)list[i]->id));
	json_object_set_new(o, "goroutines", ids);
	put_line(o, out);
}
