/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growing array of bytes, for what we write (DWARF, text, replies).
 *
 * Failure is sticky, as with the cursor: after an allocation fails, `failed`
 * stays set and writes are dropped, so that emitters check once, at the end.
 */
#ifndef GU_BASE_BUF_H
#define GU_BASE_BUF_H

#include "engine/base/cursor.h"

struct gu_buf {
	uint8_t *p;
	size_t n, cap; /* bytes used, bytes allocated */
	bool be;       /* byte order of the multi-byte writers */
	bool failed;   /* memory ran out */
};

void gu_buf_init(struct gu_buf *buf, bool be);
void gu_buf_deinit(struct gu_buf *buf);

/* Make room for MORE bytes; false, and sticky, if memory runs out. */
bool gu_buf_reserve(struct gu_buf *buf, size_t more);

void gu_buf_grow_u8(struct gu_buf *buf, uint8_t value);

static inline void gu_buf_u8(struct gu_buf *buf, uint8_t value)
{
	if (buf->n < buf->cap)
		buf->p[buf->n++] = value;
	else
		gu_buf_grow_u8(buf, value);
}

void gu_buf_bytes(struct gu_buf *buf, const void *bytes, size_t len);
void gu_buf_zero(struct gu_buf *buf, size_t len);
/* VALUE's low SIZE bytes (1, 2, 4 or 8) in the buffer's byte order. */
void gu_buf_word(struct gu_buf *buf, uint64_t value, unsigned size);
void gu_buf_uleb(struct gu_buf *buf, uint64_t value);
void gu_buf_sleb(struct gu_buf *buf, int64_t value);
/* The characters and a NUL. */
void gu_buf_cstr(struct gu_buf *buf, struct gu_str s);
void gu_buf_str(struct gu_buf *buf, struct gu_str s);
/* VALUE's digits. */
void gu_buf_decimal(struct gu_buf *buf, uint64_t value);
void gu_buf_printf(struct gu_buf *buf, const char *format, ...) GU_PRINTF(2, 3);
/* Overwrite SIZE bytes at OFF, which must have been written before. */
void gu_buf_patch(struct gu_buf *buf, size_t off, uint64_t value,
	unsigned size);

/* GU_OK, or GU_NO_MEMORY if any write was dropped. */
enum gu_status gu_buf_status(const struct gu_buf *buf, struct gu_diag *diag)
	GU_MUST_CHECK;

#endif
