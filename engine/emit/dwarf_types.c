/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/dwarf_types.h"

#include "engine/base/intern.h"
#include "engine/base/vec.h"

#include <dwarf.h>

/* Go's own attributes: Go src/cmd/internal/dwarf/dwarf.go. */
enum {
	DW_AT_go_kind = 0x2900,
	DW_AT_go_key = 0x2901,
	DW_AT_go_elem = 0x2902,
	DW_AT_go_embedded_field = 0x2903,
	DW_AT_go_runtime_type = 0x2904,
};

enum {
	TYPES_MAX = 1 << 22, /* descriptors followed */
	/*
	 * Honest fields, methods and parameters take 4 bytes of the types or
	 * more, each for itself, and composed names are a few times as long as
	 * what they are composed of; descriptors that share what they point at
	 * could ask for any amount.
	 */
	PART_BYTES = 4,
	NAME_GROWTH = 16,
	REF_SIZE = 4,        /* DW_FORM_ref4 */
	ABBREV_ATTRS = 6,
};

enum code {
	CODE_END,
	CODE_UNIT,
	CODE_BASE,
	CODE_POINTER,
	CODE_UNSAFE_POINTER,
	CODE_PLAIN_POINTER, /* made by us: no descriptor */
	CODE_STRUCT,
	CODE_SLICE,
	CODE_PLAIN_STRUCT,
	CODE_MEMBER,
	CODE_EMPTY_STRUCT,
	CODE_EMPTY_FUNC,
	CODE_ARRAY,
	CODE_RANGE,
	CODE_FUNC,
	CODE_PARAM,
	CODE_TYPEDEF,
	CODE_EFACE,
	CODE_CHAN,
	CODE_MAP,
	CODE_UNKNOWN,
	CODE_COUNT
};

struct abbrev {
	uint8_t tag;
	bool children;
	struct {
		uint16_t name;
		uint8_t form;
	} attrs[ABBREV_ATTRS];
};

#define NAME {DW_AT_name, DW_FORM_strp}
#define SIZE {DW_AT_byte_size, DW_FORM_udata}
#define TYPE {DW_AT_type, DW_FORM_ref4}
#define GO_KIND {DW_AT_go_kind, DW_FORM_data1}
#define GO_TYPE {DW_AT_go_runtime_type, DW_FORM_addr}
#define GO_ELEM {DW_AT_go_elem, DW_FORM_ref4}
#define GO_KEY {DW_AT_go_key, DW_FORM_ref4}

static const struct abbrev abbrevs[CODE_COUNT] = {
	[CODE_UNIT] = {DW_TAG_compile_unit, true,
		{NAME, {DW_AT_language, DW_FORM_data1},
			{DW_AT_comp_dir, DW_FORM_strp},
			{DW_AT_producer, DW_FORM_strp}}},
	[CODE_BASE] = {DW_TAG_base_type, false,
		{NAME, {DW_AT_encoding, DW_FORM_data1}, SIZE, GO_KIND,
			GO_TYPE}},
	[CODE_POINTER] = {DW_TAG_pointer_type, false,
		{NAME, TYPE, GO_KIND, GO_TYPE}},
	[CODE_UNSAFE_POINTER] = {DW_TAG_pointer_type, false,
		{NAME, GO_KIND, GO_TYPE}},
	[CODE_PLAIN_POINTER] = {DW_TAG_pointer_type, false, {TYPE}},
	[CODE_STRUCT] = {DW_TAG_structure_type, true,
		{NAME, SIZE, GO_KIND, GO_TYPE}},
	[CODE_EMPTY_STRUCT] = {DW_TAG_structure_type, false,
		{NAME, SIZE, GO_KIND, GO_TYPE}},
	[CODE_EMPTY_FUNC] = {DW_TAG_subroutine_type, false,
		{NAME, SIZE, GO_KIND, GO_TYPE}},
	[CODE_SLICE] = {DW_TAG_structure_type, true,
		{NAME, SIZE, GO_KIND, GO_TYPE, GO_ELEM}},
	[CODE_PLAIN_STRUCT] = {DW_TAG_structure_type, true, {NAME, SIZE}},
	[CODE_MEMBER] = {DW_TAG_member, false,
		{NAME, {DW_AT_data_member_location, DW_FORM_udata}, TYPE,
			{DW_AT_go_embedded_field, DW_FORM_flag}}},
	[CODE_ARRAY] = {DW_TAG_array_type, true,
		{NAME, TYPE, SIZE, GO_KIND, GO_TYPE}},
	[CODE_RANGE] = {DW_TAG_subrange_type, false,
		{TYPE, {DW_AT_count, DW_FORM_udata}}},
	[CODE_FUNC] = {DW_TAG_subroutine_type, true,
		{NAME, SIZE, GO_KIND, GO_TYPE}},
	[CODE_PARAM] = {DW_TAG_formal_parameter, false, {TYPE}},
	[CODE_TYPEDEF] = {DW_TAG_typedef, false, {NAME, TYPE}},
	[CODE_EFACE] = {DW_TAG_typedef, false, {NAME, TYPE, GO_KIND, GO_TYPE}},
	[CODE_CHAN] = {DW_TAG_typedef, false,
		{NAME, TYPE, GO_KIND, GO_TYPE, GO_ELEM}},
	[CODE_MAP] = {DW_TAG_typedef, false,
		{NAME, TYPE, GO_KIND, GO_TYPE, GO_ELEM, GO_KEY}},
	[CODE_UNKNOWN] = {DW_TAG_unspecified_type, false, {NAME}},
};

/* A reference to a type whose place is not known yet. */
struct fixup {
	size_t at;
	uint32_t type;
};

/* A type by its descriptor or, where the binary has none, a DIE of ours. */
struct ref {
	uint64_t addr;
	uint32_t off; /* used if addr is 0 */
};

struct writer {
	const struct gu_types *types;
	const struct gu_dwarf_types_out *out;
	unsigned ptr;
	size_t unit;            /* where it begins in info */
	struct gu_intern addrs; /* descriptors, by address */
	uint32_t ntypes;        /* of them, after collecting */
	uint32_t *offs;         /* of each one's DIE from unit; 0: not yet */
	struct gu_intern names; /* of fields and methods… */
	uint32_t *name_offs;    /* …and where they are in strs */
	uint32_t name_offs_cap;
	struct fixup *fixups;
	uint32_t nfixups, fixups_cap;
	struct gu_buf name;     /* scratch */
	uint64_t parts;         /* that may still be looked at */
	uint64_t name_bytes;    /* that may still be composed */
	uint32_t unknown, eface;
	struct ref integer, uintptr, byte_ptr, any_ptr, chan, map;
	uint32_t dropped;
	bool failed;            /* memory ran out */
};

/* --- writing DIEs ------------------------------------------------------------ */

static uint32_t put_str(struct writer *w, struct gu_str s)
{
	size_t off = w->out->strs->n;

	gu_buf_cstr(w->out->strs, s);
	return (uint32_t)off;
}

/* Names of fields recur: each is written once. */
static uint32_t shared_str(struct writer *w, struct gu_str s)
{
	uint32_t before = w->names.n;
	uint32_t number = gu_intern_str(&w->names, s);

	if (number == UINT32_MAX ||
		!gu_vec_room(&w->name_offs, &w->name_offs_cap, number)) {
		w->failed = true;
		return 0;
	}
	if (number == before)
		w->name_offs[number] = put_str(w, s);
	return w->name_offs[number];
}

static uint32_t here(const struct writer *w)
{
	return (uint32_t)(w->out->info->n - w->unit);
}

static void put_code(struct writer *w, enum code code)
{
	gu_buf_uleb(w->out->info, code);
}

/* One more field, method or parameter: false if there were too many. */
static bool spend_part(struct writer *w)
{
	if (w->parts == 0)
		return false;
	w->parts--;
	return true;
}

static void put_u32(struct writer *w, uint32_t value)
{
	gu_buf_word(w->out->info, value, 4);
}

/* A reference to the type of the descriptor at ADDR. */
static void put_type(struct writer *w, uint64_t addr)
{
	uint32_t type = addr ? gu_intern_key(&w->addrs, addr) : UINT32_MAX;
	uint32_t off = type < w->ntypes ? w->offs[type] : w->unknown;

	if (off == 0) {
		if (!gu_vec_room(&w->fixups, &w->fixups_cap, w->nfixups)) {
			w->failed = true;
			return;
		}
		w->fixups[w->nfixups++] =
			(struct fixup){w->out->info->n, type};
	}
	gu_buf_word(w->out->info, off, REF_SIZE);
}

static void put_ref(struct writer *w, struct ref ref)
{
	if (ref.addr)
		put_type(w, ref.addr);
	else
		gu_buf_word(w->out->info, ref.off, REF_SIZE);
}

static void put_go(struct writer *w, const struct gu_rtype *t)
{
	gu_buf_u8(w->out->info, (uint8_t)t->kind);
	gu_buf_word(w->out->info, t->addr, w->ptr);
}

static void put_member_head(struct writer *w, struct gu_str name, uint64_t off)
{
	put_code(w, CODE_MEMBER);
	put_u32(w, shared_str(w, name));
	gu_buf_uleb(w->out->info, off);
}

static void put_member(struct writer *w, const char *name, uint64_t off,
	struct ref type)
{
	put_member_head(w, gu_str(name), off);
	put_ref(w, type);
	gu_buf_u8(w->out->info, 0);
}

static void put_end(struct writer *w)
{
	put_code(w, CODE_END);
}

/* The typedef that Go gives to declared types. */
static void put_typedef(struct writer *w, uint32_t name, uint32_t type)
{
	put_code(w, CODE_TYPEDEF);
	put_u32(w, name);
	gu_buf_word(w->out->info, type, REF_SIZE);
}

/* A pointer of our own to the DIE at TO, unless there is a descriptor. */
static void make_pointer(struct writer *w, struct ref *ref, uint32_t to)
{
	if (ref->addr)
		return;
	ref->off = here(w);
	put_code(w, CODE_PLAIN_POINTER);
	gu_buf_word(w->out->info, to, REF_SIZE);
}

/* --- one type ---------------------------------------------------------------- */

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

static void put_base(struct writer *w, const struct gu_rtype *t, uint32_t name)
{
	put_code(w, CODE_BASE);
	put_u32(w, name);
	gu_buf_u8(w->out->info, encoding_of(t->kind));
	gu_buf_uleb(w->out->info, t->size);
	put_go(w, t);
}

static void put_struct_head(struct writer *w, enum code code,
	const struct gu_rtype *t, uint32_t name)
{
	put_code(w, code);
	put_u32(w, name);
	gu_buf_uleb(w->out->info, t->size);
	put_go(w, t);
}

static void put_struct(struct writer *w, const struct gu_rtype *t,
	uint32_t name)
{
	put_struct_head(w, t->nfields ? CODE_STRUCT : CODE_EMPTY_STRUCT, t,
		name);
	if (t->nfields == 0)
		return;
	for (uint64_t i = 0; i < t->nfields; i++) {
		struct gu_rfield field;

		if (!spend_part(w) ||
			gu_types_field(w->types, t, i, NULL, &field)) {
			w->dropped++;
			break;
		}
		put_member_head(w, field.name, field.off);
		put_type(w, field.type);
		gu_buf_u8(w->out->info, field.embedded);
	}
	put_end(w);
}

static void put_string(struct writer *w, const struct gu_rtype *t,
	uint32_t name)
{
	put_struct_head(w, CODE_STRUCT, t, name);
	put_member(w, "str", 0, w->byte_ptr);
	put_member(w, "len", w->ptr, w->integer);
	put_end(w);
}

/* The pointer to ELEM: its own descriptor's, or one of ours, written now. */
static struct ref pointer_to(struct writer *w, uint64_t elem)
{
	struct gu_rtype t;
	struct ref ref = {0};

	if (gu_types_read(w->types, elem, NULL, &t) == GU_OK && t.ptr_to_this) {
		ref.addr = t.ptr_to_this;
		return ref;
	}
	ref.off = here(w);
	put_code(w, CODE_PLAIN_POINTER);
	put_type(w, elem);
	return ref;
}

static uint32_t put_slice(struct writer *w, const struct gu_rtype *t,
	uint32_t name)
{
	struct ref array = pointer_to(w, t->elem);
	uint32_t off = here(w);

	put_struct_head(w, CODE_SLICE, t, name);
	put_type(w, t->elem);
	put_member(w, "array", 0, array);
	put_member(w, "len", w->ptr, w->integer);
	put_member(w, "cap", 2ull * w->ptr, w->integer);
	put_end(w);
	return off;
}

static void put_array(struct writer *w, const struct gu_rtype *t, uint32_t name)
{
	put_code(w, CODE_ARRAY);
	put_u32(w, name);
	put_type(w, t->elem);
	gu_buf_uleb(w->out->info, t->size);
	put_go(w, t);
	put_code(w, CODE_RANGE);
	put_ref(w, w->uintptr);
	gu_buf_uleb(w->out->info, t->len);
	put_end(w);
}

/* Parameters, then results, as in Go's own DWARF. */
static void put_func(struct writer *w, const struct gu_rtype *t, uint32_t name)
{
	uint64_t n = gu_rtype_nparams(t) + gu_rtype_nresults(t);

	put_struct_head(w, n ? CODE_FUNC : CODE_EMPTY_FUNC, t, name);
	if (n == 0)
		return;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t param;

		if (!spend_part(w) ||
			gu_types_param(w->types, t, i, NULL, &param)) {
			w->dropped++;
			break;
		}
		put_code(w, CODE_PARAM);
		put_type(w, param);
	}
	put_end(w);
}

/*
 * Where an itab's method pointers begin: abi.ITab {Inter, Type, Hash, Fun}, with
 * padding on 32-bit machines up to 1.22 and a link up to 1.9 (runtime2.go).
 */
static uint64_t itab_methods(const struct writer *w)
{
	int minor = w->types->minor;

	if (minor <= 9)
		return 3ull * w->ptr + 8;
	return 2ull * w->ptr + (w->ptr == 4 && minor >= 23 ? 4 : 8);
}

/* The itab of interface T, whose methods are in T's order: {pointers…}. */
static uint32_t put_itab(struct writer *w, const struct gu_rtype *t)
{
	uint64_t at = itab_methods(w);
	uint32_t off = here(w);
	struct gu_str name;

	gu_buf_printf(&w->name, " itab");
	name = (struct gu_str){(const char *)w->name.p, w->name.n};
	put_code(w, CODE_PLAIN_STRUCT);
	put_u32(w, put_str(w, name));
	gu_buf_uleb(w->out->info, at + t->nmethods * w->ptr);
	put_member(w, "inter", 0, w->any_ptr);
	put_member(w, "type", w->ptr, w->any_ptr);
	for (uint64_t i = 0; i < t->nmethods; i++) {
		struct gu_rmethod method;

		if (!spend_part(w) ||
			gu_types_method(w->types, t, i, NULL, &method)) {
			w->dropped++;
			break;
		}
		put_member_head(w, method.name, at + i * w->ptr);
		put_type(w, method.type);
		gu_buf_u8(w->out->info, 0);
	}
	put_end(w);
	return off;
}

/* An interface with methods: what the runtime calls an iface. */
static uint32_t put_interface(struct writer *w, const struct gu_rtype *t,
	uint32_t name)
{
	struct ref tab = {.off = put_itab(w, t)};
	uint32_t off;

	make_pointer(w, &tab, tab.off);
	off = here(w);
	put_struct_head(w, CODE_STRUCT, t, name);
	put_member(w, "tab", 0, tab);
	put_member(w, "data", w->ptr, w->any_ptr);
	put_end(w);
	return off;
}

/* T's name, left in w->name too. */
static uint32_t put_type_name(struct writer *w, const struct gu_rtype *t)
{
	if (w->name_bytes == 0 || !gu_types_name(w->types, t, &w->name)) {
		w->name.n = 0;
		gu_buf_str(&w->name, t->name);
	}
	w->name_bytes -= w->name.n < w->name_bytes ? w->name.n : w->name_bytes;
	return put_str(w, (struct gu_str){(const char *)w->name.p, w->name.n});
}

/* Write T; returns the offset of the DIE that others refer to. */
static uint32_t put_one(struct writer *w, const struct gu_rtype *t)
{
	uint32_t name, off = here(w);

	name = put_type_name(w, t);
	switch (t->kind) {
	case GU_RKIND_STRING:
		put_string(w, t, name);
		break;
	case GU_RKIND_STRUCT:
		put_struct(w, t, name);
		break;
	case GU_RKIND_SLICE:
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
		put_code(w, CODE_EFACE);
		put_u32(w, name);
		gu_buf_word(w->out->info, w->eface, REF_SIZE);
		put_go(w, t);
		return off;
	case GU_RKIND_PTR:
		put_code(w, CODE_POINTER);
		put_u32(w, name);
		put_type(w, t->elem);
		put_go(w, t);
		return off;
	case GU_RKIND_UNSAFE_PTR:
		put_code(w, CODE_UNSAFE_POINTER);
		put_u32(w, name);
		put_go(w, t);
		return off;
	case GU_RKIND_CHAN:
		put_code(w, CODE_CHAN);
		put_u32(w, name);
		put_ref(w, w->chan);
		put_go(w, t);
		put_type(w, t->elem);
		return off;
	case GU_RKIND_MAP:
		put_code(w, CODE_MAP);
		put_u32(w, name);
		put_ref(w, w->map);
		put_go(w, t);
		put_type(w, t->elem);
		put_type(w, t->key);
		return off;
	default:
		put_base(w, t, name);
		return off;
	}
	if (t->named) {
		uint32_t def = off;

		off = here(w);
		put_typedef(w, name, def);
	}
	return off;
}

/* --- all types --------------------------------------------------------------- */

static void collect(struct writer *w, uint64_t addr)
{
	if (addr && addr % w->ptr == 0 && w->addrs.n < TYPES_MAX)
		(void)gu_intern_key(&w->addrs, addr);
}

/* What the descriptor T refers to. */
static void collect_parts(struct writer *w, const struct gu_rtype *t)
{
	uint64_t n = 0;

	collect(w, t->elem);
	collect(w, t->key);
	collect(w, t->ptr_to_this);
	for (uint64_t i = 0; i < t->nfields; i++) {
		struct gu_rfield field;

		if (!spend_part(w) ||
			gu_types_field(w->types, t, i, NULL, &field))
			break;
		collect(w, field.type);
	}
	for (uint64_t i = 0; i < t->nmethods; i++) {
		struct gu_rmethod method;

		if (!spend_part(w) ||
			gu_types_method(w->types, t, i, NULL, &method))
			break;
		collect(w, method.type);
	}
	if (t->kind == GU_RKIND_FUNC)
		n = gu_rtype_nparams(t) + gu_rtype_nresults(t);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t param;

		if (!spend_part(w) ||
			gu_types_param(w->types, t, i, NULL, &param))
			break;
		collect(w, param);
	}
}

static bool is_type(const struct gu_rtype *t, const char *name,
	const char *pkg_path)
{
	return t->named && gu_str_eq(t->name, gu_str(name)) &&
		(t->pkg_path.n == 0 ||
			gu_str_eq(t->pkg_path, gu_str(pkg_path)));
}

/* Remember T if others are described with it. */
static void note_known(struct writer *w, const struct gu_rtype *t)
{
	if (t->kind == GU_RKIND_INT && is_type(t, "int", ""))
		w->integer.addr = t->addr;
	else if (t->kind == GU_RKIND_UINTPTR && is_type(t, "uintptr", ""))
		w->uintptr.addr = t->addr;
	else if (t->kind == GU_RKIND_UINT8 && is_type(t, "uint8", ""))
		w->byte_ptr.addr = t->ptr_to_this;
	else if (t->kind == GU_RKIND_UNSAFE_PTR && is_type(t, "unsafe.Pointer",
			"unsafe"))
		w->any_ptr.addr = t->addr;
	else if (is_type(t, "runtime.hchan", "runtime"))
		w->chan.addr = t->ptr_to_this;
	else if (is_type(t, "runtime.hmap", "runtime") ||
		is_type(t, "maps.Map", "internal/runtime/maps"))
		w->map.addr = t->ptr_to_this;
}

static void collect_all(struct writer *w)
{
	struct gu_rtype t;
	uint64_t pos = 0;

	while (gu_types_next(w->types, &pos, NULL, &t) == GU_OK)
		collect(w, t.addr);
	for (uint32_t i = 0; i < w->addrs.n && !w->addrs.failed; i++) {
		if (gu_types_read(w->types, w->addrs.items[i].key, NULL, &t))
			continue;
		collect_parts(w, &t);
		note_known(w, &t);
	}
	w->ntypes = w->addrs.n;
}

/* A base type of our own, unless there is a descriptor. */
static void make_base(struct writer *w, struct ref *ref, const char *name,
	uint8_t encoding, unsigned size)
{
	if (ref->addr)
		return;
	ref->off = here(w);
	put_code(w, CODE_BASE);
	put_u32(w, put_str(w, gu_str(name)));
	gu_buf_u8(w->out->info, encoding);
	gu_buf_uleb(w->out->info, size);
	gu_buf_u8(w->out->info, 0);
	gu_buf_word(w->out->info, 0, w->ptr);
}

/* What every program's types need, described or not. */
static void put_common(struct writer *w)
{
	struct ref byte = {0};

	w->unknown = here(w);
	put_code(w, CODE_UNKNOWN);
	put_u32(w, put_str(w, gu_str("unknown")));
	make_base(w, &w->integer, "int", DW_ATE_signed, w->ptr);
	make_base(w, &w->uintptr, "uintptr", DW_ATE_unsigned, w->ptr);
	if (!w->byte_ptr.addr)
		make_base(w, &byte, "uint8", DW_ATE_unsigned, 1);
	make_pointer(w, &w->byte_ptr, byte.off);
	make_pointer(w, &w->any_ptr, w->unknown);
	make_pointer(w, &w->chan, w->unknown);
	make_pointer(w, &w->map, w->unknown);
	w->eface = here(w);
	put_code(w, CODE_PLAIN_STRUCT);
	put_u32(w, put_str(w, gu_str("runtime.eface")));
	gu_buf_uleb(w->out->info, 2ull * w->ptr);
	put_member(w, "_type", 0, w->any_ptr);
	put_member(w, "data", w->ptr, w->any_ptr);
	put_end(w);
}

static void put_abbrevs(struct gu_buf *buf)
{
	for (unsigned code = CODE_UNIT; code < CODE_COUNT; code++) {
		const struct abbrev *a = &abbrevs[code];

		gu_buf_uleb(buf, code);
		gu_buf_uleb(buf, a->tag);
		gu_buf_u8(buf, a->children ? DW_CHILDREN_yes : DW_CHILDREN_no);
		for (int i = 0; i < ABBREV_ATTRS && a->attrs[i].name; i++) {
			gu_buf_uleb(buf, a->attrs[i].name);
			gu_buf_uleb(buf, a->attrs[i].form);
		}
		gu_buf_word(buf, 0, 2);
	}
	gu_buf_u8(buf, 0);
}

static void put_unit(struct writer *w)
{
	const struct gu_dwarf_types_out *out = w->out;
	struct gu_buf *info = out->info;
	uint64_t abbrev = out->abbrev->n;

	put_abbrevs(out->abbrev);
	w->unit = info->n;
	put_u32(w, 0);
	gu_buf_word(info, out->version, 2);
	if (out->version >= 5) {
		gu_buf_u8(info, DW_UT_compile);
		gu_buf_u8(info, (uint8_t)w->ptr);
		gu_buf_word(info, abbrev, 4);
	} else {
		gu_buf_word(info, abbrev, 4);
		gu_buf_u8(info, (uint8_t)w->ptr);
	}
	put_code(w, CODE_UNIT);
	put_u32(w, put_str(w, gu_str("<types>")));
	gu_buf_u8(info, DW_LANG_Go);
	put_u32(w, out->comp_dir);
	put_u32(w, out->producer);
	put_common(w);
	for (uint32_t i = 0; i < w->ntypes; i++) {
		struct gu_rtype t;

		if (gu_types_read(w->types, w->addrs.items[i].key, NULL, &t)) {
			w->offs[i] = w->unknown;
			w->dropped++;
		} else {
			w->offs[i] = put_one(w, &t);
		}
	}
	put_end(w);
	gu_buf_patch(info, w->unit, info->n - w->unit - 4, 4);
	for (uint32_t i = 0; i < w->nfixups; i++)
		gu_buf_patch(info, w->fixups[i].at, w->offs[w->fixups[i].type],
			REF_SIZE);
}

enum gu_status gu_dwarf_types_write(const struct gu_types *types,
	const struct gu_dwarf_types_out *out, struct gu_diag *diag,
	struct gu_dwarf_types_stats *stats)
{
	struct writer w = {
		.types = types,
		.out = out,
		.ptr = types->module->image->mem.ptr_size,
		/* looked at twice: to collect, to write */
		.parts = types->view.n / PART_BYTES * 2,
		.name_bytes = (uint64_t)types->view.n * NAME_GROWTH,
	};

	gu_intern_init(&w.addrs);
	gu_intern_init(&w.names);
	gu_buf_init(&w.name, false);
	collect_all(&w);
	w.offs = calloc(w.ntypes ? w.ntypes : 1, sizeof *w.offs);
	if (w.offs && !w.addrs.failed)
		put_unit(&w);
	w.failed |= !w.offs || w.addrs.failed || w.names.failed ||
		w.name.failed || out->info->failed || out->abbrev->failed ||
		out->strs->failed;
	*stats = (struct gu_dwarf_types_stats){w.ntypes - w.dropped,
		w.dropped};
	free(w.offs);
	free(w.name_offs);
	free(w.fixups);
	gu_buf_deinit(&w.name);
	gu_intern_deinit(&w.names);
	gu_intern_deinit(&w.addrs);
	return w.failed ? gu_fail(diag, GU_NO_MEMORY, "no memory for types") :
		GU_OK;
}
