/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The stacks of many goroutines, read ahead: of each as much as the walks of
 * others like it needed, in as many reads as suit the target.  What a walk
 * needs beyond that is read when it asks for it.
 */
#ifndef GU_STACK_AHEAD_H
#define GU_STACK_AHEAD_H

#include "engine/stack/goroutine.h"

struct gu_ahead;

/* GU_NO_MEMORY.  RT must outlive it. */
enum gu_status gu_ahead_create(const struct gu_runtime *rt,
	struct gu_diag *diag, struct gu_ahead **out) GU_MUST_CHECK;
void gu_ahead_destroy(struct gu_ahead *ahead); /* harmless with NULL */

/*
 * The runtime from which LIST[I] of N goroutines is walked; it holds until the
 * next call.  They are asked for in the order of the list, which does not
 * change.
 */
const struct gu_runtime *gu_ahead_of(struct gu_ahead *ahead,
	const struct gu_goroutine *const *list, size_t n, size_t i);

#endif
