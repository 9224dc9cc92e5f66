/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What programs and cores have in common as ELF files: an open descriptor,
 * libelf's handle, program headers checked against the file, and memory by
 * address.  For engine/image only; others use elf_file.h and core.h.
 */
#ifndef GU_IMAGE_ELF_OPEN_H
#define GU_IMAGE_ELF_OPEN_H

#include "engine/image/image.h"

#include <gelf.h>

struct gu_elf {
	int fd;
	Elf *handle;
	uint64_t size; /* of the file, when it was opened */
	GElf_Ehdr ehdr;
	GElf_Phdr *phdrs;
	size_t nphdrs;
	enum gu_arch arch;
	bool be;
	uint8_t ptr_size;
	struct gu_segment *segments; /* PT_LOAD, by address, not empty */
	size_t nsegments;
	/*
	 * What a segment has beyond its file bytes: zeroes (a program), or
	 * memory that was left out (a core).
	 */
	bool zero_fill;
	/* Bytes of segments that lie past the end of a core: it was cut. */
	uint64_t lost;
};

/*
 * Open PATH, a core or (CORE false) a program, and check its headers.  GU_IO,
 * GU_BAD_DATA, GU_TRUNCATED (in the headers), GU_UNSUPPORTED (a machine without
 * Go, another type of file), GU_NO_MEMORY.  Segments may still reach past the
 * end of the file.
 */
enum gu_status gu_elf_init(struct gu_elf *elf, const char *path,
	bool core, struct gu_diag *diag) GU_MUST_CHECK;
void gu_elf_deinit(struct gu_elf *elf);

/* LEN bytes of the file at OFF; GU_TRUNCATED if it has become shorter. */
enum gu_status gu_elf_pread(const struct gu_elf *elf, uint64_t off, void *buf,
	size_t len, struct gu_diag *diag) GU_MUST_CHECK;

/* Memory as the segments have it: a gu_mem_ops.read for a ctx of gu_elf. */
enum gu_status gu_elf_read(const struct gu_elf *elf, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag) GU_MUST_CHECK;

/* The region that ends after ADDR: see gu_mem_ops.next_region. */
enum gu_status gu_elf_next_region(const struct gu_elf *elf, uint64_t addr,
	struct gu_region *out) GU_MUST_CHECK;

/* A note; NAME is without its NULs.  Both point into the cursor's bytes. */
struct gu_note {
	uint32_t type;
	struct gu_str name;
	const uint8_t *desc;
	size_t desc_size;
};

/* The next note of a segment's bytes (ALIGN: p_align); false at their end. */
bool gu_note_next(struct gu_cur *cur, uint64_t align, struct gu_note *out);

/* The entry TYPE of an auxiliary vector; GU_NOT_FOUND. */
enum gu_status gu_auxv_find(const uint8_t *auxv, size_t size, bool be,
	uint8_t ptr_size, uint64_t type, uint64_t *out) GU_MUST_CHECK;

#endif
