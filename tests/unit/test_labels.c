/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Labels of a goroutine in a map whose buckets share what is behind them. */
#include "engine/stack/labels.h"
#include "tests/unit/tap.h"

enum {
	BASE = 0x10000, /* the label's address: a pointer to the map */
	HMAP = BASE + 8,
	STRINGS = HMAP + 24,
	BUCKETS = STRINGS + 16,
	SLOTS = 8,
	BUCKET_SIZE = SLOTS + 4 * 8 * SLOTS + 8,
	LABELS_MAX = 1 << 12,
};

static void count(void *ctx, struct gu_str key, struct gu_str value)
{
	unsigned *n = ctx;

	*n += gu_str_eq(key, gu_str("key")) && gu_str_eq(value, gu_str("v"));
}

/* A full bucket, with NEXT behind it. */
static void put_bucket(struct gu_buf *b, uint64_t next)
{
	for (int i = 0; i < SLOTS; i++)
		gu_buf_u8(b, 0xff);
	for (int i = 0; i < SLOTS; i++) {
		gu_buf_word(b, STRINGS, 8);
		gu_buf_word(b, 3, 8);
	}
	for (int i = 0; i < SLOTS; i++) {
		gu_buf_word(b, STRINGS + 3, 8);
		gu_buf_word(b, 1, 8);
	}
	gu_buf_word(b, next, 8);
}

/* 2^LOG2 buckets that have one chain of CHAIN more behind them. */
static enum gu_status read_map(unsigned log2, unsigned chain, unsigned *n)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) b;
	struct gu_goroutine g = {.labels = BASE};
	struct gu_mem_buffer memory;
	struct gu_runtime rt = {.labels = GU_LABELS_MAP,
		.hmap = {.b = 0, .buckets = 8, .oldbuckets = 16}};
	uint64_t at = BUCKETS + ((uint64_t)BUCKET_SIZE << log2);

	gu_buf_init(&b, false);
	gu_buf_word(&b, HMAP, 8);
	gu_buf_word(&b, log2, 8);
	gu_buf_word(&b, BUCKETS, 8);
	gu_buf_word(&b, 0, 8);
	gu_buf_bytes(&b, "keyv............", 16);
	for (unsigned i = 0; i < 1u << log2; i++)
		put_bucket(&b, chain ? at : 0);
	for (unsigned i = 1; i <= chain; i++)
		put_bucket(&b, i < chain ? at + (uint64_t)i * BUCKET_SIZE : 0);
	memory = (struct gu_mem_buffer){b.p, b.n, BASE};
	rt.mem = gu_mem_of_buffer(&memory, false, 8);
	*n = 0;
	return gu_labels_read(&rt, &g, count, n, NULL);
}

int main(void)
{
	unsigned n;

	is_status(read_map(2, 0, &n), GU_OK, NULL, "four buckets");
	is_int(n, 4 * SLOTS, "all of their labels");
	is_status(read_map(0, 3, &n), GU_OK, NULL, "one with three behind it");
	is_int(n, 4 * SLOTS, "all of their labels");
	is_status(read_map(6, 16, &n), GU_BAD_DATA, NULL,
		"64 that share 16 behind them");
	is_int(n, LABELS_MAX, "no more labels than a goroutine can have");
	return tap_done();
}
