/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/dwarf_info.h"

#include "engine/base/math.h"

#include <dwarf.h>

static void put_attr(struct gu_buf *buf, unsigned name, unsigned form)
{
	gu_buf_uleb(buf, name);
	gu_buf_uleb(buf, form);
}

static void begin_abbrev(struct gu_buf *buf, unsigned code, unsigned tag,
	bool children)
{
	gu_buf_uleb(buf, code);
	gu_buf_uleb(buf, tag);
	gu_buf_u8(buf, children ? DW_CHILDREN_yes : DW_CHILDREN_no);
}

static void put_unit_abbrev(struct gu_buf *buf)
{
	begin_abbrev(buf, GU_DIE_UNIT, DW_TAG_compile_unit, true);
	put_attr(buf, DW_AT_name, DW_FORM_strp);
	put_attr(buf, DW_AT_language, DW_FORM_data1);
	put_attr(buf, DW_AT_stmt_list, DW_FORM_sec_offset);
	put_attr(buf, DW_AT_low_pc, DW_FORM_addr);
	put_attr(buf, DW_AT_ranges, DW_FORM_sec_offset);
	put_attr(buf, DW_AT_comp_dir, DW_FORM_strp);
	put_attr(buf, DW_AT_producer, DW_FORM_strp);
	put_attr(buf, 0, 0);
}

/* Three subprograms from CODE on: see enum gu_dwarf_code. */
static void put_func_abbrevs(struct gu_buf *buf, unsigned code)
{
	for (unsigned known = 0; known < 3; known++) {
		begin_abbrev(buf, code + known, DW_TAG_subprogram,
			code == GU_DIE_PARENT);
		put_attr(buf, DW_AT_name, DW_FORM_strp);
		if (code == GU_DIE_ABSTRACT) {
			/* or binutils takes the symbol's name at the pc */
			put_attr(buf, DW_AT_linkage_name, DW_FORM_strp);
			put_attr(buf, DW_AT_inline, DW_FORM_data1);
		} else {
			put_attr(buf, DW_AT_low_pc, DW_FORM_addr);
			put_attr(buf, DW_AT_high_pc, DW_FORM_udata);
		}
		if (known >= 1)
			put_attr(buf, DW_AT_decl_file, DW_FORM_udata);
		if (known >= 2)
			put_attr(buf, DW_AT_decl_line, DW_FORM_udata);
		/* Go says so of every function, static ones as well */
		put_attr(buf, DW_AT_external, DW_FORM_flag_present);
		put_attr(buf, 0, 0);
	}
}

static void put_call_abbrev(struct gu_buf *buf, unsigned code)
{
	begin_abbrev(buf, code, DW_TAG_inlined_subroutine, code < GU_DIE_LEAF);
	put_attr(buf, DW_AT_abstract_origin, DW_FORM_ref4);
	if (code == GU_DIE_CALL || code == GU_DIE_LEAF) {
		put_attr(buf, DW_AT_low_pc, DW_FORM_addr);
		put_attr(buf, DW_AT_high_pc, DW_FORM_udata);
	} else {
		put_attr(buf, DW_AT_ranges, DW_FORM_sec_offset);
	}
	put_attr(buf, DW_AT_call_file, DW_FORM_udata);
	put_attr(buf, DW_AT_call_line, DW_FORM_udata);
	put_attr(buf, 0, 0);
}

static void put_abbrevs(struct gu_buf *buf)
{
	put_unit_abbrev(buf);
	put_func_abbrevs(buf, GU_DIE_FUNC);
	put_func_abbrevs(buf, GU_DIE_PARENT);
	put_func_abbrevs(buf, GU_DIE_ABSTRACT);
	for (unsigned code = GU_DIE_CALL; code <= GU_DIE_LEAF_RANGES; code++)
		put_call_abbrev(buf, code);
	gu_buf_u8(buf, 0);
}

void gu_dwarf_info_init(struct gu_dwarf_info *d, unsigned version,
	uint8_t ptr_size, bool be)
{
	*d = (struct gu_dwarf_info){.version = version, .ptr_size = ptr_size};
	gu_buf_init(&d->info, be);
	gu_buf_init(&d->abbrev, be);
	gu_buf_init(&d->ranges, be);
	gu_buf_init(&d->own, be);
	gu_buf_init(&d->aranges, be);
	put_abbrevs(&d->abbrev);
	if (version >= 5) { /* DWARF 5 section 7.28: one table for all units */
		gu_buf_word(&d->ranges, 0, 4);
		gu_buf_word(&d->ranges, version, 2);
		gu_buf_u8(&d->ranges, ptr_size);
		gu_buf_u8(&d->ranges, 0);      /* segment selectors */
		gu_buf_word(&d->ranges, 0, 4); /* offset entries */
	}
}

void gu_dwarf_info_deinit(struct gu_dwarf_info *d)
{
	gu_buf_deinit(&d->info);
	gu_buf_deinit(&d->abbrev);
	gu_buf_deinit(&d->ranges);
	gu_buf_deinit(&d->own);
	gu_buf_deinit(&d->aranges);
	gu_name_list_deinit(&d->names);
	*d = (struct gu_dwarf_info){0};
}

static void begin_aranges(struct gu_dwarf_info *d)
{
	struct gu_buf *buf = &d->aranges;

	d->unit_aranges = buf->n;
	gu_buf_word(buf, 0, 4);
	gu_buf_word(buf, 2, 2); /* version, in DWARF 4 and 5 alike */
	gu_buf_word(buf, d->unit, 4);
	gu_buf_u8(buf, d->ptr_size);
	gu_buf_u8(buf, 0);
	gu_buf_zero(buf, 4); /* tuples are aligned to their size: 8 or 16 */
}

void gu_dwarf_info_begin(struct gu_dwarf_info *d,
	const struct gu_dwarf_unit *unit)
{
	struct gu_buf *info = &d->info;

	d->empty = true;
	d->unit = info->n;
	d->own.n = 0;
	gu_buf_word(info, 0, 4);
	gu_buf_word(info, d->version, 2);
	if (d->version >= 5) {
		gu_buf_u8(info, DW_UT_compile);
		gu_buf_u8(info, d->ptr_size);
		gu_buf_word(info, 0, 4); /* offset in .debug_abbrev */
	} else {
		gu_buf_word(info, 0, 4);
		gu_buf_u8(info, d->ptr_size);
	}
	gu_buf_uleb(info, GU_DIE_UNIT);
	gu_buf_word(info, unit->name, 4);
	gu_buf_u8(info, DW_LANG_Go);
	gu_buf_word(info, unit->lines, 4);
	gu_buf_word(info, 0, d->ptr_size); /* low_pc: the ranges' base */
	d->unit_ranges = info->n;
	gu_buf_word(info, 0, 4);
	gu_buf_word(info, unit->comp_dir, 4);
	gu_buf_word(info, unit->producer, 4);
	begin_aranges(d);
	d->lo = d->hi = d->next = 0;
}

static void put_range(struct gu_dwarf_info *d)
{
	if (d->lo == d->hi)
		return;
	if (d->version >= 5) {
		gu_buf_u8(&d->own, DW_RLE_start_length);
		gu_buf_word(&d->own, d->lo, d->ptr_size);
		gu_buf_uleb(&d->own, d->hi - d->lo);
	} else {
		gu_buf_word(&d->own, d->lo, d->ptr_size);
		gu_buf_word(&d->own, d->hi, d->ptr_size);
	}
	gu_buf_word(&d->aranges, d->lo, d->ptr_size);
	gu_buf_word(&d->aranges, d->hi - d->lo, d->ptr_size);
}

void gu_dwarf_info_func(struct gu_dwarf_info *d,
	const struct gu_dwarf_func *func)
{
	struct gu_buf *info = &d->info;
	unsigned known = gu_dwarf_known(func->file, func->line);

	gu_buf_uleb(info, (func->children ? GU_DIE_PARENT : GU_DIE_FUNC) +
			known);
	gu_name_list_add(&d->names, info->n, GU_NAME_FUNCTION);
	gu_buf_word(info, func->name, 4);
	gu_buf_word(info, func->entry, d->ptr_size);
	gu_buf_uleb(info, func->end - func->entry);
	if (known >= 1)
		gu_buf_uleb(info, func->file);
	if (known >= 2)
		gu_buf_uleb(info, func->line);

	d->empty = false;
	/* functions with nothing but padding between them share a range */
	if (func->entry != d->next) {
		put_range(d);
		d->lo = func->entry;
	}
	d->hi = func->end;
	d->next = func->next;
}

bool gu_dwarf_info_end(struct gu_dwarf_info *d)
{
	if (d->empty) {
		d->info.n = d->unit;
		d->aranges.n = d->unit_aranges;
		gu_name_list_cut(&d->names, d->unit);
		return false;
	}
	put_range(d);
	if (d->version >= 5)
		gu_buf_u8(&d->own, DW_RLE_end_of_list);
	else
		gu_buf_zero(&d->own, 2 * (size_t)d->ptr_size);
	gu_buf_patch(&d->info, d->unit_ranges, d->ranges.n, 4);
	gu_buf_bytes(&d->ranges, d->own.p, d->own.n);
	gu_buf_zero(&d->aranges, 2 * (size_t)d->ptr_size);
	gu_buf_patch(&d->aranges, d->unit_aranges,
		d->aranges.n - d->unit_aranges - 4, 4);
	gu_buf_u8(&d->info, 0); /* no more children */
	gu_buf_patch(&d->info, d->unit, d->info.n - d->unit - 4, 4);
	return true;
}

enum gu_status gu_dwarf_info_finish(struct gu_dwarf_info *d,
	struct gu_diag *diag)
{
	const struct gu_buf *bufs[] = {&d->info, &d->abbrev, &d->ranges,
		&d->own, &d->aranges};

	if (d->version >= 5)
		gu_buf_patch(&d->ranges, 0, d->ranges.n - 4, 4);
	for (size_t i = 0; i < GU_COUNT(bufs); i++) {
		enum gu_status st = gu_buf_status(bufs[i], diag);

		if (st)
			return st;
	}
	if (d->names.failed)
		return gu_fail(diag, GU_NO_MEMORY, "no memory for names");
	return GU_OK;
}
