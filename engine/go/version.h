/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Go release, as far as formats depend on it: 1.MINOR. */
#ifndef GU_GO_VERSION_H
#define GU_GO_VERSION_H

#include "engine/base/cursor.h"

/*
 * The minor releases that the binary may have been built by, from what its
 * build info says or from the forms it uses.  lo == hi when it is certain.
 */
struct gu_go_version {
	int lo, hi;
};

/*
 * The release in TEXT ("go1.24.4", "go1.27rc1", "devel go1.26-…",
 * "go1.24.4 X:…"); GU_UNSUPPORTED if there is none in it, with TEXT in the
 * diag.
 */
enum gu_status gu_go_version_parse(struct gu_str text, struct gu_diag *diag,
	struct gu_go_version *out) GU_MUST_CHECK;

#endif
