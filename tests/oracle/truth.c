/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/oracle/truth.h"

#include <dwarf.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "oracle: %s: %s\n", what, why ? why : "unknown error");
	exit(99);
}

/* An array that doubles; N elements of SIZE bytes are in it. */
static void *grow(void *array, size_t n, size_t size)
{
	if (n & (n - 1))
		return array;
	array = realloc(array, (n ? 2 * n : 1) * size);
	if (!array)
		fail("memory", "there is no more");
	return array;
}

/* --- the symbol table ---------------------------------------------------- */

static void add_symbol(struct truth *truth, size_t link,
	const GElf_Sym *sym)
{
	const char *name = elf_strptr(truth->elf, link, sym->st_name);

	if (GELF_ST_TYPE(sym->st_info) != STT_FUNC ||
		sym->st_shndx == SHN_UNDEF || !name)
		return;
	/* without "runtime." up to Go 1.3 */
	if (!strcmp(name, "runtime.text") || !strcmp(name, "text"))
		truth->go_lo = sym->st_value;
	if (!strcmp(name, "runtime.etext") || !strcmp(name, "etext"))
		truth->go_hi = sym->st_value;
	truth->symbols = grow(truth->symbols, truth->nsymbols,
		sizeof *truth->symbols);
	truth->symbols[truth->nsymbols++] = (struct truth_symbol){
		sym->st_value, sym->st_size, name};
}

static int by_addr(const void *a, const void *b)
{
	const struct truth_symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->size > y->size ? -1 : x->size < y->size;
}

static void read_sections(struct truth *truth)
{
	Elf_Scn *scn = NULL;
	Elf_Data *data;
	GElf_Shdr shdr;
	GElf_Sym sym;
	size_t names;
	int i;

	if (elf_getshdrstrndx(truth->elf, &names))
		fail("section names", elf_errmsg(-1));
	while ((scn = elf_nextscn(truth->elf, scn)) != NULL) {
		const char *name;

		if (!gelf_getshdr(scn, &shdr))
			fail("section header", elf_errmsg(-1));
		name = elf_strptr(truth->elf, names, shdr.sh_name);
		if (name && !strcmp(name, ".text")) {
			truth->text_addr = shdr.sh_addr;
			truth->text_size = shdr.sh_size;
		}
		if (shdr.sh_type != SHT_SYMTAB)
			continue;
		data = elf_getdata(scn, NULL);
		for (i = 0; data && gelf_getsym(data, i, &sym); i++)
			add_symbol(truth, shdr.sh_link, &sym);
	}
	if (!truth->nsymbols)
		fail("symbol table", "the unstripped twin has none");
	if (truth->go_lo >= truth->go_hi)
		fail("symbol table", "runtime.text is not below runtime.etext");
	qsort(truth->symbols, truth->nsymbols, sizeof *truth->symbols, by_addr);
}

const struct truth_symbol *truth_symbol_at(const struct truth *truth,
	uint64_t addr)
{
	size_t lo = 0, hi = truth->nsymbols;
	const struct truth_symbol *s;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (truth->symbols[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return NULL;
	/* aliases are sorted by size, the largest first */
	for (s = &truth->symbols[lo - 1]; s > truth->symbols &&
		s[-1].addr == s->addr; s--)
		continue;
	return s->addr == addr || addr - s->addr < s->size ? s : NULL;
}

/* --- DWARF --------------------------------------------------------------- */

static void add_ranges(struct truth *truth, Dwarf_Die *unit, Dwarf_Die *die)
{
	Dwarf_Addr base, lo, hi;
	ptrdiff_t off = 0;

	while ((off = dwarf_ranges(die, off, &base, &lo, &hi)) > 0) {
		if (lo >= hi)
			continue;
		truth->funcs = grow(truth->funcs, truth->nfuncs,
			sizeof *truth->funcs);
		truth->funcs[truth->nfuncs++] = (struct truth_func){
			lo, hi, *unit, *die};
	}
}

static int by_lo(const void *a, const void *b)
{
	const struct truth_func *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static void read_units(struct truth *truth)
{
	Dwarf_Die unit, die;
	Dwarf_CU *cu = NULL;
	uint8_t type;

	while (dwarf_get_units(truth->dwarf, cu, &cu, NULL, &type, &unit,
		       NULL) == 0) {
		if (type != DW_UT_compile || dwarf_child(&unit, &die))
			continue;
		do {
			if (dwarf_tag(&die) == DW_TAG_subprogram)
				add_ranges(truth, &unit, &die);
		} while (dwarf_siblingof(&die, &die) == 0);
	}
	if (!truth->nfuncs)
		fail("DWARF", "the unstripped twin has no subprograms");
	qsort(truth->funcs, truth->nfuncs, sizeof *truth->funcs, by_lo);
}

struct truth_func *truth_func_at(const struct truth *truth, uint64_t pc)
{
	size_t lo = 0, hi = truth->nfuncs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (truth->funcs[mid].lo <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || pc >= truth->funcs[lo - 1].hi)
		return NULL;
	return &truth->funcs[lo - 1];
}

/* The file that attribute NAME of DIE numbers. */
static const char *file_of(Dwarf_Die *unit, Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attr;
	Dwarf_Files *files;
	Dwarf_Word index;
	size_t n;

	if (!dwarf_attr_integrate(die, name, &attr) ||
		dwarf_formudata(&attr, &index) ||
		dwarf_getsrcfiles(unit, &files, &n) || index >= n)
		return NULL;
	return dwarf_filesrc(files, index, NULL, NULL);
}

static int number_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	if (!dwarf_attr_integrate(die, name, &attr) ||
		dwarf_formudata(&attr, &value))
		return 0;
	return (int)value;
}

/*
 * The innermost inlined call around PC below DIE and the calls that it is in,
 * outermost first: at most MAX in FOUND, from the N that are there already.
 * True if there is one.
 *
 * Up to Go 1.15 the ranges of a call leave out those of the calls inlined into
 * it, so a call's children are looked at whether or not PC is in its ranges.
 */
static bool collect_inlined(Dwarf_Die *die, uint64_t pc, Dwarf_Die *found,
	size_t max, size_t *n)
{
	Dwarf_Die child;
	size_t here = *n;

	if (dwarf_child(die, &child))
		return false;
	do {
		bool inlined = dwarf_tag(&child) == DW_TAG_inlined_subroutine;

		*n = here;
		if (!inlined && dwarf_tag(&child) != DW_TAG_lexical_block)
			continue;
		if (inlined && here < max)
			found[(*n)++] = child;
		if (collect_inlined(&child, pc, found, max, n) ||
			(inlined && dwarf_haspc(&child, pc) == 1))
			return true;
	} while (dwarf_siblingof(&child, &child) == 0);
	*n = here;
	return false;
}

size_t truth_calls(struct truth_func *func, uint64_t pc,
	struct truth_call *calls, size_t max)
{
	Dwarf_Die found[64];
	Dwarf_Line *line = dwarf_getsrc_die(&func->unit, pc);
	size_t n = 0, i;

	(void)collect_inlined(&func->die, pc, found,
		max - 1 < 64 ? max - 1 : 64, &n);
	calls[0] = (struct truth_call){0};
	if (line) {
		calls[0].file = dwarf_linesrc(line, NULL, NULL);
		dwarf_lineno(line, &calls[0].line);
	}
	for (i = 0; i < n; i++) {
		Dwarf_Die *die = &found[n - 1 - i];

		calls[i].name = dwarf_diename(die);
		calls[i + 1].file = file_of(&func->unit, die, DW_AT_call_file);
		calls[i + 1].line = number_of(die, DW_AT_call_line);
	}
	calls[n].name = dwarf_diename(&func->die);
	return n + 1;
}

bool truth_is_go(struct truth_func *func)
{
	return dwarf_srclang(&func->unit) == DW_LANG_Go;
}

const char *truth_folder(struct truth_func *func)
{
	Dwarf_Attribute attr;
	const char *folder = NULL;

	if (dwarf_attr(&func->unit, DW_AT_comp_dir, &attr))
		folder = dwarf_formstring(&attr);
	return folder ? folder : "";
}

struct truth_call truth_declaration(struct truth_func *func)
{
	return (struct truth_call){dwarf_diename(&func->die),
		file_of(&func->unit, &func->die, DW_AT_decl_file),
		number_of(&func->die, DW_AT_decl_line)};
}

/* --- both ---------------------------------------------------------------- */

void truth_open_dwarf(const char *path, struct truth *out)
{
	memset(out, 0, sizeof *out);
	elf_version(EV_CURRENT);
	out->fd = open(path, O_RDONLY);
	if (out->fd < 0)
		fail(path, "cannot be opened");
	out->elf = elf_begin(out->fd, ELF_C_READ_MMAP, NULL);
	if (!out->elf)
		fail(path, elf_errmsg(-1));
	out->dwarf = dwarf_begin_elf(out->elf, DWARF_C_READ, NULL);
	if (!out->dwarf)
		fail(path, dwarf_errmsg(-1));
	read_units(out);
}

void truth_open(const char *path, struct truth *out)
{
	truth_open_dwarf(path, out);
	read_sections(out);
}

void truth_close(struct truth *truth)
{
	dwarf_end(truth->dwarf);
	elf_end(truth->elf);
	close(truth->fd);
	free(truth->symbols);
	free(truth->funcs);
}
