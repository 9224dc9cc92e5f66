/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The runtime's variables in the unit of types: those whose type the program
 * describes, or that is made of described ones.  runtime.schedt and the
 * semaphores' table have no descriptor: these are in .symtab alone.
 */
#ifndef GU_EMIT_DWARF_VARS_H
#define GU_EMIT_DWARF_VARS_H

#include "engine/emit/type_writer.h"

/* Behind all types.  The sizes in W's vars become those of the types. */
void gu_dwarf_vars_put(struct gu_type_writer *w);

/* Remember T if it is the type of a variable. */
void gu_dwarf_vars_note(struct gu_type_writer *w, const struct gu_rtype *t);

#endif
