/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/cursor.h"

#include <endian.h>

void gu_cur_seek(struct gu_cur *cur, uint64_t off)
{
	if (off > (uint64_t)(cur->end - cur->start))
		cur->bad = true;
	else
		cur->p = cur->start + off;
}

uint16_t gu_cur_u16(struct gu_cur *cur)
{
	const uint8_t *p = gu_cur_bytes(cur, 2);
	uint16_t value = 0;

	if (p)
		memcpy(&value, p, sizeof value);
	return cur->be ? be16toh(value) : le16toh(value);
}

uint32_t gu_cur_u32(struct gu_cur *cur)
{
	const uint8_t *p = gu_cur_bytes(cur, 4);
	uint32_t value = 0;

	if (p)
		memcpy(&value, p, sizeof value);
	return cur->be ? be32toh(value) : le32toh(value);
}

uint64_t gu_cur_u64(struct gu_cur *cur)
{
	const uint8_t *p = gu_cur_bytes(cur, 8);
	uint64_t value = 0;

	if (p)
		memcpy(&value, p, sizeof value);
	return cur->be ? be64toh(value) : le64toh(value);
}

uint64_t gu_cur_word(struct gu_cur *cur, unsigned size)
{
	switch (size) {
	case 1:
		return gu_cur_u8(cur);
	case 2:
		return gu_cur_u16(cur);
	case 4:
		return gu_cur_u32(cur);
	case 8:
		return gu_cur_u64(cur);
	default:
		cur->bad = true;
		return 0;
	}
}

uint64_t gu_cur_uvarint64(struct gu_cur *cur)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = gu_cur_u8(cur);
		uint64_t part = byte & 0x7f;

		if (shift == 63 && part > 1)
			break;
		value |= part << shift;
		if (!(byte & 0x80))
			return cur->bad ? 0 : value;
	}
	cur->bad = true;
	return 0;
}

uint32_t gu_cur_uvarint32(struct gu_cur *cur)
{
	const uint8_t *p = cur->p;
	uint64_t value = gu_cur_uvarint64(cur);

	if (value > UINT32_MAX || cur->p - p > 5) {
		cur->bad = true;
		return 0;
	}
	return (uint32_t)value;
}

struct gu_str gu_cur_cstr(struct gu_cur *cur)
{
	const uint8_t *nul = NULL;
	struct gu_str s = {NULL, 0};

	if (!cur->bad && cur->p != cur->end)
		nul = memchr(cur->p, 0, gu_cur_left(cur));
	if (!nul) {
		cur->bad = true;
		return s;
	}
	s.p = (const char *)cur->p;
	s.n = (size_t)(nul - cur->p);
	cur->p = nul + 1;
	return s;
}

struct gu_str gu_cur_str(struct gu_cur *cur, size_t len)
{
	const uint8_t *p = gu_cur_bytes(cur, len);

	return (struct gu_str){(const char *)p, p ? len : 0};
}

enum gu_status gu_cur_status(const struct gu_cur *cur, struct gu_diag *diag)
{
	if (!cur->bad)
		return GU_OK;
	return gu_fail_at(diag, GU_TRUNCATED,
		cur->base + (uint64_t)(cur->end - cur->start),
		"%s: the data ends too early or a number in it is malformed",
		cur->what);
}
