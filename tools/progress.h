/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How far long work is, on the last line of a terminal: shown from two seconds
 * on, never to a file or a pipe.
 */
#ifndef GU_TOOLS_PROGRESS_H
#define GU_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct gu_progress {
	const char *label;     /* "writing symbols"; a static string */
	bool terminal, shown;
	int64_t start, last;   /* milliseconds */
};

void gu_progress_start(struct gu_progress *progress, const char *label);

/* For gu_symfile_opts.progress: CTX is a struct gu_progress. */
void gu_progress_update(void *ctx, uint64_t done, uint64_t all);

/* Take the line away. */
void gu_progress_end(struct gu_progress *progress);

#endif
