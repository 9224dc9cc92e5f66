/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/hash.h"

static uint64_t little(const uint8_t *p, size_t n)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value |= (uint64_t)p[i] << 8 * i;
	return value;
}

uint64_t gu_hash(uint64_t seed, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t hash = seed;

	for (; len >= 8; p += 8, len -= 8)
		hash = gu_hash_u64(hash ^ little(p, 8));
	if (len)
		hash = gu_hash_u64(hash ^ little(p, len));
	return hash;
}
