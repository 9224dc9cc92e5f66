/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Functions and lines of a module, given to GDB through the symbol callbacks of
 * its JIT reader interface: for "go load -jit", which writes no symbol file.
 * docs/gdb-integration.md says what of it which GDB can take.
 */
#ifndef GU_JITREADER_INJECT_H
#define GU_JITREADER_INJECT_H

#include "jitreader/modules.h"

#include <gdb/jit-reader.h>

/*
 * Give GDB the functions of all modules of the session that say so, where they
 * are now.  The session's file "reply" becomes commands that say what was
 * given, or why nothing was.
 */
void gu_inject_all(struct gdb_symbol_callbacks *cb, struct gu_modules *modules,
	const struct gu_mem *target);

#endif
