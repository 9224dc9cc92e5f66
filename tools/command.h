/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The subcommands of gounstrip: cmd_NAME.c defines one struct gu_command,
 * main.c lists it.
 */
#ifndef GU_TOOLS_COMMAND_H
#define GU_TOOLS_COMMAND_H

#include "engine/base/status.h"

enum {
	GU_EXIT_OK,
	GU_EXIT_FAILED, /* the work could not be done */
	GU_EXIT_USAGE,  /* the command line was wrong */
};

/* Options without a letter are numbered from here. */
enum { GU_OPTION_LONG = 256 };

/* An option: tables end with one whose letter is 0. */
struct gu_option {
	int letter;       /* -e; from GU_OPTION_LONG on: it has none */
	const char *name; /* --exec; NULL if it has none */
	const char *arg;  /* its argument in the help; NULL if it takes none */
	const char *help; /* lines are split by newlines */
};

struct gu_command {
	const char *name;
	const char *brief;    /* one line, lower case, no full stop */
	const char *operands; /* of the usage line: "[OPTION]… FILE" */
	const char *about;    /* what --help says above the options */
	const struct gu_option *options;
	bool internal;        /* for our own scripts: not in the overview */

	/* What is left of the command line, its name at argv[0]; returns a
	 * GU_EXIT_ code. */
	int (*run)(const struct gu_command *self, int argc, char **argv);
};

extern const struct gu_command gu_cmd_info;
extern const struct gu_command gu_cmd_symbols;
extern const struct gu_command gu_cmd_dump;
extern const struct gu_command gu_cmd_addr2line;
extern const struct gu_command gu_cmd_stacks;
extern const struct gu_command gu_cmd_gdb;
extern const struct gu_command gu_cmd_gdb_ask;
extern const struct gu_command gu_cmd_gdb_setup;

/* "gounstrip: SUBJECT: TEXT" on stderr; SUBJECT may be NULL. */
void gu_complain(const char *subject, const char *format, ...)
	GU_PRINTF(2, 3);

/* The same for a failed call of the engine; returns GU_EXIT_FAILED. */
int gu_complain_diag(const char *subject, const struct gu_diag *diag);

#endif
