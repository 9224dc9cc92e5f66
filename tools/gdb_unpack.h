/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs whose file has not what runs, as packers (UPX) leave them: the
 * module is read back from the memory of the process or the core.
 */
#ifndef GU_TOOLS_GDB_UNPACK_H
#define GU_TOOLS_GDB_UNPACK_H

#include "tools/gdb_files.h"

#include <sys/types.h>

/* Where it is written: a file of GDB's session folder. */
void gu_gdb_unpacked_path(pid_t gdb, char *out, size_t out_size);

/*
 * Look for a Go module in the memory of what GDB debugs and write it
 * there; *out is the path, allocated.  GU_NOT_FOUND if there
 * is no process or core, or no Go module in it; GU_IO, GU_NO_MEMORY.
 */
enum gu_status gu_gdb_unpack(const struct gu_gdb_files *files, pid_t gdb,
	struct gu_diag *diag, char **out) GU_MUST_CHECK;

#endif
