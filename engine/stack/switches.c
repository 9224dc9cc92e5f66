/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where each switch leaves what it left: Go src/runtime/asm_amd64.s and
 * asm_arm64.s (systemstack, mcall, morestack, asmcgocall, cgocallback),
 * sys_linux_amd64.s (nanotime1), read at go1.16, go1.20 and go1.26.
 */
#include "engine/stack/switches.h"

#include "engine/base/math.h"

#include <inttypes.h>
#include <limits.h>

enum {
	THREADS_MAX = 1 << 16, /* Go's own limit is 10,000 */
	NESTED_MAX = 64,       /* calls from C to Go to C … */
};

/* --- g and m -------------------------------------------------------------- */

struct g {
	uint64_t addr, m, id, status;
	struct gu_bounds stack;
	struct gu_regs saved;
};

struct m {
	uint64_t addr, g0, gsignal, curg, link;
};

/* These FIELDS of LAYOUT, in one read. */
static bool read_fields(const struct gu_runtime *rt,
	const struct gu_layout *layout, const uint8_t *fields, size_t n,
	uint64_t addr, uint8_t *bytes)
{
	uint32_t end = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t off = layout->fields[fields[i]].off;
		uint32_t size = layout->fields[fields[i]].size;

		if (off + size > end)
			end = off + size;
	}
	return addr && addr % rt->mem.ptr_size == 0 && end &&
		!gu_mem_read(&rt->mem, addr, bytes, end, NULL);
}

static bool read_g(const struct gu_runtime *rt, uint64_t addr, struct g *out)
{
	static const uint8_t fields[] = {GU_G_STACK_LO, GU_G_STACK_HI, GU_G_M,
		GU_G_SCHED_SP, GU_G_SCHED_PC, GU_G_SCHED_LR, GU_G_SCHED_BP,
		GU_G_STATUS, GU_G_GOID};
	const struct gu_layout *layout = &rt->g;
	uint8_t bytes[GU_STRUCT_MAX];
	struct g g = {.addr = addr};

	if (!read_fields(rt, layout, fields, sizeof fields, addr, bytes))
		return false;
#define FIELD(field) gu_layout_word(rt, layout, bytes, GU_G_##field)
	g.stack.lo = FIELD(STACK_LO);
	g.stack.hi = FIELD(STACK_HI);
	g.m = FIELD(M);
	g.id = FIELD(GOID);
	g.status = FIELD(STATUS);
	g.saved.sp = FIELD(SCHED_SP);
	g.saved.pc = FIELD(SCHED_PC);
	g.saved.lr = FIELD(SCHED_LR);
	g.saved.fp = FIELD(SCHED_BP);
#undef FIELD
	g.saved.has_lr = g.saved.lr != 0;
	g.saved.has_fp = layout->fields[GU_G_SCHED_BP].size != 0;
	*out = g;
	return g.stack.lo < g.stack.hi;
}

static bool read_m(const struct gu_runtime *rt, uint64_t addr, struct m *out)
{
	static const uint8_t fields[] = {GU_M_G0, GU_M_GSIGNAL, GU_M_CURG,
		GU_M_LINK};
	uint8_t bytes[GU_STRUCT_MAX];

	if (!read_fields(rt, &rt->m, fields, sizeof fields, addr, bytes))
		return false;
	*out = (struct m){
		.addr = addr,
		.g0 = gu_layout_word(rt, &rt->m, bytes, GU_M_G0),
		.gsignal = gu_layout_word(rt, &rt->m, bytes, GU_M_GSIGNAL),
		.curg = gu_layout_word(rt, &rt->m, bytes, GU_M_CURG),
		.link = gu_layout_word(rt, &rt->m, bytes, GU_M_LINK),
	};
	return true;
}

/* --- whose stack ---------------------------------------------------------- */

static void set_home(struct gu_stacks *stacks, const struct g *g)
{
	stacks->g = g->addr;
	stacks->id = g->id;
	stacks->home = g->stack;
	stacks->saved = g->saved;
}

/* Is SP on a stack of the thread M?  KNOWN (may be NULL) is a g that was read
 * already. */
static bool find_on_thread(const struct gu_runtime *rt, const struct m *m,
	const struct g *known, uint64_t sp, struct gu_stacks *out)
{
	const uint64_t addrs[] = {m->curg, m->g0, m->gsignal};
	struct gu_stacks stacks = {.m = m->addr, .g0 = m->g0};

	for (size_t i = 0; i < GU_COUNT(addrs); i++) {
		struct g g;

		if (known && known->addr == addrs[i])
			g = *known;
		else if (!read_g(rt, addrs[i], &g) || g.m != m->addr)
			continue;
		if (addrs[i] == m->curg)
			set_home(&stacks, &g);
		if (!stacks.here && gu_bounds_have(&g.stack, sp)) {
			stacks.here = g.addr;
			stacks.around = g.stack;
			if (stacks.g || !m->curg)
				break;
		}
	}
	if (!stacks.here)
		return false;
	*out = stacks;
	return true;
}

/* A goroutine that has no thread: parked, or not yet started. */
static bool find_parked(const struct g *g, uint64_t sp, struct gu_stacks *out)
{
	if (g->m || g->id == 0 || !gu_bounds_have(&g->stack, sp) ||
		gu_status_is_dead((uint32_t)g->status))
		return false;
	*out = (struct gu_stacks){.here = g->addr, .around = g->stack};
	set_home(out, g);
	return true;
}

static bool find_by_register(const struct gu_runtime *rt,
	const struct gu_regs *regs, struct gu_stacks *out)
{
	struct g g;
	struct m m;

	if (!regs->has_g || !read_g(rt, regs->g, &g))
		return false;
	if (find_parked(&g, regs->sp, out))
		return true;
	return read_m(rt, g.m, &m) && (m.curg == g.addr || m.g0 == g.addr ||
		m.gsignal == g.addr) &&
		find_on_thread(rt, &m, &g, regs->sp, out);
}

enum gu_status gu_stacks_find(const struct gu_runtime *rt,
	const struct gu_regs *regs, struct gu_stacks *out)
{
	uint64_t addr, seen = 0;
	struct m m;

	if (find_by_register(rt, regs, out))
		return GU_OK;
	if (out->m && read_m(rt, out->m, &m) &&
		find_on_thread(rt, &m, NULL, regs->sp, out))
		return GU_OK;
	if (!rt->allm || gu_mem_word(&rt->mem, rt->allm, NULL, &addr))
		return GU_NOT_FOUND;
	for (unsigned i = 1; i < THREADS_MAX && addr != seen; i++) {
		if ((i & (i - 1)) == 0) /* a list that goes in circles */
			seen = addr;
		if (!read_m(rt, addr, &m))
			break;
		if (find_on_thread(rt, &m, NULL, regs->sp, out))
			return GU_OK;
		addr = m.link;
	}
	return GU_NOT_FOUND;
}

uint64_t gu_stacks_frame_id(const struct gu_stacks *stacks, uint64_t sp,
	uint64_t cfa)
{
	const uint64_t id_mask = (UINT64_C(1) << 29) - 1;

	if (!gu_bounds_have(&stacks->home, sp))
		return cfa;
	return (UINT64_C(1) << 62) + ((stacks->id & id_mask) << 32) +
		(UINT64_C(1) << 31) - (stacks->home.hi - cfa);
}

/* --- switches ------------------------------------------------------------- */

struct crossing {
	const struct gu_runtime *rt;
	const struct gu_stacks *stacks;
	const struct gu_regs *regs;
	struct gu_diag *diag;
	struct gu_frame *frame;
};

static enum gu_status refuse(struct crossing *c)
{
	return gu_fail_at(c->diag, GU_BAD_DATA, c->regs->pc, "%s",
		gu_end_text(c->frame->end));
}

/* The frame's function had its frame with SP on the stack that it left. */
static enum gu_status through(struct crossing *c, const struct gu_regs *regs)
{
	struct gu_code code = gu_runtime_code(c->rt, c->regs->pc);

	return gu_unwind_through(code.module, code.bias, &c->rt->mem, regs,
		c->diag, c->frame);
}

/* The caller's registers are known. */
static enum gu_status lead_to(struct crossing *c, const struct gu_regs *regs)
{
	c->frame->caller = *regs;
	c->frame->caller_exact = false;
	c->frame->end = GU_END_NONE;
	return GU_OK;
}

static bool is_on(const struct gu_stacks *stacks, uint64_t sp)
{
	return gu_bounds_have(&stacks->home, sp);
}

static bool has_saved(const struct gu_stacks *stacks)
{
	return stacks->g && stacks->saved.pc && is_on(stacks, stacks->saved.sp);
}

static enum gu_func_kind kind_at(const struct crossing *c, uint64_t pc)
{
	struct gu_code code = gu_runtime_code(c->rt, pc);
	struct gu_func func;

	return gu_pclntab_find(&code.module->tab, pc - code.bias, NULL, &func)
		? GU_KIND_NORMAL : gu_module_kind(code.module, &func);
}

/*
 * Called on the system stack, systemstack does not leave it: then it is not at
 * its upper end, where it may have put a return address (16 bytes on arm64).
 */
static bool stays(const struct crossing *c)
{
	struct g g0;

	return read_g(c->rt, c->stacks->g0, &g0) &&
		(c->regs->sp > g0.saved.sp || g0.saved.sp - c->regs->sp > 16);
}

/*
 * systemstack(f): f runs on the thread's stack, its caller is on ours, where
 * systemstack_switch is noted to be.
 */
static enum gu_status cross_systemstack(struct crossing *c)
{
	struct gu_regs regs = c->stacks->saved;

	if (stays(c))
		return through(c, c->regs);
	if (!has_saved(c->stacks) ||
		kind_at(c, regs.pc) != GU_KIND_SYSTEMSTACK_SWITCH)
		return refuse(c);
	regs.pc = c->regs->pc;
	return through(c, &regs);
}

/*
 * The goroutine left its registers and called a function on the system stack
 * that does not return; and that may have put it aside.
 */
static enum gu_status cross_saved(struct crossing *c)
{
	if (c->stacks->m && !c->stacks->g)
		return GU_STOP;
	return has_saved(c->stacks) ? lead_to(c, &c->stacks->saved)
				    : refuse(c);
}

/*
 * Go src/runtime/proc.go: execute makes a goroutine the thread's (m.curg), and
 * gogo goes on with it.
 */
void gu_stacks_pass(struct gu_stacks *stacks, enum gu_func_kind kind)
{
	stacks->resumes |= kind == GU_KIND_EXECUTE || kind == GU_KIND_GOGO;
}

/*
 * On amd64 mcall(f) pushes the goroutine as f's argument (or room for it, which
 * f fills with it).  Once another runs, or none, the caller is not here.
 */
static enum gu_status cross_mcall(struct crossing *c)
{
	enum gu_status st;
	uint64_t g;

	if (c->stacks->m && c->rt->module->image->arch == GU_ARCH_AMD64) {
		st = gu_mem_word(&c->rt->mem, c->regs->sp, c->diag, &g);
		if (st || g != c->stacks->g)
			return st ? st : GU_STOP;
	}
	return cross_saved(c);
}

/*
 * On the system stack asmcgocall takes some bytes, and keeps there the
 * goroutine and how far its stack pointer is from the upper end of its stack;
 * or 0 and the stack pointer itself, if it was there already.
 */
struct kept {
	int until; /* Go 1.N */
	uint64_t size, g, depth; /* offsets */
};
static const struct kept kept_forms[] = {
	{21, 64, 48, 40},
	{INT_MAX, 16, 8, 0},
};

static const struct kept *kept_of(const struct gu_runtime *rt)
{
	const struct kept *kept = kept_forms;

	while (rt->module->version.lo > kept->until)
		kept++;
	return kept;
}

/* The stack pointer that asmcgocall was called with; its own is AT. */
static bool read_kept(const struct crossing *c, uint64_t at, uint64_t *sp)
{
	const struct kept *kept = kept_of(c->rt);
	const struct gu_mem *mem = &c->rt->mem;
	const struct gu_stacks *stacks = c->stacks;
	uint64_t g, depth;

	if (c->rt->module->image->arch != GU_ARCH_AMD64 ||
		gu_mem_word(mem, at + kept->g, NULL, &g) ||
		gu_mem_word(mem, at + kept->depth, NULL, &depth))
		return false;
	*sp = g ? stacks->home.hi - depth : depth;
	return g ? g == stacks->g && is_on(stacks, *sp)
		 : *sp > at && gu_bounds_have(&stacks->around, *sp);
}

static enum gu_status cross_asmcgocall(struct crossing *c)
{
	struct gu_regs regs = *c->regs;
	struct gu_frame left;
	struct gu_code code;
	enum gu_status st;

	if (read_kept(c, c->regs->sp, &regs.sp))
		return through(c, &regs);
	if (!has_saved(c->stacks))
		return refuse(c);
	/* it noted systemstack_switch as where it left the stack */
	code = gu_runtime_code(c->rt, c->stacks->saved.pc);
	st = gu_unwind_step(code.module, code.bias, &c->rt->mem,
		&c->stacks->saved, c->diag, &left);
	if (st || left.end)
		return st ? st : refuse(c);
	return lead_to(c, &left.caller);
}

/*
 * Did the call of C that led to cgocallback's frame, whose CFA is CFA, leave
 * the system stack at TOP?  There asmcgocall took its bytes, aligned.
 */
static bool called_from(const struct crossing *c, uint64_t top, uint64_t cfa)
{
	uint64_t at = (top - kept_of(c->rt)->size) & ~UINT64_C(15), sp;

	return read_kept(c, at, &sp) && sp == cfa;
}

/*
 * cgocallback has a frame on the goroutine's stack and one, of the same size,
 * on the system stack: g0.sched.sp, if it is the latest.  There, its first word
 * is what that was before.  Who C's thread called first has goexit for a
 * caller; that is the last of the chain.
 */
static enum gu_status cross_into_c(struct crossing *c)
{
	uint64_t cfa = c->frame->cfa, ra, before;
	struct gu_regs regs = *c->regs;
	struct g g0;
	bool first;

	if (!read_g(c->rt, c->stacks->g0, &g0) ||
		gu_mem_word(&c->rt->mem, cfa - 8, NULL, &ra))
		return refuse(c);
	first = kind_at(c, ra) == GU_KIND_GOEXIT;
	regs.sp = g0.saved.sp;
	for (int i = 0; i < NESTED_MAX; i++) {
		if (!gu_bounds_have(&g0.stack, regs.sp) ||
			gu_mem_word(&c->rt->mem, regs.sp, NULL, &before))
			break;
		if (called_from(c, before, cfa) ||
			(first && (before <= regs.sp ||
				!gu_bounds_have(&g0.stack, before))))
			return through(c, &regs);
		if (before <= regs.sp)
			break;
		regs.sp = before;
	}
	return refuse(c);
}

/*
 * vDSO code may need much stack.  Before it calls it, the runtime notes its
 * own caller in m.
 */
static enum gu_status cross_to_vdso_caller(struct crossing *c)
{
	const struct gu_runtime *rt = c->rt;
	const struct gu_layout *m = &rt->m;
	struct gu_regs regs = {.pc = 0};

	if (!c->stacks->m || !m->fields[GU_M_VDSO_SP].size ||
		!m->fields[GU_M_VDSO_PC].size ||
		gu_mem_word(&rt->mem, c->stacks->m +
			m->fields[GU_M_VDSO_SP].off, c->diag, &regs.sp) ||
		gu_mem_word(&rt->mem, c->stacks->m +
			m->fields[GU_M_VDSO_PC].off, c->diag, &regs.pc) ||
		!regs.pc || !is_on(c->stacks, regs.sp))
		return refuse(c);
	return lead_to(c, &regs);
}

/*
 * gogo goes on where the goroutine left off, with its stack pointer and LR,
 * which it clears in g.sched once they are in place.
 */
static enum gu_status cross_gogo(struct crossing *c, bool home)
{
	struct gu_regs regs = *c->regs;

	if (!home)
		return cross_saved(c);
	regs.pc = c->stacks->saved.pc;
	if (c->stacks->saved.has_lr) {
		regs.lr = c->stacks->saved.lr;
		regs.has_lr = true;
	}
	return regs.pc ? lead_to(c, &regs) : refuse(c);
}

/*
 * mcall and morestack have saved the goroutine's registers, but not yet left
 * its stack.  Where there is an LR they have lost it then: they called save_g.
 */
static enum gu_status cross_before_switch(struct crossing *c)
{
	enum gu_status st = through(c, c->regs);

	if (!st && c->frame->end == GU_END_LR_LOST &&
		c->stacks->saved.sp == c->regs->sp)
		return cross_saved(c);
	return st;
}

enum gu_status gu_stacks_cross(const struct gu_runtime *rt,
	const struct gu_stacks *stacks, const struct gu_regs *regs,
	bool innermost, struct gu_diag *diag, struct gu_frame *frame)
{
	struct crossing c = {rt, stacks, regs, diag, frame};
	bool home = is_on(stacks, regs->sp);

	if (!home && stacks->resumes && (frame->end == GU_END_MCALL ||
		frame->end == GU_END_MORESTACK))
		return GU_STOP;
	switch (frame->end) {
	case GU_END_SYSTEMSTACK:
		return home ? through(&c, regs) : cross_systemstack(&c);
	case GU_END_MCALL:
		return home ? cross_before_switch(&c) : cross_mcall(&c);
	case GU_END_MORESTACK:
		return home ? cross_before_switch(&c) : cross_saved(&c);
	case GU_END_CGO:
		/* cgocallback leaves a frame of its own on both stacks */
		if (home && stacks->into_c &&
			frame->kind != GU_KIND_ASMCGOCALL)
			return cross_into_c(&c);
		if (home)
			return through(&c, regs);
		return frame->kind == GU_KIND_ASMCGOCALL ? cross_asmcgocall(&c)
							 : refuse(&c);
	case GU_END_SPWRITE:
		if (frame->kind == GU_KIND_GOGO)
			return cross_gogo(&c, home);
		/* sp is still on the stack that the function is to leave */
		if (innermost && home)
			return through(&c, regs);
		return cross_to_vdso_caller(&c);
	default:
		return GU_STOP;
	}
}
