/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * .debug_frame of a symbol file: for the functions at which a stack ends, and
 * for no others.  Each has no return address ("undefined"), which is the one
 * way to make GDB end a backtrace there without a word; all other frames are
 * the reader's, who leaves these to GDB (docs/unwinding.md).
 */
#ifndef GU_EMIT_DWARF_FRAME_H
#define GU_EMIT_DWARF_FRAME_H

#include "engine/emit/func_list.h"

/*
 * Append the section to OUT; nothing where unwinding is not known for the
 * machine.  Lack of memory shows in OUT.
 */
void gu_dwarf_frame_put(const struct gu_module *module,
	const struct gu_func_list *funcs, struct gu_buf *out);

#endif
