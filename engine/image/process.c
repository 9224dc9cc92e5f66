/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/image/process.h"

#include "engine/base/vec.h"
#include "engine/image/elf_open.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { AUXV_MAX = 4096 }; /* the kernel's has some 20 pairs of words */

struct gu_process {
	int pid;
	int mem_fd;
	struct gu_mem mem;
	struct gu_region *regions; /* by address, as when it was opened */
	uint32_t nregions, cap;
	uint8_t auxv[AUXV_MAX];
	size_t auxv_size;
};

static enum gu_status open_proc(int pid, const char *name, struct gu_diag *diag,
	int *out)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return gu_fail(diag, GU_IO,
			"%s: %s; run as the user of the process, or see "
			"/proc/sys/kernel/yama/ptrace_scope",
			path, strerror(errno));
	if (fd < 0 && errno == ENOENT)
		return gu_fail(diag, GU_IO, "there is no process %d", pid);
	if (fd < 0)
		return gu_fail(diag, GU_IO, "%s: %s", path, strerror(errno));
	*out = fd;
	return GU_OK;
}

static enum gu_status process_read(void *ctx, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	const struct gu_process *process = ctx;
	uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = pread(process->mem_fd, p, len, (off_t)addr);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return gu_fail_at(diag, GU_FAULT, addr,
				"process %d has ended", process->pid);
		if (n < 0)
			return gu_fail_at(diag, GU_FAULT, addr,
				"process %d has no readable memory at 0x%"
				PRIx64, process->pid, addr);
		p += n;
		addr += (uint64_t)n;
		len -= (size_t)n;
	}
	return GU_OK;
}

static enum gu_status process_next_region(void *ctx, uint64_t addr,
	struct gu_region *out)
{
	const struct gu_process *process = ctx;
	size_t lo = 0, hi = process->nregions;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct gu_region *r = &process->regions[mid];

		if (addr < r->addr || addr - r->addr < r->size)
			hi = mid;
		else
			lo = mid + 1;
	}
	if (lo == process->nregions)
		return GU_NOT_FOUND;
	*out = process->regions[lo];
	return GU_OK;
}

static const struct gu_mem_ops process_ops = {
	.name = "process",
	.read = process_read,
	.next_region = process_next_region,
};

static enum gu_status read_maps(struct gu_process *process,
	struct gu_diag *diag)
{
	struct gu_region region;
	uint64_t end;
	char *line = NULL, mode[5];
	size_t size = 0;
	bool kept = true;
	FILE *maps;
	int fd;
	enum gu_status st = open_proc(process->pid, "maps", diag, &fd);

	if (st)
		return st;
	maps = fdopen(fd, "r");
	if (!maps) {
		(void)close(fd);
		return gu_fail(diag, GU_NO_MEMORY, "out of memory");
	}
	while (kept && getline(&line, &size, maps) > 0) {
		/* proc(5): "start-end rwxp offset device inode path" */
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &region.addr,
			    &end, mode) != 3 ||
			mode[0] != 'r' || end <= region.addr)
			continue;
		region.size = end - region.addr;
		region.write = mode[1] == 'w';
		region.exec = mode[2] == 'x';
		kept = gu_vec_room(&process->regions, &process->cap,
			process->nregions);
		if (kept)
			process->regions[process->nregions++] = region;
	}
	free(line);
	(void)fclose(maps);
	return kept ? GU_OK : gu_fail(diag, GU_NO_MEMORY, "out of memory");
}

static enum gu_status read_auxv(struct gu_process *process,
	struct gu_diag *diag)
{
	ssize_t n;
	int fd;
	enum gu_status st = open_proc(process->pid, "auxv", diag, &fd);

	if (st)
		return st;
	while ((n = read(fd, process->auxv + process->auxv_size,
			sizeof process->auxv - process->auxv_size)) > 0)
		process->auxv_size += (size_t)n;
	(void)close(fd);
	return GU_OK;
}

static enum gu_status read_exe(struct gu_process *process, struct gu_diag *diag)
{
	char path[64];
	struct gu_elf elf;
	enum gu_status st;

	(void)snprintf(path, sizeof path, "/proc/%d/exe", process->pid);
	st = gu_elf_init(&elf, path, false, diag);
	if (st)
		return gu_fail_in(diag, st, "%s", path);
	process->mem = (struct gu_mem){
		&process_ops, process, elf.be, elf.ptr_size
	};
	gu_elf_deinit(&elf);
	return GU_OK;
}

enum gu_status gu_process_open(int pid, struct gu_diag *diag,
	struct gu_process **out)
{
	struct gu_process *process = calloc(1, sizeof *process);
	enum gu_status st;

	if (!process)
		return gu_fail(diag, GU_NO_MEMORY, "out of memory");
	process->pid = pid;
	process->mem_fd = -1;
	st = open_proc(pid, "mem", diag, &process->mem_fd);
	if (!st)
		st = read_exe(process, diag);
	if (!st)
		st = read_maps(process, diag);
	if (!st)
		st = read_auxv(process, diag);
	if (st) {
		gu_process_close(process);
		return st;
	}
	*out = process;
	return GU_OK;
}

void gu_process_close(struct gu_process *process)
{
	if (!process)
		return;
	if (process->mem_fd >= 0)
		(void)close(process->mem_fd);
	free(process->regions);
	free(process);
}

struct gu_mem gu_process_mem(const struct gu_process *process)
{
	return process->mem;
}

enum gu_status gu_process_auxv(const struct gu_process *process,
	uint64_t type, uint64_t *out)
{
	return gu_auxv_find(process->auxv, process->auxv_size, process->mem.be,
		process->mem.ptr_size, type, out);
}

uint64_t gu_process_nanotime(int pid)
{
	char path[64], theirs[64] = "", ours[64] = "";
	struct timespec now;

	(void)snprintf(path, sizeof path, "/proc/%d/ns/time", pid);
	if (readlink(path, theirs, sizeof theirs - 1) > 0 &&
		readlink("/proc/self/ns/time", ours, sizeof ours - 1) > 0 &&
		strcmp(theirs, ours) != 0)
		return 0;
	if (clock_gettime(CLOCK_MONOTONIC, &now))
		return 0;
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) +
		(uint64_t)now.tv_nsec;
}

uint64_t gu_process_switches(int tid)
{
	/* "voluntary_ctxt_switches:\t17", "nonvoluntary_ctxt_switches:\t4" */
	static const char what[] = "voluntary_ctxt_switches:";
	enum { HALF = 2048 };
	char path[64], text[2 * HALF + 1], *at = text;
	uint64_t sum = 0;
	size_t used = 0;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/status", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	/* they come last, behind what may be long: a user's groups */
	while ((n = read(fd, text + used, sizeof text - 1 - used)) > 0) {
		used += (size_t)n;
		if (used == sizeof text - 1) {
			memcpy(text, text + HALF, HALF);
			used = HALF;
		}
	}
	(void)close(fd);
	text[used] = '\0';
	while ((at = strstr(at, what))) {
		at += sizeof what - 1;
		sum += strtoull(at, NULL, 10);
	}
	return sum;
}
