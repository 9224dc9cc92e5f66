/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the runtime's variables are, in programs without symbols: each is an
 * operand of some small function whose name is known.  Which one, and by what
 * sign, was the same from Go 1.10 to 1.27 (docs/formats.md).
 *
 * These are claims: whoever uses one proves it on the target's memory first
 * (engine/stack/runtime.h).
 */
#ifndef GU_GO_RTVAR_H
#define GU_GO_RTVAR_H

#include "engine/go/module.h"

#define GU_RTVAR_LIST(X)                              \
	X(ALLGS, "runtime.allgs")                     \
	X(ALLM, "runtime.allm")                       \
	X(ALLP, "runtime.allp")                       \
	X(SCHED, "runtime.sched")                     \
	X(M0, "runtime.m0")                           \
	X(SEMTABLE, "runtime.semtable")               \
	X(WAIT_REASONS, "runtime.waitReasonStrings")

enum gu_rtvar {
#define X(var, name) GU_RTVAR_##var,
	GU_RTVAR_LIST(X)
#undef X
	GU_RTVAR_COUNT
};

const char *gu_rtvar_name(enum gu_rtvar var);

struct gu_rtvars {
	uint64_t addr[GU_RTVAR_COUNT]; /* the image's; 0: not found */
	uint64_t lastpoll;      /* sched.lastpoll; 0: not found */
	uint64_t wait_reasons;  /* elements of the array; 0: not found */
};

/*
 * Look for all of them.  What is not found is 0; GU_UNSUPPORTED if none could
 * be, since the architecture's instructions are not decoded.
 */
enum gu_status gu_rtvars_find(const struct gu_module *module,
	struct gu_diag *diag, struct gu_rtvars *out) GU_MUST_CHECK;

#endif
