/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An image: one ELF module as memory by address, whatever it is read from.
 *
 * Addresses are those of the memory source: link-time addresses for a file,
 * run-time addresses for a process, a core or GDB's target.  Layers above never
 * ask which it is.
 */
#ifndef GU_IMAGE_IMAGE_H
#define GU_IMAGE_IMAGE_H

#include "engine/base/mem.h"

enum gu_arch {
	GU_ARCH_UNKNOWN,
	GU_ARCH_AMD64,
	GU_ARCH_386,
	GU_ARCH_ARM64,
	GU_ARCH_ARM,
	GU_ARCH_RISCV64,
	GU_ARCH_PPC64,   /* big endian */
	GU_ARCH_PPC64LE,
	GU_ARCH_S390X,
	GU_ARCH_MIPS,    /* 32 bit, either byte order */
	GU_ARCH_MIPS64,
	GU_ARCH_LOONG64,
};

/* Go's own name (GOARCH), "unknown" for GU_ARCH_UNKNOWN. */
const char *gu_arch_name(enum gu_arch arch);

/* What a section header says; there may be none at all. */
struct gu_section {
	struct gu_str name;
	uint64_t addr, size; /* addr is 0 for a section that is not loaded */
	uint32_t type;       /* SHT_* */
	uint64_t flags;      /* SHF_* */
};

struct gu_segment {
	uint64_t addr, mem_size; /* PT_LOAD: addresses */
	uint64_t off, file_size; /* in the file; file_size <= mem_size */
	bool read, write, exec;
};

/*
 * The arrays and strings live as long as whatever made the image (a
 * gu_elf_file, …) is open.
 */
struct gu_image {
	struct gu_mem mem;
	enum gu_arch arch;
	bool is_dyn; /* ET_DYN: PIE or shared object, may be mapped anywhere */

	const struct gu_segment *segments; /* PT_LOAD, by address */
	size_t nsegments;
	const struct gu_section *sections; /* NULL, 0 if there are no headers */
	size_t nsections;

	struct gu_str name; /* for reports: the file's name or "0x…" */
};

/* The section with this NAME, or NULL. */
const struct gu_section *gu_image_section(const struct gu_image *image,
	const char *name);

/* The one of N segments, sorted by address, that holds ADDR, or NULL. */
const struct gu_segment *gu_segment_find(const struct gu_segment *segments,
	size_t n, uint64_t addr);

/* The segment that holds [addr, addr + len), or NULL. */
const struct gu_segment *gu_image_segment(const struct gu_image *image,
	uint64_t addr, uint64_t len);

#endif
