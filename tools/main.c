/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gounstrip: finds the subcommand, and sees to it that output arrived. */
#include "config.h"

#include "engine/emit/text.h"
#include "tools/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In the order of the overview. */
static const struct gu_command *const commands[] = {
	&gu_cmd_info,
	&gu_cmd_symbols,
	&gu_cmd_dump,
	&gu_cmd_addr2line,
	&gu_cmd_stacks,
	&gu_cmd_gdb,
	&gu_cmd_gdb_ask,
	&gu_cmd_gdb_setup,
	NULL,
};

void gu_complain(const char *subject, const char *format, ...)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) line;
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	gu_buf_init(&line, false);
	if (subject) {
		gu_text_escape(&line, gu_str(subject));
		gu_buf_str(&line, gu_str(": "));
	}
	gu_text_escape(&line, gu_str(text ? text : "out of memory"));
	free(text);
	fflush(stdout);
	fprintf(stderr, "gounstrip: %.*s\n", (int)line.n,
		(const char *)line.p);
}

int gu_complain_diag(const char *subject, const struct gu_diag *diag)
{
	gu_complain(subject, "%s", diag->text);
	return GU_EXIT_FAILED;
}

static void print_overview(FILE *out)
{
	size_t i;

	fputs("Usage: gounstrip COMMAND [OPTION]... [FILE]...\n\n"
	      "Symbols, lines and stacks of stripped Go programs.\n\n",
		out);
	for (i = 0; commands[i]; i++)
		if (!commands[i]->internal)
			fprintf(out, "  %-10s %s\n", commands[i]->name,
				commands[i]->brief);
	fputs("\n'gounstrip COMMAND --help' says more about one of them.\n",
		out);
}

static void print_version(void)
{
	puts("gounstrip " PACKAGE_VERSION "\n"
	     "License GPLv3+: GNU GPL version 3 or later "
	     "<https://gnu.org/licenses/gpl.html>.\n"
	     "There is NO WARRANTY, to the extent permitted by law.");
}

/* Changes, insertions and deletions that make A into B; for short words. */
static unsigned distance(const char *a, const char *b)
{
	enum { MAX = 32 };
	unsigned row[MAX + 1], i, j, diagonal, above, best;
	size_t n = strlen(b);

	if (n > MAX || strlen(a) > MAX)
		return MAX;
	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 0; a[i]; i++) {
		diagonal = row[0];
		row[0] = i + 1;
		for (j = 0; j < n; j++) {
			above = row[j + 1];
			best = diagonal + (a[i] != b[j]);
			if (above + 1 < best)
				best = above + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			row[j + 1] = best;
			diagonal = above;
		}
	}
	return row[n];
}

static int unknown_command(const char *name)
{
	const char *near = NULL;
	unsigned least = 3, d;
	size_t i;

	for (i = 0; commands[i]; i++) {
		d = distance(name, commands[i]->name);
		if (!commands[i]->internal && d < least) {
			least = d;
			near = commands[i]->name;
		}
	}
	if (near)
		gu_complain(NULL,
			"there is no command '%s'; did you mean '%s'?", name,
			near);
	else
		gu_complain(NULL, "there is no command '%s'; "
			"'gounstrip --help' lists them", name);
	return GU_EXIT_USAGE;
}

/* A full disk or a closed pipe must not look like success. */
static void check_stdout(void)
{
	bool failed = ferror(stdout) != 0;

	errno = 0;
	if (fflush(stdout) == 0 && !failed)
		return;
	gu_complain("standard output", "%s",
		errno ? strerror(errno) : "a write failed");
	_exit(GU_EXIT_FAILED);
}

/*
 * A GDB without Python dies of SIGPIPE if what it pipes its words to ends
 * before it has read them; also where those are refused unread.
 */
static void drain_stdin(void)
{
	char bytes[4096];

	while (!isatty(STDIN_FILENO) &&
		read(STDIN_FILENO, bytes, sizeof bytes) > 0)
		;
}

static int run(const struct gu_command *command, int argc, char **argv)
{
	if (command->internal)
		atexit(drain_stdin);
	return command->run(command, argc, argv);
}

int main(int argc, char **argv)
{
	size_t i;

	atexit(check_stdout);
	if (argc < 2) {
		print_overview(stderr);
		return GU_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
		!strcmp(argv[1], "help")) {
		print_overview(stdout);
		return GU_EXIT_OK;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		print_version();
		return GU_EXIT_OK;
	}
	for (i = 0; commands[i]; i++)
		if (!strcmp(argv[1], commands[i]->name))
			return run(commands[i], argc - 1, argv + 1);
	return unknown_command(argv[1]);
}
