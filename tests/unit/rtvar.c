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

/*
 * Build info or the runtime's variable tells the release, since Go 1.5 in every
 * program: of some from npm, which have no build info, only the variable does.
 */
static void check_version(const struct fixture *fixture,
	const struct gu_module *module)
{
	if (!strcmp(fixture->go, "-"))
		ok(gu_str_starts(gu_str(module->version_text), gu_str("go1.")),
			"%s: it says %s", fixture->name, module->version_text);
	else if (module->has_md)
		ok(gu_str_starts(gu_str(module->version_text), gu_str("go")) &&
				!strcmp(module->version_text + 2, fixture->go),
			"%s: it says %s", fixture->name, module->version_text);
	ok(module->version.lo == module->version.hi || !module->has_md,
		"%s: Go 1.%d", fixture->name, module->version.lo);
}

static enum gu_status find(const struct fixture *fixture,
	struct gu_diag *diag, int *minor, bool *decoded, uint64_t *moduledata,
	struct gu_rtvars *out)
{
	struct gu_elf_file gu_cleanup(gu_elf_file_closep) *file = NULL;
	struct gu_module gu_cleanup(gu_module_closep) *module = NULL;
	enum gu_status st = gu_elf_file_open(fixture->strip, diag, &file);

	if (!st)
		st = gu_module_open(gu_elf_file_image(file), diag, &module);
	if (st)
		return st;
	check_version(fixture, module);
	*minor = module->version.lo;
	*moduledata = module->md.addr;
	*decoded = gu_operands_supports(module->image->arch);
	return gu_rtvars_find_all(module, diag, out);
}

/*
 * The rules are of Go 1.11 and on; allm's was not tried before 1.14, and modinfo
 * is empty in programs that are built without modules.  With no instructions
 * decoded, there are the last three.
 */
static bool must_be_found(int v, int minor, bool decoded)
{
	switch (v) {
	case GU_RTVAR_MODULEDATA:
		return true;
	case GU_RTVAR_BUILD_VERSION:
		return minor >= 5;
	case GU_RTVAR_MODINFO:
		return minor >= 16;
	case GU_RTVAR_ALLM:
		return decoded && minor >= 14;
	default:
		return decoded && minor >= 11;
	}
}

static void check(const struct fixture *fixture, void *ctx)
{
	struct symbols symbols = {.any = false};
	struct gu_diag diag = {.text = ""};
	struct gu_rtvars vars;
	bool plugin = !strcmp(fixture->mode, "plugin");
	uint64_t moduledata = 0, moved = 0;
	bool decoded = false;
	int minor = 0;
	enum gu_status st;

	(void)ctx;
	st = find(fixture, &diag, &minor, &decoded, &moduledata, &vars);
	if (!is_status(st, GU_OK, &diag, "%s", fixture->name))
		return;
	if (strcmp(fixture->full, "-"))
		symbols = read_symbols(fixture->full);
	/* a plugin's own runtime variables are never used: none are told */
	if (plugin)
		symbols = (struct symbols){.any = true};
	if (!symbols.any)
		return;
	if (symbols.moduledata)
		moved = symbols.moduledata - moduledata;
	for (int v = 0; v < GU_RTVAR_COUNT; v++)
		if (vars.addr[v] || (!plugin &&
				must_be_found(v, minor, decoded)))
			is_int(vars.addr[v], symbols.addr[v] - moved, "%s: %s",
				fixture->name,
				gu_rtvar_name((enum gu_rtvar)v));
}

int main(int argc, char **argv)
{
	fixtures_each(argc > 1 ? argv[1] : NULL, check, NULL);
	return tap_done();
}
