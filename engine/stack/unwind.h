/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Unwinding Go frames by the stack-size table: one function computes a frame's
 * row, the caller's registers and the frame's id, for GDB's unwind, for its
 * get_frame_id, for the frame info of the symbol file and for our own
 * tracebacks alike.  See docs/unwinding.md.
 */
#ifndef GU_STACK_UNWIND_H
#define GU_STACK_UNWIND_H

#include "engine/go/module.h"

/* The registers that unwinding Go needs. */
struct gu_regs {
	uint64_t pc, sp;
	uint64_t fp;  /* RBP, x29 */
	uint64_t lr;  /* x30; LR machines only */
	uint64_t g;   /* R14 (since 1.17), x28: where Go keeps its g */
	uint64_t kept; /* x3: LR of who calls morestack; LR machines only */
	bool has_fp, has_lr, has_g, has_kept; /* known? pc and sp always are */
};

/* Why a walk ends; GU_END_NONE: it does not. */
#define GU_END_LIST(X)                                                     \
	X(NONE, "")                                                        \
	X(GOEXIT, "end of the goroutine's stack")                          \
	X(THREAD_START, "end of the thread's stack")                       \
	X(SYSTEMSTACK, "runs on the system stack for a goroutine")         \
	X(MCALL, "runs on the system stack; the goroutine was parked")     \
	X(MORESTACK, "runs on the system stack to grow the goroutine's")   \
	X(SIGNAL, "a signal handler; what it interrupted lies beyond")     \
	X(CGO, "the border between Go and C")                              \
	X(SPWRITE, "assembly that moves the stack pointer")                \
	X(NO_FRAME_INFO, "no stack size is known at this pc")              \
	X(LR_LOST, "the return address was in a register that is gone")    \
	X(ZERO_PC, "the return address is 0")

enum gu_end {
#define X(end, text) GU_END_##end,
	GU_END_LIST(X)
#undef X
};
const char *gu_end_text(enum gu_end end);

/* Where the caller's frame pointer is.  A wrong one is worse than none. */
enum gu_fp_rule {
	GU_FP_LOST,    /* not known */
	GU_FP_SAME,    /* still in the register */
	GU_FP_SAVED,   /* in memory, at cfa + fp_off */
	GU_FP_MATCH,   /* in memory if the register points there, else lost */
	GU_FP_CHECKED, /* in the register if it holds cfa + fp_off, else lost */
};

/*
 * A row of the unwinding table at one pc, in DWARF's terms: CFA is the
 * caller's sp.
 */
struct gu_row {
	uint64_t start, end; /* the pcs for which it holds: [start, end) */
	enum gu_end end_of_stack; /* GU_END_NONE: there is a caller */
	int64_t cfa_off;     /* cfa = sp + cfa_off */
	bool ra_in_lr;       /* the return address is in LR, not in memory … */
	bool ra_may_be_lost; /* … unless the function has called since: then
				LR points into it */
	int64_t ra_off;      /* else at cfa + ra_off */
	enum gu_fp_rule fp;
	int64_t fp_off;
};

struct gu_frame {
	struct gu_func func;
	enum gu_func_kind kind;
	struct gu_row row;
	uint64_t cfa;
	uint64_t id_code, id_stack; /* the frame's id */
	enum gu_end end;       /* the row's, or what the registers came to */
	struct gu_regs caller; /* if end is GU_END_NONE */
	bool caller_exact;     /* caller.pc was interrupted: not a return
				  address (sigpanic, asyncPreempt) */
};

/* DWARF's numbers of the registers; lr and kept are UINT8_MAX on amd64. */
struct gu_unwind_numbers {
	uint8_t pc, sp, fp, lr, g, kept;
	uint8_t ra; /* where CFI has the return address: pc, or lr */
};

/* NULL if unwinding is not known for ARCH; it is for amd64 and arm64. */
const struct gu_unwind_numbers *gu_unwind_numbers(enum gu_arch arch);

/* Do MODULE's Go functions keep their g in a register? */
bool gu_unwind_keeps_g(const struct gu_module *module);

/*
 * Why stacks end at FUNC, wherever in it but at its very entry the pc is;
 * GU_END_NONE: they do not.
 */
enum gu_end gu_unwind_end(const struct gu_module *module,
	const struct gu_func *func);

/*
 * The row of FUNC at PC, both as in MODULE's image; PC is used as it is, for
 * return addresses too, as Go's runtime does.  GU_UNSUPPORTED, GU_BAD_DATA.
 */
enum gu_status gu_unwind_row(const struct gu_module *module,
	const struct gu_func *func, uint64_t pc, struct gu_diag *diag,
	struct gu_row *out) GU_MUST_CHECK;

/*
 * The rows of a function one after the other, in one pass over its table:
 *	gu_rows_init (&rows, module, func);
 *	while (rows.pc < end && !gu_rows_next (&rows, diag, &row)) ...
 */
struct gu_rows {
	uint64_t pc; /* of the next row: the last one's end; read by all */

	/* private: */
	const struct gu_module *module;
	const struct gu_func *func;
	struct gu_pcvalue it;  /* where in the stack-size table pc is */
	uint64_t opened;       /* where the size first became other than 0 */
	enum gu_func_kind kind;
	enum gu_end bottom;    /* why stacks end in it, at any pc... */
	enum gu_end moved;     /* ...and once it has begun */
	bool assembly, begun, has_opened;
};

/* Both must outlive it. */
void gu_rows_init(struct gu_rows *rows, const struct gu_module *module,
	const struct gu_func *func);
/* As gu_unwind_row; a row may begin before pc, but not end there. */
enum gu_status gu_rows_next(struct gu_rows *rows, struct gu_diag *diag,
	struct gu_row *out) GU_MUST_CHECK;

/*
 * Does a signal handler make the interrupted code call functions of KIND?
 * Then the caller's pc is no return address, but where it was interrupted.
 */
bool gu_unwind_injected(enum gu_func_kind kind);

/* What the tables say of a pc: all that a step needs but the stack. */
struct gu_point {
	struct gu_func func;
	enum gu_func_kind kind;
	struct gu_row row;
};

/* PC is as in MODULE's image.  GU_NOT_FOUND, GU_UNSUPPORTED, GU_BAD_DATA. */
enum gu_status gu_unwind_point(const struct gu_module *module, uint64_t pc,
	struct gu_diag *diag, struct gu_point *out) GU_MUST_CHECK;

/*
 * One step.  REGS are run-time values; BIAS is the module's run-time minus
 * its image's addresses; MEM reads the stack.  GU_NOT_FOUND: pc is not in
 * MODULE.  GU_FAULT: the stack cannot be read.
 */
enum gu_status gu_unwind_step(const struct gu_module *module, uint64_t bias,
	const struct gu_mem *mem, const struct gu_regs *regs,
	struct gu_diag *diag, struct gu_frame *out) GU_MUST_CHECK;

/* The same for regs->pc's POINT, which is known. */
enum gu_status gu_unwind_step_from(const struct gu_module *module,
	uint64_t bias, const struct gu_mem *mem, const struct gu_regs *regs,
	const struct gu_point *point, struct gu_diag *diag,
	struct gu_frame *out) GU_MUST_CHECK;

/*
 * Step on from a FRAME that ends its stack by switching to another: REGS are
 * what its function had on the stack on which it was called.  The function's
 * stack size holds there too; its end becomes what comes of it.
 */
enum gu_status gu_unwind_through(const struct gu_module *module, uint64_t bias,
	const struct gu_mem *mem, const struct gu_regs *regs,
	struct gu_diag *diag, struct gu_frame *frame) GU_MUST_CHECK;

#endif
