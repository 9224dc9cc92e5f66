/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE /* process_vm_readv */
#include "jitreader/mem_near.h"

#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum {
	PROOF_MAX = 4096,
	/* one read in so many goes through GDB, which then sees a Ctrl-C */
	GDB_EVERY = 64,
	FDS_MAX = 1024, /* looked at; GDB's files are among the first */
};

static enum gu_status process_read(void *ctx, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	const pid_t *tid = ctx;
	struct iovec ours = {buf, len};
	/* an address of another process, in the type that the kernel wants */
	/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
	struct iovec theirs = {(void *)(uintptr_t)addr, len};

	if ((uintptr_t)addr != addr ||
		process_vm_readv(*tid, &ours, 1, &theirs, 1, 0) !=
			(ssize_t)len)
		return gu_fail_at(diag, GU_FAULT, addr, "not without GDB");
	return GU_OK;
}

void gu_mem_near_process(struct gu_mem_near *near, const struct gu_mem *gdb,
	pid_t tid)
{
	static const struct gu_mem_ops ops = {
		.name = "process",
		.read = process_read,
	};

	*near = (struct gu_mem_near){.gdb = *gdb, .own = *gdb, .tid = tid};
	near->own.ops = &ops;
	near->own.ctx = &near->tid;
}

/* Another core may have taken the path of the one that GDB reads. */
static bool is_open(const char *path)
{
	struct stat wanted, found;

	if (stat(path, &wanted))
		return false;
	for (int fd = 0; fd < FDS_MAX; fd++)
		if (fstat(fd, &found) == 0 && found.st_dev == wanted.st_dev &&
			found.st_ino == wanted.st_ino)
			return true;
	return false;
}

void gu_mem_near_core(struct gu_mem_near *near, const struct gu_mem *gdb,
	const char *path)
{
	*near = (struct gu_mem_near){.gdb = *gdb};
	if (is_open(path) && gu_core_open(path, NULL, &near->core) == GU_OK)
		near->own = gu_core_mem(near->core);
}

void gu_mem_near_deinit(struct gu_mem_near *near)
{
	gu_core_close(near->core);
	*near = (struct gu_mem_near){.core = NULL};
}

void gu_mem_near_prove(struct gu_mem_near *near, uint64_t addr, size_t len)
{
	uint8_t ours[PROOF_MAX], gdbs[PROOF_MAX];

	if (len > PROOF_MAX)
		len = PROOF_MAX;
	if (near->own.ops && (gu_mem_read(&near->own, addr, ours, len, NULL) ||
		gu_mem_read(&near->gdb, addr, gdbs, len, NULL) ||
		memcmp(ours, gdbs, len) != 0))
		near->own.ops = NULL;
}

static enum gu_status near_read(void *ctx, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	struct gu_mem_near *near = ctx;

	if (near->own.ops && ++near->reads % GDB_EVERY &&
		gu_mem_read(&near->own, addr, buf, len, NULL) == GU_OK)
		return GU_OK;
	return gu_mem_read(&near->gdb, addr, buf, len, diag);
}

struct gu_mem gu_mem_of_near(struct gu_mem_near *near)
{
	static const struct gu_mem_ops ops = {
		.name = "near",
		.read = near_read,
	};

	return (struct gu_mem){&ops, near, near->gdb.be, near->gdb.ptr_size};
}
