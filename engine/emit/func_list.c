/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/func_list.h"

#include "engine/base/vec.h"
#include "engine/emit/budget.h"

#include <inttypes.h>
#include <stdlib.h>

uint32_t gu_func_list_str(struct gu_func_list *list, struct gu_str s)
{
	uint32_t off = (uint32_t)list->strs.n;

	gu_buf_cstr(&list->strs, s);
	return off;
}

/*
 * The item of function INDEX, but for its place in the list; false if the
 * record, its name or its addresses are bad.
 */
static bool make_item(const struct gu_module *module,
	struct gu_elf_shape *shape, uint32_t index, struct gu_func_item *item,
	struct gu_str *name)
{
	const struct gu_pclntab *tab = &module->tab;
	struct gu_func func;

	if (gu_pclntab_func(tab, index, NULL, &func))
		return false;
	*name = gu_func_name(tab, &func);
	if (name->n == 0)
		return false;
	/*
	 * GDB unwinds a signal's frame by itself, but only where "sigaction" is
	 * in the name; so Go names this function since 1.21.
	 */
	if (gu_module_kind(module, &func) == GU_KIND_SIGRETURN)
		*name = gu_str("runtime.sigreturn__sigaction");
	*item = (struct gu_func_item){
		.entry = func.entry,
		.end = gu_func_end(tab, &func),
		.index = index,
		.unit = gu_func_is_assembly(tab, &func),
		.global = func.func_id == 0 ||
			gu_module_kind(module, &func) != GU_KIND_WRAPPER,
	};
	if (item->end <= item->entry)
		return false;
	item->section = (uint16_t)gu_elf_shape_section(shape, item->entry,
		item->end - item->entry, true);
	return item->section != 0;
}

static bool add_item(struct gu_func_list *list, struct gu_func_item *item,
	struct gu_str name)
{
	struct gu_str package = gu_go_package(name);

	if (!gu_vec_room(&list->items, &list->cap, list->n))
		return false;
	if (package.n == 0)
		item->global = false;
	item->unit += 2 * gu_intern_str(&list->packages, package);
	item->name = gu_func_list_str(list, name);
	list->items[list->n++] = *item;
	return !list->packages.failed && !list->strs.failed;
}

static bool collect(struct gu_func_list *list, const struct gu_module *module,
	struct gu_elf_shape *shape)
{
	uint64_t names_max = gu_emit_budget(&module->tab);

	for (uint32_t i = 0; i < module->tab.nfunc; i++) {
		uint64_t from = list->n ? list->items[list->n - 1].end : 0;
		struct gu_func_item item;
		struct gu_str name;

		if (!make_item(module, shape, i, &item, &name) ||
			item.entry < from ||
			name.n >= names_max - list->strs.n)
			list->dropped++;
		else if (!add_item(list, &item, name))
			return false;
	}
	return true;
}

/* Sort by unit, keeping the order of addresses. */
static bool group(struct gu_func_list *list)
{
	uint32_t nunits = 2 * list->packages.n;
	uint32_t *start = calloc((size_t)nunits + 2, sizeof *start);
	uint32_t *order = calloc((size_t)list->n + 1, sizeof *order);

	list->nunits = nunits;
	list->unit_start = start;
	list->order = order;
	if (!start || !order)
		return false;
	/* start[u + 1] is where the next item of unit u goes */
	for (uint32_t i = 0; i < list->n; i++)
		start[list->items[i].unit + 2]++;
	for (uint32_t u = 2; u < nunits + 2; u++)
		start[u] += start[u - 1];
	for (uint32_t i = 0; i < list->n; i++)
		order[start[list->items[i].unit + 1]++] = i;
	return true;
}

enum gu_status gu_func_list_init(struct gu_func_list *list,
	const struct gu_module *module, struct gu_elf_shape *shape,
	struct gu_diag *diag)
{
	bool fits;

	*list = (struct gu_func_list){0};
	gu_buf_init(&list->strs, module->tab.be);
	gu_intern_init(&list->packages);
	gu_buf_u8(&list->strs, 0);
	fits = collect(list, module, shape) && group(list);
	if (fits && list->n)
		return GU_OK;
	gu_func_list_deinit(list);
	return fits
		? gu_fail_at(diag, GU_BAD_DATA, module->tab.addr,
			  "none of the %" PRIu32 " functions in the Go table "
			  "has a name and an address inside the code",
			  module->tab.nfunc)
		: gu_fail(diag, GU_NO_MEMORY,
			  "no memory for %" PRIu32 " functions",
			  module->tab.nfunc);
}

void gu_func_list_deinit(struct gu_func_list *list)
{
	free(list->items);
	free(list->order);
	free(list->unit_start);
	gu_buf_deinit(&list->strs);
	gu_intern_deinit(&list->packages);
	*list = (struct gu_func_list){0};
}

const struct gu_func_item *gu_func_list_at(const struct gu_func_list *list,
	uint64_t addr)
{
	uint32_t lo = 0, hi = list->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (list->items[mid].entry < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == list->n || list->items[lo].entry != addr)
		return NULL;
	return &list->items[lo];
}
