/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Type descriptors: what the runtime knows of each type, in every stripped
 * binary.  Format: Go src/internal/abi/type.go (src/runtime/type.go up to
 * 1.19); the differences between releases are settled when they are read.
 *
 * All descriptors and their names lie in [types, etypes) of moduledata, which
 * is fetched once; names handed out live as long as the gu_types.
 */
#ifndef GU_GO_RTYPE_H
#define GU_GO_RTYPE_H

#include "engine/base/buf.h"
#include "engine/go/module.h"

/* Go's kinds, numbered as in every release (reflect.Kind). */
enum gu_rkind {
	GU_RKIND_BOOL = 1, GU_RKIND_INT, GU_RKIND_INT8, GU_RKIND_INT16,
	GU_RKIND_INT32, GU_RKIND_INT64, GU_RKIND_UINT, GU_RKIND_UINT8,
	GU_RKIND_UINT16, GU_RKIND_UINT32, GU_RKIND_UINT64, GU_RKIND_UINTPTR,
	GU_RKIND_FLOAT32, GU_RKIND_FLOAT64, GU_RKIND_COMPLEX64,
	GU_RKIND_COMPLEX128, GU_RKIND_ARRAY, GU_RKIND_CHAN, GU_RKIND_FUNC,
	GU_RKIND_INTERFACE, GU_RKIND_MAP, GU_RKIND_PTR, GU_RKIND_SLICE,
	GU_RKIND_STRING, GU_RKIND_STRUCT, GU_RKIND_UNSAFE_PTR,
};

struct gu_types {
	const struct gu_module *module; /* borrowed */
	struct gu_view view;            /* [types, etypes) */
	struct gu_view links; /* the type links; none: each is read by itself */
	int minor; /* of a release that has the layouts of this one */
};

/* A descriptor.  Addresses are the image's; plain data. */
struct gu_rtype {
	uint64_t addr;
	uint64_t size;        /* bytes of a value */
	enum gu_rkind kind;
	uint8_t align;
	bool named;           /* declared, not spelled out */
	struct gu_str name;   /* as Go prints it: "shop.Order", "[]int" */
	struct gu_str pkg_path; /* of a declared type: "example.org/shop" */
	uint64_t ptr_to_this; /* descriptor of the pointer to it; 0: none */
	uint64_t elem;        /* array, chan, map, ptr, slice; else 0 */
	uint64_t key;         /* map */
	uint64_t group;       /* map: slots together, up to 1.23 a bucket */
	uint64_t len;         /* array: elements; func: results << 16 | params;
				 chan: direction */
	bool variadic;        /* func */
	uint64_t fields, nfields;   /* struct: address of the field array */
	uint64_t methods, nmethods; /* interface: likewise */
	uint64_t package;     /* of their names that are not exported; 0:
				 none */
	uint64_t params;      /* func: address of the array of descriptors */
};

struct gu_rfield {
	struct gu_str name;
	uint64_t type; /* descriptor */
	uint64_t off;  /* bytes into the struct */
	bool embedded, exported;
};

/*
 * Fetch MODULE's types.  GU_NOT_FOUND if it has no moduledata or is older than
 * Go 1.7; GU_UNSUPPORTED if the release is not known, and its types do not tell
 * how they are written; GU_FAULT, GU_NO_MEMORY.
 */
enum gu_status gu_types_open(const struct gu_module *module,
	struct gu_diag *diag, struct gu_types *out) GU_MUST_CHECK;
void gu_types_close(struct gu_types *types);

/* The descriptor at ADDR.  GU_BAD_DATA, GU_TRUNCATED. */
enum gu_status gu_types_read(const struct gu_types *types, uint64_t addr,
	struct gu_diag *diag, struct gu_rtype *out) GU_MUST_CHECK;

/* Field INDEX (< nfields) of a struct; GU_BAD_DATA, GU_TRUNCATED. */
enum gu_status gu_types_field(const struct gu_types *types,
	const struct gu_rtype *type, uint64_t index, struct gu_diag *diag,
	struct gu_rfield *out) GU_MUST_CHECK;

/* Method INDEX (< nmethods) of an interface. */
struct gu_rmethod {
	struct gu_str name;
	bool exported;
	uint64_t type; /* descriptor of a func type; 0: not described */
};
enum gu_status gu_types_method(const struct gu_types *types,
	const struct gu_rtype *type, uint64_t index, struct gu_diag *diag,
	struct gu_rmethod *out) GU_MUST_CHECK;

/* The import path at TYPE's `package`; n is 0 if it cannot be read. */
struct gu_str gu_types_package(const struct gu_types *types,
	const struct gu_rtype *type);

/* Descriptor of parameter INDEX of a func type; results follow parameters. */
enum gu_status gu_types_param(const struct gu_types *types,
	const struct gu_rtype *type, uint64_t index, struct gu_diag *diag,
	uint64_t *out) GU_MUST_CHECK;
static inline uint64_t gu_rtype_nparams(const struct gu_rtype *type)
{
	return type->len & 0xffff;
}
static inline uint64_t gu_rtype_nresults(const struct gu_rtype *type)
{
	return type->len >> 16;
}

/*
 * Append to NAME what Go's linker calls TYPE: as `name`, but with whole import
 * paths ("*example.org/shop.Order").  False, with NAME as it was, if it would
 * be longer than GU_TYPE_NAME_MAX, nests too deep, or names what is not there.
 */
enum { GU_TYPE_NAME_MAX = 1 << 14 };
bool gu_types_name(const struct gu_types *types, const struct gu_rtype *type,
	struct gu_buf *name);

/*
 * Step through the type links: the descriptors of unnamed types (all types, in
 * plugins and shared builds), sorted by name.  *pos is 0 at first;
 * GU_NOT_FOUND at the end.  After a bad one *pos is the next one's, or as it
 * was if there is no way to it.
 */
enum gu_status gu_types_next(const struct gu_types *types, uint64_t *pos,
	struct gu_diag *diag, struct gu_rtype *out) GU_MUST_CHECK;

/* The declared type NAME ("runtime.g"), by its pointer type's link. */
enum gu_status gu_types_find(const struct gu_types *types, const char *name,
	struct gu_diag *diag, struct gu_rtype *out) GU_MUST_CHECK;

/* Where a field is, and how large. */
struct gu_place {
	uint64_t off, size; /* bytes */
	enum gu_rkind kind;
	uint64_t type;      /* descriptor */
};

/*
 * The field PATH of struct TYPE, through embedded structs and nested ones
 * ("sched.pc").  GU_UNSUPPORTED, naming type and field, if it is not there.
 */
enum gu_status gu_types_place(const struct gu_types *types,
	const struct gu_rtype *type, const char *path, struct gu_diag *diag,
	struct gu_place *out) GU_MUST_CHECK;

#endif
