/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * .debug_frame: the rows of engine/stack as DWARF call frame information
 * (DWARF 5 section 6.4), so that debuggers and profilers unwind Go without our
 * reader.
 *
 * Where a frame's caller is on another stack, or there is none, the return
 * address is undefined: the one way to make GDB end a backtrace without a word,
 * so the reader leaves those frames to GDB (docs/unwinding.md).  A frame
 * pointer that may or may not have been stored (assembly) is undefined too.
 */
#ifndef GU_EMIT_DWARF_FRAME_H
#define GU_EMIT_DWARF_FRAME_H

#include "engine/emit/func_list.h"

/*
 * Append the section to OUT; nothing where unwinding is not known for the
 * machine.  Returns how many functions were left out for bad data; lack of
 * memory shows in OUT.
 */
uint32_t gu_dwarf_frame_put(const struct gu_module *module,
	const struct gu_func_list *funcs, struct gu_buf *out);

#endif
