/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Source of all of this: PosPrologueEnd in Go's src/cmd/internal/obj/ARCH of
 * each release (x86/obj6.go, arm64/obj7.go, ppc64/obj9.go, riscv/obj.go,
 * loong64/obj.go).
 */
#include "engine/emit/prologue.h"

#include "engine/base/math.h"

/*
 * Each of these returns where the mark stands, given where the first
 * instruction that moves SP ends (MOVED) and how much it moves it (IT's value,
 * which holds from there).  A breakpoint inside an instruction would break the
 * program: where the length of what makes a large frame is not certain, MOVED
 * itself is returned.
 */

/*
 * Bytes of "SUB $size, SP" on x86: an 8-bit operand if it fits (since 1.13, 128
 * is subtracted as -128), else a 32-bit one.
 */
static unsigned x86_sub(const struct gu_module *module, int32_t size,
	unsigned opcode_bytes)
{
	int32_t max = module->version.lo < 13 ? 127 : 128;

	return opcode_bytes + (size <= max ? 1 : 4);
}

/*
 * 1.21 and on: PUSHQ BP; MOVQ SP, BP; SUBQ $locals, SP, the mark on the last
 * of them that there is; up to 1.20 just SUBQ $frame, SP, with the mark.
 */
static uint64_t mark_amd64(const struct gu_module *module,
	struct gu_pcvalue *it, uint64_t moved)
{
	enum { SUB = 3, MOV = 3, PUSHED = 8 };
	int32_t locals;

	if (module->version.lo < 21 || it->value != PUSHED)
		return moved - x86_sub(module, it->value, SUB);
	if (!gu_pcvalue_next(it))
		return moved;
	locals = it->value - PUSHED;
	if (locals > 0 &&
		it->start == moved + MOV + x86_sub(module, locals, SUB))
		return moved + MOV;
	return moved;
}

static uint64_t mark_386(const struct gu_module *module, struct gu_pcvalue *it,
	uint64_t moved)
{
	return moved - x86_sub(module, it->value, 2);
}

/*
 * A frame of at most 0xf0 bytes is made by MOVD.W R30, -frame(RSP); a larger
 * one by SUB $frame, RSP, R20 (two instructions if the size does not fit its
 * 12-bit operand, shifted or not); STP; MOVD R20, RSP, with the mark on SUB.
 */
static uint64_t mark_arm64(const struct gu_module *module,
	struct gu_pcvalue *it, uint64_t moved)
{
	int32_t size = it->value;

	(void)module;
	if (size <= 0xf0)
		return moved - 4;
	if (size < 1 << 12 || size % (1 << 12) == 0)
		return moved - 12;
	return size < 1 << 24 ? moved - 16 : moved;
}

/* MOVD LR, R31, with the mark; MOVDU R31, -frame(R1). */
static uint64_t mark_ppc64(const struct gu_module *module,
	struct gu_pcvalue *it, uint64_t moved)
{
	(void)module;
	return it->value < 1 << 15 ? moved - 8 : moved;
}

/*
 * ADDI $-frame, SP; compressed since 1.26 (C.ADDI, and C.ADDI16SP of a multiple
 * of 16), when the table's quantum is 2.
 */
static uint64_t mark_riscv64(const struct gu_module *module,
	struct gu_pcvalue *it, uint64_t moved)
{
	int32_t size = it->value;

	if (module->tab.quantum == 2 &&
		(size <= 32 || (size <= 512 && size % 16 == 0)))
		return moved - 2;
	return size <= 2048 ? moved - 4 : moved;
}

/* ADDV $-frame, R3. */
static uint64_t mark_loong64(const struct gu_module *module,
	struct gu_pcvalue *it, uint64_t moved)
{
	(void)module;
	return it->value <= 2048 ? moved - 4 : moved;
}

enum { PROLOGUE_MAX = 160 }; /* bytes; no check of the stack's size is longer */

static const struct mark {
	enum gu_arch arch;
	int since; /* Go 1.since */
	uint64_t (*find)(const struct gu_module *module, struct gu_pcvalue *it,
		uint64_t moved);
} marks[] = {
	{GU_ARCH_AMD64, 11, mark_amd64},
	{GU_ARCH_386, 11, mark_386},
	{GU_ARCH_ARM64, 15, mark_arm64},
	{GU_ARCH_PPC64, 16, mark_ppc64},
	{GU_ARCH_PPC64LE, 16, mark_ppc64},
	{GU_ARCH_RISCV64, 24, mark_riscv64},
	{GU_ARCH_LOONG64, 24, mark_loong64},
};

uint64_t gu_prologue_end(const struct gu_module *module,
	const struct gu_func *func)
{
	const struct mark *mark = NULL;
	struct gu_pcvalue it;
	uint64_t moved, addr;

	for (size_t i = 0; i < GU_COUNT(marks); i++)
		if (marks[i].arch == module->image->arch &&
			module->version.lo >= marks[i].since)
			mark = &marks[i];
	/* how long instructions are depends on it */
	if (!mark || module->version.lo != module->version.hi)
		return 0;
	gu_pcvalue_init(&it, &module->tab, func, func->pcsp);
	if (!gu_pcvalue_next(&it) || it.value != 0)
		return 0;
	moved = it.end; /* behind the first instruction that moves SP */
	if (!gu_pcvalue_next(&it) || it.value <= 0)
		return 0;
	addr = mark->find(module, &it, moved);
	if (addr < func->entry || addr >= func->next ||
		addr - func->entry > PROLOGUE_MAX)
		return 0;
	return addr;
}
