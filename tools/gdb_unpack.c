/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/gdb_unpack.h"

#include "engine/emit/session.h"
#include "engine/go/module.h"
#include "engine/image/core.h"
#include "engine/image/process.h"
#include "engine/image/rebuild.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { REGIONS_MAX = 1 << 20, PATH_SIZE = 256 };

static bool has_go(const char *path)
{
	gu_cleanup(gu_elf_file_closep) struct gu_elf_file *file = NULL;
	gu_cleanup(gu_module_closep) struct gu_module *module = NULL;

	return !gu_elf_file_open(path, NULL, &file) &&
		!gu_module_open(gu_elf_file_image(file), NULL, &module);
}

/* Make PATH anew: the reader may have the file of before open. */
static enum gu_status write_module(const struct gu_mem *mem, uint64_t addr,
	const char *path, struct gu_diag *diag)
{
	enum gu_status st;
	int fd;

	(void)unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return gu_fail(diag, GU_IO, "%s cannot be written: %s", path,
			strerror(errno));
	st = gu_rebuild(mem, addr, fd, diag);
	if (close(fd) != 0 && !st)
		st = gu_fail(diag, GU_IO, "%s cannot be written", path);
	if (st)
		(void)unlink(path);
	return st;
}

/*
 * A packer maps the program's first segment, with its ELF header, where the
 * program was linked to be, or, for a PIE, anywhere.
 */
static enum gu_status search(const struct gu_mem *mem, const char *path,
	struct gu_diag *diag)
{
	struct gu_region region;
	uint64_t at = 0;

	for (int i = 0; i < REGIONS_MAX &&
		!gu_mem_next_region(mem, at, &region); i++) {
		char magic[4];
		enum gu_status st;

		if (region.size == 0 || region.addr + region.size <= at)
			break;
		at = region.addr + region.size;
		if (gu_mem_read(mem, region.addr, magic, sizeof magic, NULL) ||
			memcmp(magic, "\177ELF", sizeof magic) != 0)
			continue;
		st = write_module(mem, region.addr, path, diag);
		if (st == GU_IO || st == GU_NO_MEMORY)
			return st;
		if (!st && has_go(path))
			return GU_OK;
	}
	(void)unlink(path);
	return GU_NOT_FOUND;
}

static enum gu_status search_process(int task, const char *path,
	struct gu_diag *diag)
{
	struct gu_process *process;
	struct gu_mem mem;
	enum gu_status st = gu_process_open(task, diag, &process);

	if (st)
		return st;
	mem = gu_process_mem(process);
	st = search(&mem, path, diag);
	gu_process_close(process);
	return st;
}

static enum gu_status search_core(struct gu_str name, const char *path,
	struct gu_diag *diag)
{
	char *file = strndup(name.p, name.n);
	struct gu_core *core = NULL;
	struct gu_mem mem;
	enum gu_status st;

	if (!file)
		return gu_fail(diag, GU_NO_MEMORY, "no memory for a path");
	st = gu_core_open(file, diag, &core);
	free(file);
	if (st)
		return st;
	mem = gu_core_mem(core);
	st = search(&mem, path, diag);
	gu_core_close(core);
	return st;
}

void gu_gdb_unpacked_path(pid_t gdb, char *out, size_t out_size)
{
	size_t n;

	gu_session_path(gdb, out, out_size);
	n = strlen(out);
	(void)snprintf(out + n, out_size - n, "/unpacked");
}

enum gu_status gu_gdb_unpack(const struct gu_gdb_files *files, pid_t gdb,
	struct gu_diag *diag, char **out)
{
	char path[PATH_SIZE];
	enum gu_status st;

	gu_gdb_unpacked_path(gdb, path, sizeof path);
	if (files->task)
		st = search_process(files->task, path, diag);
	else if (files->core.n)
		st = search_core(files->core, path, diag);
	else
		st = GU_NOT_FOUND;
	if (st)
		return st;
	*out = strdup(path);
	return *out ? GU_OK : gu_fail(diag, GU_NO_MEMORY,
		"no memory for a path");
}
