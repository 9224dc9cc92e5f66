/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/dwarf_frame.h"

#include "engine/stack/unwind.h"

#include <dwarf.h>

struct writer {
	const struct gu_module *module;
	const struct gu_unwind_numbers *numbers;
	struct gu_buf *out;
	int64_t ra_size;        /* bytes that a call pushes: cfa - sp at entry */
	size_t cie; /* where it begins; SIZE_MAX: not yet written */
};

enum {
	/* .debug_frame's: 1 up to DWARF 2, 3 in 3, 4 since; DWARF 5 7.24 */
	CIE_VERSION = 4,
	LENGTH_SIZE = 4, /* 32-bit DWARF */
	DATA_ALIGN = -8, /* saved registers are multiples of it from the CFA */
};

static size_t begin_entry(struct writer *w)
{
	size_t at = w->out->n;

	gu_buf_word(w->out, 0, LENGTH_SIZE); /* patched by end_entry */
	return at;
}

static void end_entry(struct writer *w, size_t at)
{
	while ((w->out->n - at - LENGTH_SIZE) % w->module->tab.ptr_size &&
		!w->out->failed)
		gu_buf_u8(w->out, DW_CFA_nop);
	gu_buf_patch(w->out, at, w->out->n - at - LENGTH_SIZE, LENGTH_SIZE);
}

static void put_offset(struct writer *w, uint8_t reg, int64_t off)
{
	int64_t factored = off / DATA_ALIGN;

	if (factored < 0) {
		gu_buf_u8(w->out, DW_CFA_offset_extended_sf);
		gu_buf_uleb(w->out, reg);
		gu_buf_sleb(w->out, factored);
	} else {
		gu_buf_u8(w->out, (uint8_t)(DW_CFA_offset | reg));
		gu_buf_uleb(w->out, (uint64_t)factored);
	}
}

static void put_rule(struct writer *w, uint8_t rule, uint8_t reg)
{
	gu_buf_u8(w->out, rule);
	gu_buf_uleb(w->out, reg);
}

/* What holds at a function's entry. */
static size_t put_cie(struct writer *w)
{
	size_t at = begin_entry(w);

	gu_buf_word(w->out, UINT32_MAX, 4); /* CIE_id */
	gu_buf_u8(w->out, CIE_VERSION);
	gu_buf_cstr(w->out, gu_str(""));
	gu_buf_u8(w->out, w->module->tab.ptr_size);
	gu_buf_u8(w->out, 0); /* segment selector size */
	gu_buf_uleb(w->out, w->module->tab.quantum);
	gu_buf_sleb(w->out, DATA_ALIGN);
	gu_buf_uleb(w->out, w->numbers->ra);
	gu_buf_u8(w->out, DW_CFA_def_cfa);
	gu_buf_uleb(w->out, w->numbers->sp);
	gu_buf_uleb(w->out, (uint64_t)w->ra_size);
	if (w->ra_size)
		put_offset(w, w->numbers->ra, -w->ra_size);
	else
		put_rule(w, DW_CFA_same_value, w->numbers->ra);
	put_rule(w, DW_CFA_same_value, w->numbers->fp);
	end_entry(w, at);
	return at;
}

static size_t cie_of(struct writer *w)
{
	if (w->cie == SIZE_MAX)
		w->cie = put_cie(w);
	return w->cie;
}

static void put_advance(struct writer *w, uint64_t bytes)
{
	uint64_t delta = bytes / w->module->tab.quantum;

	if (delta < 0x40) {
		gu_buf_u8(w->out, (uint8_t)(DW_CFA_advance_loc | delta));
	} else if (delta <= UINT8_MAX) {
		gu_buf_u8(w->out, DW_CFA_advance_loc1);
		gu_buf_word(w->out, delta, 1);
	} else if (delta <= UINT16_MAX) {
		gu_buf_u8(w->out, DW_CFA_advance_loc2);
		gu_buf_word(w->out, delta, 2);
	} else {
		gu_buf_u8(w->out, DW_CFA_advance_loc4);
		gu_buf_word(w->out, delta, 4);
	}
}

/* What a row says, as far as DWARF can: compared to leave out repetitions. */
struct state {
	int64_t cfa_off;
	enum { RA_SAVED, RA_SAME, RA_UNDEFINED } ra;
	int64_t ra_off;
	enum { FP_SAVED, FP_SAME, FP_UNDEFINED } fp;
	int64_t fp_off;
};

static struct state state_of(const struct gu_row *row)
{
	struct state s = {
		.cfa_off = row->cfa_off,
		.ra = row->end_of_stack ? RA_UNDEFINED :
			row->ra_in_lr ? RA_SAME : RA_SAVED,
		.fp = row->fp == GU_FP_SAME ? FP_SAME :
			row->fp == GU_FP_SAVED ? FP_SAVED : FP_UNDEFINED,
	};

	if (s.ra == RA_SAVED)
		s.ra_off = row->ra_off;
	if (s.fp == FP_SAVED)
		s.fp_off = row->fp_off;
	return s;
}

static struct state entry_state(const struct writer *w)
{
	return (struct state){
		.cfa_off = w->ra_size,
		.ra = w->ra_size ? RA_SAVED : RA_SAME,
		.ra_off = -w->ra_size,
		.fp = FP_SAME,
	};
}

static bool same_state(const struct state *a, const struct state *b)
{
	return a->cfa_off == b->cfa_off && a->ra == b->ra &&
		a->ra_off == b->ra_off && a->fp == b->fp &&
		a->fp_off == b->fp_off;
}

static void put_changes(struct writer *w, const struct state *old,
	const struct state *s)
{
	static const uint8_t ra_rules[] = {
		[RA_SAME] = DW_CFA_same_value,
		[RA_UNDEFINED] = DW_CFA_undefined,
	};
	static const uint8_t fp_rules[] = {
		[FP_SAME] = DW_CFA_same_value,
		[FP_UNDEFINED] = DW_CFA_undefined,
	};

	if (s->cfa_off != old->cfa_off && s->cfa_off >= 0) {
		gu_buf_u8(w->out, DW_CFA_def_cfa_offset);
		gu_buf_uleb(w->out, (uint64_t)s->cfa_off);
	} else if (s->cfa_off != old->cfa_off) {
		gu_buf_u8(w->out, DW_CFA_def_cfa_offset_sf);
		gu_buf_sleb(w->out, s->cfa_off / DATA_ALIGN);
	}
	if (s->ra != old->ra || s->ra_off != old->ra_off) {
		if (s->ra == RA_SAVED)
			put_offset(w, w->numbers->ra, s->ra_off);
		else
			put_rule(w, ra_rules[s->ra], w->numbers->ra);
	}
	if (s->fp != old->fp || s->fp_off != old->fp_off) {
		if (s->fp == FP_SAVED)
			put_offset(w, w->numbers->fp, s->fp_off);
		else
			put_rule(w, fp_rules[s->fp], w->numbers->fp);
	}
}

/*
 * What a signal interrupted is in the kernel's frame, which GDB and elfutils
 * know by the restorer's code: unless frame info says something else.
 */
static bool is_restorer(const struct gu_module *module,
	const struct gu_func *func)
{
	enum gu_func_kind kind = gu_module_kind(module, func);

	return kind == GU_KIND_SIGRETURN || kind == GU_KIND_SIGRETURN_SIGACTION;
}

/* What is known of FUNC; on failure nothing is left of it. */
static enum gu_status put_function(struct writer *w, const struct gu_func *func,
	uint64_t end)
{
	size_t cie = cie_of(w), at = begin_entry(w);
	struct state old = entry_state(w), s;
	uint64_t pc = func->entry, at_pc = pc;

	gu_buf_word(w->out, cie, 4); /* CIE_pointer: its section offset */
	gu_buf_word(w->out, func->entry, w->module->tab.ptr_size);
	gu_buf_word(w->out, end - func->entry, w->module->tab.ptr_size);
	while (pc < end) {
		struct gu_row row;
		enum gu_status st = gu_unwind_row(w->module, func, pc, NULL,
			&row);

		if (st || row.end <= pc) {
			w->out->n = at;
			return st ? st : GU_BAD_DATA;
		}
		s = state_of(&row);
		if (!same_state(&s, &old)) {
			if (pc > at_pc)
				put_advance(w, pc - at_pc);
			put_changes(w, &old, &s);
			at_pc = pc;
			old = s;
		}
		pc = row.end;
	}
	end_entry(w, at);
	return GU_OK;
}

uint32_t gu_dwarf_frame_put(const struct gu_module *module,
	const struct gu_func_list *funcs, struct gu_buf *out)
{
	struct writer w = {
		.module = module,
		.numbers = gu_unwind_numbers(module->image->arch),
		.out = out,
		.cie = SIZE_MAX,
	};
	uint32_t dropped = 0;

	if (!w.numbers)
		return 0;
	if (w.numbers->lr == UINT8_MAX)
		w.ra_size = module->tab.ptr_size;
	for (uint32_t i = 0; i < funcs->n && !out->failed; i++) {
		const struct gu_func_item *item = &funcs->items[i];
		struct gu_func func;

		if (gu_pclntab_func(&module->tab, item->index, NULL, &func))
			dropped++;
		else if (!is_restorer(module, &func))
			dropped += put_function(&w, &func, item->end) != GU_OK;
	}
	return dropped;
}
