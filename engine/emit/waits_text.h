/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who waits for something, as text: a line for what it is, then one for each
 * goroutine that waits, in the order in which they queue.
 *
 *   channel 0xc000076060 of int, 2 of 5 buffered
 *     17 [chan receive, 5 minutes] receives: main.worker at FILE:LINE
 */
#ifndef GU_EMIT_WAITS_TEXT_H
#define GU_EMIT_WAITS_TEXT_H

#include "engine/base/buf.h"
#include "engine/stack/waits.h"

/*
 * On what is at ADDR: a channel, or what has semaphores, condition variables
 * and timers within GU_WAITS_NEAR bytes, or the address of a channel.  Queues
 * that are damaged are told in the text.
 */
void gu_waits_text(const struct gu_waits *w, uint64_t addr, struct gu_buf *out);

/* On file descriptor FD. */
void gu_waits_text_fd(const struct gu_waits *w, uint64_t fd,
	struct gu_buf *out);

#endif
