/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/mem.h"

#include "engine/base/math.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum gu_status gu_mem_read(const struct gu_mem *mem, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	uint64_t last;

	if (len == 0)
		return GU_OK;
	if (!gu_add(addr, (uint64_t)len - 1, &last))
		return gu_fail_at(diag, GU_FAULT, addr,
			"%zu bytes at 0x%" PRIx64
			" would pass the end of the address space",
			len, addr);
	return mem->ops->read(mem->ctx, addr, buf, len, diag);
}

enum gu_status gu_mem_word(const struct gu_mem *mem, uint64_t addr,
	struct gu_diag *diag, uint64_t *out)
{
	uint8_t bytes[8];
	struct gu_cur cur;
	enum gu_status st;

	if (mem->ptr_size > sizeof bytes)
		return gu_fail(diag, GU_INVALID, "pointers of %u bytes",
			mem->ptr_size);
	st = gu_mem_read(mem, addr, bytes, mem->ptr_size, diag);
	if (st)
		return st;
	cur = gu_cur(bytes, mem->ptr_size, addr, mem->be, "a word");
	*out = gu_cur_word(&cur, mem->ptr_size);
	return gu_cur_status(&cur, diag);
}

static int by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* In ns, as it is more often than not; UINT64_MAX: it cannot be read. */
static uint64_t read_time(const struct gu_mem *mem, uint64_t addr, size_t len)
{
	enum { TIMES = 5 };
	uint8_t bytes[GU_GAP_SAMPLE];
	struct timespec from, to;
	uint64_t ns[TIMES];

	for (int i = 0; i < TIMES; i++) {
		if (clock_gettime(CLOCK_MONOTONIC, &from) ||
			gu_mem_read(mem, addr, bytes, len, NULL) ||
			clock_gettime(CLOCK_MONOTONIC, &to))
			return UINT64_MAX;
		ns[i] = (uint64_t)(to.tv_sec - from.tv_sec) * 1000000000 +
			(uint64_t)to.tv_nsec - (uint64_t)from.tv_nsec;
	}
	qsort(ns, TIMES, sizeof ns[0], by_time);
	return ns[TIMES / 2];
}

size_t gu_mem_gap(const struct gu_mem *mem, uint64_t addr)
{
	uint64_t question = read_time(mem, addr, 1);
	uint64_t all = read_time(mem, addr, GU_GAP_SAMPLE);
	uint64_t gap;

	if (all == UINT64_MAX || all <= question ||
		!gu_mul(question, (uint64_t)GU_GAP_SAMPLE, &gap))
		return GU_GAP_MAX;
	gap /= all - question;
	return gap < GU_GAP_MIN ? GU_GAP_MIN
		: gap > GU_GAP_MAX ? GU_GAP_MAX : (size_t)gap;
}

enum gu_status gu_mem_next_region(const struct gu_mem *mem, uint64_t addr,
	struct gu_region *out)
{
	if (!mem->ops->next_region)
		return GU_UNSUPPORTED;
	return mem->ops->next_region(mem->ctx, addr, out);
}

enum gu_status gu_view_open(const struct gu_mem *mem, uint64_t addr,
	uint64_t len, struct gu_diag *diag, struct gu_view *out)
{
	struct gu_view view = {NULL, 0, addr};
	enum gu_status st;

	if (len > GU_VIEW_MAX)
		return gu_fail_at(diag, GU_INVALID, addr,
			"%" PRIu64
			" bytes at once are more than the %d allowed",
			len, GU_VIEW_MAX);
	view.n = (size_t)len;
	view.p = malloc(view.n ? view.n : 1);
	if (!view.p)
		return gu_fail_at(diag, GU_NO_MEMORY, addr,
			"no memory for %zu bytes", view.n);
	st = gu_mem_read(mem, addr, view.p, view.n, diag);
	if (st) {
		gu_view_close(&view);
		return st;
	}
	*out = view;
	return GU_OK;
}

void gu_view_close(struct gu_view *view)
{
	free(view->p);
	*view = (struct gu_view){0};
}

struct gu_cur gu_view_cur(const struct gu_view *view, const struct gu_mem *mem,
	const char *what)
{
	return gu_cur(view->p, view->n, view->addr, mem->be, what);
}

static enum gu_status buffer_read(void *ctx, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	const struct gu_mem_buffer *buffer = ctx;

	if (addr < buffer->addr ||
		!gu_within(addr - buffer->addr, len, buffer->n))
		return gu_fail_at(diag, GU_FAULT, addr,
			"%zu bytes at 0x%" PRIx64 " are not in the buffer", len,
			addr);
	memcpy(buf, buffer->p + (addr - buffer->addr), len);
	return GU_OK;
}

static enum gu_status buffer_next_region(void *ctx, uint64_t addr,
	struct gu_region *out)
{
	const struct gu_mem_buffer *buffer = ctx;

	if (buffer->n == 0 ||
		(addr >= buffer->addr && addr - buffer->addr >= buffer->n))
		return GU_NOT_FOUND;
	*out = (struct gu_region){buffer->addr, buffer->n, true, true};
	return GU_OK;
}

struct gu_mem gu_mem_of_buffer(struct gu_mem_buffer *buffer, bool be,
	uint8_t ptr_size)
{
	static const struct gu_mem_ops ops = {
		.name = "buffer",
		.read = buffer_read,
		.next_region = buffer_next_region,
	};

	return (struct gu_mem){&ops, buffer, be, ptr_size};
}
