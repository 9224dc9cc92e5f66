/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/elf_symbols.h"

#include "engine/base/vec.h"

#include <elf.h>
#include <stdlib.h>
#include <sys/stat.h>

/*
 * Names may end alike and so share bytes of the file, but those of a program
 * that means well are not four times as long as all of it.
 */
enum { NAMES_GROWTH = 4 };

static bool visit(void *ctx, const struct gu_elf_symbol *s)
{
	struct gu_elf_symbols *symbols = ctx;
	const struct gu_func_item *func =
		gu_func_list_at(symbols->list, s->addr);
	struct gu_elf_symbol_item item = {s->addr, s->size, 0, 0, s->info};
	const char *name;

	item.section = (uint16_t)gu_elf_shape_section(symbols->shape, s->addr,
		s->size, false);
	if (s->name.n == 0 || item.section == 0 ||
		s->name.n >= symbols->names_left)
		return true;
	if (func) {
		name = (const char *)symbols->list->strs.p + func->name;
		if (gu_str_eq(gu_str(name), s->name))
			return true;
	}
	if (!gu_vec_room(&symbols->others, &symbols->cap, symbols->n)) {
		symbols->failed = true;
		return false;
	}
	item.name = gu_func_list_str(symbols->list, s->name);
	symbols->names_left -= s->name.n + 1;
	symbols->others[symbols->n++] = item;
	return true;
}

static void add_vars(struct gu_elf_symbols *symbols,
	const struct gu_rtvars *vars)
{
	for (int v = 0; v < GU_RTVAR_COUNT; v++) {
		struct gu_elf_symbol_item *var = &symbols->vars[v];

		if (vars->addr[v])
			var->section = (uint16_t)gu_elf_shape_section(
				symbols->shape, vars->addr[v], vars->size[v],
				false);
		if (var->section == 0)
			continue;
		var->addr = vars->addr[v];
		var->info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
		var->name = gu_func_list_str(symbols->list,
			gu_str(gu_rtvar_name((enum gu_rtvar)v)));
	}
}

enum gu_status gu_elf_symbols_init(struct gu_elf_symbols *symbols,
	struct gu_func_list *list, struct gu_elf_shape *shape,
	const struct gu_elf_file *file, const struct gu_rtvars *vars,
	struct gu_diag *diag)
{
	struct stat info;
	enum gu_status st;

	*symbols = (struct gu_elf_symbols){.list = list, .shape = shape};
	gu_buf_init(&symbols->symtab, list->strs.be);
	if (fstat(gu_elf_file_fd(file), &info) != 0)
		return gu_fail(diag, GU_IO, "the program's file cannot be "
			"examined");
	symbols->names_left = NAMES_GROWTH * (uint64_t)info.st_size;
	st = gu_elf_file_symbols(file, visit, symbols, diag);
	if (!st && symbols->failed)
		st = gu_fail(diag, GU_NO_MEMORY, "no memory for symbols");
	add_vars(symbols, vars);
	symbols->strtab_size = list->strs.n;
	if (st)
		gu_elf_symbols_deinit(symbols);
	return st;
}

static void put(struct gu_buf *buf, bool is64,
	const struct gu_elf_symbol_item *s)
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

static uint32_t put_all(struct gu_elf_symbols *symbols, bool is64, bool global)
{
	const struct gu_func_list *list = symbols->list;
	unsigned bind = global ? STB_GLOBAL : STB_LOCAL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < list->n; i++) {
		const struct gu_func_item *f = &list->items[i];
		struct gu_elf_symbol_item item = {f->entry, f->end - f->entry,
			f->name, f->section,
			(uint8_t)ELF64_ST_INFO(bind, STT_FUNC)};

		if (f->global != global)
			continue;
		put(&symbols->symtab, is64, &item);
		n++;
	}
	for (uint32_t i = 0; i < symbols->n; i++) {
		if ((ELF64_ST_BIND(symbols->others[i].info) != STB_LOCAL) !=
			global)
			continue;
		put(&symbols->symtab, is64, &symbols->others[i]);
		n++;
	}
	return n;
}

static void put_vars(struct gu_elf_symbols *symbols, bool is64,
	const struct gu_rtvars *vars)
{
	for (int v = 0; v < GU_RTVAR_COUNT; v++) {
		struct gu_elf_symbol_item *var = &symbols->vars[v];

		var->size = vars->size[v];
		if (var->section)
			put(&symbols->symtab, is64, var);
	}
}

enum gu_status gu_elf_symbols_put(struct gu_elf_symbols *symbols,
	const struct gu_rtvars *vars, bool is64, struct gu_diag *diag)
{
	struct gu_buf *buf = &symbols->symtab;

	(void)gu_buf_reserve(buf, ((size_t)symbols->list->n + symbols->n + 1 +
				GU_RTVAR_COUNT) *
		(is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym)));
	put(buf, is64, &(struct gu_elf_symbol_item){0});
	symbols->first_global = 1 + put_all(symbols, is64, false);
	(void)put_all(symbols, is64, true);
	put_vars(symbols, is64, vars);
	return gu_buf_status(buf, diag);
}

void gu_elf_symbols_deinit(struct gu_elf_symbols *symbols)
{
	free(symbols->others);
	gu_buf_deinit(&symbols->symtab);
	*symbols = (struct gu_elf_symbols){0};
}
