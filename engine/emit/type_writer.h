/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The unit of types while it is written: its abbreviations, references to types
 * whose place is not known yet, and the pieces that all types are made of.
 * Private to dwarf_types.c, dwarf_generic.c and dwarf_vars.c.
 */
#ifndef GU_EMIT_TYPE_WRITER_H
#define GU_EMIT_TYPE_WRITER_H

#include "engine/base/intern.h"
#include "engine/emit/dwarf_types.h"

/* Abbreviations. */
enum gu_type_die {
	GU_TDIE_END,
	GU_TDIE_UNIT,
	GU_TDIE_BASE,
	GU_TDIE_POINTER,
	GU_TDIE_UNSAFE_POINTER,
	GU_TDIE_PLAIN_POINTER, /* made by us: no descriptor */
	GU_TDIE_NAMED_POINTER, /* likewise */
	GU_TDIE_STRUCT,
	GU_TDIE_SLICE,
	GU_TDIE_PLAIN_STRUCT,
	GU_TDIE_KIND_STRUCT,   /* with a kind, of no descriptor */
	GU_TDIE_MEMBER,
	GU_TDIE_EMPTY_STRUCT,
	GU_TDIE_EMPTY_FUNC,
	GU_TDIE_ARRAY,
	GU_TDIE_PLAIN_ARRAY,
	GU_TDIE_RANGE,
	GU_TDIE_FUNC,
	GU_TDIE_PARAM,
	GU_TDIE_TYPEDEF,
	GU_TDIE_EFACE,
	GU_TDIE_CHAN,
	GU_TDIE_MAP,
	GU_TDIE_UNKNOWN,
	GU_TDIE_VARIABLE,
	GU_TDIE_COUNT
};

/* Types by which others are described; each may be missing in a program. */
#define GU_KNOWN_TYPE_LIST(X)                                   \
	X(INT, "int", "")                                       \
	X(INT32, "int32", "")                                   \
	X(UINTPTR, "uintptr", "")                               \
	X(UINT8, "uint8", "")                                   \
	X(STRING, "string", "")                                 \
	X(POINTER, "unsafe.Pointer", "unsafe")                  \
	X(HCHAN, "runtime.hchan", "runtime")                    \
	X(WAITQ, "runtime.waitq", "runtime")                    \
	X(SUDOG, "runtime.sudog", "runtime")                    \
	X(HMAP, "runtime.hmap", "runtime")                      \
	X(BMAP, "runtime.bmap", "runtime")                      \
	X(MAP, "maps.Map", "internal/runtime/maps")             \
	X(TABLE, "maps.table", "internal/runtime/maps")         \
	X(GROUPS, "maps.groupsReference", "internal/runtime/maps") \
	X(G, "runtime.g", "runtime")                            \
	X(M, "runtime.m", "runtime")                            \
	X(P, "runtime.p", "runtime")                            \
	X(MODULEDATA, "runtime.moduledata", "runtime")

enum gu_known_type {
#define X(type, name, package) GU_KNOWN_##type,
	GU_KNOWN_TYPE_LIST(X)
#undef X
	GU_KNOWN_COUNT
};

/* A type by its descriptor or, where the binary has none, a DIE of ours. */
struct gu_type_ref {
	uint64_t addr;
	uint32_t off; /* used if addr is 0 */
};

/* A reference to a type whose place is not known yet. */
struct gu_type_fixup {
	size_t at;
	uint32_t type;
};

struct gu_type_writer {
	const struct gu_types *types;
	const struct gu_dwarf_types_out *out;
	unsigned ptr;
	size_t unit;            /* where it begins in info */
	struct gu_intern addrs; /* descriptors, by address */
	uint32_t ntypes;        /* of them, after collecting */
	uint32_t *offs;         /* of each one's DIE from unit; 0: not yet */
	uint64_t *sizes;        /* of each one; UINT64_MAX: unreadable */
	uint32_t sizes_cap;
	struct gu_intern names; /* of fields and methods… */
	uint32_t *name_offs;    /* …and where they are in strs */
	uint32_t name_offs_cap;
	struct gu_type_fixup *fixups;
	uint32_t nfixups, fixups_cap;
	struct gu_buf name;     /* scratch */
	uint64_t parts;         /* that may still be looked at */
	uint64_t name_bytes;    /* that may still be composed */
	uint32_t unknown, eface;
	struct gu_rtype known[GU_KNOWN_COUNT]; /* addr 0: none */
	struct gu_type_ref integer, uintptr, byte, byte_ptr, any_ptr;
	struct gu_type_ref chan, map; /* of unknown contents */
	struct gu_type_ref allgs, allp;        /* their types, once written */
	struct gu_intern groups;   /* of maps… */
	uint64_t *group_maps;      /* …and the maps */
	uint32_t group_maps_cap;
	struct gu_intern generics; /* what dwarf_generic.c has made… */
	uint32_t *generic_offs;    /* …and where */
	uint32_t generic_offs_cap;
	uint32_t written, dropped;
	bool failed;            /* memory ran out */
};

/* Set up for TYPES, all zero otherwise; what DEINIT frees. */
void gu_tw_init(struct gu_type_writer *w, const struct gu_types *types,
	const struct gu_dwarf_types_out *out);
void gu_tw_deinit(struct gu_type_writer *w);

/* All abbreviations. */
void gu_tw_abbrevs(struct gu_buf *buf);

/*
 * Strings: the first as it is, the second once however often it is asked for.
 */
uint32_t gu_tw_str(struct gu_type_writer *w, struct gu_str s);
uint32_t gu_tw_shared_str(struct gu_type_writer *w, struct gu_str s);

/* One more field, method or parameter: false if there were too many. */
bool gu_tw_spend(struct gu_type_writer *w);

/* The place of the next DIE, from the unit's begin. */
uint32_t gu_tw_here(const struct gu_type_writer *w);

/* Parts of DIEs. */
void gu_tw_code(struct gu_type_writer *w, enum gu_type_die code);
void gu_tw_u32(struct gu_type_writer *w, uint32_t value);
void gu_tw_type(struct gu_type_writer *w, uint64_t addr); /* a descriptor's */
void gu_tw_ref(struct gu_type_writer *w, struct gu_type_ref ref);
void gu_tw_off(struct gu_type_writer *w, uint32_t off); /* of a DIE */
void gu_tw_go(struct gu_type_writer *w, const struct gu_rtype *t);
void gu_tw_end(struct gu_type_writer *w);

/* A member; after the head follow its type and whether it is embedded. */
void gu_tw_member_head(struct gu_type_writer *w, struct gu_str name,
	uint64_t off);
void gu_tw_member(struct gu_type_writer *w, const char *name, uint64_t off,
	struct gu_type_ref type);

/* The range of an array. */
void gu_tw_range(struct gu_type_writer *w, uint64_t len);

/* The typedef that Go gives to declared types. */
void gu_tw_typedef(struct gu_type_writer *w, uint32_t name, uint32_t type);

/* A pointer of our own to the DIE at TO, unless there is a descriptor. */
void gu_tw_pointer(struct gu_type_writer *w, struct gu_type_ref *ref,
	uint32_t to);

/* Likewise, always, with the name at NAME. */
struct gu_type_ref gu_tw_named_pointer(struct gu_type_writer *w, uint32_t name,
	struct gu_type_ref to);

/*
 * The pointer to the type at ELEM: its own descriptor's, or one of ours,
 * written now.
 */
struct gu_type_ref gu_tw_pointer_to(struct gu_type_writer *w, uint64_t elem);

/* T is a map: what its group is called by follows from it. */
void gu_tw_note_group(struct gu_type_writer *w, const struct gu_rtype *t);

bool gu_tw_is_group(const struct gu_type_writer *w, const struct gu_rtype *t);

/* T's name, as Go's linker has it, appended to w->name. */
void gu_tw_name(struct gu_type_writer *w, const struct gu_rtype *t);

#endif
