/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * On whose stack a thread is, and how its stacks hang together: a goroutine's,
 * the system stack (g0, where C runs too) and the signal stack.
 *
 * Which is which is said by the bounds in g, m.g0 and m.gsignal, never by the
 * looks of an address.  Addresses are run-time addresses of the target, which
 * must not run while one of these is in use.
 */
#ifndef GU_STACK_SWITCHES_H
#define GU_STACK_SWITCHES_H

#include "engine/stack/runtime.h"
#include "engine/stack/unwind.h"

struct gu_bounds {
	uint64_t lo, hi; /* both 0: none */
};

/* A stack pointer may be at its upper end, and is then above all frames. */
static inline bool gu_bounds_have(const struct gu_bounds *bounds, uint64_t sp)
{
	return sp > bounds->lo && sp <= bounds->hi;
}

/* The stacks of a thread, or the one of a goroutine that has no thread. */
struct gu_stacks {
	uint64_t m, g0;           /* 0: no thread */
	bool into_c;              /* set by who wants to be led from a Go
				     function that C called to C's frames,
				     and not to where Go had called C */
	uint64_t g, id;           /* the goroutine and its goid; 0: none */
	struct gu_bounds home;    /* its stack */
	struct gu_regs saved;     /* what it left in g.sched */
	bool resumes;             /* the walk has seen how the thread goes on
				     with g: what called that was done for
				     another goroutine, which is gone */
	uint64_t here;            /* the g (perhaps a g0) on whose stack … */
	struct gu_bounds around;  /* … the stack pointer is that was asked
				     for */
};

/*
 * Where the stack pointer of REGS is.  REGS' g, if it is known, is tried first,
 * and believed only if the runtime's structs agree; then the thread out->m, if
 * it is not 0; then all threads of the runtime.  GU_NOT_FOUND: on none of its
 * stacks (C, or too early).
 */
enum gu_status gu_stacks_find(const struct gu_runtime *rt,
	const struct gu_regs *regs, struct gu_stacks *out) GU_MUST_CHECK;

/*
 * What stands for CFA in the id of a frame whose stack pointer is SP.  GDB
 * compares it: it must grow from a frame to its caller, and stay as it is when
 * the goroutine's stack moves or its thread changes.  So it is made of the
 * goroutine's id and the distance to the stack's upper end, above all
 * addresses; on other stacks, which never move, it is CFA.
 */
uint64_t gu_stacks_frame_id(const struct gu_stacks *stacks, uint64_t sp,
	uint64_t cfa);

/* The walk comes by a frame of a function of that KIND. */
void gu_stacks_pass(struct gu_stacks *stacks, enum gu_func_kind kind);

/*
 * FRAME, at REGS, ends its stack by a switch to another.  Find its caller
 * there; frame->end becomes GU_END_NONE.  INNERMOST: REGS were interrupted, no
 * frame below has changed a thing.  GU_STOP: there is no caller, and
 * frame->end says why; GU_BAD_DATA: there should be one.  GU_FAULT.
 */
enum gu_status gu_stacks_cross(const struct gu_runtime *rt,
	const struct gu_stacks *stacks, const struct gu_regs *regs,
	bool innermost, struct gu_diag *diag, struct gu_frame *frame)
	GU_MUST_CHECK;

#endif
