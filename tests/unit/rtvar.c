/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runtime variables found in stripped programs are where the symbol tables of
 * their unstripped twins say.  Up to Go 1.21 the twin's data may be a page or
 * more further, all of it, since its read-only data is longer: counted from
 * moduledata, which is found by quite another way, all stands where it should.
 *
 * And where runtime.systemstack finds g in a thread's own memory.
 *
 *   rtvar [FILTER]: of the fixtures' names; all of them otherwise
 */
#include "engine/go/rtvar.h"

#include "engine/base/math.h"
#include "engine/go/operand.h"
#include "engine/image/elf_file.h"
#include "tests/unit/fixtures.h"
#include "tests/unit/tap.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <unistd.h>

struct symbols {
	uint64_t addr[GU_RTVAR_COUNT];
	uint64_t moduledata; /* 0: of a shared object, which calls it
				otherwise */
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
 * The rules are of Go 1.11 and on; allm's was not tried before 1.14, and
 * modinfo is empty in programs that are built without modules.  With no
 * instructions decoded, there are the last three.
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

/* How runtime.systemstack finds g. */
static struct gu_tls find_tls(const struct gu_module *module)
{
	struct gu_operands ops = {.n = 0};

	for (uint32_t i = 0; i < module->tab.nfunc && !ops.tls.form; i++) {
		struct gu_func func;

		if (gu_pclntab_func(&module->tab, i, NULL, &func) == GU_OK &&
			gu_str_eq(gu_func_name(&module->tab, &func),
				gu_str("runtime.systemstack")) &&
			gu_operands_read(module, &func, NULL, &ops))
			ops.tls.form = GU_TLS_NONE;
	}
	return ops.tls;
}

static uint64_t tlsg_symbol(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Sym symbol;

	while ((section = elf_nextscn(elf, section))) {
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) ||
			header.sh_type != SHT_SYMTAB)
			continue;
		data = elf_getdata(section, NULL);
		for (int i = 0; gelf_getsym(data, i, &symbol); i++) {
			const char *name = elf_strptr(elf, header.sh_link,
				symbol.st_name);

			if (name && strcmp(name, "runtime.tlsg") == 0)
				return symbol.st_value;
		}
	}
	return 0;
}

/*
 * Where the unstripped twin at PATH has g: all thread-local memory ends at the
 * thread pointer (ELF Handling For Thread-Local Storage, variant II), and
 * without C in the program g is all of it.
 */
static uint64_t tlsg_offset(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf *elf;
	uint64_t offset = UINT64_MAX - 7;
	GElf_Phdr segment;

	(void)elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	for (int i = 0; elf && gelf_getphdr(elf, i, &segment); i++)
		if (segment.p_type == PT_TLS)
			offset = tlsg_symbol(elf) - gu_align_up(
				segment.p_memsz, segment.p_align);
	elf_end(elf);
	(void)close(fd);
	return offset;
}

/* In what is loaded at run time (and since Go 1.5) the loader chooses. */
static void check_tls(const struct fixture *fixture)
{
	struct gu_elf_file gu_cleanup(gu_elf_file_closep) *file = NULL;
	struct gu_module gu_cleanup(gu_module_closep) *module = NULL;
	bool loaded = !strcmp(fixture->mode, "c-shared") ||
		!strcmp(fixture->mode, "plugin");
	struct gu_tls tls;

	if (strcmp(fixture->goarch, "amd64") != 0 ||
		gu_elf_file_open(fixture->strip, NULL, &file) ||
		gu_module_open(gu_elf_file_image(file), NULL, &module) ||
		module->version.lo < 5 || !module->has_md)
		return;
	tls = find_tls(module);
	is_int(tls.form, loaded ? GU_TLS_SLOT : GU_TLS_OFFSET, "%s: where g is",
		fixture->name);
	if (loaded)
		ok(gu_image_segment(module->image, tls.value, 8) != NULL,
			"%s: the word with the offset", fixture->name);
	else
		is_int(tls.value, tlsg_offset(fixture->full),
			"%s: the offset of g", fixture->name);
}

static void check(const struct fixture *fixture, void *ctx)
{
	struct symbols symbols = {.any = false};
	struct gu_diag diag = {.text = ""};
	struct gu_rtvars vars = {.lastpoll = 0};
	bool plugin = !strcmp(fixture->mode, "plugin");
	uint64_t moduledata = 0, moved = 0;
	bool decoded = false;
	int minor = 0;
	enum gu_status st;

	(void)ctx;
	check_tls(fixture);
	st = find(fixture, &diag, &minor, &decoded, &moduledata, &vars);
	if (!is_status(st, GU_OK, &diag, "%s", fixture->name))
		return;
	if (strcmp(fixture->full, "-") != 0)
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
