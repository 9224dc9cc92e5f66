/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/elf_shape.h"

#include "engine/base/math.h"
#include "engine/base/vec.h"

#include <gelf.h>
#include <unistd.h>

enum {
	SECTIONS_MAX = 4096,     /* more than any linker makes */
	EH_FRAME_MAX = 64 << 20, /* bytes */
};

enum gu_status gu_elf_shape_like(const struct gu_elf_file *file,
	struct gu_diag *diag, struct gu_elf_like *out)
{
	int fd = gu_elf_file_fd(file);
	GElf_Ehdr ehdr;
	Elf *elf;
	bool ok;

	(void)elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	ok = elf && gelf_getehdr(elf, &ehdr);
	if (ok)
		*out = (struct gu_elf_like){
			.class = ehdr.e_ident[EI_CLASS],
			.data = ehdr.e_ident[EI_DATA],
			.osabi = ehdr.e_ident[EI_OSABI],
			.abi_version = ehdr.e_ident[EI_ABIVERSION],
			.type = ehdr.e_type,
			.machine = ehdr.e_machine,
			.flags = ehdr.e_flags,
			.entry = ehdr.e_entry,
		};
	elf_end(elf);
	if (!ok)
		return gu_fail(diag, GU_IO,
			"the program's ELF header can no longer be read");
	return GU_OK;
}

static void make_note(struct gu_buf *buf, bool be, const char *owner,
	uint32_t type, struct gu_str desc)
{
	gu_buf_init(buf, be);
	if (desc.n == 0)
		return;
	gu_buf_word(buf, 4, 4); /* both owners: "GNU\0", "Go\0\0" */
	gu_buf_word(buf, desc.n, 4);
	gu_buf_word(buf, type, 4);
	gu_buf_bytes(buf, owner, 4);
	gu_buf_str(buf, desc);
	gu_buf_zero(buf, gu_align_up(desc.n, 4) - desc.n);
}

/*
 * A section with contents that are not mapped where its address says: GDB
 * complains of loadable sections that are in no segment of the file, so this
 * one is not loadable, and an empty one of the same name stands at the address.
 */
static struct gu_elf_section with_contents(const struct gu_image *image,
	const char *name, uint32_t type, const void *data, size_t size)
{
	const struct gu_section *there = gu_image_section(image, name);

	return (struct gu_elf_section){
		.name = gu_str(name),
		.type = type,
		.addr = there && there->flags & SHF_ALLOC ? there->addr : 0,
		.align = 4,
		.data = data,
		.data_size = size,
	};
}

static void add_note(struct gu_elf_writer *w, const struct gu_image *image,
	const char *name, const struct gu_buf *note)
{
	struct gu_elf_section section = with_contents(image, name, SHT_NOTE,
		note->p, note->n);
	struct gu_elf_segment segment = {
		.type = PT_NOTE,
		.flags = PF_R,
		.addr = section.addr,
	};

	if (note->n == 0)
		return;
	segment.section = gu_elf_writer_section(w, &section);
	gu_elf_writer_segment(w, &segment);
}

/*
 * Where the symbol file takes the program's place in GDB (there is no build id
 * by which it could stand beside it), C frames unwind by its .eh_frame.
 */
static void take_eh_frame(struct gu_elf_shape *shape, bool ours,
	const struct gu_image *image, struct gu_elf_writer *w)
{
	const struct gu_section *s = gu_image_section(image, ".eh_frame");
	struct gu_elf_section section;

	if (!shape->build_id.n && s && s->type != SHT_NOBITS &&
		s->flags & SHF_ALLOC && s->size <= EH_FRAME_MAX)
		(void)!gu_view_open(&image->mem, s->addr, s->size, NULL,
			&shape->eh_frame);
	section = with_contents(image, ".eh_frame", SHT_PROGBITS,
		shape->eh_frame.p, shape->eh_frame.n);
	/* elfutils looks no further than the first of this name */
	if (shape->eh_frame.n || ours)
		shape->eh_frame_section = gu_elf_writer_section(w, &section);
}

/* Where the entries in VIEW end: at its terminator, if it has one. */
static size_t eh_frame_end(const struct gu_view *view,
	const struct gu_mem *mem)
{
	struct gu_cur cur = gu_view_cur(view, mem, ".eh_frame");
	size_t end = 0;

	for (;;) {
		uint64_t len = gu_cur_u32(&cur);

		if (len == UINT32_MAX)
			len = gu_cur_u64(&cur);
		if (!gu_cur_ok(&cur) || len == 0)
			return end;
		gu_cur_skip(&cur, len);
		if (!gu_cur_ok(&cur))
			return end;
		end = view->n - gu_cur_left(&cur);
	}
}

void gu_elf_shape_add_eh_frame(struct gu_elf_shape *shape,
	const struct gu_image *image, const struct gu_buf *ours,
	struct gu_elf_writer *w)
{
	const struct gu_view *theirs = &shape->eh_frame;
	struct gu_buf *joined = &shape->joined;
	struct gu_elf_section *section;

	if (!shape->eh_frame_section || !ours->n || w->failed)
		return;
	gu_buf_init(joined, image->mem.be);
	gu_buf_bytes(joined, theirs->p, eh_frame_end(theirs, &image->mem));
	gu_buf_bytes(joined, ours->p, ours->n);
	section = &w->sections[shape->eh_frame_section];
	section->data = joined->p;
	section->data_size = joined->n;
}

static bool add(struct gu_elf_shape *shape, const struct gu_elf_section *s)
{
	if (!gu_vec_room(&shape->sections, &shape->cap, shape->n))
		return false;
	shape->sections[shape->n++] = *s;
	return true;
}

static bool take_sections(struct gu_elf_shape *shape,
	const struct gu_image *image)
{
	if (image->nsections > SECTIONS_MAX)
		return true;
	for (size_t i = 0; i < image->nsections; i++) {
		const struct gu_section *from = &image->sections[i];
		struct gu_elf_section s = {
			.name = from->name,
			.type = SHT_NOBITS,
			.flags = from->flags & (SHF_ALLOC | SHF_WRITE |
				SHF_EXECINSTR | SHF_TLS),
			.addr = from->addr,
			.size = from->size,
			.align = 1,
		};

		if (!(s.flags & SHF_ALLOC) ||
			(s.size && !(s.flags & SHF_TLS) &&
				!gu_image_segment(image, s.addr, s.size)))
			continue;
		if (!add(shape, &s))
			return false;
	}
	return true;
}

/* .text as MODULE has it, in place of sections that say something else. */
static bool make_text(struct gu_elf_shape *shape,
	const struct gu_module *module)
{
	struct gu_elf_section text = {
		.name = gu_str(".text"),
		.type = SHT_NOBITS,
		.flags = SHF_ALLOC | SHF_EXECINSTR,
		.addr = module->lo,
		.size = module->hi - module->lo,
		.align = 1,
	};
	uint32_t kept = 0;

	for (uint32_t i = 0; i < shape->n; i++)
		if (!(shape->sections[i].flags & SHF_EXECINSTR))
			shape->sections[kept++] = shape->sections[i];
	shape->n = kept;
	return module->lo >= module->hi || add(shape, &text);
}

/* Variables: the ranges that MODULE tells of, where no section holds them. */
static bool make_data(struct gu_elf_shape *shape,
	const struct gu_module *module)
{
	const struct gu_moduledata *md = &module->md;
	const struct {
		const char *name;
		uint64_t from, to;
	} ranges[] = {
		{".noptrdata", md->noptrdata, md->enoptrdata},
		{".data", md->data, md->edata},
		{".bss", md->bss, md->ebss},
		{".noptrbss", md->noptrbss, md->enoptrbss},
		{".go.module", md->addr, md->addr + md->size}, /* 1.26 */
	};

	for (size_t i = 0; i < GU_COUNT(ranges); i++) {
		uint64_t from = ranges[i].from, to = ranges[i].to;
		struct gu_elf_section s = {
			.name = gu_str(ranges[i].name),
			.type = SHT_NOBITS,
			.flags = SHF_ALLOC | SHF_WRITE,
			.addr = from,
			.size = to - from,
			.align = 1,
		};

		if (from >= to ||
			!gu_image_segment(module->image, from, to - from) ||
			gu_elf_shape_section(shape, from, 1, false))
			continue;
		if (!add(shape, &s))
			return false;
	}
	return true;
}

static void add_segments(const struct gu_image *image,
	struct gu_elf_writer *w)
{
	const struct gu_section *hdr = gu_image_section(image, ".eh_frame_hdr");

	if (hdr && hdr->flags & SHF_ALLOC)
		gu_elf_writer_segment(w, &(struct gu_elf_segment){
			.type = PT_GNU_EH_FRAME,
			.flags = PF_R,
			.addr = hdr->addr,
			.mem_size = hdr->size,
		});
	for (size_t i = 0; i < image->nsegments; i++) {
		const struct gu_segment *from = &image->segments[i];
		struct gu_elf_segment segment = {
			.type = PT_LOAD,
			.flags = (from->read ? PF_R : 0u) |
				(from->write ? PF_W : 0u) |
				(from->exec ? PF_X : 0u),
			.addr = from->addr,
			.off = from->off,
			.mem_size = from->mem_size,
		};

		gu_elf_writer_segment(w, &segment);
	}
}

static bool holds(const struct gu_elf_section *s, uint64_t addr, uint64_t len,
	bool code)
{
	return addr >= s->addr && gu_within(addr - s->addr, len, s->size) &&
		!(s->flags & SHF_TLS) && (!code || s->flags & SHF_EXECINSTR);
}

uint32_t gu_elf_shape_section(struct gu_elf_shape *shape, uint64_t addr,
	uint64_t len, bool code)
{
	if (shape->last < shape->n &&
		holds(&shape->sections[shape->last], addr, len, code))
		return shape->base + shape->last;
	for (uint32_t i = 0; i < shape->n; i++)
		if (holds(&shape->sections[i], addr, len, code)) {
			shape->last = i;
			return shape->base + i;
		}
	return 0;
}

enum gu_status gu_elf_shape_init(struct gu_elf_shape *shape,
	const struct gu_module *module, const struct gu_elf_file *file,
	bool eh_frame, struct gu_elf_writer *w, struct gu_diag *diag)
{
	const struct gu_image *image = module->image;
	bool be = image->mem.be, ok;

	*shape = (struct gu_elf_shape){0};
	make_note(&shape->build_id, be, "GNU", NT_GNU_BUILD_ID,
		gu_elf_file_build_id(file));
	make_note(&shape->go_build_id, be, "Go\0", GU_NOTE_GO_BUILD_ID,
		gu_elf_file_go_build_id(file));
	add_note(w, image, ".note.gnu.build-id", &shape->build_id);
	add_note(w, image, ".note.go.buildid", &shape->go_build_id);
	take_eh_frame(shape, eh_frame, image, w);
	add_segments(image, w);

	shape->base = w->nsections;
	ok = take_sections(shape, image);
	if (ok && !gu_elf_shape_section(shape, module->lo, 1, true))
		ok = make_text(shape, module);
	if (ok && module->has_md)
		ok = make_data(shape, module);
	for (uint32_t i = 0; i < shape->n; i++)
		(void)gu_elf_writer_section(w, &shape->sections[i]);
	if (ok && !w->failed && !shape->build_id.failed &&
		!shape->go_build_id.failed)
		return GU_OK;
	gu_elf_shape_deinit(shape);
	return gu_fail(diag, GU_NO_MEMORY, "no memory for section headers");
}

void gu_elf_shape_deinit(struct gu_elf_shape *shape)
{
	free(shape->sections);
	gu_view_close(&shape->eh_frame);
	gu_buf_deinit(&shape->joined);
	gu_buf_deinit(&shape->build_id);
	gu_buf_deinit(&shape->go_build_id);
	*shape = (struct gu_elf_shape){0};
}
