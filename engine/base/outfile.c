/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMP_NAMES = 100 }; /* tried before giving up */

/* Create a file with a name of its own beside PATH; -1 and errno if not. */
static int make_temp(const char *path, char *name, size_t size)
{
	for (int i = 0; i < TEMP_NAMES; i++) {
		int n = snprintf(name, size, "%s.%ld-%d.tmp", path,
			(long)getpid(), i);
		int fd;

		if (n < 0 || (size_t)n >= size) {
			errno = ENAMETOOLONG;
			return -1;
		}
		fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

bool gu_write_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

enum gu_status gu_outfile_open(const char *path, struct gu_diag *diag,
	struct gu_outfile *out)
{
	struct stat info;

	if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
		return gu_fail(diag, GU_INVALID, "%s is not a regular file: "
			"nothing is put in its place", path);
	out->path = path;
	out->fd = make_temp(path, out->temp, sizeof out->temp);
	if (out->fd < 0)
		return gu_fail(diag, GU_IO, "no file can be made at %s: %s",
			path, strerror(errno));
	return GU_OK;
}

enum gu_status gu_outfile_close(struct gu_outfile *file, enum gu_status st,
	struct gu_diag *diag)
{
	if (close(file->fd) != 0 && !st)
		st = gu_fail(diag, GU_IO, "%s cannot be written: %s",
			file->temp, strerror(errno));
	if (!st && rename(file->temp, file->path) != 0)
		st = gu_fail(diag, GU_IO, "%s cannot be put in place: %s",
			file->path, strerror(errno));
	if (st)
		(void)unlink(file->temp);
	return st;
}
