/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inlined calls: FUNCDATA_InlTree, a tree of calls, and PCDATA_InlTreeIndex,
 * which names the innermost one at each pc.
 */
#include "engine/go/module.h"

#include "engine/base/math.h"

#include <inttypes.h>

/*
 * Table numbers and record layouts: Go src/internal/abi/symtab.go
 * (src/runtime/funcdata.h before 1.21), src/runtime/symtabinl.go
 * (inlinedCall; src/cmd/internal/goobj before).  Offsets in bytes, -1: not
 * recorded.
 */
struct gu_inline_form {
	int first, last; /* releases 1.first to 1.last */
	uint32_t pcdata, funcdata;
	uint8_t size;
	int8_t parent, func_id, file, line, name, parent_pc, start_line;
};

static const struct gu_inline_form forms[] = {
	{9, 11, 1, 2, 16, 0, -1, 4, 8, 12, -1, -1},
	{12, 12, 1, 2, 20, -1, 2, 4, 8, 12, 16, -1},
	{13, 15, 2, 4, 20, -1, 2, 4, 8, 12, 16, -1},
	{16, 19, 2, 3, 20, -1, 2, 4, 8, 12, 16, -1},
	{20, 999, 2, 3, 16, -1, 0, -1, -1, 4, 8, 12},
};

enum { RECORD_MAX = 20 };

const struct gu_inline_form *gu_inline_form_of(struct gu_go_version version)
{
	for (size_t i = 0; i < GU_COUNT(forms); i++)
		if (version.lo >= forms[i].first && version.hi <= forms[i].last)
			return &forms[i];
	return NULL;
}

uint32_t gu_module_inline_table(const struct gu_module *m,
	const struct gu_func *func)
{
	return m->inl.form ?
		gu_func_pcdata(&m->tab, func, m->inl.form->pcdata) : 0;
}

/* The address of FUNC's tree; false if it has none. */
static bool tree_addr(const struct gu_module *m, const struct gu_func *func,
	uint64_t *out)
{
	uint64_t data;

	if (!m->inl.form || !gu_func_funcdata(&m->tab, func,
			m->inl.form->funcdata, &data))
		return false;
	if (m->tab.form < GU_PCLNTAB_1_18) {
		*out = data;
		return true;
	}
	return gu_add(m->md.gofunc, data, out);
}

/* The records that FUNC's table names: 1 + the highest; 0 if none. */
static uint32_t record_count(const struct gu_module *m,
	const struct gu_func *func)
{
	struct gu_pcvalue it;
	int32_t last = -1;

	gu_pcvalue_init(&it, &m->tab, func, gu_module_inline_table(m, func));
	while (gu_pcvalue_next(&it))
		if (it.value > last)
			last = it.value;
	return (uint32_t)last + 1; /* whatever a table says, even INT32_MAX */
}

enum gu_status gu_module_load_inlines(struct gu_module *m,
	struct gu_diag *diag)
{
	uint64_t lo = UINT64_MAX, hi = 0, addr, size, end;
	struct gu_func func;

	for (uint32_t i = 0; i < m->tab.nfunc; i++) {
		if (gu_pclntab_func(&m->tab, i, NULL, &func) ||
			!tree_addr(m, &func, &addr))
			continue;
		size = (uint64_t)record_count(m, &func) *
			m->inl.form->size;
		if (!gu_add(addr, size, &end))
			continue;
		lo = addr < lo ? addr : lo;
		hi = end > hi ? end : hi;
	}
	if (lo >= hi || m->inl.view.p)
		return GU_OK;
	return gu_view_open(&m->image->mem, lo, hi - lo, diag, &m->inl.view);
}

static int32_t field(struct gu_cur *cur, int off, int absent)
{
	if (off < 0)
		return absent;
	gu_cur_seek(cur, (uint64_t)off);
	return (int32_t)gu_cur_u32(cur);
}

enum gu_status gu_module_inline(const struct gu_module *m,
	const struct gu_func *func, int32_t index, struct gu_diag *diag,
	struct gu_inline *out)
{
	const struct gu_inline_form *form = m->inl.form;
	const struct gu_view *view = &m->inl.view;
	uint8_t bytes[RECORD_MAX];
	const uint8_t *p = bytes;
	struct gu_inline inl;
	struct gu_cur cur;
	uint64_t addr;
	enum gu_status st;

	if (index < 0 || !tree_addr(m, func, &addr) ||
		!gu_add(addr, (uint64_t)index * form->size, &addr))
		return gu_fail(diag, GU_BAD_DATA,
			"function %" PRIu32 " has no inlined call %" PRId32,
			func->index, index);
	if (view->p && addr >= view->addr &&
		gu_within(addr - view->addr, form->size, view->n)) {
		p = view->p + (addr - view->addr);
	} else {
		st = gu_mem_read(&m->image->mem, addr, bytes,
			form->size, diag);
		if (st)
			return gu_fail_in(diag, st, "inline tree");
	}
	cur = gu_cur(p, form->size, addr, m->tab.be, "inline tree");
	inl.parent = form->parent >= 0 ? field(&cur, form->parent, 0) : -2;
	inl.call_file = field(&cur, form->file, -1);
	inl.call_line = field(&cur, form->line, -1);
	inl.parent_pc = (uint32_t)field(&cur, form->parent_pc, 0);
	inl.start_line = field(&cur, form->start_line, 0);
	inl.func_id = form->func_id >= 0 ? p[form->func_id] : 0;
	inl.name = gu_pclntab_name(&m->tab,
		(uint32_t)field(&cur, form->name, 0));
	st = gu_cur_status(&cur, diag);
	if (st)
		return st;
	if (inl.name.n == 0)
		return gu_fail_at(diag, GU_BAD_DATA, addr,
			"inline tree of function %" PRIu32
			": call %" PRId32 " has no name", func->index, index);
	*out = inl;
	return GU_OK;
}

/* Where a walk through a tree stands. */
struct position {
	uint64_t pc;
	int32_t file, line, index;
};

static void look_up(const struct gu_module *m, const struct gu_func *func,
	uint64_t pc, struct position *at)
{
	at->pc = pc;
	at->file = gu_pcvalue_at(&m->tab, func, func->pcfile, pc);
	at->line = gu_pcvalue_at(&m->tab, func, func->pcln, pc);
	at->index = gu_pcvalue_at(&m->tab, func,
		gu_module_inline_table(m, func), pc);
}

static void fill_place(const struct gu_module *m, const struct gu_func *func,
	const struct position *at, struct gu_call *call)
{
	call->file = gu_func_file(&m->tab, func, at->file);
	call->line = at->line > 0 ? at->line : 0;
}

/*
 * Step from an inlined call to where it stands in its caller.  From 1.12 on
 * that is a pc of the outer function; before, the tree has file and line.
 */
static enum gu_status step_out(const struct gu_module *m,
	const struct gu_func *func, const struct gu_inline *inl,
	struct gu_diag *diag, struct position *at)
{
	uint64_t pc;

	if (inl->parent != -2) {
		at->file = inl->call_file;
		at->line = inl->call_line;
		at->index = inl->parent;
		return GU_OK;
	}
	if (!gu_add(func->entry, inl->parent_pc, &pc) || pc >= func->next)
		return gu_fail_at(diag, GU_BAD_DATA, func->entry,
			"inline tree of function %" PRIu32
			": a caller at offset 0x%" PRIx32 " of 0x%" PRIx64,
			func->index, inl->parent_pc, func->next - func->entry);
	look_up(m, func, pc, at);
	return GU_OK;
}

bool gu_inline_is_lost(const struct gu_module *m, const struct gu_func *func,
	const struct gu_inline *inl, int32_t index, int32_t caller)
{
	struct gu_inline outer;

	if (caller >= index)
		return true;
	return inl->parent == -2 && inl->parent_pc == 0 && caller >= 0 &&
		gu_module_inline(m, func, caller, NULL, &outer) == GU_OK &&
		outer.parent_pc == 0;
}

enum gu_status gu_module_calls(const struct gu_module *m,
	const struct gu_func *func, uint64_t pc, struct gu_call *calls,
	size_t max, struct gu_diag *diag, size_t *out)
{
	static const struct position nowhere = {.file = -1, .index = -1};
	struct position at;
	size_t n = 0;

	look_up(m, func, pc, &at);
	while (at.index >= 0 && n + 1 < max) {
		struct gu_inline inl;
		int32_t index = at.index;
		enum gu_status st = gu_module_inline(m, func, index, diag,
			&inl);

		if (st)
			return st;
		calls[n] = (struct gu_call){
			.name = inl.name,
			.start_line = inl.start_line,
			.func_id = inl.func_id,
			.inlined = true,
		};
		fill_place(m, func, &at, &calls[n++]);
		st = step_out(m, func, &inl, diag, &at);
		if (st)
			return st;
		if (gu_inline_is_lost(m, func, &inl, index, at.index))
			at = nowhere;
	}
	calls[n] = (struct gu_call){
		.name = gu_func_name(&m->tab, func),
		.start_line = func->start_line,
		.func_id = func->func_id,
	};
	fill_place(m, func, &at, &calls[n++]);
	*out = n;
	return GU_OK;
}
