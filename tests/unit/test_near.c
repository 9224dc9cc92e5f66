/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * jitreader/mem_near: what is read past GDB is what GDB would have said; and
 * GDB is asked often enough to see a Ctrl-C.  The process is this one; cores
 * are compared by tests/gdb/goroutines.sh.
 */
#include "jitreader/mem_near.h"
#include "tests/unit/tap.h"

#include <sys/mman.h>
#include <unistd.h>

/* GDB, which has the same bytes, or others; and what it was asked. */
struct gdb {
	uint64_t differs;
	unsigned reads;
};

static enum gu_status gdb_read(void *ctx, uint64_t addr, void *buf, size_t len,
	struct gu_diag *diag)
{
	struct gdb *gdb = ctx;

	(void)diag;
	gdb->reads++;
	memset(buf, 'g', len);
	if (gdb->differs)
		return GU_OK;
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): our own memory */
	memcpy(buf, (const void *)(uintptr_t)addr, len);
	return GU_OK;
}

static const struct gu_mem_ops ops = {.name = "gdb", .read = gdb_read};

int main(void)
{
	static const char words[] = "what is at this address";
	const uint64_t addr = (uintptr_t)words;
	struct gdb gdb = {0};
	struct gu_mem of_gdb = {&ops, &gdb, false, 8}, mem;
	struct gu_mem_near near;
	char found[sizeof words];
	unsigned wrong = 0;
	void *hidden;

	gu_mem_near_process(&near, &of_gdb, getpid());
	gu_mem_near_prove(&near, addr, sizeof words);
	if (!near.own.ops) {
		tap_skip("a process cannot read its own memory here");
		return tap_done();
	}
	mem = gu_mem_of_near(&near);
	ok(!mem.be && mem.ptr_size == 8, "it has the target's shape");
	is_int(gdb.reads, 1, "GDB was asked for a proof");
	gdb.reads = 0;
	for (unsigned i = 0; i < 1000; i++) {
		memset(found, 0, sizeof found);
		wrong += gu_mem_read(&mem, addr, found, sizeof found, NULL) !=
				GU_OK ||
			memcmp(found, words, sizeof words) != 0;
	}
	is_int(wrong, 0, "bytes are as they are");
	ok(gdb.reads > 10 && gdb.reads < 50, "GDB was asked %u times of 1000",
		gdb.reads);

	/* what only GDB can read */
	hidden = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		0);
	gdb.differs = 1;
	ok(gu_mem_read(&mem, (uintptr_t)hidden, found, 8, NULL) == GU_OK &&
		found[0] == 'g', "GDB knows better");

	/* another process */
	gu_mem_near_process(&near, &of_gdb, getpid());
	gu_mem_near_prove(&near, addr, sizeof words);
	ok(!near.own.ops, "what GDB says differs");
	mem = gu_mem_of_near(&near);
	ok(gu_mem_read(&mem, addr, found, sizeof found, NULL) == GU_OK &&
		found[0] == 'g', "so GDB is asked");
	gdb.differs = 0;
	gu_mem_near_process(&near, &of_gdb, 0);
	gu_mem_near_prove(&near, addr, sizeof words);
	ok(!near.own.ops, "no process has the thread 0");
	gu_mem_near_core(&near, &of_gdb, "/proc/self/exe");
	ok(!near.own.ops, "a file that GDB has not open is not its core");
	mem = gu_mem_of_near(&near);
	ok(gu_mem_read(&mem, addr, found, sizeof found, NULL) == GU_OK &&
		memcmp(found, words, sizeof words) == 0,
		"all of it goes through GDB");
	gu_mem_near_deinit(&near);
	gu_mem_near_deinit(&near);
	return tap_done();
}
