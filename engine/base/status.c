/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *gu_status_text(enum gu_status code)
{
	static const char *const texts[] = {
#define X(name, text) text,
		GU_STATUS_LIST(X)
#undef X
	};

	if ((size_t)code >= sizeof texts / sizeof texts[0])
		return "an unknown status";
	return texts[code];
}

/*
 * Names from a binary end up in diagnostics, and those on a terminal, which
 * acts upon C0, DEL, and C1 as UTF-8 (U+0080 to U+009F).
 */
static void make_printable(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
}

GU_PRINTF(4, 0)
static enum gu_status fail(struct gu_diag *diag, enum gu_status code,
	const uint64_t *addr, const char *format, va_list args)
{
	int saved = errno;

	if (!diag)
		return code;
	memset(diag, 0, sizeof *diag);
	diag->code = code;
	diag->sys_errno = code == GU_IO ? saved : 0;
	diag->has_addr = addr != NULL;
	diag->addr = addr ? *addr : 0;
	(void)vsnprintf(diag->text, sizeof diag->text, format, args);
	make_printable(diag->text);
	return code;
}

enum gu_status gu_fail(struct gu_diag *diag, enum gu_status code,
	const char *format, ...)
{
	va_list args;

	va_start(args, format);
	code = fail(diag, code, NULL, format, args);
	va_end(args);
	return code;
}

enum gu_status gu_fail_at(struct gu_diag *diag, enum gu_status code,
	uint64_t addr, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	code = fail(diag, code, &addr, format, args);
	va_end(args);
	return code;
}

/*
 * The reason matters more than the context: of a context that is too long
 * (a path) the end is kept.
 */
static void prepend(char *text, const char *context)
{
	size_t room = GU_DIAG_TEXT - strlen(text) - 1, n = strlen(context);
	const char *mark = "";

	if (n + 2 > room) {
		if (room < sizeof "...: ")
			return;
		mark = "...";
		context += n - (room - (sizeof "...: " - 1));
		n = strlen(context);
	}
	memmove(text + strlen(mark) + n + 2, text, strlen(text) + 1);
	memcpy(text + strlen(mark) + n, ": ", 2);
	memcpy(text + strlen(mark), context, n);
	memcpy(text, mark, strlen(mark));
}

enum gu_status gu_fail_in(struct gu_diag *diag, enum gu_status code,
	const char *format, ...)
{
	char context[4096];
	va_list args;

	if (!diag || !gu_is_error(code))
		return code;
	va_start(args, format);
	(void)vsnprintf(context, sizeof context, format, args);
	va_end(args);
	prepend(diag->text, context);
	make_printable(diag->text);
	return code;
}
