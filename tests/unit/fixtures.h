/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fixtures (Go programs, stripped and not) that tests/fixtures has built,
 * and TAP lines.
 */
#ifndef TESTS_UNIT_FIXTURES_H
#define TESTS_UNIT_FIXTURES_H

#include "engine/base/status.h"

struct fixture {
	const char *name, *go, *goarch, *mode, *strip, *full;
};

/*
 * Call VISIT for each fixture whose name contains FILTER (NULL: all).  False,
 * with a line that says why, if there are none.
 */
bool fixtures_each(const char *filter,
	void (*visit)(const struct fixture *fixture, void *ctx), void *ctx);

struct tap {
	int tests, failures;
};
void tap_result(struct tap *tap, bool ok, const char *format, ...)
	GU_PRINTF(3, 4);
void tap_skip(struct tap *tap, const char *format, ...) GU_PRINTF(2, 3);
/* Print the plan; the exit status. */
int tap_end(const struct tap *tap);

#endif
