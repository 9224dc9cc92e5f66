/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jitreader/mem_gdb.h"

#include <inttypes.h>

/* target_read takes an int, and a Ctrl-C is seen only between two of them. */
enum { CHUNK = 1 << 20 };

static enum gu_status gdb_read(void *ctx, uint64_t addr, void *buf, size_t len,
	struct gu_diag *diag)
{
	const struct gu_mem_gdb *gdb = ctx;
	unsigned char *p = buf;

	while (len) {
		size_t n = len < CHUNK ? len : CHUNK;

		if ((GDB_CORE_ADDR)addr != addr ||
			gdb->target_read((GDB_CORE_ADDR)addr, p, (int)n) !=
				GDB_SUCCESS)
			return gu_fail_at(diag, GU_FAULT, addr,
				"GDB cannot read %zu bytes at 0x%" PRIx64, n,
				addr);
		p += n;
		addr += n;
		len -= n;
	}
	return GU_OK;
}

struct gu_mem gu_mem_of_gdb(struct gu_mem_gdb *gdb)
{
	static const struct gu_mem_ops ops = {
		.name = "gdb",
		.read = gdb_read,
	};

	return (struct gu_mem){&ops, gdb, false, 8};
}
