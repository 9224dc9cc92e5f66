/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gounstrip dump: all that the Go tables say, as text. */
#include "engine/emit/text.h"
#include "tools/input.h"
#include "tools/options.h"
#include "tools/progress.h"

#include <stdio.h>
#include <unistd.h>

enum { OPT_FUNCTIONS = GU_OPTION_LONG, OPT_LINES, OPT_INLINES, OPT_FILES };

static const struct gu_option options[] = {
	{OPT_FUNCTIONS, "functions", NULL,
		"functions: addresses, names, files"},
	{OPT_LINES, "lines", NULL, "lines of each function"},
	{OPT_INLINES, "inlines", NULL, "inlined calls of each function"},
	{OPT_FILES, "files", NULL, "source files"},
	{0},
};

/* One function at a time: the whole text can be many times the table. */
static enum gu_status print_functions(const struct gu_module *module,
	struct gu_text_parts parts, struct gu_buf *buf, struct gu_diag *diag)
{
	enum gu_status status = GU_OK;
	struct gu_progress progress = {0};
	struct gu_func func;
	uint32_t i;

	/* text that runs over the terminal is progress enough */
	if (!isatty(STDOUT_FILENO))
		gu_progress_start(&progress, "printing functions");
	for (i = 0; !status && i < module->tab.nfunc && !ferror(stdout); i++) {
		buf->n = 0;
		status = gu_pclntab_func(&module->tab, i, diag, &func);
		if (!status)
			status = gu_text_function(module, &func, parts, diag,
				buf);
		fwrite(buf->p, 1, buf->n, stdout);
		gu_progress_update(&progress, i, module->tab.nfunc);
	}
	gu_progress_end(&progress);
	return status;
}

static enum gu_status print_files(const struct gu_module *module,
	struct gu_buf *buf, struct gu_diag *diag)
{
	enum gu_status status;

	buf->n = 0;
	status = gu_text_files(module, diag, buf);
	fwrite(buf->p, 1, buf->n, stdout);
	return status;
}

static int run(const struct gu_command *self, int argc, char **argv)
{
	struct gu_text_parts parts = {0};
	struct gu_options parser;
	struct gu_input input;
	struct gu_diag diag;
	struct gu_buf buf;
	enum gu_status status = GU_OK;
	bool files = false, chosen = false;
	const char *path;
	int c;

	gu_options_init(&parser, self, argc, argv);
	while ((c = gu_options_next(&parser)) != -1) {
		chosen = true;
		parts.functions |= c == OPT_FUNCTIONS;
		parts.lines |= c == OPT_LINES;
		parts.inlines |= c == OPT_INLINES;
		files |= c == OPT_FILES;
	}
	path = gu_options_operand(&parser);
	if (!chosen) {
		parts = (struct gu_text_parts){true, true, true};
		files = true;
	}
	if (!gu_input_open(path, &input))
		return GU_EXIT_FAILED;
	gu_buf_init(&buf, false);
	if (parts.inlines)
		status = gu_module_load_inlines(input.module, &diag);
	if (!status && (parts.functions || parts.lines || parts.inlines))
		status = print_functions(input.module, parts, &buf, &diag);
	if (!status && files)
		status = print_files(input.module, &buf, &diag);
	gu_buf_deinit(&buf);
	gu_input_close(&input);
	return status ? gu_complain_diag(path, &diag) : GU_EXIT_OK;
}

const struct gu_command gu_cmd_dump = {
	.name = "dump",
	.brief = "functions, files, lines and inlined calls as stable text",
	.operands = "[OPTION]... FILE",
	.about =
"Print what the Go tables of FILE say: all of it, or the parts that options\n"
"name.",
	.options = options,
	.run = run,
};
