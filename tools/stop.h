/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All threads of a process held still while it is read, and their registers.
 *
 * Nothing is written to the process: its threads are seized and interrupted,
 * which no signal tells them of.  Should we die, the kernel lets them run on.
 */
#ifndef GU_TOOLS_STOP_H
#define GU_TOOLS_STOP_H

#include "engine/image/image.h"
#include "engine/stack/goroutine.h"

struct gu_stop {
	struct gu_stopped *held; /* owned */
	size_t n;
};

/* GU_IO: the system does not allow it, or a thread does not stop. */
enum gu_status gu_stop_open(int pid, struct gu_diag *diag, struct gu_stop *out)
	GU_MUST_CHECK;
void gu_stop_close(struct gu_stop *stop); /* they run on; twice is fine */

/* The registers of thread INDEX (< n); GU_IO, GU_UNSUPPORTED. */
enum gu_status gu_stop_thread(const struct gu_stop *stop, size_t index,
	enum gu_arch arch, struct gu_diag *diag, struct gu_thread *out)
	GU_MUST_CHECK;

/*
 * What unwinding needs of SIZE bytes of the kernel's user_regs (NT_PRSTATUS)
 * of ARCH; GU_UNSUPPORTED, GU_TRUNCATED.
 */
enum gu_status gu_regs_of_prstatus(enum gu_arch arch, const uint8_t *bytes,
	size_t size, struct gu_diag *diag, struct gu_regs *out) GU_MUST_CHECK;

#endif
