/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/stack/goroutine.h"

#include "engine/base/math.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	CHUNK = 1 << 18, /* bytes that are read at once */
	PIECE = 1 << 12, /* and where that fails */
};

const char *gu_trouble_text(enum gu_trouble trouble)
{
	static const char *const texts[] = {
#define X(trouble, text) text,
		GU_TROUBLE_LIST(X)
#undef X
	};

	return texts[trouble];
}

/* An entry of runtime.allgs. */
struct entry {
	uint64_t addr;
	size_t at; /* in the runtime's order */
};

struct reading {
	struct gu_runtime *rt;
	const struct gu_thread *threads;
	size_t nthreads;
	struct gu_goroutines gs;
	uint8_t *buf;          /* CHUNK bytes */
	struct entry *entries; /* readable ones, by address */
	size_t nentries;
	struct gu_goroutine *found; /* by `at`; addr 0: not one */
	uint64_t latest; /* nanotime seen */
};

/* Memory is read through GDB, which may throw past us. */
static void reading_deinit(struct reading *r)
{
	free(r->buf);
	free(r->entries);
	free(r->found);
}

/* --- runtime.allgs -------------------------------------------------------- */

static enum gu_status take_words(struct reading *r, uint64_t first, uint64_t n)
{
	unsigned ptr = r->rt->mem.ptr_size;
	uint64_t addr = r->rt->allgs.addr + first * ptr;
	struct gu_cur cur;
	enum gu_status st = gu_mem_read(&r->rt->direct, addr, r->buf,
		(size_t)n * ptr, NULL);

	if (st)
		return st;
	cur = gu_cur(r->buf, (size_t)n * ptr, addr, r->rt->mem.be, "allgs");
	for (uint64_t i = 0; i < n; i++) {
		uint64_t g = gu_cur_word(&cur, ptr);

		if (g == 0 || g % ptr)
			r->gs.damaged++;
		else
			r->entries[r->nentries++] =
				(struct entry){g, (size_t)(first + i)};
	}
	return GU_OK;
}

static int by_addr(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Each goroutine once, though damaged memory may name one twice. */
static void sort_entries(struct reading *r)
{
	size_t kept = 0;

	qsort(r->entries, r->nentries, sizeof *r->entries, by_addr);
	for (size_t i = 0; i < r->nentries; i++)
		if (kept && r->entries[kept - 1].addr == r->entries[i].addr)
			r->gs.damaged++;
		else
			r->entries[kept++] = r->entries[i];
	r->nentries = kept;
}

static enum gu_status read_entries(struct reading *r, struct gu_diag *diag)
{
	unsigned ptr = r->rt->mem.ptr_size;
	uint64_t len = r->rt->allgs.len, step, n;

	r->gs.listed = len;
	r->buf = malloc(CHUNK);
	r->entries = calloc((size_t)len, sizeof *r->entries);
	r->found = calloc((size_t)len, sizeof *r->found);
	if (!r->buf || !r->entries || !r->found)
		return gu_fail(diag, GU_NO_MEMORY,
			"no memory for the list of goroutines");
	for (uint64_t i = 0; i < len; i += n) {
		for (step = CHUNK; ; step = PIECE) {
			n = len - i < step / ptr ? len - i : step / ptr;
			if (take_words(r, i, n) == GU_OK)
				break;
			if (step == PIECE) {
				r->gs.unreadable += n;
				break;
			}
		}
	}
	sort_entries(r);
	return GU_OK;
}

/* --- one goroutine -------------------------------------------------------- */

static const struct gu_thread *find_thread(const struct reading *r,
	int32_t tid)
{
	for (size_t i = 0; i < r->nthreads; i++)
		if (r->threads[i].tid == tid)
			return &r->threads[i];
	return NULL;
}

static bool on_stack(const struct gu_goroutine *g, uint64_t sp)
{
	return sp > g->stack_lo && sp <= g->stack_hi;
}

/* Registers that were saved when the goroutine left its thread. */
static void start_saved(struct gu_goroutine *g, enum gu_start start,
	const struct gu_regs *regs)
{
	if (regs->pc == 0 || regs->sp == 0) {
		g->trouble = GU_TROUBLE_UNSET;
	} else if (!on_stack(g, regs->sp)) {
		g->trouble = GU_TROUBLE_OUTSIDE;
	} else {
		g->start = start;
		g->regs = *regs;
	}
}

/*
 * The registers of the thread on which G runs, or what the runtime notes
 * before a call into the kernel's shared object (Go src/runtime/
 * sys_linux_amd64.s, nanotime1).
 */
static void start_thread(const struct reading *r, struct gu_goroutine *g,
	const uint8_t *m)
{
	const struct gu_runtime *rt = r->rt;
	const struct gu_thread *thread = find_thread(r, g->tid);
	uint64_t sp = gu_layout_word(rt, &rt->m, m, GU_M_VDSO_SP);

	if (sp && on_stack(g, sp)) {
		g->start = GU_START_VDSO;
		g->regs = (struct gu_regs){.sp = sp,
			.pc = gu_layout_word(rt, &rt->m, m, GU_M_VDSO_PC)};
	} else if (thread) {
		g->start = GU_START_THREAD;
		g->regs = thread->regs;
	} else {
		g->trouble = GU_TROUBLE_NO_REGS;
	}
}

static struct gu_regs saved_regs(const struct gu_runtime *rt,
	const uint8_t *bytes)
{
	const struct gu_layout *layout = &rt->g;
	struct gu_regs regs = {
		.pc = gu_layout_word(rt, layout, bytes, GU_G_SCHED_PC),
		.sp = gu_layout_word(rt, layout, bytes, GU_G_SCHED_SP),
		.lr = gu_layout_word(rt, layout, bytes, GU_G_SCHED_LR),
		.fp = gu_layout_word(rt, layout, bytes, GU_G_SCHED_BP),
		.has_fp = layout->fields[GU_G_SCHED_BP].size != 0,
	};

	regs.has_lr = regs.lr != 0;
	return regs;
}

struct gu_regs gu_goroutine_saved(const struct gu_runtime *rt,
	const struct gu_goroutine *g)
{
	uint8_t bytes[GU_STRUCT_MAX];

	if (g->start == GU_START_SAVED)
		return g->regs;
	if (gu_mem_read(&rt->mem, g->addr, bytes, (size_t)rt->g.size, NULL))
		return (struct gu_regs){.pc = 0};
	return saved_regs(rt, bytes);
}

/* Where unwinding starts: as Go src/runtime/traceback.go, traceback1. */
static void find_start(const struct reading *r, struct gu_goroutine *g,
	const uint8_t *bytes, const uint8_t *m)
{
	const struct gu_runtime *rt = r->rt;
	struct gu_regs saved = saved_regs(rt, bytes);
	struct gu_regs syscall = {
		.pc = gu_layout_word(rt, &rt->g, bytes, GU_G_SYSCALLPC),
		.sp = gu_layout_word(rt, &rt->g, bytes, GU_G_SYSCALLSP),
		.fp = gu_layout_word(rt, &rt->g, bytes, GU_G_SYSCALLBP),
		.has_fp = rt->g.fields[GU_G_SYSCALLBP].size != 0,
	};

	if (g->status == GU_STATUS_COPYSTACK)
		g->trouble = GU_TROUBLE_COPYSTACK;
	else if (g->status == GU_STATUS_SYSCALL || syscall.sp)
		start_saved(g, GU_START_SYSCALL, &syscall);
	else if (g->status == GU_STATUS_RUNNING && m)
		start_thread(r, g, m);
	else if (g->status == GU_STATUS_RUNNING)
		g->trouble = GU_TROUBLE_NO_REGS;
	else
		start_saved(g, GU_START_SAVED, &saved);
}

/*
 * Go src/runtime/traceback.go, isSystemGoroutine.  Whether the finalizer
 * goroutine runs a finalizer is in a variable that has no name here, but while
 * it waits for work it does not.
 */
static bool is_system(const struct gu_runtime *rt, const struct gu_goroutine *g,
	const uint8_t *bytes)
{
	static const char *const users[] = {"runtime.main",
		"runtime.corostart", "runtime.handleAsyncEvent"};
	struct gu_str name = gu_runtime_name(rt, g->start_pc);

	if (!gu_str_starts(name, gu_str("runtime.")))
		return false;
	for (size_t i = 0; i < GU_COUNT(users); i++)
		if (gu_str_eq(name, gu_str(users[i])))
			return false;
	if (gu_str_eq(name, gu_str("runtime.runfinq")) ||
		gu_str_eq(name, gu_str("runtime.runFinalizers")))
		return gu_str_eq(g->reason, gu_str("finalizer wait")) ||
			g->start_pc == gu_layout_word(rt, &rt->g, bytes,
				GU_G_SCHED_PC);
	if (gu_str_eq(name, gu_str("runtime.runCleanups")))
		return !gu_layout_word(rt, &rt->g, bytes, GU_G_CLEANUPS);
	return true;
}

static void read_reason(struct gu_runtime *rt, struct gu_goroutine *g,
	const uint8_t *bytes)
{
	uint64_t value = gu_layout_word(rt, &rt->g, bytes, GU_G_WAITREASON);
	unsigned ptr = rt->mem.ptr_size;

	if (rt->reason_is_string) {
		struct gu_cur cur = gu_cur(bytes, (size_t)rt->g.size, 0,
			rt->mem.be, "g");

		gu_cur_seek(&cur, rt->g.fields[GU_G_WAITREASON].off + ptr);
		g->reason_number = UINT32_MAX;
		g->reason = gu_runtime_string(rt, value,
			gu_cur_word(&cur, ptr));
	} else {
		g->reason_number = (uint32_t)value;
		g->reason = gu_runtime_wait_reason(rt, value);
	}
}

static void read_bubble(const struct gu_runtime *rt, struct gu_goroutine *g,
	const uint8_t *bytes)
{
	uint64_t bubble = gu_layout_word(rt, &rt->g, bytes, GU_G_BUBBLE);

	if (bubble && rt->bubble_id &&
		gu_mem_word(&rt->mem, bubble + rt->bubble_id, NULL,
			&g->bubble))
		g->bubble = 0;
}

/* Who it is, and where it stands. */
static void read_place(const struct reading *r, uint64_t addr,
	const uint8_t *bytes, struct gu_goroutine *out)
{
	const struct gu_runtime *rt = r->rt;
	const struct gu_layout *layout = &rt->g;
	uint64_t status = gu_layout_word(rt, layout, bytes, GU_G_STATUS);
	struct gu_goroutine g = {.addr = addr};
	uint8_t m[GU_STRUCT_MAX];
	bool has_m;

#define FIELD(field) gu_layout_word(rt, layout, bytes, GU_G_##field)
	g.id = FIELD(GOID);
	g.scan = status & GU_STATUS_SCAN;
	g.status = (uint32_t)status & ~(uint32_t)GU_STATUS_SCAN;
	g.stack_lo = FIELD(STACK_LO);
	g.stack_hi = FIELD(STACK_HI);
	g.m = FIELD(M);
	g.parent = FIELD(PARENT);
	g.go_pc = FIELD(GOPC);
	g.start_pc = FIELD(STARTPC);
	g.wait_since = FIELD(WAITSINCE);
	g.labels = FIELD(LABELS);
	g.waiting = FIELD(WAITING);
	g.timer = FIELD(TIMER);
	g.locked = FIELD(LOCKEDM) != 0;
#undef FIELD
	has_m = g.m && gu_mem_read(&rt->mem, g.m, m, (size_t)rt->m.size,
		NULL) == GU_OK;
	if (has_m)
		g.tid = (int32_t)gu_layout_word(rt, &rt->m, m, GU_M_PROCID);
	find_start(r, &g, bytes, has_m ? m : NULL);
	*out = g;
}

static void read_one(struct reading *r, uint64_t addr, const uint8_t *bytes,
	struct gu_goroutine *out)
{
	struct gu_goroutine g;

	read_place(r, addr, bytes, &g);
	read_reason(r->rt, &g, bytes);
	read_bubble(r->rt, &g, bytes);
	g.system = is_system(r->rt, &g, bytes);
	if (g.wait_since > r->latest)
		r->latest = g.wait_since;
	*out = g;
}

static bool is_dead(const struct gu_runtime *rt, const uint8_t *bytes)
{
	uint64_t status = gu_layout_word(rt, &rt->g, bytes, GU_G_STATUS);

	return gu_status_is_dead((uint32_t)status &
		~(uint32_t)GU_STATUS_SCAN);
}

enum gu_status gu_goroutine_locate(const struct gu_runtime *rt, uint64_t addr,
	struct gu_diag *diag, struct gu_goroutine *out)
{
	struct gu_runtime copy = *rt;
	struct reading r = {.rt = &copy};
	uint8_t bytes[GU_STRUCT_MAX];
	enum gu_status st = gu_mem_read(&rt->mem, addr, bytes,
		(size_t)rt->g.size, diag);

	if (st)
		return st;
	if (!gu_runtime_is_g(rt, bytes) || is_dead(rt, bytes))
		return gu_fail_at(diag, GU_BAD_DATA, addr,
			"there is no goroutine at 0x%" PRIx64, addr);
	read_place(&r, addr, bytes, out);
	return GU_OK;
}

static void take_bytes(struct reading *r, const struct entry *entry,
	const uint8_t *bytes)
{
	if (!gu_runtime_is_g(r->rt, bytes))
		r->gs.damaged++;
	else if (is_dead(r->rt, bytes))
		r->gs.dead++;
	else
		read_one(r, entry->addr, bytes, &r->found[entry->at]);
}

/* --- all of them ---------------------------------------------------------- */

/*
 * How many entries from I on are best read at once, CHUNK bytes at most; *size
 * is their extent.
 */
static size_t batch(const struct reading *r, size_t i, size_t *size)
{
	uint64_t start = r->entries[i].addr, gsize = r->rt->g.size;
	size_t j = i;

	do
		*size = (size_t)(r->entries[j].addr - start + gsize);
	while (++j < r->nentries &&
		r->entries[j].addr - start <= CHUNK - gsize &&
		r->entries[j].addr - start <= *size + r->rt->gap);
	return j - i;
}

static void read_goroutines(struct reading *r)
{
	const struct gu_mem *mem = &r->rt->direct;
	size_t gsize = (size_t)r->rt->g.size, n, size;
	uint8_t *buf = r->buf;

	for (size_t i = 0; i < r->nentries; i += n) {
		const struct entry *e = &r->entries[i];

		n = batch(r, i, &size);
		if (gu_mem_read(mem, e->addr, buf, size, NULL) == GU_OK) {
			for (size_t j = 0; j < n; j++)
				take_bytes(r, &e[j],
					buf + (e[j].addr - e->addr));
			continue;
		}
		for (size_t j = 0; j < n; j++) /* what can be had of them */
			if (gu_mem_read(mem, e[j].addr, buf, gsize, NULL))
				r->gs.unreadable++;
			else
				take_bytes(r, &e[j], buf);
	}
}

/*
 * From outside nanotime can be known of a process, but not of a core.  There,
 * the latest moments that the runtime noted are a lower bound: the last poll
 * of the network, and when the last collection found who waits.
 */
static void find_now(struct reading *r, uint64_t now)
{
	struct gu_mem mem = r->rt->mem;
	uint8_t bytes[8];

	r->gs.now_exact = now != 0;
	r->gs.now = now ? now : r->latest;
	if (now || !r->rt->lastpoll ||
		gu_mem_read(&mem, r->rt->lastpoll, bytes, sizeof bytes, NULL))
		return;
	struct gu_cur cur = gu_cur(bytes, sizeof bytes, 0, mem.be, "lastpoll");
	uint64_t lastpoll = gu_cur_u64(&cur);

	if (lastpoll > r->gs.now && lastpoll >> 62 == 0)
		r->gs.now = lastpoll;
}

static void close_gaps(struct reading *r)
{
	size_t n = 0;

	for (uint64_t i = 0; i < r->gs.listed; i++)
		if (r->found[i].addr)
			r->found[n++] = r->found[i];
	r->gs.list = r->found;
	r->gs.n = n;
	r->found = NULL;
}

enum gu_status gu_goroutines_read(struct gu_runtime *rt,
	const struct gu_thread *threads, size_t nthreads, uint64_t now,
	struct gu_diag *diag, struct gu_goroutines *out)
{
	gu_cleanup(reading_deinit) struct reading r = {.rt = rt,
		.threads = threads, .nthreads = nthreads};
	enum gu_status st = read_entries(&r, diag);

	if (st)
		return st;
	read_goroutines(&r);
	if (r.gs.unreadable == r.gs.listed)
		return gu_fail_at(diag, GU_FAULT, rt->allgs.addr,
			"no goroutine can be read");
	find_now(&r, now);
	close_gaps(&r);
	*out = r.gs;
	return GU_OK;
}

void gu_goroutines_close(struct gu_goroutines *gs)
{
	free(gs->list);
	*gs = (struct gu_goroutines){.list = NULL};
}

struct gu_str gu_goroutine_state(const struct gu_goroutine *g)
{
	/* Go src/runtime/traceback.go, gStatusStrings */
	static const char *const texts[GU_STATUS_COUNT] = {
		[GU_STATUS_IDLE] = "idle",
		[GU_STATUS_RUNNABLE] = "runnable",
		[GU_STATUS_RUNNING] = "running",
		[GU_STATUS_SYSCALL] = "syscall",
		[GU_STATUS_WAITING] = "waiting",
		[GU_STATUS_DEAD] = "dead",
		[GU_STATUS_COPYSTACK] = "copystack",
		[GU_STATUS_PREEMPTED] = "preempted",
		[GU_STATUS_LEAKED] = "leaked",
		[GU_STATUS_DEADEXTRA] = "waiting for cgo callback",
	};

	if (gu_goroutine_waits(g) && g->reason.n)
		return g->reason;
	if (g->status < GU_STATUS_COUNT && texts[g->status])
		return gu_str(texts[g->status]);
	return (struct gu_str){"", 0};
}

bool gu_goroutine_is_durable(const struct gu_goroutine *g)
{
	/* Go 1.25.14 src/runtime/runtime2.go, isIdleInSynctest; as 1.27.4 */
	static const char *const reasons[] = {
		"chan receive (nil chan)", "chan send (nil chan)",
		"select (no cases)", "sleep", "sync.Cond.Wait", "coroutine",
		"synctest.Run", "synctest.Wait",
	};

	if (!g->bubble || g->status != GU_STATUS_WAITING)
		return false;
	for (size_t i = 0; i < GU_COUNT(reasons); i++)
		if (gu_str_eq(g->reason, gu_str(reasons[i])))
			return true;
	return false;
}

bool gu_goroutine_waits(const struct gu_goroutine *g)
{
	return g->status == GU_STATUS_WAITING || g->status == GU_STATUS_LEAKED;
}

/* Go src/runtime/traceback.go, goroutineheader. */
uint64_t gu_goroutine_since(const struct gu_goroutine *g)
{
	return g->status == GU_STATUS_WAITING ||
		g->status == GU_STATUS_SYSCALL ? g->wait_since : 0;
}

uint64_t gu_goroutine_age(const struct gu_goroutines *gs,
	const struct gu_goroutine *g)
{
	uint64_t since = gu_goroutine_since(g);

	return since && since < gs->now ? gs->now - since : 0;
}

uint64_t gu_goroutine_minutes(const struct gu_goroutines *gs,
	const struct gu_goroutine *g)
{
	const uint64_t minute = UINT64_C(60000000000); /* ns */

	return gu_goroutine_age(gs, g) / minute;
}
