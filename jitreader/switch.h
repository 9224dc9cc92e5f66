/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "goroutine": what is asked of the reader, and answered by GDB commands that
 * call those of gounstrip.gdb.
 *
 * Lines of a request: one of
 *   which              which goroutine is selected, or on this thread
 *   switch N           select goroutine N
 *   in N ARGC FIRST    run a command for it, or
 *   all ARGC FIRST     for each that is not the runtime's own: arguments FIRST
 *                      to ARGC of the command that GDB is in; after
 *   first WORD         which is put before them
 * and
 *   here PC SP         the thread GDB is in
 *   selected N         the goroutine that is selected, if one is, and stays so
 *   number TID NUM     the number that GDB has for a thread
 */
#ifndef GU_JITREADER_SWITCH_H
#define GU_JITREADER_SWITCH_H

#include "engine/base/buf.h"
#include "jitreader/modules.h"
#include "jitreader/standin.h"

struct gu_switch_thread {
	int32_t tid;
	char number[16]; /* "1.2", of GDB */
};

enum gu_switch_verb {
	GU_SWITCH_NONE, GU_SWITCH_WHICH, GU_SWITCH_TO, GU_SWITCH_IN,
	GU_SWITCH_ALL,
};

struct gu_switch {
	enum gu_switch_verb verb;
	uint64_t id, selected; /* selected is 0: none */
	unsigned argc, first;
	char word[32];
	bool has_here;
	struct gu_regs here;
	struct gu_switch_thread *threads; /* owned */
	size_t nthreads;
};

void gu_switch_deinit(struct gu_switch *s);

/* Take LINE of a request; false if it is none of the above. */
bool gu_switch_parse(struct gu_switch *s, const char *line);

/* What a request finds. */
struct gu_switch_target {
	struct gu_modules *modules;
	const struct gu_mem *mem;
	const struct gu_runtime *rt;
	const struct gu_goroutines *gs;
	const struct gu_thread *threads;
	size_t nthreads;
};

/*
 * Append to OUT what GDB is to do, and prepare SEL for what it will ask.
 * GU_NOT_FOUND: there is no such goroutine; GU_UNSUPPORTED: its registers are
 * not known.
 */
enum gu_status gu_switch_reply(const struct gu_switch *s,
	const struct gu_switch_target *target, struct gu_diag *diag,
	struct gu_standin *standin, struct gu_buf *out) GU_MUST_CHECK;

/*
 * The same for any other request: what is selected stays so, and the variables
 * are set.
 */
void gu_switch_keep(const struct gu_switch *s,
	const struct gu_switch_target *target, struct gu_standin *standin,
	struct gu_buf *out);

#endif
