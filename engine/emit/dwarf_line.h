/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * .debug_line and .debug_line_str: line tables, one for each unit, written
 * straight from the Go tables.  DWARF 5 section 6.2 (or DWARF 4, likewise).
 *
 * Line base, line range and opcode base, the split of paths into folders and
 * names, and the folder "." are as Go's own compiler and linker have them (Go
 * 1.27 src/cmd/internal/obj/dwarf.go, src/cmd/link/internal/ld/dwarf.go), so
 * that debuggers show the same.  Functions that follow each other share a
 * sequence, with rows of line 0 for the padding: a sequence for each, as Go has
 * it, costs 12 bytes more a function.
 */
#ifndef GU_EMIT_DWARF_LINE_H
#define GU_EMIT_DWARF_LINE_H

#include "engine/base/buf.h"
#include "engine/base/intern.h"
#include "engine/go/pclntab.h"

struct gu_dwarf_file;
struct gu_dwarf_dir;

/* The file last looked up for a value of a pcfile table, within a unit. */
struct gu_dwarf_file_memo {
	uint32_t unit, cu_off;
	int32_t value;
	uint32_t number;
};
enum { GU_DWARF_MEMOS = 64 }; /* a power of two */

/* The line machine's registers, and what the sequence at hand covers. */
struct gu_dwarf_sequence {
	uint64_t addr;
	int64_t line;
	uint32_t file;
	bool open;
	uint64_t end, next; /* of its last function */
};

struct gu_dwarf_line {
	/* read by all: */
	struct gu_buf out;  /* .debug_line */
	struct gu_buf strs; /* .debug_line_str */
	uint64_t rows;
	uint32_t nfiles;    /* in all units, each counted once */

	/* private: */
	const struct gu_pclntab *tab;
	unsigned version;
	struct gu_buf program;           /* of the unit at hand */
	struct gu_intern keys;           /* gu_func_file_key -> files */
	struct gu_intern paths;          /* of folders -> dirs */
	struct gu_dwarf_file *files;
	struct gu_dwarf_dir *dirs;
	uint32_t files_cap, dirs_cap;
	uint32_t *unit_files, *unit_dirs; /* in their order, from number 1 */
	uint32_t nunit_files, nunit_dirs;
	uint32_t unit_files_cap, unit_dirs_cap;
	uint32_t unit;                   /* counts units, from 1 */
	bool failed;                     /* memory ran out */
	uint64_t budget;                 /* bytes that files and rows may
					    take */
	struct gu_dwarf_file_memo memo[GU_DWARF_MEMOS];
	struct gu_dwarf_sequence sequence;
};

/* VERSION of DWARF: 5 or 4.  TAB must outlive it. */
void gu_dwarf_line_init(struct gu_dwarf_line *l, const struct gu_pclntab *tab,
	unsigned version);
void gu_dwarf_line_deinit(struct gu_dwarf_line *l);

/* Begin the table of the next unit; returns where in `out` it will lie. */
uint64_t gu_dwarf_line_begin(struct gu_dwarf_line *l);

/* The number in this unit of the file that VALUE of FUNC's pcfile table stands
 * for; 0 if it stands for none. */
uint32_t gu_dwarf_line_file(struct gu_dwarf_line *l,
	const struct gu_func *func, int32_t value);

/*
 * Append FUNC's rows, which end at END.  PROLOGUE_END is the address of the row
 * that debuggers take for the function's first, 0 if there is no such mark.
 * GU_NOT_FOUND: it has no rows; GU_BAD_DATA: they are malformed.  Then nothing
 * is appended.
 */
enum gu_status gu_dwarf_line_func(struct gu_dwarf_line *l,
	const struct gu_func *func, uint64_t end, uint64_t prologue_end,
	struct gu_diag *diag) GU_MUST_CHECK;

/* End the unit's table.  NAME is the unit's: file number 0 of DWARF 5. */
void gu_dwarf_line_end(struct gu_dwarf_line *l, struct gu_str name);

/* GU_OK, or GU_NO_MEMORY if anything was dropped. */
enum gu_status gu_dwarf_line_status(const struct gu_dwarf_line *l,
	struct gu_diag *diag) GU_MUST_CHECK;

#endif
