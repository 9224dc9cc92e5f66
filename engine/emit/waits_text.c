/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/waits_text.h"

#include "engine/emit/goroutine_list.h"
#include "engine/emit/text.h"

#include <inttypes.h>
#include <stdlib.h>

struct telling {
	const struct gu_waits *w;
	struct gu_buf *out;
	uint64_t asked; /* the address */
	uint64_t last;  /* whose heading has been told */
	uint64_t n;
	bool *told;     /* by the goroutine's place in the list; may be NULL */
};

/* "  17 [chan receive, 5 minutes] WHAT: main.worker at FILE:LINE" */
static void put_goroutine(const struct gu_waits *w,
	const struct gu_goroutine *g, const char *what, struct gu_buf *out)
{
	struct gu_trace trace;

	gu_traceback_top(w->rt, g, &trace);
	gu_buf_str(out, gu_str("  "));
	gu_goroutine_brief(w->gs, g, &trace, what, out);
	gu_buf_u8(out, '\n');
}

static const char *verb(const struct gu_wait *wait)
{
	switch (wait->kind) {
	case GU_WAIT_RECEIVE:
		return wait->select ? "receives, or another case"
				    : "receives";
	case GU_WAIT_SEND:
		return wait->select ? "sends, or another case" : "sends";
	case GU_WAIT_READ:
		return "waits to read";
	case GU_WAIT_WRITE:
		return "waits to write";
	default:
		return "";
	}
}

/* What has no line of its own yet: "semaphore 0xc000012014, at +0x4" */
static void put_heading(struct telling *t, const struct gu_wait *wait)
{
	const char *what = wait->kind == GU_WAIT_SEMAPHORE ? "semaphore"
		: wait->kind == GU_WAIT_COND ? "condition variable's list"
					     : "timer";

	if (t->last == wait->addr)
		return;
	t->last = wait->addr;
	gu_buf_printf(t->out, "%s 0x%" PRIx64, what, wait->addr);
	if (wait->addr != t->asked)
		gu_buf_printf(t->out, ", %s0x%" PRIx64,
			wait->addr > t->asked ? "at +" : "at -",
			wait->addr > t->asked ? wait->addr - t->asked
					      : t->asked - wait->addr);
	gu_buf_u8(t->out, '\n');
}

static void tell(void *ctx, const struct gu_wait *wait)
{
	struct telling *t = ctx;

	if (wait->kind == GU_WAIT_SEMAPHORE || wait->kind == GU_WAIT_COND ||
		wait->kind == GU_WAIT_SLEEP)
		put_heading(t, wait);
	put_goroutine(t->w, wait->g, verb(wait), t->out);
	t->n++;
	if (t->told)
		t->told[wait->g - t->w->gs->list] = true;
}

static void put_trouble(const struct gu_diag *diag, struct gu_buf *out)
{
	gu_buf_printf(out, "...%s...\n", diag->text);
}

/* --- channels ------------------------------------------------------------- */

static void put_channel(const struct gu_channel *ch, struct gu_buf *out)
{
	gu_buf_printf(out, "channel 0x%" PRIx64, ch->addr);
	if (ch->elem.n) {
		gu_buf_str(out, gu_str(" of "));
		gu_text_escape(out, ch->elem);
	}
	if (ch->cap)
		gu_buf_printf(out, ", %" PRIu64 " of %" PRIu64 " buffered",
			ch->len, ch->cap);
	else
		gu_buf_str(out, gu_str(", not buffered"));
	gu_buf_str(out, gu_str(ch->timer ? ", of a timer" : ""));
	gu_buf_str(out, gu_str(ch->closed ? ", closed" : ""));
	gu_buf_u8(out, '\n');
}

/* Who may be on the other side, as far as stacks tell. */
static void put_others(struct telling *t, uint64_t addr)
{
	const struct gu_goroutines *gs = t->w->gs;
	uint64_t dark = 0, n = 0;

	for (size_t i = 0; i < gs->n && !t->out->failed; i++) {
		enum gu_status st;

		if (t->told && t->told[i])
			continue;
		st = gu_waits_refers(t->w, &gs->list[i], addr);
		dark += st == GU_FAULT;
		if (st)
			continue;
		if (n++ == 0)
			gu_buf_str(t->out, gu_str("its address is on the stack "
				"of these, which may use it, or did:\n"));
		put_goroutine(t->w, &gs->list[i], "", t->out);
	}
	if (!n)
		gu_buf_str(t->out, gu_str("its address is on no other "
			"goroutine's stack\n"));
	if (dark)
		gu_buf_printf(t->out, "...%" PRIu64 " stacks could not be "
			"looked at...\n", dark);
}

static void tell_channel(struct telling *t, const struct gu_channel *ch)
{
	struct gu_diag diag;

	t->told = calloc(t->w->gs->n + 1, sizeof *t->told);
	put_channel(ch, t->out);
	if (gu_waits_on_channel(t->w, ch, tell, t, &diag))
		put_trouble(&diag, t->out);
	if (!t->n)
		gu_buf_str(t->out, gu_str("nobody waits on it\n"));
	put_others(t, ch->addr);
	free(t->told);
	t->told = NULL;
}

void gu_waits_text(const struct gu_waits *w, uint64_t addr, struct gu_buf *out)
{
	struct telling t = {.w = w, .out = out, .asked = addr};
	struct gu_channel ch;
	struct gu_diag diag;
	enum gu_status st;
	uint64_t word;

	if (gu_waits_channel(w, addr, &ch) == GU_OK) {
		tell_channel(&t, &ch);
		return;
	}
	st = gu_waits_near(w, addr, GU_WAITS_NEAR, tell, &t, &diag);
	if (st)
		put_trouble(&diag, out);
	if (t.n)
		return;
	if (gu_mem_word(&w->rt->mem, addr, NULL, &word) == GU_OK &&
		gu_waits_channel(w, word, &ch) == GU_OK) {
		gu_buf_printf(out, "0x%" PRIx64 " holds the address of a "
			"channel\n", addr);
		tell_channel(&t, &ch);
		return;
	}
	gu_buf_printf(out, "nobody waits there: 0x%" PRIx64 " is no channel, "
		"and no semaphore, condition variable or timer within %d bytes "
		"of it has a queue\n", addr, GU_WAITS_NEAR);
}

/* --- file descriptors ----------------------------------------------------- */

void gu_waits_text_fd(const struct gu_waits *w, uint64_t fd,
	struct gu_buf *out)
{
	struct telling t = {.w = w, .out = out};
	uint64_t dark = 0, calls = 0;
	struct gu_wait wait;

	gu_buf_printf(out, "file descriptor %" PRIu64 "\n", fd);
	for (size_t i = 0; i < w->gs->n; i++) {
		const struct gu_goroutine *g = &w->gs->list[i];

		calls += g->status == GU_STATUS_SYSCALL && !g->system;
		if (gu_waits_fd(w, g, &wait)) {
			if (wait.fd == fd)
				tell(&t, &wait);
		} else if (gu_str_eq(g->reason, gu_str("IO wait")) &&
			g->status == GU_STATUS_WAITING) {
			dark++;
		}
	}
	if (!t.n)
		gu_buf_str(out, gu_str("nobody waits for it in the runtime's "
			"poller\n"));
	if (dark)
		gu_buf_printf(out, "...%" PRIu64 " more wait for IO, but their "
			"stacks do not tell for which...\n", dark);
	if (calls)
		gu_buf_printf(out, "...%" PRIu64 " are in system calls: which "
			"of them use it is not known...\n", calls);
}
