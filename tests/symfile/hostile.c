/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Symbol files of programs with damaged tables.  Bytes of the Go table in
 * memory are changed, at places drawn from a fixed seed, in rising number;
 * names get bytes that are no characters.  Writing must end, in a status, and
 * what it says is written must be whole and must be read by libelf and libdw to
 * its end: every unit, every entry, every line.  Run under ASan and UBSan too.
 * Nor may what is written be out of proportion.
 */
#include "engine/emit/symfile.h"
#include "tests/unit/fixtures.h"
#include "tests/unit/go_sample.h"
#include "tests/unit/tap.h"

#include <elfutils/libdw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 24 };

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

/* Read every line and entry; false if libdw finds one malformed. */
static bool walk(int fd, uint32_t *lines)
{
	Dwarf *dw = dwarf_begin(fd, DWARF_C_READ);
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit, die;
	bool fine = dw != NULL;
	int st = 1;

	while (fine && (st = dwarf_get_units(dw, cu, &cu, NULL, NULL, &unit,
				NULL)) == 0) {
		Dwarf_Lines *rows;
		size_t n;
		int sibling = dwarf_child(&unit, &die);

		if (dwarf_getsrclines(&unit, &rows, &n) == 0)
			*lines += (uint32_t)n;
		for (; sibling == 0; sibling = dwarf_siblingof(&die, &die))
			fine = fine && dwarf_tag(&die) != DW_TAG_invalid;
		fine = fine && sibling == 1;
	}
	fine = fine && st == 1;
	if (dw)
		(void)dwarf_end(dw);
	return fine;
}

static int temp_file(void)
{
	char name[] = "/tmp/gounstrip-test-XXXXXX";
	int fd = mkstemp(name);

	if (fd < 0 || unlink(name) != 0)
		exit(99);
	return fd;
}

static void try(struct gu_module *module, const struct gu_elf_file *file,
	unsigned version, const char *what)
{
	struct gu_symfile_opts opts = gu_symfile_opts();
	struct gu_symfile_stats stats;
	struct gu_diag diag = {.text = ""};
	uint32_t lines = 0;
	enum gu_status st;
	int fd = temp_file();

	opts.dwarf_version = version;
	st = gu_symfile_write(module, file, &opts, fd, &diag, &stats);
	if (st) {
		ok(*diag.text, "%s: refused: %s", what, diag.text);
	} else {
		uint64_t id = gu_symfile_identity(module, file, &opts);

		is_status(gu_symfile_check(fd, id, true, &diag, &stats), GU_OK,
			&diag, "%s: it is whole, %u functions, %" PRIu64
			" dropped",
			what, stats.functions, gu_symfile_dropped(&stats));
		ok(walk(fd, &lines), "%s: libdw reads it, %u lines", what,
			lines);
	}
	(void)close(fd);
}

static void spoil(struct gu_module *module, const struct gu_elf_file *file,
	const char *name)
{
	static const uint8_t odd[] = {'\n', 0xff, 0x80, '%', 0x1b};
	struct gu_view *bytes = &module->tab.bytes;
	uint8_t *whole = malloc(bytes->n);

	if (!whole)
		exit(99);
	memcpy(whole, bytes->p, bytes->n);
	for (unsigned round = 0; round < ROUNDS; round++) {
		const struct gu_part *parts[] = {&module->tab.functab,
			&module->tab.pctab, &module->tab.names,
			&module->tab.files, &module->tab.cutab};
		char what[128];
		uint64_t n = UINT64_C(1) << round % 12;
		const struct gu_part *part = parts[round % 5];

		for (uint64_t i = 0; part->size && i < n; i++)
			bytes->p[part->off + draw(part->size)] =
				(uint8_t)draw(256);
		(void)snprintf(what, sizeof what, "%s, %" PRIu64
			" bytes of part %u", name, n, round % 5);
		try(module, file, round & 1 ? 4 : 5, what);
		memcpy(bytes->p, whole, bytes->n);
	}
	/* up to 1.15 the names have no part of their own */
	if (module->tab.form == GU_PCLNTAB_1_2) {
		free(whole);
		return;
	}
	for (size_t i = 0; i < module->tab.names.size; i += 7)
		bytes->p[module->tab.names.off + i] = odd[i % sizeof odd];
	try(module, file, 5, "names that are no text");
	memcpy(bytes->p, whole, bytes->n);
	for (size_t i = 0; i < module->tab.names.size; i++)
		bytes->p[module->tab.names.off + i] |= 1;
	try(module, file, 5, "names that do not end");
	memcpy(bytes->p, whole, bytes->n);
	free(whole);
}

static void put_word(struct gu_buf *buf, uint64_t off, uint32_t value)
{
	gu_buf_patch(buf, off, value, 4);
}

/*
 * Fill PART, all of a pctab, with three tables for functions of SIZE bytes that
 * begin at the *offs returned: one value; values that go up and down by STEP at
 * each quantum, for as long as there is room; and -1 and 0 in turn.
 */
static void fill_pctab(struct gu_buf *bytes, const struct gu_part *part,
	uint32_t pcs, uint32_t offs[3])
{
	struct gu_buf gu_cleanup(gu_buf_deinit) fill;
	size_t half = part->size / 2;

	gu_buf_init(&fill, false);
	gu_buf_u8(&fill, 0);
	offs[0] = (uint32_t)fill.n;
	gu_buf_u8(&fill, 2); /* 0, from -1 */
	gu_buf_uleb(&fill, pcs);
	gu_buf_u8(&fill, 0);
	offs[1] = (uint32_t)fill.n;
	gu_buf_bytes(&fill, "\x12\1", 2); /* 8, from -1 */
	while (fill.n + 4 < half)
		gu_buf_bytes(&fill, "\x10\1\x0f\1", 4); /* 16, and 8 again */
	gu_buf_u8(&fill, 0);
	offs[2] = (uint32_t)fill.n;
	while (fill.n + 4 < part->size)
		gu_buf_bytes(&fill, "\2\1\1\1", 4); /* 0, and -1 again */
	gu_buf_u8(&fill, 0);
	memcpy(bytes->p + part->off, fill.p, fill.n);
}

/*
 * All functions share tables as long as there is room for, and are far enough
 * from each other for all of their rows: what is written must not be the square
 * of what there is.
 */
static void share(struct gu_module *module, const struct gu_elf_file *file,
	const char *name)
{
	enum { TIMES = 16 };
	/* bytes: of a record, Go 1.20 and on, and into it; of pcdata 2 */
	enum { RECORD = 44, PCSP = 16, PCFILE = 20, PCLN = 24, INLINED = 8 };
	struct gu_pclntab *tab = &module->tab;
	struct gu_buf bytes = {.p = tab->bytes.p, .n = tab->bytes.n,
		.cap = tab->bytes.n, .be = tab->be};
	uint32_t apart = UINT32_MAX / (tab->nfunc + 1), offs[3];
	static struct gu_segment code;
	static struct gu_image image; /* the module's from now on */
	struct gu_symfile_opts opts = gu_symfile_opts();
	struct gu_symfile_stats stats = {.size = 0};
	struct gu_diag diag = {.text = ""};
	int fd = temp_file();

	fill_pctab(&bytes, &tab->pctab, (apart - 1) / tab->quantum, offs);
	for (uint32_t i = 0; i <= tab->nfunc; i++) {
		uint64_t entry = tab->functab.off + (uint64_t)8 * i, record;
		struct gu_func func;

		put_word(&bytes, entry, i * apart);
		if (i == tab->nfunc || gu_pclntab_func(tab, i, NULL, &func))
			continue;
		record = func.pcdata_off - RECORD;
		put_word(&bytes, record, i * apart);
		put_word(&bytes, record + PCSP, offs[1]);
		put_word(&bytes, record + PCFILE, offs[0]);
		put_word(&bytes, record + PCLN, offs[0]);
		if (func.npcdata > 2)
			put_word(&bytes, func.pcdata_off + INLINED, offs[2]);
	}
	code = (struct gu_segment){.addr = tab->text, .exec = true,
		.read = true, .mem_size = UINT64_C(1) << 32};
	image = *module->image;
	image.sections = NULL;
	image.nsections = 0;
	image.segments = &code;
	image.nsegments = 1;
	module->image = &image;
	module->lo = tab->text;
	module->hi = tab->text + (uint64_t)tab->nfunc * apart;
	is_status(gu_symfile_write(module, file, &opts, fd, &diag, &stats),
		GU_OK, &diag, "%s: tables are shared", name);
	ok(stats.size < TIMES * tab->bytes.n + (8 << 20),
		"%s: %" PRIu64 " bytes for a table of %zu", name, stats.size,
		tab->bytes.n);
	ok(stats.dropped[GU_SYMFILE_DROP_FRAMES] &&
			stats.dropped[GU_SYMFILE_DROP_CALLS],
		"%s: %u functions' frames and %u calls are left out", name,
		stats.dropped[GU_SYMFILE_DROP_FRAMES],
		stats.dropped[GU_SYMFILE_DROP_CALLS]);
	(void)close(fd);
}

/* Symbols whose names are all but the first bytes of one that is the file. */
static void overlap(void)
{
	enum { NAME = 1 << 20, SYMBOLS = 200, TIMES = 16 };
	gu_cleanup(gu_elf_file_closep) struct gu_elf_file *file = NULL;
	gu_cleanup(gu_module_closep) struct gu_module *module = NULL;
	const struct sample_machine *machine = &sample_machines[0];
	struct gu_symfile_opts opts = gu_symfile_opts();
	struct gu_symfile_stats stats = {.size = 0};
	struct gu_diag diag = {.text = ""};
	struct elf_writer ew;
	struct gu_buf *symtab, *strtab;
	int fd = temp_file();

	go_sample_parts(&ew, machine);
	symtab = ew_section(&ew, ".symtab", SHT_SYMTAB, 0, 0);
	ew.sections[ew.nsections - 1].link = 2;
	ew.sections[ew.nsections - 1].entry_size = sizeof(Elf64_Sym);
	strtab = ew_section(&ew, ".strtab", SHT_STRTAB, 0, 0);
	ew_sym(&ew, symtab, 0, 0, 0, 0, 0);
	for (uint32_t i = 0; i < SYMBOLS; i++)
		ew_sym(&ew, symtab, 1 + i, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			1, GO_SAMPLE_TEXT + i, 0);
	gu_buf_u8(strtab, 0);
	for (int i = 0; i < NAME; i++)
		gu_buf_u8(strtab, 'a');
	gu_buf_u8(strtab, 0);
	ew_finish(&ew);
	if (is_status(gu_elf_file_open(ew_path(&ew), &diag, &file), GU_OK,
		    &diag, "overlapping names: a file") &&
		is_status(gu_module_open(gu_elf_file_image(file), &diag,
				  &module), GU_OK, &diag, "with a module"))
		is_status(gu_symfile_write(module, file, &opts, fd, &diag,
			&stats), GU_OK, &diag, "is written");
	ok(stats.size > NAME && stats.size < (uint64_t)TIMES * NAME,
		"overlapping names: %" PRIu64 " bytes", stats.size);
	ew_deinit(&ew);
	(void)close(fd);
}

static void visit(const struct fixture *fixture, void *ctx)
{
	gu_cleanup(gu_elf_file_closep) struct gu_elf_file *file = NULL;
	gu_cleanup(gu_module_closep) struct gu_module *module = NULL;
	struct gu_diag diag;

	(void)ctx;
	seed = UINT64_C(0x9e3779b97f4a7c15);
	if (is_status(gu_elf_file_open(fixture->strip, &diag, &file), GU_OK,
		    &diag, "%s opens", fixture->name) &&
		is_status(gu_module_open(gu_elf_file_image(file), &diag,
				  &module),
			GU_OK, &diag, "its Go module opens")) {
		spoil(module, file, fixture->name);
		if (module->tab.form == GU_PCLNTAB_1_20)
			share(module, file, fixture->name);
	}
}

int main(int argc, char **argv)
{
	static const char *const forms[] = {"go1.2-amd64-static",
		"go1.16-amd64-static", "go1.18-mips-static",
		"go1.27-amd64-static"};

	overlap();
	if (argc > 1)
		fixtures_each(argv[1], visit, NULL);
	for (size_t i = 0; argc == 1 && i < sizeof forms / sizeof *forms; i++)
		fixtures_each(forms[i], visit, NULL);
	return tap_done();
}
