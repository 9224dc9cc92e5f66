/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * .gdb_index: by what name which unit is to be read, so that GDB need not look
 * through all of .debug_info for names.  Version 8 (GDB manual, "Index Section
 * Format"; gdb/dwarf2/read-gdb-index.c).
 *
 * It serves GDB 13 to 16.  GDB 10 does not find types through it in "info
 * types", since their unit has no line table.  Later ones take it too, but cut
 * names at their dots and look for the parts in front among the names of the
 * index (there, build_name_components): GDB 18 finds neither types nor inlined
 * functions of Go through any index, its own included.
 *
 * Its names are the bytes of .debug_str, which must follow in the file: a
 * section that ends where they end has both.
 */
#ifndef GU_EMIT_GDB_INDEX_H
#define GU_EMIT_GDB_INDEX_H

#include "engine/base/buf.h"

/* GDB's numbers: include/gdb/gdb-index.h, gdb_index_symbol_kind. */
enum gu_name_kind { GU_NAME_TYPE = 1, GU_NAME_VARIABLE, GU_NAME_FUNCTION };

/* A name that a unit defines. */
struct gu_name_item {
	uint32_t at; /* where in .debug_info its offset in .debug_str is */
	enum gu_name_kind kind;
};

/* All that units define, in the order of .debug_info. */
struct gu_name_list {
	struct gu_name_item *items;
	uint32_t n, cap;
	bool wanted; /* set by who makes an index: else nothing is kept */
	bool failed; /* memory ran out */
};

void gu_name_list_deinit(struct gu_name_list *list);
void gu_name_list_add(
	struct gu_name_list *list, size_t at, enum gu_name_kind kind);
/* Forget what was added from AT on. */
void gu_name_list_cut(struct gu_name_list *list, size_t at);

/* What the index is made from: whole sections, as we write them. */
struct gu_gdb_index_in {
	const struct gu_name_list *names;
	const struct gu_buf *info, *aranges, *strs;
	uint8_t ptr_size;
};

/*
 * Append the index without its names to OUT (little-endian; a multiple of 8
 * bytes); lack of memory shows in OUT.
 */
void gu_gdb_index_put(const struct gu_gdb_index_in *in, struct gu_buf *out);

#endif
