/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/options.h"

#include "engine/base/math.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP = GU_OPTION_LONG + 1000 };

static const struct gu_option help_option = {
	HELP, "help", NULL, "this text"};

static void add_name(struct gu_options *options, size_t *n,
	const struct gu_option *option)
{
	if (!option->name)
		return;
	options->names[(*n)++] = (struct option){option->name,
		option->arg ? required_argument : no_argument, NULL,
		option->letter};
}

void gu_options_init(struct gu_options *options,
	const struct gu_command *command, int argc, char **argv)
{
	const struct gu_option *option = command->options;
	char *letter = options->letters;
	size_t n = 0;

	*options = (struct gu_options){
		.command = command, .argc = argc, .argv = argv};
	*letter++ = ':';
	for (; option->letter && n < GU_OPTIONS_MAX - 1; option++) {
		add_name(options, &n, option);
		if (option->letter >= GU_OPTION_LONG)
			continue;
		*letter++ = (char)option->letter;
		if (option->arg)
			*letter++ = ':';
	}
	add_name(options, &n, &help_option);
	opterr = 0;
	optind = 0;
}

static void print_option(const struct gu_option *option)
{
	char text[64], letter[8] = "    ";
	const char *arg = option->arg ? option->arg : "", *p;

	if (option->letter < GU_OPTION_LONG)
		(void)snprintf(letter, sizeof letter, "-%c%s", option->letter,
			option->name ? ", " : "  ");
	if (option->name)
		(void)snprintf(text, sizeof text, "%s--%s%s%s", letter,
			option->name, *arg ? "=" : "", arg);
	else
		(void)snprintf(text, sizeof text, "%s%s", letter, arg);
	printf("  %-24s ", text);
	for (p = option->help; *p; p++)
		if (*p == '\n')
			printf("\n%27s", "");
		else
			putchar(*p);
	putchar('\n');
}

static void print_help(const struct gu_command *command)
{
	const struct gu_option *option;

	printf("Usage: gounstrip %s %s\n\n%s\n\n", command->name,
		command->operands, command->about);
	for (option = command->options; option->letter; option++)
		print_option(option);
	print_option(&help_option);
}

int gu_options_next(struct gu_options *options)
{
	const char *word;
	int c = getopt_long(options->argc, options->argv, options->letters,
		options->names, NULL);

	options->arg = optarg;
	if (c == HELP) {
		print_help(options->command);
		exit(GU_EXIT_OK);
	}
	if (c != '?' && c != ':')
		return c;
	word = options->argv[optind > 0 ? optind - 1 : 0];
	if (c == ':')
		exit(gu_usage_error(options->command,
			"option '%s' needs an argument", word));
	if (optopt > 0 && optopt < GU_OPTION_LONG)
		exit(gu_usage_error(options->command, "unknown option '-%c'",
			optopt));
	exit(gu_usage_error(options->command, "%s option '%s'",
		optopt ? "no argument is taken by" : "unknown", word));
}

const char *gu_options_operand(const struct gu_options *options)
{
	if (options->argc - optind == 1)
		return options->argv[optind];
	if (options->argc - optind < 1)
		exit(gu_usage_error(options->command, "no file was named"));
	exit(gu_usage_error(options->command,
		"one file at a time, not '%s' too", options->argv[optind + 1]));
}

int gu_usage_error(const struct gu_command *command, const char *format, ...)
{
	char text[GU_DIAG_TEXT];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	gu_complain(command->name, "%s; try 'gounstrip %s --help'", text,
		command->name);
	return GU_EXIT_USAGE;
}

bool gu_parse_number(const char *text, bool hex, uint64_t *out)
{
	bool prefix = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = prefix ? text + 2 : text;
	int base = hex || prefix ? 16 : 10;
	unsigned long long value;
	char *end;

	/* strtoull would take blanks, signs and a second 0x. */
	if (!*digits || strspn(digits, base == 16 ? "0123456789abcdefABCDEF"
						  : "0123456789") !=
			strlen(digits))
		return false;
	errno = 0;
	value = strtoull(digits, &end, base);
	if (errno || *end)
		return false;
	*out = value;
	return true;
}
