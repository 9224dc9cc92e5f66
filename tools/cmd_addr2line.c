/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gounstrip addr2line: the answers of binutils' addr2line, from the Go tables.
 *
 * An address between two functions (padding, C code) is in none: "??".
 */
#include "engine/emit/text.h"
#include "tools/input.h"
#include "tools/options.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct gu_option options[] = {
	{'e', "exe", "FILE", "the program"},
	{'f', "functions", NULL, "print the function's name too"},
	{'i', "inlines", NULL, "print the callers of inlined calls too"},
	{'a', "addresses", NULL, "print the address first"},
	{'s', "basenames", NULL, "print files without their folders"},
	{'p', "bias", "BIAS",
		"addresses are those of a process that mapped\n"
		"FILE at BIAS (hexadecimal): it is subtracted"},
	{0},
};

struct query {
	struct gu_input input;
	bool functions, inlines, addresses, basenames;
	uint64_t bias;
};

static struct gu_str base_name(struct gu_str path)
{
	size_t i;

	for (i = path.n; i > 0; i--)
		if (path.p[i - 1] == '/')
			return (struct gu_str){path.p + i, path.n - i};
	return path;
}

static void put_call(const struct query *query, const struct gu_call *call,
	struct gu_buf *out)
{
	if (query->functions) {
		if (call->name.n)
			gu_text_escape(out, call->name);
		else
			gu_buf_str(out, gu_str("??"));
		gu_buf_u8(out, '\n');
	}
	gu_text_place(out,
		query->basenames ? base_name(call->file) : call->file,
		call->line);
	gu_buf_u8(out, '\n');
}

/* The calls at ADDR, innermost first; one that is empty if it is in none. */
static size_t find_calls(const struct query *query, uint64_t addr,
	struct gu_call calls[GU_CALLS_MAX])
{
	const struct gu_module *module = query->input.module;
	struct gu_func func;
	size_t n;

	calls[0] = (struct gu_call){0};
	if (gu_pclntab_find(&module->tab, addr, NULL, &func) ||
		addr >= gu_func_end(&module->tab, &func))
		return 1;
	if (!gu_module_calls(module, &func, addr, calls, GU_CALLS_MAX, NULL,
			&n))
		return n;
	calls[0] = (struct gu_call){.name = gu_func_name(&module->tab, &func)};
	return 1;
}

static void answer(const struct query *query, uint64_t addr, struct gu_buf *out)
{
	struct gu_call calls[GU_CALLS_MAX];
	size_t n = find_calls(query, addr - query->bias, calls), i;

	out->n = 0;
	if (query->addresses)
		gu_buf_printf(out, "0x%0*" PRIx64 "\n",
			query->input.module->tab.ptr_size * 2, addr);
	for (i = 0; i < (query->inlines ? n : 1); i++)
		put_call(query, &calls[i], out);
	fwrite(out->p, 1, out->n, stdout);
}

/*
 * Every line gets its answer, or a reader at the other end loses step: what is
 * no address is taken as 0, as binutils does.
 */
static int answer_stdin(const struct query *query, struct gu_buf *out)
{
	int code = GU_EXIT_OK;
	uint64_t addr;
	char *line = NULL, *p;
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&line, &size, stdin)) > 0 && !ferror(stdout)) {
		while (n > 0 && isspace((unsigned char)line[n - 1]))
			line[--n] = '\0';
		for (p = line; isspace((unsigned char)*p); p++)
			continue;
		if (!gu_parse_number(p, true, &addr)) {
			gu_complain("standard input",
				"'%s' is no hexadecimal address", p);
			code = GU_EXIT_FAILED;
			addr = 0;
		}
		answer(query, addr, out);
		fflush(stdout);
	}
	free(line);
	return code;
}

/* The addresses of the command line are checked before any is answered. */
static int check_operands(const struct gu_command *self, int argc, char **argv)
{
	uint64_t addr;
	int i;

	for (i = optind; i < argc; i++)
		if (!gu_parse_number(argv[i], true, &addr))
			return gu_usage_error(self,
				"'%s' is no hexadecimal address", argv[i]);
	return GU_EXIT_OK;
}

static int answer_all(struct query *query, int argc, char **argv)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) out;
	uint64_t addr;
	int i;

	gu_buf_init(&out, false);
	if (optind == argc)
		return answer_stdin(query, &out);
	for (i = optind; i < argc; i++)
		if (gu_parse_number(argv[i], true, &addr))
			answer(query, addr, &out);
	return GU_EXIT_OK;
}

static int run(const struct gu_command *self, int argc, char **argv)
{
	struct gu_options parser;
	struct query query = {0};
	const char *path = NULL;
	int c, code;

	gu_options_init(&parser, self, argc, argv);
	while ((c = gu_options_next(&parser)) != -1) {
		if (c == 'e')
			path = parser.arg;
		if (c == 'p' && !gu_parse_number(parser.arg, true, &query.bias))
			return gu_usage_error(self, "'%s' is no bias: a "
				"hexadecimal number was expected", parser.arg);
		query.functions |= c == 'f';
		query.inlines |= c == 'i';
		query.addresses |= c == 'a';
		query.basenames |= c == 's';
	}
	if (!path)
		return gu_usage_error(self, "no program was named with -e");
	code = check_operands(self, argc, argv);
	if (code)
		return code;
	if (!gu_input_open(path, &query.input))
		return GU_EXIT_FAILED;
	code = answer_all(&query, argc, argv);
	gu_input_close(&query.input);
	return code;
}

const struct gu_command gu_cmd_addr2line = {
	.name = "addr2line",
	.brief = "functions, files and lines of addresses",
	.operands = "-e FILE [OPTION]... [ADDR]...",
	.about =
"Print file and line of each ADDR (hexadecimal, with or without 0x), as\n"
"addr2line of binutils does; without an ADDR, of each line of standard input.\n"
"An ADDR is taken as it is: of a return address give the address before it.\n"
"Unlike in binutils, -p is not for pretty output, and -e has no default.",
	.options = options,
	.run = run,
};
