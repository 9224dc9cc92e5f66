/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/go/operand.h"

#include "engine/base/math.h"

#include <capstone.h>
#include <inttypes.h>

enum { CODE_MAX = 1 << 16 }; /* the functions asked for have some 2 KiB */

struct decoder {
	uint64_t lo, hi; /* the module's data */
	struct gu_operands found;
	bool full;
	/* arm64: what a register is known to hold, while it is certain */
	struct {
		uint64_t value;
		bool known;
		int taken; /* index in found, -1: not counted as taken */
	} regs[32];
	/* amd64: what may be used with FS, and its register */
	struct gu_tls tls;
	unsigned tls_reg;
};

static const struct form {
	enum gu_arch arch;
	cs_arch cs;
	cs_mode mode;
} forms[] = {
	{GU_ARCH_AMD64, CS_ARCH_X86, CS_MODE_64},
	{GU_ARCH_386, CS_ARCH_X86, CS_MODE_32},
	{GU_ARCH_ARM64, CS_ARCH_ARM64, CS_MODE_ARM},
};

static const struct form *form_of(enum gu_arch arch)
{
	for (size_t i = 0; i < GU_COUNT(forms); i++)
		if (forms[i].arch == arch)
			return &forms[i];
	return NULL;
}

bool gu_operands_supports(enum gu_arch arch)
{
	return form_of(arch) != NULL;
}

/* The index of ADDR's entry, made if need be; -1 if it is no variable. */
static int note(struct decoder *d, uint64_t addr)
{
	struct gu_operands *found = &d->found;

	if (addr < d->lo || addr >= d->hi)
		return -1;
	for (size_t i = 0; i < found->n; i++)
		if (found->list[i].addr == addr)
			return (int)i;
	if (found->n == GU_OPERANDS_MAX) {
		d->full = true;
		return -1;
	}
	found->list[found->n] = (struct gu_operand){.addr = addr};
	return (int)found->n++;
}

static void note_taken(struct decoder *d, uint64_t addr)
{
	int i = note(d, addr);

	if (i >= 0)
		d->found.list[i].taken++;
}

static void note_used(struct decoder *d, uint64_t addr)
{
	int i = note(d, addr);

	if (i >= 0)
		d->found.list[i].used++;
}

static void note_bound(struct decoder *d, int64_t value)
{
	if (value > 0 && (uint64_t)value > d->found.bound)
		d->found.bound = (uint64_t)value;
}

/* --- x86 ------------------------------------------------------------------ */

/*
 * A word of the thread's: "mov %fs:-8, r", or the offset is in a register that
 * was set to it: "mov $-8, r" in a PIE, "mov slot(%rip), r" in what is loaded
 * at run time.
 */
static void look_at_tls(struct decoder *d, const cs_insn *insn)
{
	const cs_x86 *x86 = &insn->detail->x86;
	const cs_x86_op *ops = x86->operands;

	for (uint8_t i = 0; i < x86->op_count; i++) {
		const x86_op_mem *mem = &ops[i].mem;

		if (ops[i].type != X86_OP_MEM || mem->segment != X86_REG_FS ||
			mem->index != X86_REG_INVALID || d->found.tls.form)
			continue;
		if (mem->base == X86_REG_INVALID)
			d->found.tls = (struct gu_tls){GU_TLS_OFFSET,
				(uint64_t)mem->disp};
		else if (mem->base == d->tls_reg && mem->disp == 0)
			d->found.tls = d->tls;
	}
	if (insn->id != X86_INS_MOV || x86->op_count != 2 ||
		ops[0].type != X86_OP_REG)
		return;
	d->tls.form = GU_TLS_NONE;
	if (ops[1].type == X86_OP_IMM)
		d->tls = (struct gu_tls){GU_TLS_OFFSET, (uint64_t)ops[1].imm};
	if (ops[1].type == X86_OP_MEM && ops[1].mem.base == X86_REG_RIP)
		d->tls = (struct gu_tls){GU_TLS_SLOT, insn->address +
			insn->size + (uint64_t)ops[1].mem.disp};
	d->tls_reg = ops[0].reg;
}

static void look_at_x86(struct decoder *d, const cs_insn *insn, bool is_32)
{
	const cs_x86 *x86 = &insn->detail->x86;

	if (!is_32)
		look_at_tls(d, insn);
	for (uint8_t i = 0; i < x86->op_count; i++) {
		const cs_x86_op *op = &x86->operands[i];
		uint64_t addr;

		if (op->type == X86_OP_IMM) {
			if (insn->id == X86_INS_CMP)
				note_bound(d, op->imm);
			else if (is_32 && insn->id == X86_INS_MOV)
				note_taken(d, (uint32_t)op->imm);
			continue;
		}
		if (op->type != X86_OP_MEM)
			continue;
		addr = (uint64_t)op->mem.disp;
		if (op->mem.base == X86_REG_RIP)
			addr += insn->address + insn->size;
		else if (!is_32)
			continue;
		else
			addr = (uint32_t)addr;
		if (insn->id == X86_INS_LEA)
			note_taken(d, addr);
		else
			note_used(d, addr);
	}
}

/* --- arm64 ---------------------------------------------------------------- */

/* The number of an X or W register; -1 for others (SP, the zero register…). */
static int arm64_index(unsigned reg)
{
	if (reg >= ARM64_REG_X0 && reg <= ARM64_REG_X28)
		return (int)(reg - ARM64_REG_X0);
	if (reg >= ARM64_REG_W0 && reg <= ARM64_REG_W30)
		return (int)(reg - ARM64_REG_W0);
	if (reg == ARM64_REG_X29 || reg == ARM64_REG_X30)
		return reg == ARM64_REG_X29 ? 29 : 30;
	return -1;
}

static void forget(struct decoder *d, unsigned reg)
{
	int i = arm64_index(reg);

	if (i >= 0)
		d->regs[i].known = false;
}

static void forget_all(struct decoder *d)
{
	for (size_t i = 0; i < GU_COUNT(d->regs); i++)
		d->regs[i].known = false;
}

static void set_reg(struct decoder *d, unsigned reg, uint64_t value, int taken)
{
	int i = arm64_index(reg);

	if (i < 0)
		return;
	d->regs[i].known = true;
	d->regs[i].value = value;
	d->regs[i].taken = taken;
}

/* An address that was only computed to be used at once was not taken. */
static void use_arm64(struct decoder *d, const arm64_op_mem *mem)
{
	int i = arm64_index(mem->base);

	if (i < 0 || !d->regs[i].known || mem->index != ARM64_REG_INVALID)
		return;
	note_used(d, d->regs[i].value + (uint64_t)(int64_t)mem->disp);
	if (d->regs[i].taken >= 0) {
		d->found.list[d->regs[i].taken].taken--;
		d->regs[i].taken = -1;
	}
}

/* add DST, SRC, #IMM with SRC known: the address of something. */
static bool add_arm64(struct decoder *d, const cs_arm64 *arm)
{
	uint64_t value;
	int src, taken;

	if (arm->op_count != 3 || arm->operands[2].type != ARM64_OP_IMM ||
		arm->operands[1].type != ARM64_OP_REG)
		return false;
	src = arm64_index(arm->operands[1].reg);
	if (src < 0 || !d->regs[src].known)
		return false;
	value = d->regs[src].value + (uint64_t)arm->operands[2].imm;
	taken = note(d, value);
	if (taken >= 0)
		d->found.list[taken].taken++;
	set_reg(d, arm->operands[0].reg, value, taken);
	return true;
}

static bool ends_block(unsigned id)
{
	return id == ARM64_INS_BL || id == ARM64_INS_BLR ||
		id == ARM64_INS_RET || id == ARM64_INS_BR;
}

static void look_at_arm64(struct decoder *d, const cs_insn *insn)
{
	const cs_arm64 *arm = &insn->detail->arm64;

	if (insn->id == ARM64_INS_ADRP && arm->op_count == 2) {
		set_reg(d, arm->operands[0].reg,
			(uint64_t)arm->operands[1].imm, -1);
		return;
	}
	if (insn->id == ARM64_INS_ADD && add_arm64(d, arm))
		return;
	for (uint8_t i = 0; i < arm->op_count; i++) {
		if (arm->operands[i].type == ARM64_OP_MEM)
			use_arm64(d, &arm->operands[i].mem);
		else if (arm->operands[i].type == ARM64_OP_IMM &&
			insn->id == ARM64_INS_CMP)
			note_bound(d, arm->operands[i].imm);
	}
	for (uint8_t i = 0; i < arm->op_count; i++)
		if (arm->operands[i].type == ARM64_OP_REG &&
			(arm->operands[i].access & CS_AC_WRITE))
			forget(d, arm->operands[i].reg);
	if (ends_block(insn->id))
		forget_all(d);
}

/* --- both ----------------------------------------------------------------- */

static enum gu_status walk(struct decoder *d, const struct form *form,
	const struct gu_view *code, struct gu_diag *diag)
{
	const uint8_t *p = code->p;
	size_t left = code->n;
	uint64_t addr = code->addr;
	cs_insn *insn;
	csh handle;

	if (cs_open(form->cs, form->mode, &handle) != CS_ERR_OK)
		return gu_fail(diag, GU_UNSUPPORTED, "this capstone was built "
			"without support for %s", gu_arch_name(form->arch));
	cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
	cs_option(handle, CS_OPT_SKIPDATA, CS_OPT_ON);
	insn = cs_malloc(handle);
	while (insn && cs_disasm_iter(handle, &p, &left, &addr, insn)) {
		if (insn->id == 0) /* data: it has no detail */
			continue;
		if (form->cs == CS_ARCH_X86)
			look_at_x86(d, insn, form->mode == CS_MODE_32);
		else
			look_at_arm64(d, insn);
	}
	if (insn)
		cs_free(insn, 1);
	cs_close(&handle);
	return insn ? GU_OK : gu_fail(diag, GU_NO_MEMORY, "out of memory");
}

enum gu_status gu_operands_read(const struct gu_module *module,
	const struct gu_func *func, struct gu_diag *diag,
	struct gu_operands *out)
{
	const struct form *form = form_of(module->image->arch);
	const struct gu_moduledata *md = &module->md;
	/* the system's linker puts .data first, Go's puts .noptrdata */
	struct decoder d = {
		.lo = md->data < md->noptrdata ? md->data : md->noptrdata,
		.hi = md->end};
	struct gu_view gu_cleanup(gu_view_close) code = {0};
	uint64_t size = func->next - func->entry;
	enum gu_status st;

	if (!form || !module->has_md)
		return gu_fail(diag, GU_UNSUPPORTED,
			"instructions of %s are not decoded",
			gu_arch_name(module->image->arch));
	if (size > CODE_MAX)
		return gu_fail_at(diag, GU_BAD_DATA, func->entry,
			"a function of %" PRIu64 " bytes was not expected",
			size);
	st = gu_view_open(&module->image->mem, func->entry, size, diag, &code);
	if (!st)
		st = walk(&d, form, &code, diag);
	if (!st && d.full)
		st = gu_fail_at(diag, GU_BAD_DATA, func->entry,
			"the function names more than %d variables",
			GU_OPERANDS_MAX);
	if (!st)
		*out = d.found;
	return st;
}
