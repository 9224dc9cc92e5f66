/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Channels and maps by what they hold, as Go's own linker makes them up from
 * the runtime's structs: hchan<T>, sudog<T>, waitq<T>; map<K,V>, table<K,V>,
 * groupReference<K,V> (1.24 and on); hash<K,V>, bucket<K,V> (before).  Source:
 * Go src/cmd/link/internal/ld/dwarf.go, synthesizechantypes,
 * synthesizemaptypes.
 */
#ifndef GU_EMIT_DWARF_GENERIC_H
#define GU_EMIT_DWARF_GENERIC_H

#include "engine/emit/type_writer.h"

/*
 * What T, a channel or a map, is a pointer to is written, once for each kind
 * of contents; returns the pointer.  Where the program does not describe the
 * runtime's structs, a pointer to what there is.
 */
struct gu_type_ref gu_dwarf_generic(struct gu_type_writer *w,
	const struct gu_rtype *t);

#endif
