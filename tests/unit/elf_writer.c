/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE /* memfd_create */
#include "tests/unit/elf_writer.h"

#include "engine/base/math.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The fields of the three headers: where they are in each class. */
struct field {
	const char *name;
	uint8_t off32, size32, off64, size64;
};
#define FIELD(header, name)                                                    \
	{#name, offsetof(Elf32_##header, name),                                \
		sizeof(((Elf32_##header *)0)->name),                           \
		offsetof(Elf64_##header, name),                                \
		sizeof(((Elf64_##header *)0)->name)}
static const struct field ehdr_fields[] = {
	FIELD(Ehdr, e_type), FIELD(Ehdr, e_machine), FIELD(Ehdr, e_version),
	FIELD(Ehdr, e_entry), FIELD(Ehdr, e_phoff), FIELD(Ehdr, e_shoff),
	FIELD(Ehdr, e_flags), FIELD(Ehdr, e_ehsize), FIELD(Ehdr, e_phentsize),
	FIELD(Ehdr, e_phnum), FIELD(Ehdr, e_shentsize), FIELD(Ehdr, e_shnum),
	FIELD(Ehdr, e_shstrndx), {"ei_magic", 0, 1, 0, 1},
	{"ei_class", EI_CLASS, 1, EI_CLASS, 1},
	{"ei_data", EI_DATA, 1, EI_DATA, 1},
	{"ei_version", EI_VERSION, 1, EI_VERSION, 1},
};
static const struct field phdr_fields[] = {
	FIELD(Phdr, p_type), FIELD(Phdr, p_flags), FIELD(Phdr, p_offset),
	FIELD(Phdr, p_vaddr), FIELD(Phdr, p_paddr), FIELD(Phdr, p_filesz),
	FIELD(Phdr, p_memsz), FIELD(Phdr, p_align),
};
static const struct field shdr_fields[] = {
	FIELD(Shdr, sh_name), FIELD(Shdr, sh_type), FIELD(Shdr, sh_flags),
	FIELD(Shdr, sh_addr), FIELD(Shdr, sh_offset), FIELD(Shdr, sh_size),
	FIELD(Shdr, sh_link), FIELD(Shdr, sh_info), FIELD(Shdr, sh_addralign),
	FIELD(Shdr, sh_entsize),
};
#undef FIELD

static size_t ehdr_size(const struct elf_writer *ew)
{
	return ew->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
}

static size_t phdr_size(const struct elf_writer *ew)
{
	return ew->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

static size_t shdr_size(const struct elf_writer *ew)
{
	return ew->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
}

void ew_init(struct elf_writer *ew, bool wide, bool be, uint16_t type,
	uint16_t machine)
{
	*ew = (struct elf_writer){
		.wide = wide,
		.be = be,
		.ptr = wide ? 8 : 4,
		.type = type,
		.machine = machine,
		.fd = -1,
	};
	gu_buf_init(&ew->out, be);
}

void ew_deinit(struct elf_writer *ew)
{
	for (unsigned i = 0; i < ew->nsegments; i++)
		gu_buf_deinit(&ew->segments[i].bytes);
	for (unsigned i = 0; i < ew->nsections; i++)
		gu_buf_deinit(&ew->sections[i].bytes);
	gu_buf_deinit(&ew->out);
	if (ew->fd >= 0)
		(void)close(ew->fd);
	ew->fd = -1;
}

static struct ew_part *add(struct elf_writer *ew, struct ew_part *parts,
	unsigned *n)
{
	struct ew_part *part = &parts[*n];

	if (*n == EW_MAX)
		abort();
	(*n)++;
	gu_buf_init(&part->bytes, ew->be);
	return part;
}

struct gu_buf *ew_segment(struct elf_writer *ew, uint32_t type, uint32_t flags,
	uint64_t addr, uint64_t mem_size)
{
	struct ew_part *part = add(ew, ew->segments, &ew->nsegments);

	part->type = type;
	part->flags = flags;
	part->addr = addr;
	part->mem_size = mem_size;
	part->align = 4;
	return &part->bytes;
}

struct gu_buf *ew_section(struct elf_writer *ew, const char *name,
	uint32_t type, uint64_t flags, uint64_t addr)
{
	struct ew_part *part = add(ew, ew->sections, &ew->nsections);

	part->name = name;
	part->type = type;
	part->flags = (uint32_t)flags;
	part->addr = addr;
	part->align = 1;
	return &part->bytes;
}

static void pad(struct gu_buf *buf, size_t align)
{
	gu_buf_zero(buf, -buf->n & (align - 1));
}

void ew_note(struct gu_buf *buf, const char *name, size_t name_size,
	uint32_t type, const void *desc, size_t desc_size)
{
	gu_buf_word(buf, name_size, 4);
	gu_buf_word(buf, desc_size, 4);
	gu_buf_word(buf, type, 4);
	gu_buf_bytes(buf, name, name_size);
	pad(buf, 4);
	gu_buf_bytes(buf, desc, desc_size);
	pad(buf, 4);
}

void ew_dyn(struct elf_writer *ew, struct gu_buf *buf, uint64_t tag,
	uint64_t value)
{
	gu_buf_word(buf, tag, ew->ptr);
	gu_buf_word(buf, value, ew->ptr);
}

void ew_rel(struct elf_writer *ew, struct gu_buf *buf, uint64_t addr,
	uint32_t symbol, uint32_t type)
{
	gu_buf_word(buf, addr, ew->ptr);
	gu_buf_word(buf, ew->wide ? ELF64_R_INFO((uint64_t)symbol, type)
				  : ELF32_R_INFO(symbol, type), ew->ptr);
}

void ew_rela(struct elf_writer *ew, struct gu_buf *buf, uint64_t addr,
	uint32_t symbol, uint32_t type, uint64_t addend)
{
	ew_rel(ew, buf, addr, symbol, type);
	gu_buf_word(buf, addend, ew->ptr);
}

void ew_sym(struct elf_writer *ew, struct gu_buf *buf, uint32_t name,
	uint8_t info, uint16_t section, uint64_t value, uint64_t size)
{
	gu_buf_word(buf, name, 4);
	if (!ew->wide) {
		gu_buf_word(buf, value, 4);
		gu_buf_word(buf, size, 4);
	}
	gu_buf_u8(buf, info);
	gu_buf_u8(buf, 0);
	gu_buf_word(buf, section, 2);
	if (ew->wide) {
		gu_buf_word(buf, value, 8);
		gu_buf_word(buf, size, 8);
	}
}

static const struct field *find(const struct field *fields, size_t n,
	const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

/* Where FIELD of the INDEXth header is; *size is 0 if there is none. */
static uint64_t locate(struct elf_writer *ew, const char *name, unsigned index,
	unsigned *size)
{
	const struct field *field;
	uint64_t base;

	*size = 0;
	if (strncmp(name, "p_", 2) == 0) {
		field = find(phdr_fields, GU_COUNT(phdr_fields), name);
		base = ehdr_size(ew) + index * phdr_size(ew);
		if (index >= ew->nsegments)
			field = NULL;
	} else if (strncmp(name, "sh_", 3) == 0) {
		field = find(shdr_fields, GU_COUNT(shdr_fields), name);
		/* the section headers are last, see ew_finish */
		base = ew->out.n - (ew->nsections + 2 - index) * shdr_size(ew);
		if (ew->nsections == 0 || index > ew->nsections + 1)
			field = NULL;
	} else {
		field = find(ehdr_fields, GU_COUNT(ehdr_fields), name);
		base = 0;
	}
	if (!field)
		return 0;
	*size = ew->wide ? field->size64 : field->size32;
	return base + (ew->wide ? field->off64 : field->off32);
}

bool ew_set(struct elf_writer *ew, const char *field, unsigned index,
	uint64_t value)
{
	unsigned size;
	uint64_t off = locate(ew, field, index, &size);

	gu_buf_patch(&ew->out, (size_t)off, value, size);
	return size != 0;
}

uint64_t ew_get(struct elf_writer *ew, const char *field, unsigned index)
{
	unsigned size;
	uint64_t off = locate(ew, field, index, &size);
	struct gu_cur cur = gu_cur(ew->out.p, ew->out.n, 0, ew->be, "file");

	gu_cur_seek(&cur, off);
	return gu_cur_word(&cur, size);
}

static void write_ehdr(struct elf_writer *ew)
{
	const unsigned char ident[EI_NIDENT] = {
		0x7f, 'E', 'L', 'F', ew->wide ? ELFCLASS64 : ELFCLASS32,
		ew->be ? ELFDATA2MSB : ELFDATA2LSB, EV_CURRENT
	};

	memcpy(ew->out.p, ident, sizeof ident);
	(void)ew_set(ew, "e_type", 0, ew->type);
	(void)ew_set(ew, "e_machine", 0, ew->machine);
	(void)ew_set(ew, "e_version", 0, EV_CURRENT);
	(void)ew_set(ew, "e_entry", 0, ew->entry);
	(void)ew_set(ew, "e_phoff", 0, ehdr_size(ew));
	(void)ew_set(ew, "e_ehsize", 0, ehdr_size(ew));
	(void)ew_set(ew, "e_phentsize", 0, phdr_size(ew));
	(void)ew_set(ew, "e_phnum", 0, ew->nsegments);
	(void)ew_set(ew, "e_shentsize", 0, shdr_size(ew));
}

static void write_segments(struct elf_writer *ew)
{
	for (unsigned i = 0; i < ew->nsegments; i++) {
		struct ew_part *part = &ew->segments[i];

		pad(&ew->out, 16);
		(void)ew_set(ew, "p_type", i, part->type);
		(void)ew_set(ew, "p_flags", i, part->flags);
		(void)ew_set(ew, "p_offset", i, ew->out.n);
		(void)ew_set(ew, "p_vaddr", i, part->addr);
		(void)ew_set(ew, "p_paddr", i, part->addr);
		(void)ew_set(ew, "p_filesz", i, part->bytes.n);
		(void)ew_set(ew, "p_memsz", i,
			part->mem_size ? part->mem_size : part->bytes.n);
		(void)ew_set(ew, "p_align", i, part->align);
		gu_buf_bytes(&ew->out, part->bytes.p, part->bytes.n);
	}
}

/* The sections between the null one and .shstrtab, and those two. */
static void write_sections(struct elf_writer *ew)
{
	uint64_t names = 0, at[EW_MAX] = {0};
	size_t table;

	for (unsigned i = 0; i < ew->nsections; i++) {
		pad(&ew->out, 16);
		at[i] = ew->out.n;
		gu_buf_bytes(&ew->out, ew->sections[i].bytes.p,
			ew->sections[i].bytes.n);
	}
	names = ew->out.n;
	gu_buf_u8(&ew->out, 0);
	for (unsigned i = 0; i < ew->nsections; i++)
		gu_buf_cstr(&ew->out, gu_str(ew->sections[i].name));
	gu_buf_cstr(&ew->out, gu_str(".shstrtab"));
	pad(&ew->out, 16);
	table = ew->out.n;
	gu_buf_zero(&ew->out, (ew->nsections + 2) * shdr_size(ew));
	for (unsigned i = 0, name = 1; i <= ew->nsections; i++) {
		struct ew_part *part = &ew->sections[i];
		bool last = i == ew->nsections;

		(void)ew_set(ew, "sh_name", i + 1, name);
		(void)ew_set(ew, "sh_type", i + 1, last ? SHT_STRTAB
							: part->type);
		(void)ew_set(ew, "sh_offset", i + 1, last ? names : at[i]);
		(void)ew_set(ew, "sh_size", i + 1, last ? table - names
							: part->bytes.n);
		(void)ew_set(ew, "sh_addralign", i + 1, 1);
		if (last)
			break;
		(void)ew_set(ew, "sh_flags", i + 1, part->flags);
		(void)ew_set(ew, "sh_addr", i + 1, part->addr);
		(void)ew_set(ew, "sh_link", i + 1, part->link);
		(void)ew_set(ew, "sh_entsize", i + 1, part->entry_size);
		name += (unsigned)strlen(part->name) + 1;
	}
	(void)ew_set(ew, "e_shoff", 0, table);
	(void)ew_set(ew, "e_shnum", 0, ew->nsections + 2);
	(void)ew_set(ew, "e_shstrndx", 0, ew->nsections + 1);
}

void ew_finish(struct elf_writer *ew)
{
	gu_buf_zero(&ew->out, ehdr_size(ew) + ew->nsegments * phdr_size(ew));
	if (ew->out.failed)
		abort();
	write_ehdr(ew);
	write_segments(ew);
	if (ew->nsections > 0)
		write_sections(ew);
	if (ew->out.failed)
		abort();
}

const char *ew_path_of(struct elf_writer *ew, const void *bytes, size_t size)
{
	if (ew->fd < 0)
		ew->fd = memfd_create("elf_writer", MFD_CLOEXEC);
	if (ew->fd < 0 || ftruncate(ew->fd, 0) != 0 ||
		pwrite(ew->fd, bytes, size, 0) != (ssize_t)size) {
		perror("memfd_create");
		abort();
	}
	(void)snprintf(ew->path, sizeof ew->path, "/proc/self/fd/%d", ew->fd);
	return ew->path;
}

const char *ew_path(struct elf_writer *ew)
{
	return ew_path_of(ew, ew->out.p, ew->out.n);
}
