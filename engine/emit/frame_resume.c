/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/frame_resume.h"

#include "engine/base/buf.h"
#include "engine/base/math.h"
#include "engine/stack/unwind.h"

#include <capstone.h>
#include <dwarf.h>

enum {
	CODE_MAX = 1 << 12, /* the functions asked for have some 400 bytes */
	STEPS_MAX = 64,     /* from a call to the return; they need 15 */
	STORES_MAX = 16,
	REGS = 16,
	RBX = 3, RBP = 6, RSP = 7, R12 = 12, R14 = 14, R15 = 15, NO_REG = REGS,
};

/* By DWARF's number, the widest name first. */
static const uint16_t names[REGS][5] = {
	{X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL, X86_REG_AH},
	{X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL, X86_REG_DH},
	{X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH},
	{X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH},
	{X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL},
	{X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL},
	{X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL},
	{X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL},
	{X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B},
	{X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B},
	{X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B},
	{X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B},
	{X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B},
	{X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B},
	{X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B},
	{X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B},
};

static const uint8_t kept_regs[GU_KEPT_COUNT] = {RBX, RBP, R12, 13, R14, R15};

static unsigned reg_of(unsigned name)
{
	for (unsigned i = 0; i < REGS; i++)
		for (size_t k = 0; k < GU_COUNT(names[i]); k++)
			if (name == names[i][k] && name)
				return i;
	return NO_REG;
}

static bool is_wide(unsigned name)
{
	unsigned reg = reg_of(name);

	return reg != NO_REG && names[reg][0] == name;
}

/*
 * What a register holds: the result of the operations, and ADD.  One that was
 * read from memory says also where: at the first FROM operations and FROM_ADD.
 */
struct value {
	bool known;
	uint8_t n, from; /* bytes; from 0: not read */
	uint8_t ops[GU_EXPR_MAX];
	int64_t add, from_add;
};

struct place {
	struct value at, what;
	uint64_t size;
};

struct path {
	struct value regs[REGS];
	struct value g; /* the thread's own word: the g that runs */
	struct place stores[STORES_MAX];
	size_t nstores;
	bool bad; /* beyond what is understood */
};

static void append(struct value *v, const uint8_t *bytes, size_t n)
{
	if (n > sizeof v->ops - v->n) {
		v->known = false;
		return;
	}
	memcpy(v->ops + v->n, bytes, n);
	v->n = (uint8_t)(v->n + n);
}

/* ADD becomes part of the operations. */
static void settle(struct value *v)
{
	uint8_t bytes[1 + 10 + 1] = {DW_OP_plus_uconst}; /* and a LEB128 */
	struct gu_buf buf = {.p = bytes, .n = 1, .cap = sizeof bytes};

	if (v->add >= 0) {
		gu_buf_uleb(&buf, (uint64_t)v->add);
	} else {
		bytes[0] = DW_OP_consts;
		gu_buf_sleb(&buf, v->add);
		gu_buf_u8(&buf, DW_OP_plus);
	}
	if (v->add)
		append(v, bytes, buf.n);
	v->add = 0;
}

static struct value initial(unsigned reg)
{
	return (struct value){.known = true, .n = 2,
		.ops = {(uint8_t)(DW_OP_breg0 + reg), 0}};
}

static bool same_ops(const struct value *a, const struct value *b)
{
	return a->n == b->n && memcmp(a->ops, b->ops, b->n) == 0;
}

/* What is computed was not read from anywhere. */
static struct value plus(struct value v, int64_t add)
{
	v.from = 0;
	if (__builtin_add_overflow(v.add, add, &v.add))
		v.known = false;
	return v;
}

static struct value minus(struct value a, struct value b)
{
	static const uint8_t op = DW_OP_minus;

	settle(&a);
	settle(&b);
	a.known = a.known && b.known;
	a.from = 0;
	append(&a, b.ops, b.n);
	append(&a, &op, 1);
	return a;
}

/*
 * What is at AT, unless it was written on the way.  What is written through
 * another base is taken for another place: on the way back the runtime writes
 * to its own g and m, and what it reads are words of stacks and of these.
 */
static struct value load(const struct path *p, struct value at)
{
	static const uint8_t op = DW_OP_deref;
	struct value v = at;

	for (size_t i = 0; i < p->nstores; i++) {
		const struct place *s = &p->stores[i];

		if (same_ops(&at, &s->at) &&
			at.add < s->at.add + (int64_t)s->size &&
			s->at.add < at.add + 8)
			v.known = false;
	}
	settle(&v);
	append(&v, &op, 1);
	v.from = at.n;
	v.from_add = at.add;
	return v;
}

static struct value address(const struct path *p, const x86_op_mem *mem)
{
	unsigned base = reg_of(mem->base);

	if (mem->index != X86_REG_INVALID || mem->segment != X86_REG_INVALID ||
		!is_wide(mem->base))
		return (struct value){.known = false};
	return plus(p->regs[base], mem->disp);
}

static struct value source(const struct path *p, const cs_x86_op *op)
{
	if (op->size != 8)
		return (struct value){.known = false};
	if (op->type == X86_OP_REG && is_wide(op->reg))
		return p->regs[reg_of(op->reg)];
	/* Go's only word of a thread's own is its g */
	if (op->type == X86_OP_MEM && op->mem.segment == X86_REG_FS)
		return p->g;
	if (op->type == X86_OP_MEM)
		return load(p, address(p, &op->mem));
	return (struct value){.known = false};
}

static void store(struct path *p, struct value at, struct value what,
	uint64_t size)
{
	if (!at.known || p->nstores == STORES_MAX)
		p->bad = true;
	else
		p->stores[p->nstores++] = (struct place){at, what, size};
}

/* What INSN gives the register it writes; unknown if it is not understood. */
static struct value result(const struct path *p, const cs_insn *insn)
{
	const cs_x86_op *ops = insn->detail->x86.operands;

	switch (insn->id) {
	case X86_INS_MOV:
		return source(p, &ops[1]);
	case X86_INS_LEA:
		return address(p, &ops[1].mem);
	case X86_INS_POP:
		return load(p, p->regs[RSP]);
	case X86_INS_ADD:
		if (ops[1].type == X86_OP_IMM)
			return plus(source(p, &ops[0]), ops[1].imm);
		break;
	case X86_INS_SUB:
		if (ops[1].type == X86_OP_IMM)
			return plus(source(p, &ops[0]), -ops[1].imm);
		return minus(source(p, &ops[0]), source(p, &ops[1]));
	default:
		break;
	}
	return (struct value){.known = false};
}

/* One instruction that does not branch. */
static void step(struct path *p, csh handle, const cs_insn *insn)
{
	const cs_x86 *x86 = &insn->detail->x86;
	const cs_x86_op *to = &x86->operands[0];
	struct value v = result(p, insn);
	cs_regs read, written;
	uint8_t nread, nwritten;

	if (cs_regs_access(handle, insn, read, &nread, written, &nwritten)) {
		p->bad = true;
		return;
	}
	if (insn->id == X86_INS_PUSH) {
		store(p, plus(p->regs[RSP], -8), source(p, to), 8);
		p->regs[RSP] = plus(p->regs[RSP], -8);
		return;
	}
	for (uint8_t i = 0; i < x86->op_count; i++) {
		if (x86->operands[i].type != X86_OP_MEM ||
			!(x86->operands[i].access & CS_AC_WRITE))
			continue;
		if (x86->operands[i].mem.segment == X86_REG_FS)
			p->g = v;
		else
			store(p, address(p, &x86->operands[i].mem), v,
				x86->operands[i].size);
	}
	for (uint8_t i = 0; i < nwritten; i++) {
		unsigned reg = reg_of(written[i]);

		if (reg == RSP && insn->id == X86_INS_POP)
			p->regs[RSP] = plus(p->regs[RSP], 8);
		else if (reg != NO_REG)
			p->regs[reg].known = false;
	}
	if (to->type == X86_OP_REG && is_wide(to->reg) &&
		(to->access & CS_AC_WRITE))
		p->regs[reg_of(to->reg)] = v;
}

struct code {
	csh handle;
	const struct gu_view *view;
	cs_insn *insn;
};

static bool fetch(struct code *c, uint64_t addr)
{
	uint64_t off = addr - c->view->addr;
	const uint8_t *p;
	size_t left;

	if (off >= c->view->n)
		return false;
	p = c->view->p + off;
	left = c->view->n - off;
	return cs_disasm_iter(c->handle, &p, &left, &addr, c->insn) &&
		c->insn->id != 0;
}

static bool is_in(const cs_insn *insn, unsigned group)
{
	for (uint8_t i = 0; i < insn->detail->groups_count; i++)
		if (insn->detail->groups[i] == group)
			return true;
	return false;
}

static bool branches(const cs_insn *insn)
{
	return is_in(insn, CS_GRP_JUMP) || is_in(insn, CS_GRP_CALL) ||
		is_in(insn, CS_GRP_INT);
}

static bool writes(const struct code *c, unsigned reg)
{
	cs_regs read, written;
	uint8_t nread, nwritten;

	if (cs_regs_access(c->handle, c->insn, read, &nread, written,
			&nwritten))
		return true;
	for (uint8_t i = 0; i < nwritten; i++)
		if (reg_of(written[i]) == reg)
			return true;
	return false;
}

/* From the return of a call, at ADDR, to the function's own. */
static bool follow(struct code *c, uint64_t addr, struct path *p)
{
	for (int i = 0; i < STEPS_MAX && !p->bad && fetch(c, addr); i++) {
		const cs_insn *insn = c->insn;
		const cs_x86_op *to = &insn->detail->x86.operands[0];

		addr += insn->size;
		if (insn->id == X86_INS_RET)
			return insn->detail->x86.op_count == 0;
		if (insn->id == X86_INS_JMP && to->type == X86_OP_IMM)
			addr = (uint64_t)to->imm;
		else if (branches(insn))
			return false;
		else
			step(p, c->handle, insn);
	}
	return false;
}

static void set_kept(const struct path *p, const struct value *cfa,
	struct gu_resume *out)
{
	for (size_t i = 0; i < GU_KEPT_COUNT; i++) {
		const struct value *v = &p->regs[kept_regs[i]];

		out->kept[i].reg = kept_regs[i];
		out->kept[i].known = v->known && v->from && v->add == 0 &&
			v->from == cfa->n &&
			memcmp(v->ops, cfa->ops, cfa->n) == 0;
		out->kept[i].off = v->from_add - cfa->add;
	}
}

/* False if the operations are too many. */
static bool set_cfa(const struct value *cfa, struct gu_resume *out)
{
	struct value sum = *cfa, sp = initial(RSP);

	out->plain = same_ops(cfa, &sp);
	out->off = cfa->add;
	settle(&sum);
	memcpy(out->cfa, sum.ops, sum.n);
	out->n = sum.n;
	return sum.known;
}

/* What is known during the call that returns to ADDR. */
static bool resume(struct code *c, uint64_t addr, bool has_g,
	struct gu_resume *out)
{
	struct path p = {.bad = false};
	struct value cfa, sp = initial(RSP), g = initial(R14);

	p.regs[RSP] = sp;
	for (size_t i = 0; i < GU_KEPT_COUNT; i++)
		p.regs[kept_regs[i]] = initial(kept_regs[i]);
	if (has_g)
		p.g = g;
	if (!follow(c, addr, &p) || !p.regs[RSP].known)
		return false;
	cfa = plus(p.regs[RSP], 8);
	*out = (struct gu_resume){.lost_g = cfa.n > g.n &&
		memcmp(cfa.ops, g.ops, g.n) == 0};
	set_kept(&p, &cfa, out);
	return set_cfa(&cfa, out);
}

/*
 * Does the function, whose code begins at ADDR, point RBP to the place where it
 * saves it, and let it be until it returns?  Then it says where the frame is
 * that it was called with.
 */
static bool read_frame_pointer(struct code *c, struct gu_resume *out)
{
	enum { PROLOGUE = 3 }; /* instructions */
	struct value sp = initial(RSP), rbp = initial(RBP), cfa;
	struct path p = {.regs = {[RSP] = sp, [RBP] = rbp}};
	uint64_t addr = c->view->addr;
	bool restored = false;

	for (int i = 0; i < PROLOGUE && same_ops(&p.regs[RBP], &rbp); i++) {
		if (!fetch(c, addr))
			return false;
		step(&p, c->handle, c->insn);
		addr += c->insn->size;
	}
	if (p.bad || p.nstores != 1 || !p.regs[RBP].known ||
		!same_ops(&p.regs[RBP], &sp) ||
		!same_ops(&p.stores[0].at, &sp) ||
		!same_ops(&p.stores[0].what, &rbp) ||
		p.stores[0].at.add != p.regs[RBP].add)
		return false;
	for (; fetch(c, addr); addr += c->insn->size) {
		if (c->insn->id == X86_INS_RET)
			restored = false;
		else if (writes(c, RBP))
			restored = true;
		else if (restored && branches(c->insn))
			return false;
	}
	cfa = plus(rbp, 8 - p.regs[RBP].add);
	*out = (struct gu_resume){.kept[0] = {RBP, true,
		p.regs[RBP].add - 8}};
	return set_cfa(&cfa, out);
}

static void look_at_calls(struct code *c, bool has_g, bool by_fp,
	struct gu_resumes *out)
{
	uint64_t addr = c->view->addr;
	struct gu_resume kept = {0};

	by_fp = by_fp && read_frame_pointer(c, &kept);
	while (out->n < GU_RESUMES_MAX && fetch(c, addr)) {
		struct gu_resume *r = &out->list[out->n];
		uint64_t start = addr;

		addr += c->insn->size;
		if (!is_in(c->insn, CS_GRP_CALL) ||
			(!by_fp && !resume(c, addr, has_g, r)))
			continue;
		if (by_fp)
			*r = kept;
		r->start = start;
		r->end = r->returns = addr;
		if (fetch(c, addr) && !is_in(c->insn, CS_GRP_CALL))
			r->end += c->insn->size;
		out->n++;
	}
}

/*
 * On the other stack cgocallback runs goroutines, and cannot tell by what is
 * there where it came from.  The stack it came from is C's, and never moves.
 */
static bool goes_by_frame_pointer(enum gu_func_kind kind)
{
	return kind == GU_KIND_CGOCALLBACK ||
		kind == GU_KIND_CGOCALLBACK_GOFUNC;
}

enum gu_status gu_frame_resume_read(const struct gu_module *module,
	const struct gu_func *func, uint64_t end, struct gu_diag *diag,
	struct gu_resumes *out)
{
	struct gu_view gu_cleanup(gu_view_close) view = {0};
	struct code c = {.view = &view};
	enum gu_status st;

	out->n = 0;
	if (module->image->arch != GU_ARCH_AMD64 ||
		end - func->entry > CODE_MAX)
		return gu_fail(diag, GU_UNSUPPORTED,
			"switches of stacks are read in small functions of "
			"amd64");
	st = gu_view_open(&module->image->mem, func->entry, end - func->entry,
		diag, &view);
	if (st)
		return st;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &c.handle) != CS_ERR_OK)
		return gu_fail(diag, GU_UNSUPPORTED,
			"this capstone was built without support for amd64");
	cs_option(c.handle, CS_OPT_DETAIL, CS_OPT_ON);
	c.insn = cs_malloc(c.handle);
	if (c.insn) {
		look_at_calls(&c, gu_unwind_keeps_g(module),
			goes_by_frame_pointer(gu_module_kind(module, func)),
			out);
		cs_free(c.insn, 1);
	}
	cs_close(&c.handle);
	return c.insn ? GU_OK : gu_fail(diag, GU_NO_MEMORY, "out of memory");
}
