/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A copy of a program that names its debug file: .gnu_debuglink, by which GDB,
 * lldb, elfutils and valgrind find it, with or without a build id (GDB manual,
 * "Separate Debug Files").  Everything else of the program stays as it is and
 * where it is.
 */
#ifndef GU_EMIT_DEBUGLINK_H
#define GU_EMIT_DEBUGLINK_H

#include "engine/base/status.h"

/*
 * Copy PROGRAM, an ELF file, to the path OUT with a link to the file DEBUG: its
 * name without folders, and its CRC.  GU_INVALID: OUT is PROGRAM itself, or no
 * regular file; GU_UNSUPPORTED: PROGRAM has a link, or more sections than
 * can be counted simply; GU_IO, GU_NO_MEMORY.
 */
enum gu_status gu_debuglink_copy(const char *program, const char *debug,
	const char *out, struct gu_diag *diag) GU_MUST_CHECK;

#endif
