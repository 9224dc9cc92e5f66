/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A Go module of the program that a GDB debugs: its file, where GDB has it,
 * and its symbol file.
 */
#ifndef GU_TOOLS_GDB_MODULE_H
#define GU_TOOLS_GDB_MODULE_H

#include "tools/gdb_files.h"

#include "engine/emit/session.h"
#include "engine/emit/symcache.h"

#include <limits.h>

/* What "go load" is asked for. */
enum gu_gdb_symbols {
	GU_GDB_SYMBOLS_MISSING, /* a symbol file where GDB has no symbols */
	GU_GDB_SYMBOLS_FILE,    /* one in any case */
	GU_GDB_SYMBOLS_JIT,     /* none: by the reader, where there are none */
};

/* The GDB at hand; all borrowed. */
struct gu_gdb_state {
	const struct gu_gdb_files *files;
	const struct gu_session *old; /* what was loaded before */
	pid_t pid;
	enum gu_gdb_symbols symbols;
	bool fetched; /* the program's copy from the remote side */
};

struct gu_gdb_module {
	char *path;    /* owned; absolute */
	bool is_exec;  /* the program itself, not a shared object */
	bool attach;   /* GDB is to find the symbol file by build id, and to
			  attach it to the program; else it must stand in the
			  program's place */
	bool inject;   /* the reader gives its symbols */
	bool unpacked; /* its file is not the program's, but made from memory */
	uint64_t bias; /* run-time minus link-time addresses */
	struct gu_elf_file *file;
	struct gu_module *go;
	/* where GDB has debug information from, that is not ours; or "" */
	char debug_info[PATH_MAX];
	/* path "": GDB has debug information of its own, or inject */
	struct gu_symcache_entry symfile;
};

/*
 * The program that GDB debugs, n is 0 if none.  OLD is what was loaded before:
 * where our symbol file stands in the program's place GDB may name only that.
 */
struct gu_str gu_gdb_exec_path(const struct gu_gdb_files *files,
	const struct gu_session *old);

/*
 * Is the program a file that only the remote side has?  REMOTE is its path
 * there, LOCAL where a copy of it is to be put.
 */
bool gu_gdb_remote_path(const struct gu_gdb_state *gdb, struct gu_str *remote,
	char local[PATH_MAX]);

/*
 * Open the program (INDEX 0) or shared object INDEX - 1 of GDB, and write
 * its symbol file if the cache has none.  GU_NOT_FOUND: no Go code in it.
 * GU_INVALID: GDB has no program, or only the remote side has it.  GU_BAD_DATA
 * also if the core is another program's.  GU_UNSUPPORTED: the reader is to give
 * the symbols of a program that will move.
 */
enum gu_status gu_gdb_module_open(const struct gu_gdb_state *gdb, size_t index,
	struct gu_diag *diag, struct gu_gdb_module *out) GU_MUST_CHECK;
/*
 * The same for a program of which no file has Go code: it is looked for in
 * memory, and kept in the session folder of GDB.  GU_NOT_FOUND: nor is it
 * there.
 */
enum gu_status gu_gdb_module_unpack(const struct gu_gdb_state *gdb,
	struct gu_diag *diag, struct gu_gdb_module *out) GU_MUST_CHECK;
void gu_gdb_module_close(struct gu_gdb_module *module);

/*
 * Has GDB debug information of FILE, which is PATH, that we did not give: in
 * FILE itself, in a separate debug file that it has found, or in what the user
 * named by symbol-file?  Then OUT is in which file.
 */
bool gu_gdb_debug_info(const struct gu_gdb_files *files,
	const struct gu_session *old, const struct gu_elf_file *file,
	const char *path, char out[PATH_MAX]);

/* Where GDB has the program PATH. */
enum gu_status gu_gdb_exec_bias(const struct gu_gdb_files *files,
	const char *path, struct gu_diag *diag, uint64_t *out) GU_MUST_CHECK;

/* "go1.24.4", or what is known: "Go 1.18 to 1.19". */
void gu_gdb_module_put_version(const struct gu_gdb_module *module,
	struct gu_buf *buf);

#endif
