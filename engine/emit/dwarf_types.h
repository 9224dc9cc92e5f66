/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The types of a Go module as one unit of .debug_info, described as Go's own
 * linker does it (Go 1.27 src/cmd/link/internal/ld/dwarf.go, newtype): strings,
 * slices and interfaces as their runtime structs, maps and channels as pointers
 * to theirs, declared types with a typedef.
 */
#ifndef GU_EMIT_DWARF_TYPES_H
#define GU_EMIT_DWARF_TYPES_H

#include "engine/emit/gdb_index.h"
#include "engine/go/rtype.h"
#include "engine/go/rtvar.h"

/* Where it all goes; the buffers are the caller's. */
struct gu_dwarf_types_out {
	struct gu_buf *info;   /* the unit is appended */
	struct gu_buf *abbrev; /* its abbreviations are */
	struct gu_buf *strs;   /* .debug_str */
	struct gu_name_list *names; /* for an index */
	unsigned version;      /* of DWARF */
	uint32_t comp_dir, producer; /* offsets in strs */
	/*
	 * The variables to describe; their sizes become those of their types.
	 * NULL: none.
	 */
	struct gu_rtvars *vars;
};

struct gu_dwarf_types_stats {
	uint32_t types;
	uint32_t dropped; /* malformed descriptors, and references to none */
};

/* GU_NO_MEMORY; nothing that the descriptors say makes it fail. */
enum gu_status gu_dwarf_types_write(const struct gu_types *types,
	const struct gu_dwarf_types_out *out, struct gu_diag *diag,
	struct gu_dwarf_types_stats *stats) GU_MUST_CHECK;

#endif
