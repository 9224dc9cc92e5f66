/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/type_writer.h"

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
	/*
	 * Honest fields, methods and parameters take 4 bytes of the types or
	 * more, each for itself, and composed names are a few times as long as
	 * what they are composed of; descriptors that share what they point at
	 * could ask for any amount.
	 */
	PART_BYTES = 4,
	NAME_GROWTH = 16,
	REF_SIZE = 4,        /* DW_FORM_ref4 */
	ATTRS_MAX = 6,
};

struct abbrev {
	uint8_t tag;
	bool children;
	struct {
		uint16_t name;
		uint8_t form;
	} attrs[ATTRS_MAX];
};

#define NAME {DW_AT_name, DW_FORM_strp}
#define SIZE {DW_AT_byte_size, DW_FORM_udata}
#define TYPE {DW_AT_type, DW_FORM_ref4}
#define GO_KIND {DW_AT_go_kind, DW_FORM_data1}
#define GO_TYPE {DW_AT_go_runtime_type, DW_FORM_addr}
#define GO_ELEM {DW_AT_go_elem, DW_FORM_ref4}
#define GO_KEY {DW_AT_go_key, DW_FORM_ref4}

static const struct abbrev abbrevs[GU_TDIE_COUNT] = {
	[GU_TDIE_UNIT] = {DW_TAG_compile_unit, true,
		{NAME, {DW_AT_language, DW_FORM_data1},
			{DW_AT_comp_dir, DW_FORM_strp},
			{DW_AT_producer, DW_FORM_strp}}},
	[GU_TDIE_BASE] = {DW_TAG_base_type, false,
		{NAME, {DW_AT_encoding, DW_FORM_data1}, SIZE, GO_KIND,
			GO_TYPE}},
	[GU_TDIE_POINTER] = {DW_TAG_pointer_type, false,
		{NAME, TYPE, GO_KIND, GO_TYPE}},
	[GU_TDIE_UNSAFE_POINTER] = {DW_TAG_pointer_type, false,
		{NAME, GO_KIND, GO_TYPE}},
	[GU_TDIE_PLAIN_POINTER] = {DW_TAG_pointer_type, false, {TYPE}},
	[GU_TDIE_NAMED_POINTER] = {DW_TAG_pointer_type, false, {NAME, TYPE}},
	[GU_TDIE_STRUCT] = {DW_TAG_structure_type, true,
		{NAME, SIZE, GO_KIND, GO_TYPE}},
	[GU_TDIE_EMPTY_STRUCT] = {DW_TAG_structure_type, false,
		{NAME, SIZE, GO_KIND, GO_TYPE}},
	[GU_TDIE_EMPTY_FUNC] = {DW_TAG_subroutine_type, false,
		{NAME, SIZE, GO_KIND, GO_TYPE}},
	[GU_TDIE_SLICE] = {DW_TAG_structure_type, true,
		{NAME, SIZE, GO_KIND, GO_TYPE, GO_ELEM}},
	[GU_TDIE_PLAIN_STRUCT] = {DW_TAG_structure_type, true, {NAME, SIZE}},
	[GU_TDIE_KIND_STRUCT] = {DW_TAG_structure_type, true,
		{NAME, SIZE, GO_KIND}},
	[GU_TDIE_MEMBER] = {DW_TAG_member, false,
		{NAME, {DW_AT_data_member_location, DW_FORM_udata}, TYPE,
			{DW_AT_go_embedded_field, DW_FORM_flag}}},
	[GU_TDIE_ARRAY] = {DW_TAG_array_type, true,
		{NAME, TYPE, SIZE, GO_KIND, GO_TYPE}},
	[GU_TDIE_PLAIN_ARRAY] = {DW_TAG_array_type, true, {NAME, TYPE, SIZE}},
	[GU_TDIE_RANGE] = {DW_TAG_subrange_type, false,
		{TYPE, {DW_AT_count, DW_FORM_udata}}},
	[GU_TDIE_FUNC] = {DW_TAG_subroutine_type, true,
		{NAME, SIZE, GO_KIND, GO_TYPE}},
	[GU_TDIE_PARAM] = {DW_TAG_formal_parameter, false, {TYPE}},
	[GU_TDIE_TYPEDEF] = {DW_TAG_typedef, false, {NAME, TYPE}},
	[GU_TDIE_EFACE] = {DW_TAG_typedef, false,
		{NAME, TYPE, GO_KIND, GO_TYPE}},
	[GU_TDIE_CHAN] = {DW_TAG_typedef, false,
		{NAME, TYPE, GO_KIND, GO_TYPE, GO_ELEM}},
	[GU_TDIE_MAP] = {DW_TAG_typedef, false,
		{NAME, TYPE, GO_KIND, GO_TYPE, GO_ELEM, GO_KEY}},
	[GU_TDIE_UNKNOWN] = {DW_TAG_unspecified_type, false, {NAME}},
	[GU_TDIE_VARIABLE] = {DW_TAG_variable, false,
		{NAME, TYPE, {DW_AT_location, DW_FORM_exprloc},
			{DW_AT_external, DW_FORM_flag_present}}},
};

void gu_tw_init(struct gu_type_writer *w, const struct gu_types *types,
	const struct gu_dwarf_types_out *out)
{
	*w = (struct gu_type_writer){
		.types = types,
		.out = out,
		.ptr = types->module->image->mem.ptr_size,
		/* looked at to collect, to write, and for channels and maps */
		.parts = types->view.n / PART_BYTES * 3,
		.name_bytes = (uint64_t)types->view.n * NAME_GROWTH,
	};
	gu_intern_init(&w->addrs);
	gu_intern_init(&w->names);
	gu_intern_init(&w->groups);
	gu_intern_init(&w->generics);
	gu_buf_init(&w->name, false);
}

void gu_tw_deinit(struct gu_type_writer *w)
{
	free(w->offs);
	free(w->sizes);
	free(w->name_offs);
	free(w->generic_offs);
	free(w->group_maps);
	free(w->fixups);
	gu_buf_deinit(&w->name);
	gu_intern_deinit(&w->generics);
	gu_intern_deinit(&w->groups);
	gu_intern_deinit(&w->names);
	gu_intern_deinit(&w->addrs);
}

void gu_tw_abbrevs(struct gu_buf *buf)
{
	for (unsigned code = GU_TDIE_UNIT; code < GU_TDIE_COUNT; code++) {
		const struct abbrev *a = &abbrevs[code];

		gu_buf_uleb(buf, code);
		gu_buf_uleb(buf, a->tag);
		gu_buf_u8(buf, a->children ? DW_CHILDREN_yes : DW_CHILDREN_no);
		for (int i = 0; i < ATTRS_MAX && a->attrs[i].name; i++) {
			gu_buf_uleb(buf, a->attrs[i].name);
			gu_buf_uleb(buf, a->attrs[i].form);
		}
		gu_buf_word(buf, 0, 2);
	}
	gu_buf_u8(buf, 0);
}


uint32_t gu_tw_str(struct gu_type_writer *w, struct gu_str s)
{
	size_t off = w->out->strs->n;

	gu_buf_cstr(w->out->strs, s);
	return (uint32_t)off;
}

uint32_t gu_tw_shared_str(struct gu_type_writer *w, struct gu_str s)
{
	uint32_t before = w->names.n;
	uint32_t number = gu_intern_str(&w->names, s);

	if (number == UINT32_MAX ||
		!gu_vec_room(&w->name_offs, &w->name_offs_cap, number)) {
		w->failed = true;
		return 0;
	}
	if (number == before)
		w->name_offs[number] = gu_tw_str(w, s);
	return w->name_offs[number];
}

uint32_t gu_tw_here(const struct gu_type_writer *w)
{
	return (uint32_t)(w->out->info->n - w->unit);
}

/* What GDB has in its index; DW_AT_name comes first in all of these. */
static bool is_indexed(enum gu_type_die code)
{
	switch (abbrevs[code].tag) {
	case DW_TAG_base_type:
	case DW_TAG_structure_type:
	case DW_TAG_subroutine_type:
	case DW_TAG_array_type:
	case DW_TAG_typedef:
	case DW_TAG_unspecified_type:
	case DW_TAG_variable:
		return true;
	default:
		return false;
	}
}

void gu_tw_code(struct gu_type_writer *w, enum gu_type_die code)
{
	gu_buf_uleb(w->out->info, code);
	if (is_indexed(code))
		gu_name_list_add(w->out->names, w->out->info->n,
			code == GU_TDIE_VARIABLE ? GU_NAME_VARIABLE
						 : GU_NAME_TYPE);
}

bool gu_tw_spend(struct gu_type_writer *w)
{
	if (w->parts == 0)
		return false;
	w->parts--;
	return true;
}

void gu_tw_u32(struct gu_type_writer *w, uint32_t value)
{
	gu_buf_word(w->out->info, value, 4);
}

void gu_tw_type(struct gu_type_writer *w, uint64_t addr)
{
	uint32_t type = addr ? gu_intern_key(&w->addrs, addr) : UINT32_MAX;
	uint32_t off = type < w->ntypes ? w->offs[type] : w->unknown;

	if (off == 0) {
		if (!gu_vec_room(&w->fixups, &w->fixups_cap, w->nfixups)) {
			w->failed = true;
			return;
		}
		w->fixups[w->nfixups++] =
			(struct gu_type_fixup){w->out->info->n, type};
	}
	gu_tw_off(w, off);
}

void gu_tw_ref(struct gu_type_writer *w, struct gu_type_ref ref)
{
	if (ref.addr)
		gu_tw_type(w, ref.addr);
	else
		gu_tw_off(w, ref.off);
}

void gu_tw_off(struct gu_type_writer *w, uint32_t off)
{
	gu_buf_word(w->out->info, off, REF_SIZE);
}

void gu_tw_go(struct gu_type_writer *w, const struct gu_rtype *t)
{
	gu_buf_u8(w->out->info, (uint8_t)t->kind);
	/* from the types on, as Go's own is since 1.11 */
	gu_buf_word(w->out->info, t->addr - w->types->view.addr, w->ptr);
}

void gu_tw_member_head(struct gu_type_writer *w, struct gu_str name,
	uint64_t off)
{
	gu_tw_code(w, GU_TDIE_MEMBER);
	gu_tw_u32(w, gu_tw_shared_str(w, name));
	gu_buf_uleb(w->out->info, off);
}

void gu_tw_member(struct gu_type_writer *w, const char *name, uint64_t off,
	struct gu_type_ref type)
{
	gu_tw_member_head(w, gu_str(name), off);
	gu_tw_ref(w, type);
	gu_buf_u8(w->out->info, 0);
}

void gu_tw_end(struct gu_type_writer *w)
{
	gu_tw_code(w, GU_TDIE_END);
}

void gu_tw_typedef(struct gu_type_writer *w, uint32_t name, uint32_t type)
{
	gu_tw_code(w, GU_TDIE_TYPEDEF);
	gu_tw_u32(w, name);
	gu_tw_off(w, type);
}

void gu_tw_pointer(struct gu_type_writer *w, struct gu_type_ref *ref,
	uint32_t to)
{
	if (ref->addr)
		return;
	ref->off = gu_tw_here(w);
	gu_tw_code(w, GU_TDIE_PLAIN_POINTER);
	gu_tw_off(w, to);
}

struct gu_type_ref gu_tw_named_pointer(struct gu_type_writer *w, uint32_t name,
	struct gu_type_ref to)
{
	struct gu_type_ref ref = {.off = gu_tw_here(w)};

	gu_tw_code(w, GU_TDIE_NAMED_POINTER);
	gu_tw_u32(w, name);
	gu_tw_ref(w, to);
	return ref;
}

struct gu_type_ref gu_tw_pointer_to(struct gu_type_writer *w, uint64_t elem)
{
	struct gu_type_ref ref = {.off = 0};
	struct gu_rtype t;

	if (gu_types_read(w->types, elem, NULL, &t)) {
		gu_tw_pointer(w, &ref, w->unknown);
		return ref;
	}
	if (t.ptr_to_this) {
		ref.addr = t.ptr_to_this;
		return ref;
	}
	w->name.n = 0;
	gu_buf_u8(&w->name, '*');
	gu_tw_name(w, &t);
	return gu_tw_named_pointer(w, gu_tw_str(w,
		(struct gu_str){(const char *)w->name.p, w->name.n}),
		(struct gu_type_ref){.addr = elem});
}

void gu_tw_note_group(struct gu_type_writer *w, const struct gu_rtype *t)
{
	uint32_t number;

	if (t->group == 0)
		return;
	number = gu_intern_key(&w->groups, t->group);
	if (number == UINT32_MAX || !gu_vec_room(&w->group_maps,
					    &w->group_maps_cap, number))
		w->failed = true;
	else
		w->group_maps[number] = t->addr;
}

bool gu_tw_is_group(const struct gu_type_writer *w, const struct gu_rtype *t)
{
	return t->kind == GU_RKIND_STRUCT &&
		gu_intern_find_key(&w->groups, t->addr) != UINT32_MAX;
}

/* A name by the descriptors alone. */
static void put_name(struct gu_type_writer *w, const struct gu_rtype *t)
{
	size_t before = w->name.n;

	if (w->name_bytes == 0 || !gu_types_name(w->types, t, &w->name)) {
		w->name.n = before;
		gu_buf_str(&w->name, t->name);
	}
	before = w->name.n - before;
	w->name_bytes -= before < w->name_bytes ? before : w->name_bytes;
}

/*
 * The structs that hold a map's keys and elements are called by the map: Go
 * src/cmd/compile/internal/types/fmt.go.  They are not compared: "noalg".
 */
static bool put_group_name(struct gu_type_writer *w, uint64_t addr)
{
	uint32_t number = gu_intern_find_key(&w->groups, addr);
	struct gu_rtype map, key, elem;

	if (number == UINT32_MAX ||
		gu_types_read(w->types, w->group_maps[number], NULL, &map) ||
		gu_types_read(w->types, map.key, NULL, &key) ||
		gu_types_read(w->types, map.elem, NULL, &elem))
		return false;
	gu_buf_printf(&w->name, "noalg.map.%s[",
		w->known[GU_KNOWN_MAP].addr ? "group" : "bucket");
	put_name(w, &key);
	gu_buf_u8(&w->name, ']');
	put_name(w, &elem);
	return true;
}

void gu_tw_name(struct gu_type_writer *w, const struct gu_rtype *t)
{
	size_t before = w->name.n;

	if (gu_tw_is_group(w, t) && put_group_name(w, t->addr))
		return;
	if (t->kind == GU_RKIND_PTR && !t->named) {
		gu_buf_u8(&w->name, '*');
		if (put_group_name(w, t->elem))
			return;
		w->name.n = before;
	}
	put_name(w, t);
}

void gu_tw_range(struct gu_type_writer *w, uint64_t len)
{
	gu_tw_code(w, GU_TDIE_RANGE);
	gu_tw_ref(w, w->uintptr);
	gu_buf_uleb(w->out->info, len);
}
