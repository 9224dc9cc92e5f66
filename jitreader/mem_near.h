/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The memory of a process that GDB debugs on this machine, read without GDB,
 * whose every read costs more than the copying of some kilobytes.
 */
#ifndef GU_JITREADER_MEM_NEAR_H
#define GU_JITREADER_MEM_NEAR_H

#include "engine/base/mem.h"

#include <sys/types.h>

struct gu_mem_near {
	struct gu_mem gdb; /* for what cannot be read without it */
	pid_t tid;         /* 0: nothing can */
	unsigned reads;
};

/*
 * GDB's target, whose thread TID is of this machine.  Proved with the LEN bytes
 * at ADDR, which change from program to program: without that all goes through
 * GDB.
 */
void gu_mem_near_init(struct gu_mem_near *near, const struct gu_mem *gdb,
	pid_t tid, uint64_t addr, size_t len);
struct gu_mem gu_mem_of_near(struct gu_mem_near *near);

#endif
