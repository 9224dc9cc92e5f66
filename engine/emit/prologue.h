/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where Go's compiler marks the end of a function's prologue: there debuggers
 * put a breakpoint on the function.  The binary does not keep the mark, but
 * its table of stack sizes tells where the stack pointer moves, and the mark
 * stands on the instruction that moves it.
 */
#ifndef GU_EMIT_PROLOGUE_H
#define GU_EMIT_PROLOGUE_H

#include "engine/go/module.h"

/*
 * An address inside FUNC, or 0 where Go makes no mark (or it is not known).
 * Not for assembler, whose frames may be made by any instruction.
 */
uint64_t gu_prologue_end(const struct gu_module *module,
	const struct gu_func *func);

#endif
