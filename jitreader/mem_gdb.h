/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GDB's target as a memory source. */
#ifndef GU_JITREADER_MEM_GDB_H
#define GU_JITREADER_MEM_GDB_H

#include "engine/base/mem.h"

#include <gdb/jit-reader.h>

/* What a gu_mem of GDB's target borrows. */
struct gu_mem_gdb {
	gdb_target_read *target_read;
};

/* Little endian and 8 bytes a pointer, as all targets that we unwind. */
struct gu_mem gu_mem_of_gdb(struct gu_mem_gdb *gdb);

#endif
