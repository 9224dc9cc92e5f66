/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The goroutines that a query asks for, in its order, in its groups. */
#ifndef GU_STACK_SELECT_H
#define GU_STACK_SELECT_H

#include "engine/stack/query.h"
#include "engine/stack/traceback.h"

/* Goroutines of which one may stand for all. */
struct gu_group {
	size_t first, n; /* in gu_selection.list */
};

struct gu_selection {
	const struct gu_goroutine **list; /* owned; the goroutines' own */
	size_t n;
	struct gu_group *groups; /* owned; biggest first; none if not asked */
	size_t ngroups;
	uint64_t hidden;  /* the runtime's own, that match otherwise */
	uint64_t others;  /* do not match */
};

/*
 * The goroutines of GS that QUERY asks for.  Its limit is the caller's to keep.
 * Where times are lower bounds (gs->now_exact), so is what ages are compared
 * with; a time that is not known is neither long nor short.  GU_NO_MEMORY.
 */
enum gu_status gu_select(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, const struct gu_query *query,
	struct gu_diag *diag, struct gu_selection *out) GU_MUST_CHECK;
void gu_selection_close(struct gu_selection *selection);

#endif
