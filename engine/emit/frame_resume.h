/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a function that called something on another stack finds its way back:
 * what its instructions do from a call's return up to their own return, as
 * DWARF expressions of what is there during the call.  That is what frame info
 * can say of a switch of stacks (docs/unwinding.md).  amd64.
 *
 * Nothing is taken from a name or a release: an instruction that is not
 * understood, a branch or another call on the way, and nothing is said.
 */
#ifndef GU_EMIT_FRAME_RESUME_H
#define GU_EMIT_FRAME_RESUME_H

#include "engine/go/module.h"

enum {
	GU_RESUMES_MAX = 8, /* systemstack has 3 calls, cgocallback 4 */
	GU_EXPR_MAX = 48,
	/* RBX, RBP, R12 to R15: whose callers' values must be kept; System V
	   AMD64 ABI, figure 3.4 */
	GU_KEPT_COUNT = 6,
};

/*
 * What holds during a call, while the pc is in [start, end): at its instruction
 * and at the next, since some tools look up a return address as it is, most the
 * byte before it.
 */
struct gu_resume {
	uint64_t start, end;
	uint64_t returns; /* where the call returns to */
	uint8_t cfa[GU_EXPR_MAX]; /* DWARF operations */
	uint8_t n;
	bool plain; /* the CFA is sp + off: the call is on the same stack */
	int64_t off;
	bool lost_g; /* the caller's g is another one than in R14 here */
	struct {
		uint8_t reg; /* DWARF's number */
		bool known;
		int64_t off; /* its caller's value is at cfa + off */
	} kept[GU_KEPT_COUNT];
};

struct gu_resumes {
	struct gu_resume list[GU_RESUMES_MAX]; /* by address */
	size_t n;
};

/*
 * The calls of FUNC, whose instructions end at END, of which that is known.
 * GU_UNSUPPORTED: no amd64; GU_FAULT, GU_NO_MEMORY.
 */
enum gu_status gu_frame_resume_read(const struct gu_module *module,
	const struct gu_func *func, uint64_t end, struct gu_diag *diag,
	struct gu_resumes *out) GU_MUST_CHECK;

#endif
