/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Go program that runs, or ran: a process that is held still, or a core. */
#ifndef GU_TOOLS_TARGET_H
#define GU_TOOLS_TARGET_H

#include "engine/image/cache.h"
#include "engine/image/core.h"
#include "engine/image/process.h"
#include "engine/image/splice.h"
#include "tools/stop.h"

enum { GU_OTHERS_MAX = 64 };

struct gu_target {
	struct gu_process *process; /* or NULL */
	struct gu_core *core;       /* or NULL */
	struct gu_elf_file *file;
	struct gu_module *module;
	uint64_t bias;
	struct gu_elf_file *other_files[GU_OTHERS_MAX]; /* plugins… */
	struct gu_module *other_modules[GU_OTHERS_MAX];
	struct gu_code others[GU_OTHERS_MAX]; /* where they are */
	size_t nothers;
	struct gu_splice *splice;
	struct gu_cache *cache;
	struct gu_stop stop;
	struct gu_mem mem;
	struct gu_thread *threads; /* of the architectures that can be
				      unwound */
	size_t nthreads;
	uint64_t now; /* nanotime when it was stopped; 0: not known */
};

/*
 * Process PID, or the core at path CORE (then PID is 0).  EXE is the program's
 * path, or NULL: then the target says what it is.  The process is stopped
 * until gu_target_resume or gu_target_close.  The diag names the target.
 */
enum gu_status gu_target_open(int pid, const char *core, const char *exe,
	struct gu_diag *diag, struct gu_target *out) GU_MUST_CHECK;
void gu_target_resume(struct gu_target *target);
void gu_target_close(struct gu_target *target);

#endif
