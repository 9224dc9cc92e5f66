/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The runtime's string variables that Go's linker fills, known by what they
 * say: runtime.buildVersion and runtime.modinfo.
 */
#ifndef GU_GO_RTSTRING_H
#define GU_GO_RTSTRING_H

#include "engine/go/moduledata.h"

enum gu_rtstring_kind {
	GU_RTSTRING_VERSION, /* "go1.24.4" */
	GU_RTSTRING_MODINFO, /* modules and settings, between two marks */
};

/* Room for any version text that is taken for one. */
enum { GU_RTSTRING_VERSION_MAX = 128 };

/*
 * Does the variable at ADDR hold a string of KIND?  A version that is EXPECTED
 * (n is not 0) must be that one.  TEXT (NULL, or GU_RTSTRING_VERSION_MAX bytes)
 * is set to the version's text.
 */
bool gu_rtstring_at(const struct gu_image *image, enum gu_rtstring_kind kind,
	uint64_t addr, struct gu_str expected, char *text);

/*
 * The only variable in the data of MD for which that is so: its address; 0 if
 * there is none, or several (programs that know Go releases list them).
 */
uint64_t gu_rtstring_find(const struct gu_image *image,
	const struct gu_moduledata *md, enum gu_rtstring_kind kind,
	struct gu_str expected, char *text);

#endif
