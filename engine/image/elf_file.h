/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An ELF file as an image: 32 and 64 bit, both byte orders, with or without
 * section headers, read through libelf.
 *
 * The image's memory is the file's PT_LOAD segments at their link-time
 * addresses, zero-filled up to p_memsz, with the relative relocations of
 * PT_DYNAMIC applied (R_*_RELATIVE of DT_RELA and DT_REL, DT_RELR, and
 * R_*_64 against symbols defined in the file), as the dynamic linker would at
 * bias 0.  Bytes are read with pread, never mapped: a file that shrinks under
 * us is GU_TRUNCATED, not SIGBUS.
 */
#ifndef GU_IMAGE_ELF_FILE_H
#define GU_IMAGE_ELF_FILE_H

#include "engine/image/image.h"

struct gu_elf_file; /* owns the descriptor and all arrays */

/*
 * Open PATH.  GU_IO, GU_BAD_DATA (not ELF, or a header that contradicts
 * itself: the diag says what was found and what was expected),
 * GU_UNSUPPORTED (a machine or object type that cannot hold Go), GU_TRUNCATED.
 * Cores are refused here: see core.h.
 */
enum gu_status gu_elf_file_open(const char *path, struct gu_diag *diag,
	struct gu_elf_file **out) GU_MUST_CHECK;
void gu_elf_file_close(struct gu_elf_file *file); /* NULL is fine */
void gu_elf_file_closep(struct gu_elf_file **file); /* for gu_cleanup */

/* Valid until the file is closed. */
const struct gu_image *gu_elf_file_image(const struct gu_elf_file *file);

/* e_entry. */
uint64_t gu_elf_file_entry(const struct gu_elf_file *file);

/*
 * What memory should hold where the file is mapped at BIAS: the LEN bytes at
 * its address ADDR, with BIAS added to relative words.  A word against a
 * symbol may be bound to another file's; it is taken from SEEN, the LEN bytes
 * that memory does hold.  OUT is half-written on error.  As gu_mem_read.
 */
enum gu_status gu_elf_file_expect(const struct gu_elf_file *file,
	uint64_t bias, uint64_t addr, const void *seen, size_t len,
	struct gu_diag *diag, void *out) GU_MUST_CHECK;

/* The open descriptor, for readers that need the file itself (libdw). */
int gu_elf_file_fd(const struct gu_elf_file *file);

/*
 * Type of the note with the Go build id: Go src/cmd/link/internal/ld/elf.go,
 * ELF_NOTE_GOBUILDID_TAG.
 */
enum { GU_NOTE_GO_BUILD_ID = 4 };

/* NT_GNU_BUILD_ID's bytes; n is 0 if there is none. */
struct gu_str gu_elf_file_build_id(const struct gu_elf_file *file);
/* The Go build id (of "Go\0\0"), as text; n is 0 if there is none. */
struct gu_str gu_elf_file_go_build_id(const struct gu_elf_file *file);
/* Where these are in memory (link-time addresses); 0: they are not there. */
uint64_t gu_elf_file_build_id_addr(const struct gu_elf_file *file);
uint64_t gu_elf_file_go_build_id_addr(const struct gu_elf_file *file);

/* What the link left in the file. */
struct gu_elf_traits {
	bool has_symtab;      /* .symtab with at least one function */
	bool has_debug_info;  /* .debug_info or .zdebug_info */
	bool has_interp;      /* PT_INTERP: dynamically linked executable */
	bool has_dynamic;     /* PT_DYNAMIC */
	bool is_pie;          /* ET_DYN with DF_1_PIE or PT_INTERP */
	bool has_debuglink;   /* .gnu_debuglink */
	bool lost_sections;   /* e_shoff is set, but no table is there */
};
struct gu_elf_traits gu_elf_file_traits(const struct gu_elf_file *file);

/* A defined symbol of .symtab or .dynsym that GDB's users may want to see. */
struct gu_elf_symbol {
	struct gu_str name;
	uint64_t addr, size;
	uint8_t info; /* st_info */
};

/*
 * Call VISIT for each defined function or object of .dynsym (of .symtab too if
 * there is one) until it returns false.  None without section headers.
 * GU_BAD_DATA: a table cannot be read.
 */
enum gu_status gu_elf_file_symbols(const struct gu_elf_file *file,
	bool (*visit)(void *ctx, const struct gu_elf_symbol *symbol), void *ctx,
	struct gu_diag *diag) GU_MUST_CHECK;

#endif
