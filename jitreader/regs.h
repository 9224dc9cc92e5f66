/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Registers through GDB's JIT reader API, by DWARF number.
 *
 * GDB takes a number that it does not map for a bug of its own and stops, so
 * only the numbers in regs.c are ever used.
 */
#ifndef GU_JITREADER_REGS_H
#define GU_JITREADER_REGS_H

#include "engine/stack/unwind.h"

#include <gdb/jit-reader.h>

/* The registers of the frame that GDB asks about; false if pc or sp is not
 * known, or ARCH's numbers are not. */
bool gu_regs_get(struct gdb_unwind_callbacks *cb, enum gu_arch arch,
	struct gu_regs *out);

/*
 * A hash of all registers of a thread's innermost frame.  False if it is
 * another frame: only there is the first register known, which no caller of
 * Go's is given back.
 */
bool gu_regs_hash(struct gdb_unwind_callbacks *cb, enum gu_arch arch,
	uint64_t *out);

/*
 * Give GDB the caller's registers, those that are known: to say unknown one
 * does not speak of a register, nor (without HAS_PC) of the pc where a stack
 * ends.  False, and nothing given, if memory ran out.
 */
bool gu_regs_set(struct gdb_unwind_callbacks *cb, enum gu_arch arch,
	const struct gu_regs *regs, bool has_pc);

#endif
