/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is asked of a list of goroutines: which ones, in what order, how
 * grouped.  The words are the same in GDB and on the command line:
 *
 *   -with KIND, -without KIND   all that are given must hold
 *   -group KEY, -sort ORDER, -limit N, -t [DEPTH], -all
 */
#ifndef GU_STACK_QUERY_H
#define GU_STACK_QUERY_H

#include "engine/base/cursor.h"

#include <regex.h>

/* What may follow -with; the value's name as the user sees it. */
#define GU_FILTER_LIST(X)               \
	X(RUNNING, "running", "")       \
	X(RUNNABLE, "runnable", "")     \
	X(WAITING, "waiting", "")       \
	X(SYSCALL, "syscall", "")       \
	X(USER, "user", "")             \
	X(SYSTEM, "system", "")         \
	X(WAIT, "wait", "REASON")       \
	X(AGE, "age", ">5m")            \
	X(CHAN, "chan", "ADDR")         \
	X(LABEL, "label", "KEY=VALUE")  \
	X(FUNC, "func", "REGEX")        \
	X(FILE, "file", "REGEX")

enum gu_filter_kind {
#define X(kind, name, value) GU_FILTER_##kind,
	GU_FILTER_LIST(X)
#undef X
	GU_FILTER_KINDS
};

#define GU_GROUP_LIST(X)            \
	X(STACK, "stack", "")       \
	X(CURLOC, "curloc", "")     \
	X(USERLOC, "userloc", "")   \
	X(GO, "go", "")             \
	X(START, "start", "")       \
	X(STATE, "state", "")       \
	X(WAIT, "wait", "")         \
	X(LABEL, "label", "KEY")

enum gu_group_key {
	GU_GROUP_NONE,
#define X(key, name, value) GU_GROUP_##key,
	GU_GROUP_LIST(X)
#undef X
};

enum gu_sort { GU_SORT_NONE, GU_SORT_ID, GU_SORT_AGE, GU_SORT_LOC };

enum gu_compare { GU_LESS, GU_LESS_EQUAL, GU_GREATER, GU_GREATER_EQUAL };

struct gu_filter {
	enum gu_filter_kind kind;
	bool without;
	enum gu_compare compare; /* of an age */
	uint64_t number;         /* the age in ns, or the channel's address */
	char *text;              /* owned: reason, label's key, or NULL */
	char *value;             /* owned: label's, or NULL: any */
	regex_t regex;           /* owned, if has_regex */
	bool has_regex;
};

enum { GU_FILTERS_MAX = 32 };

struct gu_query {
	uint64_t id; /* the caller's to set: of one goroutine; 0: all */
	struct gu_filter filters[GU_FILTERS_MAX];
	size_t nfilters;
	enum gu_group_key group;
	char *group_label; /* owned: key, for GU_GROUP_LABEL */
	enum gu_sort sort;
	uint64_t limit;    /* 0: none */
	uint64_t depth;    /* calls of a stack; 0: all */
	bool stacks, all;
};

/* A zeroed query asks for all goroutines but the runtime's own. */
void gu_query_deinit(struct gu_query *query);

/* Does it ask for less than all, or in another way? */
bool gu_query_narrows(const struct gu_query *query);

/*
 * Take the option at WORDS[0] with its values into QUERY; *used words belong
 * to it, 0: it is no option of ours.  Two dashes are as good as one.
 * GU_INVALID: the diag says what would be possible; GU_NO_MEMORY.
 */
enum gu_status gu_query_take(struct gu_query *query, const struct gu_str *words,
	size_t nwords, struct gu_diag *diag, size_t *used) GU_MUST_CHECK;

/* GU_INVALID: WORD is no option, and which there are. */
enum gu_status gu_query_refuse(struct gu_str word, struct gu_diag *diag);

/*
 * Take the quotes off WORD, in place, as GDB or a shell would; but a backslash
 * stays, for regular expressions, unless it stands before a quote, a blank or
 * another one.  GU_INVALID: a quote is not closed.
 */
enum gu_status gu_query_unquote(char *word, struct gu_diag *diag) GU_MUST_CHECK;

#endif
