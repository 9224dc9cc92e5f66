/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Real programs with damaged tables.  The image's memory is a decorator that
 * alters bytes as they are read, so no file is written:
 *
 *  - single bytes of the header, moduledata, function table, records and pc
 *    tables are changed, at places drawn from a fixed seed;
 *  - the table and moduledata are cut (unreadable from there on) at every
 *    boundary between their parts, and next to it;
 *  - an atomic type is made the type of its own value.
 *
 * Opening must give a status; if it succeeds, everything is walked.  What may
 * not happen: a crash, a walk without end, a function, line or call outside the
 * table's code, a failure without a reason.  Run under ASan and UBSan too.
 *
 *   damage [FILTER]: of the fixtures' names; a few of every form otherwise
 */
#include "engine/base/math.h"
#include "engine/emit/dwarf_types.h"
#include "engine/emit/gdb_index.h"
#include "engine/emit/symfile.h"
#include "engine/image/elf_file.h"
#include "engine/stack/runtime.h"
#include "tests/unit/fixtures.h"
#include "tests/unit/tap.h"

#include <inttypes.h>
#include <stdio.h>

enum { ROUNDS = 300, SYMBOLS_EVERY = 8, EDITS_MAX = 4 };

struct damaged {
	struct gu_mem under;
	struct {
		uint64_t addr;
		uint8_t value;
	} edits[EDITS_MAX];
	size_t nedits;
	uint64_t hole, hole_end; /* unreadable addresses */
};

static enum gu_status damaged_read(void *ctx, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	const struct damaged *d = ctx;
	enum gu_status st;

	if (addr < d->hole_end && d->hole < addr + len)
		return gu_fail_at(diag, GU_FAULT, d->hole, "a hole");
	st = d->under.ops->read(d->under.ctx, addr, buf, len, diag);
	for (size_t i = 0; st == GU_OK && i < d->nedits; i++)
		if (d->edits[i].addr >= addr && d->edits[i].addr - addr < len)
			((uint8_t *)buf)[d->edits[i].addr - addr] =
				d->edits[i].value;
	return st;
}

static uint64_t seed;
static struct gu_elf_file *file; /* the one that is damaged */

static uint64_t draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return below ? seed % below : 0;
}

/* True if [start, end) is inside FUNC. */
static bool inside(const struct gu_func *func, uint64_t start, uint64_t end)
{
	return start >= func->entry && start < end && end <= func->next;
}

static bool walk_function(const struct gu_module *m, const struct gu_func *func)
{
	struct gu_call calls[GU_CALLS_MAX];
	struct gu_pcvalue it;
	struct gu_lines lines;
	struct gu_line line;
	uint64_t last = func->entry;
	size_t n;

	gu_lines_init(&lines, &m->tab, func);
	while (gu_lines_next(&lines, &line)) {
		if (!inside(func, line.start, line.end) || line.start != last)
			return false;
		last = line.end;
		(void)gu_func_file(&m->tab, func, line.file);
	}
	gu_pcvalue_init(&it, &m->tab, func, gu_module_inline_table(m, func));
	while (gu_pcvalue_next(&it)) {
		struct gu_diag diag = {.code = GU_OK};
		enum gu_status st;

		if (it.value < 0 || it.start == it.end)
			continue;
		st = gu_module_calls(m, func, it.start, calls, GU_CALLS_MAX,
			&diag, &n);
		if (st ? !diag.text[0] : n < 1 || n > GU_CALLS_MAX)
			return false;
	}
	return gu_func_end(&m->tab, func) <= func->next;
}

/* The types as DWARF: whatever the descriptors say, in bounded size. */
static bool survives_types(const struct gu_module *m)
{
	struct gu_name_list gu_cleanup(gu_name_list_deinit) names = {0};
	struct gu_buf info, abbrev, strs;
	const struct gu_dwarf_types_out out = {
		.info = &info, .abbrev = &abbrev, .strs = &strs,
		.names = &names, .version = 5,
	};
	struct gu_dwarf_types_stats stats;
	struct gu_diag diag = {.code = GU_OK};
	struct gu_types types;
	enum gu_status st = gu_types_open(m, &diag, &types);
	bool good;

	if (st)
		return st == GU_NOT_FOUND || diag.text[0];
	gu_buf_init(&info, false);
	gu_buf_init(&abbrev, false);
	gu_buf_init(&strs, false);
	st = gu_dwarf_types_write(&types, &out, &diag, &stats);
	good = st == GU_OK && info.n + strs.n <= 40 * types.view.n + 4096;
	gu_buf_deinit(&info);
	gu_buf_deinit(&abbrev);
	gu_buf_deinit(&strs);
	gu_types_close(&types);
	return good;
}

/* The symbol file, written to nowhere that lasts. */
static bool survives_symbols(struct gu_module *m)
{
	const struct gu_symfile_opts opts = gu_symfile_opts();
	struct gu_symfile_stats stats;
	struct gu_diag diag = {.code = GU_OK};
	FILE *out = tmpfile();
	enum gu_status st;

	if (!out)
		return false;
	st = gu_symfile_write(m, file, &opts, fileno(out), &diag, &stats);
	(void)fclose(out);
	return st == GU_OK || diag.text[0];
}

/* Open and walk; false if a promise is broken. */
static bool survives(const struct gu_image *image)
{
	struct gu_diag diag = {.code = GU_OK};
	struct gu_module *m = NULL;
	enum gu_status st = gu_module_open(image, &diag, &m);
	bool good = true;

	if (st == GU_NOT_FOUND)
		return true;
	if (st)
		return diag.code == st && diag.text[0];
	st = gu_module_load_inlines(m, &diag);
	good = st == GU_OK || diag.text[0];
	for (uint32_t i = 0; i < m->tab.nfunc && good; i++) {
		struct gu_func func, found;

		if (gu_pclntab_func(&m->tab, i, &diag, &func)) {
			good = diag.text[0];
			continue;
		}
		good = walk_function(m, &func) && (func.entry == func.next ||
			gu_pclntab_find(&m->tab, func.entry, &diag, &found) !=
				GU_NOT_FOUND);
	}
	good = good && survives_types(m);
	if (good && draw(SYMBOLS_EVERY) == 0)
		good = survives_symbols(m);
	gu_module_close(m);
	return good;
}

/* An address worth damaging. */
static uint64_t draw_target(const struct gu_module *m)
{
	const struct gu_pclntab *tab = &m->tab;
	const struct gu_part *parts[] = {
		&tab->functab, &tab->pctab, &tab->cutab, &tab->names,
	};
	const struct gu_part *part = parts[draw(GU_COUNT(parts))];
	struct gu_func func;
	uint64_t tree;

	switch (draw(7)) {
	case 6: /* types: most descriptors are near the first linked ones */
		return m->md.types + draw(draw(2) ? 1 << 14 :
			m->md.etypes - m->md.types);
	case 0:
		return tab->addr + draw(72); /* the header */
	case 1:
		return m->md.addr + draw(m->md.size ? m->md.size : 1);
	case 2: /* a function's record */
		if (gu_pclntab_func(tab, (uint32_t)draw(tab->nfunc), NULL,
			&func) == GU_OK)
			return tab->addr + func.pcdata_off - draw(48);
		break;
	case 3: /* an inline tree */
		if (gu_pclntab_func(tab, (uint32_t)draw(tab->nfunc), NULL,
			&func) == GU_OK && gu_func_funcdata(tab, &func, 3,
				&tree))
			return m->md.gofunc + tree + draw(40);
		break;
	default:
		break;
	}
	return tab->addr + part->off + draw(part->size);
}

static void test_edits(const struct gu_image *image, const struct gu_module *m)
{
	unsigned broken = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct damaged d = {.under = image->mem};
		struct gu_image copy = *image;
		static const struct gu_mem_ops ops = {
			.name = "damaged", .read = damaged_read,
		};
		static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};

		d.nedits = 1 + draw(EDITS_MAX);
		for (size_t i = 0; i < d.nedits; i++) {
			d.edits[i].addr = draw_target(m);
			d.edits[i].value = draw(2) ? (uint8_t)draw(256) :
				values[draw(GU_COUNT(values))];
		}
		copy.mem.ops = &ops;
		copy.mem.ctx = &d;
		if (survives(&copy))
			continue;
		broken++;
		for (size_t i = 0; i < d.nedits; i++)
			printf("# round %d: 0x%" PRIx64 " = %02x\n", round,
				d.edits[i].addr, d.edits[i].value);
	}
	is_int(broken, 0, "%d rounds of damaged bytes", (int)ROUNDS);
}

static void test_cuts(const struct gu_image *image, const struct gu_module *m)
{
	const struct gu_pclntab *tab = &m->tab;
	const uint64_t bounds[] = {
		tab->addr, tab->addr + 8, tab->addr + 72,
		tab->addr + tab->names.off, tab->addr + tab->cutab.off,
		tab->addr + tab->files.off, tab->addr + tab->pctab.off,
		tab->addr + tab->functab.off, tab->addr + tab->bytes.n,
		m->md.addr, m->md.addr + 8, m->md.addr + m->md.size,
		m->md.gofunc,
	};
	unsigned broken = 0, opened = 0;

	for (size_t i = 0; i < GU_COUNT(bounds); i++)
		for (int64_t off = -2; off <= 2; off++) {
			struct damaged d = {
				.under = image->mem,
				.hole = bounds[i] + (uint64_t)off,
				.hole_end = UINT64_MAX,
			};
			struct gu_image copy = *image;
			static const struct gu_mem_ops ops = {
				.name = "cut", .read = damaged_read,
			};

			copy.mem.ops = &ops;
			copy.mem.ctx = &d;
			opened++;
			if (!survives(&copy)) {
				broken++;
				printf("# cut at 0x%" PRIx64 "\n", d.hole);
			}
		}
	is_int(broken, 0, "%u cuts", opened);
}

/* Where the word is that says the type of T's field NAME; 0: it has none. */
static uint64_t field_type_at(const struct gu_types *types,
	const struct gu_rtype *t, const char *name)
{
	uint64_t ptr = types->module->image->mem.ptr_size;
	struct gu_rfield field;

	for (uint64_t i = 0; i < t->nfields; i++)
		if (!gu_types_field(types, t, i, NULL, &field) &&
			gu_str_eq(field.name, gu_str(name)))
			return t->fields + (3 * i + 1) * ptr;
	return 0;
}

/* runtime.g's status is an atomic.Uint32 since Go 1.20. */
static void test_circle(const struct gu_image *image, const struct gu_module *m)
{
	static const struct gu_mem_ops ops = {
		.name = "in a circle", .read = damaged_read,
	};
	struct gu_types gu_cleanup(gu_types_close) types = {.module = NULL};
	struct damaged d = {.under = image->mem, .nedits = EDITS_MAX};
	struct gu_image copy = *image;
	struct gu_module circular = *m;
	struct gu_runtime rt;
	struct gu_rtype g, type;
	struct gu_place status;
	struct gu_diag diag = {.text = ""};
	uint64_t at;

	if (m->version.lo < 20 || gu_types_open(m, &diag, &types) ||
		gu_types_find(&types, "runtime.g", &diag, &g) ||
		gu_types_place(&types, &g, "atomicstatus", &diag, &status) ||
		gu_types_read(&types, status.type, &diag, &type) ||
		(at = field_type_at(&types, &type, "value")) == 0) {
		is_str(gu_str(diag.text), "", "an atomic type");
		return;
	}
	/* the low four bytes of the pointer: all types are near each other */
	for (unsigned i = 0; i < EDITS_MAX; i++) {
		d.edits[i].addr = at + (image->mem.be ?
			image->mem.ptr_size - 1u - i : i);
		d.edits[i].value = (uint8_t)(type.addr >> 8 * i);
	}
	copy.mem.ops = &ops;
	copy.mem.ctx = &d;
	circular.image = &copy;
	is_status(gu_runtime_describe(&circular, 0, &copy.mem, &diag, &rt),
		GU_BAD_DATA, &diag, "a type that is its own value");
}

/* A type link that leads nowhere does not hide the types behind it. */
static void test_link(const struct gu_image *image, const struct gu_module *m)
{
	static const struct gu_mem_ops ops = {
		.name = "with a bad link", .read = damaged_read,
	};
	struct gu_types gu_cleanup(gu_types_close) types = {.module = NULL};
	struct damaged d = {.under = image->mem, .nedits = 4};
	struct gu_image copy = *image;
	struct gu_module linked = *m;
	struct gu_rtype g;
	struct gu_diag diag = {.text = ""};

	if (m->md.typedesclen || m->md.typelinks.len < 2)
		return;
	for (unsigned i = 0; i < 4; i++) {
		d.edits[i].addr = m->md.typelinks.addr + i;
		d.edits[i].value = 0x7f;
	}
	copy.mem.ops = &ops;
	copy.mem.ctx = &d;
	linked.image = &copy;
	is_status(gu_types_open(&linked, &diag, &types), GU_OK, &diag,
		"types, one link of which leads nowhere");
	is_status(gu_types_find(&types, "runtime.g", &diag, &g), GU_OK, &diag,
		"runtime.g behind it");
}

static void test_fixture(const struct fixture *fixture, void *ctx)
{
	const char *path = fixture->strip;
	gu_cleanup(gu_module_closep) struct gu_module *m = NULL;
	const struct gu_image *image;
	struct gu_diag d = {.code = GU_OK};

	(void)ctx;
	if (gu_elf_file_open(path, &d, &file) ||
		gu_module_open(gu_elf_file_image(file), &d, &m)) {
		ok(false, "%s: %s", path, d.text);
		gu_elf_file_close(file);
		file = NULL;
		return;
	}
	image = gu_elf_file_image(file);
	ok(survives(image), "%s: walked to the end", fixture->name);
	test_edits(image, m);
	test_cuts(image, m);
	test_link(image, m);
	test_circle(image, m);
	gu_module_close(m);
	m = NULL;
	gu_elf_file_close(file);
	file = NULL;
}

int main(int argc, char **argv)
{
	/* every form of pclntab, record, moduledata and byte order */
	static const char *const forms[] = {
		"go1.2-amd64-static", "go1.10-amd64-static",
		"go1.12-amd64-static", "go1.15-amd64-pie",
		"go1.16-amd64-static", "go1.18-amd64-static",
		"go1.20-amd64-noshdr-lld-pie", "go1.26-amd64-static",
		"go1.27-386-static", "go1.27-s390x-static",
	};

	seed = 0x9e3779b97f4a7c15;
	if (argc > 1)
		fixtures_each(argv[1], test_fixture, NULL);
	for (size_t i = 0; argc <= 1 && i < GU_COUNT(forms); i++)
		fixtures_each(forms[i], test_fixture, NULL);
	return tap_done();
}
