/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/goroutine_text.h"

#include "engine/emit/text.h"
#include "engine/stack/labels.h"

#include <inttypes.h>

struct label_text {
	struct gu_buf *out;
	bool any;
};

/* Go src/runtime/traceback.go, tracebackStringNeedsQuoting. */
static bool needs_quotes(struct gu_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_",
			    s.p[i]) || !s.p[i])
			return true;
	return false;
}

void gu_goroutine_text_word(struct gu_str s, struct gu_buf *out)
{
	if (!needs_quotes(s)) {
		gu_buf_str(out, s);
		return;
	}
	gu_buf_u8(out, '"');
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '"')
			gu_buf_str(out, gu_str("\\\""));
		else
			gu_text_escape(out, (struct gu_str){s.p + i, 1});
	gu_buf_u8(out, '"');
}

static void put_label(void *ctx, struct gu_str key, struct gu_str value)
{
	struct label_text *text = ctx;

	gu_buf_str(text->out, gu_str(text->any ? ", " : " {"));
	gu_goroutine_text_word(key, text->out);
	gu_buf_str(text->out, gu_str(": "));
	gu_goroutine_text_word(value, text->out);
	text->any = true;
}

void gu_goroutine_text_labels(const struct gu_runtime *rt,
	const struct gu_goroutine *g, struct gu_buf *out)
{
	struct label_text text = {out, false};
	enum gu_status st = gu_labels_read(rt, g, put_label, &text, NULL);

	if (st)
		gu_buf_str(out, gu_str(text.any ? ", ..." : " {..."));
	if (st || text.any)
		gu_buf_u8(out, '}');
}

void gu_goroutine_text_state(const struct gu_goroutine *g, struct gu_buf *out)
{
	struct gu_str state = gu_goroutine_state(g);

	if (state.n)
		gu_text_escape(out, state);
	else
		gu_buf_printf(out, "status %" PRIu32, g->status);
	if (g->status == GU_STATUS_LEAKED)
		gu_buf_str(out, gu_str(" (leaked)"));
	if (g->scan)
		gu_buf_str(out, gu_str(" (scan)"));
	if (gu_goroutine_is_durable(g))
		gu_buf_str(out, gu_str(" (durable)"));
}

void gu_goroutine_text_ties(const struct gu_goroutine *g, struct gu_buf *out)
{
	if (g->locked)
		gu_buf_str(out, gu_str(", locked to thread"));
	if (g->bubble)
		gu_buf_printf(out, ", synctest bubble %" PRIu64, g->bubble);
}

/* Go src/runtime/traceback.go, goroutineheader. */
void gu_goroutine_text_header(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, const struct gu_goroutine *g,
	struct gu_buf *out)
{
	uint64_t minutes = gu_goroutine_minutes(gs, g);

	gu_buf_str(out, gu_str("goroutine "));
	gu_buf_decimal(out, g->id);
	gu_buf_str(out, gu_str(" ["));
	gu_goroutine_text_state(g, out);
	if (minutes)
		gu_buf_printf(out, ", %" PRIu64 " minutes", minutes);
	gu_goroutine_text_ties(g, out);
	gu_buf_u8(out, ']');
	gu_goroutine_text_labels(rt, g, out);
	gu_buf_str(out, gu_str(":\n"));
}

void gu_goroutine_text_name(struct gu_str name, struct gu_buf *out)
{
	size_t depth = 0, from = 0;

	if (gu_str_eq(name, gu_str("runtime.gopanic"))) {
		gu_buf_str(out, gu_str("panic"));
		return;
	}
	if (!name.n || !memchr(name.p, '[', name.n)) {
		gu_text_escape(out, name);
		return;
	}
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '[' && depth++ == 0) {
			gu_text_escape(out, (struct gu_str){name.p + from,
				i - from});
			gu_buf_str(out, gu_str("[...]"));
		} else if (name.p[i] == ']' && depth && --depth == 0) {
			from = i + 1;
		}
	}
	if (depth == 0)
		gu_text_escape(out, (struct gu_str){name.p + from,
			name.n - from});
}

static void put_place(const struct gu_trace_call *call, struct gu_buf *out)
{
	gu_buf_u8(out, '\t');
	gu_text_place(out, call->file, call->line);
	if (!call->inlined && call->off)
		gu_buf_printf(out, " +0x%" PRIx64, call->off);
	gu_buf_u8(out, '\n');
}

void gu_goroutine_text_trace(const struct gu_trace *trace, struct gu_buf *out)
{
	for (size_t i = 0; i < trace->n; i++) {
		const struct gu_trace_call *call = &trace->calls[i];

		if (i == GU_TRACE_INNER && trace->elided)
			gu_buf_printf(out, "...%" PRIu64 " frames elided...\n",
				trace->elided);
		gu_goroutine_text_name(call->name, out);
		gu_buf_str(out, gu_str("(...)\n"));
		put_place(call, out);
	}
	if (trace->elided && trace->n <= GU_TRACE_INNER)
		gu_buf_printf(out, "...%" PRIu64 " frames elided...\n",
			trace->elided);
	if (trace->stop.text[0])
		gu_buf_printf(out, "...%s...\n", trace->stop.text);
	if (!trace->has_creator)
		return;
	gu_buf_str(out, gu_str("created by "));
	gu_goroutine_text_name(trace->creator.name, out);
	if (trace->creator_id)
		gu_buf_printf(out, " in goroutine %" PRIu64,
			trace->creator_id);
	gu_buf_u8(out, '\n');
	put_place(&trace->creator, out);
}
