/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gounstrip gdb: GDB with gounstrip.gdb sourced and the program loaded. */
#include "tools/options.h"
#include "tools/places.h"

#include "engine/base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct gu_option options[] = {{0}};

enum { OWN_ARGS = 16 }; /* more than what build_argv puts before ARGS */

/*
 * GDB's command line.  FILES: the program, then a core or a process; ARGS: the
 * program's arguments.
 */
static void build_argv(char *gdb, char *source, char **files, int nfiles,
	char **args, int nargs, char **out)
{
	static char ex[] = "-ex", load[] = "go load", with_args[] = "--args";

	*out++ = gdb;
	*out++ = ex;
	*out++ = source;
	*out++ = ex;
	*out++ = load;
	if (nargs)
		*out++ = with_args;
	while (nfiles--)
		*out++ = *files++;
	while (nargs--)
		*out++ = *args++;
	*out = NULL;
}

static int run_gdb(char **files, int nfiles, char **args, int nargs)
{
	static char default_gdb[] = "gdb";
	char source[sizeof "source " + PATH_MAX], **argv;
	char *gdb = getenv("GDB");
	struct gu_place tool, script;
	struct gu_diag diag;

	if (gu_place_tool(&diag, &tool) || gu_place_script(&diag, &script))
		return gu_complain_diag("gdb", &diag);
	if (!gdb || !*gdb)
		gdb = default_gdb;
	(void)snprintf(source, sizeof source, "source %s", script.path);
	argv = calloc((size_t)nargs + OWN_ARGS, sizeof *argv);
	/* gounstrip.gdb is to call this very gounstrip */
	if (argv && setenv("GOUNSTRIP", tool.path, 1) == 0) {
		build_argv(gdb, source, files, nfiles, args, nargs, argv);
		(void)execvp(gdb, argv);
	}
	gu_complain("gdb", "%s: %s; $GDB can name another GDB", gdb,
		strerror(errno));
	free(argv);
	return GU_EXIT_FAILED;
}

static int run(const struct gu_command *self, int argc, char **argv)
{
	struct gu_options parsed;
	int own = 1, nargs;

	/* what follows "--" is the program's, whatever it looks like */
	while (own < argc && strcmp(argv[own], "--") != 0)
		own++;
	nargs = argc - own - 1;
	gu_options_init(&parsed, self, own, argv);
	while (gu_options_next(&parsed) != -1)
		;
	if (optind == own)
		return gu_usage_error(self, "no program was named");
	if (own - optind > 2)
		return gu_usage_error(self, "'%s' is one file too many",
			argv[optind + 2]);
	if (own - optind == 2 && nargs > 0)
		return gu_usage_error(self, "arguments are for a program that "
			"is to be started, not for a core or a process");
	return run_gdb(argv + optind, own - optind, argv + own + 1,
		nargs > 0 ? nargs : 0);
}

const struct gu_command gu_cmd_gdb = {
	.name = "gdb",
	.brief = "start GDB with a stripped Go program loaded",
	.operands = "PROGRAM [CORE|PID] [-- ARGUMENT...]",
	.about =
"Start GDB (or $GDB) on PROGRAM, on its CORE, or on the process PID that\n"
"runs it, and give it functions, files and lines, as 'go load' does.",
	.options = options,
	.run = run,
};
