/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/stack/curg.h"

#include "engine/go/operand.h"

#include <inttypes.h>

/* The function that changes stacks: it finds g by itself in every release. */
static enum gu_status find_tls(const struct gu_module *module,
	struct gu_diag *diag, struct gu_tls *out)
{
	const struct gu_str wanted = gu_str("runtime.systemstack");

	for (uint32_t i = 0; i < module->tab.nfunc; i++) {
		struct gu_operands ops;
		struct gu_func func;

		if (gu_pclntab_func(&module->tab, i, NULL, &func) ||
			!gu_str_eq(gu_func_name(&module->tab, &func), wanted) ||
			gu_operands_read(module, &func, NULL, &ops) ||
			!ops.tls.form)
			continue;
		*out = ops.tls;
		return GU_OK;
	}
	return gu_fail(diag, GU_UNSUPPORTED, "how threads reach their g is not "
		"told by runtime.systemstack");
}

/* Where the loader has put the offset, if the code does not have it. */
static enum gu_status find_offset(const struct gu_runtime *rt,
	struct gu_diag *diag, uint64_t *out)
{
	struct gu_tls tls = {GU_TLS_NONE, 0};
	enum gu_status st = find_tls(rt->module, diag, &tls);

	*out = tls.value;
	if (!st && tls.form == GU_TLS_SLOT)
		st = gu_mem_word(&rt->mem, tls.value + rt->bias, diag, out);
	return st;
}

static bool is_listed(const struct gu_goroutines *gs, uint64_t addr)
{
	for (size_t i = 0; i < gs->n; i++)
		if (gs->list[i].addr == addr)
			return true;
	return false;
}

/* Is G a g, and does the way lead on from it? */
static bool prove(const struct gu_runtime *rt, const struct gu_goroutines *gs,
	const struct gu_curg *curg, uint64_t g)
{
	uint8_t m_bytes[GU_STRUCT_MAX];
	uint64_t m, of_m;

	if (g == 0 || gu_mem_word(&rt->mem, g + curg->g_m, NULL, &m) ||
		m == 0 || gu_mem_read(&rt->mem, m, m_bytes,
			(size_t)rt->m.size, NULL))
		return false;
	of_m = gu_layout_word(rt, &rt->m, m_bytes, GU_M_CURG);
	if (of_m && !is_listed(gs, of_m))
		return false;
	return (g == of_m) ||
		g == gu_layout_word(rt, &rt->m, m_bytes, GU_M_G0) ||
		g == gu_layout_word(rt, &rt->m, m_bytes, GU_M_GSIGNAL);
}

enum gu_status gu_curg_find(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, uint64_t thread, struct gu_diag *diag,
	struct gu_curg *out)
{
	struct gu_curg curg = {.g_m = rt->g.fields[GU_G_M].off,
		.m_curg = rt->m.fields[GU_M_CURG].off,
		.g_goid = rt->g.fields[GU_G_GOID].off};
	enum gu_arch arch = rt->module->image->arch;
	uint64_t g = thread;
	enum gu_status st = GU_OK;

	if (arch == GU_ARCH_AMD64) {
		curg.in_memory = true;
		st = find_offset(rt, diag, &curg.off);
		if (!st)
			st = gu_mem_word(&rt->mem, thread + curg.off, diag, &g);
	} else if (arch != GU_ARCH_ARM64) {
		st = gu_fail(diag, GU_UNSUPPORTED, "where threads of %s keep "
			"their g is not known", gu_arch_name(arch));
	}
	if (st)
		return st;
	if (!prove(rt, gs, &curg, g))
		return gu_fail_at(diag, GU_UNSUPPORTED, g, "what this thread "
			"has for its g, 0x%" PRIx64 ", leads to no goroutine: "
			"choose a thread that runs Go", g);
	*out = curg;
	return GU_OK;
}
