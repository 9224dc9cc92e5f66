/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A Go frame, and where the caller's registers are (addresses grow upwards):
 *
 *        amd64                                 arm64
 *   cfa  --> caller's frame               cfa  --> caller's frame
 *   cfa-8    return address                        locals
 *   cfa-16   caller's RBP                 sp   --> return address
 *            locals                       sp-8     caller's x29
 *   sp   -->
 *
 * The stack-size table gives cfa - sp at each pc, without the return address
 * on amd64; it is 0 where there is no frame (yet), and then arm64's return
 * address is in x30 and the frame pointer register is still the caller's.
 *
 * Format and conventions: Go src/runtime/traceback.go (unwinder.next),
 * src/cmd/internal/obj/x86/obj6.go and src/cmd/internal/obj/arm64/obj7.go
 * (preprocess), read at go1.16, go1.20 and go1.26.
 */
#include "engine/stack/unwind.h"

#include "engine/base/math.h"

#include <inttypes.h>

const char *gu_end_text(enum gu_end end)
{
	static const char *const texts[] = {
#define X(end, text) text,
		GU_END_LIST(X)
#undef X
	};

	return (size_t)end < GU_COUNT(texts) ? texts[end] : "";
}

/* What unwinding depends on, by architecture. */
struct conventions {
	enum gu_arch arch;
	struct gu_unwind_numbers numbers;
	bool lr;              /* the return address arrives in a register */
	int64_t ra_size;      /* bytes that a call pushes */
	int fp_since;         /* Go 1.N keeps frame pointers */
	int g_since;          /* Go 1.N keeps g in numbers.g */
	uint64_t injected_sp; /* bytes that an injected call puts below the
				 interrupted sp (with LR in them), beyond
				 what the callee's table counts:
				 signal_arm64.go, pushCall */
};

/*
 * Numbers: System V AMD64 ABI, figure 3.36; DWARF for the Arm 64-bit
 * Architecture, 4.1.
 */
static const struct conventions conventions[] = {
	{GU_ARCH_AMD64, {.pc = 16, .sp = 7, .fp = 6, .lr = UINT8_MAX,
		.g = 14, .kept = UINT8_MAX, .ra = 16},
		.lr = false, .ra_size = 8, .fp_since = 7, .g_since = 17},
	{GU_ARCH_ARM64, {.pc = 32, .sp = 31, .fp = 29, .lr = 30,
		.g = 28, .kept = 3, .ra = 30},
		.lr = true, .ra_size = 0, .fp_since = 12, .g_since = 5,
		.injected_sp = 16},
};

static const struct conventions *conventions_of(enum gu_arch arch)
{
	for (size_t i = 0; i < GU_COUNT(conventions); i++)
		if (conventions[i].arch == arch)
			return &conventions[i];
	return NULL;
}

const struct gu_unwind_numbers *gu_unwind_numbers(enum gu_arch arch)
{
	const struct conventions *conv = conventions_of(arch);

	return conv ? &conv->numbers : NULL;
}

bool gu_unwind_keeps_g(const struct gu_module *module)
{
	const struct conventions *conv = conventions_of(module->image->arch);

	return conv && module->version.lo >= conv->g_since;
}

/* --- the row -------------------------------------------------------------- */

/*
 * Assembly that moves SP as the table cannot say.  Since 1.17 the linker flags
 * it; before, these are the functions that it flags since.
 */
static bool moves_sp(const struct gu_pclntab *tab, const struct gu_func *func)
{
	static const char *const names[] = {"runtime.nanotime",
		"runtime.nanotime1", "runtime.walltime", "runtime.walltime1",
		"time.now", "runtime.sigfwd", "runtime.clone",
		"runtime.callCgoMmap", "runtime.callCgoMunmap",
		"runtime.callCgoSigaction"};
	struct gu_str name;

	if (func->flags & GU_FUNC_SPWRITE)
		return true;
	if (tab->form >= GU_PCLNTAB_1_18 || !gu_func_is_assembly(tab, func))
		return false;
	name = gu_func_name(tab, func);
	for (size_t i = 0; i < GU_COUNT(names); i++)
		if (gu_str_eq(name, gu_str(names[i])))
			return true;
	return false;
}

/* Where the kernel starts a program; a library's, "…_lib", C calls. */
static bool is_program_entry(struct gu_str name)
{
	static const char lib[] = "_lib";
	const size_t n = sizeof lib - 1;

	return gu_str_starts(name, gu_str("_rt0_")) &&
		memcmp(name.p + name.n - n, lib, n) != 0;
}

/* Functions that have no caller, wherever in them pc is. */
static enum gu_end bottom_of(const struct gu_pclntab *tab,
	const struct gu_func *func, enum gu_func_kind kind)
{
	switch (kind) {
	case GU_KIND_GOEXIT:
		return GU_END_GOEXIT;
	case GU_KIND_MSTART:
	case GU_KIND_RT0_GO:
		return GU_END_THREAD_START;
	case GU_KIND_SIGRETURN:
	case GU_KIND_SIGRETURN_SIGACTION:
		return GU_END_SIGNAL;
	case GU_KIND_SIGTRAMP: /* flagged, but its caller is the restorer */
	case GU_KIND_CGO_SIGTRAMP:
		return GU_END_NONE;
	default:
		break;
	}
	if ((func->flags & GU_FUNC_TOPFRAME) ||
		is_program_entry(gu_func_name(tab, func)))
		return GU_END_THREAD_START;
	return GU_END_NONE;
}

/* Functions whose caller is on another stack, once they have begun. */
static enum gu_end switch_of(const struct gu_pclntab *tab,
	const struct gu_func *func, enum gu_func_kind kind)
{
	switch (kind) {
	case GU_KIND_SYSTEMSTACK:
		return GU_END_SYSTEMSTACK;
	case GU_KIND_MCALL:
		return GU_END_MCALL;
	case GU_KIND_MORESTACK:
		return GU_END_MORESTACK;
	case GU_KIND_ASMCGOCALL:
	case GU_KIND_CGOCALLBACK:
	case GU_KIND_CGOCALLBACK_GOFUNC:
		return GU_END_CGO;
	case GU_KIND_GOGO:
	case GU_KIND_JMPDEFER:
		return GU_END_SPWRITE;
	default:
		return moves_sp(tab, func) ? GU_END_SPWRITE : GU_END_NONE;
	}
}

enum gu_end gu_unwind_end(const struct gu_module *module,
	const struct gu_func *func)
{
	enum gu_func_kind kind = gu_module_kind(module, func);
	enum gu_end end = bottom_of(&module->tab, func, kind);

	return end ? end : switch_of(&module->tab, func, kind);
}

/* What FUNC's stack-size table says at a pc. */
struct stack_size {
	uint64_t start, end; /* it holds in [start, end) */
	int32_t bytes;
	bool found;
};

void gu_rows_init(struct gu_rows *rows, const struct gu_module *module,
	const struct gu_func *func)
{
	const struct gu_pclntab *tab = &module->tab;

	*rows = (struct gu_rows){
		.module = module,
		.func = func,
		.pc = func->entry,
		.kind = gu_module_kind(module, func),
		/* it keeps none of the compiler's promises about the frame
		 * pointer */
		.assembly = gu_func_is_assembly(tab, func),
	};
	rows->bottom = bottom_of(tab, func, rows->kind);
	rows->moved = switch_of(tab, func, rows->kind);
	gu_pcvalue_init(&rows->it, tab, func, func->pcsp);
}

/* Go on in the stack-size table to what it says at pc. */
static enum gu_status find_size(struct gu_rows *rows, struct gu_diag *diag,
	struct stack_size *out)
{
	const struct gu_func *func = rows->func;
	struct gu_pcvalue *it = &rows->it;

	*out = (struct stack_size){.start = func->entry, .end = func->next};
	while ((!rows->begun || it->end <= rows->pc) && gu_pcvalue_next(it)) {
		rows->begun = true;
		if (!rows->has_opened && it->value != 0) {
			rows->opened = it->start;
			rows->has_opened = true;
		}
	}
	if (it->bad)
		return gu_fail_at(diag, GU_BAD_DATA, func->entry,
			"the stack-size table of the function at 0x%" PRIx64
			" is malformed",
			func->entry);
	if (rows->begun && rows->pc >= it->start && rows->pc < it->end)
		*out = (struct stack_size){it->start, it->end, it->value, true};
	return GU_OK;
}

/* Begin or end ROW, which holds at PC, at AT if that is inside. */
static void split(struct gu_row *row, uint64_t pc, uint64_t at)
{
	if (at > row->start && at <= pc)
		row->start = at;
	else if (at > pc && at < row->end)
		row->end = at;
}

/*
 * Compiled code never uses the frame pointer register for anything else, and
 * stores it when it opens its frame: on amd64 up to 1.20 by
 *	sub $N,%rsp; mov %rbp,N-8(%rsp); lea N-8(%rsp),%rbp
 * since 1.21 by
 *	push %rbp; mov %rsp,%rbp; sub $N,%rsp
 * and on arm64 by
 *	str x30,[sp,#-N]!; stur x29,[sp,#-8]; sub x29,sp,#8
 * or, in large frames since 1.17, before sp moves.  So at the very first pc of
 * the open frame the register is still the caller's, and from the next one on
 * the word in memory is, to the end of the epilogue, whatever a callee in
 * assembly left in the register.
 *
 * Assembly: a register that points at its slot says that the slot was filled
 * (this holds inside runtime.duffzero too, whose callers leave RBP there); on
 * arm64 a frameless function's caller has x29 at sp - 8.
 */
static void set_fp(const struct gu_rows *rows,
	const struct conventions *conv, const struct stack_size *size,
	struct gu_row *row)
{
	uint64_t entry = rows->func->entry, pc = rows->pc;
	uint64_t quantum = rows->module->tab.quantum;

	row->fp_off = conv->lr ? -(int64_t)size->bytes - 8 : -16;
	if (rows->assembly) {
		row->fp = pc == entry ? GU_FP_SAME
			: conv->lr && size->bytes == 0 ? GU_FP_CHECKED
						       : GU_FP_MATCH;
		split(row, pc, entry + quantum);
	} else if (size->bytes == 0) {
		row->fp = GU_FP_SAME;
	} else {
		row->fp = pc == rows->opened ? GU_FP_SAME : GU_FP_SAVED;
		split(row, pc, rows->opened + quantum);
	}
}

enum gu_status gu_rows_next(struct gu_rows *rows, struct gu_diag *diag,
	struct gu_row *out)
{
	const struct gu_module *module = rows->module;
	const struct conventions *conv = conventions_of(module->image->arch);
	struct stack_size size;
	struct gu_row row = {0};
	enum gu_status st;

	if (!conv)
		return gu_fail(diag, GU_UNSUPPORTED,
			"unwinding is known for amd64 and arm64, not for %s",
			gu_arch_name(module->image->arch));
	st = find_size(rows, diag, &size);
	if (st)
		return st;
	row.start = size.start;
	row.end = size.end;
	row.cfa_off = size.bytes + conv->ra_size;
	row.ra_in_lr = conv->lr && size.bytes == 0;
	row.ra_may_be_lost = row.ra_in_lr && rows->assembly &&
		rows->pc != rows->func->entry;
	row.ra_off = conv->lr ? -(int64_t)size.bytes : -conv->ra_size;
	set_fp(rows, conv, &size, &row);
	if (module->version.lo < conv->fp_since)
		row.fp = GU_FP_LOST;

	row.end_of_stack = rows->bottom;
	if (!row.end_of_stack && rows->pc != rows->func->entry)
		row.end_of_stack = rows->moved;
	if (!row.end_of_stack && !size.found)
		row.end_of_stack = GU_END_NO_FRAME_INFO;
	if (!row.end_of_stack && size.bytes < 0)
		row.end_of_stack = GU_END_SPWRITE;
	rows->pc = row.end;
	*out = row;
	return GU_OK;
}

enum gu_status gu_unwind_row(const struct gu_module *module,
	const struct gu_func *func, uint64_t pc, struct gu_diag *diag,
	struct gu_row *out)
{
	struct gu_rows rows;

	gu_rows_init(&rows, module, func);
	rows.pc = pc;
	return gu_rows_next(&rows, diag, out);
}

/* --- the step ------------------------------------------------------------- */

bool gu_unwind_injected(enum gu_func_kind kind)
{
	return kind == GU_KIND_SIGPANIC || kind == GU_KIND_ASYNC_PREEMPT ||
		kind == GU_KIND_DEBUG_CALL || kind == GU_KIND_DEBUG_CALL_V1;
}

static enum gu_status find_ra(const struct gu_mem *mem, uint64_t bias,
	const struct gu_regs *regs, struct gu_diag *diag,
	struct gu_frame *frame)
{
	const struct gu_func *func = &frame->func;
	const struct gu_row *row = &frame->row;
	uint64_t ra;

	if (row->ra_in_lr) {
		/* Compiled code calls nothing without a frame, but the function
		 * may have been called by itself. */
		if (!regs->has_lr || (row->ra_may_be_lost &&
			regs->lr - bias >= func->entry &&
			regs->lr - bias < func->next)) {
			frame->end = GU_END_LR_LOST;
			return GU_OK;
		}
		ra = regs->lr;
	} else {
		enum gu_status st = gu_mem_word(mem,
			frame->cfa + (uint64_t)row->ra_off, diag, &ra);

		if (st)
			return st;
	}
	if (ra == 0)
		frame->end = GU_END_ZERO_PC;
	frame->caller.pc = ra;
	return GU_OK;
}

static void find_fp(const struct gu_mem *mem, const struct gu_regs *regs,
	struct gu_frame *frame)
{
	struct gu_regs *caller = &frame->caller;
	uint64_t slot = frame->cfa + (uint64_t)frame->row.fp_off;
	bool at_slot = regs->has_fp && regs->fp == slot;

	switch (frame->row.fp) {
	case GU_FP_SAME:
		caller->fp = regs->fp;
		caller->has_fp = regs->has_fp;
		break;
	case GU_FP_CHECKED:
		caller->fp = regs->fp;
		caller->has_fp = at_slot;
		break;
	case GU_FP_MATCH:
		caller->has_fp = at_slot &&
			gu_mem_word(mem, slot, NULL, &caller->fp) == GU_OK;
		break;
	case GU_FP_SAVED:
		caller->has_fp =
			gu_mem_word(mem, slot, NULL, &caller->fp) == GU_OK;
		break;
	case GU_FP_LOST:
		caller->has_fp = false;
		break;
	}
}

/*
 * The interrupted function may have had its return address in LR, so whoever
 * injected the call saved LR below the interrupted sp.  LR at a trap is the
 * interrupted function's own, wherever in it the trap was.
 */
static enum gu_status undo_injection(const struct gu_mem *mem,
	const struct conventions *conv, struct gu_diag *diag,
	struct gu_frame *frame)
{
	struct gu_regs *caller = &frame->caller;
	enum gu_status st = gu_mem_word(mem, caller->sp, diag, &caller->lr);

	if (st)
		return st;
	caller->has_lr = true;
	caller->sp += conv->injected_sp;
	return GU_OK;
}

/*
 * A function that finds its stack too small has not saved LR when it calls
 * morestack: it has put it into another register (obj7.go, stacksplit), which
 * morestack leaves alone.
 */
static void restore_kept(const struct gu_regs *regs, struct gu_frame *frame)
{
	frame->caller.lr = regs->kept;
	frame->caller.has_lr = regs->has_kept;
}

/* The caller's registers by FRAME's row, whose end is settled. */
static enum gu_status find_caller(const struct conventions *conv,
	uint64_t bias, const struct gu_mem *mem, const struct gu_regs *regs,
	struct gu_diag *diag, struct gu_frame *frame)
{
	enum gu_status st = GU_OK;

	frame->cfa = regs->sp + (uint64_t)frame->row.cfa_off;
	frame->id_stack = frame->cfa;
	if (!frame->end)
		st = find_ra(mem, bias, regs, diag, frame);
	if (st || frame->end)
		return st;
	frame->caller.sp = frame->cfa;
	find_fp(mem, regs, frame);
	frame->caller_exact = gu_unwind_injected(frame->kind);
	if (frame->caller_exact && conv->lr)
		st = undo_injection(mem, conv, diag, frame);
	if (frame->kind == GU_KIND_MORESTACK ||
		frame->kind == GU_KIND_MORESTACK_NOCTXT)
		restore_kept(regs, frame);
	return st;
}

enum gu_status gu_unwind_point(const struct gu_module *module, uint64_t pc,
	struct gu_diag *diag, struct gu_point *out)
{
	enum gu_status st = gu_pclntab_find(&module->tab, pc, diag,
		&out->func);

	if (!st)
		st = gu_unwind_row(module, &out->func, pc, diag, &out->row);
	if (!st)
		out->kind = gu_module_kind(module, &out->func);
	return st;
}

enum gu_status gu_unwind_step_from(const struct gu_module *module,
	uint64_t bias, const struct gu_mem *mem, const struct gu_regs *regs,
	const struct gu_point *point, struct gu_diag *diag,
	struct gu_frame *out)
{
	struct gu_frame frame = {.func = point->func, .kind = point->kind,
		.row = point->row, .id_code = point->func.entry + bias,
		.end = point->row.end_of_stack};
	enum gu_status st = find_caller(
		conventions_of(module->image->arch), bias, mem, regs, diag,
		&frame);

	if (!st)
		*out = frame;
	return st;
}

enum gu_status gu_unwind_step(const struct gu_module *module, uint64_t bias,
	const struct gu_mem *mem, const struct gu_regs *regs,
	struct gu_diag *diag, struct gu_frame *out)
{
	struct gu_point point;
	enum gu_status st = gu_unwind_point(module, regs->pc - bias, diag,
		&point);

	return st ? st : gu_unwind_step_from(module, bias, mem, regs, &point,
		diag, out);
}

enum gu_status gu_unwind_through(const struct gu_module *module, uint64_t bias,
	const struct gu_mem *mem, const struct gu_regs *regs,
	struct gu_diag *diag, struct gu_frame *frame)
{
	struct gu_frame through = *frame;
	enum gu_status st;

	through.end = GU_END_NONE;
	st = find_caller(conventions_of(module->image->arch), bias, mem, regs,
		diag, &through);
	if (!st)
		*frame = through;
	return st;
}
