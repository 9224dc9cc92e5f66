/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What GDB says about itself: its version and the text of "info files"
 * followed by that of "maintenance info bfds" (gdbinit/gounstrip.gdb,
 * gounstrip-describe).  GDB has no other way, without Python, to tell where it
 * has mapped what.
 *
 *   GNU gdb 16
 *   Symbols from "/srv/server".
 *   Native process:
 *   	Using the running image of child process 10165.
 *   Local exec file:
 *   	`/srv/server', file type elf64-x86-64.
 *   	Entry point: 0x5555555d6ca0
 *   	0x0000555555555000 - 0x00005555555fdbf1 is .text
 *   	0x00007ffff7fcb060 - 0x00007ffff7ff0111 is .text in /lib/ld.so
 *   Refcount   Address            Filename
 *   1          0x55bad5cbc3a0     /home/me/.cache/gounstrip/x.debug
 */
#ifndef GU_TOOLS_GDB_FILES_H
#define GU_TOOLS_GDB_FILES_H

#include "engine/base/cursor.h"

/* A loaded file, and where one of its sections is: .text if it has one. */
struct gu_gdb_file {
	struct gu_str path;
	struct gu_str section; /* n is 0 if it has none */
	uint64_t addr;         /* run-time address of that section */
};

/* All strings point into the text. */
struct gu_gdb_files {
	struct gu_str symbols;   /* "Symbols from"; n is 0 if there are none */
	struct gu_gdb_file exec; /* path.n is 0 if there is none */
	struct gu_str core;      /* n is 0 if there is none */
	unsigned version;        /* GDB's, its first number; 0: not known */
	int task;                /* a thread of the native process, or 0 */
	bool remote;
	struct gu_gdb_file *libs; /* owned */
	size_t nlibs;
	struct gu_str bfds; /* the lines of "maintenance info bfds" */
};

/*
 * Parse TEXT.  GU_BAD_DATA if it is not what GDB prints, or names a file with
 * a line break in it; GU_NO_MEMORY.
 */
enum gu_status gu_gdb_files_parse(struct gu_str text, struct gu_diag *diag,
	struct gu_gdb_files *out) GU_MUST_CHECK;
void gu_gdb_files_deinit(struct gu_gdb_files *files);

/* The path of the next file that GDB has open, with REST bfds at first. */
bool gu_gdb_files_next_open(struct gu_str *rest, struct gu_str *out);

/* Has GDB got PATH open? */
bool gu_gdb_files_open(const struct gu_gdb_files *files, const char *path);

#endif
