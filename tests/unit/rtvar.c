/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runtime variables found in stripped programs are where the symbol tables of
 * their unstripped twins say.  Up to Go 1.21 the twin's data may be a page or
 * more further, all of it, since its read-only data is longer: counted from
 * moduledata, which is found by quite another way, all stands where it should.
 *
 *   rtvar [FILTER]: of the fixtures' names; all of them otherwise
 */
#include "engine/go/rtvar.h"

#include "engine/go/operand.h"
#include "engine/image/elf_file.h"
#include "tests/unit/fixtures.h"
#include "tests/unit/tap.h"

#include <stdio.h>

struct symbols {
	uint64_t addr[GU_RTVAR_COUNT];
	uint64_t moduledata; /* 0: of a shared object, which calls it otherwise */
	bool any;
};

static bool take_symbol(void *ctx, const struct gu_elf_symbol *symbol)
{
	struct symbols *symbols = ctx;

	if (gu_str_eq(symbol->name, gu_str("runtime.firstmoduledata")))
		symbols->moduledata = symbol->addr;
	for (int v = 0; v < GU_RTVAR_COUNT; v++)
		if (gu_str_eq(symbol->name,
			gu_str(gu_rtvar_name((enum gu_rtvar)v)))) {
			symbols->addr[v] = symbol->addr;
			symbols->any = true;
		}
	return true;
}

static struct symbols read_symbols(const char *path)
{
	struct gu_elf_file gu_cleanup(gu_elf_file_closep) *file = NULL;
	struct symbols symbols = {.any = false};

	if (gu_elf_file_open(path, NULL, &file) ||
		gu_elf_file_symbols(file, take_symbol, &symbols, NULL))
		symbols.any = false;
	return symbols;
}

static enum gu_status find(const char *path, struct gu_diag *diag, int *minor,
	uint64_t *moduledata, struct gu_rtvars *out)
{
	struct gu_elf_file gu_cleanup(gu_elf_file_closep) *file = NULL;
	struct gu_module gu_cleanup(gu_module_closep) *module = NULL;
	enum gu_status st = gu_elf_file_open(path, diag, &file);

	if (!st)
		st = gu_module_open(gu_elf_file_image(file), diag, &module);
	if (st)
		return st;
	*minor = module->version.lo;
	*moduledata = module->md.addr;
	if (!gu_operands_supports(module->image->arch))
		return GU_UNSUPPORTED;
	return gu_rtvars_find(module, diag, out);
}

/* The rules are of Go 1.11 and on; allm's was not tried before 1.14. */
static bool must_be_found(int v, int minor)
{
	return v == GU_RTVAR_ALLM ? minor >= 14 : minor >= 11;
}

static void check(const struct fixture *fixture, void *ctx)
{
	struct symbols symbols = read_symbols(fixture->full);
	struct gu_diag diag = {.text = ""};
	struct gu_rtvars vars;
	uint64_t moduledata = 0, moved = 0;
	int minor = 0;
	enum gu_status st;

	(void)ctx;
	/* a plugin's own runtime variables are never used */
	if (!symbols.any || !strcmp(fixture->mode, "plugin"))
		return;
	st = find(fixture->strip, &diag, &minor, &moduledata, &vars);
	if (st == GU_UNSUPPORTED || minor < 10)
		return;
	if (!is_status(st, GU_OK, &diag, "%s", fixture->name))
		return;
	if (symbols.moduledata)
		moved = symbols.moduledata - moduledata;
	for (int v = 0; v < GU_RTVAR_COUNT; v++)
		if (vars.addr[v] || must_be_found(v, minor))
			is_int(vars.addr[v], symbols.addr[v] - moved, "%s: %s",
				fixture->name,
				gu_rtvar_name((enum gu_rtvar)v));
}

int main(int argc, char **argv)
{
	fixtures_each(argc > 1 ? argv[1] : NULL, check, NULL);
	return tap_done();
}
