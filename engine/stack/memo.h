/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tables say of a pc, remembered: many goroutines begin and stand at
 * few places, and to look a place up costs more than to step over its frame.
 */
#ifndef GU_STACK_MEMO_H
#define GU_STACK_MEMO_H

#include "engine/stack/unwind.h"

enum { GU_MEMO_CALLS = 8 };

struct gu_memo_entry {
	const struct gu_module *module;
	uint64_t pc; /* the image's */
	bool exact;  /* it was interrupted: the calls are not those at pc - 1 */
	struct gu_point point;
	size_t ncalls; /* 0: more than there is room for, or not known */
	struct gu_call calls[GU_MEMO_CALLS];
};

struct gu_memo; /* of modules that outlive it */

struct gu_memo *gu_memo_create(void); /* NULL: no memory */
void gu_memo_destroy(struct gu_memo *memo); /* harmless with NULL */

/*
 * The place PC of MODULE, both as in its image; *OUT holds until the next call.
 * Fails as gu_unwind_point.
 */
enum gu_status gu_memo_find(struct gu_memo *memo,
	const struct gu_module *module, uint64_t pc, bool exact,
	struct gu_diag *diag, const struct gu_memo_entry **out) GU_MUST_CHECK;

/* The name of the function at PC of MODULE; n is 0 if there is none. */
struct gu_str gu_memo_name(struct gu_memo *memo,
	const struct gu_module *module, uint64_t pc);

/* The pc of which PC's calls are told: PC, or if that is a return address the
 * one before, as in Go src/runtime/traceback.go, symPC. */
static inline uint64_t gu_call_pc(const struct gu_func *func, uint64_t pc,
	bool exact)
{
	return exact || pc <= func->entry ? pc : pc - 1;
}

#endif
