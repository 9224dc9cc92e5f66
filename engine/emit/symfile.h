/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The symbol file: an ELF file with .symtab and DWARF for a Go module, for
 * GDB's add-symbol-file and symbol-file, and, by its build-id note, as a
 * separate debug file for any tool.
 *
 * GDB puts it beside the program (build id; it matches sections by name, so
 * they must be called as in FILE) or in its place (symbol-file, where there is
 * no build id): then .eh_frame must be in it with its contents, or C frames of
 * the program no longer unwind, and the functions of .dynsym in its .symtab.
 */
#ifndef GU_EMIT_SYMFILE_H
#define GU_EMIT_SYMFILE_H

#include "engine/base/buf.h"
#include "engine/base/job.h"
#include "engine/go/module.h"
#include "engine/image/elf_file.h"

/* How to compress sections (gABI, "Compression Header"). */
struct gu_compression {
	uint32_t type; /* ch_type: ELFCOMPRESS_*; 0: not at all */
	/* Append what becomes of N bytes; failure shows in OUT. */
	void (*compress)(const uint8_t *data, size_t n, struct gu_buf *out);
};

struct gu_symfile_opts {
	unsigned dwarf_version; /* 5 or 4 */
	bool basic; /* functions and lines; no inlined calls, types, frames */
	bool gdb_index; /* .gdb_index too: for GDB 13 to 16 only */
	/*
	 * of .debug_*; not with gdb_index, whose names are .debug_str's bytes
	 */
	struct gu_compression compression;
	/*
	 * For tools without our reader: frame info goes on over a switch of
	 * stacks (frame_resume.h), and there, for GDB, calls have something
	 * inlined (dwarf_inline.c).  The reader knows more, and what it refuses
	 * is to end the stack.
	 */
	bool unaided;
	bool eh_frame; /* .eh_frame too, with the same rows as .debug_frame */
	gu_run_jobs *jobs; /* how what can be done at once is; NULL: in turn */
	/*
	 * No one will ask for the module's tables afterwards: they are let go
	 * (gu_module_drop_tables) before the memory for all else is needed.
	 */
	bool last_use;
	/* Called now and then with what is done and all there is to do. */
	void (*progress)(void *ctx, uint64_t done, uint64_t all);
	void *ctx;
};

/* What may be left out, and what it is called in reports. */
#define GU_SYMFILE_DROP_LIST(X)      \
	X(FUNCTIONS, "functions")    \
	X(LINES, "functions' lines") \
	X(CALLS, "inlined calls")    \
	X(TYPES, "types")            \
	X(FRAMES, "functions' frames")

enum gu_symfile_drop {
#define X(drop, name) GU_SYMFILE_DROP_##drop,
	GU_SYMFILE_DROP_LIST(X)
#undef X
	GU_SYMFILE_DROP_COUNT
};

struct gu_symfile_stats {
	uint32_t functions, files, units, types;
	uint64_t rows;    /* of the line tables */
	uint64_t size;    /* bytes of the file */
	uint32_t dropped[GU_SYMFILE_DROP_COUNT]; /* left out for bad data */
};

/* What was left out in all. */
uint64_t gu_symfile_dropped(const struct gu_symfile_stats *stats);

/* Append to TEXT "functions 3, types 2": what was left out, of each kind. */
void gu_symfile_put_dropped(const struct gu_symfile_stats *stats,
	struct gu_buf *text);

/* The defaults: DWARF 5, no progress, all in turn. */
struct gu_symfile_opts gu_symfile_opts(void);

/*
 * A number for what a symbol file would be made from: equal for equal programs
 * and options.  Cheap where there is a build id; else the Go table is hashed.
 */
uint64_t gu_symfile_identity(const struct gu_module *module,
	const struct gu_elf_file *file, const struct gu_symfile_opts *opts);

/*
 * Write the symbol file of MODULE, whose image is FILE's, to the descriptor FD
 * (seekable, empty).  MODULE's inline trees are loaded, and see last_use.
 * GU_IO, GU_NO_MEMORY, GU_BAD_DATA.
 */
enum gu_status gu_symfile_write(struct gu_module *module,
	const struct gu_elf_file *file, const struct gu_symfile_opts *opts,
	int fd, struct gu_diag *diag, struct gu_symfile_stats *out)
	GU_MUST_CHECK;

/*
 * Examine the symbol file at FD: GU_OK if its seal says that it was made for
 * IDENTITY and it is whole, with *out as when it was written.  Its contents are
 * only read with ALL.  GU_NOT_FOUND if it is anything else; GU_IO.
 */
enum gu_status gu_symfile_check(int fd, uint64_t identity, bool all,
	struct gu_diag *diag, struct gu_symfile_stats *out) GU_MUST_CHECK;

/*
 * Write it to PATH: to a temporary name beside it, then renamed; on failure
 * nothing is left and an existing PATH is untouched.
 */
enum gu_status gu_symfile_save(struct gu_module *module,
	const struct gu_elf_file *file, const struct gu_symfile_opts *opts,
	const char *path, struct gu_diag *diag, struct gu_symfile_stats *out)
	GU_MUST_CHECK;

#endif
