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
	uint32_t unit;       /* number of its package */
	uint16_t section;    /* number in the file */
	bool external;       /* false: the compiler's or assembler's own */
};

struct gu_func_list {
	struct gu_func_item *items; /* by address */
	uint32_t n, cap;
	uint32_t dropped;           /* left out for bad data */
	struct gu_buf strs;         /* .strtab and .debug_str; "" is at 0 */
	struct gu_intern packages;  /* "": functions without one */
	uint32_t *order;            /* items by unit, then by address */
	uint32_t *unit_start;       /* in order; packages.n + 1 of them */
};

/* GU_NO_MEMORY. */
enum gu_status gu_func_list_init(struct gu_func_list *list,
	const struct gu_module *module, struct gu_elf_shape *shape,
	struct gu_diag *diag) GU_MUST_CHECK;
void gu_func_list_deinit(struct gu_func_list *list);

/* Append S to strs; returns its offset. */
uint32_t gu_func_list_str(struct gu_func_list *list, struct gu_str s);

/* The item that begins at ADDR; NULL if none does. */
const struct gu_func_item *gu_func_list_at(const struct gu_func_list *list,
	uint64_t addr);

#endif
