/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inlined calls as DWARF: DW_TAG_inlined_subroutine trees from Go's inline
 * trees, and the subprograms they are instances of.
 *
 * Each unit has its own copy of what is inlined into its functions: by it GDB
 * knows, from its index alone, all units in which a breakpoint on an inlined
 * function has a place.
 */
#ifndef GU_EMIT_DWARF_INLINE_H
#define GU_EMIT_DWARF_INLINE_H

#include "engine/emit/dwarf_info.h"
#include "engine/emit/dwarf_line.h"
#include "engine/emit/func_list.h"

/* A table of values by pc of the function at hand, decoded. */
struct gu_dwarf_steps {
	struct gu_dwarf_step *items;
	uint32_t n, cap;
};

struct gu_dwarf_call;     /* a node of the tree of the function at hand */
struct gu_dwarf_range;
struct gu_dwarf_abstract; /* of the unit at hand */
struct gu_dwarf_origin;   /* a reference to one of them */

struct gu_dwarf_inline {
	uint32_t dropped; /* calls, in all; read by all */

	/* private: */
	const struct gu_module *module;
	struct gu_dwarf_info *info;
	struct gu_dwarf_line *lines;
	struct gu_func_list *funcs; /* for its strs */
	bool unaided;
	struct gu_func func;        /* at hand */
	struct gu_dwarf_steps file, line, call;
	struct gu_dwarf_call *nodes;
	struct gu_dwarf_range *ranges;
	struct gu_dwarf_abstract *abstracts;
	struct gu_dwarf_origin *origins;
	uint32_t *slots;            /* node + 1 by index in Go's tree */
	uint32_t *used;             /* the slots that are not 0 */
	uint32_t nused, used_cap;
	uint32_t nnodes, nranges, nabstracts, norigins;
	uint32_t nodes_cap, ranges_cap, abstracts_cap, origins_cap;
	struct gu_intern unit_names; /* offsets of names, of abstracts */
	struct gu_intern names;      /* offsets of names in pclntab… */
	uint32_t *strs;              /* …and in .debug_str */
	uint32_t strs_cap;
	bool failed;                 /* memory ran out */
};

/* All must outlive it.  UNAIDED: see symfile.h. */
void gu_dwarf_inline_init(struct gu_dwarf_inline *d,
	const struct gu_module *module, struct gu_dwarf_info *info,
	struct gu_dwarf_line *lines, struct gu_func_list *funcs, bool unaided);
void gu_dwarf_inline_deinit(struct gu_dwarf_inline *d);

/*
 * Read the inlined calls of FUNC, whose code ends at END: false if there are
 * none.  Calls that the tables contradict are left out, and counted.
 */
bool gu_dwarf_inline_read(struct gu_dwarf_inline *d,
	const struct gu_func *func, uint64_t end);

/* Write what was read as the children of the function just begun. */
void gu_dwarf_inline_put(struct gu_dwarf_inline *d);

/* Before a unit ends: what its calls are instances of. */
void gu_dwarf_inline_end(struct gu_dwarf_inline *d);

#endif
