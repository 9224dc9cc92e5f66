/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/stack/ahead.h"

#include "engine/base/hash.h"
#include "engine/base/math.h"

#include <stdlib.h>

enum {
	BATCH_FIRST = 16, /* goroutines at a time: while little is known */
	BATCH = 512,
	REACH_FIRST = 512, /* bytes of a stack: before it is known */
	REACH_MAX = 4096,
	PLACES = 256,
	RUN_MAX = 1 << 18, /* bytes that are read at once */
	BYTES = BATCH * (REACH_MAX + GU_GAP_MAX), /* runs come to no more */
};

/* What was read of a goroutine's stack, from its sp on. */
struct window {
	uint64_t addr, end; /* the sp, the stack's end; both 0: no window */
	const uint8_t *p;
	size_t n;           /* bytes at p; 0: none */
	size_t reach;       /* bytes from addr on that were asked for */
	uint64_t place;
};

/* How far the walks go that begin at one place. */
struct place {
	uint64_t hash;
	size_t reach;
};

struct gu_ahead {
	struct gu_runtime rt; /* the owner's, with our memory */
	struct gu_mem under;
	size_t first, n;      /* goroutines that the windows are of */
	struct window windows[BATCH];
	struct window *sorted[BATCH]; /* those with bytes, by address */
	struct window *current;       /* of the walk; NULL: none */
	struct place places[PLACES];  /* each where its hash says */
	uint8_t *bytes;               /* most are never touched */
};

/* --- memory --------------------------------------------------------------- */

static enum gu_status ahead_read(void *ctx, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	struct gu_ahead *ahead = ctx;
	struct window *w = ahead->current;

	if (w && gu_within(addr - w->addr, len, w->end - w->addr)) {
		size_t off = (size_t)(addr - w->addr);

		if (off + len > w->reach)
			w->reach = off + len;
		if (gu_within(off, len, w->n)) {
			memcpy(buf, w->p + off, len);
			return GU_OK;
		}
	}
	return gu_mem_read(&ahead->under, addr, buf, len, diag);
}

static enum gu_status ahead_next_region(void *ctx, uint64_t addr,
	struct gu_region *out)
{
	const struct gu_ahead *ahead = ctx;

	return gu_mem_next_region(&ahead->under, addr, out);
}

enum gu_status gu_ahead_create(const struct gu_runtime *rt,
	struct gu_diag *diag, struct gu_ahead **out)
{
	static const struct gu_mem_ops ops = {
		.name = "stacks",
		.read = ahead_read,
		.next_region = ahead_next_region,
	};
	struct gu_ahead *ahead = calloc(1, sizeof *ahead);

	if (ahead)
		ahead->bytes = malloc(BYTES);
	if (!ahead || !ahead->bytes) {
		gu_ahead_destroy(ahead);
		return gu_fail(diag, GU_NO_MEMORY,
			"no memory to read stacks ahead");
	}
	ahead->under = rt->mem;
	ahead->rt = *rt;
	ahead->rt.mem.ops = &ops;
	ahead->rt.mem.ctx = ahead;
	*out = ahead;
	return GU_OK;
}

void gu_ahead_destroy(struct gu_ahead *ahead)
{
	if (ahead)
		free(ahead->bytes);
	free(ahead);
}

/* --- how far -------------------------------------------------------------- */

static uint64_t hash_of(const struct gu_goroutine *g)
{
	return gu_hash_u64(gu_hash_u64(g->regs.pc) ^
		gu_hash_u64(g->start_pc + g->reason_number));
}

static size_t expected(const struct gu_ahead *ahead, uint64_t hash)
{
	const struct place *place = &ahead->places[hash % PLACES];

	return place->hash == hash ? place->reach : REACH_FIRST;
}

/* As far as this one went; but not all at once less far than others. */
static void learn(struct gu_ahead *ahead, const struct window *w)
{
	struct place *place = &ahead->places[w->place % PLACES];
	size_t least = place->hash == w->place
		? place->reach - place->reach / 8 : 0;
	size_t reach = w->reach < REACH_MAX ? w->reach : REACH_MAX;

	if (w->reach)
		*place = (struct place){w->place,
			reach > least ? reach : least};
}

/* --- reading -------------------------------------------------------------- */

static struct window window_of(const struct gu_ahead *ahead,
	const struct gu_goroutine *g)
{
	struct window w = {.addr = g->regs.sp, .end = g->stack_hi,
		.place = hash_of(g)};
	size_t n = expected(ahead, w.place);

	if (g->start == GU_START_NONE || w.addr < g->stack_lo ||
		w.addr >= w.end)
		return (struct window){.n = 0};
	w.n = n < w.end - w.addr ? n : (size_t)(w.end - w.addr);
	return w;
}

static int by_addr(const void *a, const void *b)
{
	const struct window *x = *(struct window *const *)a;
	const struct window *y = *(struct window *const *)b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/*
 * How many of the N windows at W are best read at once; *size is their extent.
 */
static size_t run_of(const struct gu_ahead *ahead, struct window *const *w,
	size_t n, size_t *size)
{
	size_t i = 1;

	*size = w[0]->n;
	for (; i < n; i++) {
		uint64_t off = w[i]->addr - w[0]->addr;

		if (off > *size + ahead->rt.gap || off + w[i]->n > RUN_MAX)
			break;
		if (off + w[i]->n > *size)
			*size = (size_t)off + w[i]->n;
	}
	return i;
}

/* The N windows at W; their extent of SIZE bytes goes to P. */
static void read_run(const struct gu_ahead *ahead, struct window *const *w,
	size_t n, uint8_t *p, size_t size)
{
	const struct gu_mem *mem = &ahead->rt.direct;
	bool whole = gu_mem_read(mem, w[0]->addr, p, size, NULL) == GU_OK;

	for (size_t i = 0; i < n; i++) {
		uint8_t *at = p + (w[i]->addr - w[0]->addr);

		/* what cannot be had is asked for again, word by word */
		if (!whole && gu_mem_read(mem, w[i]->addr, at, w[i]->n, NULL))
			w[i]->n = 0;
		w[i]->p = at;
	}
}

static void read_batch(struct gu_ahead *ahead,
	const struct gu_goroutine *const *list)
{
	size_t nsorted = 0, size, n;
	uint8_t *p = ahead->bytes;

	for (size_t i = 0; i < ahead->n; i++) {
		struct window *w = &ahead->windows[i];

		*w = window_of(ahead, list[ahead->first + i]);
		if (w->n)
			ahead->sorted[nsorted++] = w;
	}
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
	qsort(ahead->sorted, nsorted, sizeof ahead->sorted[0], by_addr);
	for (size_t i = 0; i < nsorted; i += n, p += size) {
		n = run_of(ahead, ahead->sorted + i, nsorted - i, &size);
		read_run(ahead, ahead->sorted + i, n, p, size);
	}
}

const struct gu_runtime *gu_ahead_of(struct gu_ahead *ahead,
	const struct gu_goroutine *const *list, size_t n, size_t i)
{
	if (ahead->current)
		learn(ahead, ahead->current);
	ahead->current = NULL;
	if (i - ahead->first >= ahead->n) {
		size_t batch = ahead->n ? ahead->n * 2 : BATCH_FIRST;

		ahead->first = i;
		ahead->n = batch < BATCH ? batch : BATCH;
		if (ahead->n > n - i)
			ahead->n = n - i;
		read_batch(ahead, list);
	}
	ahead->current = &ahead->windows[i - ahead->first];
	return &ahead->rt;
}
