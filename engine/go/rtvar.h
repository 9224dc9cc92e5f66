/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the runtime's variables are, in programs without symbols: each is an
 * operand of some small function whose name is known, or says itself what it
 * is.  Which one, and by what sign, was the same from Go 1.10 to 1.27
 * (docs/formats.md).
 *
 * What is handed out lies, aligned, in one of the ranges of variables that
 * moduledata gives, and no two overlap.  That a list is a list is proved on
 * the target's memory by whoever walks it (engine/stack/runtime.h).
 */
#ifndef GU_GO_RTVAR_H
#define GU_GO_RTVAR_H

#include "engine/go/module.h"

#define GU_RTVAR_LIST(X)                              \
	X(ALLGS, "runtime.allgs")                     \
	X(ALLGLEN, "runtime.allglen")                 \
	X(ALLM, "runtime.allm")                       \
	X(ALLP, "runtime.allp")                       \
	X(SCHED, "runtime.sched")                     \
	X(GOMAXPROCS, "runtime.gomaxprocs")           \
	X(M0, "runtime.m0")                           \
	X(G0, "runtime.g0")                           \
	X(SEMTABLE, "runtime.semtable")               \
	X(WAIT_REASONS, "runtime.waitReasonStrings")  \
	X(MODULEDATA, "runtime.firstmoduledata")      \
	X(BUILD_VERSION, "runtime.buildVersion")      \
	X(MODINFO, "runtime.modinfo")

enum gu_rtvar {
#define X(var, name) GU_RTVAR_##var,
	GU_RTVAR_LIST(X)
#undef X
	GU_RTVAR_COUNT
};

const char *gu_rtvar_name(enum gu_rtvar var);

struct gu_rtvars {
	uint64_t addr[GU_RTVAR_COUNT]; /* the image's; 0: not found */
	uint64_t size[GU_RTVAR_COUNT]; /* bytes that are surely of it */
	uint64_t lastpoll;      /* sched.lastpoll; 0: not found */
	uint64_t wait_reasons;  /* elements of the array; 0: not found */
};

/*
 * Look for those that instructions name.  What is not found is 0;
 * GU_UNSUPPORTED if none could be, since the architecture's are not decoded.
 */
enum gu_status gu_rtvars_find(const struct gu_module *module,
	struct gu_diag *diag, struct gu_rtvars *out) GU_MUST_CHECK;

/*
 * These, and the last three, which need no instructions: on any architecture.
 * None at all in a plugin: the program uses its own.  GU_NO_MEMORY.
 */
enum gu_status gu_rtvars_find_all(const struct gu_module *module,
	struct gu_diag *diag, struct gu_rtvars *out) GU_MUST_CHECK;

#endif
