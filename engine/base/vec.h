/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Arrays that grow: a pointer, how many there are, how many there is room for.
 */
#ifndef GU_BASE_VEC_H
#define GU_BASE_VEC_H

#include "engine/base/math.h"

#include <stdlib.h>
#include <string.h>

/*
 * Make room in *ITEMS (elements of SIZE bytes, *CAP allocated) for one more
 * after N.  False, with nothing changed, if memory runs out.
 */
static inline bool gu_vec_grow(void *items, uint32_t *cap, uint32_t n,
	size_t size)
{
	uint32_t more = n + n / 2 + 16;
	size_t bytes;
	void *p;

	if (more <= n || !gu_mul((size_t)more, size, &bytes))
		return false;
	memcpy(&p, items, sizeof p);
	p = realloc(p, bytes);
	if (!p)
		return false;
	memcpy(items, &p, sizeof p);
	*cap = more;
	return true;
}

#define gu_vec_room(items, cap, n) \
	((n) < *(cap) || gu_vec_grow((items), (cap), (n), sizeof **(items)))

#endif
