/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Goroutines and their stacks in the format of Go's own traceback, for eyes
 * and for the tools that read it.  What Go would not print stands on lines
 * that begin with three dots, as Go's own "...N frames elided...".
 */
#ifndef GU_EMIT_GOROUTINE_TEXT_H
#define GU_EMIT_GOROUTINE_TEXT_H

#include "engine/base/buf.h"
#include "engine/stack/traceback.h"

/*
 * "goroutine 17 [chan receive, 5 minutes] {label: value}:" and a newline; Go
 * prints labels since 1.27, here they are for all releases.
 */
void gu_goroutine_text_header(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, const struct gu_goroutine *g,
	struct gu_buf *out);

/* The calls, who created it, and why the stack ends early if it does. */
void gu_goroutine_text_trace(const struct gu_trace *trace, struct gu_buf *out);

/*
 * What stands in the brackets, but for times: "chan receive", "running (scan)".
 */
void gu_goroutine_text_state(const struct gu_goroutine *g, struct gu_buf *out);

/* What follows the time there: ", locked to thread, synctest bubble 1". */
void gu_goroutine_text_ties(const struct gu_goroutine *g, struct gu_buf *out);

/* " {key: value, key: value}", or nothing if there are none. */
void gu_goroutine_text_labels(const struct gu_runtime *rt,
	const struct gu_goroutine *g, struct gu_buf *out);

/* A label's key or value: in quotes if Go's traceback would quote it. */
void gu_goroutine_text_word(struct gu_str s, struct gu_buf *out);

/* NAME as tracebacks show it: type arguments become "...". */
void gu_goroutine_text_name(struct gu_str name, struct gu_buf *out);

#endif
