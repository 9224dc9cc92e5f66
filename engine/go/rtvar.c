/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/go/rtvar.h"

#include "engine/base/math.h"
#include "engine/go/operand.h"
#include "engine/go/rtstring.h"

const char *gu_rtvar_name(enum gu_rtvar var)
{
	static const char *const names[] = {
#define X(var, name) name,
		GU_RTVAR_LIST(X)
#undef X
	};

	return names[var];
}

/*
 * The functions that are read: Go src/runtime/proc.go, mgc.go, sema.go,
 * runtime2.go, asm_*.s.
 */
#define FUNCTION_LIST(X)                              \
	X(ALLGADD, "runtime.allgadd")                 \
	X(FOR_EACH_G_RACE, "runtime.forEachGRace")    \
	X(PREEMPTALL, "runtime.preemptall")           \
	X(INCIDLELOCKED, "runtime.incidlelocked")     \
	X(MEXIT, "runtime.mexit")                     \
	X(MCOMMONINIT, "runtime.mcommoninit")         \
	X(MSTART1, "runtime.mstart1")                 \
	X(PROCRESIZE, "runtime.procresize")           \
	X(STOP_WORLD, "runtime.stopTheWorldWithSema") \
	X(START_WORLD, "runtime.startTheWorldWithSema") \
	X(START_WORKERS, "runtime.gcBgMarkStartWorkers") \
	X(RT0_GO, "runtime.rt0_go")                   \
	X(SCHEDINIT, "runtime.schedinit")             \
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

static uint64_t lock_offset_of(const struct gu_module *module, int minor)
{
	if (minor >= 25)
		return module->image->mem.ptr_size == 8 ? 0x20 : 0x1c;
	return minor >= 14 ? 0x18 : 0x10;
}

/*
 * sched.lock's offset: schedt has no type descriptor, so this is by release
 * (Go src/runtime/runtime2.go, schedt).  0: the release is not known for sure.
 */
static uint64_t lock_offset(const struct gu_module *module)
{
	uint64_t lo = lock_offset_of(module, module->version.lo);

	return lo == lock_offset_of(module, module->version.hi) ? lo : 0;
}

enum {
	OPERANDS_SINCE = 10,  /* Go 1.10: the oldest that the signs fit */
	LASTPOLL_SINCE = 10,  /* schedt begins with goidgen and lastpoll, … */
	LASTPOLL_OFFSET = 8,  /* … 8 bytes each */
};

/*
 * allgadd stores it last; forEachGRace (1.17 and on; on 386 it reads nothing by
 * itself) has allglen and allgptr, in this order.
 */
static uint64_t allglen_of(const struct gu_operands *add,
	const struct gu_operands *race)
{
	uint64_t found = add->n ? add->list[add->n - 1].addr : 0;

	return race->n == 2 && race->list[0].addr != found ? 0 : found;
}

/*
 * The one address that A, B and C use and that is no word of SLICE; 0 if there
 * are several.
 */
static uint64_t used_in_all(const struct gu_operands *a,
	const struct gu_operands *b, const struct gu_operands *c,
	uint64_t slice, uint64_t ptr)
{
	uint64_t found = 0;

	for (size_t i = 0; i < a->n; i++) {
		uint64_t addr = a->list[i].addr;

		if (!a->list[i].used || !names(b, addr) || !names(c, addr) ||
			addr - slice < 3 * ptr)
			continue;
		if (found)
			return 0;
		found = addr;
	}
	return found;
}

/*
 * The procresize that sets it and the stopping of the world have it in common
 * with the start of the collector's workers (1.15 and on) or of the world.
 */
static uint64_t gomaxprocs_of(const struct operands *ops, uint64_t allp,
	uint64_t ptr)
{
	uint64_t found = used_in_all(&ops->of[F_PROCRESIZE],
		&ops->of[F_STOP_WORLD], &ops->of[F_START_WORKERS], allp, ptr);

	return found ? found : used_in_all(&ops->of[F_PROCRESIZE],
		&ops->of[F_STOP_WORLD], &ops->of[F_START_WORLD], allp, ptr);
}

/* --- proof ---------------------------------------------------------------- */

/* Bytes of each that its use has shown. */
static void set_sizes(const struct gu_module *module, struct gu_rtvars *vars)
{
	uint64_t ptr = module->image->mem.ptr_size;

	for (int v = 0; v < GU_RTVAR_COUNT; v++)
		vars->size[v] = ptr;
	vars->size[GU_RTVAR_ALLGS] = vars->size[GU_RTVAR_ALLP] = 3 * ptr;
	vars->size[GU_RTVAR_GOMAXPROCS] = 4;
	vars->size[GU_RTVAR_SCHED] = lock_offset(module) + ptr;
	vars->size[GU_RTVAR_WAIT_REASONS] = vars->wait_reasons * 2 * ptr;
	vars->size[GU_RTVAR_MODULEDATA] = module->md.size;
	vars->size[GU_RTVAR_BUILD_VERSION] = 2 * ptr;
	vars->size[GU_RTVAR_MODINFO] = 2 * ptr;
}

static bool is_within(uint64_t addr, uint64_t size, uint64_t from, uint64_t to)
{
	return addr >= from && from <= to && gu_within(addr - from, size,
		to - from);
}

/* Is VAR where a variable of its size can be? */
static bool has_place(const struct gu_module *module,
	const struct gu_rtvars *vars, int v)
{
	const struct gu_moduledata *md = &module->md;
	uint64_t addr = vars->addr[v], size = vars->size[v];
	uint64_t align = size < module->image->mem.ptr_size ? size
		: module->image->mem.ptr_size;

	if (v == GU_RTVAR_MODULEDATA) /* proved; in no range since 1.26 */
		return true;
	return size && addr % align == 0 &&
		(is_within(addr, size, md->noptrdata, md->enoptrdata) ||
			is_within(addr, size, md->data, md->edata) ||
			is_within(addr, size, md->bss, md->ebss) ||
			is_within(addr, size, md->noptrbss, md->enoptrbss));
}

static void drop(struct gu_rtvars *vars, int v)
{
	vars->addr[v] = 0;
	if (v == GU_RTVAR_SCHED)
		vars->lastpoll = 0;
	if (v == GU_RTVAR_WAIT_REASONS)
		vars->wait_reasons = 0;
}

/* Of two that overlap neither is trusted. */
static void drop_unplaced(const struct gu_module *module,
	struct gu_rtvars *vars)
{
	bool bad[GU_RTVAR_COUNT] = {false};

	set_sizes(module, vars);
	for (int v = 0; v < GU_RTVAR_COUNT; v++)
		bad[v] = vars->addr[v] && !has_place(module, vars, v);
	for (int v = 0; v < GU_RTVAR_COUNT; v++)
		for (int w = 0; w < GU_RTVAR_COUNT; w++)
			if (v != w && vars->addr[v] && vars->addr[w] &&
				vars->addr[w] - vars->addr[v] < vars->size[v])
				bad[v] = bad[w] = true;
	for (int v = 0; v < GU_RTVAR_COUNT; v++)
		if (bad[v])
			drop(vars, v);
}

/* --- all ------------------------------------------------------------------ */

static void by_operands(const struct gu_module *module,
	const struct operands *ops, struct gu_rtvars *vars)
{
	uint64_t ptr = module->image->mem.ptr_size;
	uint64_t lock = taken_of(&ops->of[F_INCIDLELOCKED], NULL, 0);
	const struct gu_operands *entry = &ops->of[F_RT0_GO];

	if (lock && lock_offset(module))
		vars->addr[GU_RTVAR_SCHED] = lock - lock_offset(module);
	if (vars->addr[GU_RTVAR_SCHED] && module->version.lo >= LASTPOLL_SINCE)
		vars->lastpoll = vars->addr[GU_RTVAR_SCHED] + LASTPOLL_OFFSET;
	vars->addr[GU_RTVAR_ALLGS] = slice_of(&ops->of[F_ALLGADD], ptr);
	vars->addr[GU_RTVAR_ALLGLEN] = allglen_of(&ops->of[F_ALLGADD],
		&ops->of[F_FOR_EACH_G_RACE]);
	vars->addr[GU_RTVAR_ALLP] = lowest_of(&ops->of[F_PREEMPTALL]);
	vars->addr[GU_RTVAR_GOMAXPROCS] = gomaxprocs_of(ops,
		vars->addr[GU_RTVAR_ALLP], ptr);
	vars->addr[GU_RTVAR_ALLM] = taken_of(&ops->of[F_MEXIT],
		&ops->of[F_MCOMMONINIT], lock);
	vars->addr[GU_RTVAR_M0] = taken_of(&ops->of[F_MSTART1], NULL, 0);
	/* the entry ties the two together */
	if (entry->n && names(entry, vars->addr[GU_RTVAR_M0]))
		vars->addr[GU_RTVAR_G0] = entry->list[0].addr;
	vars->addr[GU_RTVAR_SEMTABLE] = taken_of(&ops->of[F_SEMRELEASE1], NULL,
		0);
	if (ops->of[F_WAITREASON_STRING].n == 1) {
		vars->addr[GU_RTVAR_WAIT_REASONS] =
			ops->of[F_WAITREASON_STRING].list[0].addr;
		vars->wait_reasons = ops->of[F_WAITREASON_STRING].bound;
	}
}

/* The version text, if it is known for sure. */
static struct gu_str version_text(const struct gu_module *module)
{
	return module->has_build ? module->build.version
				 : (struct gu_str){NULL, 0};
}

/* Of the strings that schedinit names the one that is of KIND. */
static uint64_t string_of(const struct gu_module *module,
	const struct gu_operands *ops, enum gu_rtstring_kind kind)
{
	uint64_t ptr = module->image->mem.ptr_size;

	for (size_t i = 0; i < ops->n; i++)
		if (names(ops, ops->list[i].addr + ptr) &&
			gu_rtstring_at(module->image, kind, ops->list[i].addr,
				version_text(module), NULL))
			return ops->list[i].addr;
	return 0;
}

/* Without instructions: by what they say alone. */
static void by_contents(const struct gu_module *module,
	const struct operands *ops, struct gu_rtvars *vars)
{
	const struct gu_operands *init = &ops->of[F_SCHEDINIT];
	static const struct {
		enum gu_rtvar var;
		enum gu_rtstring_kind kind;
	} strings[] = {
		{GU_RTVAR_BUILD_VERSION, GU_RTSTRING_VERSION},
		{GU_RTVAR_MODINFO, GU_RTSTRING_MODINFO},
	};

	vars->addr[GU_RTVAR_MODULEDATA] = module->md.addr;
	for (size_t i = 0; i < GU_COUNT(strings); i++)
		vars->addr[strings[i].var] = init->n
			? string_of(module, init, strings[i].kind)
			: gu_rtstring_find(module->image, &module->md,
				strings[i].kind, version_text(module), NULL);
}

enum gu_status gu_rtvars_find(const struct gu_module *module,
	struct gu_diag *diag, struct gu_rtvars *out)
{
	struct gu_rtvars vars = {.lastpoll = 0};
	struct operands ops = {0};
	enum gu_status st = read_functions(module, diag, &ops);

	if (st)
		return st;
	by_operands(module, &ops, &vars);
	drop_unplaced(module, &vars);
	*out = vars;
	return GU_OK;
}

enum gu_status gu_rtvars_find_all(const struct gu_module *module,
	struct gu_diag *diag, struct gu_rtvars *out)
{
	struct gu_rtvars vars = {.lastpoll = 0};
	struct operands ops = {0};
	enum gu_status st;

	*out = vars;
	if (!module->has_md || module->md.pluginpath.len)
		return GU_OK;
	st = read_functions(module, NULL, &ops);
	if (st == GU_NO_MEMORY)
		return gu_fail(diag, st, "no memory for instructions");
	if (!st && module->version.lo >= OPERANDS_SINCE)
		by_operands(module, &ops, &vars);
	by_contents(module, &ops, &vars);
	drop_unplaced(module, &vars);
	*out = vars;
	return GU_OK;
}
