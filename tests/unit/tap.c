/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/tap.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static int tests, failures, skipped;

/* The line of a check; true if its details are wanted. */
GU_PRINTF(4, 0)
static bool result(bool held, const char *file, int line, const char *format,
	va_list args)
{
	printf("%s %d - ", held ? "ok" : "not ok", ++tests);
	vprintf(format, args);
	putchar('\n');
	if (held)
		return false;
	failures++;
	printf("# at %s:%d\n", file, line);
	return true;
}

bool tap_ok(bool condition, const char *file, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)result(condition, file, line, format, args);
	va_end(args);
	return condition;
}

bool tap_int(uint64_t got, uint64_t expected, const char *file, int line,
	const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (result(got == expected, file, line, format, args))
		printf("# got 0x%" PRIx64 ", expected 0x%" PRIx64 "\n", got,
			expected);
	va_end(args);
	return got == expected;
}

bool tap_str(struct gu_str got, struct gu_str expected, const char *file,
	int line, const char *format, ...)
{
	bool held = gu_str_eq(got, expected);
	va_list args;

	va_start(args, format);
	if (result(held, file, line, format, args))
		printf("# got \"%.*s\", expected \"%.*s\"\n", GU_STR(got),
			GU_STR(expected));
	va_end(args);
	return held;
}

bool tap_status(enum gu_status got, enum gu_status expected,
	const struct gu_diag *diag, const char *file, int line,
	const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (result(got == expected, file, line, format, args))
		printf("# got \"%s\" (%s), expected \"%s\"\n",
			gu_status_text(got),
			diag && gu_is_error(got) ? diag->text : "",
			gu_status_text(expected));
	va_end(args);
	return got == expected;
}

bool tap_bytes(const void *got, const void *expected, size_t n,
	const char *file, int line, const char *format, ...)
{
	const uint8_t *a = got, *b = expected;
	size_t same = 0;
	va_list args;

	while (same < n && a[same] == b[same])
		same++;
	va_start(args, format);
	if (result(same == n, file, line, format, args))
		printf("# byte %zu of %zu is 0x%02x, expected 0x%02x\n", same,
			n, a[same], b[same]);
	va_end(args);
	return same == n;
}

bool tap_says(const struct gu_diag *diag, const char *part, const char *file,
	int line, const char *format, ...)
{
	bool held = strstr(diag->text, part) != NULL;
	va_list args;

	va_start(args, format);
	if (result(held, file, line, format, args))
		printf("# got \"%s\", expected \"%s\" in it\n", diag->text,
			part);
	va_end(args);
	return held;
}

void tap_skip(const char *format, ...)
{
	va_list args;

	skipped++;
	printf("ok %d # SKIP ", ++tests);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

int tap_done(void)
{
	printf("1..%d\n", tests);
	if (failures)
		return 1;
	return tests > 0 && skipped == tests ? 77 : 0;
}
