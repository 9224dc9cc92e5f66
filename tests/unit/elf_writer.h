/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small ELF files made by hand, of either class and byte order, for tests that
 * spoil them: every field of a header can be changed by its name.
 *
 * Order of use: init, segments and sections, finish, then set and file.
 */
#ifndef TESTS_UNIT_ELF_WRITER_H
#define TESTS_UNIT_ELF_WRITER_H

#include "engine/base/buf.h"

#include <elf.h>

enum { EW_MAX = 16 };

struct elf_writer {
	bool wide, be;
	uint8_t ptr;       /* 4 or 8 */
	uint16_t type, machine;
	uint64_t entry;
	struct ew_part {   /* a segment or a section */
		uint32_t type, flags;
		uint64_t addr, mem_size, align;
		const char *name;  /* of a section */
		uint32_t link, entry_size;
		struct gu_buf bytes;
	} segments[EW_MAX], sections[EW_MAX];
	unsigned nsegments, nsections;
	struct gu_buf out; /* the file, once it is finished */
	int fd;            /* of ew_path, -1 if there is none */
	char path[32];
};

void ew_init(struct elf_writer *ew, bool wide, bool be, uint16_t type,
	uint16_t machine);
void ew_deinit(struct elf_writer *ew);

/*
 * Add a segment whose file bytes the caller writes to the buffer returned
 * (until ew_finish).  MEM_SIZE 0: as many as file bytes.
 */
struct gu_buf *ew_segment(struct elf_writer *ew, uint32_t type, uint32_t flags,
	uint64_t addr, uint64_t mem_size);
/* Add a section likewise; its bytes are stored beside those of segments. */
struct gu_buf *ew_section(struct elf_writer *ew, const char *name,
	uint32_t type, uint64_t flags, uint64_t addr);

/* A note; a dynamic entry; a relocation with or without addend; a symbol. */
void ew_note(struct gu_buf *buf, const char *name, size_t name_size,
	uint32_t type, const void *desc, size_t desc_size);
void ew_dyn(struct elf_writer *ew, struct gu_buf *buf, uint64_t tag,
	uint64_t value);
void ew_rel(struct elf_writer *ew, struct gu_buf *buf, uint64_t addr,
	uint32_t symbol, uint32_t type);
void ew_rela(struct elf_writer *ew, struct gu_buf *buf, uint64_t addr,
	uint32_t symbol, uint32_t type, uint64_t addend);
void ew_sym(struct elf_writer *ew, struct gu_buf *buf, uint32_t name,
	uint8_t info, uint16_t section, uint64_t value, uint64_t size);

/* Lay everything out and write the headers. */
void ew_finish(struct elf_writer *ew);

/*
 * Change a field of the finished file: "e_phnum", "p_filesz" of segment INDEX,
 * "sh_offset" of section INDEX (0 is the null section).  False if there is no
 * such field.
 */
bool ew_set(struct elf_writer *ew, const char *field, unsigned index,
	uint64_t value);
uint64_t ew_get(struct elf_writer *ew, const char *field, unsigned index);

/*
 * A path under which the first SIZE bytes of BYTES can be opened until
 * ew_deinit or the next ew_path*; ew_path is all of the finished file.
 */
const char *ew_path_of(struct elf_writer *ew, const void *bytes, size_t size);
const char *ew_path(struct elf_writer *ew);

#endif
