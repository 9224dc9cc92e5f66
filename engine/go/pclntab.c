/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opening .gopclntab, and its functions, names and files.  Values by pc are in
 * pcvalue.c, finding the table in pclntab_search.c.
 */
#include "engine/go/pclntab.h"

#include "engine/base/math.h"

#include <inttypes.h>

struct header_form {
	enum gu_pclntab_form form;
	uint32_t magic;
	int8_t nfunc, nfiles, text, names, cutab, files, pctab, functab, words;
};

static const struct header_form header_forms[] = {
#define HEADER(...) {__VA_ARGS__},
#include "engine/go/pclntab.def"
};

struct gu_func_form {
	const char *name;
	int8_t id, defer, cu, start_line, bytes, nfuncdata, words;
};

enum { FUNC_1_2, FUNC_1_11, FUNC_1_12, FUNC_1_16, FUNC_1_20 };

static const struct gu_func_form func_forms[] = {
#define FUNC(...) {__VA_ARGS__},
#include "engine/go/pclntab.def"
};

const char *gu_pclntab_func_form(const struct gu_pclntab *tab)
{
	return tab->func_form->name;
}

enum {
	HEADER_FIXED = 8,     /* bytes before the words */
	HEADER_WORDS_MAX = 8,
	FUNCS_MAX = 1 << 26,  /* the largest programs have 2^20 */
	GOEXIT_1_11 = 2,      /* funcID_goexit, Go 1.11 runtime/symtab.go */
	PCDATA_MAX = 64,      /* tables a function; Go 1.27 knows 5 and 8 */
	WORD_NAME = 0, WORD_ARGS = 1, WORD_PCSP = 3, WORD_PCFILE = 4,
	WORD_PCLN = 5, WORD_NPCDATA = 6,
};

static uint32_t get32(const uint8_t *p, bool be)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return be == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ?
		v : __builtin_bswap32(v);
}

/* Word number INDEX of the 32-bit words at WORDS. */
static uint32_t word_at(const uint8_t *words, int index, bool be)
{
	return get32(words + (ptrdiff_t)4 * index, be);
}

static uint64_t get_word(const uint8_t *p, bool be, unsigned size)
{
	uint64_t v;

	if (size == 4)
		return get32(p, be);
	memcpy(&v, p, sizeof v);
	return be == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ?
		v : __builtin_bswap64(v);
}

static const struct header_form *header_form_of(uint32_t magic)
{
	for (size_t i = 0; i < GU_COUNT(header_forms); i++)
		if (header_forms[i].magic == magic)
			return &header_forms[i];
	return NULL;
}

/* The sub-tables of 1.16 and on stand in this order, none empty. */
static bool parts_in_order(const struct gu_pclntab_header *h, uint64_t size)
{
	return size <= h->names && h->names < h->cutab && h->cutab < h->files &&
		h->files < h->pctab && h->pctab < h->functab;
}

enum gu_status gu_pclntab_header(const struct gu_image *image, uint64_t addr,
	struct gu_diag *diag, struct gu_pclntab_header *out)
{
	uint8_t bytes[HEADER_FIXED + 8 * HEADER_WORDS_MAX];
	uint64_t words[HEADER_WORDS_MAX] = {0};
	const struct header_form *form;
	struct gu_pclntab_header h = {0};
	size_t size;
	struct gu_cur cur;
	enum gu_status st;

	st = gu_mem_read(&image->mem, addr, bytes, HEADER_FIXED, diag);
	if (st)
		return st;
	form = header_form_of(get32(bytes, image->mem.be));
	if (!form || bytes[4] || bytes[5])
		return gu_fail_at(diag, GU_BAD_DATA, addr,
			"no pclntab at 0x%" PRIx64
			": magic 0x%08x is none of Go 1.2, 1.16, 1.18 or 1.20",
			addr, get32(bytes, image->mem.be));
	h.form = form->form;
	h.quantum = bytes[6];
	h.ptr_size = bytes[7];
	if (h.ptr_size != image->mem.ptr_size ||
		(h.quantum != 1 && h.quantum != 2 && h.quantum != 4))
		return gu_fail_at(diag, GU_BAD_DATA, addr,
			"no pclntab at 0x%" PRIx64
			": pointers of %u bytes (%u expected), pc quantum %u",
			addr, h.ptr_size, image->mem.ptr_size, h.quantum);
	size = HEADER_FIXED + (size_t)form->words * h.ptr_size;
	st = gu_mem_read(&image->mem, addr, bytes, size, diag);
	if (st)
		return st;
	cur = gu_cur(bytes, size, addr, image->mem.be, "pclntab header");
	gu_cur_skip(&cur, HEADER_FIXED);
	for (int i = 0; i < form->words; i++)
		words[i] = gu_cur_word(&cur, h.ptr_size);
	st = gu_cur_status(&cur, diag);
	if (st)
		return st;
#define FIELD(f) h.f = form->f >= 0 ? words[form->f] : 0
	FIELD(nfunc);
	FIELD(nfiles);
	FIELD(text);
	FIELD(names);
	FIELD(cutab);
	FIELD(files);
	FIELD(pctab);
#undef FIELD
	h.functab = h.form == GU_PCLNTAB_1_2 ? size : words[form->functab];
	if (h.nfunc == 0 || h.nfunc > FUNCS_MAX ||
		(h.form != GU_PCLNTAB_1_2 && !parts_in_order(&h, size)))
		return gu_fail_at(diag, GU_BAD_DATA, addr,
			"no pclntab at 0x%" PRIx64 ": %" PRIu64
			" functions, or its parts are out of order",
			addr, h.nfunc);
	*out = h;
	return GU_OK;
}

/* Entry offsets are 32-bit, counted from text, since 1.18. */
static unsigned entry_size(const struct gu_pclntab *tab)
{
	return tab->form >= GU_PCLNTAB_1_18 ? 4 : tab->ptr_size;
}

static const uint8_t *functab_at(const struct gu_pclntab *tab, uint32_t index)
{
	return tab->bytes.p + tab->functab.off +
		(size_t)index * 2 * entry_size(tab);
}

/* Go src/runtime/symtab.go, textAddr. */
static uint64_t text_addr(const struct gu_pclntab *tab, uint64_t off)
{
	for (size_t i = 0; i < tab->ntext_sections; i++) {
		const struct gu_text_section *s = &tab->text_sections[i];

		if (off >= s->vaddr && (off < s->end ||
			(off == s->end && i + 1 == tab->ntext_sections)))
			return s->base + (off - s->vaddr);
	}
	return tab->text + off;
}

static uint64_t raw_entry(const struct gu_pclntab *tab, uint32_t index)
{
	return get_word(functab_at(tab, index), tab->be, entry_size(tab));
}

static uint64_t entry_addr(const struct gu_pclntab *tab, uint32_t index)
{
	uint64_t raw = raw_entry(tab, index);

	return tab->form >= GU_PCLNTAB_1_18 ? text_addr(tab, raw) : raw;
}

static enum gu_status check_functab(const struct gu_pclntab *tab,
	struct gu_diag *diag)
{
	uint64_t size = ((uint64_t)tab->nfunc * 2 + 1) * entry_size(tab);
	uint64_t last = 0;

	if (size > tab->functab.size)
		return gu_fail_at(diag, GU_TRUNCATED, tab->addr,
			"pclntab: its function table needs %" PRIu64
			" bytes, the table has %" PRIu64 " left",
			size, tab->functab.size);
	for (uint32_t i = 0; i <= tab->nfunc; i++) {
		uint64_t entry = raw_entry(tab, i);

		if (entry < last)
			return gu_fail_at(diag, GU_BAD_DATA, tab->addr,
				"pclntab: function %u begins before the one it "
				"follows",
				i);
		last = entry;
	}
	return GU_OK;
}

/*
 * Up to 1.15 one magic covers three records.  nfuncdata is a small number in
 * a whole word at first; from 1.12 that word holds the bytes {funcID, 0, 0,
 * nfuncdata}, and its most significant byte is used by any function with
 * funcdata (little endian) or with an id (big endian).
 */
static const struct gu_func_form *old_func_form(const struct gu_pclntab *tab)
{
	unsigned entry = entry_size(tab);

	for (uint32_t i = 0; i < tab->nfunc; i++) {
		uint64_t off = get_word(functab_at(tab, i) + entry, tab->be,
			entry);
		const uint8_t *word;

		if (!gu_within(off, entry + 32u, tab->bytes.n))
			continue;
		word = tab->bytes.p + off + entry;
		if (word_at(word, 7, tab->be) >> 24)
			return &func_forms[FUNC_1_12];
	}
	/*
	 * 1.11 has the id, goexit's being 2, where 1.8 to 1.10 have nothing
	 * and 1.2 to 1.7 the frame's size.
	 */
	for (uint32_t i = 0; i < tab->nfunc; i++) {
		struct gu_func func;

		if (gu_pclntab_func(tab, i, NULL, &func) == GU_OK &&
			gu_str_eq(gu_func_name(tab, &func),
				gu_str("runtime.goexit")))
			return &func_forms[func.func_id == GOEXIT_1_11 ?
				FUNC_1_11 : FUNC_1_2];
	}
	return &func_forms[FUNC_1_2];
}

static void set_parts(struct gu_pclntab *tab, const struct gu_pclntab_header *h)
{
	uint64_t size = tab->bytes.n;

	if (h->form == GU_PCLNTAB_1_2) {
		struct gu_part all = {0, size};

		tab->names = tab->files = tab->pctab = all;
		tab->functab = (struct gu_part){h->functab, size - h->functab};
		return;
	}
	tab->names = (struct gu_part){h->names, h->cutab - h->names};
	tab->cutab = (struct gu_part){h->cutab, h->files - h->cutab};
	tab->files = (struct gu_part){h->files, h->pctab - h->files};
	tab->pctab = (struct gu_part){h->pctab, h->functab - h->pctab};
	tab->functab = (struct gu_part){h->functab, size - h->functab};
}

/* Go 1.2: behind the function table, the offset of the file table. */
static enum gu_status old_files(struct gu_pclntab *tab, struct gu_diag *diag)
{
	uint64_t at = tab->functab.off +
		((uint64_t)tab->nfunc * 2 + 1) * tab->ptr_size;
	uint32_t off;

	if (!gu_within(at, 4, tab->bytes.n))
		return gu_fail_at(diag, GU_TRUNCATED, tab->addr,
			"pclntab: cut before its file table");
	off = get32(tab->bytes.p + at, tab->be);
	if (!gu_within(off, 4, tab->bytes.n))
		return gu_fail_at(diag, GU_BAD_DATA, tab->addr,
			"pclntab: its file table would be at offset 0x%" PRIx32
			" of 0x%zx", off, tab->bytes.n);
	tab->nfiles = get32(tab->bytes.p + off, tab->be);
	/* entry n, from 1, is word n */
	tab->cutab = (struct gu_part){off, tab->bytes.n - off};
	if (tab->nfiles > tab->cutab.size / 4)
		return gu_fail_at(diag, GU_BAD_DATA, tab->addr,
			"pclntab: %" PRIu32 " files do not fit into it",
			tab->nfiles);
	return GU_OK;
}

static enum gu_status set_forms(struct gu_pclntab *tab, struct gu_diag *diag)
{
	enum gu_status st = GU_OK;

	switch (tab->form) {
	case GU_PCLNTAB_1_2:
		st = old_files(tab, diag);
		tab->func_form = &func_forms[FUNC_1_11];
		if (st == GU_OK)
			tab->func_form = old_func_form(tab);
		break;
	case GU_PCLNTAB_1_16:
	case GU_PCLNTAB_1_18:
		tab->func_form = &func_forms[FUNC_1_16];
		break;
	case GU_PCLNTAB_1_20:
		tab->func_form = &func_forms[FUNC_1_20];
		break;
	}
	return st;
}

enum gu_status gu_pclntab_open(const struct gu_image *image,
	const struct gu_pclntab_place *place, struct gu_diag *diag,
	struct gu_pclntab *out)
{
	struct gu_pclntab tab = {.addr = place->addr, .be = image->mem.be};
	struct gu_pclntab_header header;
	enum gu_status st;

	st = gu_pclntab_header(image, place->addr, diag, &header);
	if (st)
		return st;
	if (place->size <= header.functab)
		return gu_fail_at(diag, GU_TRUNCATED, place->addr,
			"pclntab: its functions begin at 0x%" PRIx64
			", the table ends at 0x%" PRIx64,
			header.functab, place->size);
	tab.form = header.form;
	tab.ptr_size = header.ptr_size;
	tab.quantum = header.quantum;
	tab.nfunc = (uint32_t)header.nfunc;
	tab.nfiles = (uint32_t)header.nfiles;
	tab.text = place->text;
	tab.text_sections = place->text_sections;
	tab.ntext_sections = place->ntext_sections;
	st = gu_view_open(&image->mem, place->addr, place->size, diag,
		&tab.bytes);
	if (st)
		return gu_fail_in(diag, st, "pclntab");
	set_parts(&tab, &header);
	st = check_functab(&tab, diag);
	if (st == GU_OK)
		st = set_forms(&tab, diag);
	if (st) {
		gu_pclntab_close(&tab);
		return st;
	}
	*out = tab;
	return GU_OK;
}

void gu_pclntab_close(struct gu_pclntab *tab)
{
	gu_view_close(&tab->bytes);
	*tab = (struct gu_pclntab){0};
}

/* Offset of the record of function INDEX in the table's bytes. */
static bool record_off(const struct gu_pclntab *tab, uint32_t index,
	uint64_t *out)
{
	unsigned size = entry_size(tab);
	uint64_t base = tab->form == GU_PCLNTAB_1_2 ? 0 : tab->functab.off;
	uint64_t off = get_word(functab_at(tab, index) + size, tab->be, size);

	return gu_add(base, off, out) &&
		gu_within(*out, size + 4u * (unsigned)tab->func_form->words,
			tab->bytes.n);
}

static bool read_counts(const struct gu_pclntab *tab, const uint8_t *words,
	struct gu_func *func)
{
	const struct gu_func_form *form = tab->func_form;

	func->npcdata = word_at(words, WORD_NPCDATA, tab->be);
	if (form->bytes >= 0) {
		const uint8_t *bytes = words + (ptrdiff_t)4 * form->bytes;

		func->func_id = bytes[0];
		func->flags = bytes[1];
		func->nfuncdata = bytes[3];
	} else {
		func->nfuncdata = word_at(words, form->nfuncdata, tab->be);
	}
	if (form->id >= 0)
		func->func_id = (uint8_t)word_at(words, form->id, tab->be);
	return func->npcdata <= PCDATA_MAX && func->nfuncdata <= PCDATA_MAX;
}

/* Where the tables behind the record stand. */
static bool place_tables(const struct gu_pclntab *tab, uint64_t end,
	struct gu_func *func)
{
	unsigned size = entry_size(tab);

	func->pcdata_off = end;
	end += 4ull * func->npcdata;
	/* up to 1.17 funcdata are pointers, aligned in memory */
	if (tab->form < GU_PCLNTAB_1_18)
		end = gu_align_up(tab->addr + end, tab->ptr_size) - tab->addr;
	func->funcdata_off = end;
	return gu_within(end, (uint64_t)size * func->nfuncdata, tab->bytes.n);
}

enum gu_status gu_pclntab_func(const struct gu_pclntab *tab, uint32_t index,
	struct gu_diag *diag, struct gu_func *out)
{
	const struct gu_func_form *form = tab->func_form;
	struct gu_func func = {.index = index};
	const uint8_t *words;
	uint64_t off;

	if (index >= tab->nfunc)
		return gu_fail(diag, GU_INVALID,
			"function %" PRIu32 " of %" PRIu32, index, tab->nfunc);
	if (!record_off(tab, index, &off))
		return gu_fail_at(diag, GU_BAD_DATA, tab->addr,
			"pclntab: the record of function %" PRIu32
			" lies outside the table", index);
	words = tab->bytes.p + off + entry_size(tab);
	func.entry = entry_addr(tab, index);
	func.next = entry_addr(tab, index + 1);
	func.name_off = word_at(words, WORD_NAME, tab->be);
	func.args = (int32_t)word_at(words, WORD_ARGS, tab->be);
	func.pcsp = word_at(words, WORD_PCSP, tab->be);
	func.pcfile = word_at(words, WORD_PCFILE, tab->be);
	func.pcln = word_at(words, WORD_PCLN, tab->be);
	if (form->defer >= 0)
		func.deferreturn = word_at(words, form->defer, tab->be);
	if (form->cu >= 0)
		func.cu_off = word_at(words, form->cu, tab->be);
	if (form->start_line >= 0)
		func.start_line =
			(int32_t)word_at(words, form->start_line, tab->be);
	if (!read_counts(tab, words, &func) ||
		!place_tables(tab, off + entry_size(tab) +
			4 * (uint64_t)form->words, &func))
		return gu_fail_at(diag, GU_BAD_DATA, tab->addr + off,
			"pclntab: function %" PRIu32 " claims %" PRIu32
			" pcdata and %" PRIu32 " funcdata tables",
			index, func.npcdata, func.nfuncdata);
	if (func.next < func.entry)
		func.next = func.entry; /* the last of a text section */
	*out = func;
	return GU_OK;
}

enum gu_status gu_pclntab_find(const struct gu_pclntab *tab, uint64_t pc,
	struct gu_diag *diag, struct gu_func *out)
{
	uint32_t lo = 0, hi = tab->nfunc; /* entry(lo) <= pc < entry(hi) */

	if (pc < entry_addr(tab, 0) || pc >= entry_addr(tab, tab->nfunc))
		return GU_NOT_FOUND;
	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (entry_addr(tab, mid) <= pc)
			lo = mid;
		else
			hi = mid;
	}
	return gu_pclntab_func(tab, lo, diag, out);
}

/* A C string at OFF of PART. */
static struct gu_str part_str(const struct gu_pclntab *tab,
	const struct gu_part *part, uint64_t off)
{
	struct gu_cur cur;

	if (off >= part->size)
		return (struct gu_str){NULL, 0};
	cur = gu_cur(tab->bytes.p + part->off + off, part->size - off, 0,
		tab->be, "a string of pclntab");
	return gu_cur_cstr(&cur);
}

struct gu_str gu_pclntab_name(const struct gu_pclntab *tab, uint32_t name_off)
{
	return part_str(tab, &tab->names, name_off);
}

uint32_t gu_func_file_key(const struct gu_pclntab *tab,
	const struct gu_func *func, int32_t file)
{
	uint64_t at;

	if (file < 0)
		return UINT32_MAX;
	if (tab->form == GU_PCLNTAB_1_2) {
		/* entry 0 is counted, but not by the linkers of 1.4 to 1.6 */
		if (file == 0 || (uint32_t)file > tab->nfiles)
			return UINT32_MAX;
		at = 4 * (uint64_t)file;
	} else {
		at = 4 * ((uint64_t)func->cu_off + (uint64_t)file);
	}
	if (func->cu_off == UINT32_MAX || !gu_within(at, 4, tab->cutab.size))
		return UINT32_MAX;
	return get32(tab->bytes.p + tab->cutab.off + at, tab->be);
}

struct gu_str gu_pclntab_file(const struct gu_pclntab *tab, uint32_t key)
{
	if (key == UINT32_MAX)
		return (struct gu_str){NULL, 0};
	return part_str(tab, &tab->files, key);
}

struct gu_str gu_func_file(const struct gu_pclntab *tab,
	const struct gu_func *func, int32_t file)
{
	return gu_pclntab_file(tab, gu_func_file_key(tab, func, file));
}

bool gu_func_is_assembly(const struct gu_pclntab *tab,
	const struct gu_func *func)
{
	static const struct gu_str suffix = {".s", 2};
	struct gu_str file;

	if (tab->form >= GU_PCLNTAB_1_18)
		return func->flags & GU_FUNC_ASM;
	file = gu_func_file(tab, func,
		gu_pcvalue_at(tab, func, func->pcfile, func->entry));
	return file.n > suffix.n && gu_str_eq((struct gu_str){
		file.p + file.n - suffix.n, suffix.n}, suffix);
}

uint32_t gu_func_pcdata(const struct gu_pclntab *tab,
	const struct gu_func *func, uint32_t table)
{
	if (table >= func->npcdata)
		return 0;
	return get32(tab->bytes.p + func->pcdata_off + 4ull * table, tab->be);
}

bool gu_func_funcdata(const struct gu_pclntab *tab, const struct gu_func *func,
	uint32_t table, uint64_t *out)
{
	unsigned size = entry_size(tab);
	uint64_t absent = tab->form >= GU_PCLNTAB_1_18 ? UINT32_MAX : 0;
	uint64_t word;

	if (table >= func->nfuncdata)
		return false;
	word = get_word(tab->bytes.p + func->funcdata_off + (uint64_t)size *
			table, tab->be, size);
	if (word == absent)
		return false;
	*out = word;
	return true;
}
