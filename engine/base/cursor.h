/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The byte cursor: the one way in which bytes from outside are decoded.
 *
 * A read past the end returns 0 and sets `bad`, which stays set: straight-line
 * parsing needs one check at its end.  But a value that is used as a count, an
 * index or a loop bound must be checked (gu_cur_ok) before that use, and every
 * loop over a cursor tests it.
 *
 * The cursor borrows the bytes; strings handed out point into them.
 */
#ifndef GU_BASE_CURSOR_H
#define GU_BASE_CURSOR_H

#include "engine/base/status.h"

#include <stddef.h>
#include <string.h>

/* A view of characters that are not NUL-terminated; p may be NULL if n is 0. */
struct gu_str {
	const char *p;
	size_t n;
};

/* A gu_str of a C string (which must outlive it). */
static inline struct gu_str gu_str(const char *s)
{
	return (struct gu_str){s, strlen(s)};
}

static inline bool gu_str_eq(struct gu_str a, struct gu_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool gu_str_starts(struct gu_str s, struct gu_str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 ||
		(s.p[0] == prefix.p[0] &&
			memcmp(s.p, prefix.p, prefix.n) == 0));
}

/* For printf's "%.*s". */
#define GU_STR(s) (int)(s).n, (s).p

struct gu_cur {
	const uint8_t *start, *p, *end;
	uint64_t base;    /* address (or file offset) of start, for reports */
	bool be;          /* big endian */
	bool bad;         /* a read failed; everything since returned 0 */
	const char *what; /* names the data in reports; a static string */
};

static inline struct gu_cur gu_cur(const void *bytes, size_t len, uint64_t base,
	bool be, const char *what)
{
	const uint8_t *p = bytes;

	return (struct gu_cur){p, p, p ? p + len : p, base, be, !p && len,
		what};
}

static inline size_t gu_cur_left(const struct gu_cur *cur)
{
	return (size_t)(cur->end - cur->p);
}

static inline bool gu_cur_ok(const struct gu_cur *cur)
{
	return !cur->bad;
}

/* Address of the next byte. */
static inline uint64_t gu_cur_addr(const struct gu_cur *cur)
{
	return cur->base + (uint64_t)(cur->p - cur->start);
}

/* The next LEN bytes, and step over them; NULL and bad if there are fewer. */
static inline const uint8_t *gu_cur_bytes(struct gu_cur *cur, size_t len)
{
	const uint8_t *p = cur->p;

	if (cur->bad || len > gu_cur_left(cur)) {
		cur->bad = true;
		return NULL;
	}
	cur->p += len;
	return p;
}

static inline void gu_cur_skip(struct gu_cur *cur, size_t len)
{
	(void)gu_cur_bytes(cur, len);
}

/* Move to OFF bytes from the start; bad if that is past the end. */
void gu_cur_seek(struct gu_cur *cur, uint64_t off);

static inline uint8_t gu_cur_u8(struct gu_cur *cur)
{
	const uint8_t *p = gu_cur_bytes(cur, 1);

	return p ? *p : 0;
}

uint16_t gu_cur_u16(struct gu_cur *cur);
uint32_t gu_cur_u32(struct gu_cur *cur);
uint64_t gu_cur_u64(struct gu_cur *cur);

/* An unsigned word of SIZE bytes, 4 or 8 (or 1, 2); bad for other sizes. */
uint64_t gu_cur_word(struct gu_cur *cur, unsigned size);

/*
 * An unsigned LEB128 number of at most 32 or 64 bits (Go: encoding/binary
 * Uvarint; DWARF: LEB128).  bad if it does not end in 5 or 10 bytes or does
 * not fit.
 */
uint32_t gu_cur_uvarint32(struct gu_cur *cur);
uint64_t gu_cur_uvarint64(struct gu_cur *cur);

/* A NUL-terminated string without its NUL; bad if there is no NUL. */
struct gu_str gu_cur_cstr(struct gu_cur *cur);

/* LEN bytes as characters. */
struct gu_str gu_cur_str(struct gu_cur *cur, size_t len);

/*
 * GU_OK if nothing failed, else GU_TRUNCATED with a DIAG that names the data
 * and the address at which it ends.
 */
enum gu_status gu_cur_status(const struct gu_cur *cur, struct gu_diag *diag)
	GU_MUST_CHECK;

#endif
