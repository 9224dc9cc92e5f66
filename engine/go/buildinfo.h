/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * .go.buildinfo (Go 1.13 and on): the Go version, modules and build settings.
 * Format: Go src/debug/buildinfo/buildinfo.go.
 */
#ifndef GU_GO_BUILDINFO_H
#define GU_GO_BUILDINFO_H

#include "engine/image/image.h"

struct gu_buildinfo {
	struct gu_view version_bytes, modinfo_bytes; /* own the strings */
	struct gu_str version; /* "go1.24.4" */
	struct gu_str modinfo; /* lines "path\t…", "mod\t…", "dep\t…",
				  "build\tkey=value"; n is 0 if there is none */
};

/* GU_NOT_FOUND if IMAGE has none; GU_BAD_DATA, GU_TRUNCATED, GU_FAULT. */
enum gu_status gu_buildinfo_open(const struct gu_image *image,
	struct gu_diag *diag, struct gu_buildinfo *out) GU_MUST_CHECK;
void gu_buildinfo_close(struct gu_buildinfo *info);

/*
 * Step through modinfo: KIND is "path", "mod", "dep", "=>" or "build"; REST is
 * the line after the tab.  *pos is 0 at first; false at the end.
 */
bool gu_buildinfo_next(const struct gu_buildinfo *info, size_t *pos,
	struct gu_str *kind, struct gu_str *rest);

#endif
