/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cache of symbol files: $XDG_CACHE_HOME/gounstrip (or ~/.cache/gounstrip),
 * by build id, or, where there is none, by a hash of the Go tables.  At most
 * GOUNSTRIP_CACHE_SIZE bytes (suffixes K, M, G; default 2G), the least
 * recently used go first.
 *
 * Files of modules with a GNU build id lie where a debug-file-directory has
 * them, DIR/.build-id/XX/REST.debug, so that GDB attaches them to the program
 * itself and moves them with it (docs/gdb-integration.md).
 */
#ifndef GU_EMIT_SYMCACHE_H
#define GU_EMIT_SYMCACHE_H

#include "engine/emit/symfile.h"

struct gu_symcache_entry {
	char path[4096];  /* of the symbol file */
	char debug_dir[4096]; /* DIR as above; "" without a GNU build id */
	bool cached;      /* it was there already, and verified */
	struct gu_symfile_stats stats;
};

/*
 * The symbol file of MODULE from the cache, written first if it is not there
 * or does not verify (format version, build id or hash, size, checksum of its
 * header).  Needs not to open the Go tables beyond what MODULE has.
 * GU_IO if the cache folder cannot be made or written.
 */
enum gu_status gu_symcache_get(struct gu_module *module,
	const struct gu_elf_file *file, const struct gu_symfile_opts *opts,
	struct gu_diag *diag, struct gu_symcache_entry *out) GU_MUST_CHECK;

/*
 * Write the symbol file to DIR/.build-id/XX/REST.debug, where GDB, lldb, perf,
 * elfutils and debuginfod look for it when DIR is one of their
 * debug-file-directories.  Not a cache: it is always written.  GU_UNSUPPORTED
 * if FILE has no GNU build id; else as gu_symfile_save.
 */
enum gu_status gu_symcache_install(struct gu_module *module,
	const struct gu_elf_file *file, const struct gu_symfile_opts *opts,
	const char *dir, struct gu_diag *diag, struct gu_symcache_entry *out)
	GU_MUST_CHECK;

#endif
