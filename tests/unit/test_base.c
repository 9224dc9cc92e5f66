/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine/base: status, cursor, buffer, memory source. */
#include "engine/base/buf.h"
#include "engine/base/math.h"
#include "engine/base/mem.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdio.h>

static void test_status(void)
{
	struct gu_diag diag = {0}, untouched = {0};
	char longest[2 * GU_DIAG_TEXT];

	for (int i = GU_OK; i <= GU_INVALID; i++)
		ok(gu_status_text((enum gu_status)i)[0] != '\0',
			"status %d has a text", i);
	ok(gu_status_text((enum gu_status)1000) != NULL,
		"a status that there is not has one too");
	ok(!gu_is_error(GU_OK) && !gu_is_error(GU_NOT_FOUND) &&
		!gu_is_error(GU_STOP) && gu_is_error(GU_FAULT),
		"answers are not errors");

	errno = ENOENT;
	is_status(gu_fail(&diag, GU_IO, "no %s", "file"), GU_IO, &diag,
		"gu_fail returns its code");
	is_int(diag.sys_errno, ENOENT, "GU_IO keeps errno");
	ok(!diag.has_addr, "and has no address");
	errno = ENOENT;
	(void)gu_fail_at(&diag, GU_FAULT, 0x1234,
		"a\x1b[2Jb\nc\xc2\x9b" "d\xc2\xa0");
	is_int(diag.sys_errno, 0, "other codes have no errno");
	ok(diag.has_addr && diag.addr == 0x1234, "gu_fail_at has its address");
	is_str(gu_str(diag.text), "a?[2Jb?c??d\xc2\xa0",
		"a terminal is not commanded");
	is_status(gu_fail_in(&diag, GU_FAULT, "%s", "file"), GU_FAULT, &diag,
		"gu_fail_in returns its code");
	is_str(gu_str(diag.text), "file: a?[2Jb?c??d\xc2\xa0",
		"and puts its text before");
	ok(diag.addr == 0x1234 && diag.code == GU_FAULT, "and keeps the rest");
	is_status(gu_fail_in(&untouched, GU_NOT_FOUND, "x"), GU_NOT_FOUND, NULL,
		"an answer passes through gu_fail_in");
	is_int(untouched.text[0], 0, "without a text");
	is_status(gu_fail(NULL, GU_BAD_DATA, "x"), GU_BAD_DATA, NULL,
		"nobody needs to want the reason");

	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	(void)gu_fail(&diag, GU_BAD_DATA, "%s", longest);
	is_int(strlen(diag.text), GU_DIAG_TEXT - 1, "a long text is cut");
	(void)gu_fail_in(&diag, GU_BAD_DATA, "%s", longest);
	is_int(strlen(diag.text), GU_DIAG_TEXT - 1, "a long context too");
}

static void test_words(void)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct gu_cur le = gu_cur(bytes, sizeof bytes, 0x1000, false, "le");
	struct gu_cur be = gu_cur(bytes, sizeof bytes, 0x1000, true, "be");
	struct gu_cur cur = le;
	struct gu_diag diag;

	is_int(gu_cur_u8(&cur), 1, "u8");
	is_int(gu_cur_u16(&cur), 0x0302, "u16, little endian");
	is_int(gu_cur_u32(&cur), 0x07060504, "u32, not aligned");
	is_int(gu_cur_addr(&cur), 0x1007, "the address of the next byte");
	is_int(gu_cur_left(&cur), 1, "bytes left");
	is_int(gu_cur_u16(&cur), 0, "a word cut by the end is 0");
	ok(!gu_cur_ok(&cur), "and the cursor is bad");
	is_int(gu_cur_u8(&cur), 0, "and stays so, though a byte is left");
	is_status(gu_cur_status(&cur, &diag), GU_TRUNCATED, NULL,
		"its status says so");
	says(&diag, "le", "and names the data");
	is_int(diag.addr, 0x1008, "and its end");
	is_status(gu_cur_status(&le, &diag), GU_OK, NULL, "a good one's");

	cur = le;
	is_int(gu_cur_u64(&cur), 0x0807060504030201, "u64, little endian");
	is_int(gu_cur_left(&cur), 0, "to the end");
	ok(gu_cur_ok(&cur), "is no failure");
	cur = be;
	is_int(gu_cur_u16(&cur), 0x0102, "u16, big endian");
	is_int(gu_cur_u32(&cur), 0x03040506, "u32, big endian");
	cur = be;
	is_int(gu_cur_u64(&cur), 0x0102030405060708, "u64, big endian");
	for (unsigned size = 0; size <= 16; size++) {
		bool right = size == 1 || size == 2 || size == 4 || size == 8;

		cur = le;
		(void)gu_cur_word(&cur, size);
		ok(gu_cur_ok(&cur) == right, "a word of %u bytes", size);
	}
}

static void test_moves(void)
{
	static const uint8_t bytes[] = "ab\0cd";
	struct gu_cur cur = gu_cur(bytes, 5, 16, false, "text");
	struct gu_cur none = gu_cur(NULL, 0, 0, false, "none");
	struct gu_cur null = gu_cur(NULL, 1, 0, false, "null");

	is_str(gu_cur_cstr(&cur), "ab", "a string");
	is_int(gu_cur_left(&cur), 2, "and its NUL are stepped over");
	is_int(gu_cur_cstr(&cur).n, 0, "a string without its NUL is empty");
	ok(!gu_cur_ok(&cur), "and bad");

	cur = gu_cur(bytes, 5, 16, false, "text");
	is_str(gu_cur_str(&cur, 2), "ab", "characters");
	gu_cur_skip(&cur, 1);
	ok(gu_cur_bytes(&cur, 2) == bytes + 3, "bytes");
	ok(gu_cur_bytes(&cur, 0) != NULL && gu_cur_ok(&cur),
		"none at the end are fine");
	ok(gu_cur_bytes(&cur, SIZE_MAX) == NULL, "a huge length is refused");

	cur = gu_cur(bytes, 5, 16, false, "text");
	gu_cur_seek(&cur, 5);
	ok(gu_cur_ok(&cur), "the end can be sought");
	gu_cur_seek(&cur, 6);
	ok(!gu_cur_ok(&cur), "what lies behind it cannot");

	ok(gu_cur_ok(&none) && gu_cur_left(&none) == 0, "no bytes at all");
	ok(!gu_cur_ok(&null), "NULL with a length is bad");
	is_int(gu_cur_u8(&null), 0, "and never read");
}

/* BYTES as a number of 32 and of 64 bits: the value, or that it is bad. */
static void check_uvarint(const char *name, const uint8_t *bytes, size_t n,
	bool fits32, bool fits64, uint64_t value)
{
	struct gu_cur a = gu_cur(bytes, n, 0, false, "a"), b = a;
	uint32_t narrow = gu_cur_uvarint32(&a);
	uint64_t wide = gu_cur_uvarint64(&b);

	ok(gu_cur_ok(&a) == fits32 && gu_cur_ok(&b) == fits64,
		"uvarint %s: 32 bits %s, 64 bits %s", name,
		fits32 ? "good" : "bad", fits64 ? "good" : "bad");
	is_int(narrow, fits32 ? value : 0, "uvarint %s: value", name);
	is_int(wide, fits64 ? value : 0, "uvarint %s: wide value", name);
}

static void test_uvarints(void)
{
#define CHECK(name, f32, f64, value, ...)                                    \
	check_uvarint(name, (const uint8_t[]){__VA_ARGS__},                  \
		sizeof((const uint8_t[]){__VA_ARGS__}), f32, f64, value)
	CHECK("0", true, true, 0, 0);
	CHECK("127", true, true, 127, 0x7f);
	CHECK("128", true, true, 128, 0x80, 1);
	CHECK("300", true, true, 300, 0xac, 2);
	CHECK("2^32 - 1", true, true, UINT32_MAX, 0xff, 0xff, 0xff, 0xff, 0xf);
	CHECK("2^32", false, true, 1ULL << 32, 0x80, 0x80, 0x80, 0x80, 0x10);
	CHECK("0 in five bytes", true, true, 0, 0x80, 0x80, 0x80, 0x80, 0);
	CHECK("0 in six", false, true, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0);
	CHECK("2^64 - 1", false, true, UINT64_MAX, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 1);
	CHECK("2^64", false, false, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		0x80, 0x80, 2);
	CHECK("eleven bytes", false, false, 0, 0x80, 0x80, 0x80, 0x80, 0x80,
		0x80, 0x80, 0x80, 0x80, 0x80, 0);
	CHECK("cut", false, false, 0, 0x80, 0x80);
#undef CHECK
}

static void test_buf(void)
{
	static const uint8_t le[] = {0x34, 0x12, 0x78, 0x56, 0x34, 0x12};
	static const uint8_t be[] = {0x12, 0x34, 0x12, 0x34, 0x56, 0x78};
	static const uint64_t numbers[] = {0, 1, 63, 64, 127, 128, 8191, 8192,
		UINT32_MAX, 1ULL << 62, UINT64_MAX};
	struct gu_buf buf;
	struct gu_cur cur;

	for (int big = 0; big < 2; big++) {
		gu_buf_init(&buf, big);
		gu_buf_word(&buf, 0x1234, 2);
		gu_buf_word(&buf, 0x12345678, 4);
		is_bytes(buf.p, big ? be : le, 6, "words, %s endian",
			big ? "big" : "little");
		gu_buf_patch(&buf, 4, big ? 0x5678 : 0x1234, 2);
		is_bytes(buf.p, big ? be : le, 6, "patched with the same");
		gu_buf_patch(&buf, 5, 0xffff, 2);
		is_bytes(buf.p, big ? be : le, 6, "a patch outside is dropped");
		gu_buf_deinit(&buf);
	}
	gu_buf_init(&buf, false);
	for (size_t i = 0; i < GU_COUNT(numbers); i++)
		gu_buf_uleb(&buf, numbers[i]);
	cur = gu_cur(buf.p, buf.n, 0, false, "uleb");
	for (size_t i = 0; i < GU_COUNT(numbers); i++)
		is_int(gu_cur_uvarint64(&cur), numbers[i], "uleb %zu", i);
	is_int(gu_cur_left(&cur), 0, "nothing else was written");
	gu_buf_deinit(&buf);

	/* Signed LEB128: the examples of DWARF 5, section 7.6, figure 38. */
	gu_buf_init(&buf, false);
	gu_buf_sleb(&buf, 2);
	gu_buf_sleb(&buf, -2);
	gu_buf_sleb(&buf, 127);
	gu_buf_sleb(&buf, -127);
	gu_buf_sleb(&buf, 128);
	gu_buf_sleb(&buf, -128);
	gu_buf_sleb(&buf, 129);
	gu_buf_sleb(&buf, -129);
	is_int(buf.n, 14, "sleb sizes");
	is_bytes(buf.p, "\x02\x7e\xff\x00\x81\x7f\x80\x01"
		"\x80\x7f\x81\x01\xff\x7e", 14, "sleb bytes");
	gu_buf_deinit(&buf);

	gu_buf_init(&buf, false);
	for (int i = 0; i < 1000; i++)
		gu_buf_printf(&buf, "%d,", i);
	gu_buf_cstr(&buf, gu_str("end"));
	gu_buf_str(&buf, gu_str("x"));
	gu_buf_zero(&buf, 2);
	gu_buf_bytes(&buf, NULL, 0);
	is_int(buf.n, 3890 + 4 + 1 + 2, "text, strings and zeroes");
	is_bytes(buf.p + 3886, "999,end\0x\0\0", 11, "and their bytes");
	is_status(gu_buf_status(&buf, NULL), GU_OK, NULL, "all was written");
	ok(!gu_buf_reserve(&buf, SIZE_MAX), "more than there is");
	gu_buf_u8(&buf, 1);
	gu_buf_word(&buf, 1, 8);
	is_int(buf.n, 3897, "is dropped from then on");
	is_status(gu_buf_status(&buf, NULL), GU_NO_MEMORY, NULL, "and told");
	gu_buf_deinit(&buf);
}

static void test_mem(void)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
	struct gu_mem_buffer buffer = {bytes, sizeof bytes, 0x1000};
	struct gu_mem mem = gu_mem_of_buffer(&buffer, true, 4);
	struct gu_region region;
	struct gu_view view;
	struct gu_diag diag;
	struct gu_cur cur;
	uint8_t out[16];
	uint64_t word;

	is_status(gu_mem_read(&mem, 0x1003, out, 6, &diag), GU_OK, &diag,
		"read to the end");
	is_bytes(out, bytes + 3, 6, "its bytes");
	is_status(gu_mem_read(&mem, 0x1003, out, 7, &diag), GU_FAULT, NULL,
		"one byte more is a fault");
	is_status(gu_mem_read(&mem, 0xfff, out, 2, &diag), GU_FAULT, NULL,
		"one byte before too");
	is_status(gu_mem_read(&mem, UINT64_MAX, out, 2, &diag), GU_FAULT, NULL,
		"a range that wraps too");
	is_status(gu_mem_read(&mem, 0, out, 0, &diag), GU_OK, &diag,
		"nothing can be read anywhere");
	is_status(gu_mem_word(&mem, 0x1001, &diag, &word), GU_OK, &diag,
		"a word");
	is_int(word, 0x02030405, "of four bytes, big endian");
	mem.ptr_size = 8;
	is_status(gu_mem_word(&mem, 0x1001, &diag, &word), GU_OK, &diag,
		"a word");
	is_int(word, 0x0203040506070809, "of eight");
	is_status(gu_mem_word(&mem, 0x1002, &diag, &word), GU_FAULT, NULL,
		"a word that is cut");
	mem.ptr_size = 16;
	is_status(gu_mem_word(&mem, 0x1000, &diag, &word), GU_INVALID, NULL,
		"pointers of 16 bytes");
	mem.ptr_size = 8;

	is_status(gu_mem_next_region(&mem, 0, &region), GU_OK, NULL,
		"the region");
	ok(region.addr == 0x1000 && region.size == 9, "is the buffer");
	is_status(gu_mem_next_region(&mem, 0x1009, &region), GU_NOT_FOUND, NULL,
		"there is one");

	is_status(gu_view_open(&mem, 0x1000, 9, &diag, &view), GU_OK, &diag,
		"a view");
	cur = gu_view_cur(&view, &mem, "view");
	is_int(gu_cur_u16(&cur), 0x0102, "has the memory's byte order");
	is_int(gu_cur_addr(&cur), 0x1002, "and address");
	gu_view_close(&view);
	gu_view_close(&view);
	is_status(gu_view_open(&mem, 0x1000, 10, &diag, &view), GU_FAULT, NULL,
		"a view of too much");
	is_status(gu_view_open(&mem, 0x1000, (uint64_t)GU_VIEW_MAX + 1, &diag,
			  &view), GU_INVALID, NULL, "of far too much");
	is_status(gu_view_open(&mem, 0x5000, 0, &diag, &view), GU_OK, &diag,
		"of nothing");
	gu_view_close(&view);
}

static void test_math(void)
{
	uint64_t sum;

	ok(gu_within(0, 0, 0) && gu_within(3, 0, 3) && gu_within(1, 2, 3),
		"inside");
	ok(!gu_within(4, 0, 3) && !gu_within(2, 2, 3) &&
		!gu_within(UINT64_MAX, 2, 3) && !gu_within(2, UINT64_MAX, 3),
		"outside");
	ok(gu_add(UINT64_MAX - 1, 1, &sum) && sum == UINT64_MAX, "a sum");
	ok(!gu_add(UINT64_MAX, 1, &sum), "one that wraps");
	ok(!gu_mul(UINT64_MAX / 2, 3, &sum), "a product that wraps");
	is_int(gu_align_up(9, 8), 16, "aligned up");
	is_int(gu_align_up(16, 8), 16, "already aligned");
}

int main(void)
{
	test_status();
	test_words();
	test_moves();
	test_uvarints();
	test_buf();
	test_mem();
	test_math();
	return tap_done();
}
