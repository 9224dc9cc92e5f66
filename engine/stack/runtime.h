/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The Go runtime of a target, as far as its goroutines need it: where the
 * fields of g and m are, by the program's own type descriptors, and where the
 * list of goroutines is, proved on the target's memory.
 *
 * Addresses are run-time addresses of the target.
 */
#ifndef GU_STACK_RUNTIME_H
#define GU_STACK_RUNTIME_H

#include "engine/go/rtvar.h"
#include "engine/stack/memo.h"
#include "engine/go/rtype.h"

/* Fields by name; MUST: without it there is no list. */
#define GU_G_FIELD_LIST(X)                        \
	X(STACK_LO, "stack.lo", MUST)             \
	X(STACK_HI, "stack.hi", MUST)             \
	X(M, "m", MUST)                           \
	X(SCHED_SP, "sched.sp", MUST)             \
	X(SCHED_PC, "sched.pc", MUST)             \
	X(SCHED_LR, "sched.lr", MAY)              \
	X(SCHED_BP, "sched.bp", MAY)              \
	X(SYSCALLSP, "syscallsp", MUST)           \
	X(SYSCALLPC, "syscallpc", MUST)           \
	X(SYSCALLBP, "syscallbp", MAY)            \
	X(STATUS, "atomicstatus", MUST)           \
	X(GOID, "goid", MUST)                     \
	X(WAITSINCE, "waitsince", MAY)            \
	X(WAITREASON, "waitreason", MAY)          \
	X(GOPC, "gopc", MUST)                     \
	X(STARTPC, "startpc", MUST)               \
	X(PARENT, "parentGoid", MAY)              \
	X(LOCKEDM, "lockedm", MAY)                \
	X(LABELS, "labels", MAY)                  \
	X(BUBBLE, "bubble", MAY)                  \
	X(WAITING, "waiting", MAY)                \
	X(TIMER, "timer", MAY)                    \
	X(CLEANUPS, "runningCleanups", MAY)

#define GU_M_FIELD_LIST(X)                        \
	X(G0, "g0", MUST)                         \
	X(GSIGNAL, "gsignal", MUST)               \
	X(CURG, "curg", MUST)                     \
	X(PROCID, "procid", MUST)                 \
	X(LINK, "alllink", MAY)                   \
	X(VDSO_SP, "vdsoSP", MAY)                 \
	X(VDSO_PC, "vdsoPC", MAY)

enum gu_g_field {
#define X(field, name, need) GU_G_##field,
	GU_G_FIELD_LIST(X)
#undef X
	GU_G_FIELDS
};

enum gu_m_field {
#define X(field, name, need) GU_M_##field,
	GU_M_FIELD_LIST(X)
#undef X
	GU_M_FIELDS
};

enum { GU_FIELDS_MAX = 32, GU_STRUCT_MAX = 1 << 14 };

/* One of the runtime's structs; a field of size 0 is not in this program. */
struct gu_layout {
	uint64_t size;
	struct {
		uint32_t off, size;
	} fields[GU_FIELDS_MAX];
};

/* A field that a layout is to have; without one that it MUST, it fails. */
struct gu_field_name {
	const char *path; /* as gu_types_place */
	bool must;
};

/*
 * Where the N FIELDS of the runtime's struct NAME are, by its descriptor.
 * GU_UNSUPPORTED, GU_BAD_DATA.
 */
enum gu_status gu_layout_find(const struct gu_types *types, const char *name,
	const struct gu_field_name *fields, size_t n, struct gu_diag *diag,
	struct gu_layout *out) GU_MUST_CHECK;

/* Short strings of the target, read once: wait reasons. */
struct gu_interned {
	uint64_t addr;
	uint64_t len;
	char text[64];
};
enum {
	GU_INTERNED_MAX = 128,
	GU_REASONS_MAX = 64, /* those above are looked up each time */
};

/* A Go module and where the target has it. */
struct gu_code {
	const struct gu_module *module; /* borrowed */
	uint64_t bias;                  /* run-time minus image addresses */
};

/* How labels are kept; unknown where runtime/pprof is not linked. */
enum gu_label_form {
	GU_LABELS_UNKNOWN,
	GU_LABELS_MAP,   /* up to 1.23 */
	GU_LABELS_SLICE,
};

struct gu_runtime {
	const struct gu_module *module; /* borrowed */
	uint64_t bias;                  /* run-time minus image addresses */
	struct gu_mem mem;              /* the target's */
	struct gu_mem direct;           /* the same without a cache, if the
					   owner has set it: for many pieces
					   that are known beforehand */
	size_t gap;                     /* gu_mem_gap of it */
	const struct gu_code *others;   /* borrowed: plugins and the like, */
	size_t nothers;                 /* if the owner has set them */
	struct gu_layout g, m;
	uint64_t bubble_id;   /* offset in synctestBubble; 0: there is none */
	bool reason_is_string;          /* up to Go 1.10 */
	enum gu_label_form labels;
	struct {
		uint64_t b, buckets, oldbuckets; /* offsets */
	} hmap;                         /* for GU_LABELS_MAP */
	struct gu_slice allgs;          /* proved; a claim, with len 0, if
					   only described */
	uint64_t allgs_claim;           /* the length that it has, if that
					   cannot be; 0: it is right */
	bool allgs_scanned;             /* found by its looks alone */
	uint64_t lastpoll;              /* of sched.lastpoll; 0: not found */
	uint64_t semtable;              /* a claim (waits.h); 0: not found */
	uint64_t allm;                  /* a claim: the list of threads, or 0 */
	struct gu_slice wait_reasons;   /* array of strings; len 0: not found */
	struct gu_interned *interned;   /* owned */
	struct gu_str reasons[GU_REASONS_MAX]; /* in it; n is 0: not read */
	struct gu_memo *memo;           /* owned */
	size_t ninterned;
};

/*
 * The same without the list of goroutines, and without a look at MEM: what the
 * module itself tells, also of a program that has not begun.
 * GU_UNSUPPORTED, GU_BAD_DATA, GU_NO_MEMORY.
 */
enum gu_status gu_runtime_describe(const struct gu_module *module,
	uint64_t bias, const struct gu_mem *mem, struct gu_diag *diag,
	struct gu_runtime *out) GU_MUST_CHECK;

/* RT, which is only described, now runs at BIAS in MEM. */
void gu_runtime_move(struct gu_runtime *rt, uint64_t bias,
	const struct gu_mem *mem);

/*
 * The runtime of MODULE, which runs at BIAS in MEM (copied).
 * GU_UNSUPPORTED: a type, field or function is missing, or the list could
 * not be found; GU_BAD_DATA: what was found is no list of goroutines;
 * GU_FAULT: the target does not hold it.
 */
enum gu_status gu_runtime_open(const struct gu_module *module, uint64_t bias,
	const struct gu_mem *mem, struct gu_diag *diag, struct gu_runtime *out)
	GU_MUST_CHECK;

/* Read many pieces from DIRECT, which is rt->mem without its cache. */
void gu_runtime_read_direct(struct gu_runtime *rt, const struct gu_mem *direct);
void gu_runtime_close(struct gu_runtime *rt); /* harmless when zeroed */

/* The module that holds PC; the runtime's own if none does. */
struct gu_code gu_runtime_code(const struct gu_runtime *rt, uint64_t pc);

/* The name of the function at PC; n is 0 if there is none. */
struct gu_str gu_runtime_name(const struct gu_runtime *rt, uint64_t pc);

/* FIELD of a struct's BYTES (layout->size of them); 0 if it is not there. */
uint64_t gu_layout_word(const struct gu_runtime *rt,
	const struct gu_layout *layout, const uint8_t *bytes, unsigned field);

/* The string at ADDR; n is 0 if it cannot be read or has more than 64 bytes. */
struct gu_str gu_runtime_string(struct gu_runtime *rt, uint64_t addr,
	uint64_t len);

/* The text of wait reason NUMBER; n is 0 if the program has none. */
struct gu_str gu_runtime_wait_reason(struct gu_runtime *rt, uint64_t number);

/* Goroutine states: Go src/runtime/runtime2.go, _Gidle and on. */
enum {
	GU_STATUS_IDLE, GU_STATUS_RUNNABLE, GU_STATUS_RUNNING,
	GU_STATUS_SYSCALL, GU_STATUS_WAITING, GU_STATUS_MORIBUND,
	GU_STATUS_DEAD, GU_STATUS_ENQUEUE, GU_STATUS_COPYSTACK,
	GU_STATUS_PREEMPTED, GU_STATUS_LEAKED, GU_STATUS_DEADEXTRA,
	GU_STATUS_COUNT,
	GU_STATUS_SCAN = 0x1000, /* a flag */
};

/* Is there nothing to show: unused, or never run? */
static inline bool gu_status_is_dead(uint32_t status)
{
	return status == GU_STATUS_IDLE || status == GU_STATUS_DEAD ||
		status == GU_STATUS_DEADEXTRA;
}

/* Can these BYTES be a g? */
bool gu_runtime_is_g(const struct gu_runtime *rt, const uint8_t *bytes);

#endif
