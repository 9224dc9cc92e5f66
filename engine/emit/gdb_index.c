/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/gdb_index.h"

#include "engine/base/intern.h"
#include "engine/base/vec.h"

enum {
	VERSION = 8,
	HEADER_WORDS = 6, /* version; where the five parts begin */
	KIND_SHIFT = 28,  /* gdb-index.h: bits 28 to 30 of a vector's element */
	STATIC = 31,	  /* and bit 31 */
	ALIGN = 8,
};

/* --- the names ------------------------------------------------------------ */

void gu_name_list_deinit(struct gu_name_list *list)
{
	free(list->items);
	*list = (struct gu_name_list){0};
}

void gu_name_list_add(
	struct gu_name_list *list, size_t at, enum gu_name_kind kind)
{
	if (!list->wanted)
		return;
	if (list->failed || !gu_vec_room(&list->items, &list->cap, list->n)) {
		list->failed = true;
		return;
	}
	list->items[list->n++] = (struct gu_name_item){(uint32_t)at, kind};
}

void gu_name_list_cut(struct gu_name_list *list, size_t at)
{
	while (list->n && list->items[list->n - 1].at >= at)
		list->n--;
}

/* --- units and addresses -------------------------------------------------- */

struct writer {
	const struct gu_gdb_index_in *in;
	struct gu_buf *out;
	size_t start;		/* of the index in out */
	struct gu_intern units; /* their offsets in .debug_info */
	struct gu_intern vecs;	/* vectors of one element… */
	uint32_t *vec_offs;	/* …and where they are */
	uint32_t vec_offs_cap;
	uint32_t *next;	    /* the next of the same name, + 1; by item */
	uint32_t *first;    /* the first of a name, + 1; by slot */
	uint32_t nslots;    /* a power of two */
	struct gu_buf pool; /* the vectors */
};

static struct gu_cur cur_of(const struct gu_buf *buf, const char *what)
{
	return gu_cur(buf->p, buf->n, 0, buf->be, what);
}

/* Fill in that part number N of the header begins here. */
static void begin_part(struct writer *w, unsigned n)
{
	gu_buf_patch(w->out, w->start + (size_t)4 * n, w->out->n - w->start, 4);
}

static void put_units(struct writer *w)
{
	struct gu_cur cur = cur_of(w->in->info, ".debug_info");

	while (gu_cur_left(&cur) && gu_cur_ok(&cur)) {
		size_t at = w->in->info->n - gu_cur_left(&cur);
		uint32_t len = gu_cur_u32(&cur);

		gu_cur_skip(&cur, len);
		(void)gu_intern_key(&w->units, at);
		gu_buf_word(w->out, at, 8);
		gu_buf_word(w->out, 4 + (uint64_t)len, 8);
	}
}

/* The ranges of one unit, as dwarf_info.c writes them. */
static void put_unit_addresses(struct writer *w, struct gu_cur *cur)
{
	uint8_t size = w->in->ptr_size;
	uint32_t unit;

	gu_cur_skip(cur, 4 + 2); /* length, version */
	unit = gu_intern_key(&w->units, gu_cur_u32(cur));
	gu_cur_skip(cur, 1 + 1 + 4); /* sizes, padding */
	while (gu_cur_ok(cur)) {
		uint64_t addr = gu_cur_word(cur, size);
		uint64_t len = gu_cur_word(cur, size);

		if (len == 0)
			break;
		gu_buf_word(w->out, addr, 8);
		gu_buf_word(w->out, addr + len, 8);
		gu_buf_word(w->out, unit, 4);
	}
}

static void put_addresses(struct writer *w)
{
	struct gu_cur cur = cur_of(w->in->aranges, ".debug_aranges");

	while (gu_cur_left(&cur) && gu_cur_ok(&cur))
		put_unit_addresses(w, &cur);
}

/* --- names to units ------------------------------------------------------- */

/* The offset of item I's name in .debug_str. */
static uint32_t name_of(const struct writer *w, uint32_t i)
{
	struct gu_cur cur = cur_of(w->in->info, ".debug_info");

	gu_cur_seek(&cur, w->in->names->items[i].at);
	return gu_cur_u32(&cur);
}

static const char *text_of(const struct writer *w, uint32_t name)
{
	return (const char *)w->in->strs->p + name;
}

/* gdb/dwarf2/index-write.c, mapped_index_string_hash, since version 5. */
static uint32_t hash_of(const char *s)
{
	uint32_t hash = 0;

	for (; *s; s++) {
		uint8_t c = (uint8_t)*s;

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		hash = hash * 67 + c - 113;
	}
	return hash;
}

/* The slot of the name at NAME, or the free one where it is to be. */
static uint32_t find_slot(const struct writer *w, uint32_t name)
{
	uint32_t hash = hash_of(text_of(w, name)), mask = w->nslots - 1;
	uint32_t slot = hash & mask, step = ((hash * 17) & mask) | 1;

	for (;;) {
		uint32_t there = w->first[slot];

		if (there == 0)
			return slot;
		there = name_of(w, there - 1);
		if (there == name ||
			strcmp(text_of(w, there), text_of(w, name)) == 0)
			return slot;
		slot = (slot + step) & mask;
	}
}

/*
 * Chain the items of each name, the first of .debug_info foremost.  SLOTS: of
 * each of the OFFS, the different offsets of names: items that share one need
 * no look at its characters.
 */
static void chain_items(
	struct writer *w, struct gu_intern *offs, uint32_t *slots)
{
	for (uint32_t n = 0; n < offs->n; n++)
		slots[n] = UINT32_MAX;
	for (uint32_t i = w->in->names->n; i-- > 0;) {
		uint32_t name = name_of(w, i);
		uint32_t number = gu_intern_key(offs, name);

		if (slots[number] == UINT32_MAX)
			slots[number] = find_slot(w, name);
		w->next[i] = w->first[slots[number]];
		w->first[slots[number]] = i + 1;
	}
}

static bool chain_names(struct writer *w)
{
	uint32_t *slots = NULL;
	struct gu_intern offs;
	bool ok;

	gu_intern_init(&offs);
	for (uint32_t i = 0; i < w->in->names->n && !offs.failed; i++)
		(void)gu_intern_key(&offs, name_of(w, i));
	while (w->nslots / 4 * 3 <= offs.n)
		w->nslots *= 2;
	w->first = calloc(w->nslots, sizeof *w->first);
	if (!offs.failed)
		slots = calloc((size_t)offs.n + 1, sizeof *slots);
	if (slots && w->first)
		chain_items(w, &offs, slots);
	gu_intern_deinit(&offs);
	ok = slots && w->first;
	free(slots);
	return ok;
}

/* The unit that item I is in; items are asked for in any order. */
static uint32_t unit_of(const struct writer *w, uint32_t i)
{
	uint32_t at = w->in->names->items[i].at, lo = 0, hi = w->units.n;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (w->units.items[mid].key <= at)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* As GDB's own writer has it: types are static, all else is external. */
static uint32_t element_of(const struct writer *w, uint32_t i)
{
	uint32_t kind = w->in->names->items[i].kind;

	return unit_of(w, i) | kind << KIND_SHIFT |
	       (kind == GU_NAME_TYPE ? 1u : 0u) << STATIC;
}

/* A vector of the one ELEMENT; many names have the same. */
static uint32_t single(struct writer *w, uint32_t element)
{
	uint32_t before = w->vecs.n;
	uint32_t number = gu_intern_key(&w->vecs, element);

	if (number < before)
		return w->vec_offs[number];
	if (number == UINT32_MAX ||
		!gu_vec_room(&w->vec_offs, &w->vec_offs_cap, number)) {
		w->pool.failed = true;
		return 0;
	}
	w->vec_offs[number] = (uint32_t)w->pool.n;
	gu_buf_word(&w->pool, 1, 4);
	gu_buf_word(&w->pool, element, 4);
	return w->vec_offs[number];
}

/* The vector of the chain that begins with item I: its offset in the pool. */
static uint32_t put_vector(struct writer *w, uint32_t i)
{
	uint32_t first = element_of(w, i), last = first, n = 1;
	size_t at;

	while (w->next[i] && element_of(w, w->next[i] - 1) == first)
		i = w->next[i] - 1;
	if (w->next[i] == 0)
		return single(w, first);
	at = w->pool.n;
	gu_buf_word(&w->pool, 0, 4);
	gu_buf_word(&w->pool, first, 4);
	while (w->next[i]) {
		uint32_t element;

		i = w->next[i] - 1;
		element = element_of(w, i);
		if (element == last)
			continue;
		gu_buf_word(&w->pool, element, 4);
		last = element;
		n++;
	}
	gu_buf_patch(&w->pool, at, n, 4);
	return (uint32_t)at;
}

/*
 * The symbol table and the pool behind it, which begins with the vectors; the
 * names follow.  A free slot is all zero: no name is at offset 0.
 */
static void put_symbols(struct writer *w)
{
	size_t table = w->out->n, names;

	gu_buf_zero(w->out, 8 * (size_t)w->nslots);
	for (uint32_t slot = 0; slot < w->nslots; slot++)
		if (w->first[slot])
			gu_buf_patch(w->out, table + 8 * (size_t)slot + 4,
				put_vector(w, w->first[slot] - 1), 4);
	while ((w->out->n - w->start + w->pool.n) % ALIGN && !w->pool.failed)
		gu_buf_u8(&w->pool, 0);
	names = w->pool.n;
	for (uint32_t slot = 0; slot < w->nslots; slot++)
		if (w->first[slot])
			gu_buf_patch(w->out, table + 8 * (size_t)slot,
				names + name_of(w, w->first[slot] - 1), 4);
	begin_part(w, 5);
	gu_buf_bytes(w->out, w->pool.p, w->pool.n);
	w->out->failed |= w->pool.failed;
}

static void put_all(struct writer *w)
{
	gu_buf_word(w->out, VERSION, 4);
	gu_buf_zero(w->out, (size_t)(HEADER_WORDS - 1) * 4);
	begin_part(w, 1);
	put_units(w);
	begin_part(w, 2); /* type units: none */
	begin_part(w, 3);
	put_addresses(w);
	begin_part(w, 4);
	if (!w->units.failed && w->units.n && chain_names(w))
		put_symbols(w);
	else
		w->out->failed = true;
}

void gu_gdb_index_put(const struct gu_gdb_index_in *in, struct gu_buf *out)
{
	struct writer w = {.in = in, .out = out, .start = out->n, .nslots = 16};

	gu_intern_init(&w.units);
	gu_intern_init(&w.vecs);
	gu_buf_init(&w.pool, false);
	w.next = calloc((size_t)in->names->n + 1, sizeof *w.next);
	if (w.next && !in->names->failed && !out->failed)
		put_all(&w);
	else
		out->failed = true;
	free(w.first);
	free(w.next);
	free(w.vec_offs);
	gu_buf_deinit(&w.pool);
	gu_intern_deinit(&w.vecs);
	gu_intern_deinit(&w.units);
}
