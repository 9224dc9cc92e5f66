/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where our other files are: beside the tool in a build tree, else where
 * "make install" put them.
 */
#ifndef GU_TOOLS_PLACES_H
#define GU_TOOLS_PLACES_H

#include "engine/base/status.h"

#include <limits.h>

struct gu_place {
	char path[PATH_MAX];
};

/* The running gounstrip itself.  GU_IO. */
enum gu_status gu_place_tool(struct gu_diag *diag, struct gu_place *out)
	GU_MUST_CHECK;

/* The JIT reader; $GOUNSTRIP_READER if that is set.  GU_IO: it is not there. */
enum gu_status gu_place_reader(struct gu_diag *diag, struct gu_place *out)
	GU_MUST_CHECK;

/* gounstrip.gdb.  GU_IO: it is not there. */
enum gu_status gu_place_script(struct gu_diag *diag, struct gu_place *out)
	GU_MUST_CHECK;

#endif
