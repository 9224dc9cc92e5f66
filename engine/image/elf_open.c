/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/image/elf_open.h"

#include "engine/base/math.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* elf.h has it since glibc 2.32. */
#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif

static enum gu_status open_regular(struct gu_elf *elf, const char *path,
	struct gu_diag *diag)
{
	struct stat stat;

	/* Opening a FIFO would wait for its writer without O_NONBLOCK. */
	elf->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (elf->fd < 0 || fstat(elf->fd, &stat) != 0)
		return gu_fail(diag, GU_IO, "%s", strerror(errno));
	if (S_ISDIR(stat.st_mode))
		return gu_fail(diag, GU_BAD_DATA,
			"this is a directory, expected an ELF file");
	if (!S_ISREG(stat.st_mode))
		return gu_fail(diag, GU_BAD_DATA,
			"this is not a regular file, expected an ELF file");
	elf->size = (uint64_t)stat.st_size;
	return GU_OK;
}

enum gu_status gu_elf_pread(const struct gu_elf *elf, uint64_t off, void *buf,
	size_t len, struct gu_diag *diag)
{
	uint8_t *p = buf;

	if (!gu_within(off, len, INT64_MAX))
		return gu_fail_at(diag, GU_BAD_DATA, off,
			"file offset 0x%" PRIx64 " is beyond any file", off);
	while (len > 0) {
		ssize_t n = pread(elf->fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return gu_fail(diag, GU_IO, "cannot read the file: %s",
				strerror(errno));
		if (n == 0)
			return gu_fail_at(diag, GU_TRUNCATED, off,
				"the file ends at byte %" PRIu64
				", expected %zu more",
				off, len);
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return GU_OK;
}

static enum gu_status check_ident(struct gu_elf *elf, struct gu_diag *diag)
{
	unsigned char id[EI_NIDENT];
	size_t header;
	enum gu_status st;

	if (elf->size < sizeof id)
		return gu_fail(diag, GU_BAD_DATA,
			"not an ELF file: it has %" PRIu64
			" bytes, expected at least %zu",
			elf->size, sizeof(Elf32_Ehdr));
	st = gu_elf_pread(elf, 0, id, sizeof id, diag);
	if (st)
		return st;
	if (memcmp(id, ELFMAG, SELFMAG) != 0)
		return gu_fail(diag, GU_BAD_DATA,
			"not an ELF file: it starts with %02x %02x %02x %02x, "
			"expected 7f 45 4c 46",
			id[0], id[1], id[2], id[3]);
	if (id[EI_CLASS] != ELFCLASS32 && id[EI_CLASS] != ELFCLASS64)
		return gu_fail(diag, GU_BAD_DATA,
			"ELF class %u, expected 1 (32 bit) or 2 (64 bit)",
			id[EI_CLASS]);
	if (id[EI_DATA] != ELFDATA2LSB && id[EI_DATA] != ELFDATA2MSB)
		return gu_fail(diag, GU_BAD_DATA,
			"ELF byte order %u, expected 1 (little) or 2 (big)",
			id[EI_DATA]);
	if (id[EI_VERSION] != EV_CURRENT)
		return gu_fail(diag, GU_BAD_DATA,
			"ELF version %u, expected %d", id[EI_VERSION],
			EV_CURRENT);
	elf->be = id[EI_DATA] == ELFDATA2MSB;
	elf->ptr_size = id[EI_CLASS] == ELFCLASS64 ? 8 : 4;
	header = elf->ptr_size == 8 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	if (elf->size < header)
		return gu_fail(diag, GU_TRUNCATED,
			"the file ends at byte %" PRIu64
			", in the ELF header of %zu bytes",
			elf->size, header);
	return GU_OK;
}

/* The machines that Go has been ported to, as the ELF header names them. */
static enum gu_arch arch_of(const struct gu_elf *elf)
{
	enum { LITTLE = 1, BIG = 2, EITHER = LITTLE | BIG };
	static const struct {
		uint16_t machine;
		uint8_t ptr_size, order;
		enum gu_arch arch;
	} table[] = {
		{EM_X86_64, 8, LITTLE, GU_ARCH_AMD64},
		{EM_386, 4, LITTLE, GU_ARCH_386},
		{EM_AARCH64, 8, LITTLE, GU_ARCH_ARM64},
		{EM_ARM, 4, LITTLE, GU_ARCH_ARM},
		{EM_RISCV, 8, LITTLE, GU_ARCH_RISCV64},
		{EM_PPC64, 8, BIG, GU_ARCH_PPC64},
		{EM_PPC64, 8, LITTLE, GU_ARCH_PPC64LE},
		{EM_S390, 8, BIG, GU_ARCH_S390X},
		{EM_MIPS, 4, EITHER, GU_ARCH_MIPS},
		{EM_MIPS, 8, EITHER, GU_ARCH_MIPS64},
		{EM_LOONGARCH, 8, LITTLE, GU_ARCH_LOONG64},
	};
	unsigned order = elf->be ? BIG : LITTLE;

	for (size_t i = 0; i < GU_COUNT(table); i++)
		if (table[i].machine == elf->ehdr.e_machine &&
			table[i].ptr_size == elf->ptr_size &&
			(table[i].order & order))
			return table[i].arch;
	return GU_ARCH_UNKNOWN;
}

static enum gu_status read_header(struct gu_elf *elf, struct gu_diag *diag)
{
	if (elf_version(EV_CURRENT) == EV_NONE)
		return gu_fail(diag, GU_UNSUPPORTED,
			"libelf is older than its header");
	/* ELF_C_READ, not ELF_C_READ_MMAP: a file may shrink under us. */
	elf->handle = elf_begin(elf->fd, ELF_C_READ, NULL);
	if (!elf->handle || !gelf_getehdr(elf->handle, &elf->ehdr))
		return gu_fail(diag, GU_BAD_DATA, "libelf: %s",
			elf_errmsg(-1));
	elf->arch = arch_of(elf);
	if (elf->arch == GU_ARCH_UNKNOWN)
		return gu_fail(diag, GU_UNSUPPORTED,
			"machine %u (e_machine, %u bit, %s endian) is none "
			"that Go programs for Linux run on",
			elf->ehdr.e_machine, elf->ptr_size * 8U,
			elf->be ? "big" : "little");
	return GU_OK;
}

static enum gu_status check_type(const struct gu_elf *elf, bool core,
	struct gu_diag *diag)
{
	unsigned type = elf->ehdr.e_type;

	if (core)
		return type == ET_CORE ? GU_OK : gu_fail(diag, GU_BAD_DATA,
			"ELF type %u (e_type), expected %d (a core dump)", type,
			ET_CORE);
	if (type == ET_EXEC || type == ET_DYN)
		return GU_OK;
	if (type == ET_CORE)
		return gu_fail(diag, GU_UNSUPPORTED,
			"this is a core dump, expected the program that "
			"dumped it");
	if (type == ET_REL)
		return gu_fail(diag, GU_UNSUPPORTED,
			"this is an object file that is not linked yet, "
			"expected a program or a shared object");
	return gu_fail(diag, GU_UNSUPPORTED,
		"ELF type %u (e_type), expected %d (a program) or %d (a "
		"position-independent program or a shared object)",
		type, ET_EXEC, ET_DYN);
}

static enum gu_status read_phdrs(struct gu_elf *elf, struct gu_diag *diag)
{
	size_t entry = gelf_fsize(elf->handle, ELF_T_PHDR, 1, EV_CURRENT);
	uint64_t room = 0;
	size_t n;

	if (elf->ehdr.e_phoff == 0 || elf->ehdr.e_phnum == 0)
		return gu_fail(diag, GU_BAD_DATA,
			"there are no program headers, expected at least one "
			"loadable segment");
	if (elf->ehdr.e_phentsize != entry)
		return gu_fail(diag, GU_BAD_DATA,
			"program headers of %u bytes (e_phentsize), expected "
			"%zu",
			elf->ehdr.e_phentsize, entry);
	/* libelf lowers the number to what the file has room for. */
	if (elf->ehdr.e_phoff < elf->size)
		room = (elf->size - elf->ehdr.e_phoff) / entry;
	n = elf->ehdr.e_phnum;
	if (room > 0 && n == PN_XNUM &&
		elf_getphdrnum(elf->handle, &n) != 0)
		return gu_fail(diag, GU_BAD_DATA, "libelf: %s",
			elf_errmsg(-1));
	if (n > room)
		return gu_fail_at(diag, GU_TRUNCATED, elf->ehdr.e_phoff,
			"%zu program headers at 0x%" PRIx64
			" do not fit in a file of %" PRIu64 " bytes",
			n, (uint64_t)elf->ehdr.e_phoff, elf->size);
	elf->phdrs = calloc(n, sizeof *elf->phdrs);
	if (!elf->phdrs)
		return gu_fail(diag, GU_NO_MEMORY,
			"no memory for %zu program headers", n);
	for (size_t i = 0; i < n; i++)
		if (!gelf_getphdr(elf->handle, (int)i, &elf->phdrs[i]))
			return gu_fail(diag, GU_BAD_DATA,
				"program header %zu: %s", i, elf_errmsg(-1));
	elf->nphdrs = n;
	return GU_OK;
}

static enum gu_status check_load(const struct gu_elf *elf, size_t i,
	struct gu_diag *diag)
{
	const GElf_Phdr *ph = &elf->phdrs[i];
	uint64_t limit = elf->ptr_size == 8 ? UINT64_MAX : UINT32_MAX;
	uint64_t end;

	if (ph->p_filesz > ph->p_memsz)
		return gu_fail_at(diag, GU_BAD_DATA, ph->p_vaddr,
			"program header %zu: 0x%" PRIx64
			" bytes of file (p_filesz) for 0x%" PRIx64
			" bytes of memory (p_memsz)",
			i, (uint64_t)ph->p_filesz, (uint64_t)ph->p_memsz);
	if (!gu_add(ph->p_vaddr, ph->p_memsz - 1, &end) || end > limit)
		return gu_fail_at(diag, GU_BAD_DATA, ph->p_vaddr,
			"program header %zu: 0x%" PRIx64
			" bytes at 0x%" PRIx64
			" pass the end of the address space",
			i, (uint64_t)ph->p_memsz, (uint64_t)ph->p_vaddr);
	if (!gu_add(ph->p_offset, ph->p_filesz, &end))
		return gu_fail_at(diag, GU_BAD_DATA, ph->p_vaddr,
			"program header %zu: file offset 0x%" PRIx64
			" with 0x%" PRIx64 " bytes is beyond any file",
			i, (uint64_t)ph->p_offset, (uint64_t)ph->p_filesz);
	return GU_OK;
}

static int by_addr(const void *a, const void *b)
{
	const struct gu_segment *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static enum gu_status check_overlap(const struct gu_elf *elf,
	struct gu_diag *diag)
{
	for (size_t i = 1; i < elf->nsegments; i++) {
		const struct gu_segment *a = &elf->segments[i - 1];
		const struct gu_segment *b = &elf->segments[i];

		if (b->addr - a->addr < a->mem_size)
			return gu_fail_at(diag, GU_BAD_DATA, b->addr,
				"segments overlap: 0x%" PRIx64
				" bytes at 0x%" PRIx64 " and 0x%" PRIx64
				" at 0x%" PRIx64,
				a->mem_size, a->addr, b->mem_size, b->addr);
	}
	return GU_OK;
}

static enum gu_status collect_segments(struct gu_elf *elf, struct gu_diag *diag)
{
	enum gu_status st;

	elf->segments = calloc(elf->nphdrs, sizeof *elf->segments);
	if (!elf->segments)
		return gu_fail(diag, GU_NO_MEMORY,
			"no memory for %zu segments", elf->nphdrs);
	for (size_t i = 0; i < elf->nphdrs; i++) {
		const GElf_Phdr *ph = &elf->phdrs[i];

		if (ph->p_type != PT_LOAD || ph->p_memsz == 0)
			continue;
		st = check_load(elf, i, diag);
		if (st)
			return st;
		elf->segments[elf->nsegments++] = (struct gu_segment){
			.addr = ph->p_vaddr,
			.mem_size = ph->p_memsz,
			.off = ph->p_offset,
			.file_size = ph->p_filesz,
			.read = ph->p_flags & PF_R,
			.write = ph->p_flags & PF_W,
			.exec = ph->p_flags & PF_X,
		};
	}
	if (elf->nsegments == 0)
		return gu_fail(diag, GU_BAD_DATA,
			"none of %zu program headers is a loadable segment",
			elf->nphdrs);
	qsort(elf->segments, elf->nsegments, sizeof *elf->segments, by_addr);
	return check_overlap(elf, diag);
}

enum gu_status gu_elf_init(struct gu_elf *elf, const char *path,
	bool core, struct gu_diag *diag)
{
	enum gu_status st;

	*elf = (struct gu_elf){.fd = -1, .zero_fill = !core};
	st = open_regular(elf, path, diag);
	if (!st)
		st = check_ident(elf, diag);
	if (!st)
		st = read_header(elf, diag);
	if (!st)
		st = check_type(elf, core, diag);
	if (!st)
		st = read_phdrs(elf, diag);
	if (!st)
		st = collect_segments(elf, diag);
	if (st)
		gu_elf_deinit(elf);
	return st;
}

void gu_elf_deinit(struct gu_elf *elf)
{
	free(elf->segments);
	free(elf->phdrs);
	(void)elf_end(elf->handle);
	if (elf->fd >= 0)
		(void)close(elf->fd);
	*elf = (struct gu_elf){.fd = -1};
}

/* [off, off + len) of SEG, which has them. */
static enum gu_status read_segment(const struct gu_elf *elf,
	const struct gu_segment *seg, uint64_t off, uint8_t *buf, size_t len,
	struct gu_diag *diag)
{
	size_t stored = 0;
	enum gu_status st;

	if (off < seg->file_size)
		stored = seg->file_size - off < len
			? (size_t)(seg->file_size - off) : len;
	if (stored < len && !elf->zero_fill)
		return gu_fail_at(diag, GU_FAULT, seg->addr + off + stored,
			"the core does not hold the memory at 0x%" PRIx64 "%s",
			seg->addr + off + stored,
			elf->lost ? " (its file was cut short)" : "");
	if (stored > 0) {
		st = gu_elf_pread(elf, seg->off + off, buf, stored, diag);
		if (st)
			return st;
	}
	memset(buf + stored, 0, len - stored);
	return GU_OK;
}

enum gu_status gu_elf_read(const struct gu_elf *elf, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	uint8_t *p = buf;
	enum gu_status st;

	while (len > 0) {
		const struct gu_segment *seg = gu_segment_find(elf->segments,
			elf->nsegments, addr);
		uint64_t off;
		size_t n;

		if (!seg)
			return gu_fail_at(diag, GU_FAULT, addr,
				"no segment has the address 0x%" PRIx64, addr);
		off = addr - seg->addr;
		n = seg->mem_size - off < len ? (size_t)(seg->mem_size - off)
					      : len;
		st = read_segment(elf, seg, off, p, n, diag);
		if (st)
			return st;
		p += n;
		addr += n;
		len -= n;
	}
	return GU_OK;
}

enum gu_status gu_elf_next_region(const struct gu_elf *elf, uint64_t addr,
	struct gu_region *out)
{
	size_t lo = 0, hi = elf->nsegments;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct gu_segment *seg = &elf->segments[mid];
		uint64_t size = elf->zero_fill ? seg->mem_size : seg->file_size;

		if (addr < seg->addr || addr - seg->addr < size)
			hi = mid;
		else
			lo = mid + 1;
	}
	/* A segment of a core may hold nothing. */
	while (!elf->zero_fill && lo < elf->nsegments &&
		elf->segments[lo].file_size == 0)
		lo++;
	if (lo == elf->nsegments)
		return GU_NOT_FOUND;
	out->addr = elf->segments[lo].addr;
	out->size = elf->zero_fill ? elf->segments[lo].mem_size
				   : elf->segments[lo].file_size;
	out->write = elf->segments[lo].write;
	out->exec = elf->segments[lo].exec;
	return GU_OK;
}

bool gu_note_next(struct gu_cur *cur, uint64_t align, struct gu_note *out)
{
	/* gABI: 4 bytes; 8 in segments that say so (GNU properties) */
	size_t pad = align == 8 ? 7 : 3;
	uint32_t name_size = gu_cur_u32(cur), desc_size = gu_cur_u32(cur);
	size_t left;

	out->type = gu_cur_u32(cur);
	out->name = gu_cur_str(cur, name_size);
	/* the descriptor is aligned from the start of the note's header */
	gu_cur_skip(cur, -(12 + (size_t)name_size) & pad);
	out->desc = gu_cur_bytes(cur, desc_size);
	out->desc_size = desc_size;
	if (!gu_cur_ok(cur))
		return false;
	left = gu_cur_left(cur);
	pad &= -(size_t)desc_size;
	gu_cur_skip(cur, pad < left ? pad : left);
	/* The size counts the NUL, and Go's "Go\0\0" a second one. */
	while (out->name.n > 0 && out->name.p[out->name.n - 1] == '\0')
		out->name.n--;
	return true;
}

enum gu_status gu_auxv_find(const uint8_t *auxv, size_t size, bool be,
	uint8_t ptr_size, uint64_t type, uint64_t *out)
{
	struct gu_cur cur = gu_cur(auxv, size, 0, be, "auxv");

	for (;;) {
		uint64_t found = gu_cur_word(&cur, ptr_size);
		uint64_t value = gu_cur_word(&cur, ptr_size);

		if (!gu_cur_ok(&cur) || found == AT_NULL)
			return GU_NOT_FOUND;
		if (found == type) {
			*out = value;
			return GU_OK;
		}
	}
}
