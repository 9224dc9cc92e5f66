/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/dwarf_frame.h"

#include "engine/emit/budget.h"
#include "engine/emit/frame_resume.h"
#include "engine/stack/unwind.h"

#include <dwarf.h>

struct writer {
	const struct gu_module *module;
	const struct gu_unwind_numbers *numbers;
	struct gu_buf *out;
	bool eh;                /* .eh_frame, not .debug_frame */
	bool unaided;           /* see symfile.h */
	int64_t ra_size;        /* bytes that a call pushes: cfa - sp at
				   entry */
	/* where the CIEs begin: of signal frames [1], others; SIZE_MAX: not yet
	   written */
	size_t cies[2];
};

enum {
	/* .debug_frame's: 1 up to DWARF 2, 3 in 3, 4 since; DWARF 5 7.24 */
	CIE_VERSION = 4,
	EH_CIE_VERSION = 1, /* LSB 5.0 core, 10.6.1 */
	LENGTH_SIZE = 4, /* 32-bit DWARF */
	DATA_ALIGN = -8, /* saved registers are multiples of it from the CFA */
	DW_EH_PE_ABSPTR = 0, /* LSB 5.0 core, 10.5: an address as it is */
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

/*
 * The augmentation: R, how .eh_frame has its addresses; S, a signal frame.
 * In .debug_frame not all know S, so its z has a length of 0, which reads as
 * DW_CFA_nop where z is not known either.
 */
static void put_augmentation(struct writer *w, bool signal)
{
	const char *text = w->eh ? (signal ? "zRS" : "zR")
				 : (signal ? "zS" : "");

	gu_buf_cstr(w->out, gu_str(text));
}

static void put_augmentation_data(struct writer *w, bool signal)
{
	if (w->eh) {
		gu_buf_uleb(w->out, 1);
		gu_buf_u8(w->out, DW_EH_PE_ABSPTR);
	} else if (signal) {
		gu_buf_uleb(w->out, 0);
	}
}

/* What holds at a function's entry. */
static size_t put_cie(struct writer *w, bool signal)
{
	size_t at = begin_entry(w);

	gu_buf_word(w->out, w->eh ? 0 : UINT32_MAX, 4); /* CIE_id */
	gu_buf_u8(w->out, w->eh ? EH_CIE_VERSION : CIE_VERSION);
	put_augmentation(w, signal);
	if (!w->eh) {
		gu_buf_u8(w->out, w->module->tab.ptr_size);
		gu_buf_u8(w->out, 0); /* segment selector size */
	}
	gu_buf_uleb(w->out, w->module->tab.quantum);
	gu_buf_sleb(w->out, DATA_ALIGN);
	gu_buf_uleb(w->out, w->numbers->ra); /* < 128: version 1's byte */
	put_augmentation_data(w, signal);
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

static size_t cie_of(struct writer *w, bool signal)
{
	if (w->cies[signal] == SIZE_MAX)
		w->cies[signal] = put_cie(w, signal);
	return w->cies[signal];
}

/* The head of an FDE, begun at AT. */
static void put_fde(struct writer *w, size_t at, size_t cie, bool signal,
	const struct gu_func *func, uint64_t end)
{
	/* .eh_frame: how far back the CIE is; else its section offset */
	gu_buf_word(w->out, w->eh ? at + LENGTH_SIZE - cie : cie, 4);
	gu_buf_word(w->out, func->entry, w->module->tab.ptr_size);
	gu_buf_word(w->out, end - func->entry, w->module->tab.ptr_size);
	if (w->eh || signal)
		gu_buf_uleb(w->out, 0); /* bytes of augmentation */
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
	const struct gu_resume *during; /* a call of which more is known */
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

/* Do stacks go on in FUNC at END, if its instructions say where? */
static bool may_resume(enum gu_end end)
{
	return end == GU_END_SYSTEMSTACK || end == GU_END_CGO ||
		end == GU_END_SPWRITE;
}

/* What holds in ROW during the call R. */
static struct state state_during(const struct gu_row *row,
	const struct gu_resume *r, uint8_t fp)
{
	struct state s = state_of(row);

	if (row->end_of_stack ? !may_resume(row->end_of_stack)
			      : !r->plain || r->off != row->cfa_off)
		return s;
	s.during = r;
	s.ra = RA_SAVED;
	s.ra_off = -(int64_t)sizeof(uint64_t);
	if (r->plain)
		s.cfa_off = r->off;
	for (size_t i = 0; i < GU_KEPT_COUNT; i++) {
		if (r->kept[i].known && r->kept[i].reg == fp) {
			s.fp = FP_SAVED;
			s.fp_off = r->kept[i].off;
		}
	}
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
		a->fp_off == b->fp_off && a->during == b->during;
}

/* Begin, or END, what is known during R beyond the return address. */
static void put_during(struct writer *w, const struct gu_resume *r, bool end,
	int64_t cfa_off)
{
	for (size_t i = 0; i < GU_KEPT_COUNT; i++) {
		uint8_t reg = r->kept[i].reg;

		if (!r->kept[i].known || reg == w->numbers->fp)
			continue;
		if (end)
			put_rule(w, DW_CFA_same_value, reg);
		else
			put_offset(w, reg, r->kept[i].off);
	}
	if (r->lost_g)
		put_rule(w, end ? DW_CFA_same_value : DW_CFA_undefined,
			w->numbers->g);
	if (r->plain)
		return;
	if (end) {
		gu_buf_u8(w->out, DW_CFA_def_cfa);
		gu_buf_uleb(w->out, w->numbers->sp);
		gu_buf_uleb(w->out, (uint64_t)cfa_off);
	} else {
		gu_buf_u8(w->out, DW_CFA_def_cfa_expression);
		gu_buf_uleb(w->out, r->n);
		gu_buf_bytes(w->out, r->cfa, r->n);
	}
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

	if (old->during && old->during != s->during)
		put_during(w, old->during, true, old->cfa_off);
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
	if (s->during && old->during != s->during)
		put_during(w, s->during, false, s->cfa_off);
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

/*
 * C's registers are crosscall2's to save: Go src/runtime/cgo/asm_amd64.s.  For
 * what has no switch in it, a stack size says enough.
 */
static void read_resumes(const struct writer *w, const struct gu_func *func,
	uint64_t end, struct gu_resumes *out)
{
	out->n = 0;
	if (w->unaided && (may_resume(gu_unwind_end(w->module, func)) ||
		gu_str_eq(gu_func_name(&w->module->tab, func),
			gu_str("crosscall2"))) &&
		gu_frame_resume_read(w->module, func, end, NULL, out))
		out->n = 0;
}

/* The state at PC in ROW, and how far it holds. */
static struct state state_at(const struct writer *w,
	const struct gu_resumes *resumes, const struct gu_row *row,
	uint64_t pc, uint64_t *end)
{
	*end = row->end;
	for (size_t i = 0; i < resumes->n; i++) {
		const struct gu_resume *r = &resumes->list[i];

		if (pc < r->start && r->start < *end)
			*end = r->start;
		if (pc < r->start || pc >= r->end)
			continue;
		*end = r->end < *end ? r->end : *end;
		return state_during(row, r, w->numbers->fp);
	}
	return state_of(row);
}

/* What is known of FUNC; on failure nothing is left of it. */
static enum gu_status put_function(struct writer *w, const struct gu_func *func,
	uint64_t end)
{
	bool signal = gu_unwind_injected(gu_module_kind(w->module, func));
	size_t cie = cie_of(w, signal), at = begin_entry(w);
	struct state old = entry_state(w), s;
	uint64_t at_pc = func->entry, next;
	struct gu_resumes resumes;
	struct gu_rows rows;

	put_fde(w, at, cie, signal, func, end);
	read_resumes(w, func, end, &resumes);
	gu_rows_init(&rows, w->module, func);
	while (rows.pc < end) {
		uint64_t pc = rows.pc;
		struct gu_row row;
		enum gu_status st = gu_rows_next(&rows, NULL, &row);

		if (st || row.end <= pc) {
			w->out->n = at;
			return st ? st : GU_BAD_DATA;
		}
		for (; pc < row.end && pc < end; pc = next) {
			s = state_at(w, &resumes, &row, pc, &next);
			if (same_state(&s, &old))
				continue;
			if (pc > at_pc)
				put_advance(w, pc - at_pc);
			put_changes(w, &old, &s);
			at_pc = pc;
			old = s;
		}
	}
	end_entry(w, at);
	return GU_OK;
}

uint32_t gu_dwarf_frame_put(const struct gu_module *module,
	const struct gu_func_list *funcs, bool eh, bool unaided,
	struct gu_buf *out)
{
	struct writer w = {
		.module = module,
		.numbers = gu_unwind_numbers(module->image->arch),
		.out = out,
		.eh = eh,
		.unaided = unaided,
		.cies = {SIZE_MAX, SIZE_MAX},
	};
	uint64_t budget = gu_emit_budget(&module->tab);
	uint32_t dropped = 0;

	if (!w.numbers)
		return 0;
	if (w.numbers->lr == UINT8_MAX)
		w.ra_size = module->tab.ptr_size;
	for (uint32_t i = 0; i < funcs->n && !out->failed; i++) {
		const struct gu_func_item *item = &funcs->items[i];
		struct gu_func func;

		if (out->n > budget || gu_pclntab_func(&module->tab,
			item->index, NULL, &func))
			dropped++;
		else if (!is_restorer(module, &func))
			dropped += put_function(&w, &func, item->end) != GU_OK;
	}
	if (eh && out->n)
		gu_buf_zero(out, LENGTH_SIZE); /* the end */
	return dropped;
}
