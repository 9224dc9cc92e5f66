/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words of "info goroutines": what they mean, which are refused and with
 * what words, and that no row of words does harm.
 */
#include "engine/base/math.h"
#include "engine/stack/query.h"
#include "tests/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 64 };

/* LINE's words, which blanks part; QUOTED is put in for a word "@". */
static size_t split(char *line, const char *quoted, struct gu_str *words)
{
	size_t n = 0;
	char *rest = NULL;

	for (char *p = strtok_r(line, " ", &rest); p && n < WORDS_MAX;
		p = strtok_r(NULL, " ", &rest))
		words[n++] = gu_str(quoted && strcmp(p, "@") == 0 ? quoted : p);
	return n;
}

/* All words of LINE; GU_NOT_FOUND at one that is no option. */
static enum gu_status take_all(const char *line, const char *quoted,
	struct gu_diag *diag, struct gu_query *out)
{
	struct gu_str words[WORDS_MAX];
	char text[1024];
	size_t n, used = 0;
	enum gu_status st = GU_OK;

	(void)snprintf(text, sizeof text, "%s", line);
	n = split(text, quoted, words);
	*out = (struct gu_query){.nfilters = 0};
	for (size_t i = 0; i < n && !st; i += used) {
		st = gu_query_take(out, words + i, n - i, diag, &used);
		if (!st && !used)
			st = GU_NOT_FOUND;
	}
	return st;
}

/* What was understood, in words of our own. */
static void describe(const struct gu_query *q, char *out, size_t size)
{
	static const char *const compares[] = {"<", "<=", ">", ">="};
	size_t n = 0;

#define PUT(...) n += (size_t)snprintf(out + n, size - n, __VA_ARGS__)
	out[0] = '\0';
	for (size_t i = 0; i < q->nfilters; i++) {
		const struct gu_filter *f = &q->filters[i];

		PUT("%c%d", f->without ? '-' : '+', (int)f->kind);
		if (f->kind == GU_FILTER_AGE)
			PUT("%s%.9g", compares[f->compare],
				(double)f->number / 1e9);
		if (f->kind == GU_FILTER_CHAN)
			PUT("=%llx", (unsigned long long)f->number);
		if (f->text)
			PUT("(%s)", f->text);
		if (f->value)
			PUT("=(%s)", f->value);
		if (f->has_regex)
			PUT("~");
		PUT(" ");
	}
	PUT("g%d(%s) s%d l%llu t%d%llu a%d", (int)q->group,
		q->group_label ? q->group_label : "", (int)q->sort,
		(unsigned long long)q->limit, q->stacks,
		(unsigned long long)q->depth, q->all);
#undef PUT
}

static void test_meaning(void)
{
	static const struct {
		const char *line, *quoted, *meaning;
	} cases[] = {
		{"", NULL, "g0() s0 l0 t00 a0"},
		{"-with running -without system", NULL,
			"+0 -5 g0() s0 l0 t00 a0"},
		{"--with runnable --without user", NULL,
			"+1 -4 g0() s0 l0 t00 a0"},
		{"-with wait chan -limit 7", NULL,
			"+6(chan) g0() s0 l7 t00 a0"},
		{"-with wait chan receive -t", NULL,
			"+6(chan receive) g0() s0 l0 t10 a0"},
		{"-with wait @", "chan receive",
			"+6(chan receive) g0() s0 l0 t00 a0"},
		{"-with @", "wait chan receive",
			"+6(chan receive) g0() s0 l0 t00 a0"},
		{"-with @ (nil chan)", "wait chan receive",
			"+6(chan receive (nil chan)) g0() s0 l0 t00 a0"},
		{"-with age >5m", NULL, "+7>300 g0() s0 l0 t00 a0"},
		{"-with age > 5m", NULL, "+7>300 g0() s0 l0 t00 a0"},
		{"-without age >=1h30m", NULL, "-7>=5400 g0() s0 l0 t00 a0"},
		{"-with age <1d -with age <=10s", NULL,
			"+7<86400 +7<=10 g0() s0 l0 t00 a0"},
		{"-with @", "age > 2s", "+7>2 g0() s0 l0 t00 a0"},
		{"-with chan 0xc000076060", NULL,
			"+8=c000076060 g0() s0 l0 t00 a0"},
		{"-with chan 0XC0 -with chan 4096", NULL, NULL},
		{"-with chan 0xAbC -with chan 4096", NULL,
			"+8=abc +8=1000 g0() s0 l0 t00 a0"},
		{"-with chan 0xffffffffffffffff", NULL,
			"+8=ffffffffffffffff g0() s0 l0 t00 a0"},
		{"-with label a=b -with label c", NULL,
			"+9(a)=(b) +9(c) g0() s0 l0 t00 a0"},
		{"-with label a=b=c -with label d=", NULL,
			"+9(a)=(b=c) +9(d)=() g0() s0 l0 t00 a0"},
		{"-with label @", "a=b c", "+9(a)=(b c) g0() s0 l0 t00 a0"},
		{"-with func ^main\\. -without file proc.go$", NULL,
			"+10~ -11~ g0() s0 l0 t00 a0"},
		{"-with func a|b", NULL, "+10~ g0() s0 l0 t00 a0"},
		{"-group stack", NULL, "g1() s0 l0 t00 a0"},
		{"-group curloc -sort loc", NULL, "g2() s3 l0 t00 a0"},
		{"-group userloc -sort age", NULL, "g3() s2 l0 t00 a0"},
		{"-group go -sort id", NULL, "g4() s1 l0 t00 a0"},
		{"-group start -group wait", NULL, NULL},
		{"-group label job -t 5", NULL, "g8(job) s0 l0 t15 a0"},
		{"-group @", "label job", "g8(job) s0 l0 t00 a0"},
		{"-t 3 -all -limit 10", NULL, "g0() s0 l10 t13 a1"},
		{"-sort id -sort age", NULL, "g0() s2 l0 t00 a0"},
	};

	for (size_t i = 0; i < GU_COUNT(cases); i++) {
		struct gu_query query;
		struct gu_diag diag = {.text = ""};
		enum gu_status st = take_all(cases[i].line, cases[i].quoted,
			&diag, &query);
		char text[512] = "";

		if (!st)
			describe(&query, text, sizeof text);
		if (cases[i].meaning)
			ok(!st && strcmp(text, cases[i].meaning) == 0,
				"%s means %s", cases[i].line, text);
		else
			ok(st == GU_INVALID, "%s is refused", cases[i].line);
		gu_query_deinit(&query);
	}
}

static void test_refused(void)
{
	static const struct {
		const char *line, *quoted, *says;
	} cases[] = {
		{"-with", NULL, "-with needs one of: running, runnable"},
		{"-with NOSUCH", NULL,
			"'NOSUCH' is none of: running, runnable, "
			"waiting, syscall, user, system, wait REASON, age >5m, "
			"chan ADDR, label KEY=VALUE, func REGEX, file REGEX"},
		{"-without NOSUCH", NULL, "-without: 'NOSUCH' is none of"},
		{"-with @", "running fast", "'running' is none of"},
		{"-with wait", NULL, "-with wait needs a value: wait REASON"},
		{"-with age", NULL, "age >5m"},
		{"-with age 5m", NULL, "'5m' is no comparison such as >5m"},
		{"-with age >", NULL, "no comparison"},
		{"-with age >5", NULL, "no comparison"},
		{"-with age >m", NULL, "no comparison"},
		{"-with age >5y", NULL, "no comparison"},
		{"-with age >-5m", NULL, "no comparison"},
		{"-with age =5m", NULL, "no comparison"},
		{"-with age >99999999999999d", NULL, "no comparison"},
		{"-with age >18446744073709551616s", NULL, "no comparison"},
		{"-with chan", NULL, "chan ADDR"},
		{"-with chan x", NULL, "'x' is no address"},
		{"-with chan 0x", NULL, "no address"},
		{"-with chan 0x12345678123456789", NULL, "no address"},
		{"-with chan 12g", NULL, "no address"},
		{"-with label", NULL, "label KEY=VALUE"},
		{"-with func (", NULL, "-with: '('"},
		{"-with file [", NULL, "-with: '['"},
		{"-group", NULL,
			"-group needs one of: stack, curloc, userloc, "
			"go, start, state, wait, label KEY"},
		{"-group NOSUCH", NULL, "'NOSUCH' is none of: stack"},
		{"-group label", NULL, "-group label needs a value"},
		{"-group go -group go", NULL, "twice"},
		{"-sort", NULL, "-sort needs one of: id, age, loc"},
		{"-sort size", NULL, "'size' is none of: id, age, loc"},
		{"-limit", NULL, "-limit needs a number"},
		{"-limit 0", NULL, "-limit needs a number"},
		{"-limit x", NULL, "-limit needs a number"},
		{"-limit 18446744073709551616", NULL, "-limit needs a number"},
		{"-t 0", NULL, "0 calls"},
	};

	for (size_t i = 0; i < GU_COUNT(cases); i++) {
		struct gu_query query;
		struct gu_diag diag = {.text = ""};
		enum gu_status st = take_all(cases[i].line, cases[i].quoted,
			&diag, &query);

		ok(st == GU_INVALID && strstr(diag.text, cases[i].says),
			"%s: %s", cases[i].line, diag.text);
		gu_query_deinit(&query);
	}
}

static void test_others(void)
{
	static const char *const lines[] = {"with running", "-", "--", "", "7",
		"---with running", "-Limit 3", "-tt", "-all-", ">", "|"};

	for (size_t i = 0; i < GU_COUNT(lines); i++) {
		struct gu_str word = gu_str(lines[i]);
		struct gu_query query = {.nfilters = 0};
		struct gu_diag diag = {.text = ""};
		size_t used = 7;

		ok(gu_query_take(&query, &word, 1, &diag, &used) == GU_OK &&
			used == 0 && gu_query_refuse(word, &diag) ==
				GU_INVALID && strstr(diag.text, "-group"),
			"'%s' is no option", lines[i]);
		gu_query_deinit(&query);
	}
}

static void test_too_many(void)
{
	struct gu_query query = {.nfilters = 0};
	struct gu_str words[] = {gu_str("-with"), gu_str("label"),
		gu_str("a=b")};
	struct gu_diag diag = {.text = ""};
	enum gu_status st = GU_OK;
	size_t n = 0, used;

	for (; !st && n <= GU_FILTERS_MAX + 1; n++)
		st = gu_query_take(&query, words, 3, &diag, &used);
	ok(st == GU_INVALID && n == GU_FILTERS_MAX + 1 &&
		strstr(diag.text, "more than"), "32 filters, and no more");
	gu_query_deinit(&query);
}

static void test_quotes(void)
{
	static const struct {
		const char *word, *out; /* NULL: refused */
	} cases[] = {
		{"plain", "plain"}, {"'a b'", "a b"}, {"\"a b\"", "a b"},
		{"a'b'\"c\"d", "abcd"}, {"''", ""}, {"\"it's\"", "it's"},
		{"'say \"x\"'", "say \"x\""}, {"a\\ b", "a b"},
		{"main\\.f", "main\\.f"}, {"'main\\.f'", "main\\.f"},
		{"\"main\\.f\"", "main\\.f"}, {"a\\\\b", "a\\b"},
		{"'a\\\\b'", "a\\\\b"}, {"\\'", "'"}, {"\"\\\"\"", "\""},
		{"\\", "\\"}, {"it's", NULL}, {"\"", NULL}, {"'a\\'", "a\\"},
	};

	for (size_t i = 0; i < GU_COUNT(cases); i++) {
		struct gu_diag diag = {.text = ""};
		char word[32];
		enum gu_status st;

		(void)snprintf(word, sizeof word, "%s", cases[i].word);
		st = gu_query_unquote(word, &diag);
		if (cases[i].out)
			ok(!st && strcmp(word, cases[i].out) == 0,
				"%s without quotes", cases[i].word);
		else
			ok(st == GU_INVALID && strstr(diag.text,
				"is not closed"), "%s: %s", cases[i].word,
				diag.text);
	}
}

/* Rows of words that have to do with ours, by a generator with a fixed seed. */
static void test_any_words(void)
{
	static const char *const pool[] = {"-with", "-without", "-group",
		"-sort", "-limit", "-t", "-all", "wait", "age", "chan", "label",
		"func", "file", "running", "stack", "id", "loc", ">5m", ">",
		"<=", "1h", "0x10", "=", "a=b", "", " ", "wait chan", "age >",
		"[a-", "(", "*", "^main", "99999999999999999999", "3", "-",
		"\\", "\xff"};
	uint32_t seed = 1;
	size_t taken = 0, refused = 0;

	for (int round = 0; round < 20000; round++) {
		struct gu_str words[6];
		struct gu_query query = {.nfilters = 0};
		struct gu_diag diag = {.text = ""};
		size_t n = 1 + (size_t)round % GU_COUNT(words), used = 1;
		enum gu_status st = GU_OK;

		for (size_t i = 0; i < n; i++) {
			seed = seed * 1103515245 + 12345;
			/* an option, then anything */
			words[i] = gu_str(pool[(seed >> 16) %
				(i ? GU_COUNT(pool) : 7)]);
		}
		for (size_t i = 0; i < n && used && !st; i += used)
			st = gu_query_take(&query, words + i, n - i, &diag,
				&used);
		if (st && (st != GU_INVALID || !diag.text[0] ||
			strchr(diag.text, '\n')))
			break;
		taken += st == GU_OK && used;
		refused += st != GU_OK;
		gu_query_deinit(&query);
	}
	ok(taken + refused > 1000 && taken > 100 && refused > 100,
		"of 20000 rows of words %zu are taken, %zu refused", taken,
		refused);
}

int main(void)
{
	test_meaning();
	test_refused();
	test_others();
	test_too_many();
	test_quotes();
	test_any_words();
	return tap_done();
}
