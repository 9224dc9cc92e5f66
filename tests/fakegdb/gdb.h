/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A GDB for tests: it loads the reader, answers its callbacks from a stage (a
 * scripted target), and notes every breach of what the real one relies on
 * (gdb.md's rows).  It can fail or throw at any of its callbacks.
 */
#ifndef TESTS_FAKEGDB_GDB_H
#define TESTS_FAKEGDB_GDB_H

#include "engine/stack/unwind.h"

#include <gdb/jit-reader.h>

enum { GDB_REGISTERS = 33 }; /* DWARF numbers 0 to 32 */

struct gdb_register {
	bool mapped; /* the architecture has this number */
	bool known;
	uint64_t value;
};

/* What the reader gave through the symbol callbacks. */
struct fakegdb_block {
	uint64_t lo, hi;
	char *name, *file;
	struct gdb_line_mapping *lines; /* of its symtab; borrowed */
	size_t nlines;
};

struct fakegdb {
	void *handle;
	struct gdb_reader_funcs *funcs;
	enum gu_arch arch;
	const struct gu_mem *target;

	struct gdb_register now[GDB_REGISTERS]; /* of the frame asked about */
	bool was_set[GDB_REGISTERS];
	uint64_t set[GDB_REGISTERS];            /* the caller's */

	struct fakegdb_block *blocks; /* by address, once they are closed */
	size_t nblocks;

	/* in the last call: */
	unsigned reg_gets, target_reads, reg_sets, symbol_calls;
	unsigned outstanding;  /* values of reg_get that were not freed */
	unsigned fail_read_at; /* the n-th target_read fails; 0: none */
	unsigned throw_at;     /* the n-th callback throws; 0: none */
	unsigned breaches;
};

/* Load the reader at PATH; false, with a line of why, if it does not load. */
bool fakegdb_load(struct fakegdb *gdb, const char *path);
/* What "jit-reader-unload" does. */
void fakegdb_unload(struct fakegdb *gdb);

/* Ask about the frame with REGS.  fakegdb_caller: what was set. */
void fakegdb_registers(struct fakegdb *gdb, const struct gu_regs *regs);
enum gdb_status fakegdb_unwind(struct fakegdb *gdb);
bool fakegdb_caller(const struct fakegdb *gdb, struct gu_regs *out);
struct gdb_frame_id fakegdb_id(struct fakegdb *gdb);

/* As fakegdb_unwind and fakegdb_id; false if a callback threw past them. */
bool fakegdb_try(struct fakegdb *gdb);

/*
 * The reader's `read` of a blob.  What was given before is dropped first.
 * fakegdb_try_read: false if a callback threw past it.
 */
enum gdb_status fakegdb_read(struct fakegdb *gdb, void *blob, long size);
bool fakegdb_try_read(struct fakegdb *gdb, void *blob, long size);
void fakegdb_drop_symbols(struct fakegdb *gdb);

#endif
