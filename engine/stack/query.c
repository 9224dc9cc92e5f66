/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/stack/query.h"

#include "engine/base/math.h"

#include <stdio.h>
#include <stdlib.h>

/* What may be chosen from: a name, and what must follow it. */
struct choice {
	const char *name, *value;
};

static const struct choice filters[] = {
#define X(kind, name, value) {name, value},
	GU_FILTER_LIST(X)
#undef X
};

static const struct choice groups[] = {
	{NULL, ""},
#define X(key, name, value) {name, value},
	GU_GROUP_LIST(X)
#undef X
};

static const struct choice sorts[] = {
	{NULL, ""}, {"id", ""}, {"age", ""}, {"loc", ""},
};

/* A piece of the user's words that is still to be taken. */
struct words {
	const struct gu_str *p;
	size_t n, used;
	struct gu_str rest; /* of a word that held a value too: 'wait chan' */
	const char *option; /* for messages */
	struct gu_diag *diag;
};

void gu_query_deinit(struct gu_query *query)
{
	for (size_t i = 0; i < query->nfilters; i++) {
		struct gu_filter *f = &query->filters[i];

		free(f->text);
		free(f->value);
		if (f->has_regex)
			regfree(&f->regex);
	}
	free(query->group_label);
	*query = (struct gu_query){.nfilters = 0};
}

bool gu_query_narrows(const struct gu_query *query)
{
	return query->id || query->nfilters || query->group || query->sort ||
		query->limit || query->stacks || query->all;
}

/* --- words ---------------------------------------------------------------- */

static bool is_word(struct gu_str word, const char *text)
{
	return gu_str_eq(word, gu_str(text));
}

static enum gu_status copy(struct gu_str s, struct gu_diag *diag, char **out)
{
	char *p = malloc(s.n + 1);

	if (!p)
		return gu_fail(diag, GU_NO_MEMORY, "out of memory");
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	*out = p;
	return GU_OK;
}

/* "running, wait REASON, age >5m": what CHOICES has. */
static enum gu_status refuse(const struct words *w, struct gu_str word,
	const struct choice *choices, size_t n)
{
	char list[GU_DIAG_TEXT] = "";
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		const char *name = choices[i].name, *value = choices[i].value;

		if (!name || len >= sizeof list)
			continue;
		len += (size_t)snprintf(list + len, sizeof list - len,
			"%s%s%s%s", len ? ", " : "", name, *value ? " " : "",
			value);
	}
	if (!word.n)
		return gu_fail(w->diag, GU_INVALID, "%s needs one of: %s",
			w->option, list);
	return gu_fail(w->diag, GU_INVALID, "%s: '%.*s' is none of: %s",
		w->option, word.n > 40 ? 40 : (int)word.n, word.p, list);
}

static enum gu_status choose(struct words *w, const struct choice *choices,
	size_t n, size_t *out)
{
	struct gu_str word = {"", 0};
	const char *blank;

	if (w->used < w->n)
		word = w->p[w->used++];
	blank = word.n ? memchr(word.p, ' ', word.n) : NULL;
	if (blank) { /* 'wait chan receive', as one word */
		size_t head = (size_t)(blank - word.p);

		w->rest = (struct gu_str){blank + 1, word.n - head - 1};
		word.n = head;
	}
	for (size_t i = 0; i < n; i++)
		if (choices[i].name && is_word(word, choices[i].name) &&
			(!blank || *choices[i].value)) {
			*out = i;
			return GU_OK;
		}
	return refuse(w, word, choices, n);
}

static enum gu_status take_value(struct words *w, const struct choice *of,
	struct gu_str *out)
{
	*out = w->rest;
	w->rest = (struct gu_str){NULL, 0};
	if (!out->n && w->used < w->n)
		*out = w->p[w->used++];
	if (!out->n)
		return gu_fail(w->diag, GU_INVALID,
			"%s %s needs a value: %s %s", w->option, of->name,
			of->name, of->value);
	return GU_OK;
}

static bool take_number(struct gu_str *s, uint64_t *out)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++)
		if (!gu_mul(value, UINT64_C(10), &value) || !gu_add(value,
			(uint64_t)(s->p[i] - '0'), &value))
			return false;
	s->p += i;
	s->n -= i;
	*out = value;
	return i != 0;
}

static bool is_number(struct gu_str word, uint64_t *out)
{
	return take_number(&word, out) && word.n == 0;
}

/* --- filters -------------------------------------------------------------- */

/* "1h30m" as ns. */
static bool parse_age(struct gu_str s, uint64_t *out)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	uint64_t sum = 0, n;

	while (s.n) {
		size_t i = 0;

		if (!take_number(&s, &n) || !s.n)
			return false;
		while (i < GU_COUNT(units) && units[i].unit != *s.p)
			i++;
		if (i == GU_COUNT(units) ||
			!gu_mul(n, units[i].seconds, &n) ||
			!gu_mul(n, UINT64_C(1000000000), &n) ||
			!gu_add(sum, n, &sum))
			return false;
		s.p++;
		s.n--;
	}
	*out = sum;
	return true;
}

static void skip(struct gu_str *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

static void skip_blanks(struct gu_str *s)
{
	while (s->n && *s->p == ' ')
		skip(s, 1);
}

static enum gu_status parse_compare(struct words *w, struct gu_str value,
	struct gu_filter *f)
{
	struct gu_str s = value;
	bool greater, equal;

	skip_blanks(&s);
	greater = s.n && *s.p == '>';
	if (greater || (s.n && *s.p == '<')) {
		skip(&s, 1);
		equal = s.n && *s.p == '=';
		skip(&s, equal);
		skip_blanks(&s);
		if (!s.n && w->used < w->n) /* age > 5m */
			s = w->p[w->used++];
		f->compare = greater ? equal ? GU_GREATER_EQUAL : GU_GREATER
				     : equal ? GU_LESS_EQUAL : GU_LESS;
		if (s.n && parse_age(s, &f->number))
			return GU_OK;
	}
	return gu_fail(w->diag, GU_INVALID, "%s age: '%.*s' is no comparison "
		"such as >5m, <=30s, >1h30m, >2d", w->option,
		value.n > 40 ? 40 : (int)value.n, value.p);
}

/* All words of REASON up to the next option. */
static enum gu_status parse_reason(struct words *w, struct gu_str value,
	struct gu_filter *f)
{
	char text[80];
	size_t n = 0;

	for (;;) {
		if (value.n + 1 > sizeof text - n)
			return gu_fail(w->diag, GU_INVALID,
				"%s wait: that is too long", w->option);
		memcpy(text + n, value.p, value.n);
		n += value.n;
		if (w->used == w->n || !w->p[w->used].n ||
			strchr("->|", *w->p[w->used].p))
			break;
		text[n++] = ' ';
		value = w->p[w->used++];
	}
	return copy((struct gu_str){text, n}, w->diag, &f->text);
}

static enum gu_status parse_address(struct words *w, struct gu_str value,
	struct gu_filter *f)
{
	size_t i = 2;

	if (is_number(value, &f->number))
		return GU_OK;
	f->number = 0;
	if (value.n > 2 && value.n <= 18 && value.p[0] == '0' &&
		value.p[1] == 'x')
		for (; i < value.n; i++) {
			static const char digits[] = "0123456789abcdef";
			const char *digit = memchr(digits, value.p[i] | 0x20,
				sizeof digits - 1);

			if (!digit)
				break;
			f->number = f->number << 4 | (uint64_t)(digit - digits);
		}
	if (i == 2 || i < value.n)
		return gu_fail(w->diag, GU_INVALID, "%s chan: '%.*s' is no "
			"address such as 0xc000076060", w->option,
			value.n > 40 ? 40 : (int)value.n, value.p);
	return GU_OK;
}

static enum gu_status parse_label(struct words *w, struct gu_str value,
	struct gu_filter *f)
{
	const char *equal = memchr(value.p, '=', value.n);
	size_t n = equal ? (size_t)(equal - value.p) : value.n;
	enum gu_status st =
		copy((struct gu_str){value.p, n}, w->diag, &f->text);

	return st || !equal ? st : copy((struct gu_str){equal + 1,
		value.n - n - 1}, w->diag, &f->value);
}

static void free_text(char **text)
{
	free(*text);
}

static enum gu_status parse_regex(struct words *w, struct gu_str value,
	struct gu_filter *f)
{
	char gu_cleanup(free_text) *text = NULL;
	enum gu_status st = copy(value, w->diag, &text);
	char why[100];
	int error;

	if (st)
		return st;
	error = regcomp(&f->regex, text, REG_EXTENDED | REG_NOSUB);
	if (error) {
		regerror(error, &f->regex, why, sizeof why);
		return gu_fail(w->diag, GU_INVALID, "%s: '%.60s': %s",
			w->option, text, why);
	}
	f->has_regex = true;
	return GU_OK;
}

static enum gu_status take_filter(struct words *w, struct gu_query *query,
	bool without)
{
	struct gu_filter *f = &query->filters[query->nfilters];
	struct gu_str value;
	size_t kind = 0;
	enum gu_status st = choose(w, filters, GU_COUNT(filters), &kind);

	if (st)
		return st;
	if (query->nfilters == GU_FILTERS_MAX)
		return gu_fail(w->diag, GU_INVALID, "more than %d filters",
			GU_FILTERS_MAX);
	*f = (struct gu_filter){.kind = (enum gu_filter_kind)kind,
		.without = without};
	query->nfilters++; /* what it has so far is freed */
	if (!*filters[kind].value)
		return GU_OK;
	st = take_value(w, &filters[kind], &value);
	if (st)
		return st;
	if (f->kind == GU_FILTER_WAIT)
		return parse_reason(w, value, f);
	if (f->kind == GU_FILTER_AGE)
		return parse_compare(w, value, f);
	if (f->kind == GU_FILTER_CHAN)
		return parse_address(w, value, f);
	if (f->kind == GU_FILTER_LABEL)
		return parse_label(w, value, f);
	return parse_regex(w, value, f);
}

/* --- the other options ---------------------------------------------------- */

static enum gu_status take_group(struct words *w, struct gu_query *query)
{
	struct gu_str key;
	size_t group = 0;
	enum gu_status st = choose(w, groups, GU_COUNT(groups), &group);

	if (st)
		return st;
	if (query->group)
		return gu_fail(w->diag, GU_INVALID,
			"-group cannot be given twice");
	query->group = (enum gu_group_key)group;
	if (query->group != GU_GROUP_LABEL)
		return GU_OK;
	st = take_value(w, &groups[group], &key);
	return st ? st : copy(key, w->diag, &query->group_label);
}

static enum gu_status take_sort(struct words *w, struct gu_query *query)
{
	size_t sort = 0;
	enum gu_status st = choose(w, sorts, GU_COUNT(sorts), &sort);

	if (!st)
		query->sort = (enum gu_sort)sort;
	return st;
}

static enum gu_status take_limit(struct words *w, struct gu_query *query)
{
	if (w->used == w->n || !is_number(w->p[w->used], &query->limit) ||
		!query->limit)
		return gu_fail(w->diag, GU_INVALID,
			"-limit needs a number, of at least 1");
	w->used++;
	return GU_OK;
}

static enum gu_status take_stacks(struct words *w, struct gu_query *query)
{
	query->stacks = true;
	if (w->used < w->n && is_number(w->p[w->used], &query->depth)) {
		w->used++;
		if (!query->depth)
			return gu_fail(w->diag, GU_INVALID,
				"-t: a stack of 0 calls");
	}
	return GU_OK;
}

enum gu_status gu_query_refuse(struct gu_str word, struct gu_diag *diag)
{
	return gu_fail(diag, GU_INVALID, "'%.*s' was not expected: there are "
		"-t, -all, -with, -without, -group, -sort and -limit",
		word.n > 40 ? 40 : (int)word.n, word.p);
}

enum gu_status gu_query_take(struct gu_query *query, const struct gu_str *words,
	size_t nwords, struct gu_diag *diag, size_t *used)
{
	struct words w = {.p = words, .n = nwords, .used = 1, .diag = diag};
	struct gu_str option = {"", 0};
	enum gu_status st = GU_OK;

	*used = 0;
	if (nwords && words[0].n && *words[0].p == '-')
		option = (struct gu_str){words[0].p + 1, words[0].n - 1};
	if (option.n && *option.p == '-')
		skip(&option, 1);
	if (is_word(option, "with")) {
		w.option = "-with";
		st = take_filter(&w, query, false);
	} else if (is_word(option, "without")) {
		w.option = "-without";
		st = take_filter(&w, query, true);
	} else if (is_word(option, "group")) {
		w.option = "-group";
		st = take_group(&w, query);
	} else if (is_word(option, "sort")) {
		w.option = "-sort";
		st = take_sort(&w, query);
	} else if (is_word(option, "limit")) {
		st = take_limit(&w, query);
	} else if (is_word(option, "t")) {
		st = take_stacks(&w, query);
	} else if (is_word(option, "all")) {
		query->all = true;
	} else {
		return GU_OK;
	}
	if (!st)
		*used = w.used;
	return st;
}

enum gu_status gu_query_unquote(char *word, struct gu_diag *diag)
{
	char quote = '\0', *out = word;

	for (const char *p = word; *p; p++) {
		if (*p == '\\' && p[1] && quote != '\'' &&
			strchr("\"'\\ ", p[1])) {
			*out++ = *++p;
		} else if (quote ? *p == quote : *p == '"' || *p == '\'') {
			quote = (char)(quote ? '\0' : *p);
		} else {
			*out++ = *p;
		}
	}
	*out = '\0';
	return quote ? gu_fail(diag, GU_INVALID, "a %c is not closed", quote)
		     : GU_OK;
}
