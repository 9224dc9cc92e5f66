/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * engine/stack/ahead: whatever is read ahead, a walk gets the bytes that the
 * target has, or its error; and the target is asked for little more than what
 * the walks look at.  engine/base/mem: what lies between two pieces.
 */
#include "engine/base/math.h"
#include "engine/stack/ahead.h"
#include "tests/unit/tap.h"

#include <stdlib.h>
#include <time.h>

enum {
	STACKS = 3000, STACK = 2048, BASE = 0x10000,
	USED = 1024,  /* bytes below the end where walks begin */
	SHORT = 200, LONG = 900, /* how far they go */
	HOLE = 700,   /* the stack of which a part cannot be read */
	ALL = STACKS * STACK,
	CALM = 2 * HOLE, /* from here on walks are short again */
	HOLE_OFF = STACK - USED + 128, HOLE_SIZE = 64,
};

struct memory {
	size_t reads, bytes;
};

static uint8_t byte_at(uint64_t addr)
{
	return (uint8_t)(addr * 13 + addr / 251);
}

static uint64_t stack_at(size_t i)
{
	return BASE + i * STACK;
}

static enum gu_status memory_read(void *ctx, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	struct memory *memory = ctx;
	uint64_t hole = stack_at(HOLE) + HOLE_OFF;
	uint8_t *p = buf;

	memory->reads++;
	memory->bytes += len;
	if (addr < BASE || !gu_within(addr - BASE, len, ALL) ||
		(addr < hole + HOLE_SIZE && addr + len > hole))
		return gu_fail_at(diag, GU_FAULT, addr, "a hole");
	for (size_t i = 0; i < len; i++)
		p[i] = byte_at(addr + i);
	return GU_OK;
}

static const struct gu_mem_ops ops = {.name = "stacks", .read = memory_read};

/* Each with its stack; of each eighth the walk goes far. */
struct program {
	struct gu_goroutine g[STACKS];
	const struct gu_goroutine *list[STACKS];
	struct memory mem, direct;
	struct gu_runtime rt;
};

static size_t length(size_t i)
{
	return i % 8 == 7 ? LONG : SHORT;
}

static struct program *make_program(size_t gap)
{
	struct program *p = calloc(1, sizeof *p);

	for (size_t i = 0; i < STACKS; i++) {
		uint64_t lo = stack_at(i);

		p->list[i] = &p->g[i];
		p->g[i] = (struct gu_goroutine){.start = GU_START_SAVED,
			.stack_lo = lo, .stack_hi = lo + STACK,
			.reason_number = 1, .start_pc = 0x400000,
			.regs = {.pc = 0x500000 + length(i),
				.sp = lo + STACK - USED}};
	}
	p->rt.mem = (struct gu_mem){&ops, &p->mem, false, 8};
	p->rt.direct = (struct gu_mem){&ops, &p->direct, false, 8};
	p->rt.gap = gap;
	return p;
}

/* Read words of the stack of I from FROM on; how many were not as they are. */
static size_t walk(const struct gu_runtime *rt, const struct program *p,
	size_t i, size_t len)
{
	uint64_t hole = stack_at(HOLE) + HOLE_OFF;
	uint8_t bytes[8];
	size_t wrong = 0;

	for (size_t off = 0; off + 8 <= len; off += 8) {
		uint64_t addr = p->g[i].regs.sp + off;
		bool there = addr + 8 <= hole || addr >= hole + HOLE_SIZE;
		enum gu_status st = gu_mem_read(&rt->mem, addr, bytes, 8,
			NULL);

		wrong += st != (there ? GU_OK : GU_FAULT);
		for (size_t j = 0; j < 8 && !st; j++)
			wrong += bytes[j] != byte_at(addr + j);
	}
	return wrong;
}

static size_t walk_all(struct program *p)
{
	struct gu_ahead *ahead;
	struct gu_diag diag;
	size_t wrong = 0;

	is_status(gu_ahead_create(&p->rt, &diag, &ahead), GU_OK, &diag,
		"stacks that are read ahead");
	for (size_t i = 0; i < STACKS; i++)
		wrong += walk(gu_ahead_of(ahead, p->list, STACKS, i), p, i,
			length(i));
	gu_ahead_destroy(ahead);
	return wrong;
}

/* A target of which each byte costs. */
static void test_far(void)
{
	struct program *p = make_program(GU_GAP_MIN);
	size_t needed = 0;

	for (size_t i = 0; i < STACKS; i++)
		needed += length(i);
	is_int(walk_all(p), 0, "all bytes are the target's");
	/* but the first batch's, and those with the hole */
	ok(p->direct.reads < STACKS + 10, "in %zu reads", p->direct.reads);
	ok(p->direct.bytes < needed + needed / 20,
		"of %zu bytes, %zu were needed", p->direct.bytes, needed);
	ok(p->mem.reads < 200, "and %zu that were not foreseen",
		p->mem.reads);
	free(p);
}

/* One of which each question does. */
static void test_near(void)
{
	struct program *p = make_program(GU_GAP_MAX);

	is_int(walk_all(p), 0, "all bytes are the target's");
	/* those of the stack with the hole are read one by one */
	ok(p->direct.reads < 200 && p->direct.bytes / 2 < ALL,
		"in %zu reads, of %zu bytes", p->direct.reads,
		p->direct.bytes);
	free(p);
}

/* Walks that go further, or less far, than those before. */
static void test_change(void)
{
	struct program *p = make_program(GU_GAP_MIN);
	struct gu_ahead *ahead;
	struct gu_diag diag;
	size_t wrong = 0, bytes = 0;

	is_status(gu_ahead_create(&p->rt, &diag, &ahead), GU_OK, &diag,
		"stacks that change");
	for (size_t i = 0; i < STACKS; i++) {
		p->g[i].regs.pc = 0x500000;
		wrong += walk(gu_ahead_of(ahead, p->list, STACKS, i), p, i,
			i < HOLE ? SHORT : i < CALM ? USED : SHORT);
		if (i == CALM)
			bytes = p->direct.bytes;
	}
	is_int(wrong, 0, "are read as they are");
	bytes = (p->direct.bytes - bytes) / (STACKS - CALM);
	ok(bytes / 2 < SHORT, "what was far once is forgotten: %zu bytes each",
		bytes);
	gu_ahead_destroy(ahead);
	free(p);
}

/* What has no stack to be read, or two the same. */
static void test_odd(void)
{
	struct program *p = make_program(GU_GAP_MAX);
	struct gu_ahead *ahead;
	struct gu_diag diag;
	uint8_t byte;
	size_t wrong = 0;

	p->g[0].start = GU_START_NONE;
	p->g[1].regs.sp = p->g[1].stack_lo - 8;
	p->g[2].regs.sp = p->g[2].stack_hi;
	p->g[3].stack_hi = UINT64_MAX;
	p->g[4] = p->g[5];
	p->g[6].regs.sp = UINT64_MAX - 8;
	p->g[6].stack_hi = UINT64_MAX;
	p->g[6].stack_lo = 1;
	is_status(gu_ahead_create(&p->rt, &diag, &ahead), GU_OK, &diag,
		"goroutines without order");
	for (size_t i = 0; i < 6; i++)
		wrong += walk(gu_ahead_of(ahead, p->list, 20, i), p, i, 64);
	is_int(wrong, 0, "are read as if they had any");
	is_status(gu_mem_read(&gu_ahead_of(ahead, p->list, 20, 6)->mem,
		UINT64_MAX - 8, &byte, 1, &diag), GU_FAULT, NULL,
		"no memory up there");
	is_int(walk(gu_ahead_of(ahead, p->list, 20, 19), p, 19, SHORT), 0,
		"the last");
	is_int(walk(gu_ahead_of(ahead, p->list, 20, 7), p, 7, LONG), 0,
		"out of order");
	gu_ahead_destroy(ahead);
	gu_ahead_destroy(NULL);
	free(p);
}

/* --- gaps ----------------------------------------------------------------- */

/* The clock of the tests: it goes on while they read. */
static uint64_t now;

int __wrap_clock_gettime(clockid_t id, struct timespec *t);

/* NOLINTNEXTLINE(bugprone-reserved-identifier): the linker's, as in test_oom */
int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
	(void)id;
	t->tv_sec = (time_t)(now / 1000000000);
	t->tv_nsec = (long)(now % 1000000000);
	return 0;
}

/* In ns: of a read, and of a byte. */
struct slow {
	uint64_t read, byte;
	bool fails;
};

static enum gu_status slow_read(void *ctx, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	const struct slow *slow = ctx;

	now += slow->read + len * slow->byte;
	if (slow->fails)
		return gu_fail_at(diag, GU_FAULT, addr, "a hole");
	memset(buf, 0, len);
	return GU_OK;
}

static void test_gap(void)
{
	static const struct gu_mem_ops slow_ops = {.name = "slow",
		.read = slow_read};
	struct slow slow = {100000, 100, false};
	struct gu_mem mem = {&slow_ops, &slow, false, 8};
	size_t gap = gu_mem_gap(&mem, BASE);

	/* of one byte; so it is a byte more */
	is_int(gap, 1001, "100 us are as long as 1000 bytes of 0.1 us");
	slow = (struct slow){10000000, 1, false};
	is_int(gu_mem_gap(&mem, BASE), GU_GAP_MAX, "a slow line");
	slow = (struct slow){0, 1000, false};
	is_int(gu_mem_gap(&mem, BASE), GU_GAP_MIN, "a narrow one");
	slow.fails = true;
	is_int(gu_mem_gap(&mem, BASE), GU_GAP_MAX, "one that is not there");
}

int main(void)
{
	test_far();
	test_near();
	test_change();
	test_odd();
	test_gap();
	return tap_done();
}
