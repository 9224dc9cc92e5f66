/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jitreader/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void gu_request_deinit(struct gu_request *request)
{
	gu_buf_deinit(&request->text);
	gu_query_deinit(&request->query);
	gu_switch_deinit(&request->goroutine);
	free(request->threads);
	free(request->words);
	free(request->shell);
	free(request->file);
}

static void parse_line(char *line, struct gu_request *r)
{
	struct gu_thread thread = {.regs = {.has_fp = true}};
	struct gu_regs *regs = &thread.regs;
	int n;

	if (strcmp(line, "bt") == 0)
		r->bt = true;
	else if (sscanf(line, "waits %" SCNx64, &r->awaited) == 1)
		r->waits = true;
	else if (sscanf(line, "fd %" SCNu64, &r->awaited) == 1)
		r->waits_fd = true;
	else if (strcmp(line, "break") == 0)
		r->breaks = true;
	else if (strcmp(line, "runtime") == 0)
		r->runtimes = true;
	else if (strcmp(line, "native") == 0)
		r->native = true;
	else if (strncmp(line, "core ", 5) == 0)
		r->core = line + 5;
	else if (strncmp(line, "word ", 5) == 0)
		r->words[r->nwords++] = gu_str(line + 5);
	else if (sscanf(line, "now %" SCNu64, &r->now) == 1 ||
		sscanf(line, "g %" SCNx64, &r->thread) == 1)
		return;
	else if ((n = sscanf(line, "thread %" SCNd32 " %" SCNx64 " %" SCNx64
			" %" SCNx64 " %" SCNx64, &thread.tid, &regs->pc,
			&regs->sp, &regs->fp, &regs->lr)) >= 4) {
		regs->has_lr = n == 5;
		r->threads[r->nthreads++] = thread;
	} else
		gu_switch_parse(&r->goroutine, line);
}

static enum gu_status parse_lines(struct gu_request *r, struct gu_diag *diag)
{
	char *line, *rest = NULL;
	size_t lines = 1;

	gu_buf_u8(&r->text, '\0');
	if (r->text.failed)
		return gu_buf_status(&r->text, diag);
	for (size_t i = 0; i < r->text.n; i++)
		lines += r->text.p[i] == '\n';
	r->threads = calloc(lines, sizeof *r->threads);
	r->words = calloc(lines, sizeof *r->words);
	if (!r->threads || !r->words)
		return gu_fail(diag, GU_NO_MEMORY, "out of memory");
	for (line = strtok_r((char *)r->text.p, "\n", &rest); line;
		line = strtok_r(NULL, "\n", &rest))
		parse_line(line, r);
	return GU_OK;
}

/* A shell reads its words itself: they are joined as they were. */
static enum gu_status take_shell(struct gu_request *r, size_t from,
	struct gu_diag *diag)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) text;

	gu_buf_init(&text, false);
	for (size_t i = from; i < r->nwords; i++) {
		if (text.n)
			gu_buf_u8(&text, ' ');
		gu_buf_str(&text, gu_str(r->words[i].p + (i == from)));
	}
	gu_buf_u8(&text, '\0');
	if (text.failed)
		return gu_buf_status(&text, diag);
	if (text.p[strspn((char *)text.p, " ")] == '\0')
		return gu_fail(diag, GU_INVALID, "| needs a command");
	r->shell = (char *)text.p;
	text.p = NULL;
	text.n = text.cap = 0;
	return GU_OK;
}

/* WORD lies in the request's text, or is none. */
static enum gu_status unquote(struct gu_str *word, struct gu_diag *diag)
{
	char *p = (char *)(uintptr_t)word->p;
	enum gu_status st;

	if (!p)
		return GU_OK;
	st = gu_query_unquote(p, diag);
	*word = gu_str(p);
	return st;
}

/* "> FILE" or ">FILE", and nothing behind it. */
static enum gu_status take_file(struct gu_request *r, size_t from, size_t end,
	struct gu_diag *diag)
{
	struct gu_str name = r->words[from];
	const char *home = getenv("HOME");
	struct gu_buf gu_cleanup(gu_buf_deinit) path;

	gu_buf_init(&path, false);
	name = (struct gu_str){name.p + 1, name.n - 1};
	if (!name.n && from + 1 < end)
		name = r->words[++from];
	if (!name.n || from + 1 < end)
		return gu_fail(diag, GU_INVALID, "> needs one file's name");
	if (home && gu_str_starts(name, gu_str("~/"))) {
		gu_buf_str(&path, gu_str(home));
		name = (struct gu_str){name.p + 1, name.n - 1};
	}
	gu_buf_cstr(&path, name);
	if (path.failed)
		return gu_buf_status(&path, diag);
	r->file = (char *)path.p;
	path.p = NULL;
	path.n = path.cap = 0;
	return GU_OK;
}

/* "go bt 17", "go bt all". */
static bool is_id(struct gu_str word, uint64_t *out)
{
	char end;

	if (gu_str_eq(word, gu_str("all"))) {
		*out = 0;
		return true;
	}
	return word.n && *word.p >= '1' && *word.p <= '9' &&
		sscanf(word.p, "%" SCNu64 "%c", out, &end) == 1;
}

/* "go break server.go:120 goroutine 17": GDB reads the place itself. */
static enum gu_status parse_break(struct gu_request *r, struct gu_diag *diag)
{
	if (r->nwords != 3 ||
		!gu_str_eq(r->words[1], gu_str("goroutine")) ||
		!is_id(r->words[2], &r->only) || r->only == 0)
		return gu_fail(diag, GU_INVALID,
			"see 'help go break': LOCATION goroutine N");
	r->place = r->words[0];
	return GU_OK;
}

/* "go runtime libx.so" */
static enum gu_status parse_runtime(struct gu_request *r, struct gu_diag *diag)
{
	if (r->nwords > 1)
		return gu_fail(diag, GU_INVALID, "see 'help go runtime': NAME");
	if (r->nwords)
		r->runtime = r->words[0];
	return unquote(&r->runtime, diag);
}

static enum gu_status parse_words(struct gu_request *r, struct gu_diag *diag)
{
	size_t i = 0, end = 0, used;
	enum gu_status st = GU_OK;

	/* words have text:
	   NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	for (; !st && end < r->nwords && *r->words[end].p != '|'; end++)
		st = unquote(&r->words[end], diag);
	if (!st && end < r->nwords)
		st = take_shell(r, end, diag);
	if (r->bt && end && is_id(r->words[0], &r->query.id))
		i++;
	for (; !st && i < end; i += used) {
		struct gu_str word = r->words[i];

		if (word.n && *word.p == '>')
			return r->shell ? gu_fail(diag, GU_INVALID,
				"either > FILE or | COMMAND, not both")
				: take_file(r, i, end, diag);
		st = gu_query_take(&r->query, r->words + i, end - i, diag,
			&used);
		if (!st && !used)
			st = gu_query_refuse(word, diag);
	}
	return st;
}

enum gu_status gu_request_parse(struct gu_diag *diag, struct gu_request *out)
{
	enum gu_status st = parse_lines(out, diag);

	if (st)
		return st;
	if (out->runtimes)
		return parse_runtime(out, diag);
	return out->breaks ? parse_break(out, diag) : parse_words(out, diag);
}
