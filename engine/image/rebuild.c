/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/image/rebuild.h"

#include "engine/base/math.h"

#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	PHDRS_MAX = 256,
	PAGE = 4096,
	CHUNK = 1 << 20,
};
/* Headers in memory may say anything; programs have some 100 MiB. */
static const uint64_t file_max = UINT64_C(4) << 30;

/* A module in memory: headers in libelf's widest form. */
struct mapped {
	const struct gu_mem *mem;
	uint64_t addr, bias;
	GElf_Ehdr ehdr;
	GElf_Phdr phdrs[PHDRS_MAX];
	size_t nphdrs;
};

static enum gu_status no_header(const struct mapped *m, struct gu_diag *diag)
{
	return gu_fail_at(diag, GU_BAD_DATA, m->addr,
		"no ELF header of this machine at 0x%" PRIx64, m->addr);
}

static enum gu_status read_ehdr(struct mapped *m, struct gu_diag *diag)
{
	uint8_t bytes[sizeof(Elf64_Ehdr)];
	bool wide = m->mem->ptr_size == 8;
	size_t size = wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	unsigned word = m->mem->ptr_size;
	struct gu_cur cur;
	enum gu_status st = gu_mem_read(m->mem, m->addr, bytes, size, diag);

	if (st)
		return st;
	if (memcmp(bytes, ELFMAG, SELFMAG) != 0 ||
		bytes[EI_CLASS] != (wide ? ELFCLASS64 : ELFCLASS32) ||
		bytes[EI_DATA] != (m->mem->be ? ELFDATA2MSB : ELFDATA2LSB))
		return no_header(m, diag);
	memcpy(m->ehdr.e_ident, bytes, EI_NIDENT);
	cur = gu_cur(bytes, size, m->addr, m->mem->be, "ELF header");
	gu_cur_skip(&cur, EI_NIDENT);
	m->ehdr.e_type = gu_cur_u16(&cur);
	m->ehdr.e_machine = gu_cur_u16(&cur);
	m->ehdr.e_version = gu_cur_u32(&cur);
	m->ehdr.e_entry = gu_cur_word(&cur, word);
	m->ehdr.e_phoff = gu_cur_word(&cur, word);
	(void)gu_cur_word(&cur, word); /* e_shoff */
	m->ehdr.e_flags = gu_cur_u32(&cur);
	m->ehdr.e_ehsize = gu_cur_u16(&cur);
	m->ehdr.e_phentsize = gu_cur_u16(&cur);
	m->ehdr.e_phnum = gu_cur_u16(&cur);
	if ((m->ehdr.e_type != ET_EXEC && m->ehdr.e_type != ET_DYN) ||
		m->ehdr.e_phnum == 0 || m->ehdr.e_phnum > PHDRS_MAX ||
		m->ehdr.e_phentsize !=
			(wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return no_header(m, diag);
	return gu_cur_status(&cur, diag);
}

static GElf_Phdr read_phdr(struct gu_cur *cur, unsigned word)
{
	GElf_Phdr ph = {.p_type = gu_cur_u32(cur)};

	if (word == 8)
		ph.p_flags = gu_cur_u32(cur);
	ph.p_offset = gu_cur_word(cur, word);
	ph.p_vaddr = gu_cur_word(cur, word);
	ph.p_paddr = gu_cur_word(cur, word);
	ph.p_filesz = gu_cur_word(cur, word);
	ph.p_memsz = gu_cur_word(cur, word);
	if (word == 4)
		ph.p_flags = gu_cur_u32(cur);
	ph.p_align = gu_cur_word(cur, word);
	return ph;
}

static enum gu_status read_phdrs(struct mapped *m, struct gu_diag *diag)
{
	struct gu_view view;
	struct gu_cur cur;
	uint64_t at;
	bool based = false;
	enum gu_status st;

	if (!gu_add(m->addr, m->ehdr.e_phoff, &at))
		return no_header(m, diag);
	st = gu_view_open(m->mem, at,
		(uint64_t)m->ehdr.e_phnum * m->ehdr.e_phentsize, diag, &view);
	if (st)
		return st;
	cur = gu_view_cur(&view, m->mem, "program headers");
	for (unsigned i = 0; i < m->ehdr.e_phnum; i++) {
		GElf_Phdr ph = read_phdr(&cur, m->mem->ptr_size);

		if (ph.p_type != PT_LOAD && ph.p_type != PT_NOTE)
			continue;
		if (ph.p_type == PT_LOAD && ph.p_offset < PAGE && !based) {
			m->bias = m->addr - (ph.p_vaddr - ph.p_offset);
			based = true;
		}
		m->phdrs[m->nphdrs++] = ph;
	}
	st = gu_cur_status(&cur, diag);
	gu_view_close(&view);
	return st == GU_OK && !based ? no_header(m, diag) : st;
}

/*
 * Where PH's bytes are in the new file; OFF is free and moves past them.  False
 * if they cannot be in memory, or all of them are too many.
 */
static bool place(const struct mapped *m, GElf_Phdr *ph, uint64_t *off)
{
	uint64_t end;

	ph->p_vaddr += m->bias;
	ph->p_paddr = ph->p_vaddr;
	if (ph->p_filesz > GU_VIEW_MAX || ph->p_filesz > ph->p_memsz ||
		!gu_add(ph->p_vaddr, ph->p_memsz, &end))
		return false;
	ph->p_offset = gu_align_up(*off, PAGE) + ph->p_vaddr % PAGE;
	*off = ph->p_offset + ph->p_filesz;
	return *off <= file_max;
}

/* Notes lie inside a segment: point at them there, or leave them out. */
static bool place_note(const struct mapped *m, GElf_Phdr *note)
{
	note->p_vaddr += m->bias;
	note->p_paddr = note->p_vaddr;
	for (size_t i = 0; i < m->nphdrs; i++) {
		const GElf_Phdr *ph = &m->phdrs[i];

		if (ph->p_type == PT_LOAD && note->p_vaddr >= ph->p_vaddr &&
			gu_within(note->p_vaddr - ph->p_vaddr, note->p_filesz,
				ph->p_filesz)) {
			note->p_offset = ph->p_offset + note->p_vaddr -
				ph->p_vaddr;
			return true;
		}
	}
	return false;
}

static enum gu_status place_all(struct mapped *m, struct gu_diag *diag)
{
	uint64_t off = UINT64_C(4) * PAGE; /* behind the headers */
	size_t n = 0;

	for (size_t i = 0; i < m->nphdrs; i++)
		if (m->phdrs[i].p_type == PT_LOAD &&
			!place(m, &m->phdrs[i], &off))
			return no_header(m, diag);
	for (size_t i = 0; i < m->nphdrs; i++)
		if (m->phdrs[i].p_type == PT_LOAD ||
			place_note(m, &m->phdrs[i]))
			m->phdrs[n++] = m->phdrs[i];
	m->nphdrs = n;
	return GU_OK;
}

static enum gu_status elf_failed(struct gu_diag *diag)
{
	return gu_fail(diag, GU_IO, "libelf: %s", elf_errmsg(-1));
}

static enum gu_status write_headers(const struct mapped *m, int fd,
	struct gu_diag *diag)
{
	GElf_Ehdr ehdr = m->ehdr;
	enum gu_status st = GU_OK;
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return elf_failed(diag);
	elf = elf_begin(fd, ELF_C_WRITE, NULL);
	if (!elf)
		return elf_failed(diag);
	ehdr.e_type = ET_EXEC;
	ehdr.e_entry += m->bias;
	ehdr.e_shoff = 0;
	ehdr.e_phoff = gelf_newehdr(elf, ehdr.e_ident[EI_CLASS]) ?
		gelf_fsize(elf, ELF_T_EHDR, 1, EV_CURRENT) : 0;
	ehdr.e_phnum = (GElf_Half)m->nphdrs;
	(void)elf_flagelf(elf, ELF_C_SET, ELF_F_LAYOUT);
	if (!gelf_newphdr(elf, m->nphdrs) || !gelf_update_ehdr(elf, &ehdr))
		st = elf_failed(diag);
	for (size_t i = 0; i < m->nphdrs && st == GU_OK; i++) {
		GElf_Phdr ph = m->phdrs[i];

		if (!gelf_update_phdr(elf, (int)i, &ph))
			st = elf_failed(diag);
	}
	if (st == GU_OK && elf_update(elf, ELF_C_WRITE) < 0)
		st = elf_failed(diag);
	(void)elf_end(elf);
	return st;
}

static enum gu_status write_all(int fd, const uint8_t *p, size_t n,
	uint64_t off, struct gu_diag *diag)
{
	while (n > 0) {
		ssize_t done = pwrite(fd, p, n, (off_t)off);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return gu_fail(diag, GU_IO, "cannot write: %s",
				strerror(errno));
		p += done;
		n -= (size_t)done;
		off += (uint64_t)done;
	}
	return GU_OK;
}

static enum gu_status copy_segment(const struct mapped *m,
	const GElf_Phdr *ph, int fd, uint8_t *chunk, struct gu_diag *diag)
{
	for (uint64_t at = 0; at < ph->p_filesz; at += CHUNK) {
		uint64_t left = ph->p_filesz - at;
		size_t n = left < CHUNK ? (size_t)left : CHUNK;
		enum gu_status st = gu_mem_read(m->mem, ph->p_vaddr + at, chunk,
			n, diag);

		if (st == GU_OK)
			st = write_all(fd, chunk, n, ph->p_offset + at, diag);
		if (st)
			return st;
	}
	return GU_OK;
}

enum gu_status gu_rebuild(const struct gu_mem *mem, uint64_t addr, int fd,
	struct gu_diag *diag)
{
	struct mapped *m = calloc(1, sizeof *m);
	uint8_t *chunk = malloc(CHUNK);
	enum gu_status st = GU_OK;

	if (!m || !chunk) {
		free(m);
		free(chunk);
		return gu_fail(diag, GU_NO_MEMORY, "no memory to copy with");
	}
	m->mem = mem;
	m->addr = addr;
	st = read_ehdr(m, diag);
	if (st == GU_OK)
		st = read_phdrs(m, diag);
	if (st == GU_OK)
		st = place_all(m, diag);
	if (st == GU_OK)
		st = write_headers(m, fd, diag);
	for (size_t i = 0; st == GU_OK && i < m->nphdrs; i++)
		if (m->phdrs[i].p_type == PT_LOAD)
			st = copy_segment(m, &m->phdrs[i], fd, chunk, diag);
	free(chunk);
	free(m);
	return st;
}
