/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE /* process_vm_readv */
#include "jitreader/mem_near.h"

#include <stdint.h>
#include <sys/uio.h>

enum {
	PROOF_MAX = 4096,
	/* one read in so many goes through GDB, which then sees a Ctrl-C */
	GDB_EVERY = 64,
};

static bool read_near(const struct gu_mem_near *near, uint64_t addr, void *buf,
	size_t len)
{
	struct iovec ours = {buf, len};
	/* an address of another process, in the type that the kernel wants */
	/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
	struct iovec theirs = {(void *)(uintptr_t)addr, len};

	return near->tid && (uintptr_t)addr == addr &&
		process_vm_readv(near->tid, &ours, 1, &theirs, 1, 0) ==
			(ssize_t)len;
}

static enum gu_status near_read(void *ctx, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	struct gu_mem_near *near = ctx;

	if (++near->reads % GDB_EVERY && read_near(near, addr, buf, len))
		return GU_OK;
	return gu_mem_read(&near->gdb, addr, buf, len, diag);
}

void gu_mem_near_init(struct gu_mem_near *near, const struct gu_mem *gdb,
	pid_t tid, uint64_t addr, size_t len)
{
	uint8_t ours[PROOF_MAX], gdbs[PROOF_MAX];

	*near = (struct gu_mem_near){*gdb, tid, 0};
	if (len > PROOF_MAX)
		len = PROOF_MAX;
	if (!read_near(near, addr, ours, len) ||
		gu_mem_read(gdb, addr, gdbs, len, NULL) ||
		memcmp(ours, gdbs, len) != 0)
		near->tid = 0;
}

struct gu_mem gu_mem_of_near(struct gu_mem_near *near)
{
	static const struct gu_mem_ops ops = {
		.name = "process",
		.read = near_read,
	};

	return (struct gu_mem){&ops, near, near->gdb.be, near->gdb.ptr_size};
}
