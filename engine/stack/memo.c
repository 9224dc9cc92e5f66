/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/stack/memo.h"

#include <stdlib.h>
#include <string.h>

/* Enough for the stacks of most programs; half a megabyte. */
enum { SETS = 256, WAYS = 2, NAMES = 512 };

/* Where a pc may be: two that are alike do not drive each other out. */
struct set {
	struct gu_memo_entry ways[WAYS];
	unsigned last; /* used */
};

struct name {
	const struct gu_module *module;
	uint64_t pc;
	struct gu_str name;
};

struct gu_memo {
	struct set sets[SETS]; /* each where its pcs say */
	struct name names[NAMES];
};

struct gu_memo *gu_memo_create(void)
{
	return calloc(1, sizeof(struct gu_memo));
}

void gu_memo_destroy(struct gu_memo *memo)
{
	free(memo);
}

/* Neighbours in the code are neighbours here. */
static size_t slot_of(uint64_t pc)
{
	return pc ^ pc >> 9;
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
	struct set *set = &memo->sets[slot_of(pc) % SETS];
	struct gu_memo_entry *place;
	enum gu_status st;

	for (unsigned i = 0; i < WAYS; i++) {
		place = &set->ways[i];
		if (place->module != module || place->pc != pc ||
			place->exact != exact)
			continue;
		set->last = i;
		*out = place;
		return GU_OK;
	}
	set->last = (set->last + 1) % WAYS;
	place = &set->ways[set->last];
	*out = place;
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

struct gu_str gu_memo_name(struct gu_memo *memo,
	const struct gu_module *module, uint64_t pc)
{
	struct name *known = &memo->names[slot_of(pc) % NAMES];
	struct gu_func func;

	if (known->module == module && known->pc == pc)
		return known->name;
	*known = (struct name){module, pc, {"", 0}};
	if (gu_pclntab_find(&module->tab, pc, NULL, &func) == GU_OK)
		known->name = gu_func_name(&module->tab, &func);
	return known->name;
}
