/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fixtures: Go programs, stripped and not, that tests/fixtures has built.
 */
#ifndef TESTS_UNIT_FIXTURES_H
#define TESTS_UNIT_FIXTURES_H

#include <stdbool.h>

struct fixture {
	const char *name, *go, *goarch, *mode, *strip, *full;
};

/*
 * Call VISIT for each fixture whose name contains FILTER (NULL: all); a check
 * is skipped if there are none.
 */
void fixtures_each(const char *filter,
	void (*visit)(const struct fixture *fixture, void *ctx), void *ctx);

enum { FIXTURE_PATH = 64 };
/*
 * Write the symbol file of FIXTURE to a new file, whose name is put into PATH,
 * FIXTURE_PATH bytes; the caller unlinks it.  UNAIDED: see symfile.h.
 */
bool fixture_symbols(const struct fixture *fixture, bool unaided, char *path);

#endif
