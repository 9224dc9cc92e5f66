/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/go/rtvar.h"

#include "engine/base/math.h"
#include "engine/go/operand.h"

const char *gu_rtvar_name(enum gu_rtvar var)
{
	static const char *const names[] = {
#define X(var, name) name,
		GU_RTVAR_LIST(X)
#undef X
	};

	return names[var];
}

/* The functions that are read: Go src/runtime/proc.go, sema.go, runtime2.go. */
#define FUNCTION_LIST(X)                              \
	X(ALLGADD, "runtime.allgadd")                 \
	X(PREEMPTALL, "runtime.preemptall")           \
	X(INCIDLELOCKED, "runtime.incidlelocked")     \
	X(MEXIT, "runtime.mexit")                     \
	X(MCOMMONINIT, "runtime.mcommoninit")         \
	X(MSTART1, "runtime.mstart1")                 \
	X(SEMRELEASE1, "runtime.semrelease1")         \
	X(WAITREASON_STRING, "runtime.waitReason.String")

enum function {
#define X(function, name) F_##function,
	FUNCTION_LIST(X)
#undef X
	F_COUNT
};

/* The operands of each; none if the program has not the function. */
struct operands {
	struct gu_operands of[F_COUNT];
};

static enum gu_status read_functions(const struct gu_module *module,
	struct gu_diag *diag, struct operands *out)
{
	static const struct gu_str names[] = {
#define X(function, name) {name, sizeof(name) - 1},
		FUNCTION_LIST(X)
#undef X
	};
	static const struct gu_str package = {"runtime.", 8};

	for (uint32_t i = 0; i < module->tab.nfunc; i++) {
		struct gu_func func;
		struct gu_str name;

		if (gu_pclntab_func(&module->tab, i, NULL, &func))
			continue;
		name = gu_func_name(&module->tab, &func);
		if (!gu_str_starts(name, package))
			continue;
		for (size_t f = 0; f < F_COUNT; f++) {
			enum gu_status st;

			if (!gu_str_eq(name, names[f]))
				continue;
			st = gu_operands_read(module, &func, diag,
				&out->of[f]);
			if (st == GU_UNSUPPORTED || st == GU_NO_MEMORY)
				return st;
		}
	}
	return GU_OK;
}

static bool names(const struct gu_operands *ops, uint64_t addr)
{
	for (size_t i = 0; i < ops->n; i++)
		if (ops->list[i].addr == addr)
			return true;
	return false;
}

/* The one address of which all three words of a slice are named; else 0. */
static uint64_t slice_of(const struct gu_operands *ops, uint64_t ptr)
{
	uint64_t found = 0;

	for (size_t i = 0; i < ops->n; i++) {
		uint64_t addr = ops->list[i].addr;

		if (!names(ops, addr + ptr) || !names(ops, addr + 2 * ptr))
			continue;
		if (found)
			return 0;
		found = addr;
	}
	return found;
}

static uint64_t lowest_of(const struct gu_operands *ops)
{
	uint64_t found = 0;

	for (size_t i = 0; i < ops->n; i++)
		if (!found || ops->list[i].addr < found)
			found = ops->list[i].addr;
	return found;
}

/*
 * The one address that is taken and, where it is in BOTH (NULL: no condition),
 * taken there too; NOT apart.  0 if there are several.
 */
static uint64_t taken_of(const struct gu_operands *ops,
	const struct gu_operands *both, uint64_t not)
{
	uint64_t found = 0;

	for (size_t i = 0; i < ops->n; i++) {
		const struct gu_operand *op = &ops->list[i];
		bool common = both == NULL;

		for (size_t j = 0; both && j < both->n; j++)
			if (both->list[j].addr == op->addr &&
				both->list[j].taken)
				common = true;
		if (!op->taken || !common || op->addr == not)
			continue;
		if (found)
			return 0;
		found = op->addr;
	}
	return found;
}

/*
 * sched.lock's offset: schedt has no type descriptor, so this is by release
 * (Go src/runtime/runtime2.go, schedt).
 */
static uint64_t lock_offset(const struct gu_module *module)
{
	int minor = module->version.lo;

	if (minor >= 25)
		return module->image->mem.ptr_size == 8 ? 0x20 : 0x1c;
	return minor >= 14 ? 0x18 : 0x10;
}

/* Since when schedt begins with goidgen and lastpoll, 8 bytes each. */
enum { LASTPOLL_SINCE = 10, LASTPOLL_OFFSET = 8 };

enum gu_status gu_rtvars_find(const struct gu_module *module,
	struct gu_diag *diag, struct gu_rtvars *out)
{
	uint64_t ptr = module->image->mem.ptr_size, lock;
	struct gu_rtvars vars = {.lastpoll = 0};
	struct operands ops = {0};
	enum gu_status st = read_functions(module, diag, &ops);

	if (st)
		return st;
	lock = taken_of(&ops.of[F_INCIDLELOCKED], NULL, 0);
	if (lock)
		vars.addr[GU_RTVAR_SCHED] = lock - lock_offset(module);
	if (lock && module->version.lo >= LASTPOLL_SINCE)
		vars.lastpoll = vars.addr[GU_RTVAR_SCHED] + LASTPOLL_OFFSET;
	vars.addr[GU_RTVAR_ALLGS] = slice_of(&ops.of[F_ALLGADD], ptr);
	vars.addr[GU_RTVAR_ALLP] = lowest_of(&ops.of[F_PREEMPTALL]);
	vars.addr[GU_RTVAR_ALLM] = taken_of(&ops.of[F_MEXIT],
		&ops.of[F_MCOMMONINIT], lock);
	vars.addr[GU_RTVAR_M0] = taken_of(&ops.of[F_MSTART1], NULL, 0);
	vars.addr[GU_RTVAR_SEMTABLE] = taken_of(&ops.of[F_SEMRELEASE1], NULL,
		0);
	if (ops.of[F_WAITREASON_STRING].n == 1) {
		vars.addr[GU_RTVAR_WAIT_REASONS] =
			ops.of[F_WAITREASON_STRING].list[0].addr;
		vars.wait_reasons = ops.of[F_WAITREASON_STRING].bound;
	}
	*out = vars;
	return GU_OK;
}
