/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/go/rtype.h"

#include "engine/base/math.h"

#include <inttypes.h>

enum {
	KIND_MASK = 0x1f,       /* flags share the byte up to 1.25 */
	TFLAG_UNCOMMON = 1,     /* Go src/internal/abi/type.go, TFlag */
	TFLAG_EXTRA_STAR = 2,
	TFLAG_NAMED = 4,
	NAME_EXPORTED = 1,      /* Go src/internal/abi/type.go, Name */
	NAME_TAG = 2,
	NAME_EMBEDDED = 8,      /* 1.19 and on */
	FIELDS_MAX = 1 << 16,   /* the largest structs seen have some 600 */
	FUNC_VARIADIC = 0x8000, /* in outCount */
	FIRST_TYPES = 7,        /* Go 1.7 brought offsets from md.types */
	VARINT_NAMES = 17,      /* name lengths are varints from 1.17 */
	SHIFT_AFTER = 8,        /* 1.9 put an embedded bit into field
				   offsets, */
	PLAIN_OFFSETS = 19,     /* 1.19 took it out again */
	NO_TYPELINKS = 27,      /* descriptors stand in order instead */
	LINK_SIZE = 4,          /* typelinks are []int32 */
};

/* Do the fields of struct T follow each other inside it? */
static bool fields_hold(const struct gu_types *types, const struct gu_rtype *t)
{
	uint64_t end = 0;

	for (uint64_t i = 0; i < t->nfields; i++) {
		struct gu_rfield field;
		struct gu_rtype type;

		if (gu_types_field(types, t, i, NULL, &field) ||
			gu_types_read(types, field.type, NULL, &type) ||
			field.off < end || !gu_add(field.off, type.size, &end))
			return false;
	}
	return end <= t->size;
}

/* Are the pointers that are listed first, and what they point to, types? */
static bool types_hold(const struct gu_types *types)
{
	enum { SAMPLE = 256 };
	unsigned structs = 0;
	uint64_t pos = 0;

	for (int i = 0; i < SAMPLE; i++) {
		struct gu_rtype t, elem;
		enum gu_status st = gu_types_next(types, &pos, NULL, &t);

		if (st == GU_NOT_FOUND)
			break;
		if (st)
			return false;
		if (t.kind != GU_RKIND_PTR || t.named)
			continue;
		if (t.name.n == 0 || t.name.p[0] != '*' ||
			gu_types_read(types, t.elem, NULL, &elem) ||
			(elem.kind == GU_RKIND_STRUCT &&
				!fields_hold(types, &elem)))
			return false;
		structs += elem.nfields > 1;
	}
	return structs > 0;
}

/*
 * Where the release is one of several that write names or fields differently,
 * the types themselves tell which.
 */
static enum gu_status settle_minor(struct gu_types *types,
	struct gu_diag *diag)
{
	static const int changes[] = {SHIFT_AFTER + 1, VARINT_NAMES,
		PLAIN_OFFSETS};
	struct gu_go_version v = types->module->version;
	int found = 0, nfound = 0, candidates = 0;

	for (size_t i = 0; i <= GU_COUNT(changes); i++) {
		int minor = i ? changes[i - 1] : v.lo;

		if (i && (minor <= v.lo || minor > v.hi))
			continue;
		candidates++;
		types->minor = minor;
		if (types_hold(types)) {
			found = minor;
			nfound++;
		}
	}
	types->minor = candidates == 1 ? v.lo : found;
	if (candidates == 1 || nfound == 1)
		return GU_OK;
	return gu_fail(diag, GU_UNSUPPORTED, "Go 1.%d to 1.%d write types "
		"differently, and which of them this is cannot be told",
		v.lo, v.hi);
}

enum gu_status gu_types_open(const struct gu_module *module,
	struct gu_diag *diag, struct gu_types *out)
{
	struct gu_types types = {.module = module};
	enum gu_status st;

	if (!module->has_md || module->md.types == 0 ||
		module->md.versions.lo < FIRST_TYPES)
		return GU_NOT_FOUND;
	types.minor = module->version.lo;
	st = gu_view_open(&module->image->mem, module->md.types,
		module->md.etypes - module->md.types, diag, &types.view);
	if (st)
		return gu_fail_in(diag, st, "types");
	/* what a damaged length cannot have at once is read link by link */
	if (module->md.typelinks.len < GU_VIEW_MAX / LINK_SIZE)
		(void)!gu_view_open(&module->image->mem,
			module->md.typelinks.addr,
			module->md.typelinks.len * LINK_SIZE, NULL,
			&types.links);
	if (module->version.lo != module->version.hi)
		st = settle_minor(&types, diag);
	if (st)
		gu_types_close(&types);
	else
		*out = types;
	return st;
}

void gu_types_close(struct gu_types *types)
{
	gu_view_close(&types->links);
	gu_view_close(&types->view);
	*types = (struct gu_types){0};
}

/* A cursor from ADDR to the end of the types; bad if ADDR is outside. */
static struct gu_cur cur_at(const struct gu_types *types, uint64_t addr)
{
	struct gu_cur cur = gu_view_cur(&types->view,
		&types->module->image->mem, "types");

	gu_cur_seek(&cur, addr < types->view.addr ? UINT64_MAX :
		addr - types->view.addr);
	return cur;
}

/* A name record at ADDR: {flags, length, bytes…}. */
static struct gu_str name_at(const struct gu_types *types, uint64_t addr,
	uint8_t *flags, struct gu_cur *cur)
{
	size_t len;

	*cur = cur_at(types, addr);
	*flags = gu_cur_u8(cur);
	if (types->minor >= VARINT_NAMES) {
		len = gu_cur_uvarint32(cur);
	} else { /* two bytes, the high one first on every machine */
		len = (size_t)gu_cur_u8(cur) << 8;
		len |= gu_cur_u8(cur);
	}
	return gu_cur_str(cur, len);
}

static uint64_t offset_addr(const struct gu_types *types, int32_t off)
{
	return off <= 0 ? 0 : types->view.addr + (uint64_t)off;
}

/* What stands behind the common part, by kind: abi.ArrayType and so on. */
static void read_extra(const struct gu_types *types, struct gu_cur *cur,
	struct gu_rtype *t)
{
	unsigned ptr = types->module->image->mem.ptr_size;
	uint16_t in, out;

	switch (t->kind) {
	case GU_RKIND_PTR:
	case GU_RKIND_SLICE:
		t->elem = gu_cur_word(cur, ptr);
		break;
	case GU_RKIND_ARRAY:
		t->elem = gu_cur_word(cur, ptr);
		(void)gu_cur_word(cur, ptr); /* the slice type */
		t->len = gu_cur_word(cur, ptr);
		break;
	case GU_RKIND_CHAN:
		t->elem = gu_cur_word(cur, ptr);
		t->len = gu_cur_word(cur, ptr);
		break;
	case GU_RKIND_MAP:
		t->key = gu_cur_word(cur, ptr);
		t->elem = gu_cur_word(cur, ptr);
		t->group = gu_cur_word(cur, ptr);
		break;
	case GU_RKIND_FUNC:
		in = gu_cur_u16(cur);
		out = gu_cur_u16(cur);
		t->variadic = out & FUNC_VARIADIC;
		out &= FUNC_VARIADIC - 1;
		t->len = (uint64_t)out << 16 | in;
		break;
	case GU_RKIND_INTERFACE:
	case GU_RKIND_STRUCT:
		t->package = gu_cur_word(cur, ptr);
		t->fields = gu_cur_word(cur, ptr);
		t->nfields = gu_cur_word(cur, ptr);
		(void)gu_cur_word(cur, ptr); /* capacity */
		if (t->kind == GU_RKIND_INTERFACE) {
			t->methods = t->fields;
			t->nmethods = t->nfields;
			t->fields = t->nfields = 0;
		}
		break;
	default:
		break;
	}
}

/*
 * abi.MapType: key, elem, bucket (group), hasher (1.14 on), then small fields
 * up to 1.23; group and slot sizes and an element offset in 1.24 to 1.26; two
 * offsets and strides more from 1.27.  Flags end it.
 */
static uint64_t map_size(const struct gu_types *types)
{
	uint64_t ptr = types->module->image->mem.ptr_size;

	if (types->minor >= 27)
		return gu_align_up(10 * ptr + 4, ptr);
	if (types->minor >= 24)
		return gu_align_up(7 * ptr + 4, ptr);
	if (types->minor >= 14)
		return gu_align_up(4 * ptr + 8, ptr);
	if (types->minor >= 12)
		return gu_align_up(3 * ptr + 8, ptr);
	return gu_align_up(4 * ptr + 8, ptr);
}

/* Bytes of what read_extra reads, to where uncommon data or params begin. */
static uint64_t extra_size(const struct gu_types *types, enum gu_rkind kind)
{
	uint64_t ptr = types->module->image->mem.ptr_size;

	switch (kind) {
	case GU_RKIND_PTR:
	case GU_RKIND_SLICE:
	case GU_RKIND_FUNC:
		return ptr;
	case GU_RKIND_CHAN:
		return 2 * ptr;
	case GU_RKIND_ARRAY:
		return 3 * ptr;
	case GU_RKIND_INTERFACE:
	case GU_RKIND_STRUCT:
		return 4 * ptr;
	case GU_RKIND_MAP:
		return map_size(types);
	default:
		return 0;
	}
}

/* The uncommon part begins with a name: abi.UncommonType. */
static void read_pkg_path(const struct gu_types *types, struct gu_rtype *t)
{
	struct gu_cur cur = cur_at(types, t->addr +
		4ull * types->module->image->mem.ptr_size + 16 +
		extra_size(types, t->kind));
	int32_t off = (int32_t)gu_cur_u32(&cur);
	struct gu_str path;
	uint8_t flags;

	if (!gu_cur_ok(&cur) || off <= 0)
		return;
	path = name_at(types, offset_addr(types, off), &flags, &cur);
	if (gu_cur_ok(&cur))
		t->pkg_path = path;
}

enum gu_status gu_types_read(const struct gu_types *types, uint64_t addr,
	struct gu_diag *diag, struct gu_rtype *out)
{
	unsigned ptr = types->module->image->mem.ptr_size;
	struct gu_cur cur = cur_at(types, addr), name_cur;
	struct gu_rtype t = {.addr = addr};
	uint8_t tflag, kind, flags;
	int32_t name_off;
	enum gu_status st;

	t.size = gu_cur_word(&cur, ptr);
	(void)gu_cur_word(&cur, ptr); /* ptrdata */
	(void)gu_cur_u32(&cur);       /* hash */
	tflag = gu_cur_u8(&cur);
	t.align = gu_cur_u8(&cur);
	(void)gu_cur_u8(&cur); /* fieldAlign */
	kind = gu_cur_u8(&cur) & KIND_MASK;
	gu_cur_skip(&cur, 2 * (size_t)ptr); /* equal, gcdata */
	name_off = (int32_t)gu_cur_u32(&cur);
	t.ptr_to_this = offset_addr(types, (int32_t)gu_cur_u32(&cur));
	if (gu_cur_ok(&cur) && (kind < GU_RKIND_BOOL ||
		kind > GU_RKIND_UNSAFE_PTR))
		return gu_fail_at(diag, GU_BAD_DATA, addr,
			"type at 0x%" PRIx64 ": kind %u is none of Go's", addr,
			kind);
	t.kind = (enum gu_rkind)kind;
	t.named = tflag & TFLAG_NAMED;
	read_extra(types, &cur, &t);
	if (t.kind == GU_RKIND_FUNC)
		t.params = addr + 5 * (uint64_t)ptr + 16 +
			(tflag & TFLAG_UNCOMMON ? 16 : 0);
	st = gu_cur_status(&cur, diag);
	if (st)
		return st;
	if (tflag & TFLAG_UNCOMMON)
		read_pkg_path(types, &t);
	t.name = name_at(types, offset_addr(types, name_off), &flags,
		&name_cur);
	st = gu_cur_status(&name_cur, diag);
	if (st)
		return st;
	if ((tflag & TFLAG_EXTRA_STAR) && t.name.n > 0) {
		t.name.p++;
		t.name.n--;
	}
	if (t.nfields > FIELDS_MAX || t.nmethods > FIELDS_MAX)
		return gu_fail_at(diag, GU_BAD_DATA, addr,
			"type %.*s claims %" PRIu64 " fields or methods",
			GU_STR(t.name), t.nfields + t.nmethods);
	*out = t;
	return GU_OK;
}

/* An embedded field bears its type's name, without package and pointer. */
static enum gu_status name_embedded(const struct gu_types *types,
	struct gu_rfield *field, struct gu_diag *diag, struct gu_rfield *out)
{
	struct gu_rtype t;
	enum gu_status st = gu_types_read(types, field->type, diag, &t);

	if (st)
		return st;
	field->embedded = true;
	field->name = t.name;
	for (size_t i = 0; i < t.name.n; i++)
		if (t.name.p[i] == '.' || t.name.p[i] == '*') {
			field->name.p = t.name.p + i + 1;
			field->name.n = t.name.n - i - 1;
		}
	*out = *field;
	return GU_OK;
}

enum gu_status gu_types_field(const struct gu_types *types,
	const struct gu_rtype *type, uint64_t index, struct gu_diag *diag,
	struct gu_rfield *out)
{
	unsigned ptr = types->module->image->mem.ptr_size;
	struct gu_rfield field = {.type = 0};
	struct gu_cur cur, name_cur;
	uint64_t name;
	uint8_t flags;
	enum gu_status st;

	if (index >= type->nfields)
		return gu_fail(diag, GU_INVALID,
			"field %" PRIu64 " of %" PRIu64, index, type->nfields);
	cur = cur_at(types, type->fields + index * 3 * ptr);
	name = gu_cur_word(&cur, ptr);
	field.type = gu_cur_word(&cur, ptr);
	field.off = gu_cur_word(&cur, ptr);
	st = gu_cur_status(&cur, diag);
	if (st)
		return st;
	field.name = name_at(types, name, &flags, &name_cur);
	st = gu_cur_status(&name_cur, diag);
	if (st)
		return st;
	if (field.name.n == 0) /* up to 1.8 embedded fields have no name */
		return name_embedded(types, &field, diag, out);
	field.embedded = flags & NAME_EMBEDDED;
	field.exported = flags & NAME_EXPORTED;
	if (types->minor > SHIFT_AFTER && types->minor < PLAIN_OFFSETS) {
		field.embedded = field.off & 1;
		field.off >>= 1;
	}
	*out = field;
	return GU_OK;
}

enum gu_status gu_types_method(const struct gu_types *types,
	const struct gu_rtype *type, uint64_t index, struct gu_diag *diag,
	struct gu_rmethod *out)
{
	struct gu_rmethod method;
	struct gu_cur cur, name_cur;
	uint8_t flags;
	int32_t name;
	enum gu_status st;

	if (index >= type->nmethods)
		return gu_fail(diag, GU_INVALID, "method %" PRIu64
			" of %" PRIu64, index, type->nmethods);
	cur = cur_at(types, type->methods + index * 8);
	name = (int32_t)gu_cur_u32(&cur);
	method.type = offset_addr(types, (int32_t)gu_cur_u32(&cur));
	st = gu_cur_status(&cur, diag);
	if (st)
		return st;
	method.name = name_at(types, offset_addr(types, name), &flags,
		&name_cur);
	st = gu_cur_status(&name_cur, diag);
	method.exported = flags & NAME_EXPORTED;
	if (st == GU_OK)
		*out = method;
	return st;
}

struct gu_str gu_types_package(const struct gu_types *types,
	const struct gu_rtype *type)
{
	static const struct gu_str none = {NULL, 0};
	struct gu_str path;
	struct gu_cur cur;
	uint8_t flags;

	if (type->package == 0)
		return none;
	path = name_at(types, type->package, &flags, &cur);
	return gu_cur_ok(&cur) ? path : none;
}

enum gu_status gu_types_param(const struct gu_types *types,
	const struct gu_rtype *type, uint64_t index, struct gu_diag *diag,
	uint64_t *out)
{
	unsigned ptr = types->module->image->mem.ptr_size;
	struct gu_cur cur = cur_at(types, type->params + index * ptr);
	uint64_t addr = gu_cur_word(&cur, ptr);
	enum gu_status st = gu_cur_status(&cur, diag);

	if (st == GU_OK)
		*out = addr;
	return st;
}

/*
 * 1.27: the descriptor behind the one at ADDR, as abi.Type.DescriptorSize
 * counts.
 */
static enum gu_status descriptor_end(const struct gu_types *types,
	const struct gu_rtype *t, struct gu_diag *diag, uint64_t *out)
{
	uint64_t ptr = types->module->image->mem.ptr_size;
	struct gu_cur cur = cur_at(types, t->addr + 2 * ptr + 4);
	uint64_t at = t->addr + 4 * ptr + 16 + extra_size(types, t->kind);
	bool uncommon = gu_cur_u8(&cur) & TFLAG_UNCOMMON;
	uint64_t mcount = 0;

	if (uncommon) {
		cur = cur_at(types, at + 4);
		mcount = gu_cur_u16(&cur);
		at += 16;
	}
	at += t->nfields * 3 * ptr + t->nmethods * 8;
	if (t->kind == GU_RKIND_FUNC)
		at += ((t->len & 0xffff) + (t->len >> 16)) * ptr;
	at = gu_align_up(at + 16 * mcount, ptr);
	if (!gu_cur_ok(&cur) || at <= t->addr)
		return gu_fail_at(diag, GU_BAD_DATA, t->addr,
			"type at 0x%" PRIx64 " has no end", t->addr);
	*out = at;
	return GU_OK;
}

/* *pos is the next descriptor's offset from types. */
static enum gu_status next_in_order(const struct gu_types *types,
	uint64_t *pos, struct gu_diag *diag, struct gu_rtype *out)
{
	unsigned ptr = types->module->image->mem.ptr_size;
	uint64_t at = *pos ? *pos : ptr, end = 0;
	enum gu_status st;

	if (at >= types->module->md.typedesclen)
		return GU_NOT_FOUND;
	st = gu_types_read(types, types->view.addr + at, diag, out);
	if (st == GU_OK)
		st = descriptor_end(types, out, diag, &end);
	if (st == GU_OK)
		*pos = end - types->view.addr;
	return st;
}

static enum gu_status read_link(const struct gu_types *types, uint64_t n,
	struct gu_diag *diag, uint64_t *out)
{
	const struct gu_mem *mem = &types->module->image->mem;
	const struct gu_view *links = &types->links;
	uint8_t bytes[LINK_SIZE];
	const uint8_t *p = bytes;
	enum gu_status st = GU_OK;
	struct gu_cur cur;

	if (links->p)
		p = links->p + n * LINK_SIZE;
	else
		st = gu_mem_read(mem, types->module->md.typelinks.addr +
			LINK_SIZE * n, bytes, sizeof bytes, diag);
	if (st)
		return gu_fail_in(diag, st, "type links");
	cur = gu_cur(p, LINK_SIZE, 0, mem->be, "type links");
	*out = offset_addr(types, (int32_t)gu_cur_u32(&cur));
	return GU_OK;
}

enum gu_status gu_types_next(const struct gu_types *types, uint64_t *pos,
	struct gu_diag *diag, struct gu_rtype *out)
{
	uint64_t addr = 0;
	enum gu_status st;

	if (types->module->md.typedesclen)
		return next_in_order(types, pos, diag, out);
	if (*pos >= types->module->md.typelinks.len)
		return GU_NOT_FOUND;
	st = read_link(types, *pos, diag, &addr);
	if (st)
		return st;
	++*pos;
	return gu_types_read(types, addr, diag, out);
}

static bool is_pointer_to(const struct gu_rtype *t, struct gu_str name)
{
	struct gu_str n = t->name;

	if (t->kind != GU_RKIND_PTR || n.n == 0 || n.p[0] != '*')
		return false;
	n.p++;
	n.n--;
	return gu_str_eq(n, name);
}

enum gu_status gu_types_find(const struct gu_types *types, const char *name,
	struct gu_diag *diag, struct gu_rtype *out)
{
	struct gu_rtype t;
	uint64_t pos = 0, before;
	enum gu_status st, first = GU_OK;

	/*
	 * A linear walk: typelinks are sorted, but only by their linker.  A bad
	 * descriptor before the wanted one is no reason to do without.
	 */
	do {
		before = pos;
		st = gu_types_next(types, &pos, first ? NULL : diag, &t);
		if (st == GU_OK && is_pointer_to(&t, gu_str(name)))
			return gu_types_read(types, t.elem, diag, out);
		if (st != GU_OK && st != GU_NOT_FOUND && !first)
			first = st;
	} while (st != GU_NOT_FOUND && pos != before);
	if (first)
		return first;
	return gu_fail(diag, GU_UNSUPPORTED,
		"type %s is not described in this binary", name);
}

static enum gu_status find_field(const struct gu_types *types,
	const struct gu_rtype *type, struct gu_str name, struct gu_diag *diag,
	struct gu_rfield *out)
{
	for (uint64_t i = 0; i < type->nfields; i++) {
		enum gu_status st = gu_types_field(types, type, i, diag, out);

		if (st)
			return st;
		if (gu_str_eq(out->name, name))
			return GU_OK;
	}
	return gu_fail(diag, GU_UNSUPPORTED,
		"type %.*s of this binary has no field %.*s",
		GU_STR(type->name), GU_STR(name));
}

enum gu_status gu_types_place(const struct gu_types *types,
	const struct gu_rtype *type, const char *path, struct gu_diag *diag,
	struct gu_place *out)
{
	struct gu_place place = {.off = 0};
	struct gu_rtype t = *type;

	while (*path) {
		struct gu_str name = {path, strcspn(path, ".")};
		struct gu_rfield field;
		enum gu_status st = find_field(types, &t, name, diag, &field);

		if (st == GU_OK)
			st = gu_types_read(types, field.type, diag, &t);
		if (st)
			return st;
		if (!gu_add(place.off, field.off, &place.off))
			return gu_fail(diag, GU_BAD_DATA,
				"field %.*s has no possible offset",
				GU_STR(name));
		place.size = t.size;
		place.kind = t.kind;
		place.type = t.addr;
		path += name.n + (path[name.n] == '.');
	}
	*out = place;
	return GU_OK;
}
