/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a symbol file takes over from the program: header fields, sections at
 * their addresses (without contents, but for .eh_frame), segments, build ids.
 * GDB and elfutils match a separate debug file with its program by these.
 */
#ifndef GU_EMIT_ELF_SHAPE_H
#define GU_EMIT_ELF_SHAPE_H

#include "engine/emit/elf_writer.h"
#include "engine/go/module.h"
#include "engine/image/elf_file.h"

struct gu_elf_shape {
	/* private: */
	struct gu_elf_section *sections; /* of the writer, from number `base` */
	uint32_t n, cap, base;
	uint32_t last;            /* found last */
	struct gu_view eh_frame;  /* the program's, where it is needed */
	struct gu_buf joined;     /* with what was added to it */
	uint32_t eh_frame_section; /* number in the writer, or 0 */
	struct gu_buf build_id, go_build_id; /* notes */
};

/* The header fields that FILE has.  GU_IO. */
enum gu_status gu_elf_shape_like(const struct gu_elf_file *file,
	struct gu_diag *diag, struct gu_elf_like *out) GU_MUST_CHECK;

/*
 * Add to W the notes, sections and segments of FILE, the image of MODULE.
 * Where section headers are missing or have no code where MODULE has, .text is
 * made; likewise the sections of variables.  EH_FRAME: more .eh_frame will be
 * added.  SHAPE must outlive W.  GU_NO_MEMORY.
 */
enum gu_status gu_elf_shape_init(struct gu_elf_shape *shape,
	const struct gu_module *module, const struct gu_elf_file *file,
	bool eh_frame, struct gu_elf_writer *w,
	struct gu_diag *diag) GU_MUST_CHECK;
void gu_elf_shape_deinit(struct gu_elf_shape *shape);

/*
 * Put OURS, with its terminator, behind the entries of the .eh_frame that was
 * taken from the program, if any was.
 */
void gu_elf_shape_add_eh_frame(struct gu_elf_shape *shape,
	const struct gu_image *image, const struct gu_buf *ours,
	struct gu_elf_writer *w);

/*
 * The number in W of the section that holds [addr, addr + len), of code if CODE
 * is set; 0 if there is none.
 */
uint32_t gu_elf_shape_section(struct gu_elf_shape *shape, uint64_t addr,
	uint64_t len, bool code);

#endif
