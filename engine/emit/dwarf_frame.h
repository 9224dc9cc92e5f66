/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * .debug_frame and .eh_frame: the rows of engine/stack as DWARF call frame
 * information (DWARF 5 section 6.4; LSB 5.0 core, 10.6), so that debuggers and
 * profilers unwind Go without our reader.
 *
 * Where a frame's caller is on another stack, or there is none, the return
 * address is undefined: the one way to make GDB end a backtrace without a word,
 * so the reader leaves those frames to GDB (docs/unwinding.md).  UNAIDED, by
 * who has no reader, stacks go on where a function's instructions say where
 * (frame_resume.h).  A frame pointer that may or may not have been stored
 * (assembly) is undefined too.
 *
 * Functions that a signal handler makes the interrupted code call (sigpanic,
 * asyncPreempt) are signal frames: their caller's pc is no return address.
 */
#ifndef GU_EMIT_DWARF_FRAME_H
#define GU_EMIT_DWARF_FRAME_H

#include "engine/emit/func_list.h"

/*
 * Append the section, .eh_frame with EH, to OUT; nothing where unwinding is not
 * known for the machine.  Returns how many functions were left out for bad
 * data; lack of memory shows in OUT.
 */
uint32_t gu_dwarf_frame_put(const struct gu_module *module,
	const struct gu_func_list *funcs, bool eh, bool unaided,
	struct gu_buf *out);

#endif
