/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gounstrip gdb-ask: the half of "info goroutines", "go bt" and "go who-waits"
 * outside of GDB.
 * It reads the threads that GDB has (gounstrip-threads), and leaves a request
 * for the reader (jitreader/mailbox.h) in the session folder.
 */
#include "tools/options.h"

#include "engine/emit/session.h"
#include "engine/emit/text.h"

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

	for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
		at = strstr(line, before[i]);
		if (at)
			return strtol(at + strlen(before[i]), NULL, 10);
	}
	at = strstr(line, "(Thread ");
	at = at ? strchr(at, '.') : NULL;
	return at ? strtol(at + 1, NULL, 10) : 0;
}

/* What GDB's expressions came to, and the threads. */
static void put_stdin(struct gu_buf *request)
{
	uint64_t pc, sp, fp, addr;
	char *line = NULL;
	size_t size = 0;
	long tid = 0;

	while (getline(&line, &size, stdin) > 0)
		if (sscanf(line, "gounstrip-waits %" SCNx64, &addr) == 1)
			gu_buf_printf(request, "waits %" PRIx64 "\n", addr);
		else if (sscanf(line, "gounstrip-fd %" SCNu64, &addr) == 1)
			gu_buf_printf(request, "fd %" PRIu64 "\n",
				addr);
		else if (strncmp(line, "Thread ", 7) == 0)
			tid = thread_of(line);
		else if (tid > 0 && sscanf(line, "gounstrip %" SCNx64 " %"
			SCNx64 " %" SCNx64, &pc, &sp, &fp) == 3)
			gu_buf_printf(request, "thread %ld %" PRIx64 " %"
				PRIx64 " %" PRIx64 "\n", tid, pc, sp, fp);
	free(line);
}

/* The words of "info goroutines"; false if WORD is none. */
static bool put_option(struct gu_buf *request, const char *word,
	const char *value, bool *has_value)
{
	uint64_t number;

	*has_value = value && (strcmp(word, "-with") == 0 ||
		strcmp(word, "-without") == 0 || strcmp(word, "-limit") == 0);
	if (strcmp(word, "-t") == 0)
		gu_buf_printf(request, "stacks\n");
	else if (strcmp(word, "-all") == 0)
		gu_buf_printf(request, "all\n");
	else if (*has_value && (strcmp(word, "-limit") != 0 ||
		gu_parse_number(value, false, &number)))
		gu_buf_printf(request, "%s %s\n", word + 1, value);
	else
		return false;
	return true;
}

static bool put_words(struct gu_buf *request, int argc, char **argv)
{
	uint64_t id = 0;
	bool has_value;

	if (argc < 2)
		return false;
	if (strcmp(argv[1], "bt") == 0) {
		if (argc > 3 || (argc == 3 && strcmp(argv[2], "all") != 0 &&
			(!gu_parse_number(argv[2], false, &id) || !id)))
			return false;
		gu_buf_printf(request, "bt %" PRIu64 "\n", id);
		return true;
	}
	if (strcmp(argv[1], "waits") == 0)
		return argc == 2;
	if (strcmp(argv[1], "list") != 0)
		return false;
	for (int i = 2; i < argc; i += 1 + has_value)
		if (!put_option(request, argv[i], argv[i + 1], &has_value))
			return false;
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

static int run(const struct gu_command *self, int argc, char **argv)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) request;
	pid_t gdb = getppid(); /* gounstrip.gdb replaces the shell (exec) */
	struct gu_diag diag;
	enum gu_status st;

	gu_buf_init(&request, false);
	if (!put_words(&request, argc, argv)) {
		gu_complain(NULL, "these options or operands were not "
			"expected: see 'help info goroutines', 'help go bt', "
			"'help go who-waits'");
		return GU_EXIT_USAGE;
	}
	(void)self;
	put_stdin(&request);
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
	.operands = "list|bt|waits [WORD]... <THREADS",
	.about = "Leaves a request in the session folder of the GDB that called "
		 "it.",
	.options = options,
	.internal = true,
	.run = run,
};
