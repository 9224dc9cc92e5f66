/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A goroutine that stands in for a thread's callers: GDB asks for the caller of
 * the thread's innermost frame, and gets the goroutine's saved registers.
 *
 * Nothing tells us that the program has run.  So whenever GDB asks again, this
 * is checked: the thread's registers are what they were, no thread of a local
 * process has been scheduled, the goroutine stands where it stood.  If not, it
 * is over.  What is answered is in any case read now.
 *
 * A goroutine for which a command is run ("goroutine 17 bt") stands in at
 * another thread, beside the one that is selected, until that command ends.
 */
#ifndef GU_JITREADER_STANDIN_H
#define GU_JITREADER_STANDIN_H

#include "engine/stack/goroutine.h"

/* One that stands in. */
struct gu_guest {
	struct gu_regs here, there; /* of the thread; of the goroutine */
	uint64_t registers;         /* of the thread: a hash of all */
	uint64_t switches;          /* of all threads, or that, by the kernel */
	uint64_t g, id, stack_lo, stack_hi;
};

struct gu_standin {
	bool pending; /* it begins when GDB asks for selected.here next … */
	bool chosen;  /* … and lasts */
	struct gu_guest selected, visited;
	const struct gu_guest *shown; /* GDB has frames of it, and may ask about
					 them; NULL: of none */
	struct gu_thread *threads; /* owned */
	size_t nthreads;
	bool native; /* they are this kernel's */
	/* those that "goroutine all" visits, where thread `host` stands */
	uint64_t *visits; /* addresses of g's; owned */
	size_t nvisits;
	struct gu_regs host;
	bool visiting; /* visited is one of them, and lasts */
};

/* Forget everything; harmless when zeroed. */
void gu_standin_end(struct gu_standin *standin);

/* The threads of the program, for gu_standin_set.  GU_NO_MEMORY. */
enum gu_status gu_standin_watch(struct gu_standin *standin,
	const struct gu_thread *threads, size_t n, bool native,
	struct gu_diag *diag) GU_MUST_CHECK;

/* From when GDB next asks for HERE's caller, G, whose registers are known. */
void gu_standin_set(struct gu_standin *standin, const struct gu_regs *here,
	const struct gu_goroutine *g);

/*
 * From now on the file "next" of the session folder says which of the N g's at
 * VISITS (taken over; from malloc) stands in for the callers of the thread that
 * stands at HOST: for one answer, and for as long as GDB then reads the file
 * "visit", in which the command is.
 */
void gu_standin_visit(struct gu_standin *standin, const struct gu_regs *host,
	uint64_t *visits, size_t n);

/* Is there anything that gu_standin_take has to be asked about? */
static inline bool gu_standin_is_live(const struct gu_standin *standin)
{
	return standin->pending || standin->chosen || standin->shown ||
		standin->visits;
}

/*
 * GDB asks for the caller of a thread's innermost frame, which is at REGS,
 * REGISTERS being the hash of all its registers: true, and the registers to
 * answer with.
 */
bool gu_standin_take(struct gu_standin *standin, const struct gu_runtime *rt,
	const struct gu_regs *regs, uint64_t registers, struct gu_regs *out);

/*
 * The id of a frame at SP, STACK as made without us: those of a goroutine that
 * stands in are beyond all others, or GDB would say "previous frame inner to
 * this frame".
 */
uint64_t gu_standin_id(const struct gu_standin *standin, uint64_t sp,
	uint64_t stack);

#endif
