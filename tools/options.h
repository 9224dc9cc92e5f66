/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line of a subcommand, from its table of options.  The letters
 * are elfutils' (-e FILE, -p PID, --core FILE) wherever the meaning is the
 * same.
 */
#ifndef GU_TOOLS_OPTIONS_H
#define GU_TOOLS_OPTIONS_H

#include "tools/command.h"

#include <getopt.h>

enum { GU_OPTIONS_MAX = 32 };

struct gu_options {
	const struct gu_command *command;
	int argc;
	char **argv;
	char letters[3 * GU_OPTIONS_MAX];
	struct option names[GU_OPTIONS_MAX + 2];
	const char *arg; /* of the option that was returned last */
};

void gu_options_init(struct gu_options *options,
	const struct gu_command *command, int argc, char **argv);

/*
 * The letter of the next option; -1 after the last: the operands begin at
 * argv[optind].  --help prints the help and exits; a wrong option is reported
 * and exits with GU_EXIT_USAGE.
 */
int gu_options_next(struct gu_options *options);

/*
 * The one operand; reports and exits with GU_EXIT_USAGE if there is none or
 * more than one.
 */
const char *gu_options_operand(const struct gu_options *options);

/* Report a wrong command line, and where the help is; GU_EXIT_USAGE. */
int gu_usage_error(const struct gu_command *command, const char *format, ...)
	GU_PRINTF(2, 3);

/*
 * The unsigned number in TEXT, decimal or 0x…; false if TEXT is anything
 * else.  HEX: digits without 0x are hexadecimal.
 */
bool gu_parse_number(const char *text, bool hex, uint64_t *out);

#endif
