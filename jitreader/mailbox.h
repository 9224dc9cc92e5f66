/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands that are answered in GDB's process: "gounstrip gdb-ask" leaves the
 * file "request" in the session folder, the reader answers it by the file
 * "reply", which is GDB commands.
 */
#ifndef GU_JITREADER_MAILBOX_H
#define GU_JITREADER_MAILBOX_H

#include "jitreader/modules.h"

/* Answer the request, if there is one.  PC: where the thread is. */
void gu_mailbox_answer(struct gu_modules *modules, const struct gu_mem *target,
	uint64_t pc);

#endif
