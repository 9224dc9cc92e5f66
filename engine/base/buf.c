/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/buf.h"

#include "engine/base/math.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MIN_CAP = 256 };

void gu_buf_init(struct gu_buf *buf, bool be)
{
	*buf = (struct gu_buf){.be = be};
}

void gu_buf_deinit(struct gu_buf *buf)
{
	free(buf->p);
	*buf = (struct gu_buf){0};
}

/* From now on there is no room, for gu_buf_u8's fast path neither. */
static bool out_of_memory(struct gu_buf *buf)
{
	buf->failed = true;
	buf->cap = buf->n;
	return false;
}

bool gu_buf_reserve(struct gu_buf *buf, size_t more)
{
	size_t need, cap;
	uint8_t *p;

	if (buf->failed)
		return false;
	if (more <= buf->cap - buf->n)
		return true;
	if (!gu_add(buf->n, more, &need) || !gu_add(need, need / 2, &cap))
		return out_of_memory(buf);
	if (cap < MIN_CAP)
		cap = MIN_CAP;
	p = realloc(buf->p, cap);
	if (!p)
		return out_of_memory(buf);
	buf->p = p;
	buf->cap = cap;
	return true;
}

void gu_buf_grow_u8(struct gu_buf *buf, uint8_t value)
{
	if (gu_buf_reserve(buf, 1))
		buf->p[buf->n++] = value;
}

void gu_buf_bytes(struct gu_buf *buf, const void *bytes, size_t len)
{
	if (len == 0 || !gu_buf_reserve(buf, len))
		return;
	memcpy(buf->p + buf->n, bytes, len);
	buf->n += len;
}

void gu_buf_zero(struct gu_buf *buf, size_t len)
{
	if (len == 0 || !gu_buf_reserve(buf, len))
		return;
	memset(buf->p + buf->n, 0, len);
	buf->n += len;
}

static void put_word(uint8_t *p, uint64_t value, unsigned size, bool be)
{
	for (unsigned i = 0; i < size; i++)
		p[be ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

void gu_buf_word(struct gu_buf *buf, uint64_t value, unsigned size)
{
	if (!gu_buf_reserve(buf, size))
		return;
	put_word(buf->p + buf->n, value, size, buf->be);
	buf->n += size;
}

void gu_buf_uleb(struct gu_buf *buf, uint64_t value)
{
	while (value > 0x7f) {
		gu_buf_u8(buf, (uint8_t)(value | 0x80));
		value >>= 7;
	}
	gu_buf_u8(buf, (uint8_t)value);
}

void gu_buf_sleb(struct gu_buf *buf, int64_t value)
{
	while (value < -64 || value > 63) {
		gu_buf_u8(buf, (uint8_t)((uint64_t)value | 0x80));
		value >>= 7;
	}
	gu_buf_u8(buf, (uint8_t)(value & 0x7f));
}

void gu_buf_str(struct gu_buf *buf, struct gu_str s)
{
	gu_buf_bytes(buf, s.p, s.n);
}

void gu_buf_cstr(struct gu_buf *buf, struct gu_str s)
{
	gu_buf_str(buf, s);
	gu_buf_u8(buf, 0);
}

void gu_buf_decimal(struct gu_buf *buf, uint64_t value)
{
	uint8_t digits[20], *p = digits + sizeof digits;

	do
		*--p = (uint8_t)('0' + value % 10);
	while (value /= 10);
	gu_buf_bytes(buf, p, (size_t)(digits + sizeof digits - p));
}

void gu_buf_printf(struct gu_buf *buf, const char *format, ...)
{
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n >= 0 && gu_buf_reserve(buf, (size_t)n + 1)) {
		(void)vsnprintf((char *)buf->p + buf->n, (size_t)n + 1, format,
			again);
		buf->n += (size_t)n;
	}
	va_end(again);
}

void gu_buf_patch(struct gu_buf *buf, size_t off, uint64_t value, unsigned size)
{
	if (!buf->failed && gu_within(off, size, buf->n))
		put_word(buf->p + off, value, size, buf->be);
}

enum gu_status gu_buf_status(const struct gu_buf *buf, struct gu_diag *diag)
{
	if (!buf->failed)
		return GU_OK;
	return gu_fail(diag, GU_NO_MEMORY, "out of memory after %zu bytes",
		buf->n);
}
