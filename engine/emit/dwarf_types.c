/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/dwarf_types.h"

#include "engine/base/vec.h"
#include "engine/emit/dwarf_generic.h"
#include "engine/emit/dwarf_vars.h"
#include "engine/emit/type_writer.h"

#include <dwarf.h>
#include <stdlib.h>

enum {
	TYPES_MAX = 1 << 22, /* descriptors followed */
	HELD_DEPTH = 32,     /* structs in structs of the same size */
};

/* --- one type ------------------------------------------------------------- */

static uint8_t encoding_of(enum gu_rkind kind)
{
	switch (kind) {
	case GU_RKIND_BOOL:
		return DW_ATE_boolean;
	case GU_RKIND_FLOAT32:
	case GU_RKIND_FLOAT64:
		return DW_ATE_float;
	case GU_RKIND_COMPLEX64:
	case GU_RKIND_COMPLEX128:
		return DW_ATE_complex_float;
	case GU_RKIND_INT:
	case GU_RKIND_INT8:
	case GU_RKIND_INT16:
	case GU_RKIND_INT32:
	case GU_RKIND_INT64:
		return DW_ATE_signed;
	default:
		return DW_ATE_unsigned;
	}
}

static void put_base(struct gu_type_writer *w, const struct gu_rtype *t,
	uint32_t name)
{
	gu_tw_code(w, GU_TDIE_BASE);
	gu_tw_u32(w, name);
	gu_buf_u8(w->out->info, encoding_of(t->kind));
	gu_buf_uleb(w->out->info, t->size);
	gu_tw_go(w, t);
}

static void put_struct_head(struct gu_type_writer *w, enum gu_type_die code,
	const struct gu_rtype *t, uint32_t name)
{
	gu_tw_code(w, code);
	gu_tw_u32(w, name);
	gu_buf_uleb(w->out->info, t->size);
	gu_tw_go(w, t);
}

/* Bytes of the type at ADDR; UINT64_MAX if there is none. */
static uint64_t size_of(const struct gu_type_writer *w, uint64_t addr)
{
	uint32_t type = gu_intern_find_key(&w->addrs, addr);

	return type < w->ntypes ? w->sizes[type] : UINT64_MAX;
}

static bool is_held(struct gu_type_writer *w, uint64_t held, uint64_t addr,
	uint64_t size, unsigned depth);

/* Does the struct or array T hold the type at HELD, not by a pointer? */
static bool holds(struct gu_type_writer *w, const struct gu_rtype *t,
	uint64_t held, unsigned depth)
{
	if (t->kind == GU_RKIND_ARRAY)
		return is_held(w, held, t->elem, t->size, depth);
	for (uint64_t i = 0; i < t->nfields; i++) {
		struct gu_rfield field;

		if (!gu_tw_spend(w) ||
			gu_types_field(w->types, t, i, NULL, &field) ||
			is_held(w, held, field.type, t->size, depth))
			return true;
	}
	return false;
}

/*
 * Is the type at ADDR, a part of one of SIZE bytes, HELD or does it hold it?
 * What is smaller cannot be: parts lie within what they are parts of.
 */
static bool is_held(struct gu_type_writer *w, uint64_t held, uint64_t addr,
	uint64_t size, unsigned depth)
{
	struct gu_rtype t;

	if (size_of(w, addr) != size)
		return false;
	if (addr == held || depth == 0)
		return true;
	if (gu_types_read(w->types, addr, NULL, &t) ||
		(t.kind != GU_RKIND_STRUCT && t.kind != GU_RKIND_ARRAY))
		return false;
	return holds(w, &t, held, depth - 1);
}

/* Can T have a part of the type at ADDR, OFF bytes into it? */
static bool has_room(struct gu_type_writer *w, const struct gu_rtype *t,
	uint64_t addr, uint64_t off)
{
	uint64_t size = size_of(w, addr);

	return size == UINT64_MAX || (gu_within(off, size, t->size) &&
		!is_held(w, t->addr, addr, t->size, HELD_DEPTH));
}

static void put_struct(struct gu_type_writer *w, const struct gu_rtype *t,
	uint32_t name)
{
	put_struct_head(w, t->nfields ? GU_TDIE_STRUCT : GU_TDIE_EMPTY_STRUCT,
		t, name);
	if (t->nfields == 0)
		return;
	for (uint64_t i = 0; i < t->nfields; i++) {
		struct gu_rfield field;

		if (!gu_tw_spend(w) ||
			gu_types_field(w->types, t, i, NULL, &field)) {
			w->dropped++;
			break;
		}
		if (!has_room(w, t, field.type, field.off)) {
			w->dropped++;
			continue;
		}
		gu_tw_member_head(w, field.name, field.off);
		gu_tw_type(w, field.type);
		gu_buf_u8(w->out->info, field.embedded);
	}
	gu_tw_end(w);
}

static void put_string(struct gu_type_writer *w, const struct gu_rtype *t,
	uint32_t name)
{
	put_struct_head(w, GU_TDIE_STRUCT, t, name);
	gu_tw_member(w, "str", 0, w->byte_ptr);
	gu_tw_member(w, "len", w->ptr, w->integer);
	gu_tw_end(w);
}

static uint32_t put_slice(struct gu_type_writer *w, const struct gu_rtype *t,
	uint32_t name)
{
	struct gu_type_ref array = gu_tw_pointer_to(w, t->elem);
	uint32_t off = gu_tw_here(w);

	put_struct_head(w, GU_TDIE_SLICE, t, name);
	gu_tw_type(w, t->elem);
	gu_tw_member(w, "array", 0, array);
	gu_tw_member(w, "len", w->ptr, w->integer);
	gu_tw_member(w, "cap", 2ull * w->ptr, w->integer);
	gu_tw_end(w);
	return off;
}

static void put_array(struct gu_type_writer *w, const struct gu_rtype *t,
	uint32_t name)
{
	uint64_t size = size_of(w, t->elem), all;
	bool fits = size == UINT64_MAX ||
		(gu_mul(size, t->len, &all) && all == t->size &&
			(t->len == 0 || has_room(w, t, t->elem, 0)));

	w->dropped += !fits;
	gu_tw_code(w, GU_TDIE_ARRAY);
	gu_tw_u32(w, name);
	gu_tw_type(w, fits ? t->elem : 0);
	gu_buf_uleb(w->out->info, t->size);
	gu_tw_go(w, t);
	gu_tw_range(w, fits ? t->len : 0);
	gu_tw_end(w);
}

/* Parameters, then results, as in Go's own DWARF. */
static void put_func(struct gu_type_writer *w, const struct gu_rtype *t,
	uint32_t name)
{
	uint64_t n = gu_rtype_nparams(t) + gu_rtype_nresults(t);

	put_struct_head(w, n ? GU_TDIE_FUNC : GU_TDIE_EMPTY_FUNC, t, name);
	if (n == 0)
		return;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t param;

		if (!gu_tw_spend(w) ||
			gu_types_param(w->types, t, i, NULL, &param)) {
			w->dropped++;
			break;
		}
		gu_tw_code(w, GU_TDIE_PARAM);
		gu_tw_type(w, param);
	}
	gu_tw_end(w);
}

/*
 * Where an itab's method pointers begin: abi.ITab {Inter, Type, Hash, Fun},
 * with padding on 32-bit machines up to 1.22 and a link up to 1.9
 * (runtime2.go).
 */
static uint64_t itab_methods(const struct gu_type_writer *w)
{
	int minor = w->types->minor;

	if (minor <= 9)
		return 3ull * w->ptr + 8;
	return 2ull * w->ptr + (w->ptr == 4 && minor >= 23 ? 4 : 8);
}

/* The itab of interface T, whose methods are in T's order: {pointers…}. */
static uint32_t put_itab(struct gu_type_writer *w, const struct gu_rtype *t)
{
	uint64_t at = itab_methods(w);
	uint32_t off = gu_tw_here(w);
	struct gu_str name;

	gu_buf_printf(&w->name, " itab");
	name = (struct gu_str){(const char *)w->name.p, w->name.n};
	gu_tw_code(w, GU_TDIE_PLAIN_STRUCT);
	gu_tw_u32(w, gu_tw_str(w, name));
	gu_buf_uleb(w->out->info, at + t->nmethods * w->ptr);
	gu_tw_member(w, "inter", 0, w->any_ptr);
	gu_tw_member(w, "type", w->ptr, w->any_ptr);
	for (uint64_t i = 0; i < t->nmethods; i++) {
		struct gu_rmethod method;

		if (!gu_tw_spend(w) ||
			gu_types_method(w->types, t, i, NULL, &method)) {
			w->dropped++;
			break;
		}
		gu_tw_member_head(w, method.name, at + i * w->ptr);
		gu_tw_type(w, method.type);
		gu_buf_u8(w->out->info, 0);
	}
	gu_tw_end(w);
	return off;
}

/* An interface with methods: what the runtime calls an iface. */
static uint32_t put_interface(struct gu_type_writer *w,
	const struct gu_rtype *t, uint32_t name)
{
	struct gu_type_ref tab = {.off = put_itab(w, t)};
	uint32_t off;

	gu_tw_pointer(w, &tab, tab.off);
	off = gu_tw_here(w);
	put_struct_head(w, GU_TDIE_STRUCT, t, name);
	gu_tw_member(w, "tab", 0, tab);
	gu_tw_member(w, "data", w->ptr, w->any_ptr);
	gu_tw_end(w);
	return off;
}

/* T's name, left in w->name too. */
static uint32_t put_type_name(struct gu_type_writer *w,
	const struct gu_rtype *t)
{
	w->name.n = 0;
	gu_tw_name(w, t);
	return gu_tw_str(w,
		(struct gu_str){(const char *)w->name.p, w->name.n});
}

/* A channel or a map. */
static uint32_t put_holder(struct gu_type_writer *w, const struct gu_rtype *t,
	uint32_t name)
{
	struct gu_type_ref pointer = gu_dwarf_generic(w, t);
	uint32_t off = gu_tw_here(w);

	gu_tw_code(w, t->kind == GU_RKIND_MAP ? GU_TDIE_MAP : GU_TDIE_CHAN);
	gu_tw_u32(w, name);
	gu_tw_ref(w, pointer);
	gu_tw_go(w, t);
	gu_tw_type(w, t->elem);
	if (t->kind == GU_RKIND_MAP)
		gu_tw_type(w, t->key);
	return off;
}

/* Write T; returns the offset of the DIE that others refer to. */
static uint32_t put_one(struct gu_type_writer *w, const struct gu_rtype *t)
{
	uint32_t name, off = gu_tw_here(w);

	name = put_type_name(w, t);
	switch (t->kind) {
	case GU_RKIND_STRING:
		put_string(w, t, name);
		break;
	case GU_RKIND_STRUCT:
		put_struct(w, t, name);
		break;
	case GU_RKIND_SLICE:
		gu_dwarf_vars_note(w, t);
		off = put_slice(w, t, name);
		break;
	case GU_RKIND_ARRAY:
		put_array(w, t, name);
		break;
	case GU_RKIND_FUNC:
		put_func(w, t, name);
		break;
	case GU_RKIND_INTERFACE:
		if (t->nmethods) {
			off = put_interface(w, t, name);
			break;
		}
		gu_tw_code(w, GU_TDIE_EFACE);
		gu_tw_u32(w, name);
		gu_tw_off(w, w->eface);
		gu_tw_go(w, t);
		return off;
	case GU_RKIND_PTR:
		gu_tw_code(w, GU_TDIE_POINTER);
		gu_tw_u32(w, name);
		gu_tw_type(w, t->elem);
		gu_tw_go(w, t);
		return off;
	case GU_RKIND_UNSAFE_PTR:
		gu_tw_code(w, GU_TDIE_UNSAFE_POINTER);
		gu_tw_u32(w, name);
		gu_tw_go(w, t);
		return off;
	case GU_RKIND_CHAN:
	case GU_RKIND_MAP:
		return put_holder(w, t, name);
	default:
		put_base(w, t, name);
		return off;
	}
	/* what is not called by what it is made of */
	if (t->named || gu_tw_is_group(w, t)) {
		uint32_t def = off;

		off = gu_tw_here(w);
		gu_tw_typedef(w, name, def);
	}
	return off;
}

/* --- all types ------------------------------------------------------------ */

static void collect(struct gu_type_writer *w, uint64_t addr)
{
	if (addr == 0)
		return;
	if (addr % w->ptr == 0 && w->addrs.n < TYPES_MAX)
		(void)gu_intern_key(&w->addrs, addr);
	else
		w->dropped++;
}

/* What the descriptor T refers to. */
static void collect_parts(struct gu_type_writer *w, const struct gu_rtype *t)
{
	uint64_t n = 0;

	collect(w, t->elem);
	collect(w, t->key);
	collect(w, t->group);
	collect(w, t->ptr_to_this);
	for (uint64_t i = 0; i < t->nfields; i++) {
		struct gu_rfield field;

		if (!gu_tw_spend(w) ||
			gu_types_field(w->types, t, i, NULL, &field))
			break;
		collect(w, field.type);
	}
	for (uint64_t i = 0; i < t->nmethods; i++) {
		struct gu_rmethod method;

		if (!gu_tw_spend(w) ||
			gu_types_method(w->types, t, i, NULL, &method))
			break;
		collect(w, method.type);
	}
	if (t->kind == GU_RKIND_FUNC)
		n = gu_rtype_nparams(t) + gu_rtype_nresults(t);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t param;

		if (!gu_tw_spend(w) ||
			gu_types_param(w->types, t, i, NULL, &param))
			break;
		collect(w, param);
	}
}

/* Remember T if others are described with it. */
static void note_known(struct gu_type_writer *w, const struct gu_rtype *t)
{
	static const struct {
		struct gu_str name, package;
	} known[] = {
#define X(type, name, package) \
	{{name, sizeof(name) - 1}, {package, sizeof(package) - 1}},
		GU_KNOWN_TYPE_LIST(X)
#undef X
	};

	if (!t->named)
		return;
	for (size_t i = 0; i < GU_KNOWN_COUNT; i++)
		if (gu_str_eq(t->name, known[i].name) &&
			(t->pkg_path.n == 0 ||
				gu_str_eq(t->pkg_path, known[i].package)))
			w->known[i] = *t;
}

/* The descriptors that are listed; of bad ones, the next if there is a way. */
static void collect_listed(struct gu_type_writer *w)
{
	uint64_t pos = 0, before;
	enum gu_status st;

	do {
		struct gu_rtype t;

		before = pos;
		st = gu_types_next(w->types, &pos, NULL, &t);
		if (st == GU_OK)
			collect(w, t.addr);
		else if (st != GU_NOT_FOUND)
			w->dropped++;
	} while (st != GU_NOT_FOUND && pos != before);
}

static void collect_all(struct gu_type_writer *w)
{
	struct gu_rtype t;

	collect_listed(w);
	for (uint32_t i = 0; i < w->addrs.n && !w->addrs.failed; i++) {
		if (!gu_vec_room(&w->sizes, &w->sizes_cap, i)) {
			w->failed = true;
			break;
		}
		w->sizes[i] = UINT64_MAX;
		if (gu_types_read(w->types, w->addrs.items[i].key, NULL, &t))
			continue;
		w->sizes[i] = t.size;
		collect_parts(w, &t);
		note_known(w, &t);
		gu_tw_note_group(w, &t);
	}
	w->ntypes = w->addrs.n;
}

/* A base type of our own, unless there is a descriptor. */
static void make_base(struct gu_type_writer *w, struct gu_type_ref *ref,
	const char *name, uint8_t encoding, unsigned size)
{
	if (ref->addr)
		return;
	ref->off = gu_tw_here(w);
	gu_tw_code(w, GU_TDIE_BASE);
	gu_tw_u32(w, gu_tw_str(w, gu_str(name)));
	gu_buf_u8(w->out->info, encoding);
	gu_buf_uleb(w->out->info, size);
	gu_buf_u8(w->out->info, 0);
	gu_buf_word(w->out->info, 0, w->ptr);
}

/* What every program's types need, described or not. */
static void put_common(struct gu_type_writer *w)
{
	const struct gu_rtype *known = w->known;

	w->byte.addr = known[GU_KNOWN_UINT8].addr;
	w->integer.addr = known[GU_KNOWN_INT].addr;
	w->uintptr.addr = known[GU_KNOWN_UINTPTR].addr;
	w->byte_ptr.addr = known[GU_KNOWN_UINT8].ptr_to_this;
	w->any_ptr.addr = known[GU_KNOWN_POINTER].addr;
	w->chan.addr = known[GU_KNOWN_HCHAN].ptr_to_this;
	w->map.addr = known[GU_KNOWN_MAP].addr
		? known[GU_KNOWN_MAP].ptr_to_this
		: known[GU_KNOWN_HMAP].ptr_to_this;
	w->unknown = gu_tw_here(w);
	gu_tw_code(w, GU_TDIE_UNKNOWN);
	gu_tw_u32(w, gu_tw_str(w, gu_str("unknown")));
	make_base(w, &w->integer, "int", DW_ATE_signed, w->ptr);
	make_base(w, &w->uintptr, "uintptr", DW_ATE_unsigned, w->ptr);
	make_base(w, &w->byte, "uint8", DW_ATE_unsigned, 1);
	if (!w->byte_ptr.addr)
		w->byte_ptr = gu_tw_named_pointer(w,
			gu_tw_str(w, gu_str("*uint8")), w->byte);
	gu_tw_pointer(w, &w->any_ptr, w->unknown);
	gu_tw_pointer(w, &w->chan, w->unknown);
	gu_tw_pointer(w, &w->map, w->unknown);
	w->eface = gu_tw_here(w);
	gu_tw_code(w, GU_TDIE_PLAIN_STRUCT);
	gu_tw_u32(w, gu_tw_str(w, gu_str("runtime.eface")));
	gu_buf_uleb(w->out->info, 2ull * w->ptr);
	gu_tw_member(w, "_type", 0, w->any_ptr);
	gu_tw_member(w, "data", w->ptr, w->any_ptr);
	gu_tw_end(w);
}

static void put_unit(struct gu_type_writer *w)
{
	const struct gu_dwarf_types_out *out = w->out;
	struct gu_buf *info = out->info;
	uint64_t abbrev = out->abbrev->n;

	gu_tw_abbrevs(out->abbrev);
	w->unit = info->n;
	gu_tw_u32(w, 0);
	gu_buf_word(info, out->version, 2);
	if (out->version >= 5) {
		gu_buf_u8(info, DW_UT_compile);
		gu_buf_u8(info, (uint8_t)w->ptr);
		gu_buf_word(info, abbrev, 4);
	} else {
		gu_buf_word(info, abbrev, 4);
		gu_buf_u8(info, (uint8_t)w->ptr);
	}
	gu_tw_code(w, GU_TDIE_UNIT);
	gu_tw_u32(w, gu_tw_str(w, gu_str("<types>")));
	gu_buf_u8(info, DW_LANG_Go);
	gu_tw_u32(w, out->comp_dir);
	gu_tw_u32(w, out->producer);
	put_common(w);
	for (uint32_t i = 0; i < w->ntypes; i++) {
		struct gu_rtype t;

		if (gu_types_read(w->types, w->addrs.items[i].key, NULL, &t)) {
			w->offs[i] = w->unknown;
			w->dropped++;
		} else {
			w->offs[i] = put_one(w, &t);
			w->written++;
		}
	}
	gu_dwarf_vars_put(w);
	gu_tw_end(w);
	gu_buf_patch(info, w->unit, info->n - w->unit - 4, 4);
	for (uint32_t i = 0; i < w->nfixups; i++)
		gu_buf_patch(info, w->fixups[i].at, w->offs[w->fixups[i].type],
			4);
}

enum gu_status gu_dwarf_types_write(const struct gu_types *types,
	const struct gu_dwarf_types_out *out, struct gu_diag *diag,
	struct gu_dwarf_types_stats *stats)
{
	struct gu_type_writer w;

	gu_tw_init(&w, types, out);
	collect_all(&w);
	w.offs = calloc(w.ntypes ? w.ntypes : 1, sizeof *w.offs);
	if (w.offs && !w.addrs.failed && !w.failed)
		put_unit(&w);
	w.failed |= !w.offs || w.addrs.failed || w.names.failed ||
		w.generics.failed || w.groups.failed ||
		w.name.failed || out->info->failed || out->abbrev->failed ||
		out->strs->failed;
	*stats = (struct gu_dwarf_types_stats){w.written, w.dropped};
	gu_tw_deinit(&w);
	return w.failed ? gu_fail(diag, GU_NO_MEMORY, "no memory for types") :
		GU_OK;
}
