/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/go/moduledata.h"

#include "engine/base/math.h"

#include <inttypes.h>
#include <stdlib.h>

struct row {
	const char *name;
	int first, last;
	enum gu_pclntab_form form;
	int8_t funcnametab, cutab, filetab, pctab, pclntable, ftab, findfunctab;
	int8_t minpc, end, types, etypes, rodata, gofunc, epclntab;
	int8_t typedesclen, itaboffset, itabsize;
	int8_t textsectmap, typelinks, itablinks, pluginpath, modulename;
	int8_t hasmain, gcmasks, next;
};

static const struct row rows[] = {
#define ROW(...) {__VA_ARGS__},
#include "engine/go/moduledata.def"
};

enum {
	WORDS_MAX = 80,
	CHUNK = 1 << 20,
	STRING_MAX = 1 << 16, /* a plugin's path, a module's name */
	PAD_MAX = 1 << 16,    /* bytes by which maxpc may pass etext */
};

/* The words at a candidate, and what a row is checked against. */
struct candidate {
	const struct gu_image *image;
	const struct gu_pclntab_header *header;
	uint64_t pclntab, addr;
	uint64_t words[WORDS_MAX];
};

static uint64_t word(const struct candidate *c, int index)
{
	return index < 0 ? 0 : c->words[index];
}

static struct gu_slice slice(const struct candidate *c, int index)
{
	return index < 0 ? (struct gu_slice){0, 0} :
		(struct gu_slice){c->words[index], c->words[index + 1]};
}

/* The byte at the lowest address of a word. */
static uint8_t first_byte(const struct candidate *c, int index)
{
	unsigned shift = c->image->mem.be ?
		8u * (c->image->mem.ptr_size - 1u) : 0;

	return (uint8_t)(word(c, index) >> shift);
}

static void decode(const struct candidate *c, const struct row *row,
	struct gu_moduledata *md)
{
	int m = row->minpc;

	*md = (struct gu_moduledata){
		.addr = c->addr,
		.size = ((uint64_t)row->next + 1) * c->image->mem.ptr_size,
		.form = row->name,
		.versions = {row->first, row->last},
		.funcnametab = slice(c, row->funcnametab),
		.cutab = slice(c, row->cutab),
		.filetab = slice(c, row->filetab),
		.pctab = slice(c, row->pctab),
		.pclntable = slice(c, row->pclntable),
		.ftab = slice(c, row->ftab),
		.findfunctab = word(c, row->findfunctab),
		.minpc = word(c, m), .maxpc = word(c, m + 1),
		.text = word(c, m + 2), .etext = word(c, m + 3),
		.noptrdata = word(c, m + 4), .enoptrdata = word(c, m + 5),
		.data = word(c, m + 6), .edata = word(c, m + 7),
		.bss = word(c, m + 8), .ebss = word(c, m + 9),
		.noptrbss = word(c, m + 10), .enoptrbss = word(c, m + 11),
		.end = word(c, row->end),
		.types = word(c, row->types), .etypes = word(c, row->etypes),
		.rodata = word(c, row->rodata), .gofunc = word(c, row->gofunc),
		.epclntab = word(c, row->epclntab),
		.typedesclen = word(c, row->typedesclen),
		.itaboffset = word(c, row->itaboffset),
		.itabsize = word(c, row->itabsize),
		.textsectmap = slice(c, row->textsectmap),
		.typelinks = slice(c, row->typelinks),
		.itablinks = slice(c, row->itablinks),
		.pluginpath = slice(c, row->pluginpath),
		.modulename = slice(c, row->modulename),
		.hasmain = first_byte(c, row->hasmain) == 1,
		.next = word(c, row->next),
	};
}

static bool mapped(const struct candidate *c, uint64_t addr)
{
	return gu_image_segment(c->image, addr, 1) != NULL;
}

/* A slice the linker made: its capacity is its length. */
static bool linker_slice(const struct candidate *c, int index, uint64_t max)
{
	return index < 0 || (c->words[index + 1] == c->words[index + 2] &&
		c->words[index + 1] <= max &&
		(c->words[index + 1] == 0 || mapped(c, c->words[index])));
}

static bool part_at(const struct candidate *c, int index, uint64_t off)
{
	return index < 0 || c->words[index] == c->pclntab + off;
}

/* What the pclntab header says is in moduledata too. */
static bool agrees_with_header(const struct candidate *c,
	const struct row *row)
{
	const struct gu_pclntab_header *h = c->header;

	if (c->words[row->ftab + 1] != h->nfunc + 1)
		return false;
	if (h->form == GU_PCLNTAB_1_2)
		return c->words[row->pclntable] == c->pclntab &&
			c->words[row->ftab] == c->pclntab + h->functab;
	return part_at(c, row->funcnametab, h->names) &&
		part_at(c, row->cutab, h->cutab) &&
		part_at(c, row->filetab, h->files) &&
		part_at(c, row->pctab, h->pctab) &&
		part_at(c, row->pclntable, h->functab) &&
		part_at(c, row->ftab, h->functab);
}

static bool string_holds(const struct candidate *c, int index)
{
	return index < 0 || c->words[index + 1] == 0 ||
		(c->words[index + 1] < STRING_MAX &&
			mapped(c, c->words[index]));
}

/*
 * hasmain is a bool (from 1.23 with `bad`, another, beside it).  The two
 * bitvectors {n int32, bytes} behind it are empty in a file, and have both
 * length and bytes once the program runs.
 */
static bool flags_hold(const struct candidate *c, const struct row *row)
{
	uint64_t ones = c->image->mem.be ? 0x0101ull <<
		8 * (c->image->mem.ptr_size - 2u) : 0x0101;

	if (row->hasmain >= 0 && (c->words[row->hasmain] & ~ones))
		return false;
	for (int i = row->gcmasks; i < row->gcmasks + 4; i += 2)
		if ((c->words[i] == 0) != (c->words[i + 1] == 0))
			return false;
	return true;
}

/* The first text section is where text is. */
static bool text_sections_hold(const struct candidate *c,
	const struct gu_moduledata *md)
{
	uint64_t base;
	uint64_t ptr = c->image->mem.ptr_size;

	return md->textsectmap.len == 0 ||
		(gu_mem_word(&c->image->mem, md->textsectmap.addr + 2 * ptr,
			NULL, &base) == GU_OK && base == md->text);
}

/* The first type link is an offset into the types, the first itab a pointer. */
static bool links_hold(const struct candidate *c, const struct row *row,
	const struct gu_moduledata *md)
{
	uint8_t bytes[4];
	struct gu_cur cur;
	uint64_t itab;

	if (md->itablinks.len && (gu_mem_word(&c->image->mem,
			md->itablinks.addr, NULL, &itab) || !mapped(c, itab)))
		return false;
	if (row->types < 0 || md->typelinks.len == 0)
		return true;
	if (gu_mem_read(&c->image->mem, md->typelinks.addr, bytes,
		sizeof bytes, NULL))
		return false;
	cur = gu_cur(bytes, sizeof bytes, 0, c->image->mem.be, "a type link");
	return gu_cur_u32(&cur) < md->etypes - md->types;
}

static bool code_holds(const struct candidate *c,
	const struct gu_moduledata *md)
{
	return md->minpc < md->maxpc && md->text <= md->minpc &&
		md->text < md->etext &&
		(md->maxpc <= md->etext ||
			md->maxpc - md->etext <= PAD_MAX) &&
		mapped(c, md->text) && mapped(c, md->findfunctab) &&
		md->pclntable.len > 0 && md->pclntable.len <= GU_VIEW_MAX;
}

static bool data_holds(const struct gu_moduledata *md)
{
	return md->noptrdata <= md->enoptrdata && md->data <= md->edata &&
		md->bss <= md->ebss && md->noptrbss <= md->enoptrbss &&
		md->noptrdata <= md->end;
}

static bool types_hold(const struct candidate *c, const struct row *row,
	const struct gu_moduledata *md)
{
	uint64_t size = md->etypes - md->types;

	if (row->types < 0)
		return true;
	if (md->types >= md->etypes || !mapped(c, md->types))
		return false;
	if (row->rodata >= 0 && !mapped(c, md->rodata))
		return false;
	if (row->gofunc >= 0 && !mapped(c, md->gofunc))
		return false;
	if (row->epclntab >= 0 && (md->epclntab <= c->pclntab ||
		md->epclntab - c->pclntab <= c->header->functab))
		return false;
	return row->typedesclen < 0 || (md->typedesclen <= size &&
		gu_within(md->itaboffset, md->itabsize, size));
}

/* Every invariant of ROW; see go-layouts 1.5. */
static bool holds(const struct candidate *c, const struct row *row,
	struct gu_moduledata *md)
{
	uint64_t size;
	uint8_t ptr = c->image->mem.ptr_size;

	if (row->form != c->header->form)
		return false;
	decode(c, row, md);
	size = md->etypes - md->types;
	return agrees_with_header(c, row) && code_holds(c, md) &&
		data_holds(md) && types_hold(c, row, md) &&
		linker_slice(c, row->ftab, c->header->nfunc + 1) &&
		linker_slice(c, row->textsectmap, 4096) &&
		linker_slice(c, row->typelinks, row->types < 0 ?
				UINT32_MAX : size) &&
		linker_slice(c, row->itablinks, UINT32_MAX) &&
		string_holds(c, row->pluginpath) &&
		string_holds(c, row->modulename) &&
		flags_hold(c, row) && links_hold(c, row, md) &&
		text_sections_hold(c, md) &&
		md->next % ptr == 0 && md->next != c->addr;
}

/* A and B are the same but for where the last few fields stand. */
static bool same_but_tail(const struct gu_moduledata *a,
	const struct gu_moduledata *b)
{
	return a->textsectmap.addr == b->textsectmap.addr &&
		a->textsectmap.len == b->textsectmap.len &&
		a->typelinks.addr == b->typelinks.addr &&
		a->typelinks.len == b->typelinks.len &&
		a->itablinks.addr == b->itablinks.addr &&
		a->itablinks.len == b->itablinks.len &&
		a->types == b->types && a->etypes == b->etypes &&
		a->rodata == b->rodata && a->gofunc == b->gofunc &&
		a->epclntab == b->epclntab &&
		a->typedesclen == b->typedesclen &&
		a->itaboffset == b->itaboffset && a->itabsize == b->itabsize;
}

/* Keep of A what B says too. */
static void merge(struct gu_moduledata *a, const struct gu_moduledata *b)
{
	a->versions.hi = b->versions.hi;
	a->tail_unknown = true;
	if (a->pluginpath.addr != b->pluginpath.addr)
		a->pluginpath = (struct gu_slice){0, 0};
	if (a->modulename.addr != b->modulename.addr)
		a->modulename = (struct gu_slice){0, 0};
	a->hasmain = a->hasmain && b->hasmain;
	if (a->next != b->next)
		a->next = 0;
}

/* The row that holds; the known release decides between several. */
static enum gu_status choose_row(const struct candidate *c,
	struct gu_go_version known, struct gu_diag *diag,
	struct gu_moduledata *out)
{
	struct gu_moduledata found, md;
	bool any = false;

	for (size_t i = 0; i < GU_COUNT(rows); i++) {
		if (!holds(c, &rows[i], &md))
			continue;
		if (known.lo >= rows[i].first && known.hi <= rows[i].last) {
			*out = md;
			return GU_OK;
		}
		if (!any) {
			found = md;
			any = true;
		} else if (same_but_tail(&found, &md)) {
			merge(&found, &md);
		} else {
			return gu_fail_at(diag, GU_UNSUPPORTED, c->addr,
				"moduledata at 0x%" PRIx64
				" fits the forms of Go %s and %s, and there is "
				"no build info to tell",
				c->addr, found.form, md.form);
		}
	}
	if (!any)
		return gu_fail_at(diag, GU_UNSUPPORTED, c->addr,
			"moduledata at 0x%" PRIx64
			" has none of the forms of Go 1.5 to 1.%d (build info "
			"says 1.%d)",
			c->addr, rows[GU_COUNT(rows) - 1].last, known.hi);
	*out = found;
	return GU_OK;
}

static enum gu_status try_candidate(struct candidate *c,
	struct gu_go_version known, struct gu_diag *diag,
	struct gu_moduledata *out)
{
	uint8_t bytes[WORDS_MAX * 8] = {0};
	uint8_t ptr = c->image->mem.ptr_size;
	const struct gu_segment *seg = gu_image_segment(c->image, c->addr, 1);
	uint64_t left = seg ? seg->addr + seg->mem_size - c->addr : 0;
	size_t size = (size_t)WORDS_MAX * ptr;
	struct gu_cur cur;
	enum gu_status st;

	if (size > left)
		size = (size_t)left / ptr * ptr;
	st = gu_mem_read(&c->image->mem, c->addr, bytes, size, diag);
	if (st)
		return st;
	cur = gu_cur(bytes, sizeof bytes, c->addr, c->image->mem.be,
		"moduledata");
	for (size_t i = 0; i < WORDS_MAX; i++)
		c->words[i] = gu_cur_word(&cur, ptr);
	return choose_row(c, known, diag, out);
}

/*
 * Look for the pointer to the table in [addr, addr + size).  GU_NOT_FOUND if
 * no word there is one; a word that is not a moduledata's leaves its reason in
 * DIAG and *seen.
 */
static enum gu_status scan(struct candidate *c, uint64_t addr, uint64_t size,
	struct gu_go_version known, uint8_t *chunk, struct gu_diag *diag,
	bool *seen, struct gu_moduledata *out)
{
	uint8_t ptr = c->image->mem.ptr_size;
	uint8_t pointer[8]; /* to the table, as it stands in memory */
	uint64_t off = gu_align_up(addr, ptr) - addr;

	for (unsigned i = 0; i < ptr; i++)
		pointer[c->image->mem.be ? ptr - 1u - i : i] =
			(uint8_t)(c->pclntab >> 8 * i);
	while (gu_within(off, ptr, size)) {
		size_t n = size - off < CHUNK ? (size_t)(size - off) : CHUNK;
		enum gu_status st = gu_mem_read(&c->image->mem, addr + off,
			chunk, n, diag);

		if (st)
			return st;
		for (size_t i = 0; i + ptr <= n; i += ptr) {
			if ((ptr == 8 ? memcmp(chunk + i, pointer, 8) :
					memcmp(chunk + i, pointer, 4)) != 0)
				continue;
			c->addr = addr + off + i;
			st = try_candidate(c, known, diag, out);
			if (st != GU_UNSUPPORTED)
				return st;
			*seen = true;
		}
		off += n;
	}
	return GU_NOT_FOUND;
}

enum gu_status gu_moduledata_find(const struct gu_image *image,
	uint64_t pclntab, struct gu_go_version known, struct gu_diag *diag,
	struct gu_moduledata *out)
{
	const struct gu_section *section =
		gu_image_section(image, ".go.module");
	struct gu_pclntab_header header;
	struct candidate c = {
		.image = image, .header = &header, .pclntab = pclntab,
	};
	uint8_t *chunk;
	bool seen = false;
	enum gu_status st = gu_pclntab_header(image, pclntab, diag, &header);

	if (st)
		return st;
	chunk = malloc(CHUNK);
	if (!chunk)
		return gu_fail(diag, GU_NO_MEMORY, "no memory to scan with");
	st = GU_NOT_FOUND;
	if (section && section->addr) /* 1.26 and on: nothing else is in it */
		st = scan(&c, section->addr, image->mem.ptr_size, known, chunk,
			diag, &seen, out);
	for (size_t i = 0; i < image->nsegments && st == GU_NOT_FOUND; i++)
		if (image->segments[i].write)
			st = scan(&c, image->segments[i].addr,
				image->segments[i].file_size, known, chunk,
				diag, &seen, out);
	free(chunk);
	return st == GU_NOT_FOUND && seen ? GU_UNSUPPORTED : st;
}
