/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a query finds, as text: a line for each goroutine or group, or Go's
 * tracebacks.  Lines that begin with three dots tell what is left out.
 */
#ifndef GU_EMIT_GOROUTINE_LIST_H
#define GU_EMIT_GOROUTINE_LIST_H

#include "engine/emit/goroutine_text.h"
#include "engine/stack/select.h"

enum gu_list_form {
	GU_LIST_LINES,
	GU_LIST_STACKS,  /* as Go's traceback */
	GU_LIST_RUNTIME, /* the same, with the runtime's own calls */
};

/*
 * "* 17 [chan receive, 5 minutes] main.worker at FILE:LINE, created by
 * main.main, started at main.worker, thread 4711 {key: value}" on one line:
 * where it stands is the innermost call in the user's code.
 */
void gu_goroutine_line(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, const struct gu_goroutine *g,
	struct gu_buf *out);

/*
 * The beginning of such a line: "17 [chan receive, 5 minutes] WHAT: main.worker
 * at FILE:LINE", by its TRACE; no "WHAT: " if that is empty.
 */
void gu_goroutine_brief(const struct gu_goroutines *gs,
	const struct gu_goroutine *g, const struct gu_trace *trace,
	const char *what, struct gu_buf *out);

/* What the goroutines of the group of FIRST are, without a count. */
void gu_goroutine_group_name(const struct gu_runtime *rt,
	const struct gu_query *query, const struct gu_goroutine *first,
	struct gu_buf *out);

/*
 * "12 goroutines WHAT: 6, 7, 8" for GROUP of SELECTION; then the stack of the
 * first, if stacks are what is grouped by, or asked for.
 */
void gu_goroutine_group(const struct gu_runtime *rt,
	const struct gu_query *query, const struct gu_selection *selection,
	const struct gu_group *group, struct gu_buf *out);

/* Takes the text so far out of TEXT, when there is much of it. */
struct gu_drain {
	enum gu_status (*take)(void *ctx, struct gu_buf *text,
		struct gu_diag *diag);
	void *ctx;
};

/*
 * All of it, up to the query's limit; behind it lines that tell how many
 * goroutines it hides, cuts off, or does not ask for.  DRAIN may be NULL; what
 * it has not taken is in OUT.  GU_NOT_FOUND, with a diag: there is no goroutine
 * with the query's id; GU_NO_MEMORY; or what DRAIN says.
 */
enum gu_status gu_goroutine_list(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, const struct gu_query *query,
	enum gu_list_form form, const struct gu_drain *drain,
	struct gu_diag *diag, struct gu_buf *out) GU_MUST_CHECK;

/* Those lines alone. */
void gu_goroutine_rest(const struct gu_query *query,
	const struct gu_selection *selection, struct gu_buf *out);

/* How many goroutines, or groups, of SELECTION the query's limit lets be. */
size_t gu_goroutine_limit(const struct gu_query *query,
	const struct gu_selection *selection);

#endif
