/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * .symtab of the symbol file: the Go functions, what .dynsym tells, and the
 * runtime's variables.
 */
#ifndef GU_EMIT_ELF_SYMBOLS_H
#define GU_EMIT_ELF_SYMBOLS_H

#include "engine/emit/func_list.h"
#include "engine/go/rtvar.h"

struct gu_elf_symbols {
	struct gu_buf symtab;
	uint32_t first_global; /* its sh_info */
	size_t strtab_size;    /* of LIST's strs, the bytes with its names */
	size_t vars_at[GU_RTVAR_COUNT]; /* in symtab; 0: it is not there */
};

/*
 * All functions of LIST, the symbols of FILE that are none of them, and VARS;
 * their names are added to LIST's strs.  GU_NO_MEMORY, and as
 * gu_elf_file_symbols.
 */
enum gu_status gu_elf_symbols_init(struct gu_elf_symbols *symbols,
	struct gu_func_list *list, struct gu_elf_shape *shape,
	const struct gu_elf_file *file, const struct gu_rtvars *vars,
	struct gu_diag *diag) GU_MUST_CHECK;

/* The sizes of VARS are better known than before. */
void gu_elf_symbols_resize(struct gu_elf_symbols *symbols,
	const struct gu_rtvars *vars, bool is64);

void gu_elf_symbols_deinit(struct gu_elf_symbols *symbols);

#endif
