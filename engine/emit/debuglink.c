/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/debuglink.h"

#include "engine/base/buf.h"
#include "engine/base/math.h"
#include "engine/base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BLOCK = 1 << 16, /* bytes copied at once */
	ALIGN = 8,
	CRC_ALIGN = 4,		    /* of the CRC behind the name */
	SHARED_NAMES_MAX = 1 << 20, /* bytes of .shstrtab */
};

static const char section_name[] = ".gnu_debuglink";

/* --- the CRC -------------------------------------------------------------- */

/* CRC-32 as in ISO 3309 and zlib; CRC is 0 at first. */
static uint32_t crc_more(uint32_t crc, const uint8_t *p, size_t n)
{
	static uint32_t table[256];

	for (uint32_t i = 0; table[255] == 0 && i < 256; i++) {
		uint32_t value = i;

		for (int bit = 0; bit < 8; bit++)
			value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
		table[i] = value;
	}
	crc = ~crc;
	for (size_t i = 0; i < n; i++)
		crc = table[(crc ^ p[i]) & 0xff] ^ crc >> 8;
	return ~crc;
}

/* Read all of FROM: its CRC to *crc, if not NULL, its bytes to TO, if not -1.
 */
static bool pass(int from, int to, uint32_t *crc)
{
	uint8_t *block = malloc(BLOCK);
	off_t off = 0;
	ssize_t n = -1;

	while (block && (n = pread(from, block, BLOCK, off)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (to >= 0 && !gu_write_all(to, block, (size_t)n)))
			break;
		if (crc)
			*crc = crc_more(*crc, block, (size_t)n);
		off += n;
	}
	free(block);
	return n == 0;
}

/* --- the sections --------------------------------------------------------- */

/* What goes behind the program's bytes. */
struct tail {
	bool is64;
	uint64_t size; /* of the program, where the tail begins */
	size_t nsections, names_index;
	struct gu_buf bytes; /* link, names, section headers */
	uint64_t table;	     /* where in the file the headers are */
	uint16_t total;	     /* how many there are */
};

static void put_header(struct tail *tail, const GElf_Shdr *s)
{
	unsigned word = tail->is64 ? 8 : 4;
	struct gu_buf *buf = &tail->bytes;

	gu_buf_word(buf, s->sh_name, 4);
	gu_buf_word(buf, s->sh_type, 4);
	gu_buf_word(buf, s->sh_flags, word);
	gu_buf_word(buf, s->sh_addr, word);
	gu_buf_word(buf, s->sh_offset, word);
	gu_buf_word(buf, s->sh_size, word);
	gu_buf_word(buf, s->sh_link, 4);
	gu_buf_word(buf, s->sh_info, 4);
	gu_buf_word(buf, s->sh_addralign, word);
	gu_buf_word(buf, s->sh_entsize, word);
}

/* Align the tail; returns where in the file it goes on. */
static uint64_t next_off(struct tail *tail)
{
	uint64_t off = tail->size + tail->bytes.n;

	gu_buf_zero(&tail->bytes, gu_align_up(off, ALIGN) - off);
	return gu_align_up(off, ALIGN);
}

/* The old names and two more; *own is where ".shstrtab" is. */
static void put_names(struct tail *tail, Elf_Data *old, size_t *own)
{
	if (old && old->d_size)
		gu_buf_bytes(&tail->bytes, old->d_buf, old->d_size);
	gu_buf_u8(&tail->bytes, 0);
	gu_buf_cstr(&tail->bytes, gu_str(section_name));
	*own = 1 + sizeof section_name + (old ? old->d_size : 0);
	gu_buf_cstr(&tail->bytes, gu_str(".shstrtab"));
}

static bool get_names(Elf *elf, struct tail *tail, Elf_Data **out)
{
	Elf_Scn *scn =
		tail->nsections ? elf_getscn(elf, tail->names_index) : NULL;
	GElf_Shdr shdr;

	*out = NULL;
	if (tail->nsections == 0)
		return true;
	if (!scn || !gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_STRTAB ||
		shdr.sh_size > SHARED_NAMES_MAX)
		return false;
	*out = elf_rawdata(scn, NULL);
	return *out != NULL;
}

static bool is_link(const Elf_Data *names, const GElf_Shdr *s)
{
	return names && s->sh_name < names->d_size &&
	       names->d_size - s->sh_name >= sizeof section_name &&
	       memcmp((const char *)names->d_buf + s->sh_name, section_name,
		       sizeof section_name) == 0;
}

/* The old headers, with .shstrtab at its new place. */
static enum gu_status put_old(Elf *elf, struct tail *tail,
	const Elf_Data *names, uint64_t off, uint64_t size,
	struct gu_diag *diag)
{
	for (size_t i = 0; i < tail->nsections; i++) {
		GElf_Shdr s;

		if (!gelf_getshdr(elf_getscn(elf, i), &s))
			return gu_fail(diag, GU_BAD_DATA,
				"its section headers cannot be read");
		if (is_link(names, &s))
			return gu_fail(diag, GU_UNSUPPORTED,
				"it names a debug file already");
		if (i == tail->names_index) {
			s.sh_offset = off;
			s.sh_size = size;
		}
		put_header(tail, &s);
	}
	return GU_OK;
}

static enum gu_status make_tail(Elf *elf, const struct gu_buf *link,
	struct tail *tail, struct gu_diag *diag)
{
	GElf_Shdr section = {.sh_type = SHT_PROGBITS, .sh_addralign = 4};
	uint64_t names_off, names_size;
	enum gu_status st;
	Elf_Data *names;
	size_t own;

	if (elf_getshdrnum(elf, &tail->nsections) != 0 ||
		elf_getshdrstrndx(elf, &tail->names_index) != 0 ||
		!get_names(elf, tail, &names))
		return gu_fail(diag, GU_BAD_DATA,
			"its section headers cannot be read");
	if (tail->nsections + 3 >= SHN_LORESERVE)
		return gu_fail(diag, GU_UNSUPPORTED, "it has %zu sections",
			tail->nsections);
	section.sh_offset = next_off(tail);
	section.sh_size = link->n;
	gu_buf_bytes(&tail->bytes, link->p, link->n);
	names_off = next_off(tail);
	section.sh_name = (GElf_Word)(1 + (names ? names->d_size : 0));
	put_names(tail, names, &own);
	names_size = tail->size + tail->bytes.n - names_off;
	tail->table = next_off(tail);
	st = put_old(elf, tail, names, names_off, names_size, diag);
	if (st)
		return st;
	tail->total = (uint16_t)(tail->nsections + 1);
	if (tail->nsections == 0) {
		put_header(tail, &(GElf_Shdr){0});
		put_header(tail, &(GElf_Shdr){
					 .sh_name = (GElf_Word)own,
					 .sh_type = SHT_STRTAB,
					 .sh_offset = names_off,
					 .sh_size = names_size,
					 .sh_addralign = 1,
				 });
		tail->names_index = 1;
		tail->total = 3;
	}
	put_header(tail, &section);
	return gu_buf_status(&tail->bytes, diag);
}

/* --- the copy ------------------------------------------------------------- */

static bool patch(
	int fd, struct tail *tail, uint64_t value, unsigned size, size_t off)
{
	struct gu_buf word;
	bool ok;

	gu_buf_init(&word, tail->bytes.be);
	gu_buf_word(&word, value, size);
	ok = !word.failed &&
	     pwrite(fd, word.p, size, (off_t)off) == (ssize_t)size;
	gu_buf_deinit(&word);
	return ok;
}

/* The file header's fields about sections. */
static bool patch_header(int fd, struct tail *tail)
{
	if (tail->is64)
		return patch(fd, tail, tail->table, 8,
			       offsetof(Elf64_Ehdr, e_shoff)) &&
		       patch(fd, tail, sizeof(Elf64_Shdr), 2,
			       offsetof(Elf64_Ehdr, e_shentsize)) &&
		       patch(fd, tail, tail->total, 2,
			       offsetof(Elf64_Ehdr, e_shnum)) &&
		       patch(fd, tail, tail->names_index, 2,
			       offsetof(Elf64_Ehdr, e_shstrndx));
	return patch(fd, tail, tail->table, 4, offsetof(Elf32_Ehdr, e_shoff)) &&
	       patch(fd, tail, sizeof(Elf32_Shdr), 2,
		       offsetof(Elf32_Ehdr, e_shentsize)) &&
	       patch(fd, tail, tail->total, 2, offsetof(Elf32_Ehdr, e_shnum)) &&
	       patch(fd, tail, tail->names_index, 2,
		       offsetof(Elf32_Ehdr, e_shstrndx));
}

static enum gu_status copy_with(int from, const struct stat *info,
	struct tail *tail, const char *out, struct gu_diag *diag)
{
	struct gu_outfile file;
	enum gu_status st = gu_outfile_open(out, diag, &file);

	if (st)
		return st;
	if (!pass(from, file.fd, NULL) ||
		!gu_write_all(file.fd, tail->bytes.p, tail->bytes.n) ||
		!patch_header(file.fd, tail) ||
		fchmod(file.fd, info->st_mode & 0777) != 0)
		st = gu_fail(diag, GU_IO, "%s cannot be written", out);
	return gu_outfile_close(&file, st, diag);
}

/* The contents of the section: name, padding, CRC. */
static bool make_link(const char *debug, struct gu_buf *link)
{
	const char *name = strrchr(debug, '/');
	int fd = open(debug, O_RDONLY | O_CLOEXEC);
	uint32_t crc = 0;
	bool ok = fd >= 0 && pass(fd, -1, &crc);

	if (fd >= 0)
		(void)close(fd);
	gu_buf_cstr(link, gu_str(name ? name + 1 : debug));
	gu_buf_zero(link, gu_align_up(link->n, CRC_ALIGN) - link->n);
	gu_buf_word(link, crc, 4);
	return ok;
}

static enum gu_status copy_elf(int from, const struct stat *info,
	const char *debug, const char *out, struct gu_diag *diag)
{
	struct tail tail = {.size = (uint64_t)info->st_size};
	Elf *elf = elf_begin(from, ELF_C_READ, NULL);
	struct gu_buf link;
	enum gu_status st;
	GElf_Ehdr ehdr;

	if (!elf || !gelf_getehdr(elf, &ehdr)) {
		elf_end(elf);
		return gu_fail(diag, GU_BAD_DATA, "it is no ELF file");
	}
	tail.is64 = ehdr.e_ident[EI_CLASS] == ELFCLASS64;
	gu_buf_init(&tail.bytes, ehdr.e_ident[EI_DATA] == ELFDATA2MSB);
	gu_buf_init(&link, tail.bytes.be);
	st = make_link(debug, &link)
		     ? gu_buf_status(&link, diag)
		     : gu_fail(diag, GU_IO, "%s cannot be read", debug);
	if (!st)
		st = make_tail(elf, &link, &tail, diag);
	elf_end(elf);
	if (!st)
		st = copy_with(from, info, &tail, out, diag);
	gu_buf_deinit(&link);
	gu_buf_deinit(&tail.bytes);
	return st;
}

enum gu_status gu_debuglink_copy(const char *program, const char *debug,
	const char *out, struct gu_diag *diag)
{
	int from = open(program, O_RDONLY | O_CLOEXEC);
	struct stat info, there;
	enum gu_status st;

	(void)elf_version(EV_CURRENT);
	if (from < 0 || fstat(from, &info) != 0)
		st = gu_fail(diag, GU_IO, "it cannot be read");
	else if (stat(out, &there) == 0 && there.st_dev == info.st_dev &&
		 there.st_ino == info.st_ino)
		st = gu_fail(diag, GU_INVALID,
			"%s is the program itself, which is left as it is",
			out);
	else
		st = copy_elf(from, &info, debug, out, diag);
	if (from >= 0)
		(void)close(from);
	return st;
}
