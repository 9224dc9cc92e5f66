/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which goroutine a thread runs, told without the reader: where the thread
 * keeps its g, and how g leads to the goroutine, for a breakpoint's condition
 * that a debugger evaluates by itself.
 *
 * A thread's g is its g0 while it works for a goroutine on its own stack, so
 * the way is g.m.curg, which is the goroutine in both cases.
 */
#ifndef GU_STACK_CURG_H
#define GU_STACK_CURG_H

#include "engine/stack/goroutine.h"

struct gu_curg {
	bool in_memory;  /* at the thread pointer + off; else a register is g */
	uint64_t off;    /* of 64 bits, negative ones too */
	uint64_t g_m, m_curg, g_goid; /* offsets of fields */
};

/*
 * THREAD is what a thread of the target has in its thread pointer (FS base) on
 * amd64, in x28 on arm64.  It proves the way: it must lead to a g that is
 * known, and to the goroutine that runs there.  GU_UNSUPPORTED: it does not, or
 * the code does not tell the way.
 */
enum gu_status gu_curg_find(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, uint64_t thread, struct gu_diag *diag,
	struct gu_curg *out) GU_MUST_CHECK;

#endif
