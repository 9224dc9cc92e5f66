/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * .symtab of the symbol file: the Go functions, what .dynsym tells, and the
 * runtime's variables.
 */
#ifndef GU_EMIT_ELF_SYMBOLS_H
#define GU_EMIT_ELF_SYMBOLS_H

#include "engine/emit/func_list.h"
#include "engine/go/rtvar.h"

struct gu_elf_symbol_item {
	uint64_t addr, size;
	uint32_t name; /* offset in strs */
	uint16_t section; /* 0: it is left out */
	uint8_t info;
};

struct gu_elf_symbols {
	struct gu_buf symtab;
	uint32_t first_global; /* its sh_info */
	size_t strtab_size;    /* of LIST's strs, the bytes with its names */

	/* private: */
	struct gu_func_list *list;
	struct gu_elf_shape *shape;
	struct gu_elf_symbol_item *others; /* those added to the functions */
	uint32_t n, cap;
	struct gu_elf_symbol_item vars[GU_RTVAR_COUNT];
	uint64_t names_left; /* bytes that names may still take */
	bool failed; /* memory ran out */
};

/*
 * Collect the symbols of FILE that are no functions of LIST, and VARS; their
 * names are added to LIST's strs.  GU_IO, GU_NO_MEMORY, and as
 * gu_elf_file_symbols.
 * LIST and SHAPE must outlive it.
 */
enum gu_status gu_elf_symbols_init(struct gu_elf_symbols *symbols,
	struct gu_func_list *list, struct gu_elf_shape *shape,
	const struct gu_elf_file *file, const struct gu_rtvars *vars,
	struct gu_diag *diag) GU_MUST_CHECK;

/*
 * Write symtab: all functions of the list, what was collected, and the same
 * VARS, whose sizes may be better known than before.  GU_NO_MEMORY.
 */
enum gu_status gu_elf_symbols_put(struct gu_elf_symbols *symbols,
	const struct gu_rtvars *vars, bool is64, struct gu_diag *diag)
	GU_MUST_CHECK;

void gu_elf_symbols_deinit(struct gu_elf_symbols *symbols);

#endif
