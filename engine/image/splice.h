/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Several memory sources as one, each at an address range of its own; where
 * ranges overlap the source that was added last wins (a core over the files
 * whose unwritten pages it left out).
 */
#ifndef GU_IMAGE_SPLICE_H
#define GU_IMAGE_SPLICE_H

#include "engine/base/mem.h"

struct gu_splice;

/* BE and PTR_SIZE are those of all sources.  GU_NO_MEMORY. */
enum gu_status gu_splice_create(bool be, uint8_t ptr_size,
	struct gu_diag *diag, struct gu_splice **out) GU_MUST_CHECK;
void gu_splice_destroy(struct gu_splice *splice); /* NULL is fine */

/*
 * Show [addr, addr + size) of SOURCE (copied; its ctx must outlive the
 * splice) at [at, at + size).  GU_INVALID if a range wraps, GU_NO_MEMORY.
 */
enum gu_status gu_splice_add(struct gu_splice *splice,
	const struct gu_mem *source, uint64_t addr, uint64_t size, uint64_t at,
	struct gu_diag *diag) GU_MUST_CHECK;

struct gu_mem gu_splice_mem(struct gu_splice *splice);

#endif
