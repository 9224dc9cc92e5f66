/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands that are answered in GDB's process: "gounstrip gdb-ask" leaves the
 * file "request" in the session folder, the reader answers it by the file
 * "reply", which is GDB commands.
 */
#ifndef GU_JITREADER_MAILBOX_H
#define GU_JITREADER_MAILBOX_H

#include "jitreader/modules.h"
#include "jitreader/standin.h"

/*
 * Answer the request, if there is one.  PC: of the frame that GDB asks for.
 * Which goroutine is to be shown is then in SEL.
 */
void gu_mailbox_answer(struct gu_modules *modules, const struct gu_mem *target,
	uint64_t pc, struct gu_standin *standin);

#endif
