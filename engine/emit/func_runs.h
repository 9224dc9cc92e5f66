/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Functions and lines in the form of GDB's JIT reader interface (gdb/jit-
 * reader.h): symtabs that have one file each and do not overlap, so one for
 * each run of adjacent functions of one file.
 *
 * Such a symtab can say nothing of inlined calls.  A pc in one has the line in
 * the function's own file from where it was, in the end, called.
 */
#ifndef GU_EMIT_FUNC_RUNS_H
#define GU_EMIT_FUNC_RUNS_H

#include "engine/emit/func_list.h"

struct gu_func_row {
	uint64_t addr;
	int32_t line; /* 0: none */
};

struct gu_func_runs {
	/* the run at hand: */
	struct gu_str file;       /* n is 0 if it has none */
	uint32_t first, n;        /* in funcs.items */
	struct gu_func_row *rows; /* by address, the last of line 0 */
	uint32_t nrows;

	struct gu_func_list funcs;

	/* private: */
	const struct gu_module *module;
	struct gu_elf_writer writer; /* never written: what shape needs */
	struct gu_elf_shape shape;
	uint32_t rows_cap;
	uint64_t budget;             /* rows that may still come */
	bool failed;                 /* memory ran out */
};

/* The functions of MODULE, whose image is FILE's.  GU_IO, GU_NO_MEMORY,
 * GU_BAD_DATA. */
enum gu_status gu_func_runs_init(struct gu_func_runs *runs,
	const struct gu_module *module, const struct gu_elf_file *file,
	struct gu_diag *diag) GU_MUST_CHECK;
void gu_func_runs_deinit(struct gu_func_runs *runs); /* harmless when zeroed */

/* The next run by address; false after the last, or if memory runs out. */
bool gu_func_runs_next(struct gu_func_runs *runs);

#endif
