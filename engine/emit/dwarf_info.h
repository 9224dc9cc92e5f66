/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * .debug_info and what belongs to it: .debug_abbrev, .debug_rnglists (DWARF 4:
 * .debug_ranges) and .debug_aranges.  One unit for each Go package, described
 * as Go's own linker does it (Go 1.27 src/cmd/link/internal/ld/dwarf.go).
 */
#ifndef GU_EMIT_DWARF_INFO_H
#define GU_EMIT_DWARF_INFO_H

#include "engine/emit/gdb_index.h"

/*
 * Abbreviations.  Of FUNC, PARENT and ABSTRACT there are three: by name only,
 * with the file of the declaration, with file and line.
 */
enum gu_dwarf_code {
	GU_DIE_END,
	GU_DIE_UNIT,
	GU_DIE_FUNC,
	GU_DIE_PARENT = GU_DIE_FUNC + 3,     /* a function with children */
	GU_DIE_ABSTRACT = GU_DIE_PARENT + 3, /* what was inlined */
	GU_DIE_CALL = GU_DIE_ABSTRACT + 3,   /* an inlined call: one range */
	GU_DIE_CALL_RANGES,                  /* several */
	GU_DIE_LEAF,                         /* as CALL, without children */
	GU_DIE_LEAF_RANGES,
};

/* Which of the three it is. */
static inline unsigned gu_dwarf_known(uint32_t file, uint32_t line)
{
	return !file ? 0 : !line ? 1 : 2;
}

struct gu_dwarf_info {
	/* read by all: */
	struct gu_buf info;    /* .debug_info */
	struct gu_buf abbrev;  /* .debug_abbrev */
	struct gu_buf ranges;  /* .debug_rnglists or .debug_ranges */
	struct gu_buf aranges; /* .debug_aranges */
	struct gu_name_list names; /* what the units define */

	/* private: */
	unsigned version;
	uint8_t ptr_size;
	/* where those of the unit at hand begin */
	size_t unit, unit_aranges;
	size_t unit_ranges;        /* where its DW_AT_ranges stands in info */
	struct gu_buf own;         /* its range list, until it ends */
	bool empty;                /* it has no function yet */
	uint64_t lo, hi;           /* its range at hand; lo == hi: none */
	uint64_t next;             /* where a function would join it */
};

/* Strings of a unit: offsets in .debug_str. */
struct gu_dwarf_unit {
	uint32_t name, comp_dir, producer;
	uint64_t lines; /* offset in .debug_line */
};

struct gu_dwarf_func {
	uint32_t name;       /* offset in .debug_str */
	uint64_t entry, end; /* addresses */
	uint64_t next;       /* where the next function begins */
	uint32_t file;       /* number in the unit's line table; 0: not known */
	uint32_t line;       /* of the declaration; 0: not known */
	bool children;       /* the caller writes them, and an END behind
				them */
};

/* VERSION of DWARF: 5 or 4. */
void gu_dwarf_info_init(struct gu_dwarf_info *d, unsigned version,
	uint8_t ptr_size, bool be);
void gu_dwarf_info_deinit(struct gu_dwarf_info *d);

/*
 * A unit, its functions by address (which must not overlap), its end: false if
 * there was no function, then there is no unit either.
 */
void gu_dwarf_info_begin(struct gu_dwarf_info *d,
	const struct gu_dwarf_unit *unit);
void gu_dwarf_info_func(struct gu_dwarf_info *d,
	const struct gu_dwarf_func *func);
bool gu_dwarf_info_end(struct gu_dwarf_info *d);

/* After the last unit.  GU_NO_MEMORY if anything was dropped. */
enum gu_status gu_dwarf_info_finish(struct gu_dwarf_info *d,
	struct gu_diag *diag) GU_MUST_CHECK;

#endif
