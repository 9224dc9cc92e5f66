/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why stacks end too early: GDB has no word for it, so after "backtrace" it
 * sources the file "ended" of the session folder (hookpost-backtrace), which
 * says it if GDB's outermost frame is one of those noted here.
 *
 * GDB keeps the frames that it has, so a note must last; nothing tells us when
 * the program runs, so it is dropped when the frame at that place has a caller.
 */
#ifndef GU_JITREADER_ENDS_H
#define GU_JITREADER_ENDS_H

#include "engine/base/buf.h"
#include "engine/stack/unwind.h"

enum { GU_ENDS_MAX = 8 }; /* the newest is what is asked for next */

struct gu_ended {
	uint64_t pc, sp; /* of the outermost frame */
	char text[256];  /* empty: it was dropped */
};

struct gu_ends {
	struct gu_ended list[GU_ENDS_MAX];
	size_t n; /* ever noted */
};

/*
 * No caller of the frame at REGS is known.  NAME is its function's, or empty.
 * Costs nothing if it was noted already.  GU_IO, GU_NO_MEMORY.
 */
enum gu_status gu_ends_note(struct gu_ends *ends, const struct gu_regs *regs,
	struct gu_str name, const char *reason, struct gu_diag *diag)
	GU_MUST_CHECK;

/* The frame at REGS has a caller, or is where a stack ends.  As above. */
enum gu_status gu_ends_drop(struct gu_ends *ends, const struct gu_regs *regs,
	struct gu_diag *diag) GU_MUST_CHECK;

/* The session has changed, and GDB asks for all frames again.  As above. */
enum gu_status gu_ends_forget(struct gu_ends *ends, struct gu_diag *diag)
	GU_MUST_CHECK;

#endif
