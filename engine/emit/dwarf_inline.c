/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/dwarf_inline.h"

#include "engine/base/vec.h"
#include "engine/emit/budget.h"
#include "engine/emit/frame_resume.h"

#include <dwarf.h>

enum {
	INDEX_MAX = 1 << 16, /* calls inlined into one function */
	NONE = UINT32_MAX,
	BAD = UINT32_MAX, /* a slot whose call contradicts itself */
};

/* VALUE holds below END, from where the step before ends. */
struct gu_dwarf_step {
	uint64_t end;
	int32_t value;
};

struct gu_dwarf_call {
	uint32_t abstract;     /* what it is an instance of */
	uint32_t parent;       /* node, or NONE */
	uint32_t first, last;  /* children, or NONE */
	uint32_t next;         /* sibling, or NONE */
	uint32_t ranges, tail; /* its ranges, NONE if none */
	uint32_t call_file, call_line;
};

struct gu_dwarf_range {
	uint64_t start, end; /* addresses */
	uint32_t next;
};

struct gu_dwarf_abstract {
	uint32_t name;       /* offset in .debug_str */
	uint32_t file, line; /* of the declaration; 0: not known */
	size_t die;          /* where it is in the unit; 0: not yet */
};

struct gu_dwarf_origin {
	size_t at; /* in info */
	uint32_t abstract;
};

void gu_dwarf_inline_init(struct gu_dwarf_inline *d,
	const struct gu_module *module, struct gu_dwarf_info *info,
	struct gu_dwarf_line *lines, struct gu_func_list *funcs, bool unaided)
{
	*d = (struct gu_dwarf_inline){
		.module = module, .info = info, .lines = lines, .funcs = funcs,
		.unaided = unaided,
	};
	gu_intern_init(&d->unit_names);
	gu_intern_init(&d->names);
}

void gu_dwarf_inline_deinit(struct gu_dwarf_inline *d)
{
	free(d->file.items);
	free(d->line.items);
	free(d->call.items);
	free(d->nodes);
	free(d->ranges);
	free(d->abstracts);
	free(d->origins);
	free(d->slots);
	free(d->used);
	free(d->strs);
	gu_intern_deinit(&d->unit_names);
	gu_intern_deinit(&d->names);
	*d = (struct gu_dwarf_inline){0};
}

/* --- reading -------------------------------------------------------------- */

/* The offset in .debug_str of a name of the Go table, which recurs. */
static uint32_t name_str(struct gu_dwarf_inline *d, struct gu_str name)
{
	uint32_t before = d->names.n;
	uint32_t n = gu_intern_str(&d->names, name);

	if (n == UINT32_MAX || !gu_vec_room(&d->strs, &d->strs_cap, n)) {
		d->failed = true;
		return 0;
	}
	if (n == before)
		d->strs[n] = gu_func_list_str(d->funcs, name);
	return d->strs[n];
}

static void decode(struct gu_dwarf_inline *d, struct gu_dwarf_steps *steps,
	uint32_t table)
{
	struct gu_pcvalue it;

	steps->n = 0;
	gu_pcvalue_init(&it, &d->module->tab, &d->func, table);
	while (gu_pcvalue_next(&it)) {
		if (!gu_vec_room(&steps->items, &steps->cap, steps->n)) {
			d->failed = true;
			return;
		}
		steps->items[steps->n++] =
			(struct gu_dwarf_step){it.end, it.value};
	}
}

/* The value at PC, which is not below the entry; -1 if there is none. */
static int32_t value_at(const struct gu_dwarf_steps *steps, uint64_t pc)
{
	uint32_t lo = 0, hi = steps->n; /* the first step that ends beyond pc */

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (steps->items[mid].end > pc)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo < steps->n ? steps->items[lo].value : -1;
}

static uint32_t file_at(struct gu_dwarf_inline *d, uint64_t pc)
{
	return gu_dwarf_line_file(d->lines, &d->func, value_at(&d->file, pc));
}

static uint32_t line_at(const struct gu_dwarf_inline *d, uint64_t pc)
{
	int32_t line = value_at(&d->line, pc);

	return line > 0 ? (uint32_t)line : 0;
}

/* This unit's subprogram for the inlined function; BODY is a pc of its own. */
static uint32_t abstract_of(struct gu_dwarf_inline *d,
	const struct gu_inline *call, uint64_t body)
{
	uint32_t name = name_str(d, call->name), n;
	struct gu_dwarf_abstract *a;

	n = gu_intern_key(&d->unit_names, name);
	if (n == UINT32_MAX || !gu_vec_room(&d->abstracts, &d->abstracts_cap,
				       n)) {
		d->failed = true;
		return NONE;
	}
	a = &d->abstracts[n];
	if (n == d->nabstracts) {
		d->nabstracts++;
		*a = (struct gu_dwarf_abstract){.name = name};
	}
	if (call->start_line > 0)
		a->line = (uint32_t)call->start_line;
	if (!a->file && body)
		a->file = file_at(d, body);
	return n;
}

static uint32_t *slot_of(struct gu_dwarf_inline *d, int32_t index)
{
	if (index < 0 || index >= INDEX_MAX)
		return NULL;
	if (!d->slots) {
		d->slots = calloc(INDEX_MAX, sizeof *d->slots);
		d->failed |= !d->slots;
	}
	return d->slots ? &d->slots[index] : NULL;
}

static uint32_t add_node(struct gu_dwarf_inline *d,
	const struct gu_inline *call, uint64_t body, uint32_t parent)
{
	struct gu_dwarf_call *node;
	uint32_t n = d->nnodes;

	if (!gu_vec_room(&d->nodes, &d->nodes_cap, n)) {
		d->failed = true;
		return NONE;
	}
	node = &d->nodes[n];
	*node = (struct gu_dwarf_call){
		.parent = parent,
		.first = NONE, .last = NONE, .next = NONE,
		.ranges = NONE, .tail = NONE,
		.abstract = abstract_of(d, call, body),
	};
	if (node->abstract == NONE)
		return NONE;
	if (parent != NONE) {
		struct gu_dwarf_call *p = &d->nodes[parent];

		if (p->last == NONE)
			p->first = n;
		else
			d->nodes[p->last].next = n;
		p->last = n;
	}
	d->nnodes++;
	return n;
}

/*
 * The node for call INDEX of Go's tree, made with its callers if it is not
 * there.  BODY is a pc in it (0: none is known); NONE if the tables contradict
 * themselves, or memory runs out.
 */
static uint32_t node_of(struct gu_dwarf_inline *d, int32_t index, uint64_t body,
	unsigned depth)
{
	uint32_t *slot = slot_of(d, index), parent = NONE, n;
	struct gu_inline call;
	uint64_t pc = 0;
	int32_t outer;

	if (!slot || depth == 0 || *slot == BAD)
		return NONE;
	if (*slot)
		return *slot - 1;
	if (!gu_vec_room(&d->used, &d->used_cap, d->nused)) {
		d->failed = true;
		return NONE;
	}
	d->used[d->nused++] = (uint32_t)index;
	*slot = BAD; /* until it is found good: trees may loop */
	if (gu_module_inline(d->module, &d->func, index, NULL, &call))
		return NONE;
	outer = call.parent; /* up to 1.11 the tree tells it */
	if (outer == -2) {
		pc = d->func.entry + call.parent_pc;
		if (pc >= d->func.next)
			return NONE;
		outer = value_at(&d->call, pc);
	}
	if (gu_inline_is_lost(d->module, &d->func, &call, index, outer)) {
		outer = call.call_file = call.call_line = -1;
		pc = 0;
	}
	if (outer >= 0) {
		parent = node_of(d, outer, pc, depth - 1);
		if (parent == NONE)
			return NONE;
	}
	n = add_node(d, &call, body, parent);
	if (n == NONE)
		return NONE;
	if (pc) {
		d->nodes[n].call_file = file_at(d, pc);
		d->nodes[n].call_line = line_at(d, pc);
	} else {
		d->nodes[n].call_file = gu_dwarf_line_file(d->lines, &d->func,
			call.call_file);
		d->nodes[n].call_line = call.call_line > 0 ?
			(uint32_t)call.call_line : 0;
	}
	*slot = n + 1;
	return n;
}

/* [start, end) belongs to NODE and to all that it is inlined into. */
static void add_range(struct gu_dwarf_inline *d, uint32_t n, uint64_t start,
	uint64_t end)
{
	for (; n != NONE; n = d->nodes[n].parent) {
		struct gu_dwarf_call *node = &d->nodes[n];
		uint32_t tail = node->tail;

		if (tail != NONE && d->ranges[tail].end == start) {
			d->ranges[tail].end = end;
			continue;
		}
		if (!gu_vec_room(&d->ranges, &d->ranges_cap, d->nranges)) {
			d->failed = true;
			return;
		}
		d->ranges[d->nranges] = (struct gu_dwarf_range){start, end,
			NONE};
		if (tail == NONE)
			node->ranges = d->nranges;
		else
			d->ranges[tail].next = d->nranges;
		node->tail = d->nranges++;
	}
}

static bool add_border(struct gu_dwarf_inline *d, const char *name,
	uint64_t start, uint64_t end)
{
	struct gu_inline call = {.name = gu_str(name)};
	uint32_t n = add_node(d, &call, 0, NONE);

	if (n == NONE)
		return false;
	d->nodes[n].call_file = file_at(d, start);
	d->nodes[n].call_line = line_at(d, start);
	add_range(d, n, start, end);
	return true;
}

/*
 * From C to Go a thread changes to the goroutine's stack, in the midst of
 * runtime.cgocallback, which has a frame on either.  GDB ends a backtrace where
 * the caller's frame seems to be further in (stack/switches.h), but for callers
 * of inlined functions.  So the frame on C's stack is shown as a call that is
 * inlined into who makes it: Go src/runtime/cgo/asm_amd64.s, since 1.16.
 */
static bool is_border(const struct gu_dwarf_inline *d)
{
	return d->module->kinds.found[GU_KIND_CGOCALLBACK] &&
		!d->module->kinds.found[GU_KIND_CGOCALLBACK_GOFUNC] &&
		gu_str_eq(gu_func_name(&d->module->tab, &d->func),
			gu_str("crosscall2"));
}

static bool read_border(struct gu_dwarf_inline *d, uint64_t end)
{
	decode(d, &d->file, d->func.pcfile);
	decode(d, &d->line, d->func.pcln);
	return add_border(d, "runtime.cgocallback", d->func.entry, end);
}

/*
 * From the system stack back to the goroutine's, which is mostly further down,
 * it is the same.  The reader's frames do not need it: their ids say on whose
 * stack they are.  Where a goroutine is that called one of these two, Go's own
 * tracebacks call runtime.systemstack_switch, and so does g.sched.pc.
 */
static bool is_switch(const struct gu_dwarf_inline *d)
{
	enum gu_func_kind kind = gu_module_kind(d->module, &d->func);

	return d->unaided && (kind == GU_KIND_SYSTEMSTACK ||
		kind == GU_KIND_ASMCGOCALL);
}

static bool read_switch(struct gu_dwarf_inline *d, uint64_t end)
{
	struct gu_resumes resumes;
	bool any = false;

	if (gu_frame_resume_read(d->module, &d->func, end, NULL, &resumes))
		return false;
	decode(d, &d->file, d->func.pcfile);
	decode(d, &d->line, d->func.pcln);
	for (size_t i = 0; i < resumes.n; i++) {
		const struct gu_resume *r = &resumes.list[i];

		any |= !r->plain && add_border(d, "runtime.systemstack_switch",
			r->start, r->returns);
	}
	return any;
}

static bool over_budget(const struct gu_dwarf_inline *d)
{
	return (uint64_t)d->info->info.n + d->info->ranges.n >
		gu_emit_budget(&d->module->tab);
}

bool gu_dwarf_inline_read(struct gu_dwarf_inline *d,
	const struct gu_func *func, uint64_t end)
{
	uint32_t table = gu_module_inline_table(d->module, func);
	uint64_t start = func->entry;

	while (d->nused > 0)
		d->slots[d->used[--d->nused]] = 0;
	d->nnodes = d->nranges = 0;
	d->func = *func;
	if (table == 0)
		return (is_border(d) && read_border(d, end)) ||
			(is_switch(d) && read_switch(d, end));
	if (over_budget(d)) {
		d->dropped++;
		return false;
	}
	decode(d, &d->call, table);
	decode(d, &d->file, func->pcfile);
	decode(d, &d->line, func->pcln);
	for (uint32_t i = 0; i < d->call.n && !d->failed; i++) {
		const struct gu_dwarf_step *step = &d->call.items[i];
		uint64_t stop = step->end < end ? step->end : end;
		uint32_t n;

		if (step->value >= 0 && start < stop) {
			n = node_of(d, step->value, start, GU_CALLS_MAX);
			if (n == NONE)
				d->dropped++;
			else
				add_range(d, n, start, stop);
		}
		start = step->end;
	}
	return d->nnodes > 0;
}

/* --- writing -------------------------------------------------------------- */

/* A range list; offsets count from the unit's low_pc, which is 0. */
static void put_ranges(struct gu_dwarf_inline *d, uint32_t range)
{
	struct gu_buf *buf = &d->info->ranges;
	bool v5 = d->info->version >= 5;

	for (; range != NONE; range = d->ranges[range].next) {
		const struct gu_dwarf_range *r = &d->ranges[range];

		if (v5) {
			gu_buf_u8(buf, DW_RLE_offset_pair);
			gu_buf_uleb(buf, r->start);
			gu_buf_uleb(buf, r->end);
		} else {
			gu_buf_word(buf, r->start, d->info->ptr_size);
			gu_buf_word(buf, r->end, d->info->ptr_size);
		}
	}
	if (v5)
		gu_buf_u8(buf, DW_RLE_end_of_list);
	else
		gu_buf_zero(buf, 2 * (size_t)d->info->ptr_size);
}

static void put_origin(struct gu_dwarf_inline *d, uint32_t abstract)
{
	if (!gu_vec_room(&d->origins, &d->origins_cap, d->norigins)) {
		d->failed = true;
		return;
	}
	d->origins[d->norigins++] = (struct gu_dwarf_origin){d->info->info.n,
		abstract};
	gu_buf_word(&d->info->info, 0, 4);
}

static void put_call(struct gu_dwarf_inline *d,
	const struct gu_dwarf_call *node)
{
	struct gu_buf *info = &d->info->info;
	const struct gu_dwarf_range *r = &d->ranges[node->ranges];
	bool one = r->next == NONE, leaf = node->first == NONE;

	gu_buf_uleb(info, (leaf ? GU_DIE_LEAF : GU_DIE_CALL) + (one ? 0u : 1u));
	put_origin(d, node->abstract);
	if (one) {
		gu_buf_word(info, r->start, d->info->ptr_size);
		gu_buf_uleb(info, r->end - r->start);
	} else {
		gu_buf_word(info, d->info->ranges.n, 4);
		put_ranges(d, node->ranges);
	}
	gu_buf_uleb(info, node->call_file);
	gu_buf_uleb(info, node->call_line);
}

/*
 * Node N and the tree below it.  Every node has a range: it was made for one of
 * its own or of one inlined into it.
 */
static void put_tree(struct gu_dwarf_inline *d, uint32_t n)
{
	const struct gu_dwarf_call *node = &d->nodes[n];

	if (node->ranges == NONE)
		return;
	put_call(d, node);
	if (node->first == NONE)
		return;
	for (n = node->first; n != NONE; n = d->nodes[n].next)
		put_tree(d, n);
	gu_buf_uleb(&d->info->info, GU_DIE_END);
}

void gu_dwarf_inline_put(struct gu_dwarf_inline *d)
{
	for (uint32_t n = 0; n < d->nnodes && !d->failed; n++)
		if (d->nodes[n].parent == NONE)
			put_tree(d, n);
	gu_buf_uleb(&d->info->info, GU_DIE_END);
}

void gu_dwarf_inline_end(struct gu_dwarf_inline *d)
{
	struct gu_buf *info = &d->info->info;

	for (uint32_t i = 0; i < d->nabstracts; i++) {
		struct gu_dwarf_abstract *a = &d->abstracts[i];
		unsigned known = gu_dwarf_known(a->file, a->line);

		a->die = info->n - d->info->unit;
		gu_buf_uleb(info, GU_DIE_ABSTRACT + known);
		gu_name_list_add(&d->info->names, info->n,
			GU_NAME_FUNCTION);
		gu_buf_word(info, a->name, 4); /* and the same for linkage */
		gu_buf_word(info, a->name, 4);
		gu_buf_u8(info, DW_INL_inlined);
		if (known >= 1)
			gu_buf_uleb(info, a->file);
		if (known >= 2)
			gu_buf_uleb(info, a->line);
	}
	for (uint32_t i = 0; i < d->norigins; i++)
		gu_buf_patch(info, d->origins[i].at,
			d->abstracts[d->origins[i].abstract].die, 4);
	d->nabstracts = d->norigins = 0;
	d->failed |= d->unit_names.failed || d->names.failed;
	gu_intern_deinit(&d->unit_names);
	gu_intern_init(&d->unit_names);
}
