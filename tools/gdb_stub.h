/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An object file that makes GDB call the reader's `read`: it has the symbols of
 * GDB's JIT interface (GDB manual, "JIT Compilation Interface"), and beside
 * them a list of one blob, GU_SESSION_BLOB.
 *
 * GDB is given it only while the reader is loaded, so no breakpoint on its
 * function is ever put into a program.  Its addresses are such that no program
 * has them.
 */
#ifndef GU_TOOLS_GDB_STUB_H
#define GU_TOOLS_GDB_STUB_H

#include "engine/image/elf_file.h"

/*
 * Write it to PATH, for the machine of LIKE (64 bits, little endian, as all
 * that the reader unwinds).  GU_IO, GU_NO_MEMORY.
 */
enum gu_status gu_gdb_stub_write(const struct gu_elf_file *like,
	const char *path, struct gu_diag *diag) GU_MUST_CHECK;

#endif
