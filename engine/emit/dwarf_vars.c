/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/dwarf_vars.h"

#include <dwarf.h>
#include <inttypes.h>

void gu_dwarf_vars_note(struct gu_type_writer *w, const struct gu_rtype *t)
{
	const struct gu_rtype *known = w->known;

	if (t->kind != GU_RKIND_SLICE || t->named || t->elem == 0)
		return;
	if (t->elem == known[GU_KNOWN_G].ptr_to_this)
		w->allgs.addr = t->addr;
	else if (t->elem == known[GU_KNOWN_P].ptr_to_this)
		w->allp.addr = t->addr;
}

/* A slice of POINTERs to ELEM, called NAME: FOUND, or made now. */
static struct gu_type_ref slice_of(struct gu_type_writer *w,
	struct gu_type_ref found, const struct gu_rtype *elem,
	const char *name, const char *pointer)
{
	struct gu_type_ref ref = {.off = 0}, array;

	if (found.addr || elem->addr == 0)
		return found;
	array = gu_tw_pointer_to(w, elem->addr);
	array = gu_tw_named_pointer(w, gu_tw_str(w, gu_str(pointer)), array);
	ref.off = gu_tw_here(w);
	gu_tw_code(w, GU_TDIE_PLAIN_STRUCT);
	gu_tw_u32(w, gu_tw_str(w, gu_str(name)));
	gu_buf_uleb(w->out->info, 3ull * w->ptr);
	gu_tw_member(w, "array", 0, array);
	gu_tw_member(w, "len", w->ptr, w->integer);
	gu_tw_member(w, "cap", 2ull * w->ptr, w->integer);
	gu_tw_end(w);
	return ref;
}

static struct gu_type_ref strings_of(struct gu_type_writer *w, uint64_t n)
{
	const struct gu_rtype *string = &w->known[GU_KNOWN_STRING];
	struct gu_type_ref ref = {.off = 0};

	if (string->addr == 0)
		return ref;
	w->name.n = 0;
	gu_buf_printf(&w->name, "[%" PRIu64 "]string", n);
	ref.off = gu_tw_here(w);
	gu_tw_code(w, GU_TDIE_PLAIN_ARRAY);
	gu_tw_u32(w, gu_tw_str(w,
		(struct gu_str){(const char *)w->name.p, w->name.n}));
	gu_tw_type(w, string->addr);
	gu_buf_uleb(w->out->info, n * string->size);
	gu_tw_range(w, n);
	gu_tw_end(w);
	return ref;
}

/* The type of VAR, and where that has more bytes, *size; 0 if not known. */
static struct gu_type_ref type_of(struct gu_type_writer *w, enum gu_rtvar var,
	uint64_t *size)
{
	const struct gu_rtype *known = w->known, *type = NULL;
	struct gu_type_ref none = {.off = 0};

	switch (var) {
	case GU_RTVAR_ALLGS:
		return slice_of(w, w->allgs, &known[GU_KNOWN_G],
			"[]*runtime.g", "**runtime.g");
	case GU_RTVAR_ALLP:
		return slice_of(w, w->allp, &known[GU_KNOWN_P],
			"[]*runtime.p", "**runtime.p");
	case GU_RTVAR_WAIT_REASONS:
		return strings_of(w, w->out->vars->wait_reasons);
	case GU_RTVAR_ALLM:
		return known[GU_KNOWN_M].addr
			? gu_tw_pointer_to(w, known[GU_KNOWN_M].addr) : none;
	case GU_RTVAR_ALLGLEN:
		return w->uintptr;
	case GU_RTVAR_GOMAXPROCS:
		type = &known[GU_KNOWN_INT32];
		break;
	case GU_RTVAR_M0:
		type = &known[GU_KNOWN_M];
		break;
	case GU_RTVAR_G0:
		type = &known[GU_KNOWN_G];
		break;
	case GU_RTVAR_MODULEDATA:
		type = &known[GU_KNOWN_MODULEDATA];
		break;
	case GU_RTVAR_BUILD_VERSION:
	case GU_RTVAR_MODINFO:
		type = &known[GU_KNOWN_STRING];
		break;
	default:
		return none;
	}
	if (type->addr && type->size > *size)
		*size = type->size;
	return (struct gu_type_ref){.addr = type->addr};
}

void gu_dwarf_vars_put(struct gu_type_writer *w)
{
	struct gu_rtvars *vars = w->out->vars;
	struct gu_buf *info = w->out->info;

	for (int v = 0; vars && v < GU_RTVAR_COUNT; v++) {
		struct gu_type_ref type;

		if (vars->addr[v] == 0)
			continue;
		type = type_of(w, (enum gu_rtvar)v, &vars->size[v]);
		if (type.addr == 0 && type.off == 0)
			continue;
		gu_tw_code(w, GU_TDIE_VARIABLE);
		gu_tw_u32(w, gu_tw_shared_str(w,
			gu_str(gu_rtvar_name((enum gu_rtvar)v))));
		gu_tw_ref(w, type);
		gu_buf_uleb(info, 1 + w->ptr);
		gu_buf_u8(info, DW_OP_addr);
		gu_buf_word(info, vars->addr[v], w->ptr);
	}
}
