/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/image/splice.h"

#include "engine/base/vec.h"

#include <inttypes.h>

/* [at, last] of the splice is [addr, …] of the source. */
struct range {
	uint64_t at, last;
	uint64_t addr;
	struct gu_mem source;
};

struct gu_splice {
	struct range *ranges; /* by address; they do not overlap */
	uint32_t n, cap;
	bool be;
	uint8_t ptr_size;
};

enum gu_status gu_splice_create(bool be, uint8_t ptr_size,
	struct gu_diag *diag, struct gu_splice **out)
{
	struct gu_splice *splice = calloc(1, sizeof *splice);

	if (!splice)
		return gu_fail(diag, GU_NO_MEMORY, "out of memory");
	splice->be = be;
	splice->ptr_size = ptr_size;
	*out = splice;
	return GU_OK;
}

void gu_splice_destroy(struct gu_splice *splice)
{
	if (!splice)
		return;
	free(splice->ranges);
	free(splice);
}

/* Index of the first range that ends at or after ADDR. */
static uint32_t find(const struct gu_splice *splice, uint64_t addr)
{
	uint32_t lo = 0, hi = splice->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (splice->ranges[mid].last < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Replace the ranges [from, to) by the N at WITH; there is room for them. */
static void replace(struct gu_splice *splice, uint32_t from, uint32_t to,
	const struct range *with, uint32_t n)
{
	memmove(splice->ranges + from + n, splice->ranges + to,
		(splice->n - to) * sizeof *with);
	memcpy(splice->ranges + from, with, n * sizeof *with);
	splice->n = splice->n - (to - from) + n;
}

enum gu_status gu_splice_add(struct gu_splice *splice,
	const struct gu_mem *source, uint64_t addr, uint64_t size, uint64_t at,
	struct gu_diag *diag)
{
	struct range new = {.at = at, .addr = addr, .source = *source};
	struct range with[3];
	uint32_t from, to, n = 0;
	uint64_t last;

	if (size == 0)
		return GU_OK;
	if (!gu_add(addr, size - 1, &last) || !gu_add(at, size - 1, &new.last))
		return gu_fail_at(diag, GU_INVALID, at,
			"0x%" PRIx64 " bytes from 0x%" PRIx64 " at 0x%" PRIx64
			" pass the end of the address space",
			size, addr, at);
	/* the new one, and the rest of one that it splits */
	if (!gu_vec_room(&splice->ranges, &splice->cap, splice->n + 1))
		return gu_fail(diag, GU_NO_MEMORY,
			"no memory for more than %" PRIu32 " ranges",
			splice->n);
	from = to = find(splice, at);
	while (to < splice->n && splice->ranges[to].at <= new.last)
		to++;
	/* What the first and the last of those stick out stays theirs. */
	if (from < to && splice->ranges[from].at < at) {
		with[n] = splice->ranges[from];
		with[n++].last = at - 1;
	}
	with[n++] = new;
	if (from < to && splice->ranges[to - 1].last > new.last) {
		with[n] = splice->ranges[to - 1];
		with[n].addr += new.last + 1 - with[n].at;
		with[n++].at = new.last + 1;
	}
	replace(splice, from, to, with, n);
	return GU_OK;
}

static enum gu_status splice_read(void *ctx, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	const struct gu_splice *splice = ctx;
	uint8_t *p = buf;

	for (uint32_t i = find(splice, addr); len > 0; i++) {
		const struct range *r;
		uint64_t left;
		size_t n;
		enum gu_status st;

		if (i == splice->n || splice->ranges[i].at > addr)
			return gu_fail_at(diag, GU_FAULT, addr,
				"nothing is known of the memory at 0x%" PRIx64,
				addr);
		r = &splice->ranges[i];
		left = r->last - addr;
		n = left < len - 1 ? (size_t)left + 1 : len;
		st = gu_mem_read(&r->source, r->addr + (addr - r->at), p, n,
			diag);
		if (st)
			return st;
		p += n;
		addr += n;
		len -= n;
	}
	return GU_OK;
}

/* The first region of R's source that shows through R and ends after ADDR. */
static enum gu_status range_region(const struct range *r, uint64_t addr,
	struct gu_region *out)
{
	uint64_t skip = addr > r->at ? addr - r->at : 0;
	uint64_t source_last = r->addr + (r->last - r->at);
	struct gu_region region;
	uint64_t first, last;
	enum gu_status st;

	st = gu_mem_next_region(&r->source, r->addr + skip, &region);
	if (st == GU_UNSUPPORTED) {
		*out = (struct gu_region){
			r->at, r->last - r->at + 1, true, true
		};
		return GU_OK;
	}
	if (st)
		return st;
	first = region.addr > r->addr ? region.addr : r->addr;
	if (first > source_last)
		return GU_NOT_FOUND;
	last = region.addr + (region.size - 1);
	if (last > source_last)
		last = source_last;
	region.addr = r->at + (first - r->addr);
	region.size = last - first + 1;
	*out = region;
	return GU_OK;
}

static enum gu_status splice_next_region(void *ctx, uint64_t addr,
	struct gu_region *out)
{
	const struct gu_splice *splice = ctx;

	for (uint32_t i = find(splice, addr); i < splice->n; i++) {
		enum gu_status st = range_region(&splice->ranges[i], addr, out);

		if (st != GU_NOT_FOUND)
			return st;
	}
	return GU_NOT_FOUND;
}

struct gu_mem gu_splice_mem(struct gu_splice *splice)
{
	static const struct gu_mem_ops ops = {
		.name = "splice",
		.read = splice_read,
		.next_region = splice_next_region,
	};

	return (struct gu_mem){&ops, splice, splice->be, splice->ptr_size};
}
