/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/image/cache.h"

#include "engine/base/math.h"

#include <stdlib.h>

enum { PAGE = 4096, MIN_PAGES = 16 };
/* Reads of this size gain nothing from a cache, and would empty it. */
enum { LARGE = 16 * PAGE };

/* A slot holds one of the pages that hash to it. */
struct slot {
	uint64_t addr;  /* of the page */
	uint32_t epoch; /* valid only in the cache's own epoch */
	bool whole;     /* false: the page cannot be read as a whole */
};

struct gu_cache {
	struct gu_mem under;
	uint32_t epoch;
	size_t nslots; /* a power of two */
	struct slot *slots;
	uint8_t *pages; /* of the slots; untouched ones cost nothing */
};

enum gu_status gu_cache_create(const struct gu_mem *under, size_t max_bytes,
	struct gu_diag *diag, struct gu_cache **out)
{
	struct gu_cache *cache = calloc(1, sizeof *cache);
	size_t n = MIN_PAGES;

	while (n <= max_bytes / PAGE / 2)
		n *= 2;
	if (cache) {
		cache->under = *under;
		cache->epoch = 1;
		cache->nslots = n;
		cache->slots = calloc(n, sizeof *cache->slots);
		cache->pages = malloc(n * PAGE);
	}
	if (!cache || !cache->slots || !cache->pages) {
		gu_cache_destroy(cache);
		return gu_fail(diag, GU_NO_MEMORY,
			"no memory for a cache of %zu pages", n);
	}
	*out = cache;
	return GU_OK;
}

void gu_cache_destroy(struct gu_cache *cache)
{
	if (!cache)
		return;
	free(cache->slots);
	free(cache->pages);
	free(cache);
}

void gu_cache_clear(struct gu_cache *cache)
{
	if (++cache->epoch != 0)
		return;
	memset(cache->slots, 0, cache->nslots * sizeof *cache->slots);
	cache->epoch = 1;
}

/* Neighbouring pages go to different slots; so do stacks 2^n apart. */
static size_t slot_of(const struct gu_cache *cache, uint64_t page)
{
	uint64_t n = page / PAGE;

	return (size_t)((n ^ n >> 11 ^ n >> 23) & (cache->nslots - 1));
}

/* The bytes of the page at ADDR, or NULL if it cannot be read as a whole. */
static const uint8_t *page_at(struct gu_cache *cache, uint64_t addr)
{
	size_t i = slot_of(cache, addr);
	struct slot *slot = &cache->slots[i];
	uint8_t *bytes = cache->pages + i * PAGE;

	if (slot->epoch != cache->epoch || slot->addr != addr) {
		/* Not valid while it is read: GDB may throw through us. */
		slot->epoch = 0;
		slot->whole = gu_mem_read(&cache->under, addr, bytes, PAGE,
			NULL) == GU_OK;
		slot->addr = addr;
		slot->epoch = cache->epoch;
	}
	return slot->whole ? bytes : NULL;
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
