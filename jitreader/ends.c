/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jitreader/ends.h"

#include "engine/emit/session.h"
#include "engine/emit/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static size_t count(const struct gu_ends *ends)
{
	return ends->n < GU_ENDS_MAX ? ends->n : GU_ENDS_MAX;
}

static struct gu_ended *find(struct gu_ends *ends, const struct gu_regs *regs)
{
	for (size_t i = 0; i < count(ends); i++)
		if (ends->list[i].pc == regs->pc &&
			ends->list[i].sp == regs->sp)
			return &ends->list[i];
	return NULL;
}

/*
 * What needs C runs in it, where nobody sees what GDB says of that.  Outside of
 * it any language may be set: "if A - B" is in all.
 */
static enum gu_status write_all(const struct gu_ends *ends,
	struct gu_diag *diag)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) out;

	gu_buf_init(&out, false);
	gu_buf_str(&out, gu_str("pipe -d gounstrip-end -- with language c -- "
		"frame apply -1 -s -q set $_gounstrip_ended = "));
	for (size_t i = 0; i < count(ends); i++)
		if (*ends->list[i].text)
			gu_buf_printf(&out, "$pc == %" PRIu64 " && $sp == %"
				PRIu64 " ? %zu : ", ends->list[i].pc,
				ends->list[i].sp, i + 1);
	gu_buf_str(&out, gu_str("0 gounstrip-end cat >/dev/null\n"));
	for (size_t i = 0; i < count(ends); i++) {
		gu_buf_printf(&out, "if $_gounstrip_ended - %zu\nelse\n",
			i + 1);
		gu_text_echo(&out, gu_str(ends->list[i].text));
		gu_buf_str(&out, gu_str("end\n"));
	}
	return gu_session_put(getpid(), "ended", &out, diag);
}

static void put_text(struct gu_ended *ended, struct gu_str name,
	const char *reason)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) out;
	int most = sizeof ended->text / 2; /* of the name; the reason matters */

	gu_buf_init(&out, false);
	gu_text_escape(&out, name.n ? name : gu_str("this frame"));
	(void)snprintf(ended->text, sizeof ended->text,
		"gounstrip: no caller of %.*s is known: %s",
		out.n < (size_t)most ? (int)out.n : most,
		out.p ? (const char *)out.p : "", reason);
}

enum gu_status gu_ends_note(struct gu_ends *ends, const struct gu_regs *regs,
	struct gu_str name, const char *reason, struct gu_diag *diag)
{
	struct gu_ended *ended = find(ends, regs);
	struct gu_ended now = {.pc = regs->pc, .sp = regs->sp};

	put_text(&now, name, reason);
	if (ended && strcmp(ended->text, now.text) == 0)
		return GU_OK;
	if (!ended)
		ended = &ends->list[ends->n++ % GU_ENDS_MAX];
	*ended = now;
	return write_all(ends, diag);
}

enum gu_status gu_ends_drop(struct gu_ends *ends, const struct gu_regs *regs,
	struct gu_diag *diag)
{
	struct gu_ended *ended = ends->n ? find(ends, regs) : NULL;

	if (!ended || !*ended->text)
		return GU_OK;
	ended->text[0] = '\0';
	return write_all(ends, diag);
}

enum gu_status gu_ends_forget(struct gu_ends *ends, struct gu_diag *diag)
{
	if (!ends->n)
		return GU_OK;
	*ends = (struct gu_ends){.n = 0};
	return write_all(ends, diag);
}
