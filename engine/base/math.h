/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums and products of numbers from outside, which may not fit. */
#ifndef GU_BASE_MATH_H
#define GU_BASE_MATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True, with *out written, if a + b (a * b) fits; false otherwise. */
#define gu_add(a, b, out) (!__builtin_add_overflow((a), (b), (out)))
#define gu_mul(a, b, out) (!__builtin_mul_overflow((a), (b), (out)))

#define GU_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* True if [off, off + len) lies inside [0, size). */
static inline bool gu_within(uint64_t off, uint64_t len, uint64_t size)
{
	return off <= size && len <= size - off;
}

/* VALUE rounded up to a multiple of ALIGN, a power of two; wraps. */
static inline uint64_t gu_align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

#endif
