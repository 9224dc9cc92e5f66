/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A core file: memory of a dead process, its threads' registers, the files
 * that were mapped (NT_FILE), and whether it belongs to a given executable.
 */
#ifndef GU_IMAGE_CORE_H
#define GU_IMAGE_CORE_H

#include "engine/image/elf_file.h"

struct gu_core;

/* Open PATH.  As gu_elf_file_open; GU_BAD_DATA if it is ELF but no core. */
enum gu_status gu_core_open(const char *path, struct gu_diag *diag,
	struct gu_core **out) GU_MUST_CHECK;
void gu_core_close(struct gu_core *core); /* NULL is fine */

/* The memory that the core itself holds; what it left out is a GU_FAULT. */
struct gu_mem gu_core_mem(const struct gu_core *core);

/*
 * Bytes of memory that were in the core before its file was cut short; 0 for
 * a complete one.  Reading them is a GU_FAULT that says so.
 */
uint64_t gu_core_lost(const struct gu_core *core);

/* One line of NT_FILE. */
struct gu_core_file {
	uint64_t start, end; /* addresses */
	uint64_t off;        /* bytes into the file */
	struct gu_str path;
};
size_t gu_core_nfiles(const struct gu_core *core);
const struct gu_core_file *gu_core_files(const struct gu_core *core);

/* One entry of NT_AUXV (AT_ENTRY, AT_PHDR, …); GU_NOT_FOUND. */
enum gu_status gu_core_auxv(const struct gu_core *core, uint64_t type,
	uint64_t *out) GU_MUST_CHECK;

/*
 * The bias at which FILE's executable was mapped: AT_ENTRY minus e_entry
 * (0 for ET_EXEC).  GU_NOT_FOUND if the core does not tell.
 */
enum gu_status gu_core_exec_bias(const struct gu_core *core,
	const struct gu_elf_file *file, uint64_t *out) GU_MUST_CHECK;

/*
 * Does the core come from a run of FILE mapped at BIAS?  Something must have
 * been mapped where FILE's data belongs.  What both have of these is
 * compared, and the first that agrees proves it: the GNU build id,
 * the Go build id, the first page of each segment that is not writable, and
 * last the range [words_addr, words_addr + words_len) of FILE's image, which
 * a caller who knows moduledata takes from there.
 * GU_OK: they agree (or the core holds nothing to compare: then *proved is
 * false).  GU_BAD_DATA: they differ; the diag says in what, found and
 * expected.
 */
enum gu_status gu_core_matches(const struct gu_core *core,
	const struct gu_elf_file *file, uint64_t bias, uint64_t words_addr,
	size_t words_len, struct gu_diag *diag, bool *proved) GU_MUST_CHECK;

/* A thread of the core. */
struct gu_core_thread {
	int32_t tid;
	int32_t signal;            /* pr_cursig */
	const uint8_t *regs;       /* pr_reg, the kernel's user_regs layout */
	size_t regs_size;
};
size_t gu_core_nthreads(const struct gu_core *core);
const struct gu_core_thread *gu_core_threads(const struct gu_core *core);

#endif
