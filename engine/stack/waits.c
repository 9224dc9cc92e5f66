/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/stack/waits.h"

#include "engine/base/math.h"

#include <inttypes.h>
#include <stdlib.h>

#define MUST true
#define MAY false
#define X(field, name, need) {name, need},
static const struct gu_field_name sudog_fields[] = {GU_SUDOG_FIELD_LIST(X)};
static const struct gu_field_name hchan_fields[] = {GU_HCHAN_FIELD_LIST(X)};
static const struct gu_field_name poll_fields[] = {GU_POLL_FIELD_LIST(X)};
#undef X
#undef MUST
#undef MAY

enum sudog_field {
#define X(field, name, need) SUDOG_##field,
	GU_SUDOG_FIELD_LIST(X)
#undef X
};

enum hchan_field {
#define X(field, name, need) HCHAN_##field,
	GU_HCHAN_FIELD_LIST(X)
#undef X
};

enum poll_field {
#define X(field, name, need) POLL_##field,
	GU_POLL_FIELD_LIST(X)
#undef X
};

/* --- opening -------------------------------------------------------------- */

enum { POINTER = sizeof(const struct gu_goroutine *) };

static int by_addr(const void *a, const void *b)
{
	const struct gu_goroutine *const *x = a, *const *y = b;

	return (*x)->addr < (*y)->addr ? -1 : (*x)->addr > (*y)->addr;
}

static enum gu_status find_layouts(struct gu_waits *w, struct gu_diag *diag)
{
	enum gu_status st = gu_layout_find(&w->types, "runtime.sudog",
		sudog_fields, GU_COUNT(sudog_fields), diag, &w->sudog);

	if (!st)
		st = gu_layout_find(&w->types, "runtime.hchan", hchan_fields,
			GU_COUNT(hchan_fields), diag, &w->hchan);
	if (st)
		return st;
	if (!w->sudog.fields[SUDOG_C].size &&
		!w->sudog.fields[SUDOG_C_VU].size)
		return gu_fail(diag, GU_UNSUPPORTED,
			"type runtime.sudog has no field c that is known");
	if (!w->sudog.fields[SUDOG_ELEM].size &&
		!w->sudog.fields[SUDOG_ELEM_VU].size)
		return gu_fail(diag, GU_UNSUPPORTED,
			"type runtime.sudog has no field elem that is known");
	if (gu_layout_find(&w->types, "runtime.pollDesc", poll_fields,
		GU_COUNT(poll_fields), NULL, &w->poll))
		w->poll.size = 0;
	return GU_OK;
}

enum gu_status gu_waits_open(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, struct gu_diag *diag,
	struct gu_waits *out)
{
	struct gu_waits w = {.rt = rt, .gs = gs};
	enum gu_status st = gu_types_open(rt->module, diag, &w.types);

	if (!st)
		st = find_layouts(&w, diag);
	if (!st) {
		w.by_addr = calloc(gs->n + 1, POINTER);
		if (!w.by_addr)
			st = gu_fail(diag, GU_NO_MEMORY, "out of memory");
	}
	if (st) {
		gu_types_close(&w.types);
		return st;
	}
	for (size_t i = 0; i < gs->n; i++)
		w.by_addr[i] = &gs->list[i];
	qsort(w.by_addr, gs->n, POINTER, by_addr);
	*out = w;
	return GU_OK;
}

void gu_waits_close(struct gu_waits *w)
{
	free(w->by_addr);
	gu_types_close(&w->types);
	*w = (struct gu_waits){.rt = NULL};
}

static const struct gu_goroutine *find_goroutine(const struct gu_waits *w,
	uint64_t addr)
{
	struct gu_goroutine key = {.addr = addr}, *at = &key;
	const struct gu_goroutine **found = bsearch(&at, w->by_addr, w->gs->n,
		POINTER, by_addr);

	return found ? *found : NULL;
}

/* --- entries of queues ---------------------------------------------------- */

/* A runtime.sudog. */
struct entry {
	const struct gu_goroutine *g;
	uint64_t next, prev, waitlink, elem, c;
	bool is_select;
};

/* GU_BAD_DATA: it is not a goroutine's of the list. */
static enum gu_status read_entry(const struct gu_waits *w, uint64_t addr,
	struct gu_diag *diag, struct entry *out)
{
	uint8_t bytes[GU_STRUCT_MAX];
	struct entry e;
	enum gu_status st = gu_mem_read(&w->rt->mem, addr, bytes,
		(size_t)w->sudog.size, diag);

	if (st)
		return st;
#define FIELD(field) gu_layout_word(w->rt, &w->sudog, bytes, SUDOG_##field)
	e.g = find_goroutine(w, FIELD(G));
	e.next = FIELD(NEXT);
	e.prev = FIELD(PREV);
	e.waitlink = FIELD(WAITLINK);
	e.is_select = FIELD(IS_SELECT) != 0;
	e.elem = FIELD(ELEM) | FIELD(ELEM_VU); /* one of them */
	e.c = FIELD(C) | FIELD(C_VU);
#undef FIELD
	if (!e.g)
		return gu_fail_at(diag, GU_BAD_DATA, addr,
			"the entry at 0x%" PRIx64 " is of no goroutine of the "
			"list", addr);
	*out = e;
	return GU_OK;
}

/* --- channels ------------------------------------------------------------- */

/*
 * The name of the type at ADDR; true if it is one, of SIZE bytes.  Types of
 * other modules (plugins) are told by where they are.
 */
static bool is_elem_type(const struct gu_waits *w, uint64_t addr,
	uint64_t size, struct gu_str *name)
{
	struct gu_rtype type;

	for (size_t i = 0; i < w->rt->nothers; i++) {
		const struct gu_code *code = &w->rt->others[i];
		const struct gu_moduledata *md = &code->module->md;

		if (code->module->has_md && addr - code->bias >= md->types &&
			addr - code->bias < md->etypes)
			return true;
	}
	if (gu_types_read(&w->types, addr - w->rt->bias, NULL, &type) ||
		type.size != size)
		return false;
	*name = type.name;
	return true;
}

static bool is_queued(const struct gu_waits *w, uint64_t entry,
	uint64_t channel)
{
	struct entry e;

	return entry && read_entry(w, entry, NULL, &e) == GU_OK &&
		e.c == channel;
}

enum gu_status gu_waits_channel(const struct gu_waits *w, uint64_t addr,
	struct gu_channel *out)
{
	uint8_t bytes[GU_STRUCT_MAX];
	struct gu_channel ch = {.addr = addr, .elem = {"", 0}};
	uint64_t closed;

	if (addr == 0 || addr % w->rt->mem.ptr_size ||
		gu_mem_read(&w->rt->mem, addr, bytes, (size_t)w->hchan.size,
			NULL))
		return GU_NOT_FOUND;
#define FIELD(field) gu_layout_word(w->rt, &w->hchan, bytes, HCHAN_##field)
	ch.len = FIELD(QCOUNT);
	ch.cap = FIELD(DATAQSIZ);
	closed = FIELD(CLOSED);
	ch.closed = closed != 0;
	ch.timer = FIELD(TIMER) != 0;
	ch.receivers = FIELD(RECVQ);
	ch.receivers_last = FIELD(RECVQ_LAST);
	ch.senders = FIELD(SENDQ);
	ch.senders_last = FIELD(SENDQ_LAST);
	if (ch.len > ch.cap || closed > 1 ||
		(!is_elem_type(w, FIELD(ELEMTYPE), FIELD(ELEMSIZE), &ch.elem) &&
			!is_queued(w, ch.receivers, addr) &&
			!is_queued(w, ch.senders, addr)))
		return GU_NOT_FOUND;
#undef FIELD
	*out = ch;
	return GU_OK;
}

/*
 * An entry's prev must be the one before, and the first has none: so no entry
 * comes twice, and a queue that bites its tail ends there.
 */
static enum gu_status walk_queue(const struct gu_waits *w,
	const struct gu_channel *ch, enum gu_wait_kind kind,
	gu_wait_visit *visit, void *ctx, struct gu_diag *diag)
{
	const char *what = kind == GU_WAIT_SEND ? "senders" : "receivers";
	bool send = kind == GU_WAIT_SEND;
	uint64_t last = send ? ch->senders_last : ch->receivers_last, prev = 0;
	struct entry e;

	for (uint64_t at = send ? ch->senders : ch->receivers; at;
		prev = at, at = e.next) {
		enum gu_status st = read_entry(w, at, diag, &e);

		if (st)
			return gu_fail_in(diag, st, "the queue of %s", what);
		if (e.prev != prev || e.c != ch->addr)
			return gu_fail_at(diag, GU_BAD_DATA, at,
				"the queue of %s is damaged at 0x%" PRIx64,
				what, at);
		visit(ctx, &(struct gu_wait){.g = e.g, .kind = kind,
			.select = e.is_select, .addr = ch->addr});
	}
	return prev == last ? GU_OK
			    : gu_fail_at(diag, GU_BAD_DATA, prev,
				      "the queue of %s ends too early", what);
}

enum gu_status gu_waits_on_channel(const struct gu_waits *w,
	const struct gu_channel *channel, gu_wait_visit *visit, void *ctx,
	struct gu_diag *diag)
{
	enum gu_status receivers = walk_queue(w, channel, GU_WAIT_RECEIVE,
		visit, ctx, diag);
	enum gu_status senders = walk_queue(w, channel, GU_WAIT_SEND, visit,
		ctx, receivers ? NULL : diag);

	return receivers ? receivers : senders;
}

/* Is the entry at ADDR in CH's queue of senders? */
static bool is_sender(const struct gu_waits *w, const struct gu_channel *ch,
	uint64_t addr)
{
	uint64_t prev = 0;
	struct entry e;

	for (uint64_t at = ch->senders; at; prev = at, at = e.next)
		if (at == addr)
			return true;
		else if (read_entry(w, at, NULL, &e) || e.prev != prev)
			return false;
	return false;
}

enum gu_status gu_waits_channels_of(const struct gu_waits *w,
	const struct gu_goroutine *g, gu_wait_visit *visit, void *ctx,
	struct gu_diag *diag)
{
	/* Go src/reflect/value.go, maxCases of a select */
	enum { CASES_MAX = 1 << 16 };
	uint64_t at = g->waiting;

	for (int n = 0; at && g->status == GU_STATUS_WAITING; n++) {
		struct gu_wait wait = {.g = g};
		struct gu_channel ch;
		struct entry e;
		enum gu_status st = read_entry(w, at, diag, &e);

		if (st)
			return st;
		if (e.c == 0) /* a semaphore: whose list is another's */
			return GU_OK;
		if (e.g != g || n == CASES_MAX ||
			gu_waits_channel(w, e.c, &ch))
			return gu_fail_at(diag, GU_BAD_DATA, at,
				"the list of what goroutine %" PRIu64
				" waits for is damaged at 0x%" PRIx64, g->id,
				at);
		wait.select = e.is_select;
		wait.addr = e.c;
		wait.kind = is_sender(w, &ch, at) ? GU_WAIT_SEND
						  : GU_WAIT_RECEIVE;
		visit(ctx, &wait);
		at = e.waitlink;
	}
	return GU_OK;
}

/* --- semaphores ----------------------------------------------------------- */

/*
 * Go src/runtime/sema.go: a table of trees, by a semaphore's address.  It has
 * no type descriptor.  An element is padded to a cache line as the release sees
 * it (src/internal/cpu/cpu_ARCH.go, CacheLinePadSize).
 */
enum { SEMTAB_SIZE = 251, DEPTH_MAX = 1 << 10 };

static uint64_t table_stride(const struct gu_runtime *rt)
{
	if (rt->module->image->arch == GU_ARCH_ARM64)
		return rt->module->version.lo >= 20 ? 128 : 64;
	return 64;
}

static uint64_t table_index(uint64_t addr)
{
	return (addr >> 3) % SEMTAB_SIZE;
}

/* The tree's root, semaRoot{lock, treap, nwait}; 0: it is empty. */
static enum gu_status read_root(const struct gu_runtime *rt, uint64_t index,
	struct gu_diag *diag, uint64_t *out)
{
	return gu_mem_word(&rt->mem, rt->semtable + index * table_stride(rt) +
		rt->mem.ptr_size, diag, out);
}

/* Go src/runtime/runtime2.go, waitReasonSemacquire and waitReasonSync… */
static bool waits_for_semaphore(const struct gu_goroutine *g)
{
	static const struct gu_str reasons[] = {{"semacquire", 10},
		{"sync.Mutex.Lock", 15}, {"sync.RWMutex.Lock", 17},
		{"sync.RWMutex.RLock", 18}, {"sync.WaitGroup.Wait", 19}};

	for (size_t i = 0; i < GU_COUNT(reasons); i++)
		if (gu_str_eq(g->reason, reasons[i]))
			return g->status == GU_STATUS_WAITING;
	return false;
}

/*
 * Is what the code claims to be the table one?  Roots are entries of
 * goroutines, for semaphores that belong there; and it is not empty while
 * somebody waits.
 */
static enum gu_status prove_table(const struct gu_waits *w,
	struct gu_diag *diag)
{
	const struct gu_runtime *rt = w->rt;
	uint64_t good = 0, bad = 0, root;
	struct entry e;

	if (rt->semtable == 0)
		return gu_fail(diag, GU_UNSUPPORTED, "the table of semaphores "
			"(runtime.semtable) was not found");
	for (uint64_t i = 0; i < SEMTAB_SIZE; i++) {
		enum gu_status st = read_root(rt, i, diag, &root);

		if (st)
			return gu_fail_in(diag, GU_UNSUPPORTED,
				"the table of semaphores");
		if (root == 0)
			continue;
		if (read_entry(w, root, NULL, &e) == GU_OK && e.c == 0 &&
			table_index(e.elem) == i)
			good++;
		else
			bad++;
	}
	for (size_t i = 0; i < w->gs->n && good + bad == 0; i++)
		bad += waits_for_semaphore(&w->gs->list[i]);
	return bad <= good / 4 ? GU_OK
			       : gu_fail_at(diag, GU_UNSUPPORTED, rt->semtable,
				       "the table of semaphores "
				       "(runtime.semtable) is damaged, or not "
				       "at 0x%" PRIx64, rt->semtable);
}

/* The first who waits for the semaphore at ADDR; 0: nobody does. */
static enum gu_status find_semaphore(const struct gu_waits *w, uint64_t addr,
	struct gu_diag *diag, uint64_t *out)
{
	struct entry e;
	uint64_t at = 0;
	enum gu_status st = read_root(w->rt, table_index(addr), diag, &at);

	for (int depth = 0; !st && at; depth++) {
		st = read_entry(w, at, diag, &e);
		if (st)
			break;
		if (e.elem == addr)
			break;
		if (depth == DEPTH_MAX)
			return gu_fail_at(diag, GU_BAD_DATA, at,
				"the tree of semaphores does not end");
		at = addr < e.elem ? e.prev : e.next;
	}
	*out = st ? 0 : at;
	return st;
}

/* Those behind the first have waitlink; there are no more than goroutines. */
static enum gu_status walk_semaphore(const struct gu_waits *w, uint64_t addr,
	gu_wait_visit *visit, void *ctx, struct gu_diag *diag)
{
	uint64_t at = 0;
	size_t n = 0;
	enum gu_status st = find_semaphore(w, addr, diag, &at);

	while (!st && at) {
		struct entry e;

		st = read_entry(w, at, diag, &e);
		if (!st && (e.elem != addr || e.c || n++ == w->gs->n))
			st = gu_fail_at(diag, GU_BAD_DATA, at,
				"the queue of the semaphore at 0x%" PRIx64
				" is damaged at 0x%" PRIx64, addr, at);
		if (st)
			break;
		visit(ctx, &(struct gu_wait){.g = e.g, .addr = addr,
			.kind = GU_WAIT_SEMAPHORE});
		at = e.waitlink;
	}
	return st;
}

/* --- condition variables -------------------------------------------------- */

static bool is_cond_entry(const struct gu_waits *w, uint64_t addr,
	struct entry *out)
{
	return addr && addr % w->rt->mem.ptr_size == 0 &&
		read_entry(w, addr, NULL, out) == GU_OK && out->c == 0 &&
		out->g->status == GU_STATUS_WAITING &&
		gu_str_eq(out->g->reason, gu_str("sync.Cond.Wait"));
}

/*
 * Is AT the list's head?  Then the word behind it is its tail, and that is
 * where the list ends.
 */
static enum gu_status walk_cond(const struct gu_waits *w, uint64_t at,
	gu_wait_visit *visit, void *ctx, struct gu_diag *diag)
{
	/* Go src/runtime/sema.go, notifyList: wait, notify, lock, head, tail */
	unsigned ptr = w->rt->mem.ptr_size;
	uint64_t list = at - 8 - ptr, head, tail, last = 0;
	struct entry e;
	size_t n = 0;

	if (gu_mem_word(&w->rt->mem, at, NULL, &head) ||
		gu_mem_word(&w->rt->mem, at + ptr, NULL, &tail) ||
		!is_cond_entry(w, tail, &e) || e.next ||
		!is_cond_entry(w, head, &e))
		return GU_OK;
	for (uint64_t entry = head; entry; last = entry, entry = e.next) {
		if (n++ == w->gs->n || !is_cond_entry(w, entry, &e))
			return gu_fail_at(diag, GU_BAD_DATA, entry,
				"the queue of the condition variable at 0x%"
				PRIx64 " is damaged at 0x%" PRIx64, list,
				entry);
		visit(ctx, &(struct gu_wait){.g = e.g, .addr = list,
			.kind = GU_WAIT_COND});
	}
	return last == tail ? GU_OK
			    : gu_fail_at(diag, GU_BAD_DATA, last,
				      "the queue of the condition variable at "
				      "0x%" PRIx64 " ends too early", list);
}

/* --- near an address ------------------------------------------------------ */

static void walk_sleepers(const struct gu_waits *w, uint64_t addr,
	uint64_t len, gu_wait_visit *visit, void *ctx)
{
	for (size_t i = 0; i < w->gs->n; i++) {
		const struct gu_goroutine *g = &w->gs->list[i];

		if (g->timer && g->timer - addr < len &&
			g->status == GU_STATUS_WAITING &&
			gu_str_eq(g->reason, gu_str("sleep")))
			visit(ctx, &(struct gu_wait){.g = g,
				.addr = g->timer, .kind = GU_WAIT_SLEEP});
	}
}

enum gu_status gu_waits_near(const struct gu_waits *w, uint64_t addr,
	uint64_t len, gu_wait_visit *visit, void *ctx, struct gu_diag *diag)
{
	enum { SEMAPHORE_SIZE = 4 };
	unsigned ptr = w->rt->mem.ptr_size;
	uint64_t at = gu_align_up(addr, SEMAPHORE_SIZE), end;
	enum gu_status st, first = prove_table(w, diag);

	if (!gu_add(addr, len, &end))
		end = UINT64_MAX - ptr;
	for (; first == GU_OK && at < end; at += SEMAPHORE_SIZE)
		first = walk_semaphore(w, at, visit, ctx, diag);
	for (at = gu_align_up(addr, ptr); at < end; at += ptr) {
		st = walk_cond(w, at, visit, ctx, first ? NULL : diag);
		first = first ? first : st;
	}
	walk_sleepers(w, addr, len, visit, ctx);
	return first;
}

/* --- file descriptors ----------------------------------------------------- */

/* Is there a runtime.pollDesc at ADDR for which G waits? */
static bool is_poll(const struct gu_waits *w, uint64_t addr,
	const struct gu_goroutine *g, struct gu_wait *out)
{
	uint8_t bytes[GU_STRUCT_MAX];
	uint64_t rg, wg;

	if (addr == 0 || addr % w->rt->mem.ptr_size ||
		addr - g->stack_lo < g->stack_hi - g->stack_lo ||
		gu_mem_read(&w->rt->mem, addr, bytes, (size_t)w->poll.size,
			NULL))
		return false;
#define FIELD(field) gu_layout_word(w->rt, &w->poll, bytes, POLL_##field)
	rg = FIELD(RG);
	wg = FIELD(WG);
	*out = (struct gu_wait){.g = g, .addr = addr, .fd = FIELD(FD),
		.kind = rg == g->addr ? GU_WAIT_READ : GU_WAIT_WRITE};
	return (rg == g->addr || wg == g->addr) && out->fd <= INT32_MAX &&
		(!w->poll.fields[POLL_SELF].size || FIELD(SELF) == addr);
#undef FIELD
}

/*
 * Visit the words of [LO, HI) until one says true.  GU_NOT_FOUND: none did;
 * GU_FAULT: some could not be read, and none of the others did.
 */
static enum gu_status each_word(const struct gu_mem *mem, uint64_t lo,
	uint64_t hi, bool (*visit)(void *ctx, uint64_t word), void *ctx)
{
	enum { PIECE = 1 << 12 };
	enum gu_status answer = GU_NOT_FOUND;
	uint8_t buf[PIECE];

	for (uint64_t at = gu_align_up(lo, mem->ptr_size), n; at < hi;
		at += n) {
		struct gu_cur cur;

		n = PIECE - at % PIECE; /* pages, as they are missing */
		n = n < hi - at ? n : hi - at;
		if (gu_mem_read(mem, at, buf, (size_t)n, NULL)) {
			answer = GU_FAULT;
			continue;
		}
		cur = gu_cur(buf, (size_t)n, at, mem->be, "stack");
		while (gu_cur_left(&cur) >= mem->ptr_size)
			if (visit(ctx, gu_cur_word(&cur, mem->ptr_size)))
				return GU_OK;
	}
	return answer;
}

struct poll_search {
	const struct gu_waits *w;
	const struct gu_goroutine *g;
	struct gu_wait found;
};

static bool look_for_poll(void *ctx, uint64_t word)
{
	struct poll_search *s = ctx;

	return is_poll(s->w, word, s->g, &s->found);
}

bool gu_waits_fd(const struct gu_waits *w, const struct gu_goroutine *g,
	struct gu_wait *out)
{
	/* netpollblock and its callers, which have it, are the innermost */
	enum { DEPTH = 1 << 10 };
	struct poll_search s = {.w = w, .g = g};
	uint64_t hi = g->stack_hi;

	if (w->poll.size == 0 || g->start == GU_START_NONE ||
		g->status != GU_STATUS_WAITING ||
		!gu_str_eq(g->reason, gu_str("IO wait")))
		return false;
	if (hi - g->regs.sp > DEPTH)
		hi = g->regs.sp + DEPTH;
	if (each_word(&w->rt->mem, g->regs.sp, hi, look_for_poll, &s))
		return false;
	*out = s.found;
	return true;
}

/* --- stacks --------------------------------------------------------------- */

static bool is_word(void *ctx, uint64_t word)
{
	return word == *(const uint64_t *)ctx;
}

enum gu_status gu_waits_refers(const struct gu_waits *w,
	const struct gu_goroutine *g, uint64_t addr)
{
	enum { STACK_MAX = 1 << 30 }; /* Go src/runtime/proc.go, maxstacksize */
	uint64_t sp = g->regs.sp;

	/* its thread is on another stack: sched has where it left its own */
	if (g->start == GU_START_THREAD && sp - g->stack_lo >
		g->stack_hi - g->stack_lo)
		sp = gu_goroutine_saved(w->rt, g).sp;
	if (g->start == GU_START_NONE || sp < g->stack_lo ||
		sp > g->stack_hi || g->stack_hi - sp > STACK_MAX)
		return GU_FAULT;
	return each_word(&w->rt->mem, sp, g->stack_hi, is_word, &addr);
}
