/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Symbol files of programs with damaged tables.  Bytes of the Go table in memory
 * are changed, at places drawn from a fixed seed, in rising number; names get
 * bytes that are no characters.  Writing must end, in a status, and what it says
 * is written must be whole and must be read by libelf and libdw to its end:
 * every unit, every entry, every line.  Run under ASan and UBSan too.
 */
#include "engine/emit/symfile.h"
#include "tests/unit/fixtures.h"
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

	while (fine &&
		(st = dwarf_get_units(dw, cu, &cu, NULL, NULL, &unit, NULL)) == 0) {
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
			&diag, "%s: it is whole, %u functions, %" PRIu64 " dropped",
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
			GU_OK, &diag, "its Go module opens"))
		spoil(module, file, fixture->name);
}

int main(int argc, char **argv)
{
	static const char *const forms[] = {"go1.2-amd64-static",
		"go1.16-amd64-static", "go1.18-mips-static",
		"go1.27-amd64-static"};

	if (argc > 1)
		fixtures_each(argv[1], visit, NULL);
	for (size_t i = 0; argc == 1 && i < sizeof forms / sizeof *forms; i++)
		fixtures_each(forms[i], visit, NULL);
	return tap_done();
}
