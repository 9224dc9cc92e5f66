/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An ELF file made again from a module in memory, for programs whose file has
 * not what runs: packed ones (UPX), or files that cannot be had.
 *
 * The file's addresses are those of the memory it was read from, so its bias is
 * 0: it is an ET_EXEC without PT_DYNAMIC, whose relocations the dynamic linker
 * has applied already.
 */
#ifndef GU_IMAGE_REBUILD_H
#define GU_IMAGE_REBUILD_H

#include "engine/base/mem.h"

/*
 * Write to FD (empty, seekable) the module whose ELF header is at ADDR in MEM.
 * GU_BAD_DATA if there is no header that fits MEM, or the file would have more
 * than 4 GiB; GU_FAULT if a segment cannot be read (its first unreadable
 * address is in the diag); GU_IO, GU_NO_MEMORY.
 */
enum gu_status gu_rebuild(const struct gu_mem *mem, uint64_t addr, int fd,
	struct gu_diag *diag) GU_MUST_CHECK;

#endif
