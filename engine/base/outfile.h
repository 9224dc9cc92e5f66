/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that appears when it is complete, or not at all. */
#ifndef GU_BASE_OUTFILE_H
#define GU_BASE_OUTFILE_H

#include "engine/base/status.h"

#include <stddef.h>

enum { GU_OUTFILE_PATH = 4096 };

struct gu_outfile {
	int fd; /* to write to */
	char temp[GU_OUTFILE_PATH];
	const char *path; /* borrowed */
};

/*
 * Begin what is to replace PATH: in a file of another name beside it.
 * GU_INVALID: PATH is there, and no regular file; GU_IO.
 */
enum gu_status gu_outfile_open(const char *path, struct gu_diag *diag,
	struct gu_outfile *out) GU_MUST_CHECK;

/*
 * Close it, and put it in place if ST is GU_OK; else, or if that fails, it is
 * removed.  ST, or GU_IO.
 */
enum gu_status gu_outfile_close(struct gu_outfile *file, enum gu_status st,
	struct gu_diag *diag) GU_MUST_CHECK;

/* Write all N bytes to FD; false, and errno, if not all could be written. */
bool gu_write_all(int fd, const uint8_t *p, size_t n) GU_MUST_CHECK;

#endif
