/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/stack/runtime.h"

#include "engine/base/math.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	GOROUTINES_MAX = 1 << 27, /* their array would be 1 GiB */
	SAMPLE = 256,             /* goroutines looked at for a proof */
	STACK_MIN = 1 << 11,      /* Go src/runtime/stack.go, _StackMin */
	WRAPPED_MAX = 8,          /* structs around a value; Go's are 2 deep */
};

/* --- layouts -------------------------------------------------------------- */

#define MUST true
#define MAY false
#define X(field, name, need) {name, need},
static const struct gu_field_name g_fields[] = {GU_G_FIELD_LIST(X)};
static const struct gu_field_name m_fields[] = {GU_M_FIELD_LIST(X)};
#undef X
#undef MUST
#undef MAY

/*
 * An atomic type is a struct around its value (Go src/internal/runtime/atomic:
 * Uint32 {noCopy, value}, Bool {u Uint8}).
 */
static enum gu_status unwrap(const struct gu_types *types,
	struct gu_diag *diag, struct gu_place *place)
{
	for (int depth = 0; place->kind == GU_RKIND_STRUCT; depth++) {
		struct gu_rtype type;
		struct gu_place inner;
		enum gu_status st = gu_types_read(types, place->type, diag,
			&type);

		if (!st && depth == WRAPPED_MAX)
			st = gu_fail(diag, GU_BAD_DATA,
				"type %.*s is a value in too many structs",
				GU_STR(type.name));
		if (!st && gu_types_place(types, &type, "value", NULL, &inner))
			st = gu_types_place(types, &type, "u", diag, &inner);
		if (st)
			return st;
		inner.off += place->off;
		*place = inner;
	}
	return GU_OK;
}

static enum gu_status find_field(const struct gu_types *types,
	const struct gu_rtype *type, const char *path, struct gu_diag *diag,
	struct gu_place *out)
{
	enum gu_status st = gu_types_place(types, type, path, diag, out);

	if (!st)
		st = unwrap(types, diag, out);
	if (!st && !gu_within(out->off, out->size, type->size))
		st = gu_fail(diag, GU_BAD_DATA,
			"field %s lies outside of type %.*s", path,
			GU_STR(type->name));
	return st;
}

enum gu_status gu_layout_find(const struct gu_types *types, const char *name,
	const struct gu_field_name *fields, size_t n, struct gu_diag *diag,
	struct gu_layout *out)
{
	struct gu_layout layout = {.size = 0};
	struct gu_rtype type;
	enum gu_status st = gu_types_find(types, name, diag, &type);

	if (st)
		return st;
	if (type.size == 0 || type.size > GU_STRUCT_MAX)
		return gu_fail(diag, GU_BAD_DATA, "type %s has %" PRIu64
			" bytes", name, type.size);
	layout.size = type.size;
	for (size_t i = 0; i < n; i++) {
		struct gu_place place;

		st = find_field(types, &type, fields[i].path, diag, &place);
		if (st && fields[i].must)
			return st;
		if (st)
			continue;
		layout.fields[i].off = (uint32_t)place.off;
		layout.fields[i].size = (uint32_t)place.size;
	}
	*out = layout;
	return GU_OK;
}

/* synctestBubble.id, through the pointer in g; Go 1.25 and on. */
static uint64_t find_bubble_id(const struct gu_types *types,
	const struct gu_rtype *g)
{
	struct gu_place place;
	struct gu_rtype type;

	if (gu_types_place(types, g, "bubble", NULL, &place) ||
		gu_types_read(types, place.type, NULL, &type) ||
		type.kind != GU_RKIND_PTR ||
		gu_types_read(types, type.elem, NULL, &type) ||
		gu_types_place(types, &type, "id", NULL, &place))
		return 0;
	return place.off;
}

/* By the type that runtime/pprof gives them. */
static void find_labels(struct gu_runtime *rt, const struct gu_types *types)
{
	struct gu_rtype type, hmap;
	struct gu_place b, buckets, old;

	if (gu_types_find(types, "pprof.labelMap", NULL, &type))
		return;
	if (type.kind == GU_RKIND_STRUCT) {
		rt->labels = GU_LABELS_SLICE;
		return;
	}
	if (gu_types_find(types, "runtime.hmap", NULL, &hmap) ||
		gu_types_place(types, &hmap, "B", NULL, &b) ||
		gu_types_place(types, &hmap, "buckets", NULL, &buckets) ||
		gu_types_place(types, &hmap, "oldbuckets", NULL, &old))
		return;
	rt->labels = GU_LABELS_MAP;
	rt->hmap.b = b.off;
	rt->hmap.buckets = buckets.off;
	rt->hmap.oldbuckets = old.off;
}

static enum gu_status find_layouts(struct gu_runtime *rt, struct gu_diag *diag)
{
	struct gu_types gu_cleanup(gu_types_close) types = {.module = NULL};
	struct gu_place reason;
	struct gu_rtype g;
	enum gu_status st = gu_types_open(rt->module, diag, &types);

	if (st == GU_NOT_FOUND)
		return gu_fail(diag, GU_UNSUPPORTED,
			"this program describes no types: goroutines can be "
			"listed for Go 1.7 and on");
	if (!st)
		st = gu_layout_find(&types, "runtime.g", g_fields,
			GU_COUNT(g_fields), diag, &rt->g);
	if (!st)
		st = gu_layout_find(&types, "runtime.m", m_fields,
			GU_COUNT(m_fields), diag, &rt->m);
	if (!st)
		st = gu_types_find(&types, "runtime.g", diag, &g);
	if (st)
		return st;
	find_labels(rt, &types);
	rt->bubble_id = find_bubble_id(&types, &g);
	rt->reason_is_string = gu_types_place(&types, &g, "waitreason", NULL,
		&reason) == GU_OK && reason.kind == GU_RKIND_STRING;
	return GU_OK;
}

uint64_t gu_layout_word(const struct gu_runtime *rt,
	const struct gu_layout *layout, const uint8_t *bytes, unsigned field)
{
	uint32_t off = layout->fields[field].off;
	unsigned size = layout->fields[field].size;
	struct gu_cur cur;

	if (size > 8) /* a string or slice: its pointer */
		size = rt->mem.ptr_size;
	if (size == 0 || !gu_within(off, size, layout->size))
		return 0;
	cur = gu_cur(bytes + off, size, off, rt->mem.be, "runtime struct");
	return gu_cur_word(&cur, size);
}

/* --- proof ---------------------------------------------------------------- */

bool gu_runtime_is_g(const struct gu_runtime *rt, const uint8_t *bytes)
{
	const uint64_t page = 0x1000; /* no stack is at 0 */
	uint64_t lo = gu_layout_word(rt, &rt->g, bytes, GU_G_STACK_LO);
	uint64_t hi = gu_layout_word(rt, &rt->g, bytes, GU_G_STACK_HI);
	uint64_t status = gu_layout_word(rt, &rt->g, bytes, GU_G_STATUS);
	uint64_t goid = gu_layout_word(rt, &rt->g, bytes, GU_G_GOID);

	if ((status & ~(uint64_t)GU_STATUS_SCAN) >= GU_STATUS_COUNT ||
		goid >> 48)
		return false;
	status &= ~(uint64_t)GU_STATUS_SCAN;
	if (lo == 0 && hi == 0)
		return gu_status_is_dead((uint32_t)status);
	return lo >= page && lo < hi &&
		(gu_status_is_dead((uint32_t)status) || goid != 0);
}

/*
 * A stack's size is a power of two (Go src/runtime/stack.go, stackalloc; since
 * 1.9 to its very end).
 */
static bool has_stack(const struct gu_runtime *rt, const uint8_t *bytes)
{
	uint64_t size = gu_layout_word(rt, &rt->g, bytes, GU_G_STACK_HI) -
		gu_layout_word(rt, &rt->g, bytes, GU_G_STACK_LO);

	return size >= STACK_MIN && (size & (size - 1)) == 0;
}

/* What a sample of a list's goroutines came to. */
struct sample {
	size_t read, plausible, alive;
	bool certain;         /* what makes one is more than chance */
	uint64_t claim;       /* how many the slice says there are */
	uint64_t ids[SAMPLE]; /* of those that are alive */
	bool has_main;        /* goroutine 1 is among them */
};

static bool sample_one(const struct gu_runtime *rt, uint64_t addr,
	struct sample *s)
{
	uint8_t bytes[GU_STRUCT_MAX];
	uint64_t id, status;

	if (addr == 0 || gu_mem_read(&rt->mem, addr, bytes, (size_t)rt->g.size,
		NULL))
		return false;
	s->read++;
	if (!gu_runtime_is_g(rt, bytes))
		return true;
	s->plausible++;
	id = gu_layout_word(rt, &rt->g, bytes, GU_G_GOID);
	status = gu_layout_word(rt, &rt->g, bytes, GU_G_STATUS);
	if (gu_status_is_dead((uint32_t)status & ~(uint32_t)GU_STATUS_SCAN))
		return true;
	for (size_t i = 0; i < s->alive; i++)
		if (s->ids[i] == id) { /* two goroutines with one id */
			s->plausible--;
			return true;
		}
	s->has_main |= id == 1;
	s->certain |= has_stack(rt, bytes);
	s->ids[s->alive++] = id;
	return true;
}

/* Take a sample of the LEN goroutines listed at ARRAY. */
static void sample_all(const struct gu_runtime *rt, uint64_t array,
	uint64_t len, struct sample *s)
{
	uint64_t word;

	*s = (struct sample){.read = 0};
	for (uint64_t i = 0; i < SAMPLE; i++) {
		uint64_t at = len <= SAMPLE ? i : i * (len / SAMPLE);

		if (at < len && gu_mem_word(&rt->mem,
			array + at * rt->mem.ptr_size, NULL, &word) == GU_OK)
			sample_one(rt, word, s);
	}
}

/* How many goroutines follow each other at ARRAY, of which MOST are listed. */
static uint64_t count_goroutines(const struct gu_runtime *rt, uint64_t array,
	uint64_t most)
{
	uint8_t bytes[GU_STRUCT_MAX];
	uint64_t n = 0, g;

	while (n < most && n < GOROUTINES_MAX &&
		!gu_mem_word(&rt->mem, array + n * rt->mem.ptr_size, NULL,
			&g) && g &&
		!gu_mem_read(&rt->mem, g, bytes, (size_t)rt->g.size, NULL) &&
		gu_runtime_is_g(rt, bytes))
		n++;
	return n;
}

/*
 * The slice at ADDR, CLAIMED by the runtime's own code or not, has a length
 * that agrees with its capacity, and goroutines; of a sample of those that are
 * there most must be.  If it is claimed, one that is certain will do: the rest
 * is lost, damaged, or named twice; and of a length that is absurd it is known
 * where it ends.
 */
static enum gu_status prove_allgs(const struct gu_runtime *rt, uint64_t addr,
	bool claimed, struct gu_diag *diag, struct gu_slice *out,
	struct sample *s)
{
	uint64_t ptr = rt->mem.ptr_size, array, len, cap, n;
	enum gu_status st = gu_mem_word(&rt->mem, addr, diag, &array);

	if (!st)
		st = gu_mem_word(&rt->mem, addr + ptr, diag, &len);
	if (!st)
		st = gu_mem_word(&rt->mem, addr + 2 * ptr, diag, &cap);
	if (st)
		return gu_fail_in(diag, st, "runtime.allgs");
	/* GDB 10 to 18 show memory that a core leaves out as zeros */
	if (len == 0 && cap == 0 && array == 0)
		return gu_fail_at(diag, GU_BAD_DATA, addr,
			"runtime.allgs at 0x%" PRIx64 " is empty: the program "
			"has not begun, or it is a core without its memory "
			"(see coredump_filter in core(5))", addr);
	n = len;
	if (array == 0 || array % ptr)
		n = 0;
	else if (len > cap || cap > GOROUTINES_MAX)
		n = claimed ? count_goroutines(rt, array, len) : 0;
	if (n == 0)
		return gu_fail_at(diag, GU_BAD_DATA, addr,
			"runtime.allgs at 0x%" PRIx64 " is no list of "
			"goroutines: address 0x%" PRIx64 ", length %" PRIu64
			", capacity %" PRIu64, addr, array, len, cap);
	sample_all(rt, array, n, s);
	if (s->read == 0)
		return gu_fail_at(diag, GU_FAULT, array,
			"none of the %" PRIu64 " goroutines that runtime.allgs "
			"lists can be read: their memory is not there", n);
	if (s->alive == 0 || (s->plausible * 4 < s->read * 3 &&
			!(claimed && s->certain)))
		return gu_fail_at(diag, GU_BAD_DATA, array,
			"runtime.allgs at 0x%" PRIx64 " lists no goroutines: "
			"of %zu looked at, %zu can be ones", addr, s->read,
			s->plausible);
	s->claim = len;
	*out = (struct gu_slice){array, n};
	return GU_OK;
}

/*
 * By its looks: the slice in the module's data whose goroutines differ and
 * have goroutine 1 among them.
 */
static enum gu_status scan_allgs(const struct gu_runtime *rt,
	struct gu_diag *diag, struct gu_slice *out)
{
	const struct gu_moduledata *md = &rt->module->md;
	uint64_t ptr = rt->mem.ptr_size;
	uint64_t lo = md->data < md->noptrdata ? md->data : md->noptrdata;
	struct gu_view gu_cleanup(gu_view_close) view = {0};
	struct gu_cur cur;
	enum gu_status st;

	st = gu_view_open(&rt->mem, lo + rt->bias, md->end - lo, diag, &view);
	if (st)
		return gu_fail_in(diag, st, "the program's variables");
	cur = gu_view_cur(&view, &rt->mem, "variables");
	for (uint64_t off = 0; off + 3 * ptr <= view.n; off += ptr) {
		uint64_t array, len, cap;
		struct sample s = {.read = 0};

		gu_cur_seek(&cur, off);
		array = gu_cur_word(&cur, (unsigned)ptr);
		len = gu_cur_word(&cur, (unsigned)ptr);
		cap = gu_cur_word(&cur, (unsigned)ptr);
		if (array && len >= 2 && len <= cap && cap <= GOROUTINES_MAX &&
			prove_allgs(rt, view.addr + off, false, NULL, out,
				&s) == GU_OK && s.has_main)
			return GU_OK;
	}
	return gu_fail(diag, GU_UNSUPPORTED,
		"the list of goroutines (runtime.allgs) was not found in the "
		"program's variables");
}

static enum gu_status find_allgs(struct gu_runtime *rt, struct gu_diag *diag)
{
	struct sample s = {.read = 0};
	enum gu_status st;

	if (rt->allgs.addr) {
		st = prove_allgs(rt, rt->allgs.addr, true, diag, &rt->allgs,
			&s);
		if (!st && s.claim != rt->allgs.len)
			rt->allgs_claim = s.claim;
		return st;
	}
	rt->allgs_scanned = true;
	return scan_allgs(rt, diag, &rt->allgs);
}

/* Where VAR runs; 0 if it was not found. */
static uint64_t claimed(const struct gu_runtime *rt,
	const struct gu_rtvars *vars, enum gu_rtvar var)
{
	return vars->addr[var] ? vars->addr[var] + rt->bias : 0;
}

enum gu_status gu_runtime_describe(const struct gu_module *module,
	uint64_t bias, const struct gu_mem *mem, struct gu_diag *diag,
	struct gu_runtime *out)
{
	struct gu_runtime rt = {.module = module, .bias = bias, .mem = *mem,
		.direct = *mem, .gap = GU_GAP_MAX};
	struct gu_rtvars vars = {.lastpoll = 0};
	enum gu_status st = find_layouts(&rt, diag);

	if (st)
		return st;
	st = gu_rtvars_find(module, diag, &vars);
	if (st && st != GU_UNSUPPORTED) /* by its looks, then */
		return st;
	rt.allgs.addr = claimed(&rt, &vars, GU_RTVAR_ALLGS);
	rt.allm = claimed(&rt, &vars, GU_RTVAR_ALLM);
	rt.semtable = claimed(&rt, &vars, GU_RTVAR_SEMTABLE);
	if (vars.lastpoll)
		rt.lastpoll = vars.lastpoll + bias;
	if (vars.addr[GU_RTVAR_WAIT_REASONS])
		rt.wait_reasons = (struct gu_slice){
			claimed(&rt, &vars, GU_RTVAR_WAIT_REASONS),
			vars.wait_reasons};
	*out = rt;
	return GU_OK;
}

void gu_runtime_move(struct gu_runtime *rt, uint64_t bias,
	const struct gu_mem *mem)
{
	uint64_t *const places[] = {&rt->allgs.addr, &rt->allm, &rt->lastpoll,
		&rt->semtable, &rt->wait_reasons.addr};

	for (size_t i = 0; i < GU_COUNT(places); i++)
		if (*places[i])
			*places[i] += bias - rt->bias;
	rt->bias = bias;
	rt->mem = *mem;
	rt->direct = *mem;
}

enum gu_status gu_runtime_open(const struct gu_module *module, uint64_t bias,
	const struct gu_mem *mem, struct gu_diag *diag, struct gu_runtime *out)
{
	struct gu_runtime rt;
	enum gu_status st = gu_runtime_describe(module, bias, mem, diag, &rt);

	if (!st)
		st = find_allgs(&rt, diag);
	if (st)
		return st;
	rt.interned = calloc(GU_INTERNED_MAX, sizeof *rt.interned);
	rt.memo = gu_memo_create();
	if (!rt.interned || !rt.memo) {
		gu_runtime_close(&rt);
		return gu_fail(diag, GU_NO_MEMORY, "out of memory");
	}
	*out = rt;
	return GU_OK;
}

void gu_runtime_read_direct(struct gu_runtime *rt, const struct gu_mem *direct)
{
	rt->direct = *direct;
	/* few goroutines are not worth the time that it takes */
	if (rt->allgs.len >= GU_GAP_SAMPLE / rt->mem.ptr_size)
		rt->gap = gu_mem_gap(direct, rt->allgs.addr);
}

void gu_runtime_close(struct gu_runtime *rt)
{
	free(rt->interned);
	gu_memo_destroy(rt->memo);
	*rt = (struct gu_runtime){.interned = NULL};
}

struct gu_code gu_runtime_code(const struct gu_runtime *rt, uint64_t pc)
{
	for (size_t i = 0; i < rt->nothers; i++) {
		const struct gu_code *code = &rt->others[i];

		if (pc - code->bias >= code->module->lo &&
			pc - code->bias < code->module->hi)
			return *code;
	}
	return (struct gu_code){rt->module, rt->bias};
}

struct gu_str gu_runtime_name(const struct gu_runtime *rt, uint64_t pc)
{
	struct gu_code code = gu_runtime_code(rt, pc);

	return gu_memo_name(rt->memo, code.module, pc - code.bias);
}

/* --- strings -------------------------------------------------------------- */

struct gu_str gu_runtime_string(struct gu_runtime *rt, uint64_t addr,
	uint64_t len)
{
	static const struct gu_str none = {"", 0};
	struct gu_interned *s;

	if (len == 0 || len > sizeof s->text)
		return none;
	for (size_t i = 0; i < rt->ninterned; i++) {
		s = &rt->interned[i];
		if (s->addr == addr && s->len == len)
			return (struct gu_str){s->text, (size_t)len};
	}
	if (rt->ninterned == GU_INTERNED_MAX)
		return none;
	s = &rt->interned[rt->ninterned];
	if (gu_mem_read(&rt->mem, addr, s->text, (size_t)len, NULL))
		return none;
	s->addr = addr;
	s->len = len;
	rt->ninterned++;
	return (struct gu_str){s->text, (size_t)len};
}

struct gu_str gu_runtime_wait_reason(struct gu_runtime *rt, uint64_t number)
{
	uint64_t ptr = rt->mem.ptr_size, at, addr, len;
	struct gu_str reason;

	if (number >= rt->wait_reasons.len)
		return (struct gu_str){"", 0};
	if (number < GU_REASONS_MAX && rt->reasons[number].n)
		return rt->reasons[number];
	at = rt->wait_reasons.addr + number * 2 * ptr;
	if (gu_mem_word(&rt->mem, at, NULL, &addr) ||
		gu_mem_word(&rt->mem, at + ptr, NULL, &len))
		return (struct gu_str){"", 0};
	reason = gu_runtime_string(rt, addr, len);
	if (number < GU_REASONS_MAX)
		rt->reasons[number] = reason;
	return reason;
}
