/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/go/version.h"

enum { MINOR_MAX = 999 };

/* The minor of "go1.N" at the start of TEXT, or -1. */
static int minor_at(struct gu_str text)
{
	int minor = 0;
	size_t i = 4;

	if (!gu_str_starts(text, gu_str("go1.")) || text.n == 4)
		return -1;
	for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++) {
		minor = minor * 10 + (text.p[i] - '0');
		if (minor > MINOR_MAX)
			return -1;
	}
	return i == 4 ? -1 : minor;
}

enum gu_status gu_go_version_parse(struct gu_str text, struct gu_diag *diag,
	struct gu_go_version *out)
{
	struct gu_str rest = text;
	int minor;

	if (gu_str_starts(rest, gu_str("devel "))) {
		rest.p += 6;
		rest.n -= 6;
	}
	minor = minor_at(rest);
	if (minor < 0)
		return gu_fail(diag, GU_UNSUPPORTED,
			"Go version \"%.*s\": \"go1.N\" was expected",
			(int)(text.n < 60 ? text.n : 60), text.n ? text.p : "");
	*out = (struct gu_go_version){minor, minor};
	return GU_OK;
}
