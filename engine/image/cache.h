/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A cache of blocks in front of another memory source: many small reads become
 * few large ones.  A page that cannot be read as a whole is passed through, so
 * the cache never makes a readable byte unreadable.
 */
#ifndef GU_IMAGE_CACHE_H
#define GU_IMAGE_CACHE_H

#include "engine/base/mem.h"

struct gu_cache;

/*
 * A cache over UNDER (copied; its ctx must outlive the cache) of at most
 * MAX_BYTES.  GU_NO_MEMORY.
 */
enum gu_status gu_cache_create(const struct gu_mem *under, size_t max_bytes,
	struct gu_diag *diag, struct gu_cache **out) GU_MUST_CHECK;
void gu_cache_destroy(struct gu_cache *cache); /* NULL is fine */

/* The cached memory; valid until the cache is destroyed. */
struct gu_mem gu_cache_mem(struct gu_cache *cache);

#endif
