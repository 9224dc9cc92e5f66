/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/gdb_stub.h"

#include "engine/base/math.h"
#include "engine/emit/elf_shape.h"
#include "engine/emit/session.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Above what any kernel gives to programs (57 bits with five levels of page
 * tables, of which half are its own), below arm64's tag (the top byte).
 */
#define CODE UINT64_C(0xf0000000000000)
#define DATA (CODE + 0x1000)

/* DATA: a jit_descriptor, its only jit_code_entry, the blob. */
enum {
	DESCRIPTOR_SIZE = 24, /* version, action; relevant, first entry */
	ENTRY_SIZE = 32,      /* next, previous entry; blob's address, size */
	JIT_VERSION = 1,
	CODE_SIZE = 16,
};

struct stub {
	struct gu_elf_writer writer;
	struct gu_buf data, symtab, strtab;
};

static void stub_deinit(struct stub *stub)
{
	gu_buf_deinit(&stub->data);
	gu_buf_deinit(&stub->symtab);
	gu_buf_deinit(&stub->strtab);
	gu_elf_writer_deinit(&stub->writer);
}

static void put_data(struct gu_buf *data)
{
	gu_buf_word(data, JIT_VERSION, 4);
	gu_buf_word(data, 0, 4);
	gu_buf_word(data, 0, 8);
	gu_buf_word(data, DATA + DESCRIPTOR_SIZE, 8);
	gu_buf_word(data, 0, 8);
	gu_buf_word(data, 0, 8);
	gu_buf_word(data, DATA + DESCRIPTOR_SIZE + ENTRY_SIZE, 8);
	gu_buf_word(data, sizeof GU_SESSION_BLOB, 8);
	gu_buf_bytes(data, GU_SESSION_BLOB, sizeof GU_SESSION_BLOB);
}

static void put_symbol(struct stub *stub, const char *name, unsigned type,
	uint32_t section, uint64_t addr, uint64_t size)
{
	struct gu_buf *buf = &stub->symtab;

	gu_buf_word(buf, stub->strtab.n, 4);
	gu_buf_u8(buf, (uint8_t)ELF64_ST_INFO(STB_GLOBAL, type));
	gu_buf_u8(buf, STV_DEFAULT);
	gu_buf_word(buf, section, 2);
	gu_buf_word(buf, addr, 8);
	gu_buf_word(buf, size, 8);
	gu_buf_cstr(&stub->strtab, gu_str(name));
}

static uint32_t put_section(struct stub *stub, struct gu_elf_section section,
	const char *name, const struct gu_buf *data)
{
	section.name = gu_str(name);
	if (data) {
		section.data = data->p;
		section.data_size = data->n;
	}
	return gu_elf_writer_section(&stub->writer, &section);
}

static void put_all(struct stub *stub)
{
	struct gu_elf_section code = {.type = SHT_NOBITS,
		.flags = SHF_ALLOC | SHF_EXECINSTR, .addr = CODE, .align = 16,
		.size = CODE_SIZE};
	struct gu_elf_section data = {.type = SHT_PROGBITS,
		.flags = SHF_ALLOC, .addr = DATA, .align = 16};
	struct gu_elf_section strtab = {.type = SHT_STRTAB, .align = 1};
	struct gu_elf_section symtab = {.type = SHT_SYMTAB, .align = 8,
		.entsize = sizeof(Elf64_Sym), .info = 1};

	put_data(&stub->data);
	gu_buf_zero(&stub->symtab, sizeof(Elf64_Sym));
	gu_buf_u8(&stub->strtab, 0);
	put_symbol(stub, "__jit_debug_register_code", STT_FUNC,
		put_section(stub, code, ".text", NULL), CODE, CODE_SIZE);
	put_symbol(stub, "__jit_debug_descriptor", STT_OBJECT,
		put_section(stub, data, ".rodata", &stub->data), DATA,
		DESCRIPTOR_SIZE);
	symtab.link = put_section(stub, strtab, ".strtab", &stub->strtab);
	(void)put_section(stub, symtab, ".symtab", &stub->symtab);
}

static enum gu_status write_to(struct stub *stub, const char *path,
	struct gu_diag *diag)
{
	enum gu_status st;
	uint64_t size;
	int fd;

	(void)unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return gu_fail(diag, GU_IO, "%s cannot be written: %s", path,
			strerror(errno));
	st = gu_elf_writer_write(&stub->writer, fd, diag, &size);
	if (close(fd) != 0 && !st)
		st = gu_fail(diag, GU_IO, "%s cannot be written", path);
	return st;
}

enum gu_status gu_gdb_stub_write(const struct gu_elf_file *like,
	const char *path, struct gu_diag *diag)
{
	gu_cleanup(stub_deinit) struct stub stub = {0};
	struct gu_elf_like header;
	enum gu_status st = gu_elf_shape_like(like, diag, &header);

	if (st)
		return st;
	header.type = ET_EXEC;
	header.entry = 0;
	gu_buf_init(&stub.data, false);
	gu_buf_init(&stub.symtab, false);
	gu_buf_init(&stub.strtab, false);
	gu_elf_writer_init(&stub.writer, &header, 0);
	put_all(&stub);
	st = gu_buf_status(&stub.data, diag);
	if (!st)
		st = gu_buf_status(&stub.symtab, diag);
	if (!st)
		st = gu_buf_status(&stub.strtab, diag);
	return st ? st : write_to(&stub, path, diag);
}
