/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/intern.h"

#include "engine/base/hash.h"
#include "engine/base/vec.h"

#include <stdlib.h>

enum { MIN_SLOTS = 64 };

void gu_intern_init(struct gu_intern *table)
{
	*table = (struct gu_intern){0};
}

void gu_intern_deinit(struct gu_intern *table)
{
	free(table->items);
	free(table->slots);
	*table = (struct gu_intern){0};
}

static uint32_t *find(const struct gu_intern *table, struct gu_str s,
	uint64_t key)
{
	uint32_t mask = table->nslots - 1;
	uint32_t at = (uint32_t)gu_hash_u64(key) & mask;

	for (; table->slots[at]; at = (at + 1) & mask) {
		const struct gu_intern_item *item =
			&table->items[table->slots[at] - 1];

		if (item->key == key && gu_str_eq(item->str, s))
			break;
	}
	return &table->slots[at];
}

static bool rehash(struct gu_intern *table)
{
	uint32_t nslots = table->nslots ? table->nslots * 2 : MIN_SLOTS;
	uint32_t *slots = nslots ? calloc(nslots, sizeof *slots) : NULL;

	if (!slots)
		return false;
	free(table->slots);
	table->slots = slots;
	table->nslots = nslots;
	for (uint32_t i = 0; i < table->n; i++)
		*find(table, table->items[i].str, table->items[i].key) = i + 1;
	return true;
}

static uint32_t intern(struct gu_intern *table, struct gu_str s, uint64_t key)
{
	uint32_t *slot;

	if (table->failed)
		return UINT32_MAX;
	if (table->n >= table->nslots / 2 && !rehash(table)) {
		table->failed = true;
		return UINT32_MAX;
	}
	slot = find(table, s, key);
	if (*slot)
		return *slot - 1;
	if (!gu_vec_room(&table->items, &table->cap, table->n)) {
		table->failed = true;
		return UINT32_MAX;
	}
	table->items[table->n] = (struct gu_intern_item){s, key};
	*slot = ++table->n;
	return *slot - 1;
}

uint32_t gu_intern_str(struct gu_intern *table, struct gu_str s)
{
	return intern(table, s, gu_hash(s.n, s.p, s.n));
}

uint32_t gu_intern_key(struct gu_intern *table, uint64_t key)
{
	return intern(table, (struct gu_str){NULL, 0}, key);
}

uint32_t gu_intern_find_key(const struct gu_intern *table, uint64_t key)
{
	uint32_t slot = table->nslots
		? *find(table, (struct gu_str){NULL, 0}, key) : 0;

	return slot ? slot - 1 : UINT32_MAX;
}
