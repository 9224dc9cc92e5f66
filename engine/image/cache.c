/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/image/cache.h"

#include "engine/base/math.h"

#include <stdlib.h>

/*
 * What is read is a block, or its pages where it cannot be read as a whole. Two
 * pages are what one answer of gdbserver holds; larger blocks were tried: they
 * save nothing on this machine, and cost a fifth more through gdbserver, where
 * each byte costs more than a question.
 */
enum { PAGE = 4096, PAGES = 2, BLOCK = PAGES * PAGE, MIN_BLOCKS = 8 };
enum { ALL_PAGES = (1 << PAGES) - 1 };
/* Reads of this size gain nothing from a cache, and would empty it. */
enum { LARGE = 16 * PAGE };

/* A slot holds one of the blocks that hash to it. */
struct slot {
	uint64_t addr; /* of the block */
	bool used;     /* there is one */
	uint8_t have;  /* a bit for each page that was read */
	uint8_t lack;  /* ... that cannot be read as a whole */
};

struct gu_cache {
	struct gu_mem under;
	size_t nslots; /* a power of two */
	struct slot *slots;
	uint8_t *blocks; /* of the slots; untouched ones cost nothing */
};

enum gu_status gu_cache_create(const struct gu_mem *under, size_t max_bytes,
	struct gu_diag *diag, struct gu_cache **out)
{
	struct gu_cache *cache = calloc(1, sizeof *cache);
	size_t n = MIN_BLOCKS;

	while (n <= max_bytes / BLOCK / 2)
		n *= 2;
	if (cache) {
		cache->under = *under;
		cache->nslots = n;
		cache->slots = calloc(n, sizeof *cache->slots);
		cache->blocks = malloc(n * BLOCK);
	}
	if (!cache || !cache->slots || !cache->blocks) {
		gu_cache_destroy(cache);
		return gu_fail(diag, GU_NO_MEMORY,
			"no memory for a cache of %zu bytes", n * BLOCK);
	}
	*out = cache;
	return GU_OK;
}

void gu_cache_destroy(struct gu_cache *cache)
{
	if (!cache)
		return;
	free(cache->slots);
	free(cache->blocks);
	free(cache);
}

/* Neighbouring blocks go to different slots; so do some that lie 2^n apart. */
static size_t slot_of(const struct gu_cache *cache, uint64_t block)
{
	uint64_t n = block / BLOCK;

	return (size_t)((n ^ n >> 8 ^ n >> 20) & (cache->nslots - 1));
}

/* The bytes of the page at ADDR, or NULL if it cannot be read as a whole. */
static const uint8_t *page_at(struct gu_cache *cache, uint64_t addr)
{
	uint64_t block = addr - addr % BLOCK;
	size_t i = slot_of(cache, block);
	struct slot *slot = &cache->slots[i];
	uint8_t *bytes = cache->blocks + i * BLOCK;
	uint8_t *page = bytes + addr % BLOCK;
	uint8_t bit = (uint8_t)(1U << addr % BLOCK / PAGE);

	/* Nothing is valid while it is read: GDB may throw through us. */
	if (!slot->used || slot->addr != block) {
		*slot = (struct slot){.addr = block, .used = true};
		if (gu_mem_read(&cache->under, block, bytes, BLOCK, NULL) ==
			GU_OK)
			slot->have = ALL_PAGES;
	}
	if (!((slot->have | slot->lack) & bit)) {
		if (gu_mem_read(&cache->under, addr, page, PAGE, NULL) == GU_OK)
			slot->have |= bit;
		else
			slot->lack |= bit;
	}
	return slot->have & bit ? page : NULL;
}

static enum gu_status cache_read(void *ctx, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	struct gu_cache *cache = ctx;
	uint8_t *p = buf;

	if (len >= LARGE)
		return gu_mem_read(&cache->under, addr, buf, len, diag);
	while (len > 0) {
		size_t off = (size_t)(addr % PAGE);
		size_t n = PAGE - off < len ? PAGE - off : len;
		const uint8_t *page = page_at(cache, addr - off);

		if (page) {
			memcpy(p, page + off, n);
		} else {
			enum gu_status st = gu_mem_read(&cache->under, addr, p,
				n, diag);

			if (st)
				return st;
		}
		p += n;
		addr += n;
		len -= n;
	}
	return GU_OK;
}

static enum gu_status cache_next_region(void *ctx, uint64_t addr,
	struct gu_region *out)
{
	struct gu_cache *cache = ctx;

	return gu_mem_next_region(&cache->under, addr, out);
}

struct gu_mem gu_cache_mem(struct gu_cache *cache)
{
	static const struct gu_mem_ops ops = {
		.name = "cache",
		.read = cache_read,
		.next_region = cache_next_region,
	};

	return (struct gu_mem){
		&ops, cache, cache->under.be, cache->under.ptr_size
	};
}
