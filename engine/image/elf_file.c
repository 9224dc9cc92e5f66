/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/image/elf_file.h"

#include "engine/base/math.h"
#include "engine/image/elf_open.h"
#include "engine/image/elf_reloc.h"

#include <inttypes.h>
#include <stdlib.h>

/* Note segments hold a few short notes; more is not worth reading. */
enum { NOTES_MAX = 1 << 13 };

/* An id that a note tells; n is 0 if there is none or it is absurdly long. */
struct id {
	char text[256];
	size_t n;
	uint64_t addr; /* in memory, 0 if it is not there */
};

struct gu_elf_file {
	struct gu_elf elf;
	struct gu_image image;
	char *path;
	struct gu_section *sections;
	struct id build_id, go_build_id;
	/* made when memory is read first, with what came of it */
	bool relocated;
	enum gu_status reloc_status;
	struct gu_diag reloc_diag;
	struct gu_relocs relocs;
};

/* --- memory ------------------------------------------------------------- */

static enum gu_status need_relocs(struct gu_elf_file *file,
	struct gu_diag *diag)
{
	if (!file->relocated) {
		file->relocated = true;
		file->reloc_status = gu_relocs_init(&file->relocs, &file->elf,
			&file->reloc_diag);
	}
	if (file->reloc_status && diag)
		*diag = file->reloc_diag;
	return file->reloc_status;
}

static enum gu_status file_read(void *ctx, uint64_t addr, void *buf, size_t len,
	struct gu_diag *diag)
{
	struct gu_elf_file *file = ctx;
	enum gu_status st = need_relocs(file, diag);

	if (!st)
		st = gu_elf_read(&file->elf, addr, buf, len, diag);
	if (!st)
		gu_relocs_apply(&file->relocs, &file->elf, addr, buf, len);
	return st;
}

static enum gu_status file_next_region(void *ctx, uint64_t addr,
	struct gu_region *out)
{
	const struct gu_elf_file *file = ctx;

	return gu_elf_next_region(&file->elf, addr, out);
}

static const struct gu_mem_ops file_ops = {
	.name = "file",
	.read = file_read,
	.next_region = file_next_region,
};

enum gu_status gu_elf_file_expect(const struct gu_elf_file *file,
	uint64_t bias, uint64_t addr, const void *seen, size_t len,
	struct gu_diag *diag, void *out)
{
	enum gu_status st;

	st = gu_mem_read(&file->image.mem, addr, out, len, diag);
	if (st)
		return st;
	return gu_relocs_rebase(&file->relocs, &file->elf, bias, addr, seen,
		out, len, diag);
}

/* --- what the headers say ----------------------------------------------- */

static enum gu_status check_segments(const struct gu_elf *elf,
	struct gu_diag *diag)
{
	for (size_t i = 0; i < elf->nsegments; i++) {
		const struct gu_segment *seg = &elf->segments[i];

		/* a debug file says where the program has its bytes */
		if (seg->file_size && !gu_within(seg->off, seg->file_size,
			elf->size))
			return gu_fail_at(diag, GU_TRUNCATED, seg->off,
				"the file has %" PRIu64
				" bytes, expected %" PRIu64
				" for the segment at 0x%" PRIx64,
				elf->size, seg->off + seg->file_size,
				seg->addr);
	}
	return GU_OK;
}

static enum gu_status read_sections(struct gu_elf_file *file,
	struct gu_diag *diag)
{
	Elf *handle = file->elf.handle;
	size_t n, names, count = 0;
	Elf_Scn *scn = NULL;

	/* libelf sees none where the table does not lie in the file. */
	if (elf_getshdrnum(handle, &n) != 0 || n <= 1)
		return GU_OK;
	if (elf_getshdrstrndx(handle, &names) != 0)
		names = SHN_UNDEF;
	file->sections = calloc(n, sizeof *file->sections);
	if (!file->sections)
		return gu_fail(diag, GU_NO_MEMORY,
			"no memory for %zu section headers", n);
	while ((scn = elf_nextscn(handle, scn)) != NULL) {
		GElf_Shdr shdr;
		const char *name;

		if (count == n || !gelf_getshdr(scn, &shdr))
			break;
		name = names == SHN_UNDEF ? NULL
			: elf_strptr(handle, names, shdr.sh_name);
		file->sections[count++] = (struct gu_section){
			.name = gu_str(name ? name : ""),
			.addr = shdr.sh_flags & SHF_ALLOC ? shdr.sh_addr : 0,
			.size = shdr.sh_size,
			.type = shdr.sh_type,
			.flags = shdr.sh_flags,
		};
	}
	file->image.sections = file->sections;
	file->image.nsections = count;
	return GU_OK;
}

static void keep_id(struct id *id, const struct gu_note *note, uint64_t addr)
{
	if (id->n > 0 || note->desc_size > sizeof id->text)
		return;
	memcpy(id->text, note->desc, note->desc_size);
	id->n = note->desc_size;
	id->addr = addr;
}

/* The notes at OFF of the file, at ADDR (0: nowhere) in memory. */
static void read_notes(struct gu_elf_file *file, uint64_t off, uint64_t size,
	uint64_t align, uint64_t addr)
{
	uint8_t bytes[NOTES_MAX];
	struct gu_note note;
	struct gu_cur cur;

	if (size > sizeof bytes ||
		gu_elf_pread(&file->elf, off, bytes, (size_t)size, NULL))
		return;
	cur = gu_cur(bytes, (size_t)size, addr, file->elf.be, "notes");
	while (gu_note_next(&cur, align, &note)) {
		uint64_t at = addr ? addr + (uint64_t)(note.desc - bytes) : 0;

		if (note.type == NT_GNU_BUILD_ID &&
			gu_str_eq(note.name, gu_str("GNU")))
			keep_id(&file->build_id, &note, at);
		if (note.type == GU_NOTE_GO_BUILD_ID &&
			gu_str_eq(note.name, gu_str("Go")))
			keep_id(&file->go_build_id, &note, at);
	}
}

static void read_ids(struct gu_elf_file *file)
{
	const struct gu_elf *elf = &file->elf;
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;

	for (size_t i = 0; i < elf->nphdrs; i++)
		if (elf->phdrs[i].p_type == PT_NOTE)
			read_notes(file, elf->phdrs[i].p_offset,
				elf->phdrs[i].p_filesz, elf->phdrs[i].p_align,
				elf->phdrs[i].p_vaddr);
	/* Go's linker has one note in PT_NOTE; a linker script may have left
	 * all out of the segments. */
	while ((scn = elf_nextscn(elf->handle, scn)) != NULL)
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == SHT_NOTE)
			read_notes(file, shdr.sh_offset, shdr.sh_size,
				shdr.sh_addralign,
				gu_segment_find(elf->segments, elf->nsegments,
					shdr.sh_addr) ? shdr.sh_addr : 0);
}

/* --- opening ------------------------------------------------------------ */

static enum gu_status open_file(struct gu_elf_file *file, const char *path,
	struct gu_diag *diag)
{
	struct gu_elf *elf = &file->elf;
	enum gu_status st;

	st = gu_elf_init(elf, path, false, diag);
	if (!st)
		st = check_segments(elf, diag);
	if (!st)
		st = read_sections(file, diag);
	if (st)
		return st;
	read_ids(file);
	file->path = strdup(path);
	if (!file->path)
		return gu_fail(diag, GU_NO_MEMORY, "out of memory");
	file->image.mem = (struct gu_mem){
		&file_ops, file, elf->be, elf->ptr_size
	};
	file->image.arch = elf->arch;
	file->image.is_dyn = elf->ehdr.e_type == ET_DYN;
	file->image.segments = elf->segments;
	file->image.nsegments = elf->nsegments;
	file->image.name = gu_str(file->path);
	return GU_OK;
}

enum gu_status gu_elf_file_open(const char *path, struct gu_diag *diag,
	struct gu_elf_file **out)
{
	struct gu_elf_file *file = calloc(1, sizeof *file);
	enum gu_status st;

	if (!file)
		return gu_fail(diag, GU_NO_MEMORY, "%s: out of memory", path);
	file->elf.fd = -1;
	st = open_file(file, path, diag);
	if (st) {
		gu_elf_file_close(file);
		return gu_fail_in(diag, st, "%s", path);
	}
	*out = file;
	return GU_OK;
}

void gu_elf_file_close(struct gu_elf_file *file)
{
	if (!file)
		return;
	gu_relocs_deinit(&file->relocs);
	free(file->sections);
	free(file->path);
	gu_elf_deinit(&file->elf);
	free(file);
}

void gu_elf_file_closep(struct gu_elf_file **file)
{
	gu_elf_file_close(*file);
}

/* --- getters ------------------------------------------------------------ */

const struct gu_image *gu_elf_file_image(const struct gu_elf_file *file)
{
	return &file->image;
}

int gu_elf_file_fd(const struct gu_elf_file *file)
{
	return file->elf.fd;
}

uint64_t gu_elf_file_entry(const struct gu_elf_file *file)
{
	return file->elf.ehdr.e_entry;
}

struct gu_str gu_elf_file_build_id(const struct gu_elf_file *file)
{
	return (struct gu_str){file->build_id.text, file->build_id.n};
}

struct gu_str gu_elf_file_go_build_id(const struct gu_elf_file *file)
{
	return (struct gu_str){file->go_build_id.text, file->go_build_id.n};
}

uint64_t gu_elf_file_build_id_addr(const struct gu_elf_file *file)
{
	return file->build_id.addr;
}

uint64_t gu_elf_file_go_build_id_addr(const struct gu_elf_file *file)
{
	return file->go_build_id.addr;
}

static bool has_phdr(const struct gu_elf *elf, uint32_t type)
{
	for (size_t i = 0; i < elf->nphdrs; i++)
		if (elf->phdrs[i].p_type == type)
			return true;
	return false;
}

/*
 * Call VISIT for the symbols of the tables of TYPE; GU_STOP if it wants no
 * more.
 */
static enum gu_status visit_symbols(const struct gu_elf *elf, uint32_t type,
	bool (*visit)(void *ctx, const struct gu_elf_symbol *symbol), void *ctx,
	struct gu_diag *diag)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf->handle, scn)) != NULL) {
		Elf_Data *data;
		GElf_Shdr shdr;
		GElf_Sym sym;

		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != type)
			continue;
		data = elf_getdata(scn, NULL);
		if (!data)
			return gu_fail_at(diag, GU_BAD_DATA, shdr.sh_offset,
				"symbol table: %s", elf_errmsg(-1));
		for (int i = 0; gelf_getsym(data, i, &sym); i++) {
			const char *name = elf_strptr(elf->handle, shdr.sh_link,
				sym.st_name);
			unsigned kind = GELF_ST_TYPE(sym.st_info);
			struct gu_elf_symbol symbol = {
				.name = gu_str(name ? name : ""),
				.addr = sym.st_value,
				.size = sym.st_size,
				.info = sym.st_info,
			};

			if (sym.st_shndx == SHN_UNDEF || symbol.name.n == 0 ||
				(kind != STT_FUNC && kind != STT_OBJECT))
				continue;
			if (!visit(ctx, &symbol))
				return GU_STOP;
		}
	}
	return GU_OK;
}

enum gu_status gu_elf_file_symbols(const struct gu_elf_file *file,
	bool (*visit)(void *ctx, const struct gu_elf_symbol *symbol), void *ctx,
	struct gu_diag *diag)
{
	enum gu_status st = visit_symbols(&file->elf, SHT_DYNSYM, visit, ctx,
		diag);

	if (!st)
		st = visit_symbols(&file->elf, SHT_SYMTAB, visit, ctx, diag);
	return st == GU_STOP ? GU_OK : st;
}

static bool is_not_function(void *ctx, const struct gu_elf_symbol *symbol)
{
	(void)ctx;
	return GELF_ST_TYPE(symbol->info) != STT_FUNC;
}

struct gu_elf_traits gu_elf_file_traits(const struct gu_elf_file *file)
{
	const struct gu_elf *elf = &file->elf;
	const struct gu_image *image = &file->image;
	struct gu_elf_traits traits = {
		.has_symtab = visit_symbols(elf, SHT_SYMTAB, is_not_function,
			NULL, NULL) == GU_STOP,
		.has_debug_info = gu_image_section(image, ".debug_info") ||
			gu_image_section(image, ".zdebug_info"),
		.has_interp = has_phdr(elf, PT_INTERP),
		.has_dynamic = has_phdr(elf, PT_DYNAMIC),
		.has_debuglink = gu_image_section(image, ".gnu_debuglink"),
		.lost_sections = elf->ehdr.e_shoff != 0 && !image->nsections,
	};

	traits.is_pie = image->is_dyn &&
		(traits.has_interp || (gu_elf_flags_1(elf) & DF_1_PIE));
	return traits;
}
