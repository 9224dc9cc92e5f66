/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The stack of a goroutine as Go's own traceback has it: over the runtime's
 * stack switches, with inlined calls, without wrappers and (mostly) without
 * the runtime's inside.
 */
#ifndef GU_STACK_TRACEBACK_H
#define GU_STACK_TRACEBACK_H

#include "engine/stack/goroutine.h"

/* As Go src/runtime/traceback.go since 1.21; before, the first 100. */
enum { GU_TRACE_INNER = 50, GU_TRACE_OUTER = 50 };

/* A call; strings live as long as the module. */
struct gu_trace_call {
	struct gu_str name, file;
	int32_t line;
	bool inlined;
	uint64_t pc;  /* run-time, as found; of the function it is inlined in */
	uint64_t off; /* of pc from the function's entry */
};

struct gu_trace {
	struct gu_trace_call calls[GU_TRACE_INNER + GU_TRACE_OUTER];
	size_t n;         /* calls that are here, innermost first */
	uint64_t elided;  /* left out behind the first GU_TRACE_INNER */
	bool has_creator;
	struct gu_trace_call creator;
	uint64_t creator_id; /* goroutine; 0: not known */
	struct gu_diag stop; /* why it ends too early; text is empty if not */
};

/* Also shown: the runtime's own functions. */
enum gu_trace_show { GU_TRACE_USER, GU_TRACE_RUNTIME };

/*
 * The stack of G.  If it has no calls of the user's, the runtime's are shown,
 * as Go does.  Whatever hinders is told in out->stop.
 */
void gu_traceback(const struct gu_runtime *rt, const struct gu_goroutine *g,
	enum gu_trace_show show, struct gu_trace *out);

/*
 * The same, but no further out than to the first call in the user's code; that
 * is, in none of runtime, internal/..., sync, syscall, io, in no method of
 * os.File or of net's types, and not in time.Sleep.
 */
void gu_traceback_top(const struct gu_runtime *rt,
	const struct gu_goroutine *g, struct gu_trace *out);

/* Only who created G. */
void gu_traceback_creator(const struct gu_runtime *rt,
	const struct gu_goroutine *g, struct gu_trace *out);

/*
 * Where it stands: the innermost call, and the innermost one in the user's
 * code (the innermost of all if there is none).  NULL if there are no calls.
 */
const struct gu_trace_call *gu_trace_current(const struct gu_trace *trace);
const struct gu_trace_call *gu_trace_user(const struct gu_trace *trace);

/* Leave out all but the DEPTH innermost calls. */
void gu_trace_cut(struct gu_trace *trace, uint64_t depth);

#endif
