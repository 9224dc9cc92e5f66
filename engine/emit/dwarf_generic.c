/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/dwarf_generic.h"

#include "engine/base/vec.h"

enum {
	BUCKET = 8,       /* slots of a bucket, up to 1.23 */
	INLINE_MAX = 128, /* larger keys and elements stand outside of it */
};

/* What is made: each once for every pair of types. */
enum made { MADE_CHAN, MADE_MAP, MADE_KEYS, MADE_VALUES, MADE_TOPHASH };

/* A member of a struct of the runtime that gets another type. */
struct change {
	const char *member;
	struct gu_type_ref type;
};

/*
 * Where WHAT of types A and B is, if it has been made: true; else false, and
 * *at is for the caller to set.
 */
static bool is_made(struct gu_type_writer *w, enum made what, uint64_t a,
	uint64_t b, uint32_t **at)
{
	/* fewer than 2^22 types: see dwarf_types.c */
	uint64_t key = (uint64_t)what << 60 |
		(uint64_t)(a ? gu_intern_key(&w->addrs, a) : 0) << 30 |
		(b ? gu_intern_key(&w->addrs, b) : 0);
	uint32_t before = w->generics.n;
	uint32_t number = gu_intern_key(&w->generics, key);

	*at = NULL;
	if (number == UINT32_MAX || !gu_vec_room(&w->generic_offs,
					    &w->generic_offs_cap, number)) {
		w->failed = true;
		return false;
	}
	if (number == before)
		w->generic_offs[number] = 0;
	*at = &w->generic_offs[number];
	return number < before;
}

static void put_type_name(struct gu_type_writer *w, uint64_t addr)
{
	struct gu_rtype t;

	if (gu_types_read(w->types, addr, NULL, &t))
		gu_buf_str(&w->name, gu_str("unknown"));
	else
		gu_tw_name(w, &t);
}

/* The string BASE<A> or, with B, BASE<A,B>: its place. */
static uint32_t put_name(struct gu_type_writer *w, const char *base, uint64_t a,
	uint64_t b)
{
	w->name.n = 0;
	gu_buf_printf(&w->name, "%s<", base);
	put_type_name(w, a);
	if (b) {
		gu_buf_u8(&w->name, ',');
		put_type_name(w, b);
	}
	gu_buf_u8(&w->name, '>');
	return gu_tw_str(w,
		(struct gu_str){(const char *)w->name.p, w->name.n});
}

static void begin_struct(struct gu_type_writer *w, enum gu_type_die code,
	uint32_t name, uint64_t size)
{
	gu_tw_code(w, code);
	gu_tw_u32(w, name);
	gu_buf_uleb(w->out->info, size);
	if (code == GU_TDIE_KIND_STRUCT)
		gu_buf_u8(w->out->info, GU_RKIND_STRUCT);
}

/* The members of PROTO but EXCEPT, with CHANGES (N of them). */
static void copy_members(struct gu_type_writer *w,
	const struct gu_rtype *proto, const struct change *changes, size_t n,
	const char *except)
{
	for (uint64_t i = 0; i < proto->nfields; i++) {
		const struct gu_type_ref *type = NULL;
		struct gu_rfield field;

		if (!gu_tw_spend(w) ||
			gu_types_field(w->types, proto, i, NULL, &field)) {
			w->dropped++;
			return;
		}
		if (except && gu_str_eq(field.name, gu_str(except)))
			continue;
		for (size_t c = 0; c < n; c++)
			if (gu_str_eq(field.name, gu_str(changes[c].member)))
				type = &changes[c].type;
		gu_tw_member_head(w, field.name, field.off);
		if (type)
			gu_tw_ref(w, *type);
		else
			gu_tw_type(w, field.type);
		gu_buf_u8(w->out->info, field.embedded);
	}
}

/* A struct like PROTO, called NAME, with CHANGES. */
static struct gu_type_ref put_like(struct gu_type_writer *w,
	enum gu_type_die code, const struct gu_rtype *proto, uint32_t name,
	const struct change *changes, size_t n)
{
	struct gu_type_ref ref = {.off = gu_tw_here(w)};

	begin_struct(w, code, name, proto->size);
	copy_members(w, proto, changes, n, NULL);
	gu_tw_end(w);
	return ref;
}

/* --- channels ------------------------------------------------------------- */

/* A name that begins with "*" is the pointer's, and without it the struct's. */
static struct gu_type_ref put_chan(struct gu_type_writer *w, uint64_t elem)
{
	const struct gu_rtype *known = w->known;
	struct change in_sudog = {"elem", gu_tw_pointer_to(w, elem)};
	uint32_t name = put_name(w, "*sudog", elem, 0);
	struct gu_type_ref sudog = put_like(w, GU_TDIE_PLAIN_STRUCT,
		&known[GU_KNOWN_SUDOG], name + 1, &in_sudog, 1);
	struct gu_type_ref waitq, hchan;
	struct change in_waitq[2], in_hchan[2];

	sudog = gu_tw_named_pointer(w, name, sudog);
	in_waitq[0] = (struct change){"first", sudog};
	in_waitq[1] = (struct change){"last", sudog};
	waitq = put_like(w, GU_TDIE_PLAIN_STRUCT, &known[GU_KNOWN_WAITQ],
		put_name(w, "waitq", elem, 0), in_waitq, 2);
	in_hchan[0] = (struct change){"recvq", waitq};
	in_hchan[1] = (struct change){"sendq", waitq};
	name = put_name(w, "*hchan", elem, 0);
	hchan = put_like(w, GU_TDIE_PLAIN_STRUCT, &known[GU_KNOWN_HCHAN],
		name + 1, in_hchan, 2);
	return gu_tw_named_pointer(w, name, hchan);
}

/* --- maps, 1.24 and on ---------------------------------------------------- */

static struct gu_type_ref put_map(struct gu_type_writer *w,
	const struct gu_rtype *t)
{
	const struct gu_rtype *known = w->known;
	uint64_t k = t->key, v = t->elem;
	struct change in_groups = {"data", gu_tw_pointer_to(w, t->group)};
	struct change in_table, in_map;
	struct gu_type_ref table, map;
	uint32_t name;

	in_table = (struct change){"groups",
		put_like(w, GU_TDIE_KIND_STRUCT, &known[GU_KNOWN_GROUPS],
			put_name(w, "groupReference", k, v), &in_groups, 1)};
	name = put_name(w, "**table", k, v);
	table = put_like(w, GU_TDIE_KIND_STRUCT, &known[GU_KNOWN_TABLE],
		name + 2, &in_table, 1);
	table = gu_tw_named_pointer(w, name + 1, table);
	in_map = (struct change){"dirPtr", gu_tw_named_pointer(w, name, table)};
	name = put_name(w, "*map", k, v);
	map = put_like(w, GU_TDIE_KIND_STRUCT, &known[GU_KNOWN_MAP], name + 1,
		&in_map, 1);
	return gu_tw_named_pointer(w, name, map);
}

/* --- maps, up to 1.23 ----------------------------------------------------- */

/* Bytes of a key or element in a bucket. */
static uint64_t slot_size(const struct gu_type_writer *w, uint64_t addr,
	bool *indirect)
{
	struct gu_rtype t;

	*indirect = false;
	if (gu_types_read(w->types, addr, NULL, &t))
		return 0;
	*indirect = t.size > INLINE_MAX;
	return *indirect ? w->ptr : t.size;
}

/* [8]ELEM, of SIZE bytes. */
static struct gu_type_ref put_array(struct gu_type_writer *w, uint32_t name,
	struct gu_type_ref elem, uint64_t size)
{
	struct gu_type_ref ref = {.off = gu_tw_here(w)};

	gu_tw_code(w, GU_TDIE_PLAIN_ARRAY);
	gu_tw_u32(w, name);
	gu_tw_ref(w, elem);
	gu_buf_uleb(w->out->info, BUCKET * size);
	gu_tw_range(w, BUCKET);
	gu_tw_end(w);
	return ref;
}

/* The keys or values of a bucket. */
static struct gu_type_ref put_slots(struct gu_type_writer *w, enum made what,
	uint64_t elem, uint64_t *size)
{
	struct gu_type_ref type = {.addr = elem}, ref = {.off = 0};
	bool indirect;
	uint32_t *at;

	*size = slot_size(w, elem, &indirect);
	if (is_made(w, what, elem, 0, &at)) {
		ref.off = *at;
		return ref;
	}
	if (indirect)
		type = gu_tw_pointer_to(w, elem);
	ref = put_array(w, put_name(w, what == MADE_KEYS ? "[]key" : "[]val",
		elem, 0), type, *size);
	if (at)
		*at = ref.off;
	return ref;
}

/* The hashes of a bucket, where runtime.bmap is not described. */
static struct gu_type_ref put_tophash(struct gu_type_writer *w)
{
	struct gu_type_ref ref = {.off = 0};
	uint32_t *at;

	if (is_made(w, MADE_TOPHASH, 0, 0, &at)) {
		ref.off = *at;
		return ref;
	}
	ref = put_array(w, gu_tw_str(w, gu_str("[8]uint8")), w->byte, 1);
	if (at)
		*at = ref.off;
	return ref;
}

static struct gu_type_ref put_bucket(struct gu_type_writer *w,
	const struct gu_rtype *t)
{
	const struct gu_rtype *proto = &w->known[GU_KNOWN_BMAP];
	uint64_t key_size, value_size, at;
	struct gu_type_ref keys = put_slots(w, MADE_KEYS, t->key, &key_size);
	struct gu_type_ref values = put_slots(w, MADE_VALUES, t->elem,
		&value_size);
	struct gu_type_ref tophash = {.off = 0}, ref;
	uint32_t name = put_name(w, "*bucket", t->key, t->elem);
	size_t overflow;

	if (proto->addr == 0)
		tophash = put_tophash(w);
	ref.addr = 0;
	ref.off = gu_tw_here(w);
	at = BUCKET + BUCKET * (key_size + value_size);
	begin_struct(w, GU_TDIE_PLAIN_STRUCT, name + 1, at + w->ptr);
	if (proto->addr)
		copy_members(w, proto, NULL, 0, "data");
	else
		gu_tw_member(w, "tophash", 0, tophash);
	gu_tw_member(w, "keys", BUCKET, keys);
	gu_tw_member(w, "values", BUCKET + BUCKET * key_size, values);
	gu_tw_member_head(w, gu_str("overflow"), at);
	overflow = w->out->info->n;
	gu_tw_off(w, 0);
	gu_buf_u8(w->out->info, 0);
	gu_tw_end(w);
	ref = gu_tw_named_pointer(w, name, ref);
	if (!w->out->info->failed)
		gu_buf_patch(w->out->info, overflow, ref.off, 4);
	return ref;
}

static struct gu_type_ref put_hash(struct gu_type_writer *w,
	const struct gu_rtype *t)
{
	struct gu_type_ref bucket = put_bucket(w, t), hash;
	struct change changes[] = {
		{"buckets", bucket},
		{"oldbuckets", bucket},
	};
	uint32_t name = put_name(w, "*hash", t->key, t->elem);

	hash = put_like(w, GU_TDIE_PLAIN_STRUCT, &w->known[GU_KNOWN_HMAP],
		name + 1, changes, 2);
	return gu_tw_named_pointer(w, name, hash);
}

/* --- both ----------------------------------------------------------------- */

static bool has(const struct gu_type_writer *w, enum gu_known_type type)
{
	return w->known[type].addr && w->known[type].kind == GU_RKIND_STRUCT;
}

struct gu_type_ref gu_dwarf_generic(struct gu_type_writer *w,
	const struct gu_rtype *t)
{
	bool is_chan = t->kind == GU_RKIND_CHAN;
	bool is_table = has(w, GU_KNOWN_MAP) && has(w, GU_KNOWN_TABLE) &&
		has(w, GU_KNOWN_GROUPS);
	struct gu_type_ref ref = is_chan ? w->chan : w->map;
	uint32_t *at, number;

	if (is_chan ? !has(w, GU_KNOWN_HCHAN) || !has(w, GU_KNOWN_WAITQ) ||
				!has(w, GU_KNOWN_SUDOG)
		    : !is_table && !has(w, GU_KNOWN_HMAP))
		return ref;
	if (is_made(w, is_chan ? MADE_CHAN : MADE_MAP, t->elem, t->key, &at)) {
		ref = (struct gu_type_ref){.off = *at};
		return ref;
	}
	if (!at)
		return ref;
	number = (uint32_t)(at - w->generic_offs);
	ref = is_chan ? put_chan(w, t->elem) : is_table ? put_map(w, t)
		: put_hash(w, t);
	w->generic_offs[number] = ref.off; /* which may have moved */
	return ref;
}
