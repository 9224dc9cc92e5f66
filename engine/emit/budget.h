/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How much may be written of a Go table: of names, of lines, of inlined calls
 * and of frame info each.  Programs need a third of the table's own size, or
 * less.  Where functions share tables, or names overlap, as in no program that
 * means well, it could be the square of it.
 */
#ifndef GU_EMIT_BUDGET_H
#define GU_EMIT_BUDGET_H

#include "engine/go/pclntab.h"

/* Bytes. */
static inline uint64_t gu_emit_budget(const struct gu_pclntab *tab)
{
	return 4 * (uint64_t)tab->bytes.n + (1 << 20);
}

#endif
