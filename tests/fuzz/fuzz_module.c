/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes are a Go program; all its functions, lines and calls are walked. */
#include "engine/go/module.h"
#include "engine/image/elf_file.h"
#include "engine/stack/unwind.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/elf_writer.h"

#include <stdlib.h>

enum { FUNCS_MAX = 2000, LINES_MAX = 10000 };

static void walk_lines(const struct gu_module *m, const struct gu_func *func)
{
	struct gu_call calls[GU_CALLS_MAX];
	struct gu_lines it;
	struct gu_line line;
	unsigned lines = 0;
	size_t n;

	gu_lines_init(&it, &m->tab, func);
	while (gu_lines_next(&it, &line) && lines++ < LINES_MAX) {
		if (line.start >= line.end || line.start < func->entry)
			abort();
		(void)gu_func_file(&m->tab, func, line.file);
		if (gu_module_calls(m, func, line.start, calls, GU_CALLS_MAX,
			    NULL, &n) == GU_OK &&
			(n == 0 || n > GU_CALLS_MAX))
			abort();
	}
}

static void walk(const struct gu_module *m)
{
	struct gu_func func, found;
	struct gu_row row;

	for (uint32_t i = 0; i < m->tab.nfunc && i < FUNCS_MAX; i++) {
		if (gu_pclntab_func(&m->tab, i, NULL, &func) != GU_OK)
			continue;
		(void)gu_go_package(gu_func_name(&m->tab, &func));
		(void)gu_module_kind(m, &func);
		walk_lines(m, &func);
		if (gu_pclntab_find(&m->tab, func.entry, NULL, &found) ==
				GU_OK &&
			(func.entry < found.entry || func.entry >= found.next))
			abort();
		/* entries that a spoilt table puts at one place have no pc */
		if (func.entry < func.next &&
			gu_unwind_row(m, &func, func.entry, NULL, &row) ==
				GU_OK &&
			(func.entry < row.start || func.entry >= row.end))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct elf_writer ew = {.fd = -1};
	struct gu_module *module;
	struct gu_elf_file *file;
	struct gu_diag diag = {0};
	enum gu_status st;

	if (gu_elf_file_open(ew_path_of(&ew, data, size), NULL, &file))
		return 0;
	st = gu_module_open(gu_elf_file_image(file), &diag, &module);
	if (gu_is_error(st) && diag.text[0] == '\0')
		abort();
	if (st == GU_OK) {
		walk(module);
		gu_module_close(module);
	}
	gu_elf_file_close(file);
	return 0;
}
