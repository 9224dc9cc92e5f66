/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The test harness: one TAP line per check, and the place and the values of a
 * failed one.  A test program ends with `return tap_done();`.
 */
#ifndef TESTS_UNIT_TAP_H
#define TESTS_UNIT_TAP_H

#include "engine/base/cursor.h"

#define TAP_HERE __FILE__, __LINE__

/* CONDITION holds; the rest is a printf format that names the check. */
#define ok(condition, ...) tap_ok((condition), TAP_HERE, __VA_ARGS__)
/* Two integers, two strings, two statuses, N bytes: GOT equals EXPECTED. */
#define is_int(got, expected, ...) \
	tap_int((uint64_t)(got), (uint64_t)(expected), TAP_HERE, __VA_ARGS__)
#define is_str(got, expected, ...) \
	tap_str((got), gu_str(expected), TAP_HERE, __VA_ARGS__)
#define is_status(got, expected, diag, ...) \
	tap_status((got), (expected), (diag), TAP_HERE, __VA_ARGS__)
#define is_bytes(got, expected, n, ...) \
	tap_bytes((got), (expected), (n), TAP_HERE, __VA_ARGS__)
/* The text of DIAG contains PART. */
#define says(diag, part, ...) tap_says((diag), (part), TAP_HERE, __VA_ARGS__)

/* Each returns whether the check held. */
bool tap_ok(bool condition, const char *file, int line, const char *format, ...)
	GU_PRINTF(4, 5);
bool tap_int(uint64_t got, uint64_t expected, const char *file, int line,
	const char *format, ...) GU_PRINTF(5, 6);
bool tap_str(struct gu_str got, struct gu_str expected, const char *file,
	int line, const char *format, ...) GU_PRINTF(5, 6);
/* DIAG may be NULL; it is shown when the check fails. */
bool tap_status(enum gu_status got, enum gu_status expected,
	const struct gu_diag *diag, const char *file, int line,
	const char *format, ...) GU_PRINTF(6, 7);
bool tap_bytes(const void *got, const void *expected, size_t n,
	const char *file, int line, const char *format, ...) GU_PRINTF(6, 7);
bool tap_says(const struct gu_diag *diag, const char *part, const char *file,
	int line, const char *format, ...) GU_PRINTF(5, 6);

/* A check that cannot be made here, and why. */
void tap_skip(const char *format, ...) GU_PRINTF(1, 2);

/* Print the plan.  The exit status: 0, 1 if a check failed, 77 if all were
 * skipped. */
int tap_done(void);

#endif
