/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/stack/select.h"

#include "engine/base/buf.h"
#include "engine/base/hash.h"
#include "engine/base/math.h"
#include "engine/stack/ahead.h"
#include "engine/stack/labels.h"
#include "engine/stack/waits.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	KNOWN_MAX = 1 << 12, /* answers that are kept of a regular expression */
	NAME_MAX_BYTES = 1 << 12, /* of a name that is looked at */
};

/* What a regular expression said of a name; names are few, frames many. */
struct known {
	const char *p;
	size_t n;
	bool matches;
};

/* A goroutine that matches, and what it is sorted and grouped by. */
struct row {
	const struct gu_goroutine *g;
	struct gu_trace_call *loc; /* for GU_SORT_LOC only */
	size_t group;
};

/* A group while it grows. */
struct bunch {
	uint64_t hash;
	size_t key, key_n; /* in keys */
	size_t n, number;  /* goroutines; which group it was first */
	size_t start;      /* of its goroutines */
};

struct work {
	const struct gu_runtime *rt;
	const struct gu_goroutines *gs;
	const struct gu_query *query;
	struct gu_diag *diag;
	struct gu_trace trace; /* of the goroutine that is looked at */
	bool has_trace;
	struct gu_waits waits; /* if there is a filter of channels */
	bool *on_channel[GU_FILTERS_MAX]; /* for each goroutine */
	struct known *known[GU_FILTERS_MAX]; /* KNOWN_MAX each */
	const struct gu_goroutine **asked; /* of whom more must be known */
	struct gu_ahead *ahead; /* their stacks, if that takes them */
	struct row *rows;
	struct gu_trace_call *locs; /* of the rows, for GU_SORT_LOC */
	size_t n;
	uint64_t hidden, others;
	struct bunch *bunches;
	size_t nbunches;
	uint32_t *slots; /* of the hash table: number of the bunch + 1 */
	size_t nslots;   /* a power of two */
	struct gu_buf keys;
	size_t *order;   /* of bunches, biggest first: their places */
};

static void work_deinit(struct work *w)
{
	for (size_t i = 0; i < GU_FILTERS_MAX; i++) {
		free(w->known[i]);
		free(w->on_channel[i]);
	}
	gu_waits_close(&w->waits);
	gu_ahead_destroy(w->ahead);
	free(w->asked);
	free(w->rows);
	free(w->locs);
	free(w->bunches);
	free(w->slots);
	free(w->order);
	gu_buf_deinit(&w->keys);
}

static enum gu_status no_memory(const struct work *w)
{
	return gu_fail(w->diag, GU_NO_MEMORY,
		"no memory to select among the goroutines");
}

/* --- filters -------------------------------------------------------------- */

static bool is_age(const struct work *w, const struct gu_filter *f,
	const struct gu_goroutine *g)
{
	uint64_t age = gu_goroutine_age(w->gs, g);

	if (!age)
		return false;
	switch (f->compare) {
	case GU_LESS: return age < f->number;
	case GU_LESS_EQUAL: return age <= f->number;
	case GU_GREATER: return age > f->number;
	default: return age >= f->number;
	}
}

struct wanted_label {
	const struct gu_filter *filter;
	bool found;
};

static void look_at_label(void *ctx, struct gu_str key, struct gu_str value)
{
	struct wanted_label *w = ctx;
	const struct gu_filter *f = w->filter;

	if (gu_str_eq(key, gu_str(f->text)) &&
		(!f->value || gu_str_eq(value, gu_str(f->value))))
		w->found = true;
}

static bool has_label(const struct work *w, const struct gu_filter *f,
	const struct gu_goroutine *g)
{
	struct wanted_label wanted = {f, false};

	/* what could be read of them stands */
	(void)!gu_labels_read(w->rt, g, look_at_label, &wanted, NULL);
	return wanted.found;
}

static bool matches(const struct gu_filter *f, struct gu_str name)
{
	char text[NAME_MAX_BYTES];
	size_t n = name.n < sizeof text ? name.n : sizeof text - 1;

	if (name.p && n)
		memcpy(text, name.p, n);
	text[n] = '\0';
	return regexec(&f->regex, text, 0, NULL, 0) == 0;
}

static bool ask_name(struct work *w, size_t i, struct gu_str name)
{
	const struct gu_filter *f = &w->query->filters[i];
	struct known *known;

	if (!w->known[i])
		w->known[i] = calloc(KNOWN_MAX, sizeof *w->known[i]);
	if (!w->known[i])
		return matches(f, name);
	known = &w->known[i][gu_hash_u64((uintptr_t)name.p) % KNOWN_MAX];
	if (known->p != name.p || known->n != name.n || !name.p)
		*known = (struct known){name.p, name.n, matches(f, name)};
	return known->matches;
}

static const struct gu_trace *trace_of(struct work *w,
	const struct gu_goroutine *g)
{
	if (!w->has_trace)
		gu_traceback(w->rt, g, GU_TRACE_USER, &w->trace);
	w->has_trace = true;
	return &w->trace;
}

static bool has_call(struct work *w, size_t i, const struct gu_goroutine *g)
{
	const struct gu_trace *trace = trace_of(w, g);
	bool file = w->query->filters[i].kind == GU_FILTER_FILE;

	for (size_t j = 0; j < trace->n; j++)
		if (ask_name(w, i, file ? trace->calls[j].file
					: trace->calls[j].name))
			return true;
	return false;
}

static bool holds(struct work *w, size_t i, const struct gu_goroutine *g)
{
	const struct gu_filter *f = &w->query->filters[i];

	switch (f->kind) {
	case GU_FILTER_RUNNING: return g->status == GU_STATUS_RUNNING;
	case GU_FILTER_RUNNABLE: return g->status == GU_STATUS_RUNNABLE;
	case GU_FILTER_SYSCALL: return g->status == GU_STATUS_SYSCALL;
	case GU_FILTER_WAITING: return gu_goroutine_waits(g);
	case GU_FILTER_USER: return !g->system;
	case GU_FILTER_SYSTEM: return g->system;
	case GU_FILTER_WAIT: return gu_goroutine_waits(g) &&
		gu_str_starts(g->reason, gu_str(f->text));
	case GU_FILTER_AGE: return is_age(w, f, g);
	case GU_FILTER_CHAN: return w->on_channel[i][g - w->gs->list];
	case GU_FILTER_LABEL: return has_label(w, f, g);
	default: return has_call(w, i, g);
	}
}

/* By the filters that need the stack, or by the others. */
static bool is_wanted(struct work *w, const struct gu_goroutine *g, bool stack)
{
	for (size_t i = 0; i < w->query->nfilters; i++) {
		const struct gu_filter *f = &w->query->filters[i];

		if (f->has_regex == stack && holds(w, i, g) == f->without)
			return false;
	}
	return true;
}

static bool asks_for_stacks(const struct gu_query *query)
{
	for (size_t i = 0; i < query->nfilters; i++)
		if (query->filters[i].has_regex)
			return true;
	return query->sort == GU_SORT_LOC || query->group == GU_GROUP_STACK ||
		query->group == GU_GROUP_CURLOC ||
		query->group == GU_GROUP_USERLOC;
}

static bool asks_for_system(const struct gu_query *query)
{
	for (size_t i = 0; i < query->nfilters; i++)
		if ((query->filters[i].kind == GU_FILTER_SYSTEM &&
			!query->filters[i].without) ||
			(query->filters[i].kind == GU_FILTER_USER &&
			query->filters[i].without))
			return true;
	return query->all || query->id;
}

/* --- groups --------------------------------------------------------------- */

static void put_call(struct gu_buf *out, const struct gu_trace_call *call)
{
	gu_buf_cstr(out, call->name);
	gu_buf_cstr(out, call->file);
	gu_buf_word(out, (uint64_t)call->line, 8);
}

struct label_key {
	const char *key;
	struct gu_buf *out;
};

static void put_label(void *ctx, struct gu_str key, struct gu_str value)
{
	struct label_key *k = ctx;

	if (gu_str_eq(key, gu_str(k->key)))
		gu_buf_cstr(k->out, value);
}

static void put_stack(struct gu_buf *out, const struct gu_trace *trace)
{
	for (size_t i = 0; i < trace->n; i++)
		gu_buf_word(out, trace->calls[i].pc, 8);
	gu_buf_word(out, trace->elided, 8);
	gu_buf_cstr(out, gu_str(trace->stop.text));
}

/* What is equal for all goroutines of a group. */
static void put_key(struct work *w, const struct gu_goroutine *g,
	struct gu_buf *out)
{
	struct label_key label = {w->query->group_label, out};
	struct gu_trace top;
	const struct gu_trace_call *call;

	switch (w->query->group) {
	case GU_GROUP_STACK:
		put_stack(out, trace_of(w, g));
		break;
	case GU_GROUP_CURLOC:
	case GU_GROUP_USERLOC:
		gu_traceback_top(w->rt, g, &top);
		call = w->query->group == GU_GROUP_CURLOC
			? gu_trace_current(&top) : gu_trace_user(&top);
		if (call)
			put_call(out, call);
		break;
	case GU_GROUP_GO:
		gu_traceback_creator(w->rt, g, &top);
		if (top.has_creator)
			put_call(out, &top.creator);
		break;
	case GU_GROUP_START:
		gu_buf_str(out, gu_runtime_name(w->rt, g->start_pc));
		break;
	case GU_GROUP_STATE:
		gu_buf_str(out, gu_goroutine_state(g));
		gu_buf_word(out, g->status, 4);
		break;
	case GU_GROUP_WAIT:
		if (gu_goroutine_waits(g))
			gu_buf_cstr(out, g->reason);
		break;
	default:
		(void)!gu_labels_read(w->rt, g, put_label, &label, NULL);
		break;
	}
}

/* Twice the slots. */
static bool grow(struct work *w)
{
	size_t n = w->nslots ? w->nslots * 2 : 256;
	uint32_t *slots = calloc(n, sizeof *slots);
	struct bunch *bunches = slots ? realloc(w->bunches,
		n / 2 * sizeof *bunches) : NULL;

	if (!bunches) {
		free(slots);
		return false;
	}
	for (size_t i = 0; i < w->nbunches; i++) {
		size_t at = bunches[i].hash & (n - 1);

		while (slots[at])
			at = (at + 1) & (n - 1);
		slots[at] = (uint32_t)i + 1;
	}
	free(w->slots);
	w->slots = slots;
	w->nslots = n;
	w->bunches = bunches;
	return true;
}

/* The number of the group of G; new groups get the next. */
static enum gu_status find_group(struct work *w, const struct gu_goroutine *g,
	size_t *out)
{
	size_t start = w->keys.n, n, at;
	struct bunch *b;
	uint64_t hash;

	if (w->nbunches >= w->nslots / 2 && !grow(w))
		return no_memory(w);
	put_key(w, g, &w->keys);
	if (w->keys.failed)
		return no_memory(w);
	n = w->keys.n - start;
	hash = n ? gu_hash(n, w->keys.p + start, n) : 0;
	at = hash & (w->nslots - 1);
	for (; w->slots[at]; at = (at + 1) & (w->nslots - 1)) {
		b = &w->bunches[w->slots[at] - 1];
		if (b->hash != hash || b->key_n != n || (n && memcmp(
			w->keys.p + b->key, w->keys.p + start, n) != 0))
			continue;
		w->keys.n = start;
		b->n++;
		*out = b->number;
		return GU_OK;
	}
	w->bunches[w->nbunches] = (struct bunch){hash, start, n, 1,
		w->nbunches, 0};
	*out = w->nbunches++;
	w->slots[at] = (uint32_t)w->nbunches;
	return GU_OK;
}

static int by_size(const void *a, const void *b)
{
	const struct bunch *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static enum gu_status make_groups(struct work *w, struct gu_selection *out)
{
	size_t at = 0;

	w->order = calloc(w->nbunches + 1, sizeof *w->order);
	out->groups = calloc(w->nbunches + 1, sizeof *out->groups);
	if (!w->order || !out->groups)
		return no_memory(w);
	if (w->nbunches)
		qsort(w->bunches, w->nbunches, sizeof *w->bunches, by_size);
	for (size_t i = 0; i < w->nbunches; i++) {
		w->order[w->bunches[i].number] = i;
		w->bunches[i].start = at;
		out->groups[i] = (struct gu_group){at, w->bunches[i].n};
		at += w->bunches[i].n;
	}
	out->ngroups = w->nbunches;
	for (size_t i = 0; i < w->n; i++) {
		struct bunch *b = &w->bunches[w->order[w->rows[i].group]];

		out->list[b->start++] = w->rows[i].g;
	}
	return GU_OK;
}

/* --- order ---------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->g->id < y->g->id ? -1 : x->g->id > y->g->id;
}

/* Who waits longest first; then those of whom it is not known. */
static int by_age(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	/* 0 (not known) becomes the latest of all moments */
	uint64_t since_x = gu_goroutine_since(x->g) - 1;
	uint64_t since_y = gu_goroutine_since(y->g) - 1;

	if (since_x != since_y)
		return since_x < since_y ? -1 : 1;
	return by_id(a, b);
}

static int compare_str(struct gu_str a, struct gu_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	return order ? order : a.n < b.n ? -1 : a.n > b.n;
}

static int by_loc(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = compare_str(x->loc->name, y->loc->name);

	if (!order)
		order = compare_str(x->loc->file, y->loc->file);
	if (!order)
		order = x->loc->line < y->loc->line ? -1
			: x->loc->line > y->loc->line;
	return order ? order : by_id(a, b);
}

static void sort(struct work *w)
{
	static int (*const orders[])(const void *, const void *) = {
		[GU_SORT_ID] = by_id,
		[GU_SORT_AGE] = by_age,
		[GU_SORT_LOC] = by_loc,
	};

	if (w->query->sort && w->n)
		qsort(w->rows, w->n, sizeof *w->rows, orders[w->query->sort]);
}

/* --- channels ------------------------------------------------------------- */

struct queue {
	const struct gu_goroutine *first;
	bool *found; /* by distance from the first */
};

static void look_at_queue(void *ctx, const struct gu_wait *wait)
{
	struct queue *q = ctx;

	q->found[wait->g - q->first] = true;
}

/* The queue is walked once, not once for each goroutine. */
static enum gu_status read_queue(struct work *w, size_t i)
{
	uint64_t addr = w->query->filters[i].number;
	struct gu_channel channel;
	struct queue q = {w->gs->list, calloc(w->gs->n + 1, sizeof *q.found)};

	w->on_channel[i] = q.found;
	if (!q.found)
		return no_memory(w);
	if (gu_waits_channel(&w->waits, addr, &channel))
		return gu_fail_at(w->diag, GU_INVALID, addr,
			"there is no channel at 0x%" PRIx64, addr);
	return gu_waits_on_channel(&w->waits, &channel, look_at_queue, &q,
		w->diag);
}

static enum gu_status read_queues(struct work *w)
{
	enum gu_status st = GU_OK;

	for (size_t i = 0; i < w->query->nfilters && !st; i++) {
		if (w->query->filters[i].kind != GU_FILTER_CHAN)
			continue;
		if (!w->waits.rt)
			st = gu_waits_open(w->rt, w->gs, w->diag, &w->waits);
		if (!st)
			st = read_queue(w, i);
	}
	return st;
}

/* --- all of it ------------------------------------------------------------ */

static void find_loc(const struct work *w, struct row *row)
{
	const struct gu_trace_call *call;
	struct gu_trace top;

	gu_traceback_top(w->rt, row->g, &top);
	call = gu_trace_user(&top);
	if (call)
		*row->loc = *call;
}

/* Those whose stacks decide, if any do; *n is their number. */
static enum gu_status take_asked(struct work *w, size_t *n)
{
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
	w->asked = calloc(w->gs->n + 1, sizeof *w->asked);
	if (!w->asked)
		return no_memory(w);
	*n = 0;
	for (size_t i = 0; i < w->gs->n; i++) {
		const struct gu_goroutine *g = &w->gs->list[i];

		if (w->query->id && g->id != w->query->id)
			continue;
		if (is_wanted(w, g, false))
			w->asked[(*n)++] = g;
		else
			w->others++;
	}
	return asks_for_stacks(w->query)
		? gu_ahead_create(w->rt, w->diag, &w->ahead) : GU_OK;
}

static enum gu_status take_rows(struct work *w)
{
	bool system = asks_for_system(w->query);
	size_t n = 0;
	enum gu_status st = take_asked(w, &n);

	if (st)
		return st;
	w->rows = calloc(n + 1, sizeof *w->rows);
	if (w->query->sort == GU_SORT_LOC)
		w->locs = calloc(n + 1, sizeof *w->locs);
	if (!w->rows || (w->query->sort == GU_SORT_LOC && !w->locs))
		return no_memory(w);
	for (size_t i = 0; i < n && !st; i++) {
		struct row row = {.g = w->asked[i]};

		if (w->ahead)
			w->rt = gu_ahead_of(w->ahead, w->asked, n, i);
		w->has_trace = false;
		if (!is_wanted(w, row.g, true)) {
			w->others++;
			continue;
		}
		if (row.g->system && !system) {
			w->hidden++;
			continue;
		}
		if (w->locs) {
			row.loc = &w->locs[w->n];
			find_loc(w, &row);
		}
		if (w->query->group)
			st = find_group(w, row.g, &row.group);
		w->rows[w->n++] = row;
	}
	return st;
}

enum gu_status gu_select(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, const struct gu_query *query,
	struct gu_diag *diag, struct gu_selection *out)
{
	struct work gu_cleanup(work_deinit) w = {.rt = rt, .gs = gs,
		.query = query, .diag = diag};
	struct gu_selection s = {.list = NULL};
	enum gu_status st;

	gu_buf_init(&w.keys, false);
	st = read_queues(&w);
	if (!st)
		st = take_rows(&w);
	if (!st) {
		/* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
		s.list = calloc(w.n + 1, sizeof *s.list);
		st = s.list ? GU_OK : no_memory(&w);
	}
	if (!st) {
		sort(&w);
		s.n = w.n;
		s.hidden = w.hidden;
		s.others = w.others;
		for (size_t i = 0; i < w.n; i++)
			s.list[i] = w.rows[i].g;
		if (query->group)
			st = make_groups(&w, &s);
	}
	if (st) {
		gu_selection_close(&s);
		return st;
	}
	*out = s;
	return GU_OK;
}

void gu_selection_close(struct gu_selection *selection)
{
	free(selection->list);
	free(selection->groups);
	*selection = (struct gu_selection){.list = NULL};
}
