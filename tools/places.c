/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/places.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READER_NAME "gounstrip-reader.so" /* jitreader/Makemodule.am */

enum gu_status gu_place_tool(struct gu_diag *diag, struct gu_place *out)
{
	ssize_t n = readlink("/proc/self/exe", out->path, sizeof out->path);

	if (n < 0 || (size_t)n >= sizeof out->path)
		return gu_fail(diag, GU_IO, "/proc/self/exe: %s",
			strerror(n < 0 ? errno : ENAMETOOLONG));
	out->path[n] = 0;
	return GU_OK;
}

static bool readable(const char *path)
{
	return access(path, R_OK) == 0;
}

/* BUILT (from the folder above the tool's) if it is there, else INSTALLED. */
static enum gu_status find(const char *what, const char *built,
	const char *installed, struct gu_diag *diag, struct gu_place *out)
{
	struct gu_place tool;
	char *slash;

	if (!gu_place_tool(NULL, &tool)) {
		for (int up = 0; up < 2; up++) {
			slash = strrchr(tool.path, '/');
			if (slash)
				*slash = 0;
		}
		if (snprintf(out->path, sizeof out->path, "%s/%s", tool.path,
			    built) < (int)sizeof out->path &&
			readable(out->path))
			return GU_OK;
	}
	if (!readable(installed))
		return gu_fail(diag, GU_IO, "%s: %s (it is %s; 'make install' "
			"puts it there)", installed, strerror(errno), what);
	(void)snprintf(out->path, sizeof out->path, "%s", installed);
	return GU_OK;
}

enum gu_status gu_place_reader(struct gu_diag *diag, struct gu_place *out)
{
	const char *path = getenv("GOUNSTRIP_READER");

	if (!path || !*path)
		return find("the reader for GDB",
			"jitreader/.libs/" READER_NAME,
			GU_READER_DIR "/" READER_NAME, diag, out);
	if (*path != '/' || strchr(path, '\n'))
		return gu_fail(diag, GU_INVALID,
			"GOUNSTRIP_READER is '%s', expected an absolute path",
			path);
	if (!readable(path))
		return gu_fail(diag, GU_IO, "GOUNSTRIP_READER: %s: %s", path,
			strerror(errno));
	(void)snprintf(out->path, sizeof out->path, "%s", path);
	return GU_OK;
}

enum gu_status gu_place_script(struct gu_diag *diag, struct gu_place *out)
{
	return find("the commands for GDB", "gdbinit/gounstrip.gdb",
		GU_SCRIPT_DIR "/gounstrip.gdb", diag, out);
}
