/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/elf_writer.h"

#include "engine/base/hash.h"
#include "engine/base/vec.h"

#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FORMAT = 13,      /* changes with whatever the symbol file holds, so
			     that what older ones have cached is not used */
	SEAL_TYPE = 0x4755, /* n_type of the seal's note: "GU" */
	SEAL_DESC = 4 + 4 + 8 * (5 + GU_ELF_FACTS), /* bytes */
	SEAL_SIZE = 12 + 12 + SEAL_DESC,
	HEAD_MAX = 1 << 20,
	BLOCK = 1 << 16,  /* bytes hashed at once: a multiple of 8 */
	CONTENT_ALIGN = 8,
	PAGE = 4096,
};

static const char seal_owner[12] = "gounstrip"; /* padded to words */

struct seal {
	uint32_t head;     /* bytes of the head */
	uint64_t shoff;
	struct gu_elf_seal public;
	uint64_t body;     /* hash of [head, shoff) */
	uint64_t rest;     /* of the head, this field zero, and [shoff, size) */
};

void gu_elf_writer_init(struct gu_elf_writer *w,
	const struct gu_elf_like *like, uint64_t identity)
{
	static const struct gu_elf_section seal = {
		.name = {".note.gounstrip", sizeof ".note.gounstrip" - 1},
		.type = SHT_NOTE,
		.align = 4,
		.data_size = SEAL_SIZE,
	};

	*w = (struct gu_elf_writer){.like = *like, .identity = identity};
	w->nsections = 1;
	if (!gu_vec_room(&w->sections, &w->sections_cap, 0)) {
		w->failed = true;
		return;
	}
	w->sections[0] = (struct gu_elf_section){0};
	(void)gu_elf_writer_section(w, &seal);
}

void gu_elf_writer_deinit(struct gu_elf_writer *w)
{
	free(w->sections);
	free(w->segments);
	*w = (struct gu_elf_writer){0};
}

uint32_t gu_elf_writer_section(struct gu_elf_writer *w,
	const struct gu_elf_section *section)
{
	if (w->failed ||
		!gu_vec_room(&w->sections, &w->sections_cap, w->nsections)) {
		w->failed = true;
		return 0;
	}
	w->sections[w->nsections] = *section;
	return w->nsections++;
}

void gu_elf_writer_segment(struct gu_elf_writer *w,
	const struct gu_elf_segment *segment)
{
	if (w->failed ||
		!gu_vec_room(&w->segments, &w->segments_cap, w->nsegments)) {
		w->failed = true;
		return;
	}
	w->segments[w->nsegments++] = *segment;
}

/* Where everything lies in the file. */
struct layout {
	uint64_t *offs;   /* of the sections */
	uint32_t *names;  /* of the sections, in .shstrtab */
	struct gu_buf shstrtab;
	uint64_t phoff, head, shoff, size;
};

static void layout_deinit(struct layout *lay)
{
	free(lay->offs);
	free(lay->names);
	gu_buf_deinit(&lay->shstrtab);
}

static uint64_t ehdr_size(bool is64)
{
	return is64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
}

/* The seal, section 1, follows the program headers. */
static uint64_t seal_off(bool is64, uint32_t nsegments)
{
	uint64_t size = is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	return gu_align_up(ehdr_size(is64) + nsegments * size, CONTENT_ALIGN);
}

/* Does S have bytes of its own in the file? */
static bool has_bytes(const struct gu_elf_section *s)
{
	return s->type != SHT_NOBITS && !s->same_as;
}

static uint64_t put_sections(const struct gu_elf_writer *w,
	struct layout *lay, bool notes, uint64_t off)
{
	for (uint32_t i = 1; i < w->nsections; i++) {
		const struct gu_elf_section *s = &w->sections[i];

		if ((s->type == SHT_NOTE) != notes)
			continue;
		if (has_bytes(s))
			off = gu_align_up(off, CONTENT_ALIGN);
		lay->offs[i] = s->same_as ? lay->offs[s->same_as] : off;
		if (has_bytes(s))
			off += s->data_size;
	}
	return gu_align_up(off, CONTENT_ALIGN);
}

static enum gu_status lay_out(struct gu_elf_writer *w,
	struct layout *lay, struct gu_diag *diag)
{
	bool is64 = w->like.class == ELFCLASS64;

	lay->offs = calloc(w->nsections, sizeof *lay->offs);
	lay->names = calloc(w->nsections, sizeof *lay->names);
	if (!lay->offs || !lay->names)
		return gu_fail(diag, GU_NO_MEMORY, "no memory for %u sections",
			w->nsections);
	gu_buf_u8(&lay->shstrtab, 0);
	for (uint32_t i = 1; i < w->nsections; i++) {
		lay->names[i] = (uint32_t)lay->shstrtab.n;
		gu_buf_cstr(&lay->shstrtab, w->sections[i].name);
	}
	/* the name table is the last section: see write */
	w->sections[w->nsections - 1].data = lay->shstrtab.p;
	w->sections[w->nsections - 1].data_size = lay->shstrtab.n;

	lay->phoff = ehdr_size(is64);
	lay->head = put_sections(w, lay, true, seal_off(is64, w->nsegments));
	lay->shoff = put_sections(w, lay, false, lay->head);
	lay->size = lay->shoff + w->nsections * (is64 ? sizeof(Elf64_Shdr)
						      : sizeof(Elf32_Shdr));
	if (lay->head > HEAD_MAX || (!is64 && lay->size > INT32_MAX))
		return gu_fail(diag, GU_UNSUPPORTED,
			"a symbol file of %" PRIu64 " bytes, %" PRIu64
			" of them headers and notes, is too large", lay->size,
			lay->head);
	return gu_buf_status(&lay->shstrtab, diag);
}

static enum gu_status elf_failed(struct gu_diag *diag, const char *what)
{
	int number = elf_errno();

	return gu_fail(diag, GU_IO, "libelf could not %s: %s", what,
		elf_errmsg(number));
}

static void seal_bytes(const struct seal *seal, struct gu_buf *out)
{
	gu_buf_word(out, sizeof "gounstrip", 4);
	gu_buf_word(out, SEAL_DESC, 4);
	gu_buf_word(out, SEAL_TYPE, 4);
	gu_buf_bytes(out, seal_owner, sizeof seal_owner);
	gu_buf_word(out, FORMAT, 4);
	gu_buf_word(out, seal->head, 4);
	gu_buf_word(out, seal->public.identity, 8);
	gu_buf_word(out, seal->public.size, 8);
	for (int i = 0; i < GU_ELF_FACTS; i++)
		gu_buf_word(out, seal->public.facts[i], 8);
	gu_buf_word(out, seal->shoff, 8);
	gu_buf_word(out, seal->body, 8);
	gu_buf_word(out, seal->rest, 8);
}

/* The file as it is written, by one job, and hashed, by another. */
struct writing {
	const struct gu_elf_writer *w;
	const struct layout *lay;
	int fd;
	uint64_t body; /* its hash */
	enum gu_status status;
	struct gu_diag diag;
};

/* The body's hash: of the sections as they will follow each other. */
static void hash_body(void *arg)
{
	struct writing *writing = arg;
	const struct gu_elf_writer *w = writing->w;
	uint64_t hash = FORMAT;

	for (uint32_t i = 2; i < w->nsections; i++)
		if (w->sections[i].type != SHT_NOTE &&
			has_bytes(&w->sections[i]))
			hash = gu_hash(hash, w->sections[i].data,
				w->sections[i].data_size);
	writing->body = hash;
}

static bool set_header(const struct gu_elf_writer *w,
	const struct layout *lay, Elf *elf)
{
	GElf_Ehdr ehdr;

	if (!gelf_newehdr(elf, w->like.class) || !gelf_getehdr(elf, &ehdr))
		return false;
	ehdr.e_ident[EI_DATA] = w->like.data;
	ehdr.e_ident[EI_OSABI] = w->like.osabi;
	ehdr.e_ident[EI_ABIVERSION] = w->like.abi_version;
	ehdr.e_type = w->like.type;
	ehdr.e_machine = w->like.machine;
	ehdr.e_version = EV_CURRENT;
	ehdr.e_flags = w->like.flags;
	ehdr.e_entry = w->like.entry;
	ehdr.e_phoff = w->nsegments ? lay->phoff : 0;
	ehdr.e_shoff = lay->shoff;
	ehdr.e_shstrndx = (uint16_t)(w->nsections - 1);
	return gelf_update_ehdr(elf, &ehdr);
}

static bool set_segments(const struct gu_elf_writer *w,
	const struct layout *lay, Elf *elf)
{
	if (w->nsegments && !gelf_newphdr(elf, w->nsegments))
		return false;
	for (uint32_t i = 0; i < w->nsegments; i++) {
		const struct gu_elf_segment *s = &w->segments[i];
		GElf_Phdr phdr = {
			.p_type = s->type,
			.p_flags = s->flags,
			.p_vaddr = s->addr,
			.p_paddr = s->addr,
			.p_memsz = s->mem_size,
			.p_align = s->section ? 4 : PAGE,
		};

		/*
		 * One without bytes says where the program has them, as in
		 * eu-strip's debug files: by it perf takes addresses of code
		 * to offsets in the program (util/symbol-elf.c,
		 * elf_read_program_header).  An offset must be aligned.
		 */
		phdr.p_offset = s->off % PAGE == s->addr % PAGE
			? s->off : s->addr % PAGE;
		if (s->section) {
			phdr.p_offset = lay->offs[s->section];
			phdr.p_filesz = w->sections[s->section].data_size;
			phdr.p_memsz = phdr.p_filesz;
		}
		if (!gelf_update_phdr(elf, (int)i, &phdr))
			return false;
	}
	return true;
}

/*
 * Contents are given to libelf as bytes in the file's byte order: it writes
 * them from where they are.
 */
static bool add_section(const struct gu_elf_section *s, uint32_t name,
	uint64_t off, Elf *elf)
{
	Elf_Scn *scn = elf_newscn(elf);
	Elf_Data *data;
	GElf_Shdr shdr;

	if (!scn || !gelf_getshdr(scn, &shdr))
		return false;
	shdr.sh_name = name;
	shdr.sh_type = s->type;
	shdr.sh_flags = s->flags;
	shdr.sh_addr = s->addr;
	shdr.sh_offset = off;
	shdr.sh_size = s->type == SHT_NOBITS ? s->size
						: s->data_size + s->run_on;
	shdr.sh_link = s->link;
	shdr.sh_info = s->info;
	shdr.sh_addralign = s->align;
	shdr.sh_entsize = s->entsize;
	if (!gelf_update_shdr(scn, &shdr))
		return false;
	if (!has_bytes(s) || s->data_size == 0)
		return true;
	data = elf_newdata(scn);
	if (!data)
		return false;
	memcpy(&data->d_buf, &s->data, sizeof data->d_buf); /* not changed */
	data->d_size = s->data_size;
	data->d_type = ELF_T_BYTE;
	data->d_align = 1;
	data->d_version = EV_CURRENT;
	return true;
}

static bool write_elf(const struct gu_elf_writer *w, const struct layout *lay,
	Elf *elf)
{
	(void)elf_flagelf(elf, ELF_C_SET, ELF_F_LAYOUT);
	if (!set_header(w, lay, elf) || !set_segments(w, lay, elf))
		return false;
	for (uint32_t i = 1; i < w->nsections; i++)
		if (!add_section(&w->sections[i], lay->names[i], lay->offs[i],
			elf))
			return false;
	return elf_update(elf, ELF_C_WRITE) == (off_t)lay->size;
}

static void write_file(void *arg)
{
	struct writing *writing = arg;
	struct gu_diag *diag = &writing->diag;
	Elf *elf = elf_begin(writing->fd, ELF_C_WRITE, NULL);

	if (!elf)
		writing->status = elf_failed(diag, "begin the file");
	else if (!write_elf(writing->w, writing->lay, elf))
		writing->status = elf_failed(diag, "write the file");
	elf_end(elf);
}

/* LEN bytes at OFF of FD; false if there are fewer. */
static bool read_at(int fd, void *buf, size_t len, uint64_t off)
{
	uint8_t *p = buf;

	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return true;
}

/* Continue HASH over [from, to) of FD. */
static bool hash_file(int fd, uint64_t from, uint64_t to, uint64_t *hash)
{
	uint8_t *block = malloc(BLOCK);

	while (block && from < to) {
		size_t n = to - from < BLOCK ? (size_t)(to - from) : BLOCK;

		if (!read_at(fd, block, n, from))
			break;
		*hash = gu_hash(*hash, block, n);
		from += n;
	}
	free(block);
	return from == to;
}

/* The hash of the head (whose seal says 0 for it) and of the section table. */
static bool rest_hash(int fd, const struct seal *seal, uint64_t rest_off,
	uint64_t *out)
{
	uint8_t *head = malloc(seal->head);
	uint64_t hash = FORMAT;
	bool ok = head && read_at(fd, head, seal->head, 0);

	if (ok) {
		memset(head + rest_off, 0, 8);
		hash = gu_hash(hash, head, seal->head);
		ok = hash_file(fd, seal->shoff, seal->public.size, &hash);
	}
	free(head);
	if (ok)
		*out = hash;
	return ok;
}

static enum gu_status put_seal(const struct gu_elf_writer *w, int fd,
	const struct seal *seal, uint64_t off, struct gu_diag *diag)
{
	struct gu_buf out;
	enum gu_status st;

	gu_buf_init(&out, w->like.data == ELFDATA2MSB);
	seal_bytes(seal, &out);
	st = gu_buf_status(&out, diag);
	if (!st && pwrite(fd, out.p, out.n, (off_t)off) != (ssize_t)out.n)
		st = gu_fail(diag, GU_IO, "the seal could not be written");
	gu_buf_deinit(&out);
	return st;
}

/*
 * The head is as libelf has written it, but for the seal; hash that, and write
 * the seal with all its numbers.
 */
static enum gu_status finish_seal(const struct gu_elf_writer *w, int fd,
	struct seal *seal, uint64_t off, struct gu_diag *diag)
{
	enum gu_status st = put_seal(w, fd, seal, off, diag);

	if (st)
		return st;
	if (!rest_hash(fd, seal, off + SEAL_SIZE - 8, &seal->rest))
		return gu_fail(diag, GU_IO, "what was written cannot be read");
	return put_seal(w, fd, seal, off, diag);
}

static enum gu_status write_all(struct gu_elf_writer *w, struct layout *lay,
	int fd, struct gu_diag *diag)
{
	static const uint8_t no_seal[SEAL_SIZE];
	struct seal seal = {.public.identity = w->identity};
	struct writing writing = {.w = w, .lay = lay, .fd = fd};
	enum gu_status st = lay_out(w, lay, diag);

	if (st)
		return st;
	w->sections[1].data = no_seal;
	gu_run(w->jobs, &(struct gu_job){write_file, &writing},
		&(struct gu_job){hash_body, &writing});
	if (writing.status && diag)
		*diag = writing.diag;
	if (writing.status)
		return writing.status;
	seal.head = (uint32_t)lay->head;
	seal.public.size = lay->size;
	memcpy(seal.public.facts, w->facts, sizeof w->facts);
	seal.shoff = lay->shoff;
	seal.body = writing.body;
	return finish_seal(w, fd, &seal, lay->offs[1], diag);
}

enum gu_status gu_elf_writer_write(struct gu_elf_writer *w, int fd,
	struct gu_diag *diag, uint64_t *out)
{
	static const struct gu_elf_section names = {
		.name = {".shstrtab", sizeof ".shstrtab" - 1},
		.type = SHT_STRTAB,
		.align = 1,
	};
	struct layout lay = {0};
	enum gu_status st;

	(void)gu_elf_writer_section(w, &names);
	if (w->failed)
		return gu_fail(diag, GU_NO_MEMORY, "no memory for sections");
	if (elf_version(EV_CURRENT) == EV_NONE)
		return elf_failed(diag, "be used");
	gu_buf_init(&lay.shstrtab, false);
	st = write_all(w, &lay, fd, diag);
	if (!st)
		*out = lay.size;
	layout_deinit(&lay);
	return st;
}

/* Read the seal of the file at FD; false if there is none of this format. */
static bool read_seal(int fd, struct seal *out, uint64_t *rest_off)
{
	uint8_t bytes[sizeof(Elf64_Ehdr) > SEAL_SIZE ? sizeof(Elf64_Ehdr)
						    : SEAL_SIZE];
	struct gu_cur cur;
	uint64_t off;
	bool is64, be;

	if (!read_at(fd, bytes, sizeof(Elf64_Ehdr), 0) ||
		memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return false;
	is64 = bytes[EI_CLASS] == ELFCLASS64;
	be = bytes[EI_DATA] == ELFDATA2MSB;
	cur = gu_cur(bytes, sizeof(Elf64_Ehdr), 0, be, "the ELF header");
	gu_cur_seek(&cur, is64 ? offsetof(Elf64_Ehdr, e_phnum)
			       : offsetof(Elf32_Ehdr, e_phnum));
	off = seal_off(is64, gu_cur_u16(&cur));
	if (!read_at(fd, bytes, SEAL_SIZE, off))
		return false;
	cur = gu_cur(bytes, SEAL_SIZE, off, be, "the seal");
	/* each call reads on: NOLINTNEXTLINE(misc-redundant-expression) */
	if (gu_cur_u32(&cur) != sizeof "gounstrip" ||
		gu_cur_u32(&cur) != SEAL_DESC ||
		gu_cur_u32(&cur) != SEAL_TYPE ||
		memcmp(gu_cur_bytes(&cur, sizeof seal_owner), seal_owner,
			sizeof seal_owner) != 0 ||
		gu_cur_u32(&cur) != FORMAT)
		return false;
	out->head = gu_cur_u32(&cur);
	out->public.identity = gu_cur_u64(&cur);
	out->public.size = gu_cur_u64(&cur);
	for (int i = 0; i < GU_ELF_FACTS; i++)
		out->public.facts[i] = gu_cur_u64(&cur);
	out->shoff = gu_cur_u64(&cur);
	out->body = gu_cur_u64(&cur);
	out->rest = gu_cur_u64(&cur);
	*rest_off = off + SEAL_SIZE - 8;
	return gu_cur_ok(&cur) && out->head >= off + SEAL_SIZE &&
		out->head <= HEAD_MAX && out->head <= out->shoff &&
		out->shoff <= out->public.size;
}

enum gu_status gu_elf_seal_read(int fd, bool body, struct gu_diag *diag,
	struct gu_elf_seal *out)
{
	struct seal seal;
	struct stat info;
	uint64_t rest_off, hash;

	if (fstat(fd, &info) != 0)
		return gu_fail(diag, GU_IO, "a symbol file cannot be examined");
	if (!read_seal(fd, &seal, &rest_off) ||
		(uint64_t)info.st_size != seal.public.size ||
		!rest_hash(fd, &seal, rest_off, &hash) || hash != seal.rest)
		return GU_NOT_FOUND;
	hash = FORMAT;
	if (body && (!hash_file(fd, seal.head, seal.shoff, &hash) ||
		hash != seal.body))
		return GU_NOT_FOUND;
	*out = seal.public;
	return GU_OK;
}
