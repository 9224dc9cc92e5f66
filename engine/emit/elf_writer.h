/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The container of the symbol file: an ELF file of any class and byte order,
 * written through libelf, and sealed so that damage to it is noticed.
 *
 *   ELF header
 *   program headers
 *   .note.gounstrip     the seal
 *   other notes         up to here: the head
 *   other contents      the body
 *   section headers
 */
#ifndef GU_EMIT_ELF_WRITER_H
#define GU_EMIT_ELF_WRITER_H

#include "engine/base/buf.h"
#include "engine/base/job.h"

/* What a section is and holds; everything is borrowed until it is written. */
struct gu_elf_section {
	struct gu_str name;
	uint32_t type, link, info; /* SHT_*, section numbers */
	uint64_t flags, addr, align, entsize;
	uint64_t size;             /* of SHT_NOBITS; else data's */
	const void *data;
	size_t data_size;
	uint32_t same_as; /* an earlier section that begins so, or 0 */
	size_t run_on;    /* bytes behind data, of the next section, that are
			     this one's too; data_size is a multiple of 8 */
};

struct gu_elf_segment {
	uint32_t type, flags; /* PT_*, PF_* */
	uint64_t addr, mem_size;
	uint32_t section;     /* whose bytes it has in the file; 0: none */
	uint64_t off;         /* of one without bytes: where others have them */
};

/* The fields of the ELF header that are taken from another file. */
struct gu_elf_like {
	uint8_t class, data, osabi, abi_version; /* EI_* */
	uint16_t type, machine;
	uint32_t flags;
	uint64_t entry;
};

/* What else the seal says, for whoever finds the file: see symfile.c. */
enum { GU_ELF_FACTS = 8 };

struct gu_elf_writer {
	struct gu_elf_like like;
	uint64_t identity, facts[GU_ELF_FACTS]; /* for the seal */
	struct gu_elf_section *sections; /* number 0 is ELF's */
	struct gu_elf_segment *segments;
	uint32_t nsections, nsegments, sections_cap, segments_cap;
	gu_run_jobs *jobs; /* how it is written and hashed at once; NULL: in
			      turn */
	bool failed; /* memory ran out */
};

/* IDENTITY: of what the file is made from, a number of the caller's. */
void gu_elf_writer_init(struct gu_elf_writer *w,
	const struct gu_elf_like *like, uint64_t identity);
void gu_elf_writer_deinit(struct gu_elf_writer *w);

/* Notes first, then other sections; returns the section's number. */
uint32_t gu_elf_writer_section(struct gu_elf_writer *w,
	const struct gu_elf_section *section);
void gu_elf_writer_segment(struct gu_elf_writer *w,
	const struct gu_elf_segment *segment);

/*
 * Write it all to FD, an empty file; .shstrtab is added.  *out is its size.
 * GU_IO, GU_NO_MEMORY, GU_UNSUPPORTED (a part is larger than its format
 * allows).
 */
enum gu_status gu_elf_writer_write(struct gu_elf_writer *w, int fd,
	struct gu_diag *diag, uint64_t *out) GU_MUST_CHECK;

/* What a seal tells of a file that is whole. */
struct gu_elf_seal {
	uint64_t identity, size, facts[GU_ELF_FACTS];
};

/*
 * Read the seal of the file at FD: one of ours, of this format version, whole,
 * with an undamaged head and section table; with BODY also with an undamaged
 * body, all of which is read.  GU_NOT_FOUND if it is anything else; GU_IO.
 */
enum gu_status gu_elf_seal_read(int fd, bool body, struct gu_diag *diag,
	struct gu_elf_seal *out) GU_MUST_CHECK;

#endif
