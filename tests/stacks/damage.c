/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The goroutines of a program whose memory is damaged.  A fixture is stopped
 * and read through a decorator that alters words, or makes stretches
 * unreadable, at places drawn from a fixed seed: the list of goroutines, their
 * g's, their threads' m's, their stacks and the queues in which they wait.
 *
 * Whatever is damaged, reading must end with a list or with a reason, each
 * entry of the list must be accounted for, and a goroutine that was not touched
 * must read as before, to the letter.  So must the questions end who waits for
 * what.
 *
 *   damage [FILTER]: of the fixtures' names
 */
#include "engine/base/math.h"
#include "engine/emit/goroutine_text.h"
#include "engine/emit/waits_text.h"
#include "engine/image/elf_file.h"
#include "engine/image/process.h"
#include "tests/unit/fixtures.h"
#include "tests/unit/tap.h"

#include <elf.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined __x86_64__

enum { ROUNDS = 400, EDITS_MAX = 8 };

struct damaged {
	struct gu_mem under;
	struct {
		uint64_t addr;
		uint8_t value;
	} edits[EDITS_MAX];
	size_t nedits;
	uint64_t hole, hole_end; /* unreadable addresses */
};

static enum gu_status damaged_read(void *ctx, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	const struct damaged *d = ctx;
	enum gu_status st;

	if (addr < d->hole_end && d->hole < addr + len)
		return gu_fail_at(diag, GU_FAULT, d->hole, "a hole");
	st = d->under.ops->read(d->under.ctx, addr, buf, len, diag);
	for (size_t i = 0; st == GU_OK && i < d->nedits; i++)
		if (d->edits[i].addr >= addr && d->edits[i].addr - addr < len)
			((uint8_t *)buf)[d->edits[i].addr - addr] =
				d->edits[i].value;
	return st;
}

static const struct gu_mem_ops damaged_ops = {
	.name = "damaged", .read = damaged_read};

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return below ? seed % below : 0;
}

/* One goroutine as text. */
struct told {
	uint64_t addr, stack_lo, stack_hi, m;
	struct gu_buf text;
};

enum { WAITS_MAX = 64 };

struct telling {
	struct told *list;
	size_t n;
	uint64_t waits[WAITS_MAX]; /* what is waited for, and their entries */
	size_t nwaits;
	bool complained; /* about a queue */
	struct gu_slice allgs;
	uint64_t g_size, m_size;
	bool accounted;
};

static void forget(struct telling *t)
{
	for (size_t i = 0; i < t->n; i++)
		gu_buf_deinit(&t->list[i].text);
	free(t->list);
	*t = (struct telling){.n = 0};
}

static void tell_one(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, const struct gu_goroutine *g,
	struct told *out)
{
	struct gu_trace trace;

	*out = (struct told){.addr = g->addr, .stack_lo = g->stack_lo,
		.stack_hi = g->stack_hi, .m = g->m};
	gu_buf_init(&out->text, false);
	gu_goroutine_text_header(rt, gs, g, &out->text);
	gu_traceback(rt, g, GU_TRACE_RUNTIME, &trace);
	gu_goroutine_text_trace(&trace, &out->text);
}

static void take_wait(void *ctx, const struct gu_wait *wait)
{
	struct telling *t = ctx;

	if (t->nwaits + 2 > WAITS_MAX)
		return;
	t->waits[t->nwaits++] = wait->addr;
	if (wait->g->waiting)
		t->waits[t->nwaits++] = wait->g->waiting;
}

/*
 * Ask for all that BASE waits for (OUT itself, if NULL): whatever the answer,
 * it must come.
 */
static enum gu_status tell_waits(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, const struct telling *base,
	struct gu_diag *diag, struct telling *out)
{
	struct gu_waits gu_cleanup(gu_waits_close) w = {.rt = NULL};
	struct gu_buf gu_cleanup(gu_buf_deinit) text;
	const struct telling *asked = base ? base : out;
	struct gu_wait wait;
	unsigned damaged = 0;
	enum gu_status st = gu_waits_open(rt, gs, diag, &w);

	gu_buf_init(&text, false);
	for (size_t i = 0; !st && i < gs->n; i++) {
		if (gu_waits_channels_of(&w, &gs->list[i], take_wait, out,
			NULL))
			damaged++;
		if (gu_waits_fd(&w, &gs->list[i], &wait))
			take_wait(out, &wait);
	}
	for (size_t i = 0; !st && i < asked->nwaits; i++)
		gu_waits_text(&w, asked->waits[i], &text);
	gu_buf_u8(&text, '\0');
	out->complained = !text.failed &&
		strstr((const char *)text.p, "is damaged at");
	if (!st && !base && damaged)
		st = gu_fail(diag, GU_BAD_DATA, "an undamaged list is refused");
	return st ? st : gu_buf_status(&text, diag);
}

static enum gu_status tell(const struct gu_module *module, uint64_t bias,
	const struct gu_mem *mem, const struct telling *base,
	struct gu_diag *diag, struct telling *out)
{
	struct telling t = {.accounted = false};
	struct gu_runtime rt = {.interned = NULL};
	struct gu_goroutines gs = {.list = NULL};
	enum gu_status st = gu_runtime_open(module, bias, mem, diag, &rt);

	if (!st)
		st = gu_goroutines_read(&rt, NULL, 0, 1, diag, &gs);
	if (!st) {
		t.list = calloc(gs.n + 1, sizeof *t.list);
		for (size_t i = 0; t.list && i < gs.n; i++)
			tell_one(&rt, &gs, &gs.list[i], &t.list[t.n++]);
		t.accounted = gs.listed ==
			gs.n + gs.dead + gs.damaged + gs.unreadable;
		t.allgs = rt.allgs;
		t.g_size = rt.g.size;
		t.m_size = rt.m.size;
		st = tell_waits(&rt, &gs, base, diag, &t);
		*out = t;
	}
	gu_goroutines_close(&gs);
	gu_runtime_close(&rt);
	return st;
}

/* Somewhere in what the reading depends on. */
static uint64_t draw_place(const struct telling *base)
{
	const struct told *g;

	if (!base->n)
		return base->allgs.addr;
	g = &base->list[draw(base->n)];
	switch (draw(base->nwaits ? 6 : 5)) {
	case 0:
		return base->allgs.addr + draw(base->allgs.len * 8);
	case 1:
		return g->m ? g->m + draw(base->m_size)
			    : g->addr + draw(base->g_size);
	case 2: /* the part of the stack that is in use */
		return g->stack_hi - 1 - draw(0x400);
	case 3: /* what one waits for, or its entry in the queue */
		if (base->nwaits)
			return base->waits[draw(base->nwaits)] + draw(0x60);
		return g->addr + draw(0x140);
	default:
		return g->addr + draw(0x140);
	}
}

static void draw_damage(struct damaged *d, const struct telling *base)
{
	d->nedits = 1 + draw(EDITS_MAX);
	d->hole = d->hole_end = 0;
	for (size_t i = 0; i < d->nedits; i++) {
		d->edits[i].addr = draw_place(base);
		d->edits[i].value = (uint8_t)draw(256);
	}
	if (draw(4) != 0)
		return;
	d->nedits = 0;
	d->hole = draw_place(base) & ~UINT64_C(0xfff);
	d->hole_end = d->hole + (UINT64_C(0x1000) << draw(4));
}

static bool overlaps(const struct damaged *d, uint64_t lo, uint64_t hi)
{
	for (size_t i = 0; i < d->nedits; i++)
		if (d->edits[i].addr >= lo && d->edits[i].addr < hi)
			return true;
	return d->hole < hi && lo < d->hole_end;
}

static bool is_touched(const struct damaged *d, const struct telling *base,
	const struct told *g)
{
	return overlaps(d, base->allgs.addr,
			base->allgs.addr + base->allgs.len * 8) ||
		overlaps(d, g->addr, g->addr + base->g_size) ||
		overlaps(d, g->stack_lo, g->stack_hi) ||
		(g->m && overlaps(d, g->m, g->m + base->m_size));
}

/* The goroutines that were not touched read as before. */
static bool same(const struct damaged *d, const struct telling *base,
	const struct telling *now)
{
	for (size_t i = 0; i < base->n; i++) {
		const struct told *was = &base->list[i], *is = NULL;

		if (is_touched(d, base, was))
			continue;
		for (size_t j = 0; j < now->n && !is; j++)
			if (now->list[j].addr == was->addr)
				is = &now->list[j];
		if (!is || is->text.n != was->text.n ||
			memcmp(is->text.p, was->text.p, was->text.n) != 0) {
			printf("# was: %.*s# is: %.*s", (int)was->text.n,
				(const char *)was->text.p,
				is ? (int)is->text.n : 0,
				is ? (const char *)is->text.p : "");
			return false;
		}
	}
	return true;
}

static void check_rounds(const char *name, const struct gu_module *module,
	uint64_t bias, const struct gu_mem *under, const struct telling *base)
{
	struct damaged d = {.under = *under};
	struct gu_mem mem = {&damaged_ops, &d, under->be, under->ptr_size};
	unsigned refused = 0;
	bool good = true;

	for (int i = 0; i < ROUNDS && good; i++) {
		struct gu_diag diag = {.text = ""};
		struct telling now = {.n = 0};
		enum gu_status st;

		draw_damage(&d, base);
		st = tell(module, bias, &mem, base, &diag, &now);
		refused += st != GU_OK;
		good = st ? diag.text[0] != '\0'
			  : now.accounted && same(&d, base, &now);
		if (!good)
			printf("# round %d: %s, accounted %d, edit at 0x%"
				PRIx64 ", hole at 0x%" PRIx64 "\n", i,
				diag.text, now.accounted, d.edits[0].addr,
				d.hole);
		forget(&now);
	}
	ok(good, "%s: %zu goroutines, %d damaged memories, %u refused", name,
		base->n, ROUNDS, refused);
	ok(base->nwaits, "%s: %zu places that are waited at", name,
		base->nwaits);
}

/*
 * Each queue bites its tail: at one offset after the other, an entry's word is
 * made its own address, or that of the one asked for before.
 */
static void check_circles(const char *name, const struct gu_module *module,
	uint64_t bias, const struct gu_mem *under, const struct telling *base)
{
	enum { SUDOG_SIZE = 0x68, WORD = 8 };
	struct damaged d = {.under = *under};
	struct gu_mem mem = {&damaged_ops, &d, under->be, under->ptr_size};
	unsigned complained = 0, ended = 0, asked = 0;

	for (size_t i = 1; i < base->nwaits; i++)
		for (uint64_t off = 0; off < SUDOG_SIZE; off += WORD) {
			uint64_t to = base->waits[i - asked % 2];
			struct telling now = {.n = 0};
			struct gu_diag diag;

			for (d.nedits = 0; d.nedits < WORD; d.nedits++) {
				d.edits[d.nedits].addr =
					base->waits[i] + off + d.nedits;
				d.edits[d.nedits].value =
					(uint8_t)(to >> 8 * d.nedits);
			}
			asked++;
			ended += tell(module, bias, &mem, base, &diag, &now) ==
				GU_OK;
			complained += now.complained;
			forget(&now);
		}
	ok(ended == asked && complained, "%s: of %u circles and strange "
		"entries %u were told", name, asked, complained);
}

static void check_process(const char *name, const char *path, int pid)
{
	struct gu_elf_file gu_cleanup(gu_elf_file_closep) *file = NULL;
	struct gu_module gu_cleanup(gu_module_closep) *module = NULL;
	struct gu_process *process = NULL;
	struct telling base = {.n = 0};
	struct gu_diag diag = {.text = ""};
	uint64_t entry = 0, bias;
	struct gu_mem mem;
	enum gu_status st = gu_elf_file_open(path, &diag, &file);

	if (!st)
		st = gu_module_open(gu_elf_file_image(file), &diag, &module);
	if (!st)
		st = gu_process_open(pid, &diag, &process);
	if (!is_status(st, GU_OK, &diag, "%s opens", name))
		return;
	is_status(gu_process_auxv(process, AT_ENTRY, &entry), GU_OK, NULL,
		"%s has an entry", name);
	bias = gu_elf_file_image(file)->is_dyn
		? entry - gu_elf_file_entry(file) : 0;
	mem = gu_process_mem(process);
	st = tell(module, bias, &mem, NULL, &diag, &base);
	if (is_status(st, GU_OK, &diag, "%s has goroutines", name)) {
		ok(base.accounted, "%s: all entries are accounted for", name);
		check_rounds(name, module, bias, &mem, &base);
		check_circles(name, module, bias, &mem, &base);
	}
	forget(&base);
	gu_process_close(process);
}

static int start(const char *path, FILE **out)
{
	int fds[2], pid;

	if (pipe(fds))
		return -1;
	pid = fork();
	if (pid == 0) {
		(void)dup2(fds[1], STDOUT_FILENO);
		(void)close(fds[0]);
		(void)close(fds[1]);
		(void)execl(path, path, "park", "2", (char *)NULL);
		_exit(127);
	}
	(void)close(fds[1]);
	*out = fdopen(fds[0], "r");
	return pid;
}

static void check(const struct fixture *fixture, void *ctx)
{
	char line[64] = "";
	FILE *out = NULL;
	int pid;

	(void)ctx;
	if (strcmp(fixture->goarch, "amd64") != 0)
		return;
	pid = start(fixture->strip, &out);
	if (pid < 0 || !out)
		return;
	while (strcmp(line, "ready\n") != 0 && fgets(line, sizeof line, out))
		continue;
	(void)usleep(200000); /* all of them wait */
	(void)kill(pid, SIGSTOP);
	seed = UINT64_C(0x9e3779b97f4a7c15);
	if (!strcmp(line, "ready\n"))
		check_process(fixture->name, fixture->strip, pid);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)fclose(out);
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"go1.16-amd64-static",
		"go1.20-amd64-pie", "go1.24-amd64-cgo", "go1.27-amd64-static"};

	if (argc > 1)
		fixtures_each(argv[1], check, NULL);
	for (size_t i = 0; argc <= 1 && i < GU_COUNT(names); i++)
		fixtures_each(names[i], check, NULL);
	return tap_done();
}

#else

int main(void)
{
	tap_skip("the programs are amd64's");
	return tap_done();
}

#endif
