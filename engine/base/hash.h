/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A 64-bit hash of bytes: for tables in memory, and as the checksum of files
 * of our own.  It finds damage, not malice.
 */
#ifndef GU_BASE_HASH_H
#define GU_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * The same on every machine.  SEED: any number, or what the bytes before hashed
 * to, if their length was a multiple of 8; zeroes count as if they were there
 * up to the next multiple.
 */
uint64_t gu_hash(uint64_t seed, const void *bytes, size_t len);

/* One 64-bit number. */
static inline uint64_t gu_hash_u64(uint64_t value)
{
	/* 2^64 divided by the golden ratio: Knuth, TAOCP 6.4. */
	value *= UINT64_C(0x9e3779b97f4a7c15);
	return value ^ value >> 32;
}

#endif
