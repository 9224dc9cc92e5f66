/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/stack/labels.h"

#include "engine/base/math.h"

#include <inttypes.h>

enum {
	LABELS_MAX = 1 << 12,  /* of one goroutine */
	STRING_MAX = 1 << 16,  /* bytes of a key or value */
	SLOTS = 8,             /* Go src/runtime/map.go, bucketCnt */
	FIRST_FULL = 5,        /* minTopHash: below, a slot is empty or moved */
	CHAIN_MAX = 1 << 10,   /* overflow buckets behind one */
};

struct visitor {
	const struct gu_runtime *rt;
	void (*visit)(void *ctx, struct gu_str key, struct gu_str value);
	void *ctx;
	struct gu_diag *diag;
	/* labels that may still come: buckets may share chains */
	unsigned left;
};

static enum gu_status fetch(const struct visitor *v, uint64_t addr,
	uint64_t len, struct gu_view *out)
{
	if (len > STRING_MAX)
		return gu_fail_at(v->diag, GU_BAD_DATA, addr,
			"a label of %" PRIu64 " bytes", len);
	return len ? gu_view_open(&v->rt->mem, addr, len, v->diag, out)
		   : GU_OK;
}

static struct gu_str str_of(const struct gu_view *view)
{
	return (struct gu_str){(const char *)view->p, view->n};
}

/* A pair of strings, as their headers: two words each, which CUR is at. */
static enum gu_status visit_pair(struct visitor *v, struct gu_cur *key,
	struct gu_cur *value)
{
	unsigned ptr = v->rt->mem.ptr_size;
	struct gu_view gu_cleanup(gu_view_close) k = {0};
	struct gu_view gu_cleanup(gu_view_close) val = {0};
	uint64_t addr = gu_cur_word(key, ptr);
	enum gu_status st;

	if (v->left == 0)
		return gu_fail_at(v->diag, GU_BAD_DATA, addr,
			"more than %d labels on one goroutine", LABELS_MAX);
	v->left--;
	st = fetch(v, addr, gu_cur_word(key, ptr), &k);
	if (st)
		return st;
	addr = gu_cur_word(value, ptr);
	st = fetch(v, addr, gu_cur_word(value, ptr), &val);
	if (!st)
		v->visit(v->ctx, str_of(&k), str_of(&val));
	return st;
}

/* *addr is a slice of {key, value}. */
static enum gu_status visit_slice(struct visitor *v, uint64_t addr)
{
	unsigned ptr = v->rt->mem.ptr_size;
	struct gu_view gu_cleanup(gu_view_close) view = {0};
	uint64_t array, len = 0;
	struct gu_cur cur;
	enum gu_status st = gu_mem_word(&v->rt->mem, addr, v->diag, &array);

	if (!st)
		st = gu_mem_word(&v->rt->mem, addr + ptr, v->diag, &len);
	if (st || len == 0)
		return st;
	if (len > LABELS_MAX)
		return gu_fail_at(v->diag, GU_BAD_DATA, addr,
			"%" PRIu64 " labels on one goroutine", len);
	st = gu_view_open(&v->rt->mem, array, len * 4 * ptr, v->diag, &view);
	if (st)
		return st;
	cur = gu_view_cur(&view, &v->rt->mem, "labels");
	for (uint64_t i = 0; !st && i < len; i++)
		st = visit_pair(v, &cur, &cur);
	return st;
}

/*
 * A bucket and those behind it (Go src/runtime/map.go, bmap):
 *   tophash [8]uint8, 8 keys, 8 values, overflow
 */
static enum gu_status visit_bucket(struct visitor *v, uint64_t addr)
{
	uint64_t ptr = v->rt->mem.ptr_size, strings = ptr * SLOTS * 2;
	uint64_t size = SLOTS + 2 * strings + ptr;
	enum gu_status st = GU_OK;

	for (int n = 0; !st && addr; n++) {
		struct gu_view gu_cleanup(gu_view_close) view = {0};
		struct gu_cur cur;

		if (n == CHAIN_MAX)
			return gu_fail_at(v->diag, GU_BAD_DATA, addr,
				"a map of labels without end");
		st = gu_view_open(&v->rt->mem, addr, size, v->diag, &view);
		if (st)
			return st;
		cur = gu_view_cur(&view, &v->rt->mem, "labels");
		for (unsigned i = 0; !st && i < SLOTS; i++) {
			struct gu_cur key = cur, value = cur;

			if (view.p[i] < FIRST_FULL)
				continue;
			gu_cur_seek(&key, SLOTS + ptr * 2 * i);
			gu_cur_seek(&value, SLOTS + strings + ptr * 2 * i);
			st = visit_pair(v, &key, &value);
		}
		gu_cur_seek(&cur, size - ptr);
		addr = gu_cur_word(&cur, (unsigned)ptr);
	}
	return st;
}

static enum gu_status visit_buckets(struct visitor *v, uint64_t addr,
	uint64_t n)
{
	uint64_t ptr = v->rt->mem.ptr_size;
	uint64_t size = SLOTS + ptr * SLOTS * 4 + ptr;
	enum gu_status st = GU_OK;

	for (uint64_t i = 0; !st && addr && i < n; i++)
		st = visit_bucket(v, addr + i * size);
	return st;
}

/* *addr is a *hmap.  While it grows, what has not moved is in the old half. */
static enum gu_status visit_map(struct visitor *v, uint64_t addr)
{
	const struct gu_runtime *rt = v->rt;
	uint64_t hmap, buckets, old;
	uint8_t log2;
	enum gu_status st = gu_mem_word(&rt->mem, addr, v->diag, &hmap);

	if (st || hmap == 0)
		return st;
	st = gu_mem_read(&rt->mem, hmap + rt->hmap.b, &log2, 1, v->diag);
	if (!st)
		st = gu_mem_word(&rt->mem, hmap + rt->hmap.buckets, v->diag,
			&buckets);
	if (!st)
		st = gu_mem_word(&rt->mem, hmap + rt->hmap.oldbuckets, v->diag,
			&old);
	if (st)
		return st;
	if (UINT64_C(1) << (log2 & 63) > LABELS_MAX || log2 > 63)
		return gu_fail_at(v->diag, GU_BAD_DATA, hmap,
			"2^%u buckets of labels on one goroutine", log2);
	st = visit_buckets(v, buckets, UINT64_C(1) << log2);
	return st ? st : visit_buckets(v, old,
		log2 ? UINT64_C(1) << (log2 - 1) : 1);
}

enum gu_status gu_labels_read(const struct gu_runtime *rt,
	const struct gu_goroutine *g,
	void (*visit)(void *ctx, struct gu_str key, struct gu_str value),
	void *ctx, struct gu_diag *diag)
{
	struct visitor v = {rt, visit, ctx, diag, LABELS_MAX};

	if (g->labels == 0 || rt->labels == GU_LABELS_UNKNOWN)
		return GU_OK;
	return rt->labels == GU_LABELS_MAP ? visit_map(&v, g->labels)
					   : visit_slice(&v, g->labels);
}
