/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Symbol files of programs whose type descriptors and inline trees lie: copies
 * of fixtures with words changed.  Each must be written, in bounded time and
 * size, say how much it leaves out, and be a valid file all the same: libdw
 * reads it to its end, and no type in it holds itself but by a pointer, or a
 * debugger that prints a value would never end.  Run under ASan and UBSan too.
 *
 *   hostile_types [FILTER]: of the fixtures' names
 */
#include "engine/emit/symfile.h"
#include "engine/go/rtype.h"
#include "tests/unit/fixtures.h"
#include "tests/unit/tap.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	NEST_MAX = 64,  /* types in types; the fixtures' have 8 */
	GROWTH_MAX = 4, /* times the size of the honest symbol file */
	SECONDS_MAX = 20,
	/* 1.20 on */
	INLINE_FUNCDATA = 3, INLINE_RECORD = 16, INLINE_PARENT = 8,
	INLINE_SINCE = 20,
};

/* The program as it is, and its bytes, which are changed. */
struct patient {
	const char *name;
	struct gu_elf_file *file;
	struct gu_module *module;
	struct gu_types types;
	unsigned ptr;
	uint8_t *bytes, *whole;
	size_t n;
	uint64_t size; /* of the honest symbol file */
	struct gu_rtype last[64], largest; /* seen: by size in words; ever */
};

static bool slurp(const char *path, struct patient *p)
{
	FILE *f = fopen(path, "rb");
	bool fine = f && fseek(f, 0, SEEK_END) == 0;

	if (fine) {
		p->n = (size_t)ftell(f);
		rewind(f);
		p->bytes = malloc(p->n);
		p->whole = malloc(p->n);
		fine = p->bytes && p->whole &&
			fread(p->whole, 1, p->n, f) == p->n;
	}
	if (f)
		(void)fclose(f);
	return fine;
}

/* Change SIZE bytes at ADDR. */
static void poke(struct patient *p, uint64_t addr, uint64_t value,
	unsigned size)
{
	const struct gu_image *image = p->module->image;
	const struct gu_segment *s = gu_image_segment(image, addr, size);

	if (!s || addr - s->addr + size > s->file_size)
		return;
	for (unsigned i = 0; i < size; i++)
		p->bytes[s->off + (addr - s->addr) +
			(image->mem.be ? size - 1 - i : i)] =
			(uint8_t)(value >> 8 * i);
}

/* Where a descriptor has what is its kind's own. */
static uint64_t extra(const struct patient *p, const struct gu_rtype *t)
{
	return t->addr + 4ull * p->ptr + 16;
}

/* --- what a reader meets -------------------------------------------------- */

/* Does the type of DIE end?  Pointers and functions do. */
static bool ends(Dwarf_Die *die, unsigned depth)
{
	Dwarf_Attribute attr;
	Dwarf_Die type, child;
	int tag = dwarf_tag(die), more;

	if (depth == 0)
		return false;
	if ((tag == DW_TAG_typedef || tag == DW_TAG_array_type ||
		    tag == DW_TAG_member) &&
		dwarf_attr(die, DW_AT_type, &attr) &&
		dwarf_formref_die(&attr, &type) && !ends(&type, depth - 1))
		return false;
	if (tag != DW_TAG_structure_type)
		return true;
	for (more = dwarf_child(die, &child); more == 0;
		more = dwarf_siblingof(&child, &child))
		if (!ends(&child, depth))
			return false;
	return true;
}

static bool is_readable(int fd, unsigned *types)
{
	Dwarf *dw = dwarf_begin(fd, DWARF_C_READ);
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit, die;
	bool fine = dw != NULL;
	int st = 1;

	while (fine && (st = dwarf_get_units(dw, cu, &cu, NULL, NULL, &unit,
				NULL)) == 0) {
		int more = dwarf_child(&unit, &die);

		for (; more == 0; more = dwarf_siblingof(&die, &die)) {
			*types += dwarf_tag(&die) == DW_TAG_structure_type;
			fine = fine && dwarf_tag(&die) != DW_TAG_invalid &&
				ends(&die, NEST_MAX);
		}
		fine = fine && more == 1;
	}
	fine = fine && st == 1;
	if (dw)
		(void)dwarf_end(dw);
	return fine;
}

/* --- writing -------------------------------------------------------------- */

static int temp_file(char *name)
{
	int fd;

	static const char template[] = "/tmp/gounstrip-test-XXXXXX";

	memcpy(name, template, sizeof template);
	fd = mkstemp(name);
	if (fd < 0)
		exit(99);
	return fd;
}

static enum gu_status write_one(const char *path, int fd,
	struct gu_symfile_stats *stats, struct gu_diag *diag)
{
	gu_cleanup(gu_elf_file_closep) struct gu_elf_file *file = NULL;
	gu_cleanup(gu_module_closep) struct gu_module *module = NULL;
	struct gu_symfile_opts opts = gu_symfile_opts();
	enum gu_status st = gu_elf_file_open(path, diag, &file);

	if (!st)
		st = gu_module_open(gu_elf_file_image(file), diag, &module);
	if (!st)
		st = gu_symfile_write(module, file, &opts, fd, diag, stats);
	return st;
}

/* What the tool says of a program: the kind and number of what is left out. */
static void check_report(const struct patient *p, const char *what,
	const char *program, const char *symbols,
	const struct gu_symfile_stats *stats)
{
	const char *build = getenv("abs_top_builddir");
	char command[1024], said[1024] = "", want[256];
	struct gu_buf text;
	FILE *pipe;

	if (!build)
		return;
	gu_buf_init(&text, false);
	gu_symfile_put_dropped(stats, &text);
	(void)snprintf(want, sizeof want, " is bad: %.*s\n", (int)text.n,
		(const char *)text.p);
	gu_buf_deinit(&text);
	(void)snprintf(command, sizeof command,
		"%s/tools/gounstrip symbols -o %s %s 2>&1", build, symbols,
		program);
	/* NOLINTNEXTLINE(cert-env33-c): names of our own making */
	pipe = popen(command, "r");
	if (pipe) {
		said[fread(said, 1, sizeof said - 1, pipe)] = 0;
		(void)pclose(pipe);
	}
	ok(strstr(said, want), "%s, %s: gounstrip symbols says%s", p->name,
		what, want);
}

/* Write the symbol file of the changed program; WANT: what is left out. */
static void try(struct patient *p, const char *what, int want, uint64_t least)
{
	struct gu_symfile_stats stats = {.size = 0};
	struct gu_diag diag = {.text = ""};
	char program[FIXTURE_PATH], symbols[FIXTURE_PATH];
	int in = temp_file(program), out = temp_file(symbols);
	clock_t start = clock();
	unsigned types = 0;
	enum gu_status st;
	bool readable;

	if (write(in, p->bytes, p->n) != (ssize_t)p->n)
		exit(99);
	st = write_one(program, out, &stats, &diag);
	is_status(st, GU_OK, &diag, "%s, %s: it is written", p->name, what);
	ok(clock() - start < (clock_t)SECONDS_MAX * CLOCKS_PER_SEC,
		"%s, %s: in time", p->name, what);
	ok(p->size == 0 || stats.size < GROWTH_MAX * p->size,
		"%s, %s: %" PRIu64 " bytes, %" PRIu64 " when it is honest",
		p->name, what, stats.size, p->size);
	if (want >= 0)
		ok(stats.dropped[want] >= least,
			"%s, %s: %u are left out, at least %" PRIu64,
			p->name, what, stats.dropped[want], least);
	else
		ok(gu_symfile_dropped(&stats) == 0, "%s, %s: all is in",
			p->name, what);
	readable = !st && is_readable(out, &types);
	ok(readable && types > 10, "%s, %s: libdw reads it, %u structs",
		p->name, what, types);
	if (gu_symfile_dropped(&stats))
		check_report(p, what, program, symbols, &stats);
	if (p->size == 0)
		p->size = stats.size;
	memcpy(p->bytes, p->whole, p->n);
	(void)unlink(program);
	(void)unlink(symbols);
	(void)close(in);
	(void)close(out);
}

/* --- lies ----------------------------------------------------------------- */

/* Call VISIT for the listed types and what the pointers among them point to. */
static unsigned each(struct patient *p,
	unsigned (*visit)(struct patient *p, const struct gu_rtype *t))
{
	struct gu_rtype t, elem;
	unsigned n = 0;
	uint64_t pos = 0;

	while (gu_types_next(&p->types, &pos, NULL, &t) == GU_OK) {
		n += visit(p, &t);
		if (t.kind == GU_RKIND_PTR &&
			gu_types_read(&p->types, t.elem, NULL, &elem) == GU_OK)
			n += visit(p, &elem);
	}
	return n;
}

static unsigned point_outside(struct patient *p, const struct gu_rtype *t)
{
	const struct gu_moduledata *md = &p->module->md;
	const uint64_t places[] = {1, md->etypes, md->types - p->ptr,
		UINT64_MAX, md->text, t->addr + 1, md->etypes - p->ptr};

	if (t->kind != GU_RKIND_SLICE)
		return 0;
	poke(p, extra(p, t), places[t->addr / p->ptr % 7], p->ptr);
	return 1;
}

static unsigned hold_itself(struct patient *p, const struct gu_rtype *t)
{
	struct gu_rfield field;

	if (t->kind == GU_RKIND_ARRAY && t->len) {
		poke(p, extra(p, t), t->addr, p->ptr);
		return 0; /* one of several lengths is no reason to complain */
	}
	if (gu_types_field(&p->types, t, 0, NULL, &field))
		return 0;
	poke(p, t->fields + p->ptr, t->addr, p->ptr);
	return field.off == 0;
}

/* Structs of a size hold each other, in turn. */
static unsigned hold_each_other(struct patient *p, const struct gu_rtype *t)
{
	struct gu_rtype *other;

	if (t->nfields == 0 || t->size / p->ptr >= 64)
		return 0;
	other = &p->last[t->size / p->ptr];
	if (other->addr && other->size == t->size && other->addr != t->addr) {
		poke(p, t->fields + p->ptr, other->addr, p->ptr);
		poke(p, other->fields + p->ptr, t->addr, p->ptr);
	}
	*other = *t;
	return 0;
}

static unsigned claim_fields(struct patient *p, const struct gu_rtype *t)
{
	if (t->kind != GU_RKIND_STRUCT && t->kind != GU_RKIND_INTERFACE)
		return 0;
	poke(p, extra(p, t) + 2ull * p->ptr, UINT64_C(1) << 31, p->ptr);
	return 1;
}

static unsigned find_largest(struct patient *p, const struct gu_rtype *t)
{
	if (t->nfields > p->largest.nfields)
		p->largest = *t;
	return 0;
}

/* Every struct has the fields of the one that has most, and its size. */
static unsigned share_fields(struct patient *p, const struct gu_rtype *t)
{
	if (t->kind != GU_RKIND_STRUCT)
		return 0;
	poke(p, t->addr, p->largest.size, p->ptr);
	poke(p, extra(p, t) + p->ptr, p->largest.fields, p->ptr);
	poke(p, extra(p, t) + 2ull * p->ptr, p->largest.nfields, p->ptr);
	return 1;
}

static unsigned spoil_name(struct patient *p, const struct gu_rtype *t)
{
	static const uint8_t odd[] = {0, 0xff, 0xc3, '\n', 0x1b};
	const char *begin = (const char *)p->types.view.p;
	uint64_t addr = p->types.view.addr + (uint64_t)(t->name.p - begin);

	for (size_t i = 0; i < t->name.n; i += 3)
		poke(p, addr + i, odd[(addr + i) % sizeof odd], 1);
	return 0;
}

/*
 * Inlined calls say that they were made by themselves, which leaves who made
 * them unknown; with BEYOND every other that it was outside of the function.
 */
static uint64_t loop_calls(struct patient *p, bool beyond)
{
	const struct gu_pclntab *tab = &p->module->tab;
	uint64_t changed = 0;

	for (uint32_t i = 0; i < tab->nfunc; i++) {
		struct gu_func func;
		uint64_t tree, at;
		uint32_t table;

		if (gu_pclntab_func(tab, i, NULL, &func) ||
			!gu_func_funcdata(tab, &func, INLINE_FUNCDATA, &tree))
			continue;
		table = gu_module_inline_table(p->module, &func);
		for (uint64_t pc = func.entry + 1; pc < func.next; pc++) {
			int32_t index = gu_pcvalue_at(tab, &func, table, pc);

			if (index < 0)
				continue;
			at = p->module->md.gofunc + tree +
				(uint64_t)index * INLINE_RECORD;
			poke(p, at + INLINE_PARENT, beyond && index % 2
				? INT32_MAX : pc - func.entry, 4);
			changed++;
		}
	}
	return changed;
}

/* --- all ------------------------------------------------------------------ */

static void lie(struct patient *p)
{
	const int types = GU_SYMFILE_DROP_TYPES;
	/* in order, the first that claims too much hides all behind it */
	bool in_order = p->module->md.typedesclen != 0;
	unsigned n;

	memcpy(p->bytes, p->whole, p->n);
	try(p, "honest", -1, 0);
	n = each(p, point_outside);
	ok(n > 20, "%s: %u slices", p->name, n);
	try(p, "elements outside", types, 5);
	n = each(p, hold_itself);
	ok(n > 20, "%s: %u structs", p->name, n);
	try(p, "structs that hold themselves", types, n / 2);
	(void)each(p, hold_each_other);
	try(p, "structs that hold each other", types, 10);
	n = each(p, claim_fields);
	try(p, "2^31 fields", types, in_order ? 1 : n / 2);
	(void)each(p, find_largest);
	(void)each(p, share_fields);
	try(p, "shared fields", types, 0);
	(void)each(p, spoil_name);
	try(p, "names that are no text", types, 0);
	if (p->module->version.lo < INLINE_SINCE)
		return;
	ok(loop_calls(p, false) > 1000, "%s: many inlined calls", p->name);
	try(p, "calls that made themselves", -1, 0);
	(void)loop_calls(p, true);
	try(p, "calls made elsewhere", GU_SYMFILE_DROP_CALLS, 1000);
}

static void visit(const struct fixture *fixture, void *ctx)
{
	struct patient p = {.name = fixture->name};
	struct gu_diag diag = {.text = ""};
	enum gu_status st = gu_elf_file_open(fixture->strip, &diag, &p.file);

	(void)ctx;
	if (!st)
		st = gu_module_open(gu_elf_file_image(p.file), &diag,
			&p.module);
	if (!st)
		st = gu_types_open(p.module, &diag, &p.types);
	if (is_status(st, GU_OK, &diag, "%s opens", fixture->name) &&
		ok(slurp(fixture->strip, &p), "%s is read", fixture->name)) {
		p.ptr = p.module->image->mem.ptr_size;
		lie(&p);
	}
	free(p.bytes);
	free(p.whole);
	gu_types_close(&p.types);
	gu_module_close(p.module);
	gu_elf_file_close(p.file);
}

int main(int argc, char **argv)
{
	static const char *const some[] = {"go1.16-amd64-static",
		"go1.18-mips-static", "go1.24-amd64-static",
		"go1.27-amd64-static", "go1.27-386-static"};

	if (argc > 1)
		fixtures_each(argv[1], visit, NULL);
	for (size_t i = 0; argc == 1 && i < sizeof some / sizeof *some; i++)
		fixtures_each(some[i], visit, NULL);
	return tap_done();
}
