/* SPDX-License-Identifier: GPL-3.0-or-later */
/* .symtab of the symbol file: the Go functions and what .dynsym tells. */
#ifndef GU_EMIT_ELF_SYMBOLS_H
#define GU_EMIT_ELF_SYMBOLS_H

#include "engine/emit/func_list.h"

struct gu_elf_symbols {
	struct gu_buf symtab;
	uint32_t first_global; /* its sh_info */
	size_t strtab_size;    /* of LIST's strs, the bytes with its names */
};

/*
 * All functions of LIST, and the symbols of FILE that are none of them; their
 * names are added to LIST's strs.  GU_NO_MEMORY, and as gu_elf_file_symbols.
 */
enum gu_status gu_elf_symbols_init(struct gu_elf_symbols *symbols,
	struct gu_func_list *list, struct gu_elf_shape *shape,
	const struct gu_elf_file *file, struct gu_diag *diag) GU_MUST_CHECK;
void gu_elf_symbols_deinit(struct gu_elf_symbols *symbols);

#endif
