/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/elf_symbols.h"

#include "engine/base/vec.h"

#include <elf.h>
#include <stdlib.h>

struct symbol {
	uint64_t addr, size;
	uint32_t name; /* offset in strs */
	uint16_t section;
	uint8_t info;
};

/* The symbols of the file that are added to the functions. */
struct others {
	struct gu_func_list *list;
	struct gu_elf_shape *shape;
	struct symbol *items;
	uint32_t n, cap;
	bool failed;
};

static bool visit(void *ctx, const struct gu_elf_symbol *s)
{
	struct others *others = ctx;
	const struct gu_func_item *func =
		gu_func_list_at(others->list, s->addr);
	struct symbol symbol = {s->addr, s->size, 0, 0, s->info};
	const char *name;

	symbol.section = (uint16_t)gu_elf_shape_section(others->shape, s->addr,
		s->size, false);
	if (s->name.n == 0 || symbol.section == 0)
		return true;
	if (func) {
		name = (const char *)others->list->strs.p + func->name;
		if (gu_str_eq(gu_str(name), s->name))
			return true;
	}
	if (!gu_vec_room(&others->items, &others->cap, others->n)) {
		others->failed = true;
		return false;
	}
	symbol.name = gu_func_list_str(others->list, s->name);
	others->items[others->n++] = symbol;
	return true;
}

static void put(struct gu_buf *buf, bool is64, const struct symbol *s)
{
	gu_buf_word(buf, s->name, 4);
	if (!is64) {
		gu_buf_word(buf, s->addr, 4);
		gu_buf_word(buf, s->size, 4);
	}
	gu_buf_u8(buf, s->info);
	gu_buf_u8(buf, STV_DEFAULT);
	gu_buf_word(buf, s->section, 2);
	if (is64) {
		gu_buf_word(buf, s->addr, 8);
		gu_buf_word(buf, s->size, 8);
	}
}

static uint32_t put_all(struct gu_buf *buf, bool is64,
	const struct others *others, bool global)
{
	const struct gu_func_list *list = others->list;
	unsigned bind = global ? STB_GLOBAL : STB_LOCAL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < list->n; i++) {
		const struct gu_func_item *f = &list->items[i];
		struct symbol symbol = {f->entry, f->end - f->entry, f->name,
			f->section, (uint8_t)ELF64_ST_INFO(bind, STT_FUNC)};

		if (f->global != global)
			continue;
		put(buf, is64, &symbol);
		n++;
	}
	for (uint32_t i = 0; i < others->n; i++) {
		if ((ELF64_ST_BIND(others->items[i].info) != STB_LOCAL) !=
			global)
			continue;
		put(buf, is64, &others->items[i]);
		n++;
	}
	return n;
}

static void put_vars(struct gu_elf_symbols *symbols, bool is64,
	const struct others *others, const struct gu_rtvars *vars)
{
	for (int v = 0; v < GU_RTVAR_COUNT; v++) {
		const char *name = gu_rtvar_name((enum gu_rtvar)v);
		struct symbol symbol = {vars->addr[v], vars->size[v], 0, 0,
			ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT)};

		if (vars->addr[v])
			symbol.section = (uint16_t)gu_elf_shape_section(
				others->shape, symbol.addr, symbol.size, false);
		if (symbol.section == 0)
			continue;
		symbol.name = gu_func_list_str(others->list, gu_str(name));
		symbols->vars_at[v] = symbols->symtab.n;
		put(&symbols->symtab, is64, &symbol);
	}
}

void gu_elf_symbols_resize(struct gu_elf_symbols *symbols,
	const struct gu_rtvars *vars, bool is64)
{
	size_t at = is64 ? offsetof(Elf64_Sym, st_size)
			 : offsetof(Elf32_Sym, st_size);

	for (int v = 0; v < GU_RTVAR_COUNT; v++)
		if (symbols->vars_at[v])
			gu_buf_patch(&symbols->symtab,
				symbols->vars_at[v] + at, vars->size[v],
				is64 ? 8 : 4);
}

enum gu_status gu_elf_symbols_init(struct gu_elf_symbols *symbols,
	struct gu_func_list *list, struct gu_elf_shape *shape,
	const struct gu_elf_file *file, const struct gu_rtvars *vars,
	struct gu_diag *diag)
{
	bool is64 = gu_elf_file_image(file)->mem.ptr_size == 8;
	struct others others = {.list = list, .shape = shape};
	struct gu_buf *buf = &symbols->symtab;
	enum gu_status st;

	gu_buf_init(buf, list->strs.be);
	st = gu_elf_file_symbols(file, visit, &others, diag);
	if (!st && others.failed)
		st = gu_fail(diag, GU_NO_MEMORY, "no memory for symbols");
	if (!st) {
		(void)gu_buf_reserve(buf, ((size_t)list->n + others.n + 1 +
					GU_RTVAR_COUNT) *
			(is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym)));
		put(buf, is64, &(struct symbol){0});
		symbols->first_global = 1 + put_all(buf, is64, &others, false);
		(void)put_all(buf, is64, &others, true);
		put_vars(symbols, is64, &others, vars);
		symbols->strtab_size = list->strs.n;
		st = gu_buf_status(buf, diag);
	}
	free(others.items);
	if (st)
		gu_buf_deinit(buf);
	return st;
}

void gu_elf_symbols_deinit(struct gu_elf_symbols *symbols)
{
	gu_buf_deinit(&symbols->symtab);
}
