/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who waits for what: the goroutines in the queues of channels, semaphores
 * (mutexes, wait groups) and condition variables, those that sleep, and those
 * that wait for a file descriptor.
 *
 * A queue's entry (runtime.sudog) counts only if it names a goroutine of the
 * list and what it is queued for.  Where a queue is damaged, what stands before
 * the damage has been told, and the status says what is wrong.
 */
#ifndef GU_STACK_WAITS_H
#define GU_STACK_WAITS_H

#include "engine/stack/goroutine.h"

enum gu_wait_kind {
	GU_WAIT_RECEIVE,   /* from a channel */
	GU_WAIT_SEND,      /* to a channel */
	GU_WAIT_SEMAPHORE, /* that a mutex, a wait group… has inside */
	GU_WAIT_COND,      /* the list of a sync.Cond */
	GU_WAIT_SLEEP,     /* until a timer of its own fires */
	GU_WAIT_READ,      /* until a file descriptor can be read */
	GU_WAIT_WRITE,
};

struct gu_wait {
	const struct gu_goroutine *g; /* borrowed from the gu_goroutines */
	enum gu_wait_kind kind;
	bool select;   /* the channel is one of several */
	uint64_t addr; /* channel, semaphore, list, timer, runtime.pollDesc */
	uint64_t fd;   /* GU_WAIT_READ, GU_WAIT_WRITE */
};
typedef void gu_wait_visit(void *ctx, const struct gu_wait *wait);

/* Fields by name; see runtime.h. */
#define GU_SUDOG_FIELD_LIST(X)                        \
	X(G, "g", MUST)                               \
	X(NEXT, "next", MUST)                         \
	X(PREV, "prev", MUST)                         \
	X(WAITLINK, "waitlink", MUST)                 \
	X(IS_SELECT, "isSelect", MAY)                 \
	X(ELEM, "elem", MAY)                          \
	X(ELEM_VU, "elem.vu", MAY) /* the same, since Go 1.26 */ \
	X(C, "c", MAY)                                \
	X(C_VU, "c.maybeTraceablePtr.vu", MAY) /* the same, since 1.26 */

#define GU_HCHAN_FIELD_LIST(X)                        \
	X(QCOUNT, "qcount", MUST)                     \
	X(DATAQSIZ, "dataqsiz", MUST)                 \
	X(ELEMSIZE, "elemsize", MUST)                 \
	X(CLOSED, "closed", MUST)                     \
	X(TIMER, "timer", MAY)                        \
	X(ELEMTYPE, "elemtype", MUST)                 \
	X(RECVQ, "recvq.first", MUST)                 \
	X(RECVQ_LAST, "recvq.last", MUST)             \
	X(SENDQ, "sendq.first", MUST)                 \
	X(SENDQ_LAST, "sendq.last", MUST)

#define GU_POLL_FIELD_LIST(X)                         \
	X(FD, "fd", MUST)                             \
	X(RG, "rg", MUST)                             \
	X(WG, "wg", MUST)                             \
	X(SELF, "self", MAY)

struct gu_waits {
	const struct gu_runtime *rt;     /* borrowed */
	const struct gu_goroutines *gs;  /* borrowed */
	const struct gu_goroutine **by_addr; /* owned: gs->list, sorted */
	struct gu_types types;           /* owned */
	struct gu_layout sudog, hchan;
	struct gu_layout poll; /* size 0: the program does not describe it */
};

/*
 * RT and GS must outlive it.  GU_UNSUPPORTED: the program does not describe
 * how queues are kept; GU_NO_MEMORY.
 */
enum gu_status gu_waits_open(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, struct gu_diag *diag,
	struct gu_waits *out) GU_MUST_CHECK;
void gu_waits_close(struct gu_waits *w); /* harmless when zeroed */

/* --- channels ------------------------------------------------------------- */

struct gu_channel {
	uint64_t addr;
	uint64_t len, cap; /* elements: buffered now, at most */
	bool closed;
	bool timer;        /* of a time.Timer or Ticker; since Go 1.23 */
	struct gu_str elem; /* its type; n is 0: not known */
	uint64_t receivers, receivers_last, senders, senders_last;
};

/*
 * The channel (runtime.hchan) at ADDR, proved by its element's type or by who
 * waits on it.  GU_NOT_FOUND: there is none.
 */
enum gu_status gu_waits_channel(const struct gu_waits *w, uint64_t addr,
	struct gu_channel *out) GU_MUST_CHECK;

/* Those who wait on CHANNEL, receivers first, in the order of the queue. */
enum gu_status gu_waits_on_channel(const struct gu_waits *w,
	const struct gu_channel *channel, gu_wait_visit *visit, void *ctx,
	struct gu_diag *diag) GU_MUST_CHECK;

/* The channels that G waits on, by its own list. */
enum gu_status gu_waits_channels_of(const struct gu_waits *w,
	const struct gu_goroutine *g, gu_wait_visit *visit, void *ctx,
	struct gu_diag *diag) GU_MUST_CHECK;

/* --- the rest ------------------------------------------------------------- */

/*
 * Those who wait for a semaphore, a condition variable or a timer that lies in
 * [ADDR, ADDR + LEN).  GU_UNSUPPORTED, after visiting what there is: the table
 * of semaphores is not known, or is not what it should be.
 */
enum { GU_WAITS_NEAR = 64 }; /* a sync.Cond, the largest of them, has 56 */
enum gu_status gu_waits_near(const struct gu_waits *w, uint64_t addr,
	uint64_t len, gu_wait_visit *visit, void *ctx, struct gu_diag *diag)
	GU_MUST_CHECK;

/*
 * What file descriptor G waits for in the runtime's poller; false if it does
 * not wait for one, or its stack does not tell.
 */
bool gu_waits_fd(const struct gu_waits *w, const struct gu_goroutine *g,
	struct gu_wait *out);

/*
 * Does the part of G's stack that is in use hold the word ADDR?  That says that
 * it may know of it, or that it once did.  GU_NOT_FOUND: it does not; GU_FAULT:
 * its stack cannot be looked at.
 */
enum gu_status gu_waits_refers(const struct gu_waits *w,
	const struct gu_goroutine *g, uint64_t addr) GU_MUST_CHECK;

#endif
