/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * twin SYMBOLS FULL: compares a symbol file, by libdw, with the DWARF that Go
 * itself wrote into the unstripped twin: every function's name, range and
 * place of declaration, file and line at every address where either line table
 * changes, and the ends of prologues.  Prints how often each kind of difference
 * was seen, with an example; the caller knows which are to be.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct func {
	uint64_t lo, hi;
	const char *name, *file, *unit;
	int line;
	bool external;
	uint64_t prologue_end; /* 0: none */
};

struct row {
	uint64_t addr;
	const char *file;
	int line;
	bool end, prologue_end;
	size_t order;
};

struct table {
	struct func *funcs;
	size_t nfuncs, funcs_cap;
	struct row *rows;
	size_t nrows, rows_cap;
};

#define KINDS(X)                                                     \
	X(NO_FUNC, "function missing")                               \
	X(NAME, "name")                                              \
	X(END, "end")                                                \
	X(DECL_FILE, "file of declaration")                          \
	X(DECL_LINE, "line of declaration")                          \
	X(NO_DECL_LINE, "line of declaration left out")              \
	X(EXTERNAL, "linkage")                                       \
	X(UNIT, "unit")                                              \
	X(PROLOGUE, "prologue end")                                  \
	X(NO_ROW, "line missing")                                    \
	X(FILE, "file at an address")                                \
	X(LINE, "line at an address")

enum kind {
#define X(name, text) DIFF_##name,
	KINDS(X)
#undef X
	NKINDS
};

static const char *const kind_texts[] = {
#define X(name, text) text,
	KINDS(X)
#undef X
};

static struct {
	unsigned long n;
	char example[600];
} seen[NKINDS];

static void note(enum kind kind, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void note(enum kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (getenv("TWIN_VERBOSE")) {
		(void)printf("%s: ", kind_texts[kind]);
		(void)vprintf(format, args);
		(void)printf("\n");
		va_end(args);
		va_start(args, format);
	}
	if (seen[kind].n++) {
		va_end(args);
		return;
	}
	(void)vsnprintf(seen[kind].example, sizeof seen[kind].example, format,
		args);
	va_end(args);
}

static void *room(void *items, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return items;
	*cap = *cap ? *cap * 2 : 1024;
	items = realloc(items, *cap * size);
	if (!items)
		abort();
	return items;
}

/* libdw puts the compilation folder, ".", before what is relative to it. */
static const char *text(const char *s)
{
	return !s ? "" : strncmp(s, "./", 2) == 0 ? s + 2 : s;
}

static void add_func(struct table *t, Dwarf_Die *die, const char *unit)
{
	struct func func = {.unit = unit};
	Dwarf_Attribute attr;

	if (dwarf_lowpc(die, &func.lo) || dwarf_highpc(die, &func.hi))
		return;
	func.name = text(dwarf_diename(die));
	func.file = text(dwarf_decl_file(die));
	(void)dwarf_decl_line(die, &func.line);
	func.external = dwarf_attr_integrate(die, DW_AT_external, &attr);
	t->funcs = room(t->funcs, &t->funcs_cap, t->nfuncs, sizeof func);
	t->funcs[t->nfuncs++] = func;
}

static void add_rows(struct table *t, Dwarf_Die *unit)
{
	Dwarf_Lines *lines;
	size_t n;

	if (dwarf_getsrclines(unit, &lines, &n))
		return;
	for (size_t i = 0; i < n; i++) {
		Dwarf_Line *line = dwarf_onesrcline(lines, i);
		struct row row = {.order = t->nrows};

		(void)dwarf_lineaddr(line, &row.addr);
		(void)dwarf_lineno(line, &row.line);
		(void)dwarf_lineendsequence(line, &row.end);
		(void)dwarf_lineprologueend(line, &row.prologue_end);
		row.file = text(dwarf_linesrc(line, NULL, NULL));
		t->rows = room(t->rows, &t->rows_cap, t->nrows, sizeof row);
		t->rows[t->nrows++] = row;
	}
}

static int by_lo(const void *a, const void *b)
{
	const struct func *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

/* By address; ends of sequences before what begins there; then as found. */
static int by_addr(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->end != y->end)
		return x->end ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static void load(const char *path, struct table *t)
{
	int fd = open(path, O_RDONLY);
	Dwarf *dw = dwarf_begin(fd, DWARF_C_READ);
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit, die;
	size_t f = 0;

	if (!dw) {
		(void)fprintf(stderr, "twin: %s: %s\n", path, dwarf_errmsg(-1));
		exit(2);
	}
	while (dwarf_get_units(dw, cu, &cu, NULL, NULL, &unit, NULL) == 0) {
		if (dwarf_srclang(&unit) != DW_LANG_Go)
			continue;
		add_rows(t, &unit);
		if (dwarf_child(&unit, &die))
			continue;
		do {
			if (dwarf_tag(&die) == DW_TAG_subprogram)
				add_func(t, &die, text(dwarf_diename(&unit)));
		} while (dwarf_siblingof(&die, &die) == 0);
	}
	if (t->nfuncs)
		qsort(t->funcs, t->nfuncs, sizeof *t->funcs, by_lo);
	if (t->nrows)
		qsort(t->rows, t->nrows, sizeof *t->rows, by_addr);
	for (size_t i = 0; i < t->nrows; i++) {
		const struct row *row = &t->rows[i];

		while (f < t->nfuncs && t->funcs[f].hi <= row->addr)
			f++;
		if (f < t->nfuncs && row->addr >= t->funcs[f].lo &&
			row->prologue_end && !t->funcs[f].prologue_end)
			t->funcs[f].prologue_end = row->addr;
	}
}

static const struct func *func_at(const struct table *t, uint64_t lo)
{
	struct func key = {.lo = lo};

	return t->nfuncs ? bsearch(&key, t->funcs, t->nfuncs, sizeof key, by_lo)
			 : NULL;
}

/* The row that holds at ADDR; NULL if none does.  *at: where to look on. */
static const struct row *row_at(const struct table *t, uint64_t addr,
	size_t *at)
{
	while (*at < t->nrows && t->rows[*at].addr <= addr)
		(*at)++;
	return *at && !t->rows[*at - 1].end ? &t->rows[*at - 1] : NULL;
}

static void compare_funcs(const struct table *ours, const struct table *full)
{
	for (size_t i = 0; i < full->nfuncs; i++) {
		const struct func *b = &full->funcs[i];
		const struct func *a = func_at(ours, b->lo);

		if (!a) {
			note(DIFF_NO_FUNC, "%#" PRIx64 " %s", b->lo, b->name);
			continue;
		}
		if (strcmp(a->name, b->name) != 0)
			note(DIFF_NAME, "%#" PRIx64 " %s, not %s", a->lo,
				a->name, b->name);
		if (a->hi != b->hi)
			note(DIFF_END, "%s ends at %#" PRIx64 ", not %#" PRIx64,
				a->name, a->hi, b->hi);
		if (*b->file && strcmp(a->file, b->file) != 0)
			note(DIFF_DECL_FILE, "%s in %s, not %s", a->name,
				a->file, b->file);
		if (b->line && a->line != b->line)
			note(a->line ? DIFF_DECL_LINE : DIFF_NO_DECL_LINE,
				"%s line %d, not %d", a->name, a->line,
				b->line);
		if (a->external != b->external)
			note(DIFF_EXTERNAL, "%s %d, not %d", a->name,
				a->external, b->external);
		if (strcmp(a->unit, b->unit) != 0)
			note(DIFF_UNIT, "%s in %s, not %s", a->name, a->unit,
				b->unit);
		if (a->prologue_end != b->prologue_end)
			note(DIFF_PROLOGUE, "%s (%s) +%d, not +%d", a->name,
				a->file, (int)(a->prologue_end
					? a->prologue_end - a->lo : 0),
				(int)(b->prologue_end
					? b->prologue_end - b->lo : 0));
	}
}

/* True if ADDR is in a function; up to 1.14 Go's rows ran into the padding. */
static bool in_func(const struct table *t, uint64_t addr, size_t *at)
{
	while (*at < t->nfuncs && t->funcs[*at].hi <= addr)
		(*at)++;
	return *at < t->nfuncs && addr >= t->funcs[*at].lo;
}

static void compare_rows_at(const struct table *ours, const struct table *full,
	uint64_t addr, size_t *i, size_t *k)
{
	const struct row *a = row_at(ours, addr, i);
	const struct row *b = row_at(full, addr, k);

	if (!b)
		return;
	if (!a || a->line == 0)
		note(DIFF_NO_ROW, "%#" PRIx64 " %s:%d", addr, b->file, b->line);
	else if (strcmp(a->file, b->file) != 0)
		note(DIFF_FILE, "%#" PRIx64 " %s:%d, not %s:%d", addr, a->file,
			a->line, b->file, b->line);
	else if (a->line != b->line)
		note(DIFF_LINE, "%#" PRIx64 " %s:%d, not %d", addr, a->file,
			a->line, b->line);
}

static void compare_rows(const struct table *ours, const struct table *full)
{
	size_t i = 0, k = 0, f = 0;

	for (size_t n = 0, m = 0; n < ours->nrows || m < full->nrows;) {
		uint64_t addr = m == full->nrows ||
			(n < ours->nrows &&
				ours->rows[n].addr < full->rows[m].addr)
			? ours->rows[n].addr : full->rows[m].addr;

		if (in_func(full, addr, &f))
			compare_rows_at(ours, full, addr, &i, &k);
		while (n < ours->nrows && ours->rows[n].addr == addr)
			n++;
		while (m < full->nrows && full->rows[m].addr == addr)
			m++;
	}
}

int main(int argc, char **argv)
{
	struct table ours = {0}, full = {0};

	if (argc != 3) {
		(void)fprintf(stderr, "usage: twin SYMBOLS FULL\n");
		return 2;
	}
	load(argv[1], &ours);
	load(argv[2], &full);
	compare_funcs(&ours, &full);
	compare_rows(&ours, &full);
	(void)printf("functions\t%zu\nrows\t%zu\n", full.nfuncs, full.nrows);
	for (int i = 0; i < NKINDS; i++)
		if (seen[i].n)
			(void)printf("%s\t%lu\t%s\n", kind_texts[i], seen[i].n,
				seen[i].example);
	return 0;
}
