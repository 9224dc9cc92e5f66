/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The functions that go into a symbol file: by address, not overlapping, each
 * inside a section with code, grouped by package into the units of DWARF.
 */
#ifndef GU_EMIT_FUNC_LIST_H
#define GU_EMIT_FUNC_LIST_H

#include "engine/base/intern.h"
#include "engine/emit/elf_shape.h"

struct gu_func_item {
	uint64_t entry, end; /* addresses */
	uint32_t index;      /* in the Go table */
	uint32_t name;       /* offset in strs */
	uint32_t unit;       /* number of its unit */
	uint16_t section;    /* number in the file */
	bool global;         /* false: of the compiler or assembler, or an ABI
				wrapper, which has the name of what it calls */
};

struct gu_func_list {
	struct gu_func_item *items; /* by address */
	uint32_t n, cap;
	uint32_t dropped;           /* left out for bad data */
	struct gu_buf strs;         /* .strtab and .debug_str; "" is at 0 */
	/*
	 * A package has number P here ("" is for functions without one), and
	 * the units 2 * P, of its Go files, and 2 * P + 1, of assembler: GDB
	 * takes all files of a unit that names an assembler file for
	 * assembler, and so puts no breakpoint behind a prologue.  Go's own
	 * linker keeps them apart as well.
	 */
	struct gu_intern packages;
	uint32_t nunits;            /* some are empty */
	uint32_t *order;            /* items by unit, then by address */
	uint32_t *unit_start;       /* in order; nunits + 1 of them */
};

/* GU_NO_MEMORY; GU_BAD_DATA if not one function is good. */
enum gu_status gu_func_list_init(struct gu_func_list *list,
	const struct gu_module *module, struct gu_elf_shape *shape,
	struct gu_diag *diag) GU_MUST_CHECK;
void gu_func_list_deinit(struct gu_func_list *list);

/* True if ITEM is an assembler function. */
static inline bool gu_func_item_asm(const struct gu_func_item *item)
{
	return item->unit & 1;
}

/* Append S to strs; returns its offset. */
uint32_t gu_func_list_str(struct gu_func_list *list, struct gu_str s);

/* The item that begins at ADDR; NULL if none does. */
const struct gu_func_item *gu_func_list_at(const struct gu_func_list *list,
	uint64_t addr);

#endif
