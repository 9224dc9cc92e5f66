/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gounstrip symbols: write the symbol file of a program, or find it cached. */
#include "engine/emit/debuglink.h"
#include "engine/emit/symcache.h"
#include "tools/beside.h"
#include "tools/compress.h"
#include "tools/input.h"
#include "tools/options.h"
#include "tools/progress.h"

#include <malloc.h>
#include <stdio.h>

enum { OPT_DWARF = GU_OPTION_LONG, OPT_INSTALL, OPT_BASIC,
	OPT_EH_FRAME, OPT_GDB_INDEX,
	OPT_DEBUGLINK, OPT_COMPRESS };

static const struct gu_option options[] = {
	{'o', "output", "OUT", "write it to OUT, not into the cache"},
	{OPT_INSTALL, "install", "DIR",
		"write it to DIR/.build-id/xx/yyyy.debug"},
	{OPT_DEBUGLINK, "debuglink", "COPY",
		"with -o: also copy FILE to COPY, which names OUT"},
	{OPT_BASIC, "basic", NULL,
		"functions and lines only: half the size and time"},
	{OPT_EH_FRAME, "eh-frame", NULL, "frame info as .eh_frame as well"},
	{OPT_GDB_INDEX, "gdb-index", NULL,
		"an index of names too, for GDB 13 to 16"},
	{OPT_COMPRESS, "compress", "HOW",
		"compress DWARF: zlib, zstd or none (the default)"},
	{OPT_DWARF, "dwarf", "N", "version of DWARF: 5 (the default) or 4"},
	{0},
};

/* Bad data in a program is its owner's to know. */
static void say_dropped(const char *path, const struct gu_symfile_stats *stats)
{
	struct gu_buf text;

	if (gu_symfile_dropped(stats) == 0)
		return;
	gu_buf_init(&text, false);
	gu_symfile_put_dropped(stats, &text);
	gu_complain(path, "left out, as what describes them is bad: %.*s",
		(int)text.n, (const char *)text.p);
	gu_buf_deinit(&text);
}

/*
 * To the file OUT, with a COPY of the program that names it (unless NULL), or
 * into the folder DIR, or (both NULL) into the cache.
 */
static int write_symbols(const char *path, const char *out, const char *copy,
	const char *dir, const struct gu_symfile_opts *opts)
{
	struct gu_symcache_entry entry;
	struct gu_symfile_stats stats;
	enum gu_status status;
	struct gu_input input;
	struct gu_diag diag;

	if (!gu_input_open(path, &input))
		return GU_EXIT_FAILED;
	status = out ? gu_symfile_save(input.module, input.file, opts, out,
			       &diag, &stats)
		: dir ? gu_symcache_install(input.module, input.file, opts, dir,
				&diag, &entry)
		     : gu_symcache_get(input.module, input.file, opts, &diag,
			       &entry);
	gu_input_close(&input);
	if (!status && copy)
		status = gu_debuglink_copy(path, out, copy, &diag);
	gu_progress_end(opts->ctx);
	if (status)
		return gu_complain_diag(path, &diag);
	say_dropped(path, out ? &stats : &entry.stats);
	puts(out ? out : entry.path);
	return GU_EXIT_OK;
}

/*
 * Growing buffers are remapped, not copied, and what is freed is given back:
 * glibc would do neither any more after the first large one is freed, as then
 * its threshold (mallopt(3), the default's value) adapts.
 */
static void keep_memory_small(void)
{
#ifdef M_MMAP_THRESHOLD
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
#endif
}

static int run(const struct gu_command *self, int argc, char **argv)
{
	struct gu_symfile_opts opts = gu_symfile_opts();
	struct gu_progress progress;
	struct gu_options parser;
	const char *out = NULL, *dir = NULL, *copy = NULL;
	uint64_t version;
	int c;

	gu_options_init(&parser, self, argc, argv);
	while ((c = gu_options_next(&parser)) != -1) {
		if (c == 'o')
			out = parser.arg;
		if (c == OPT_INSTALL)
			dir = parser.arg;
		if (c == OPT_DEBUGLINK)
			copy = parser.arg;
		if (c == OPT_BASIC)
			opts.basic = true;
		if (c == OPT_EH_FRAME)
			opts.eh_frame = true;
		if (c == OPT_GDB_INDEX)
			opts.gdb_index = true;
		if (c == OPT_COMPRESS &&
			!gu_compress_by(parser.arg, &opts))
			return gu_usage_error(self, "compression '%s': zlib, "
				"zstd or none was expected", parser.arg);
		if (c != OPT_DWARF)
			continue;
		if (!gu_parse_number(parser.arg, false, &version) ||
			version < 4 || version > 5)
			return gu_usage_error(self,
				"DWARF version '%s': 4 or 5 was expected",
				parser.arg);
		opts.dwarf_version = (unsigned)version;
	}
	if (out && dir)
		return gu_usage_error(self,
			"--output and --install name two places");
	if (opts.compression.type && opts.gdb_index)
		return gu_usage_error(self,
			"--gdb-index shares its names with what --compress "
			"compresses: only one of them");
	if (copy && !out)
		return gu_usage_error(self,
			"--debuglink needs --output: the file that COPY names");
	gu_progress_start(&progress, "writing symbols");
	opts.progress = gu_progress_update;
	opts.ctx = &progress;
	opts.jobs = gu_beside_if_useful();
	opts.last_use = true;
	opts.unaided = out || dir; /* else for "go load" */
	keep_memory_small();
	return write_symbols(gu_options_operand(&parser), out, copy, dir,
		&opts);
}

const struct gu_command gu_cmd_symbols = {
	.name = "symbols",
	.brief = "write a symbol file (ELF with .symtab and DWARF)",
	.operands = "[OPTION]... FILE",
	.about =
"Write the functions, files, lines, inlined calls and types of FILE, and the\n"
"runtime's variables, as an ELF file with .symtab and DWARF, for GDB's\n"
"add-symbol-file, perf, addr2line and others, and print its path.  By default\n"
"it is kept in $XDG_CACHE_HOME/gounstrip.\n"
"\n"
"With --install it is a separate debug file, which GDB, lldb and elfutils\n"
"find by its build id when DIR is among their debug-file-directories, and\n"
"which \"debuginfod -F DIR\" serves to a fleet.  With --debuglink it is found\n"
"without a build id: by its name in a copy of FILE.",
	.options = options,
	.run = run,
};
