/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 2000, REDRAW_MS = 100 };

static int64_t now_ms(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t))
		return 0;
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void gu_progress_start(struct gu_progress *progress, const char *label)
{
	const char *term = getenv("TERM");

	*progress = (struct gu_progress){
		.label = label,
		.terminal = isatty(STDERR_FILENO) && term &&
			strcmp(term, "dumb") != 0,
		.start = now_ms(),
	};
}

void gu_progress_update(void *ctx, uint64_t done, uint64_t all)
{
	struct gu_progress *progress = ctx;
	int64_t now;

	if (!progress->terminal || all == 0)
		return;
	now = now_ms();
	if (now - progress->start < PATIENCE_MS ||
		now - progress->last < REDRAW_MS)
		return;
	progress->last = now;
	progress->shown = true;
	fprintf(stderr, "\r%s: %3.0f %%", progress->label,
		100.0 * (double)(done < all ? done : all) / (double)all);
	fflush(stderr);
}

void gu_progress_end(struct gu_progress *progress)
{
	if (!progress->shown)
		return;
	fprintf(stderr, "\r%*s\r", (int)strlen(progress->label) + 7, "");
	fflush(stderr);
	progress->shown = false;
}
