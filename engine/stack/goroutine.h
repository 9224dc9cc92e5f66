/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The goroutines of a target: what the runtime's own traceback says of each,
 * and the registers from which its stack is unwound.
 *
 * The target must not run while it is read.  What is in an unfinished state is
 * marked, what cannot be read is counted: nothing is guessed.
 */
#ifndef GU_STACK_GOROUTINE_H
#define GU_STACK_GOROUTINE_H

#include "engine/stack/runtime.h"
#include "engine/stack/unwind.h"

/* A thread of the target and its registers. */
struct gu_thread {
	int32_t tid;
	struct gu_regs regs;
};

/* Why a goroutine's stack is not known. */
#define GU_TROUBLE_LIST(X)                                                \
	X(NONE, "")                                                       \
	X(NO_REGS, "runs on a thread whose registers are not known")      \
	X(UNSET, "in the middle of a switch: its saved registers are not set") \
	X(OUTSIDE, "its saved stack pointer lies outside of its stack")   \
	X(COPYSTACK, "its stack was being moved")

enum gu_trouble {
#define X(trouble, text) GU_TROUBLE_##trouble,
	GU_TROUBLE_LIST(X)
#undef X
};
const char *gu_trouble_text(enum gu_trouble trouble);

/* Where a goroutine's registers come from. */
enum gu_start {
	GU_START_NONE,
	GU_START_SAVED,   /* g.sched */
	GU_START_SYSCALL, /* g.syscallpc */
	GU_START_VDSO,    /* m.vdsoPC */
	GU_START_THREAD,  /* its thread's: the pc was interrupted */
};

/* Strings live as long as the gu_runtime. */
struct gu_goroutine {
	uint64_t addr, id;      /* of the g; goid */
	uint64_t m;             /* 0: it has no thread */
	uint64_t parent;        /* id; 0: not known (up to Go 1.20) */
	uint64_t go_pc, start_pc;
	uint64_t wait_since;    /* nanotime; 0: not known */
	uint64_t labels;        /* address; 0: none */
	uint64_t bubble;        /* id of the synctest bubble, 0: none */
	uint64_t waiting;       /* its first sudog; 0: none */
	uint64_t timer;         /* that it sleeps on, or slept; 0: none */
	uint64_t stack_lo, stack_hi;
	struct gu_regs regs;    /* if start is not GU_START_NONE */
	struct gu_str reason;   /* n is 0: none, or not known */
	uint32_t status;        /* without GU_STATUS_SCAN */
	int32_t tid;            /* 0: not on a thread */
	uint32_t reason_number; /* UINT32_MAX up to Go 1.10 */
	enum gu_start start;
	enum gu_trouble trouble;
	bool scan, locked, system;
};

struct gu_goroutines {
	struct gu_goroutine *list; /* owned; in the runtime's order */
	size_t n;
	uint64_t listed;     /* entries of runtime.allgs */
	uint64_t dead;       /* of these: free for use */
	uint64_t unreadable; /* of these: memory that is not there */
	uint64_t damaged;    /* of these: no goroutine, or named twice */
	uint64_t now;        /* nanotime; 0: not known */
	bool now_exact;      /* false: it was not earlier than that */
};

/*
 * Read all goroutines of RT.  THREADS (may be none) give running ones their
 * registers.  NOW is the target's nanotime (CLOCK_MONOTONIC), or 0 if it is not
 * known: then the latest time found in the target stands for it.
 * GU_FAULT, GU_NO_MEMORY.
 */
enum gu_status gu_goroutines_read(struct gu_runtime *rt,
	const struct gu_thread *threads, size_t nthreads, uint64_t now,
	struct gu_diag *diag, struct gu_goroutines *out) GU_MUST_CHECK;
void gu_goroutines_close(struct gu_goroutines *gs);

/*
 * Who it is and where it stands, of the one whose g is at ADDR; not what it
 * waits for.  One that runs has no registers.  GU_FAULT; GU_BAD_DATA: there is
 * none.
 */
enum gu_status gu_goroutine_locate(const struct gu_runtime *rt, uint64_t addr,
	struct gu_diag *diag, struct gu_goroutine *out) GU_MUST_CHECK;

/*
 * What G left in g.sched, where switches to its stack lead; pc is 0 if it
 * cannot be read.
 */
struct gu_regs gu_goroutine_saved(const struct gu_runtime *rt,
	const struct gu_goroutine *g);

/*
 * What stands in the brackets of Go's traceback: the wait reason of one that
 * waits, else the status; n is 0 if the number means nothing to us.
 */
struct gu_str gu_goroutine_state(const struct gu_goroutine *g);

/*
 * Does G wait in its synctest bubble for what only others in there can bring?
 * Go says "(durable)", which some wait reasons have in their text already.
 */
bool gu_goroutine_is_durable(const struct gu_goroutine *g);

/* Does it wait for something: neither run, nor could it, nor in the kernel? */
bool gu_goroutine_waits(const struct gu_goroutine *g);

/* The nanotime since when G waits or is in the kernel; 0 if not known. */
uint64_t gu_goroutine_since(const struct gu_goroutine *g);

/* How long that is, in ns; 0 if not known. */
uint64_t gu_goroutine_age(const struct gu_goroutines *gs,
	const struct gu_goroutine *g);

/* The same in whole minutes, as Go's traceback has it. */
uint64_t gu_goroutine_minutes(const struct gu_goroutines *gs,
	const struct gu_goroutine *g);

#endif
