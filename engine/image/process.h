/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A running process: its memory (/proc/PID/mem, read only; the process is not
 * stopped) and its mappings (/proc/PID/maps).
 */
#ifndef GU_IMAGE_PROCESS_H
#define GU_IMAGE_PROCESS_H

#include "engine/image/image.h"

struct gu_process;

enum gu_status gu_process_open(int pid, struct gu_diag *diag,
	struct gu_process **out) GU_MUST_CHECK;
void gu_process_close(struct gu_process *process); /* NULL is fine */

/* Byte order and pointer size come from /proc/PID/exe's ELF header. */
struct gu_mem gu_process_mem(const struct gu_process *process);

/* AT_ENTRY and friends from /proc/PID/auxv; GU_NOT_FOUND. */
enum gu_status gu_process_auxv(const struct gu_process *process,
	uint64_t type, uint64_t *out) GU_MUST_CHECK;

/*
 * How often thread TID was taken off a processor; 0: it is not known.  It grows
 * whenever a thread that is stopped goes on and stops again.
 */
uint64_t gu_process_switches(int tid);

/*
 * nanotime in process PID, now: CLOCK_MONOTONIC, which is ours unless the
 * process has a clock of its own (time_namespaces(7)).  0: it is not known.
 */
uint64_t gu_process_nanotime(int pid);

#endif
