/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * walk FILE: every function, name, file and line row of a Go program, once.
 * walk --floor FILE: only fetch the same table and add up its bytes, which is
 * the least that any reader of it must do.
 *
 * Prints what was counted, so that two programs that are compared can be seen
 * to have done the same work.
 */
#include "engine/go/module.h"
#include "engine/image/elf_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct counts {
	uint64_t rows, names, files; /* names, files: bytes of the strings */
	uint64_t lines;              /* the sum of all lines */
};

static enum gu_status walk_func(const struct gu_pclntab *tab,
	const struct gu_func *func, struct counts *counts)
{
	struct gu_lines lines;
	struct gu_line row;
	int32_t file = -1;

	counts->names += gu_func_name(tab, func).n;
	gu_lines_init(&lines, tab, func);
	while (gu_lines_next(&lines, &row)) {
		if (row.file != file) {
			file = row.file;
			counts->files += gu_func_file(tab, func, file).n;
		}
		counts->rows++;
		counts->lines += (uint64_t)row.line;
	}
	return lines.line.bad ? GU_BAD_DATA : GU_OK;
}

static enum gu_status walk(const struct gu_pclntab *tab, struct gu_diag *diag)
{
	struct counts counts = {0};
	struct gu_func func;

	for (uint32_t i = 0; i < tab->nfunc; i++) {
		enum gu_status st = gu_pclntab_func(tab, i, diag, &func);

		if (st)
			return st;
		if (walk_func(tab, &func, &counts))
			return gu_fail_at(diag, GU_BAD_DATA, func.entry,
				"function %" PRIu32 " has a bad line table", i);
	}
	printf("functions %" PRIu32 " rows %" PRIu64 " names %" PRIu64
		" files %" PRIu64 " lines %" PRIu64 "\n",
		tab->nfunc, counts.rows, counts.names, counts.files,
		counts.lines);
	return GU_OK;
}

static enum gu_status add_up(const struct gu_image *image, struct gu_diag *diag)
{
	const struct gu_section *section =
		gu_image_section(image, ".gopclntab");
	struct gu_view view;
	uint64_t sum = 0;
	enum gu_status st;

	if (!section)
		return gu_fail(diag, GU_NOT_FOUND, "no section .gopclntab");
	st = gu_view_open(&image->mem, section->addr, section->size, diag,
		&view);
	if (st)
		return st;
	for (size_t i = 0; i < view.n; i++)
		sum += view.p[i];
	printf("bytes %zu sum %" PRIu64 "\n", view.n, sum);
	gu_view_close(&view);
	return GU_OK;
}

static enum gu_status walk_image(const struct gu_image *image,
	struct gu_diag *diag)
{
	struct gu_module *module;
	enum gu_status st = gu_module_open(image, diag, &module);

	if (st == GU_NOT_FOUND)
		return gu_fail(diag, st, "no Go table");
	if (st)
		return st;
	st = walk(&module->tab, diag);
	gu_module_close(module);
	return st;
}

int main(int argc, char **argv)
{
	bool floor = argc == 3 && strcmp(argv[1], "--floor") == 0;
	struct gu_elf_file *file;
	struct gu_diag diag;
	enum gu_status st;

	if (argc != 2 && !floor) {
		fputs("usage: walk [--floor] FILE\n", stderr);
		return 2;
	}
	st = gu_elf_file_open(argv[argc - 1], &diag, &file);
	if (st == GU_OK) {
		const struct gu_image *image = gu_elf_file_image(file);

		st = floor ? add_up(image, &diag) : walk_image(image, &diag);
		gu_elf_file_close(file);
	}
	if (st)
		fprintf(stderr, "walk: %s: %s\n", argv[argc - 1], diag.text);
	return st ? 1 : 0;
}
