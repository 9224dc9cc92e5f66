/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/image/core.h"

#include "engine/base/vec.h"
#include "engine/image/elf_open.h"

#include <inttypes.h>
#include <stdio.h>

/* Bytes compared at a place; the kernel dumps the first page of most files. */
enum { FIRST_PAGE = 4096 };

struct gu_core {
	struct gu_elf elf;
	struct gu_mem mem;
	uint8_t *notes; /* the bytes of all PT_NOTE */
	const uint8_t *auxv;
	size_t auxv_size;
	struct gu_core_file *files;
	size_t nfiles;
	struct gu_core_thread *threads;
	uint32_t nthreads, threads_cap;
};

static enum gu_status core_read(void *ctx, uint64_t addr, void *buf, size_t len,
	struct gu_diag *diag)
{
	const struct gu_core *core = ctx;

	return gu_elf_read(&core->elf, addr, buf, len, diag);
}

static enum gu_status core_next_region(void *ctx, uint64_t addr,
	struct gu_region *out)
{
	const struct gu_core *core = ctx;

	return gu_elf_next_region(&core->elf, addr, out);
}

/* --- notes -------------------------------------------------------------- */

/*
 * NT_PRSTATUS, struct elf_prstatus of the kernel (include/linux/elfcore.h):
 * three ints, a short (pr_cursig), two longs, four pids, four timevals, the
 * registers, an int (pr_fpvalid), all aligned as in C.
 */
static enum gu_status add_thread(struct gu_core *core,
	const struct gu_note *note, struct gu_diag *diag)
{
	bool wide = core->elf.ptr_size == 8;
	size_t pid_off = wide ? 32 : 24, regs_off = wide ? 112 : 72;
	size_t tail = wide ? 8 : 4;
	struct gu_cur cur = gu_cur(note->desc, note->desc_size, 0, core->elf.be,
		"NT_PRSTATUS");
	struct gu_core_thread thread;

	if (note->desc_size < regs_off + tail)
		return gu_fail(diag, GU_BAD_DATA,
			"a thread's NT_PRSTATUS has %zu bytes, expected more "
			"than %zu",
			note->desc_size, regs_off + tail);
	gu_cur_seek(&cur, 12);
	thread.signal = (int16_t)gu_cur_u16(&cur);
	gu_cur_seek(&cur, pid_off);
	thread.tid = (int32_t)gu_cur_u32(&cur);
	thread.regs = note->desc + regs_off;
	thread.regs_size = note->desc_size - regs_off - tail;
	if (!gu_vec_room(&core->threads, &core->threads_cap, core->nthreads))
		return gu_fail(diag, GU_NO_MEMORY, "no memory for threads");
	core->threads[core->nthreads++] = thread;
	return gu_cur_status(&cur, diag);
}

/*
 * NT_FILE (fs/binfmt_elf.c, fill_files_note): words count and page size;
 * count times start, end and offset in pages; count names.
 */
static enum gu_status read_files(struct gu_core *core,
	const struct gu_note *note, struct gu_diag *diag)
{
	unsigned ptr = core->elf.ptr_size;
	struct gu_cur cur = gu_cur(note->desc, note->desc_size, 0, core->elf.be,
		"NT_FILE");
	uint64_t count = gu_cur_word(&cur, ptr);
	uint64_t page = gu_cur_word(&cur, ptr);

	if (!gu_cur_ok(&cur) || count > gu_cur_left(&cur) / (3 * ptr + 1))
		return gu_fail(diag, GU_BAD_DATA,
			"NT_FILE of %zu bytes cannot hold the %" PRIu64
			" files that it tells",
			note->desc_size, count);
	if (core->files || count == 0)
		return GU_OK;
	core->files = calloc((size_t)count, sizeof *core->files);
	if (!core->files)
		return gu_fail(diag, GU_NO_MEMORY, "no memory for %" PRIu64
			" mapped files", count);
	for (size_t i = 0; i < count; i++) {
		struct gu_core_file *file = &core->files[i];

		file->start = gu_cur_word(&cur, ptr);
		file->end = gu_cur_word(&cur, ptr);
		if (!gu_mul(gu_cur_word(&cur, ptr), page, &file->off))
			return gu_fail_at(diag, GU_BAD_DATA, file->start,
				"NT_FILE: the file mapped at 0x%" PRIx64
				" has an offset beyond any file", file->start);
	}
	for (size_t i = 0; i < count; i++)
		core->files[i].path = gu_cur_cstr(&cur);
	core->nfiles = (size_t)count;
	return gu_cur_status(&cur, diag);
}

static enum gu_status read_note(struct gu_core *core,
	const struct gu_note *note, struct gu_diag *diag)
{
	if (!gu_str_eq(note->name, gu_str("CORE")))
		return GU_OK;
	switch (note->type) {
	case NT_PRSTATUS:
		return add_thread(core, note, diag);
	case NT_FILE:
		return read_files(core, note, diag);
	case NT_AUXV:
		core->auxv = note->desc;
		core->auxv_size = note->desc_size;
		return GU_OK;
	default:
		return GU_OK;
	}
}

static enum gu_status read_notes(struct gu_core *core, struct gu_diag *diag)
{
	const struct gu_elf *elf = &core->elf;
	uint64_t total = 0, at = 0;
	enum gu_status st;

	for (size_t i = 0; i < elf->nphdrs; i++) {
		const GElf_Phdr *ph = &elf->phdrs[i];

		if (ph->p_type == PT_NOTE)
			total += ph->p_filesz;
		if (total > elf->size)
			return gu_fail(diag, GU_BAD_DATA,
				"the note segments overlap: they have more "
				"bytes than the file");
	}
	core->notes = malloc(total ? (size_t)total : 1);
	if (!core->notes)
		return gu_fail(diag, GU_NO_MEMORY,
			"no memory for %" PRIu64 " bytes of notes", total);
	for (size_t i = 0; i < elf->nphdrs; i++) {
		const GElf_Phdr *ph = &elf->phdrs[i];
		uint64_t size = ph->p_filesz;
		struct gu_note note;
		struct gu_cur cur;

		if (ph->p_type != PT_NOTE)
			continue;
		st = gu_elf_pread(elf, ph->p_offset, core->notes + at,
			(size_t)size, diag);
		if (st)
			return st;
		cur = gu_cur(core->notes + at, (size_t)size, ph->p_offset,
			elf->be, "notes");
		while (gu_note_next(&cur, ph->p_align, &note)) {
			st = read_note(core, &note, diag);
			if (st)
				return st;
		}
		at += size;
	}
	return GU_OK;
}

/* --- opening ------------------------------------------------------------ */

/* The part of [off, off + size) that lies in the file; the rest is lost. */
static uint64_t clip(struct gu_elf *elf, uint64_t off, uint64_t size)
{
	uint64_t there = 0;

	if (off < elf->size)
		there = size < elf->size - off ? size : elf->size - off;
	if (!gu_add(elf->lost, size - there, &elf->lost))
		elf->lost = UINT64_MAX;
	return there;
}

/* A core that was cut short still has what comes before the cut. */
static void clip_all(struct gu_elf *elf)
{
	for (size_t i = 0; i < elf->nsegments; i++)
		elf->segments[i].file_size = clip(elf, elf->segments[i].off,
			elf->segments[i].file_size);
	for (size_t i = 0; i < elf->nphdrs; i++)
		if (elf->phdrs[i].p_type == PT_NOTE)
			elf->phdrs[i].p_filesz = clip(elf,
				elf->phdrs[i].p_offset, elf->phdrs[i].p_filesz);
}

static enum gu_status open_core(struct gu_core *core, const char *path,
	struct gu_diag *diag)
{
	static const struct gu_mem_ops ops = {
		.name = "core",
		.read = core_read,
		.next_region = core_next_region,
	};
	enum gu_status st = gu_elf_init(&core->elf, path, true, diag);

	if (st)
		return st;
	clip_all(&core->elf);
	core->mem = (struct gu_mem){
		&ops, core, core->elf.be, core->elf.ptr_size
	};
	return read_notes(core, diag);
}

enum gu_status gu_core_open(const char *path, struct gu_diag *diag,
	struct gu_core **out)
{
	struct gu_core *core = calloc(1, sizeof *core);
	enum gu_status st;

	if (!core)
		return gu_fail(diag, GU_NO_MEMORY, "%s: out of memory", path);
	core->elf.fd = -1;
	st = open_core(core, path, diag);
	if (st) {
		gu_core_close(core);
		return gu_fail_in(diag, st, "%s", path);
	}
	*out = core;
	return GU_OK;
}

void gu_core_close(struct gu_core *core)
{
	if (!core)
		return;
	free(core->threads);
	free(core->files);
	free(core->notes);
	gu_elf_deinit(&core->elf);
	free(core);
}

/* --- getters ------------------------------------------------------------ */

struct gu_mem gu_core_mem(const struct gu_core *core)
{
	return core->mem;
}

uint64_t gu_core_lost(const struct gu_core *core)
{
	return core->elf.lost;
}

size_t gu_core_nfiles(const struct gu_core *core)
{
	return core->nfiles;
}

const struct gu_core_file *gu_core_files(const struct gu_core *core)
{
	return core->files;
}

size_t gu_core_nthreads(const struct gu_core *core)
{
	return core->nthreads;
}

const struct gu_core_thread *gu_core_threads(const struct gu_core *core)
{
	return core->threads;
}

enum gu_status gu_core_auxv(const struct gu_core *core, uint64_t type,
	uint64_t *out)
{
	return gu_auxv_find(core->auxv, core->auxv_size, core->elf.be,
		core->elf.ptr_size, type, out);
}

enum gu_status gu_core_exec_bias(const struct gu_core *core,
	const struct gu_elf_file *file, uint64_t *out)
{
	uint64_t entry;
	enum gu_status st;

	if (!gu_elf_file_image(file)->is_dyn) {
		*out = 0;
		return GU_OK;
	}
	st = gu_core_auxv(core, AT_ENTRY, &entry);
	if (!st)
		*out = entry - gu_elf_file_entry(file);
	return st;
}

/* --- does it belong to a program? --------------------------------------- */

struct match {
	const struct gu_core *core;
	const struct gu_elf_file *file;
	uint64_t bias;
	bool proved;
};

static const char *hex(struct gu_str bytes, char *out, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < bytes.n && at + 3 <= size; i++, at += 2)
		(void)snprintf(out + at, size - at, "%02x",
			(uint8_t)bytes.p[i]);
	out[at] = '\0';
	return out;
}

/* A kind of id: a note with a name of four bytes (padding included). */
struct id_kind {
	const char *what;
	char name[4];
	uint32_t type;
	bool text;
};

static enum gu_status id_differs(const struct match *m,
	const struct id_kind *kind, struct gu_str found, struct gu_str expected,
	struct gu_diag *diag)
{
	char a[48], b[48];

	if (found.n == 0)
		return gu_fail(diag, GU_BAD_DATA,
			"the core is of another program: it has no %s where "
			"%.*s has one", kind->what,
			GU_STR(gu_elf_file_image(m->file)->name));
	if (kind->text)
		return gu_fail(diag, GU_BAD_DATA,
			"the core is of another program: it has the %s "
			"\"%.*s\", expected \"%.*s\"",
			kind->what, GU_STR(found), GU_STR(expected));
	return gu_fail(diag, GU_BAD_DATA,
		"the core is of another program: it has the %s %s, expected %s",
		kind->what, hex(found, a, sizeof a),
		hex(expected, b, sizeof b));
}

/* The file's ID, at ADDR of its image, against what the core has there. */
static enum gu_status match_id(struct match *m, const struct id_kind *kind,
	struct gu_str id, uint64_t addr, struct gu_diag *diag)
{
	uint8_t header[16];
	char bytes[256];
	struct gu_str found = {bytes, 0};
	uint64_t at = m->bias + addr;
	uint32_t name_size, size, type;
	struct gu_cur cur;

	if (id.n == 0 || addr == 0 ||
		gu_mem_read(&m->core->mem, at - sizeof header, header,
			sizeof header, NULL))
		return GU_OK;
	cur = gu_cur(header, sizeof header, at, m->core->elf.be, kind->what);
	name_size = gu_cur_u32(&cur);
	size = gu_cur_u32(&cur);
	type = gu_cur_u32(&cur);
	if (name_size == sizeof kind->name && type == kind->type &&
		memcmp(header + 12, kind->name, sizeof kind->name) == 0 &&
		size <= sizeof bytes) {
		if (gu_mem_read(&m->core->mem, at, bytes, size, NULL))
			return GU_OK;
		found.n = size;
	}
	if (!gu_str_eq(found, id))
		return id_differs(m, kind, found, id, diag);
	m->proved = true;
	return GU_OK;
}

/* LEN bytes at ADDR of the file's image, if the core has them. */
static enum gu_status match_bytes(struct match *m, const char *what,
	uint64_t addr, size_t len, struct gu_diag *diag)
{
	char found[FIRST_PAGE], expected[FIRST_PAGE], a[17], b[17];
	size_t same = 0, n;
	enum gu_status st;

	if (len > FIRST_PAGE)
		len = FIRST_PAGE;
	if (len == 0 || gu_mem_read(&m->core->mem, m->bias + addr, found, len,
				NULL))
		return GU_OK;
	st = gu_elf_file_expect(m->file, m->bias, addr, found, len, diag,
		expected);
	if (st)
		return st;
	while (same < len && found[same] == expected[same])
		same++;
	if (same == len) {
		m->proved = true;
		return GU_OK;
	}
	n = len - same < 8 ? len - same : 8;
	addr += m->bias + same;
	return gu_fail_at(diag, GU_BAD_DATA, addr,
		"the core is of another program, or of another build of it: "
		"its %s at 0x%" PRIx64 " has %s, expected %s", what, addr,
		hex((struct gu_str){found + same, n}, a, sizeof a),
		hex((struct gu_str){expected + same, n}, b, sizeof b));
}

/* The first bytes of code and constants. */
static enum gu_status match_pages(struct match *m, struct gu_diag *diag)
{
	const struct gu_image *image = gu_elf_file_image(m->file);
	enum gu_status st = GU_OK;

	for (size_t i = 0; i < image->nsegments && !st; i++) {
		const struct gu_segment *seg = &image->segments[i];

		if (!seg->write)
			st = match_bytes(m, seg->exec ? "code" : "constants",
				seg->addr, (size_t)seg->file_size, diag);
	}
	return st;
}

static bool was_mapped(const struct gu_core *core, uint64_t addr)
{
	if (gu_segment_find(core->elf.segments, core->elf.nsegments, addr))
		return true;
	for (size_t i = 0; i < core->nfiles; i++)
		if (addr >= core->files[i].start && addr < core->files[i].end)
			return true;
	return false;
}

/*
 * Data that a program may write is in every core, or at least listed among the
 * mapped files.  Of code and constants GDB's gcore leaves out even the mapping.
 */
static enum gu_status match_mappings(const struct match *m,
	struct gu_diag *diag)
{
	const struct gu_image *image = gu_elf_file_image(m->file);

	if (m->bias % FIRST_PAGE != 0)
		return gu_fail_at(diag, GU_BAD_DATA, m->bias,
			"the core is of another program: its entry point is "
			"not where %.*s can have one", GU_STR(image->name));
	for (size_t i = 0; i < image->nsegments; i++) {
		uint64_t addr = m->bias + image->segments[i].addr;

		if (image->segments[i].write && !was_mapped(m->core, addr))
			return gu_fail_at(diag, GU_BAD_DATA, addr,
				"the core is of another program: nothing was "
				"mapped at 0x%" PRIx64 ", expected data of "
				"%.*s", addr, GU_STR(image->name));
	}
	return GU_OK;
}

enum gu_status gu_core_matches(const struct gu_core *core,
	const struct gu_elf_file *file, uint64_t bias, uint64_t words_addr,
	size_t words_len, struct gu_diag *diag, bool *proved)
{
	static const struct id_kind gnu = {
		"GNU build id", "GNU", NT_GNU_BUILD_ID, false
	}, go = {"Go build id", "Go\0", GU_NOTE_GO_BUILD_ID, true};
	struct match m = {core, file, bias, false};
	enum gu_arch arch = gu_elf_file_image(file)->arch;
	enum gu_status st;

	if (core->elf.arch != arch)
		return gu_fail(diag, GU_BAD_DATA,
			"the core is of a program for %s, expected %s",
			gu_arch_name(core->elf.arch), gu_arch_name(arch));
	st = match_mappings(&m, diag);
	if (!st)
		st = match_id(&m, &gnu, gu_elf_file_build_id(file),
			gu_elf_file_build_id_addr(file), diag);
	if (!st && !m.proved)
		st = match_id(&m, &go, gu_elf_file_go_build_id(file),
			gu_elf_file_go_build_id_addr(file), diag);
	/*
	 * Without an id, the bytes.  Not in addition to one: a debugger may
	 * have left breakpoints in the code.
	 */
	if (!st && !m.proved)
		st = match_pages(&m, diag);
	if (!st && !m.proved)
		st = match_bytes(&m, "module data", words_addr, words_len,
			diag);
	if (!st)
		*proved = m.proved;
	return st;
}
