/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What Go's linker calls a type: Go src/cmd/compile/internal/types/fmt.go,
 * LinkString.  Only declared types carry their import path, so the names of
 * composed types are put together from those of their parts.
 */
#include "engine/go/rtype.h"

#include <inttypes.h>

enum { DEPTH_MAX = 32 };

static bool put(const struct gu_types *types, uint64_t addr,
	struct gu_buf *name, unsigned depth);

static void put_text(struct gu_buf *name, const char *text)
{
	gu_buf_str(name, gu_str(text));
}

/*
 * "shop.Order[int]" of package example.org/shop: the qualifier ends at the last
 * dot before the type arguments, which have whole paths already; likewise
 * "shape.struct { internal/sync.isEntry bool }" of package go.shape.
 */
static void put_declared(const struct gu_rtype *t, struct gu_buf *name)
{
	struct gu_str rest = t->name;
	size_t dot = SIZE_MAX;

	for (size_t i = 0; i < rest.n && !strchr("[{(* ", rest.p[i]); i++)
		if (rest.p[i] == '.')
			dot = i;
	if (dot != SIZE_MAX && t->pkg_path.n) {
		gu_buf_str(name, t->pkg_path);
		rest.p += dot;
		rest.n -= dot;
	}
	gu_buf_str(name, rest);
}

static bool put_list(const struct gu_types *types, const struct gu_rtype *t,
	uint64_t first, uint64_t n, bool variadic, struct gu_buf *name,
	unsigned depth)
{
	for (uint64_t i = 0; i < n; i++) {
		struct gu_rtype param;
		uint64_t addr;

		if (i)
			put_text(name, ", ");
		if (gu_types_param(types, t, first + i, NULL, &addr))
			return false;
		if (variadic && i + 1 == n) { /* "...T" is a []T */
			put_text(name, "...");
			if (gu_types_read(types, addr, NULL, &param))
				return false;
			addr = param.elem;
		}
		if (!put(types, addr, name, depth))
			return false;
	}
	return true;
}

static bool put_signature(const struct gu_types *types,
	const struct gu_rtype *t, struct gu_buf *name, unsigned depth)
{
	uint64_t in = gu_rtype_nparams(t), out = gu_rtype_nresults(t);

	put_text(name, "(");
	if (!put_list(types, t, 0, in, t->variadic, name, depth))
		return false;
	put_text(name, out == 0 ? ")" : out == 1 ? ") " : ") (");
	if (!put_list(types, t, in, out, false, name, depth))
		return false;
	if (out > 1)
		put_text(name, ")");
	return true;
}

/*
 * The name of a field or method of T; one that is not exported, with its path.
 */
static void put_member_name(const struct gu_types *types,
	const struct gu_rtype *t, struct gu_str member, bool exported,
	struct gu_buf *name)
{
	struct gu_str package = gu_types_package(types, t);

	if (!exported && package.n) {
		gu_buf_str(name, package);
		put_text(name, ".");
	}
	gu_buf_str(name, member);
}

static bool put_interface(const struct gu_types *types,
	const struct gu_rtype *t, struct gu_buf *name, unsigned depth)
{
	put_text(name, "interface {");
	for (uint64_t i = 0; i < t->nmethods; i++) {
		struct gu_rmethod method;
		struct gu_rtype func;

		put_text(name, i ? "; " : " ");
		/* put() sees to it for all that is made of types */
		if (name->n > GU_TYPE_NAME_MAX ||
			gu_types_method(types, t, i, NULL, &method) ||
			gu_types_read(types, method.type, NULL, &func) ||
			func.kind != GU_RKIND_FUNC)
			return false;
		put_member_name(types, t, method.name, method.exported, name);
		if (!put_signature(types, &func, name, depth))
			return false;
	}
	put_text(name, t->nmethods ? " }" : "}");
	return true;
}

static bool put_struct(const struct gu_types *types, const struct gu_rtype *t,
	struct gu_buf *name, unsigned depth)
{
	put_text(name, "struct {");
	for (uint64_t i = 0; i < t->nfields; i++) {
		struct gu_rfield field;

		put_text(name, i ? "; " : " ");
		if (gu_types_field(types, t, i, NULL, &field))
			return false;
		if (!field.embedded) {
			put_member_name(types, t, field.name, field.exported,
				name);
			put_text(name, " ");
		}
		if (!put(types, field.type, name, depth))
			return false;
	}
	put_text(name, t->nfields ? " }" : "}");
	return true;
}

static bool put_chan(const struct gu_types *types, const struct gu_rtype *t,
	struct gu_buf *name, unsigned depth)
{
	enum { RECV = 1, SEND = 2 }; /* Go src/internal/abi/type.go, ChanDir */
	struct gu_rtype elem;
	bool parens;

	put_text(name, t->len == RECV ? "<-chan " : t->len == SEND ?
		"chan<- " : "chan ");
	/* "chan (<-chan T)": else the arrow would be the outer one's */
	parens = t->len != SEND && t->len != RECV &&
		gu_types_read(types, t->elem, NULL, &elem) == GU_OK &&
		elem.kind == GU_RKIND_CHAN && !elem.named && elem.len == RECV;
	if (parens)
		put_text(name, "(");
	if (!put(types, t->elem, name, depth))
		return false;
	if (parens)
		put_text(name, ")");
	return true;
}

static bool put_composed(const struct gu_types *types,
	const struct gu_rtype *t, struct gu_buf *name, unsigned depth)
{
	switch (t->kind) {
	case GU_RKIND_PTR:
		put_text(name, "*");
		return put(types, t->elem, name, depth);
	case GU_RKIND_SLICE:
		put_text(name, "[]");
		return put(types, t->elem, name, depth);
	case GU_RKIND_ARRAY:
		gu_buf_printf(name, "[%" PRIu64 "]", t->len);
		return put(types, t->elem, name, depth);
	case GU_RKIND_MAP:
		put_text(name, "map[");
		if (!put(types, t->key, name, depth))
			return false;
		put_text(name, "]");
		return put(types, t->elem, name, depth);
	case GU_RKIND_CHAN:
		return put_chan(types, t, name, depth);
	case GU_RKIND_FUNC:
		put_text(name, "func");
		return put_signature(types, t, name, depth);
	case GU_RKIND_INTERFACE:
		return put_interface(types, t, name, depth);
	case GU_RKIND_STRUCT:
		return put_struct(types, t, name, depth);
	default:
		put_declared(t, name);
		return true;
	}
}

static bool put(const struct gu_types *types, uint64_t addr,
	struct gu_buf *name, unsigned depth)
{
	struct gu_rtype t;

	if (depth == 0 || name->n > GU_TYPE_NAME_MAX ||
		gu_types_read(types, addr, NULL, &t))
		return false;
	if (!t.named)
		return put_composed(types, &t, name, depth - 1);
	put_declared(&t, name);
	return true;
}

bool gu_types_name(const struct gu_types *types, const struct gu_rtype *type,
	struct gu_buf *name)
{
	size_t before = name->n;

	if (put(types, type->addr, name, DEPTH_MAX) &&
		name->n <= GU_TYPE_NAME_MAX)
		return true;
	name->n = before;
	return false;
}
