/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Equal strings (or 64-bit keys) get the same small number: 0, 1, 2… in the
 * order in which they are first seen.
 *
 * The strings are borrowed: they must outlive the table.
 */
#ifndef GU_BASE_INTERN_H
#define GU_BASE_INTERN_H

#include "engine/base/cursor.h"

struct gu_intern_item {
	struct gu_str str; /* p is NULL for a key */
	uint64_t key;      /* the string's hash, or the key */
};

struct gu_intern {
	struct gu_intern_item *items;
	uint32_t n, cap;
	uint32_t *slots; /* item number + 1; 0: free */
	uint32_t nslots; /* a power of two, at least twice n */
	bool failed;     /* memory ran out */
};

void gu_intern_init(struct gu_intern *table);
void gu_intern_deinit(struct gu_intern *table);

/* The number of S (of KEY); UINT32_MAX, and failed is set, without memory. */
uint32_t gu_intern_str(struct gu_intern *table, struct gu_str s);
uint32_t gu_intern_key(struct gu_intern *table, uint64_t key);

/* The number of KEY if it has one; else UINT32_MAX. */
uint32_t gu_intern_find_key(const struct gu_intern *table, uint64_t key);

#endif
