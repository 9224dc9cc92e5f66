/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jitreader/regs.h"

#include "engine/base/math.h"

#include <stdlib.h>

/*
 * GDB 13 and on have a number for arm64's pc; into those before it "go load"
 * does not load us for an arm64 program.
 */
enum { REG_SIZE = 8, NO_REGISTER = UINT8_MAX };

/* What reg_get returns is ours to free; what reg_set is given is GDB's. */
static bool get(struct gdb_unwind_callbacks *cb, uint8_t number, uint64_t *out)
{
	struct gdb_reg_value *value;
	bool ok;

	if (number == NO_REGISTER)
		return false;
	value = cb->reg_get(cb, number);
	ok = value->defined && value->size == REG_SIZE;
	if (ok) {
		struct gu_cur cur =
			gu_cur(value->value, REG_SIZE, 0, false, "a register");

		*out = gu_cur_u64(&cur);
	}
	value->free(value);
	return ok;
}

static void free_value(struct gdb_reg_value *value)
{
	free(value);
}

static struct gdb_reg_value *make_value(uint64_t word)
{
	struct gdb_reg_value *value = calloc(1, sizeof *value + REG_SIZE);

	if (!value)
		return NULL;
	value->size = REG_SIZE;
	value->defined = 1;
	value->free = free_value;
	for (unsigned i = 0; i < REG_SIZE; i++)
		value->value[i] = (unsigned char)(word >> 8 * i);
	return value;
}

bool gu_regs_get(struct gdb_unwind_callbacks *cb, enum gu_arch arch,
	struct gu_regs *out)
{
	const struct gu_unwind_numbers *n = gu_unwind_numbers(arch);
	struct gu_regs regs = {0};

	if (!n || !get(cb, n->pc, &regs.pc) || !get(cb, n->sp, &regs.sp))
		return false;
	regs.has_fp = get(cb, n->fp, &regs.fp);
	regs.has_lr = get(cb, n->lr, &regs.lr);
	regs.has_g = get(cb, n->g, &regs.g);
	regs.has_kept = get(cb, n->kept, &regs.kept);
	*out = regs;
	return true;
}

bool gu_regs_hash(struct gdb_unwind_callbacks *cb, enum gu_arch arch,
	uint64_t *out)
{
	/* rax to r15 and the pc; x0 to x30 and sp: GDB maps them all */
	uint8_t n = arch == GU_ARCH_AMD64 ? 17 : 32;
	uint64_t hash = UINT64_C(14695981039346656037), value; /* FNV-1a */

	for (uint8_t i = 0; i < n; i++) {
		if (!get(cb, i, &value)) {
			if (i == 0)
				return false;
			value = 0;
		}
		for (unsigned j = 0; j < 64; j += 8)
			hash = (hash ^ (value >> j & 0xff)) *
				UINT64_C(1099511628211);
	}
	*out = hash;
	return true;
}

/* What is still ours when GDB throws past us. */
struct values {
	struct gdb_reg_value *of[5];
};

static void free_values(struct values *values)
{
	for (size_t i = 0; i < GU_COUNT(values->of); i++)
		free(values->of[i]);
}

bool gu_regs_set(struct gdb_unwind_callbacks *cb, enum gu_arch arch,
	const struct gu_regs *regs, bool has_pc)
{
	gu_cleanup(free_values) struct values values = {{NULL}};
	const struct gu_unwind_numbers *n = gu_unwind_numbers(arch);

	if (!n)
		return false;

	const struct {
		uint8_t number;
		bool known;
		uint64_t value;
	} given[GU_COUNT(values.of)] = {
		{n->pc, has_pc, regs->pc},
		{n->sp, true, regs->sp},
		{n->fp, regs->has_fp, regs->fp},
		{n->lr, regs->has_lr && n->lr != NO_REGISTER, regs->lr},
		{n->g, regs->has_g, regs->g},
	};

	for (size_t i = 0; i < GU_COUNT(given); i++)
		if (given[i].known && !(values.of[i] =
				make_value(given[i].value)))
			return false;
	for (size_t i = 0; i < GU_COUNT(given); i++) {
		struct gdb_reg_value *value = values.of[i];

		values.of[i] = NULL;
		if (value)
			cb->reg_set(cb, given[i].number, value);
	}
	return true;
}
