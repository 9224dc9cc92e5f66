/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The memory of GDB's target read without GDB, where it is on this machine:
 * GDB's every read costs more than the copying of some kilobytes.
 */
#ifndef GU_JITREADER_MEM_NEAR_H
#define GU_JITREADER_MEM_NEAR_H

#include "engine/image/core.h"

#include <sys/types.h>

/* Zeroed, until one of the next two has begun it; it must stay where it is. */
struct gu_mem_near {
	struct gu_mem gdb; /* for what cannot be read without it */
	struct gu_mem own; /* ops is NULL: nothing can */
	pid_t tid;
	struct gu_core *core; /* owned */
	unsigned reads;
};

/* A process that has the thread TID. */
void gu_mem_near_process(struct gu_mem_near *near, const struct gu_mem *gdb,
	pid_t tid);
/* The core at PATH, if that is the file that GDB has open. */
void gu_mem_near_core(struct gu_mem_near *near, const struct gu_mem *gdb,
	const char *path);
void gu_mem_near_deinit(struct gu_mem_near *near); /* harmless when zeroed */

/*
 * Compare the first page of the LEN bytes at ADDR, which tell this program from
 * any other.  If GDB has not the same, it is asked for everything.
 */
void gu_mem_near_prove(struct gu_mem_near *near, uint64_t addr, size_t len);

struct gu_mem gu_mem_of_near(struct gu_mem_near *near);

#endif
