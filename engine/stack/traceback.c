/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/stack/traceback.h"

#include "engine/base/math.h"
#include "engine/stack/switches.h"

#include <inttypes.h>

enum {
	SWITCHES_MAX = 64,   /* stack switches; nested callbacks need most */
	STALLS_MAX = 4,      /* frames in a row that take no stack */
	STEPS_MAX = 1 << 25, /* a stack of 1 GiB, Go's limit, has no more */
};

struct walk {
	const struct gu_runtime *rt;
	const struct gu_goroutine *g;
	struct gu_stacks stacks; /* the goroutine's only */
	struct gu_regs regs;
	bool exact;     /* pc was interrupted: it is no return address */
	bool innermost;
	bool reached;   /* the walk has been on the goroutine's own stack */
	bool signal;    /* the last frame was called by the kernel */
	unsigned switches, stalls;
	struct gu_frame frame; /* the one that was stepped over last */
	const struct gu_memo_entry *place; /* its place; NULL: not known */
	bool hidden;           /* it is not to be shown */
};

static bool on_stack(const struct walk *w, uint64_t sp)
{
	return gu_bounds_have(&w->stacks.home, sp);
}

static bool is_arm64(const struct walk *w)
{
	return w->rt->module->image->arch == GU_ARCH_ARM64;
}

/* --- switches ------------------------------------------------------------- */

/* Go on at REGS, on another stack (or on an older part of it). */
static enum gu_status jump(struct walk *w, const struct gu_regs *regs,
	bool exact, struct gu_diag *diag)
{
	if (++w->switches > SWITCHES_MAX)
		return gu_fail(diag, GU_BAD_DATA,
			"the stack switches go in a circle");
	w->regs = *regs;
	w->exact = exact;
	w->stalls = 0;
	w->innermost = false;
	return GU_OK;
}

/*
 * The thread was on its system stack to park the goroutine or to resume it:
 * the goroutine's own registers are the saved ones.
 */
static enum gu_status jump_to_saved(struct walk *w, struct gu_diag *diag)
{
	const struct gu_regs *saved = &w->stacks.saved;

	w->hidden = true;
	if (w->reached || saved->pc == 0 || !on_stack(w, saved->sp))
		return gu_fail(diag, GU_BAD_DATA, "%s",
			gu_end_text(w->frame.end));
	return jump(w, saved, false, diag);
}

/*
 * What the kernel saved when it called a signal handler, at SP:
 *   amd64  struct ucontext: RBP at 120, RSP at 160, RIP at 168
 *   arm64  siginfo (128), struct ucontext: x0 at 312, SP at 560, PC at 568
 * Linux arch/{x86,arm64}/include/uapi/asm/sigcontext.h.
 */
static enum gu_status read_interrupted(const struct walk *w, uint64_t sp,
	struct gu_diag *diag, struct gu_regs *out)
{
	const struct gu_mem *mem = &w->rt->mem;
	bool arm = is_arm64(w);
	struct gu_regs regs = {.has_fp = true, .has_lr = arm};
	enum gu_status st = gu_mem_word(mem, sp + (arm ? 568 : 168), diag,
		&regs.pc);

	if (!st)
		st = gu_mem_word(mem, sp + (arm ? 560 : 160), diag, &regs.sp);
	if (!st)
		st = gu_mem_word(mem, sp + (arm ? 312 + 29 * 8 : 120), diag,
			&regs.fp);
	if (!st && arm)
		st = gu_mem_word(mem, sp + 312 + UINT64_C(8) * 30, diag,
			&regs.lr);
	if (st)
		return gu_fail_in(diag, st, "the signal's frame");
	*out = regs;
	return GU_OK;
}

static enum gu_status jump_to_interrupted(struct walk *w, uint64_t sp,
	struct gu_diag *diag)
{
	struct gu_regs regs;
	enum gu_status st = read_interrupted(w, sp, diag, &regs);

	return st ? st : jump(w, &regs, true, diag);
}

/*
 * Is the thread itself in the restorer, which is two instructions:
 *   amd64  mov $15,%rax; syscall    glibc and musl, __restore_rt
 *   arm64  mov x8,#139; svc #0      the kernel's vdso, __kernel_rt_sigreturn
 */
static bool in_restorer(const struct walk *w)
{
	static const uint8_t amd64[] = {0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 5};
	static const uint8_t arm64[] = {0x68, 0x11, 0x80, 0xd2, 1, 0, 0, 0xd4};
	bool arm = is_arm64(w);
	const uint8_t *code = arm ? arm64 : amd64;
	const size_t len = arm ? sizeof arm64 : sizeof amd64;
	const uint64_t starts[] = {w->regs.pc, w->regs.pc - (arm ? 4 : 7)};
	uint8_t bytes[sizeof amd64];

	for (size_t i = 0; w->innermost && i < GU_COUNT(starts); i++)
		if (!gu_mem_read(&w->rt->mem, starts[i], bytes, len, NULL) &&
			!memcmp(bytes, code, len))
			return true;
	return false;
}

/*
 * The signal's handler returns to code that is not Go's: the C library's
 * restorer, or the kernel's.  Or it was called by a handler in C: then
 * what lies there are no registers of the goroutine's.
 */
static bool was_interrupted(const struct walk *w)
{
	struct gu_code code;
	struct gu_func func;
	struct gu_regs regs;

	if ((!w->signal && !in_restorer(w)) ||
		read_interrupted(w, w->regs.sp, NULL, &regs) ||
		!on_stack(w, regs.sp))
		return false;
	code = gu_runtime_code(w->rt, regs.pc);
	return gu_pclntab_find(&code.module->tab, regs.pc - code.bias, NULL,
		&func) == GU_OK;
}

/* The caller is on the goroutine's stack, where the walk must not have been. */
static enum gu_status cross_home(struct walk *w, struct gu_diag *diag)
{
	enum gu_status st;

	if (w->reached)
		return gu_fail(diag, GU_BAD_DATA, "%s",
			gu_end_text(w->frame.end));
	w->hidden = w->frame.end != GU_END_SYSTEMSTACK;
	st = gu_stacks_cross(w->rt, &w->stacks, &w->regs, w->innermost, diag,
		&w->frame);
	return st ? st : jump(w, &w->frame.caller, false, diag);
}

/*
 * FRAME ends its stack: find what comes next, or say GU_STOP.  If the frame has
 * a caller after that, the walk is still at the frame.
 */
static enum gu_status cross(struct walk *w, struct gu_diag *diag)
{
	switch (w->frame.end) {
	case GU_END_GOEXIT:
		return GU_STOP;
	case GU_END_THREAD_START:
		return jump_to_saved(w, diag);
	case GU_END_SIGNAL:
		w->hidden = true;
		return jump_to_interrupted(w, w->regs.sp, diag);
	case GU_END_SYSTEMSTACK:
	case GU_END_MCALL:
	case GU_END_MORESTACK:
	case GU_END_CGO:
	case GU_END_SPWRITE:
		if (on_stack(w, w->regs.sp))
			return gu_stacks_cross(w->rt, &w->stacks, &w->regs,
				w->innermost, diag, &w->frame);
		if (w->stacks.resumes || w->frame.kind == GU_KIND_GOGO ||
			w->frame.kind == GU_KIND_CGOCALLBACK ||
			w->frame.kind == GU_KIND_CGOCALLBACK_GOFUNC)
			return jump_to_saved(w, diag);
		return cross_home(w, diag);
	default:
		return gu_fail_at(diag, GU_BAD_DATA, w->regs.pc, "%s",
			gu_end_text(w->frame.end));
	}
}

/* --- the walk ------------------------------------------------------------- */

/*
 * A call of a nil function has left its return address, and no more: on amd64
 * on the stack, on arm64 in LR.  (There the word at SP, which Go's own
 * traceback takes, is where the caller will return to.)
 */
static enum gu_status jump_to_nil_call(struct walk *w, struct gu_diag *diag)
{
	const struct gu_mem *mem = &w->rt->mem;
	struct gu_regs regs = w->regs;
	enum gu_status st = GU_OK;

	if (!is_arm64(w)) {
		st = gu_mem_word(mem, regs.sp, diag, &regs.pc);
		regs.sp += mem->ptr_size;
	} else if (regs.has_lr) {
		regs.pc = regs.lr;
		regs.has_lr = false;
	} else {
		return gu_fail(diag, GU_BAD_DATA, "%s",
			gu_end_text(GU_END_LR_LOST));
	}
	return st ? gu_fail_in(diag, st, "the stack")
		  : jump(w, &regs, false, diag);
}

/* PC is in no Go function. */
static enum gu_status leave_go(struct walk *w, struct gu_diag *diag)
{
	const struct gu_regs regs = w->regs;

	w->hidden = true;
	if (was_interrupted(w))
		return jump_to_interrupted(w, regs.sp, diag);
	if (w->innermost && regs.pc == 0)
		return jump_to_nil_call(w, diag);
	if (w->innermost && w->g->start == GU_START_THREAD)
		return gu_fail_at(diag, GU_UNSUPPORTED, regs.pc,
			"its thread runs outside of Go, at 0x%" PRIx64,
			regs.pc);
	return gu_fail_at(diag, GU_BAD_DATA, regs.pc,
		"0x%" PRIx64 " is in no Go function of %.*s", regs.pc,
		GU_STR(w->rt->module->image->name));
}

/* A walk must lead outwards, and end where the stack does. */
static enum gu_status check_progress(struct walk *w,
	const struct gu_regs *caller, struct gu_diag *diag)
{
	if (caller->sp < w->regs.sp || (caller->sp == w->regs.sp &&
		++w->stalls > STALLS_MAX))
		return gu_fail_at(diag, GU_BAD_DATA, caller->sp,
			"the stack pointer does not move outwards");
	if (caller->sp != w->regs.sp)
		w->stalls = 0;
	if (on_stack(w, w->regs.sp) && !on_stack(w, caller->sp))
		return gu_fail_at(diag, GU_BAD_DATA, caller->sp,
			"a frame reaches over the end of the stack");
	return GU_OK;
}

/*
 * Step over one frame: w->frame is what was at *PC, w->regs its caller's.
 * GU_STOP: it was the last.
 */
static enum gu_status step(struct walk *w, struct gu_diag *diag)
{
	struct gu_code code = gu_runtime_code(w->rt, w->regs.pc);
	struct gu_regs caller;
	enum gu_status st;

	w->hidden = false;
	w->reached |= on_stack(w, w->regs.sp);
	st = gu_memo_find(w->rt->memo, code.module, w->regs.pc - code.bias,
		w->exact, diag, &w->place);
	if (st) {
		w->place = NULL;
		return st == GU_NOT_FOUND ? leave_go(w, diag) : st;
	}
	st = gu_unwind_step_from(code.module, code.bias, &w->rt->mem, &w->regs,
		&w->place->point, diag, &w->frame);
	if (!st)
		gu_stacks_pass(&w->stacks, w->frame.kind);
	if (!st && w->frame.end) {
		unsigned switches = w->switches;

		st = cross(w, diag);
		if (st || w->switches != switches) /* on another stack */
			return st;
	}
	if (st)
		return st;
	caller = w->frame.caller;
	st = check_progress(w, &caller, diag);
	w->regs = caller;
	w->exact = w->frame.caller_exact;
	w->innermost = false;
	w->signal = w->frame.kind == GU_KIND_SIGTRAMP ||
		w->frame.kind == GU_KIND_CGO_SIGTRAMP;
	return st;
}

/* --- what is shown -------------------------------------------------------- */

struct show {
	const struct gu_runtime *rt;
	bool runtime;       /* show its functions too */
	bool top;           /* end at the first call of the user's */
	bool done;          /* it was seen */
	int callee;         /* func_id of the call that was seen last, or -1 */
	uint64_t total;     /* calls shown */
	struct gu_trace *trace;
};

static int id_of(const struct gu_module *module, enum gu_func_kind kind)
{
	struct gu_func func;

	if (!module->kinds.found[kind] || gu_pclntab_func(&module->tab,
		module->kinds.index[kind], NULL, &func))
		return -1;
	return func.func_id;
}

/* A wrapper that was about to call a panic is worth showing. */
static bool is_elided_wrapper(const struct show *s, int func_id, int callee)
{
	static const enum gu_func_kind panics[] = {GU_KIND_GOPANIC,
		GU_KIND_SIGPANIC, GU_KIND_PANICWRAP};

	if (func_id != s->rt->module->kinds.wrapper_id)
		return false;
	for (size_t i = 0; i < GU_COUNT(panics); i++)
		if (callee > 0 && callee == id_of(s->rt->module, panics[i]))
			return false;
	return true;
}

/*
 * Go src/runtime/traceback.go, isExportedRuntime; 1.23 and on looks at
 * the methods of exported types too.
 */
static bool is_exported(struct gu_str name, int minor)
{
	const char *p = name.p + sizeof "runtime." - 1;
	const char *end = name.p + name.n, *dot = NULL;

	if (minor < 23)
		return p < end && *p >= 'A' && *p <= 'Z';
	for (const char *q = p; q < end; q++)
		if (*q == '.')
			dot = q;
	if (dot) {
		if (dot - p >= 3 && p[0] == '(' && p[1] == '*' &&
			dot[-1] == ')')
			p += 2;
		if (*p < 'A' || *p > 'Z')
			return false;
		p = dot + 1;
	}
	return p < end && *p >= 'A' && *p <= 'Z';
}

/* Go src/runtime/traceback.go, showfuncinfo. */
static bool is_shown(const struct show *s, struct gu_str name, int func_id,
	int callee, bool first)
{
	if (s->runtime)
		return true;
	if (is_elided_wrapper(s, func_id, callee))
		return false;
	if (gu_str_eq(name, gu_str("runtime.runFinalizers")) ||
		gu_str_eq(name, gu_str("runtime.runCleanups")) ||
		(gu_str_eq(name, gu_str("runtime.gopanic")) && !first))
		return true;
	if (!name.n || !memchr(name.p, '.', name.n))
		return false;
	return !gu_str_starts(name, gu_str("runtime.")) ||
		is_exported(name, s->rt->module->version.lo);
}

/*
 * Neither the runtime nor what its own library builds on it to wait: who looks
 * for a goroutine looks for the code that wanted to wait.
 */
static bool is_users(struct gu_str name)
{
#define PREFIX(text) {text, sizeof(text) - 1}
	static const struct gu_str prefixes[] = {PREFIX("runtime."),
		PREFIX("runtime/"), PREFIX("internal/"), PREFIX("sync."),
		PREFIX("sync/"), PREFIX("syscall."), PREFIX("io."),
		PREFIX("os.(*File)."), PREFIX("net.(*")};
#undef PREFIX

	for (size_t i = 0; i < GU_COUNT(prefixes); i++)
		if (gu_str_starts(name, prefixes[i]))
			return false;
	return !gu_str_eq(name, gu_str("time.Sleep"));
}

static void add(struct show *s, const struct gu_trace_call *call)
{
	uint64_t i = s->total++;

	if (i >= GU_TRACE_INNER) /* the outermost replace each other */
		i = GU_TRACE_INNER + (i - GU_TRACE_INNER) % GU_TRACE_OUTER;
	s->trace->calls[i] = *call;
	if (s->top && is_users(call->name))
		s->done = true;
}

static void show_calls(struct show *s, const struct gu_call *calls, size_t n,
	uint64_t pc, uint64_t off)
{
	for (size_t i = 0; i < n; i++) {
		int callee = s->callee;

		s->callee = calls[i].func_id;
		if (is_shown(s, calls[i].name, calls[i].func_id, callee,
			s->total == 0))
			add(s, &(struct gu_trace_call){calls[i].name,
				calls[i].file, calls[i].line, calls[i].inlined,
				pc, off});
	}
}

/* The ring of the outermost calls in its order. */
static void finish(struct show *s)
{
	struct gu_trace_call *ring = s->trace->calls + GU_TRACE_INNER;
	struct gu_trace_call sorted[GU_TRACE_OUTER];
	const uint64_t room = GU_TRACE_INNER + GU_TRACE_OUTER;

	if (s->total <= room) {
		s->trace->n = (size_t)s->total;
		return;
	}
	s->trace->n = room;
	s->trace->elided = s->total - room;
	for (uint64_t i = 0; i < GU_TRACE_OUTER; i++)
		sorted[i] = ring[(s->total - room + i) % GU_TRACE_OUTER];
	memcpy(ring, sorted, sizeof sorted);
}

/* The frame FUNC of CODE, at run-time PC; PLACE may be NULL. */
static void show_frame(struct show *s, const struct gu_code *code,
	const struct gu_func *func, const struct gu_memo_entry *place,
	uint64_t pc, bool exact)
{
	struct gu_call calls[GU_CALLS_MAX];
	uint64_t at = pc - code->bias;
	size_t n;

	if (place && place->ncalls) {
		show_calls(s, place->calls, place->ncalls, pc,
			at - func->entry);
		return;
	}
	if (gu_module_calls(code->module, func, gu_call_pc(func, at, exact),
		calls, GU_CALLS_MAX, NULL, &n)) {
		calls[0] = (struct gu_call){.func_id = func->func_id,
			.name = gu_func_name(&code->module->tab, func)};
		n = 1;
	}
	show_calls(s, calls, n, pc, at - func->entry);
}

static void walk_all(struct show *s, const struct gu_goroutine *g)
{
	struct walk w = {.rt = s->rt, .g = g, .regs = g->regs,
		.stacks = {.g = g->addr, .id = g->id,
			.saved = gu_goroutine_saved(s->rt, g),
			.home = {g->stack_lo, g->stack_hi}},
		.exact = g->start == GU_START_THREAD, .innermost = true};
	struct gu_diag diag = {.text = ""};
	enum gu_status st = GU_OK;

	for (long i = 0; st == GU_OK && !s->done; i++) {
		uint64_t pc = w.regs.pc;
		bool exact = w.exact;
		struct gu_code code = gu_runtime_code(s->rt, pc);

		if (i == STEPS_MAX)
			st = gu_fail(&diag, GU_BAD_DATA,
				"more than %d frames", STEPS_MAX);
		else
			st = step(&w, &diag);
		if (w.hidden)
			continue;
		/* a frame that leads nowhere is still one */
		if (!gu_is_error(st) || gu_pclntab_find(&code.module->tab,
			pc - code.bias, NULL, &w.frame.func) == GU_OK)
			show_frame(s, &code, &w.frame.func, w.place, pc,
				exact);
	}
	if (st && st != GU_STOP)
		s->trace->stop = diag;
	finish(s);
}

/* The function of CODE at the return address PC, and its innermost call. */
static bool find_call(const struct show *s, const struct gu_code *code,
	uint64_t pc, struct gu_func *func, struct gu_call *innermost)
{
	struct gu_call calls[GU_CALLS_MAX];
	const struct gu_memo_entry *place;
	size_t n;

	if (gu_memo_find(s->rt->memo, code->module, pc, false, NULL, &place) ==
		GU_OK && place->ncalls) {
		*func = place->point.func;
		*innermost = place->calls[0];
		return true;
	}
	if (gu_pclntab_find(&code->module->tab, pc, NULL, func) ||
		gu_module_calls(code->module, func,
			gu_call_pc(func, pc, false), calls, GU_CALLS_MAX, NULL,
			&n))
		return false;
	*innermost = calls[0];
	return true;
}

static void find_creator(struct show *s, const struct gu_goroutine *g)
{
	struct gu_code code = gu_runtime_code(s->rt, g->go_pc);
	uint64_t pc = g->go_pc - code.bias;
	struct gu_str name = gu_runtime_name(s->rt, g->go_pc);
	struct gu_func func;
	struct gu_call call;

	if (g->id == 1 || g->go_pc == 0 ||
		!find_call(s, &code, pc, &func, &call) ||
		!is_shown(s, name, func.func_id, -1, false))
		return;
	s->trace->has_creator = true;
	s->trace->creator_id = g->parent;
	/* Go names the function itself, with the place of the innermost call */
	s->trace->creator = (struct gu_trace_call){name, call.file, call.line,
		false, g->go_pc, pc - func.entry};
}

static struct show start(const struct gu_runtime *rt,
	const struct gu_goroutine *g, enum gu_trace_show show,
	struct gu_trace *out)
{
	struct show s = {.rt = rt, .runtime = show == GU_TRACE_RUNTIME,
		.callee = -1, .trace = out};

	out->n = 0;
	out->elided = 0;
	out->has_creator = false;
	out->stop.text[0] = '\0';
	find_creator(&s, g);
	return s;
}

static void find_calls(struct show *s, const struct gu_goroutine *g)
{
	struct gu_trace *out = s->trace;

	if (g->start == GU_START_NONE) {
		(void)gu_fail(&out->stop, GU_NOT_FOUND, "%s",
			gu_trouble_text(g->trouble));
		return;
	}
	walk_all(s, g);
	if (out->n == 0 && !s->runtime) {
		s->runtime = true;
		s->callee = -1;
		s->total = 0;
		walk_all(s, g);
	}
}

void gu_traceback(const struct gu_runtime *rt, const struct gu_goroutine *g,
	enum gu_trace_show show, struct gu_trace *out)
{
	struct show s = start(rt, g, show, out);

	find_calls(&s, g);
}

void gu_traceback_top(const struct gu_runtime *rt,
	const struct gu_goroutine *g, struct gu_trace *out)
{
	struct show s = start(rt, g, GU_TRACE_USER, out);

	s.top = true;
	find_calls(&s, g);
}

void gu_traceback_creator(const struct gu_runtime *rt,
	const struct gu_goroutine *g, struct gu_trace *out)
{
	(void)start(rt, g, GU_TRACE_USER, out);
}

const struct gu_trace_call *gu_trace_current(const struct gu_trace *trace)
{
	return trace->n ? &trace->calls[0] : NULL;
}

const struct gu_trace_call *gu_trace_user(const struct gu_trace *trace)
{
	for (size_t i = 0; i < trace->n; i++)
		if (is_users(trace->calls[i].name))
			return &trace->calls[i];
	return gu_trace_current(trace);
}

void gu_trace_cut(struct gu_trace *trace, uint64_t depth)
{
	/* behind those that are elided the outermost calls follow */
	if (trace->elided && depth > GU_TRACE_INNER)
		depth = GU_TRACE_INNER;
	if (depth >= trace->n)
		return;
	trace->elided += trace->n - depth;
	trace->n = (size_t)depth;
}
