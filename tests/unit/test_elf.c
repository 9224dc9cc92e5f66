/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine/image/elf_file: programs of every machine, whole, spoilt and cut. */
#include "engine/base/math.h"
#include "engine/image/elf_file.h"
#include "tests/unit/elf_samples.h"
#include "tests/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>

/* What the sample's data is at bias 0. */
static void expected_data(const struct elf_writer *ew,
	const struct sample_reloc *relocs, uint8_t *out)
{
	for (unsigned i = 0; i < SAMPLE_MEM; i++)
		out[i] = i < SAMPLE_STORED ? sample_byte(i) : 0;
	for (unsigned k = 0; k < SAMPLE_NRELOCS; k++)
		for (unsigned i = 0; i < ew->ptr; i++) {
			unsigned byte = ew->be ? ew->ptr - 1 - i : i;

			out[relocs[k].addr - SAMPLE_DATA + byte] =
				(uint8_t)(relocs[k].value >> 8 * i);
		}
}

static struct gu_elf_file *must_open(struct elf_writer *ew, const char *name)
{
	struct gu_elf_file *file = NULL;
	struct gu_diag diag;

	if (!is_status(gu_elf_file_open(ew_path(ew), &diag, &file), GU_OK,
			    &diag, "%s: opened", name))
		exit(tap_done());
	return file;
}

/* Every way to cut the relocated data into a read. */
static void check_reads(const struct gu_mem *mem, const uint8_t *data,
	const char *name)
{
	uint8_t bytes[SAMPLE_MEM];
	unsigned wrong = 0;

	for (unsigned from = 0; from < SAMPLE_MEM; from++)
		for (unsigned n = 1; n <= SAMPLE_MEM - from; n++) {
			if (n > 40 && n < SAMPLE_MEM - from - 40)
				continue;
			if (gu_mem_read(mem, SAMPLE_DATA + from, bytes, n,
				    NULL) != GU_OK ||
				memcmp(bytes, data + from, n) != 0)
				wrong++;
		}
	is_int(wrong, 0, "%s: data relocated, however it is read", name);
}

static void check_memory(const struct gu_image *image, const char *name)
{
	const struct gu_mem *mem = &image->mem;
	struct gu_region region;
	uint8_t bytes[SAMPLE_MEM + 1];
	struct gu_diag diag;
	uint64_t at = 0;
	unsigned n = 0;

	is_status(gu_mem_read(mem, SAMPLE_CODE + 1, bytes, 3, &diag), GU_OK,
		&diag, "%s: code is read", name);
	is_bytes(bytes, "\xfe\xfd\xfc", 3, "%s: as it is stored", name);
	is_status(gu_mem_read(mem, SAMPLE_CODE + SAMPLE_CODE_SIZE - 1, bytes, 2,
			  &diag), GU_FAULT, NULL, "%s: not past its end", name);
	is_int(diag.addr, SAMPLE_CODE + SAMPLE_CODE_SIZE,
		"%s: the fault's address", name);
	is_status(gu_mem_read(mem, SAMPLE_DATA, bytes, SAMPLE_MEM + 1, &diag),
		GU_FAULT, NULL, "%s: nor past the data's", name);
	while (gu_mem_next_region(mem, at, &region) == GU_OK && n < 10) {
		at = region.addr + region.size;
		n++;
	}
	is_int(n, 3, "%s: three regions", name);
	ok(region.addr == SAMPLE_DATA && region.size == SAMPLE_MEM &&
		region.write && !region.exec, "%s: the last is the data", name);
	is_status(gu_mem_next_region(mem, SAMPLE_CODE + 5, &region), GU_OK,
		NULL, "%s: the region of the code", name);
	ok(region.addr == SAMPLE_CODE && region.exec && !region.write,
		"%s: is whole, though asked from its middle", name);
	ok(gu_image_segment(image, SAMPLE_CODE, SAMPLE_CODE_SIZE) &&
		!gu_image_segment(image, SAMPLE_CODE, SAMPLE_CODE_SIZE + 1) &&
		!gu_image_segment(image, SAMPLE_CODE - 1, 1) &&
		!gu_image_segment(image, 0, 1) &&
		!gu_image_segment(image, UINT64_MAX, 1),
		"%s: segments by address", name);
}

static void check_expect(const struct gu_elf_file *file,
	const struct elf_writer *ew, const struct sample_reloc *relocs,
	const char *name)
{
	uint8_t seen[SAMPLE_MEM], out[SAMPLE_MEM], want[SAMPLE_MEM];
	struct sample_reloc moved[SAMPLE_NRELOCS];
	unsigned wrong = 0;

	memset(seen, 0xee, sizeof seen);
	memcpy(moved, relocs, sizeof moved);
	for (unsigned k = 0; k < SAMPLE_NRELOCS; k++)
		moved[k].value = relocs[k].symbolic ? 0xeeeeeeeeeeeeeeee
			: relocs[k].value + SAMPLE_BIAS;
	expected_data(ew, moved, want);
	/* the word of an unknown symbol is anybody's, too */
	memset(want + 0x60, 0xee, ew->ptr);
	for (unsigned from = 0; from < SAMPLE_MEM; from += 3)
		for (unsigned n = 1; n <= SAMPLE_MEM - from; n += 5)
			if (gu_elf_file_expect(file, SAMPLE_BIAS,
				    SAMPLE_DATA + from, seen, n, NULL, out) !=
					GU_OK ||
				memcmp(out, want + from, n) != 0)
				wrong++;
	is_int(wrong, 0, "%s: mapped at a bias", name);
}

static void test_machine(const struct sample_machine *machine, bool sections)
{
	struct sample_reloc relocs[SAMPLE_NRELOCS];
	uint8_t data[SAMPLE_MEM];
	const struct gu_image *image;
	struct gu_elf_traits traits;
	struct gu_elf_file *file;
	struct elf_writer ew;
	char name[64];

	(void)snprintf(name, sizeof name, "%s%s", machine->name,
		sections ? "" : " without sections");
	sample_program(&ew, machine, sections, relocs);
	expected_data(&ew, relocs, data);
	file = must_open(&ew, name);
	image = gu_elf_file_image(file);
	is_str(gu_str(gu_arch_name(image->arch)), machine->name, "%s: arch",
		name);
	ok(image->mem.ptr_size == ew.ptr && image->mem.be == ew.be &&
		image->is_dyn && image->nsegments == 3, "%s: shape", name);
	is_int(gu_elf_file_entry(file), SAMPLE_CODE + 4, "%s: entry", name);
	check_reads(&image->mem, data, name);
	check_memory(image, name);
	check_expect(file, &ew, relocs, name);
	is_str(gu_elf_file_build_id(file), "\1\2\3\4\5\6\7\x8\x9\xa",
		"%s: build id", name);
	is_int(gu_elf_file_build_id_addr(file), SAMPLE_RO + 16,
		"%s: and where it is", name);
	is_str(gu_elf_file_go_build_id(file), "action/content",
		"%s: Go build id", name);
	is_int(gu_elf_file_go_build_id_addr(file), SAMPLE_RO + 44,
		"%s: and where it is", name);
	traits = gu_elf_file_traits(file);
	ok(traits.is_pie && traits.has_dynamic && !traits.has_interp &&
		!traits.has_debuglink && !traits.lost_sections,
		"%s: traits", name);
	ok(traits.has_symtab == sections && traits.has_debug_info == sections,
		"%s: what sections tell", name);
	is_int(image->nsections, sections ? 5 : 0, "%s: sections", name);
	ok(!gu_image_section(image, ".text") == !sections &&
		!gu_image_section(image, ".tex"), "%s: by name", name);
	gu_elf_file_close(file);
	ew_deinit(&ew);
}

static bool count_symbols(void *ctx, const struct gu_elf_symbol *symbol)
{
	unsigned *n = ctx;

	if (gu_str_eq(symbol->name, gu_str("main")) &&
		symbol->addr == SAMPLE_CODE && symbol->size == 16)
		*n += 1;
	else
		*n += 100;
	return true;
}

static void test_symbols(void)
{
	struct sample_reloc relocs[SAMPLE_NRELOCS];
	struct gu_elf_file *file;
	struct elf_writer ew;
	struct gu_diag diag;
	unsigned n = 0;

	sample_program(&ew, &sample_machines[0], true, relocs);
	file = must_open(&ew, "symbols");
	is_status(gu_elf_file_symbols(file, count_symbols, &n, &diag), GU_OK,
		&diag, "symbols are listed");
	is_int(n, 1, "only the defined one");
	gu_elf_file_close(file);
	(void)ew_set(&ew, "sh_offset", 2, ew.out.n - 10);
	file = must_open(&ew, "a symbol table past the end");
	is_status(gu_elf_file_symbols(file, count_symbols, &n, &diag),
		GU_BAD_DATA, NULL, "which says so");
	gu_elf_file_close(file);
	ew_deinit(&ew);
}

/* A field of the header, what it is spoilt with, and what is said. */
struct spoilt {
	const char *field;
	unsigned index;
	uint64_t value;
	enum gu_status status;
	const char *says;
};

static const struct spoilt spoilt_headers[] = {
	{"ei_magic", 0, 'E', GU_BAD_DATA, "starts with 45 45 4c 46, expected"},
	{"ei_class", 0, 3, GU_BAD_DATA, "class 3, expected 1 (32 bit)"},
	{"ei_class", 0, 0, GU_BAD_DATA, "class 0"},
	{"ei_data", 0, 0, GU_BAD_DATA, "byte order 0, expected 1"},
	{"ei_version", 0, 9, GU_BAD_DATA, "version 9, expected 1"},
	{"e_type", 0, ET_CORE, GU_UNSUPPORTED, "a core dump, expected the"},
	{"e_type", 0, ET_REL, GU_UNSUPPORTED, "not linked yet"},
	{"e_type", 0, 0xfe00, GU_UNSUPPORTED, "type 65024 (e_type)"},
	{"e_machine", 0, EM_SPARC, GU_UNSUPPORTED, "machine 2 (e_machine"},
	{"e_phoff", 0, 0, GU_BAD_DATA, "no program headers"},
	{"e_phnum", 0, 0, GU_BAD_DATA, "no program headers"},
	{"e_phnum", 0, 0xfffe, GU_TRUNCATED, "65534 program headers"},
	/* PN_XNUM: the number is in section 0, where the sample has 0 */
	{"e_phnum", 0, 0xffff, GU_BAD_DATA, "none of 0 program headers"},
	{"e_phoff", 0, 0x7fffffff, GU_TRUNCATED, "do not fit in a file of"},
	{"e_phentsize", 0, 31, GU_BAD_DATA, "program headers of 31 bytes"},
	/* the sample's segment 3 is its code, 4 its data */
	{"p_filesz", 4, SAMPLE_MEM + 1, GU_BAD_DATA, "(p_filesz) for 0x300"},
	{"p_memsz", 4, 1, GU_BAD_DATA, "for 0x1 bytes of memory (p_memsz)"},
	{"p_offset", 4, 0x7fffff00, GU_TRUNCATED, "for the segment at 0x30000"},
	{"p_vaddr", 4, SAMPLE_CODE + 8, GU_BAD_DATA, "segments overlap: 0x40"},
	{"p_memsz", 3, 0x100000, GU_BAD_DATA, "segments overlap: 0x100000"},
};

static void test_spoilt(const struct sample_machine *machine)
{
	struct sample_reloc relocs[SAMPLE_NRELOCS];
	uint64_t top = machine->wide ? UINT64_MAX : UINT32_MAX;
	struct gu_elf_file *file = NULL;
	struct elf_writer ew;
	struct gu_diag diag;

	sample_program(&ew, machine, true, relocs);
	for (size_t i = 0; i < GU_COUNT(spoilt_headers); i++) {
		const struct spoilt *s = &spoilt_headers[i];
		struct gu_buf saved = {0};

		gu_buf_bytes(&saved, ew.out.p, ew.out.n);
		ok(ew_set(&ew, s->field, s->index, s->value), "%s: %s is set",
			machine->name, s->field);
		is_status(gu_elf_file_open(ew_path(&ew), &diag, &file),
			s->status, &diag, "%s: %s = 0x%llx", machine->name,
			s->field, (unsigned long long)s->value);
		says(&diag, s->says, "%s: what is said", machine->name);
		memcpy(ew.out.p, saved.p, saved.n);
		gu_buf_deinit(&saved);
	}
	(void)ew_set(&ew, "p_vaddr", 4, top - 0x100);
	is_status(gu_elf_file_open(ew_path(&ew), &diag, &file), GU_BAD_DATA,
		&diag, "%s: a segment that wraps", machine->name);
	says(&diag, "pass the end of the address space", "and says so");
	(void)ew_set(&ew, "p_vaddr", 4, SAMPLE_DATA);
	(void)ew_set(&ew, "p_type", 0, PT_NULL);
	(void)ew_set(&ew, "p_type", 3, PT_NULL);
	(void)ew_set(&ew, "p_type", 4, PT_NULL);
	is_status(gu_elf_file_open(ew_path(&ew), &diag, &file), GU_BAD_DATA,
		&diag, "%s: no segment at all", machine->name);
	says(&diag, "is a loadable segment", "and says so");
	ew_deinit(&ew);
}

/* A dynamic section that lies: the file opens, but its memory says why not. */
static void test_dynamic(void)
{
	static const struct {
		unsigned entry;
		uint64_t tag, value;
		enum gu_status status;
		const char *says;
	} table[] = {
		{3, DT_RELASZ, 1 << 30, GU_BAD_DATA, "0x40000000 bytes at"},
		{3, DT_RELASZ, UINT64_MAX, GU_BAD_DATA, "not in the file"},
		{2, DT_RELA, 0x999, GU_BAD_DATA, "DT_RELA: "},
		{2, DT_RELA, SAMPLE_DATA + 0x1f8, GU_BAD_DATA, "DT_RELA: "},
		{4, DT_RELAENT, 16, GU_BAD_DATA, "entries of 16 bytes"},
		{0, DT_SYMTAB, 0x999, GU_FAULT, "symbol 1: no segment has"},
		{1, DT_SYMENT, 4, GU_BAD_DATA, "symbols of 4 bytes"},
		{5, 36, 0x999, GU_OK, NULL}, /* DT_RELR changes nothing here */
		{0, DT_NULL, 0, GU_OK, NULL},
	};
	struct sample_reloc relocs[SAMPLE_NRELOCS];
	uint8_t byte, seen[1] = {0};
	struct gu_elf_file *file;
	struct elf_writer ew;
	struct gu_diag diag;

	sample_program(&ew, &sample_machines[0], false, relocs);
	for (size_t i = 0; i < GU_COUNT(table); i++) {
		/* segments: notes, dynamic, the one that holds both */
		uint64_t off = ew_get(&ew, "p_offset", 0) +
			ew_get(&ew, "p_vaddr", 2) - SAMPLE_RO +
			UINT64_C(16) * table[i].entry;
		uint8_t saved[16];

		memcpy(saved, ew.out.p + off, sizeof saved);
		gu_buf_patch(&ew.out, (size_t)off, table[i].tag, 8);
		gu_buf_patch(&ew.out, (size_t)off + 8, table[i].value, 8);
		file = must_open(&ew, "a lying dynamic section");
		for (int again = 0; again < 2; again++)
			is_status(gu_mem_read(&gu_elf_file_image(file)->mem,
					  SAMPLE_DATA, &byte, 1, &diag),
				table[i].status, &diag, "lie %zu is noticed",
				i);
		if (table[i].says)
			says(&diag, table[i].says, "and told");
		if (table[i].tag == 36)
			is_status(gu_elf_file_expect(file, SAMPLE_BIAS,
					  SAMPLE_DATA, seen, 1, &diag, &byte),
				GU_BAD_DATA, &diag, "but at a bias it does");
		gu_elf_file_close(file);
		memcpy(ew.out.p + off, saved, sizeof saved);
	}
	(void)ew_set(&ew, "p_vaddr", 2, 0x999);
	file = must_open(&ew, "a dynamic section in no segment");
	is_status(gu_mem_read(&gu_elf_file_image(file)->mem, SAMPLE_DATA, &byte,
			  1, &diag), GU_BAD_DATA, &diag, "is noticed");
	says(&diag, "PT_DYNAMIC", "and told");
	gu_elf_file_close(file);
	ew_deinit(&ew);
}

static void read_all(const struct gu_elf_file *file)
{
	const struct gu_image *image = gu_elf_file_image(file);
	struct gu_region region;
	uint64_t at = 0;
	unsigned symbols = 0;

	while (gu_mem_next_region(&image->mem, at, &region) == GU_OK) {
		uint8_t bytes[0x1000] = {0};
		size_t n = region.size < sizeof bytes ? (size_t)region.size
						      : sizeof bytes;
		struct gu_diag diag;

		(void)!gu_mem_read(&image->mem, region.addr, bytes, n, &diag);
		(void)!gu_elf_file_expect(file, 0x1000, region.addr, bytes, n,
			&diag, bytes);
		at = region.addr + region.size;
	}
	(void)!gu_elf_file_symbols(file, count_symbols, &symbols, NULL);
	(void)gu_elf_file_traits(file);
}

/* The file cut at every byte: no crash, and a clear line whenever it fails. */
static void test_cut(const struct sample_machine *machine)
{
	struct sample_reloc relocs[SAMPLE_NRELOCS];
	unsigned opened = 0, unclear = 0, first = 0;
	struct elf_writer ew;
	uint64_t needed = 0;

	sample_program(&ew, machine, true, relocs);
	for (unsigned i = 0; i < ew.nsegments; i++) {
		uint64_t end = ew_get(&ew, "p_offset", i) +
			ew_get(&ew, "p_filesz", i);

		needed = end > needed ? end : needed;
	}
	for (size_t n = 0; n < ew.out.n; n++) {
		struct gu_elf_file *file;
		struct gu_diag diag = {0};
		const char *path = ew_path_of(&ew, ew.out.p, n);

		if (gu_elf_file_open(path, &diag, &file) == GU_OK) {
			if (opened++ == 0)
				first = (unsigned)n;
			if (!gu_elf_file_traits(file).lost_sections)
				unclear++;
			read_all(file);
			gu_elf_file_close(file);
		} else if (strncmp(diag.text, path, strlen(path)) != 0 ||
			strlen(diag.text) < strlen(path) + 20) {
			unclear++;
		}
	}
	is_int(unclear, 0, "%s: each cut is told", machine->name);
	is_int(first, needed, "%s: opened once its segments are complete",
		machine->name);
	ew_deinit(&ew);
}

/* Bytes of the headers and tables changed at random, always the same ones. */
static void test_mutated(const struct sample_machine *machine)
{
	struct sample_reloc relocs[SAMPLE_NRELOCS];
	uint64_t seed = 88172645463325252ULL;
	struct elf_writer ew;
	unsigned opened = 0;

	sample_program(&ew, machine, true, relocs);
	for (unsigned round = 0; round < 3000; round++) {
		struct gu_elf_file *file;
		struct gu_buf copy = {0};

		gu_buf_bytes(&copy, ew.out.p, ew.out.n);
		for (unsigned k = 0; k < 1 + round % 4; k++) {
			seed ^= seed << 13; /* xorshift64 */
			seed ^= seed >> 7;
			seed ^= seed << 17;
			copy.p[4 + (seed >> 8) % (copy.n - 4)] = (uint8_t)seed;
		}
		if (gu_elf_file_open(ew_path_of(&ew, copy.p, copy.n), NULL,
			    &file) == GU_OK) {
			opened++;
			read_all(file);
			gu_elf_file_close(file);
		}
		gu_buf_deinit(&copy);
	}
	ok(opened > 100 && opened < 3000,
		"%s: %u of 3000 spoilt files open, none crashes",
		machine->name, opened);
	ew_deinit(&ew);
}

static void test_not_elf(void)
{
	struct elf_writer ew;
	struct gu_elf_file *file;
	struct gu_diag diag;

	ew_init(&ew, true, false, ET_EXEC, EM_X86_64);
	is_status(gu_elf_file_open("/proc/self/nothing", &diag, &file), GU_IO,
		&diag, "no such file");
	says(&diag, "/proc/self/nothing: No such file", "and says so");
	is_status(gu_elf_file_open("/", &diag, &file), GU_BAD_DATA, &diag,
		"a folder");
	says(&diag, "directory, expected an ELF file", "and says so");
	is_status(gu_elf_file_open("/dev/null", &diag, &file), GU_BAD_DATA,
		&diag, "a device");
	is_status(gu_elf_file_open(ew_path_of(&ew, "", 0), &diag, &file),
		GU_BAD_DATA, &diag, "an empty file");
	says(&diag, "it has 0 bytes", "and says so");
	is_status(gu_elf_file_open(ew_path_of(&ew, "#!/bin/sh\necho 123\n", 19),
			  &diag, &file), GU_BAD_DATA, &diag, "a script");
	says(&diag, "starts with 23 21 2f 62", "and says so");
	gu_elf_file_close(NULL);
	ew_deinit(&ew);
}

/* More program headers than e_phnum can say: section 0 has the number. */
static void test_many_segments(void)
{
	struct sample_reloc relocs[SAMPLE_NRELOCS];
	struct gu_elf_file *file;
	struct elf_writer ew;

	sample_program(&ew, &sample_machines[0], true, relocs);
	(void)ew_set(&ew, "e_phnum", 0, 0xffff); /* PN_XNUM */
	(void)ew_set(&ew, "sh_info", 0, ew.nsegments);
	file = must_open(&ew, "PN_XNUM");
	is_int(gu_elf_file_image(file)->nsegments, 3, "as section 0 says");
	gu_elf_file_close(file);
	ew_deinit(&ew);
}

int main(void)
{
	for (unsigned i = 0; i < sample_nmachines; i++) {
		test_machine(&sample_machines[i], true);
		test_machine(&sample_machines[i], false);
		test_spoilt(&sample_machines[i]);
	}
	test_symbols();
	test_dynamic();
	test_not_elf();
	test_many_segments();
	for (unsigned i = 0; i < sample_nmachines; i += 3) {
		test_cut(&sample_machines[i]);
		test_mutated(&sample_machines[i]);
	}
	return tap_done();
}
