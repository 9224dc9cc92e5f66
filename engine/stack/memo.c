/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/stack/memo.h"

#include <stdlib.h>
#include <string.h>

/* Enough for the stacks of most programs; half a megabyte. */
enum { PLACES = 512 };

struct gu_memo {
	struct gu_memo_entry places[PLACES]; /* each where its pc says */
};

struct gu_memo *gu_memo_create(void)
{
	return calloc(1, sizeof(struct gu_memo));
}

void gu_memo_destroy(struct gu_memo *memo)
{
	free(memo);
}

static void find_calls(struct gu_memo_entry *place)
{
	const struct gu_func *func = &place->point.func;
	struct gu_call calls[GU_CALLS_MAX];
	size_t n;

	place->ncalls = 0;
	if (gu_module_calls(place->module, func,
		gu_call_pc(func, place->pc, place->exact), calls, GU_CALLS_MAX,
		NULL, &n) || n > GU_MEMO_CALLS)
		return;
	memcpy(place->calls, calls, n * sizeof calls[0]);
	place->ncalls = n;
}

enum gu_status gu_memo_find(struct gu_memo *memo,
	const struct gu_module *module, uint64_t pc, bool exact,
	struct gu_diag *diag, const struct gu_memo_entry **out)
{
	/* neighbours in the code are neighbours here */
	struct gu_memo_entry *place = &memo->places[(pc ^ pc >> 9) % PLACES];
	enum gu_status st;

	*out = place;
	if (place->module == module && place->pc == pc &&
		place->exact == exact)
		return GU_OK;
	place->module = NULL;
	st = gu_unwind_point(module, pc, diag, &place->point);
	if (st)
		return st;
	place->module = module;
	place->pc = pc;
	place->exact = exact;
	find_calls(place);
	return GU_OK;
}
