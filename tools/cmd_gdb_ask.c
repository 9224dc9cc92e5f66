/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gounstrip gdb-ask: the half of "info goroutines" and "go bt" outside of GDB.
 * It reads what GDB tells (gounstrip-ask): the user's words, as GDB macros, and
 * the threads; and leaves a request for the reader (jitreader/request.h) in the
 * session folder.
 */
#include "tools/options.h"

#include "engine/base/math.h"
#include "engine/emit/session.h"
#include "engine/emit/text.h"
#include "engine/image/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct gu_option options[] = {{0}};

/*
 * "Thread 2 (Thread 0x7ffff7d8a6c0 (LWP 4711)):", "Thread 1 (process 4711):",
 * or of gdbserver "Thread 2 (Thread 4700.4711):".
 */
static long thread_of(const char *line)
{
	static const char *const before[] = {"(LWP ", "(process "};
	const char *at;

	for (size_t i = 0; i < GU_COUNT(before); i++) {
		at = strstr(line, before[i]);
		if (at)
			return strtol(at + strlen(before[i]), NULL, 10);
	}
	at = strstr(line, "(Thread ");
	at = at ? strchr(at, '.') : NULL;
	return at ? strtol(at + 1, NULL, 10) : 0;
}

enum { WORDS_MAX = 1 << 10 };

/* What GDB tells. */
struct told {
	char *words[WORDS_MAX]; /* owned; NULL: not told */
	size_t nwords;          /* how many there must be */
	struct gu_buf lines;    /* threads, as the request has them */
	long tid;               /* of one of them */
	bool native;            /* the program runs under this kernel */
	char *core;             /* owned: path of the core that it is */
};

static void told_deinit(struct told *told)
{
	for (size_t i = 0; i < WORDS_MAX; i++)
		free(told->words[i]);
	free(told->core);
	gu_buf_deinit(&told->lines);
}

/* "macro define gounstrip_wordN TEXT" */
static bool take_word(struct told *told, const char *line)
{
	static const char start[] = "macro define gounstrip_word";
	char *end;
	unsigned long i;

	if (strncmp(line, start, sizeof start - 1) != 0)
		return false;
	i = strtoul(line + sizeof start - 1, &end, 10);
	if (i < told->nwords && *end == ' ' && !told->words[i])
		told->words[i] = strndup(end + 1, strcspn(end + 1, "\n"));
	return true;
}

/* GDB's own number of a thread: "Thread 1.2 (" */
static void put_number(struct gu_buf *out, const char *line, long tid)
{
	char number[16];

	if (tid > 0 && sscanf(line, "Thread %15[0-9.] (", number) == 1)
		gu_buf_printf(out, "number %ld %s\n", tid, number);
}

/* "* 1    native  Native process", of "info connections" */
static bool is_connection(const char *line, const char *type)
{
	char found[16];

	return sscanf(line, "* %*u %15s", found) == 1 &&
		strcmp(found, type) == 0;
}

/* "	`/tmp/core', file type elf64-x86-64.", of "info files" */
static char *path_of(const char *line)
{
	static const char start[] = "\t`", end[] = "', file type ";
	const char *last = NULL;

	if (strncmp(line, start, sizeof start - 1) != 0)
		return NULL;
	line += sizeof start - 1;
	for (const char *at = strstr(line, end); at; at = strstr(at + 1, end))
		last = at;
	return last ? strndup(line, (size_t)(last - line)) : NULL;
}

static void read_told(struct told *told)
{
	static const char asks[] = "gounstrip-asks "; /* as in the request */
	uint64_t value, pc, sp, fp, lr;
	int n;
	char *line = NULL;
	size_t size = 0;
	long tid = 0;
	bool of_core = false, names_core = false;

	while (getline(&line, &size, stdin) > 0) {
		if (take_word(told, line))
			continue;
		told->native |= is_connection(line, "native");
		of_core |= is_connection(line, "core");
		if (of_core && names_core && !told->core)
			told->core = path_of(line);
		names_core = strncmp(line, "Local core dump file:", 21) == 0;
		if (sscanf(line, "gounstrip-waits %" SCNx64, &value) == 1)
			gu_buf_printf(&told->lines, "waits %" PRIx64 "\n",
				value);
		else if (sscanf(line, "gounstrip-fd %" SCNu64, &value) == 1)
			gu_buf_printf(&told->lines, "fd %" PRIu64 "\n", value);
		else if (sscanf(line, "gounstrip-g %" SCNx64, &value) == 1)
			gu_buf_printf(&told->lines, "g %" PRIx64 "\n", value);
		else if (strncmp(line, asks, sizeof asks - 1) == 0)
			gu_buf_str(&told->lines,
				gu_str(line + sizeof asks - 1));
		else if (strncmp(line, "Thread ", 7) == 0) {
			tid = thread_of(line);
			put_number(&told->lines, line, tid);
		} else if (tid > 0 && (n = sscanf(line, "gounstrip %" SCNx64
			" %" SCNx64 " %" SCNx64 " %" SCNx64, &pc, &sp, &fp,
			&lr)) >= 3) {
			told->tid = tid;
			gu_buf_printf(&told->lines, "thread %ld %" PRIx64
				" %" PRIx64 " %" PRIx64, tid, pc, sp, fp);
			if (n == 4)
				gu_buf_printf(&told->lines, " %" PRIx64, lr);
			gu_buf_u8(&told->lines, '\n');
		}
	}
	free(line);
}

static bool put_request(const struct told *told, const char *what,
	struct gu_buf *out)
{
	uint64_t now = 0;

	if (told->native && told->tid)
		now = gu_process_nanotime((int)told->tid);
	gu_buf_printf(out, "%s\n", what);
	if (told->native)
		gu_buf_printf(out, "native\n");
	if (told->core)
		gu_buf_printf(out, "core %s\n", told->core);
	if (now)
		gu_buf_printf(out, "now %" PRIu64 "\n", now);
	for (size_t i = 0; i < told->nwords; i++)
		if (told->words[i])
			gu_buf_printf(out, "word %s\n", told->words[i]);
		else
			return false;
	gu_buf_bytes(out, told->lines.p, told->lines.n);
	return true;
}

/* What GDB is to show if the reader is not asked. */
static enum gu_status put_default(pid_t gdb, struct gu_diag *diag)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) reply;

	gu_buf_init(&reply, false);
	gu_text_echo(&reply, gu_str("gounstrip: there are no frames to start "
		"from: no program that has stopped, or no 'go load'"));
	gu_buf_str(&reply, gu_str("remove-symbol-file gounstrip\n"));
	return gu_session_put(gdb, "reply", &reply, diag);
}

static bool is_verb(const char *word)
{
	static const char *const verbs[] = {"list", "bt", "break", "runtime",
		"waits", "goroutine"};

	for (size_t i = 0; i < GU_COUNT(verbs); i++)
		if (strcmp(word, verbs[i]) == 0)
			return true;
	return false;
}

static int run(const struct gu_command *self, int argc, char **argv)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) request;
	struct told gu_cleanup(told_deinit) told = {.nwords = 0};
	pid_t gdb = getppid(); /* gounstrip.gdb replaces the shell (exec) */
	struct gu_options parsed;
	uint64_t nwords = 0;
	struct gu_diag diag;
	enum gu_status st;

	gu_buf_init(&request, false);
	gu_buf_init(&told.lines, false);
	gu_options_init(&parsed, self, argc, argv);
	while (gu_options_next(&parsed) != -1)
		;
	argc -= optind;
	argv += optind;
	if (argc < 1 || argc > 2 || !is_verb(argv[0]) ||
		(argc == 2 && !gu_parse_number(argv[1], false, &nwords)))
		return gu_usage_error(self, "this is for gounstrip.gdb");
	if (nwords > WORDS_MAX) {
		gu_complain(NULL, "more than %d words", WORDS_MAX);
		return GU_EXIT_USAGE;
	}
	told.nwords = (size_t)nwords;
	read_told(&told);
	if (!put_request(&told, argv[0], &request)) {
		gu_complain(NULL, "GDB does not tell what was asked");
		return GU_EXIT_FAILED;
	}
	st = gu_session_knock(gdb, &diag);
	if (!st)
		st = put_default(gdb, &diag);
	if (!st)
		st = gu_session_put(gdb, "request", &request, &diag);
	return st ? gu_complain_diag(NULL, &diag) : GU_EXIT_OK;
}

const struct gu_command gu_cmd_gdb_ask = {
	.name = "gdb-ask",
	.brief = "what gounstrip.gdb calls to ask the reader",
	.operands = "{list|bt|break|runtime} NUMBER-OF-WORDS | "
		    "{waits|goroutine} "
		    "<WHAT-GDB-TELLS",
	.about =
"Leaves a request in the session folder of the GDB that called it.",
	.options = options,
	.internal = true,
	.run = run,
};
