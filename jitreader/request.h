/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What "gounstrip gdb-ask" asks for: lines of a word and a value.
 *
 *   list | bt                what is to be shown
 *   waits ADDR | fd N        who waits for that; ADDR in hexadecimal
 *   break | g REGISTER       and what leads to the selected thread's g
 *   runtime                  which runtimes there are; with a word, choose one
 *   now NS                   nanotime of the program, if it can be known
 *   native                   it runs under this kernel
 *   core PATH                it is that core
 *   thread TID PC SP FP [LR] each thread, in hexadecimal but for TID
 *   word TEXT                what the user wrote, word by word, with quotes
 *
 * and those of jitreader/switch.h.
 */
#ifndef GU_JITREADER_REQUEST_H
#define GU_JITREADER_REQUEST_H

#include "engine/base/buf.h"
#include "engine/stack/goroutine.h"
#include "engine/stack/query.h"
#include "jitreader/switch.h"

struct gu_request {
	struct gu_buf text; /* owned: what follows points into it */
	bool bt;
	bool waits, waits_fd; /* who waits for… */
	uint64_t awaited;     /* …this address, or descriptor */
	bool breaks;          /* a breakpoint… */
	uint64_t only;        /* …for this goroutine… */
	struct gu_str place;  /* …at this, in GDB's own quotes */
	bool runtimes;        /* what Go runtimes there are… */
	struct gu_str runtime; /* …and which is wanted; may be empty */
	uint64_t thread;      /* leads to the thread's g; 0: not known */
	uint64_t now;
	bool native;        /* the program runs under this kernel */
	const char *core;   /* its path, if it is one; or NULL */
	struct gu_thread *threads; /* owned */
	size_t nthreads;
	struct gu_str *words; /* owned; unquoted */
	size_t nwords;
	struct gu_query query;
	char *shell; /* owned, of "| SHELL", or NULL */
	char *file;  /* owned, of "> FILE", or NULL */
	struct gu_switch goroutine;
};

/*
 * Take the TEXT out of OUT, which has nothing else yet.  GU_INVALID: the diag
 * says what is wrong with the user's words; GU_NO_MEMORY.
 */
enum gu_status gu_request_parse(struct gu_diag *diag, struct gu_request *out)
	GU_MUST_CHECK;
void gu_request_deinit(struct gu_request *request);

#endif
