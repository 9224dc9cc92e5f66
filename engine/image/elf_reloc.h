/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The relocations by which the dynamic linker makes pointers: relative ones
 * (DT_RELA, DT_REL, DT_RELR) and those of a whole word against a symbol that
 * the file defines (of a plugin).  Found through PT_DYNAMIC and the segments,
 * so no section headers are needed.  For engine/image only.
 */
#ifndef GU_IMAGE_ELF_RELOC_H
#define GU_IMAGE_ELF_RELOC_H

#include "engine/image/elf_open.h"

/* A word and what it holds once it is relocated at bias 0. */
struct gu_reloc {
	uint64_t addr, value;
};

/*
 * By address.  Only the words that the file does not hold the right value of
 * already: linkers for amd64 usually leave it in place, so that a program of
 * a million relocations needs none of them here.
 */
struct gu_relocs {
	struct gu_reloc *list;
	size_t n;
};

/* GU_OK with none if ELF is not dynamic.  GU_BAD_DATA, GU_NO_MEMORY, … */
enum gu_status gu_relocs_init(struct gu_relocs *relocs,
	const struct gu_elf *elf, struct gu_diag *diag) GU_MUST_CHECK;
void gu_relocs_deinit(struct gu_relocs *relocs);

/* Put the words that reach into [addr, addr + len) in BUF. */
void gu_relocs_apply(const struct gu_relocs *relocs, const struct gu_elf *elf,
	uint64_t addr, uint8_t *buf, size_t len);

/*
 * Add BIAS to the relative words that reach into [addr, addr + len) of BUF,
 * which holds them as they are at bias 0.  A word against a symbol may be
 * bound to another file's: it is taken from SEEN, what memory holds there.
 */
enum gu_status gu_relocs_rebase(const struct gu_relocs *relocs,
	const struct gu_elf *elf, uint64_t bias, uint64_t addr,
	const uint8_t *seen, uint8_t *buf, size_t len, struct gu_diag *diag)
	GU_MUST_CHECK;

/* DT_FLAGS_1 of the file, 0 if there is none. */
uint64_t gu_elf_flags_1(const struct gu_elf *elf);

#endif
