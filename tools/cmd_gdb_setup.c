/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gounstrip gdb-setup: the half of "go load", "go unload" and "go status" that
 * GDB's command language cannot do.  It reads what GDB says about itself
 * (gdb_files.h), and leaves in the session folder what GDB is to do
 * ("commands") and what the reader is to know ("modules").  Nothing is left
 * there before everything has succeeded.  docs/gdb-integration.md says why
 * the commands are what they are.
 */
#include "tools/gdb_files.h"
#include "tools/gdb_module.h"
#include "tools/gdb_stub.h"
#include "tools/options.h"
#include "tools/places.h"

#include "engine/base/math.h"
#include "engine/emit/session.h"
#include "engine/emit/text.h"
#include "engine/go/rtvar.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct gu_option options[] = {{0}};

struct setup {
	pid_t gdb;
	enum gu_gdb_symbols symbols; /* what "load" is asked for */
	bool fetched; /* "load" again, with a copy of a remote program */
	struct gu_buf text; /* what files points into */
	struct gu_gdb_files files;
	struct gu_session old; /* what is loaded now */
	struct gu_gdb_module *modules;
	size_t nmodules;
	struct gu_buf commands;
};

static void setup_deinit(struct setup *setup)
{
	for (size_t i = 0; i < setup->nmodules; i++)
		gu_gdb_module_close(&setup->modules[i]);
	free(setup->modules);
	gu_gdb_files_deinit(&setup->files);
	gu_session_deinit(&setup->old);
	gu_buf_deinit(&setup->text);
	gu_buf_deinit(&setup->commands);
}

static enum gu_status read_stdin(struct gu_diag *diag, struct gu_buf *out)
{
	enum { CHUNK = 1 << 16, MAX = 1 << 28 };
	ssize_t n;

	do {
		if (!gu_buf_reserve(out, CHUNK))
			break;
		n = read(STDIN_FILENO, out->p + out->n, CHUNK);
		if (n < 0 && errno != EINTR)
			return gu_fail(diag, GU_IO, "standard input: %s",
				strerror(errno));
		out->n += n > 0 ? (size_t)n : 0;
	} while (n != 0 && out->n < MAX);
	return gu_buf_status(out, diag);
}

/* --- the commands --------------------------------------------------------- */

/*
 * PATH as one word of GDB's (libiberty's buildargv).  The quotes end and begin
 * again after a '$': GDB replaces $argc and $arg0 in all that a user-defined
 * command sources.
 */
static void put_word(struct gu_buf *buf, const char *path)
{
	gu_buf_u8(buf, '"');
	for (; *path; path++) {
		if (*path == '"' || *path == '\\')
			gu_buf_u8(buf, '\\');
		gu_buf_u8(buf, (uint8_t)*path);
		if (*path == '$')
			gu_buf_str(buf, gu_str("\"\""));
	}
	gu_buf_u8(buf, '"');
}

/* Is our reader mapped into GDB?  *stale: the file has been replaced since. */
static bool reader_loaded(pid_t gdb, const char *reader, bool *stale)
{
	static const char deleted[] = " (deleted)\n";
	char path[64], real[PATH_MAX], *line = NULL;
	size_t size = 0, n;
	bool loaded = false;
	ssize_t len;
	FILE *maps;

	(void)snprintf(path, sizeof path, "/proc/%jd/maps", (intmax_t)gdb);
	maps = fopen(path, "re");
	if (!maps || !realpath(reader, real)) {
		if (maps)
			(void)fclose(maps);
		return false;
	}
	n = strlen(real);
	while (!loaded && (len = getline(&line, &size, maps)) > 0) {
		char *at = strchr(line, '/');

		if (!at || strncmp(at, real, n) != 0)
			continue;
		*stale = strcmp(at + n, deleted) == 0;
		loaded = *stale || strcmp(at + n, "\n") == 0;
	}
	free(line);
	(void)fclose(maps);
	return loaded;
}

/*
 * Before GDB 13 the API had no number for arm64's pc (GDB gdb/aarch64-tdep.c),
 * and GDB takes a wrong one for a bug of its own, and stops.
 */
static void put_reader_load(struct setup *setup, const char *reader)
{
	bool arm64 = false;

	for (size_t i = 0; i < setup->nmodules; i++)
		arm64 = arm64 ||
			setup->modules[i].go->image->arch == GU_ARCH_ARM64;
	if (arm64)
		gu_buf_printf(&setup->commands,
			"if $_gdb_major < 13\n"
			"echo gounstrip: unwinding arm64 needs GDB 13\\n\n"
			"else\n");
	gu_buf_printf(&setup->commands, "jit-reader-load %s\n", reader);
	if (arm64)
		gu_buf_printf(&setup->commands, "end\n");
}

static struct gu_str file_name(struct gu_str path)
{
	size_t n = path.n;

	while (n > 0 && path.p[n - 1] != '/')
		n--;
	return (struct gu_str){path.p + n, path.n - n};
}

/* "server (go1.24.4)", "server (go1.24.4, debug information in PATH)" */
static void put_module(const struct setup *setup,
	const struct gu_gdb_module *module, struct gu_buf *line)
{
	struct gu_str path = gu_str(module->path);

	if (module->unpacked || (setup->fetched && module->is_exec))
		path = gu_gdb_exec_path(&setup->files, &setup->old);
	path = file_name(path);
	gu_buf_printf(line, "%.*s (", GU_STR(path));
	gu_gdb_module_put_version(module, line);
	if (module->unpacked)
		gu_buf_printf(line, ", from memory");
	if (strcmp(module->debug_info, module->path) == 0)
		gu_buf_printf(line, ", has debug information");
	else if (*module->debug_info)
		gu_buf_printf(line, ", debug information in %s",
			module->debug_info);
	gu_buf_u8(line, ')');
}

/* "gounstrip: server (go1.24.4), libx.so (go1.24.4): " */
static void put_names(const struct setup *setup, struct gu_buf *line)
{
	gu_buf_init(line, false);
	gu_buf_printf(line, "gounstrip: ");
	for (size_t i = 0; i < setup->nmodules; i++) {
		if (i)
			gu_buf_printf(line, ", ");
		put_module(setup, &setup->modules[i], line);
	}
	gu_buf_printf(line, ": ");
}

/* Have GDB print LINE, which is done with. */
static void put_line(struct setup *setup, struct gu_buf *line)
{
	if (!line->failed)
		gu_text_echo(&setup->commands, (struct gu_str){
			(const char *)line->p, line->n});
	gu_buf_deinit(line);
}

/*
 * Before GDB 16 a stop whose source file cannot be opened crashes it, and in 10
 * so does every frame that is left to GDB (docs/gdb-integration.md), once a
 * reader has given symbols.
 */
static const char jit_test[] = "if $_gdb_major < 16\n";
static const char no_jit[] =
	"this GDB may crash on symbols that a reader gives "
	"(16 and later do not)";

static bool has_inject(const struct setup *setup)
{
	for (size_t i = 0; i < setup->nmodules; i++)
		if (setup->modules[i].inject)
			return true;
	return false;
}

/* Has the reader given symbols?  It takes them back when it is unloaded. */
static bool had_inject(const struct setup *setup)
{
	for (size_t i = 0; i < setup->old.nmodules; i++)
		if (setup->old.modules[i].inject)
			return true;
	return false;
}

static void file_in_session(const struct setup *setup, const char *name,
	char *out, size_t out_size)
{
	size_t n;

	gu_session_path(setup->gdb, out, out_size);
	n = strlen(out);
	(void)snprintf(out + n, out_size - n, "/%s", name);
}

/* What GDB is to show if it does not ask the reader for symbols. */
static enum gu_status put_no_reply(struct setup *setup, struct gu_diag *diag)
{
	gu_cleanup(gu_buf_deinit) struct gu_buf reply;

	gu_buf_init(&reply, false);
	gu_text_echo(&reply, gu_str("gounstrip: GDB has not asked the reader "
		"for symbols"));
	gu_buf_str(&reply, gu_str("remove-symbol-file gounstrip\n"));
	return gu_session_put(setup->gdb, "reply", &reply, diag);
}

/*
 * GDB 18 looks for a line only in symbols of the section that the pc is in, and
 * what a reader gives belongs to none: it is found if GDB knows no sections of
 * the program, which has no symbols anyway.  But C code is unwound by its
 * .eh_frame.
 */
static bool can_forget_sections(const struct gu_gdb_module *module)
{
	const struct gu_image *image = gu_elf_file_image(module->file);

	return !image->nsections ||
		(module->is_exec && !gu_image_section(image, ".eh_frame") &&
			!gu_elf_file_traits(module->file).has_symtab);
}

static void put_forget_sections(struct setup *setup)
{
	struct gu_buf *buf = &setup->commands;

	gu_buf_printf(buf, "if $_gdb_major > 16\n");
	for (size_t i = 0; i < setup->nmodules; i++) {
		const struct gu_gdb_module *module = &setup->modules[i];
		struct gu_buf line;

		if (!module->inject)
			continue;
		if (can_forget_sections(module)) {
			if (setup->files.symbols.n &&
				gu_elf_file_image(module->file)->nsections)
				gu_buf_printf(buf, "symbol-file\n");
			continue;
		}
		gu_buf_init(&line, false);
		gu_buf_printf(&line, "gounstrip: %s: functions without lines, "
			"as this GDB shows a reader's lines only where it "
			"knows no sections", strrchr(module->path, '/') + 1);
		put_line(setup, &line);
	}
	gu_buf_printf(buf, "end\n");
}

/*
 * GDB asks the reader for symbols when that is loaded while the stub is there,
 * and then keeps them, without the stub, until the program ends.
 */
static enum gu_status put_reader_and_stub(struct setup *setup,
	const char *reader, struct gu_diag *diag)
{
	struct gu_buf *buf = &setup->commands;
	char stub[PATH_MAX], reply[PATH_MAX];
	struct gu_buf line;
	enum gu_status st;

	file_in_session(setup, "stub", stub, sizeof stub);
	file_in_session(setup, "reply", reply, sizeof reply);
	st = gu_gdb_stub_write(setup->modules[0].file, stub, diag);
	if (!st)
		st = put_no_reply(setup, diag);
	if (st)
		return st;
	gu_buf_printf(buf, "%s", jit_test);
	put_reader_load(setup, reader);
	put_names(setup, &line);
	gu_buf_printf(&line, "frames only, as %s", no_jit);
	put_line(setup, &line);
	gu_buf_printf(buf, "else\n");
	put_forget_sections(setup);
	gu_buf_printf(buf,
		"pipe -d gounstrip-end -- add-symbol-file %s gounstrip-end "
		"cat >/dev/null\n"
		"pipe -d gounstrip-end -- with trust-readonly-sections on -- "
		"jit-reader-load %s gounstrip-end cat >/dev/null\n"
		"pipe -d gounstrip-end -- remove-symbol-file %s gounstrip-end "
		"cat >/dev/null\n"
		"source %s\n"
		"end\n", stub, reader, stub, reply);
	return GU_OK;
}

static enum gu_status put_reader(struct setup *setup, bool wanted,
	struct gu_diag *diag)
{
	struct gu_place reader;
	bool stale = false, loaded;
	enum gu_status st = gu_place_reader(diag, &reader);

	if (st)
		return wanted ? st : GU_OK;
	loaded = reader_loaded(setup->gdb, reader.path, &stale);
	stale = stale || had_inject(setup) || has_inject(setup);
	if (loaded && (stale || !wanted))
		gu_buf_printf(&setup->commands, "jit-reader-unload\n");
	if (wanted && has_inject(setup))
		return put_reader_and_stub(setup, reader.path, diag);
	if (wanted && (!loaded || stale))
		put_reader_load(setup, reader.path);
	return GU_OK;
}

/* Is PATH, which a session names, the program itself? */
static bool is_exec(const struct setup *setup, const char *path)
{
	return gu_str_eq(gu_gdb_exec_path(&setup->files, &setup->old),
		gu_str(path));
}

/*
 * Take back the symbol files of libraries that are still there.  The program's
 * own is not GDB's to remove, even if another inferior has it open.
 */
static void put_removals(struct setup *setup)
{
	for (size_t i = 0; i < setup->old.nmodules; i++) {
		const struct gu_session_module *module = &setup->old.modules[i];

		if (!module->added ||
			!gu_gdb_files_open(&setup->files, module->symfile))
			continue;
		gu_buf_printf(&setup->commands, "remove-symbol-file ");
		put_word(&setup->commands, module->symfile);
		gu_buf_u8(&setup->commands, '\n');
	}
}

/* Give GDB the program's own symbols, such as they are, for our file's. */
static enum gu_status put_program_back(struct setup *setup,
	struct gu_diag *diag)
{
	for (size_t i = 0; i < setup->old.nmodules; i++) {
		const struct gu_session_module *module = &setup->old.modules[i];
		enum gu_status st;
		uint64_t bias;

		if (!(*module->symfile ||
			(module->inject && !setup->files.symbols.n &&
				!has_inject(setup))) ||
			!is_exec(setup, module->file))
			continue;
		st = gu_gdb_exec_bias(&setup->files, module->file, diag, &bias);
		if (st)
			return st;
		gu_buf_printf(&setup->commands,
			"if $_gounstrip_bare\n"
			"set $_gounstrip_bare = 0\n"
			"symbol-file\n"
			"else\n"
			"symbol-file -o 0x%" PRIx64 " ", bias);
		put_word(&setup->commands, module->file);
		gu_buf_printf(&setup->commands, "\nend\n");
	}
	return GU_OK;
}

/*
 * GDB up to 16 offers each symbol's name to the demanglers of all its
 * languages: half of the time that 119,000 functions take to load.  A Go
 * program that is linked statically has no name that needs it.
 */
static bool has_go_names_only(const struct gu_gdb_module *module)
{
	struct gu_elf_traits traits = gu_elf_file_traits(module->file);

	return !traits.has_dynamic && !traits.has_symtab;
}

/*
 * In a pipe: add-symbol-file would say what it did even when nobody is asked,
 * and GDB would warn that the language is not the frame's.
 */
static void put_symbols(struct setup *setup, const struct gu_gdb_module *module)
{
	struct gu_buf *buf = &setup->commands;

	if (!*module->symfile.path)
		return;
	if (module->is_exec) {
		/* or GDB 10 and 13 stay with what main was called before */
		gu_buf_printf(buf, "exec-file ");
		put_word(buf, module->path);
		gu_buf_u8(buf, '\n');
	}
	/* what "go unload" is to go back to */
	if (module->is_exec && !setup->files.symbols.n && !had_inject(setup))
		gu_buf_printf(buf, "set $_gounstrip_bare = 1\n");
	gu_buf_printf(buf, "pipe -d gounstrip-end -- ");
	if (module->attach)
		gu_buf_printf(buf, "with debug-file-directory %s -- ",
			module->symfile.debug_dir);
	if (has_go_names_only(module))
		gu_buf_printf(buf, "with demangle-style none -- ");
	gu_buf_printf(buf, module->is_exec ? "symbol-file " :
		"add-symbol-file ");
	put_word(buf, module->attach ? module->path : module->symfile.path);
	gu_buf_printf(buf, " -o 0x%" PRIx64 " gounstrip-end cat >/dev/null\n",
		module->bias);
}

/* --- load ----------------------------------------------------------------- */

/* "server (go1.24.4), libx.so (go1.24.4): 3120 functions, …" */
static void put_summary(struct setup *setup, const struct timespec *start)
{
	unsigned long functions = 0, files = 0, dropped = 0;
	bool cached = true, symbols = false;
	struct timespec now;
	struct gu_buf line;

	for (size_t i = 0; i < setup->nmodules; i++) {
		const struct gu_gdb_module *module = &setup->modules[i];

		if (!*module->symfile.path)
			continue;
		symbols = true;
		cached = cached && module->symfile.cached;
		functions += module->symfile.stats.functions;
		files += module->symfile.stats.files;
		dropped += (unsigned long)gu_symfile_dropped(
			&module->symfile.stats);
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	put_names(setup, &line);
	if (symbols)
		gu_buf_printf(&line, "%lu functions, %lu files, %.2f s%s",
			functions, files,
			(double)(now.tv_sec - start->tv_sec) +
				(double)(now.tv_nsec - start->tv_nsec) / 1e9,
			cached ? ", cached" : "");
	else
		gu_buf_printf(&line, "frames only");
	if (dropped)
		gu_buf_printf(&line, "; left out for bad data: %lu", dropped);
	put_line(setup, &line);
}

static enum gu_status write_session(struct setup *setup, struct gu_diag *diag)
{
	struct gu_session session = {0};
	struct gu_buf none;
	enum gu_status st;

	session.modules = calloc(setup->nmodules + 1, sizeof *session.modules);
	if (!session.modules)
		return gu_fail(diag, GU_NO_MEMORY, "no memory for %zu modules",
			setup->nmodules);
	for (size_t i = 0; i < setup->nmodules; i++) {
		struct gu_gdb_module *module = &setup->modules[i];

		/* borrowed: not for gu_session_deinit */
		session.modules[session.nmodules++] =
			(struct gu_session_module){
				.file = module->path,
				.symfile = module->symfile.path,
				.bias = module->bias,
				.lo = module->go->lo + module->bias,
				.hi = module->go->hi + module->bias,
				.inject = module->inject,
				.added = *module->symfile.path &&
					!module->is_exec,
			};
	}
	gu_buf_init(&none, false);
	st = gu_session_put(setup->gdb, "ended", &none, diag);
	if (!st)
		st = gu_session_write(setup->gdb, &session, diag);
	free(session.modules);
	/*
	 * "ended" is there from now on.  GDB 10 (11 and 12 were not tried)
	 * reads all scripts into one buffer, and "thread apply all bt" in one
	 * would go on with what "ended" has there.
	 */
	gu_buf_printf(&setup->commands,
		"set $_gounstrip_session = $_gdb_major >= 13\n");
	return st;
}

static enum gu_status open_modules(struct setup *setup, struct gu_diag *diag)
{
	const struct gu_gdb_state gdb = {&setup->files, &setup->old,
		setup->gdb, setup->symbols, setup->fetched};
	size_t all = setup->files.nlibs + 1;
	enum gu_status st;

	setup->modules = calloc(all, sizeof *setup->modules);
	if (!setup->modules)
		return gu_fail(diag, GU_NO_MEMORY, "no memory for %zu modules",
			all);
	for (size_t i = 0; i < all; i++) {
		st = gu_gdb_module_open(&gdb, i, diag,
			&setup->modules[setup->nmodules]);
		if (gu_is_error(st))
			return st;
		setup->nmodules += st == GU_OK;
	}
	if (setup->nmodules)
		return GU_OK;
	st = gu_gdb_module_unpack(&gdb, diag, &setup->modules[0]);
	if (gu_is_error(st))
		return st;
	setup->nmodules += st == GU_OK;
	if (!setup->nmodules)
		return gu_fail(diag, GU_NOT_FOUND,
			"found no Go code in %.*s, nor in shared objects that "
			"it has loaded so far",
			GU_STR(gu_gdb_exec_path(&setup->files, &setup->old)));
	return GU_OK;
}

/* Is the program to have a symbol file? */
static bool has_program_symbols(const struct setup *setup)
{
	for (size_t i = 0; i < setup->nmodules; i++)
		if (setup->modules[i].is_exec &&
			*setup->modules[i].symfile.path)
			return true;
	return false;
}

static const char *const symbols_words[] = {
	[GU_GDB_SYMBOLS_MISSING] = "",
	[GU_GDB_SYMBOLS_FILE] = "=-symbols",
	[GU_GDB_SYMBOLS_JIT] = "=-jit",
};

/*
 * A program that only the remote side has: GDB is to copy it here, and to ask
 * us again.
 */
static bool put_fetch(struct setup *setup)
{
	const struct gu_gdb_state gdb = {&setup->files, &setup->old,
		setup->gdb, setup->symbols, setup->fetched};
	struct gu_buf *buf = &setup->commands, line;
	char path[PATH_MAX], local[PATH_MAX];
	struct gu_str remote;

	if (setup->fetched || !gu_gdb_remote_path(&gdb, &remote, local) ||
		remote.n >= sizeof path)
		return false;
	memcpy(path, remote.p, remote.n);
	path[remote.n] = '\0';
	gu_buf_init(&line, false);
	gu_buf_printf(&line, "gounstrip: fetching %s from the remote side; to "
		"spare that, name a local copy with 'file PATH'", path);
	put_line(setup, &line);
	gu_buf_printf(buf, "pipe -d gounstrip-end -- remote get ");
	put_word(buf, path);
	gu_buf_u8(buf, ' ');
	put_word(buf, local);
	gu_buf_printf(buf, " gounstrip-end cat >/dev/null\n"
		"gounstrip-do fetched-load%s\n",
		symbols_words[setup->symbols]);
	return true;
}

static enum gu_status load(struct setup *setup, struct gu_diag *diag)
{
	struct timespec start;
	enum gu_status st;

	if (put_fetch(setup))
		return GU_OK;
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	st = open_modules(setup, diag);
	if (!st && !has_program_symbols(setup))
		st = put_program_back(setup, diag);
	if (st)
		return st;
	put_removals(setup);
	st = put_reader(setup, true, diag);
	if (st)
		return st;
	for (size_t i = 0; i < setup->nmodules; i++)
		put_symbols(setup, &setup->modules[i]);
	if (!has_inject(setup)) /* else the reader says it */
		put_summary(setup, &start);
	return write_session(setup, diag);
}

/* --- unload, status ------------------------------------------------------- */

static enum gu_status unload(struct setup *setup, struct gu_diag *diag)
{
	enum gu_status st = put_reader(setup, false, diag);

	if (st)
		return st;
	put_removals(setup);
	st = put_program_back(setup, diag);
	if (st)
		return st;
	return write_session(setup, diag);
}

/* A run-time address of MODULE that has a line, if it can be told; or 0. */
static uint64_t address_with_line(const struct gu_session_module *module)
{
	gu_cleanup(gu_elf_file_closep) struct gu_elf_file *file = NULL;
	gu_cleanup(gu_module_closep) struct gu_module *go = NULL;
	struct gu_func func;

	if (gu_elf_file_open(module->file, NULL, &file) ||
		gu_module_open(gu_elf_file_image(file), NULL, &go))
		return 0;
	for (uint32_t i = 0; i < go->tab.nfunc; i++)
		if (!gu_pclntab_func(&go->tab, i, NULL, &func) &&
			gu_pcvalue_at(&go->tab, &func, func.pcln,
				func.entry) > 0)
			return func.entry + module->bias;
	return 0;
}

static void put_status(struct setup *setup,
	const struct gu_session_module *module, const char *symbols)
{
	struct gu_buf line;

	gu_buf_init(&line, false);
	gu_buf_printf(&line, "gounstrip: %s at 0x%" PRIx64 "-0x%" PRIx64
		", symbols: %s", module->file, module->lo, module->hi, symbols);
	if (*module->symfile &&
		!gu_gdb_files_open(&setup->files, module->symfile))
		gu_buf_printf(&line, " (dropped: 'go load' again)");
	put_line(setup, &line);
}

/* "GDB's own, in PATH" */
static void put_debug_info_status(struct setup *setup,
	const struct gu_session_module *module)
{
	gu_cleanup(gu_elf_file_closep) struct gu_elf_file *file = NULL;
	char from[PATH_MAX], text[PATH_MAX + 16];

	if (gu_elf_file_open(module->file, NULL, &file) ||
		!gu_gdb_debug_info(&setup->files, &setup->old, file,
			module->file, from))
		(void)snprintf(text, sizeof text, "none");
	else
		(void)snprintf(text, sizeof text, "GDB's own, in %s", from);
	put_status(setup, module, text);
}

/* GDB drops them when the program ends, and tells nobody. */
static void put_inject_status(struct setup *setup,
	const struct gu_session_module *module)
{
	struct gu_buf *buf = &setup->commands;

	gu_buf_printf(buf, "%s", jit_test);
	put_status(setup, module, "none");
	gu_buf_printf(buf, "else\n"
		"pipe info line *0x%" PRIx64 " | grep -q '^No line'\n"
		"if $_shell_exitcode\n", address_with_line(module));
	put_status(setup, module, "by the reader");
	gu_buf_printf(buf, "else\n");
	put_status(setup, module, "none (dropped with the process: "
		"'go load -jit' again)");
	gu_buf_printf(buf, "end\nend\n");
}

/* Has the module goroutines of its own?  Plugins share the program's. */
static bool has_goroutines(const char *path)
{
	gu_cleanup(gu_elf_file_closep) struct gu_elf_file *file = NULL;
	gu_cleanup(gu_module_closep) struct gu_module *go = NULL;
	struct gu_rtvars vars = {.lastpoll = 0};

	return !gu_elf_file_open(path, NULL, &file) &&
		!gu_module_open(gu_elf_file_image(file), NULL, &go) &&
		!gu_rtvars_find(go, NULL, &vars) && vars.addr[GU_RTVAR_ALLGS];
}

static void put_runtimes(struct setup *setup)
{
	size_t n = 0;

	for (size_t i = 0; i < setup->old.nmodules; i++)
		n += setup->old.nmodules > 1 &&
			has_goroutines(setup->old.modules[i].file);
	if (n > 1)
		gu_text_echo(&setup->commands, gu_str("gounstrip: more than "
			"one Go runtime: 'go runtime' shows whose goroutines "
			"are listed"));
}

static enum gu_status status(struct setup *setup, struct gu_diag *diag)
{
	struct gu_place reader;
	bool stale = false;

	if (!setup->old.nmodules)
		gu_text_echo(&setup->commands, gu_str(
			"gounstrip: nothing is loaded; 'go load' does that"));
	for (size_t i = 0; i < setup->old.nmodules; i++) {
		const struct gu_session_module *module = &setup->old.modules[i];

		if (module->inject)
			put_inject_status(setup, module);
		else if (*module->symfile)
			put_status(setup, module, module->symfile);
		else
			put_debug_info_status(setup, module);
	}
	if (setup->old.nmodules && !gu_place_reader(diag, &reader))
		gu_text_echo(&setup->commands, gu_str(
			reader_loaded(setup->gdb, reader.path, &stale)
				? "gounstrip: frames: by the reader"
				: "gounstrip: frames: by GDB alone"));
	put_runtimes(setup);
	return GU_OK;
}

/* --- the command ---------------------------------------------------------- */

static const struct {
	const char *name;
	enum gu_status (*run)(struct setup *setup, struct gu_diag *diag);
	enum gu_gdb_symbols symbols;
} verbs[] = {
	{"load", load, GU_GDB_SYMBOLS_MISSING},
	{"load=-symbols", load, GU_GDB_SYMBOLS_FILE},
	{"load=-jit", load, GU_GDB_SYMBOLS_JIT},
	{"unload", unload, GU_GDB_SYMBOLS_MISSING},
	{"status", status, GU_GDB_SYMBOLS_MISSING},
};

static enum gu_status do_verb(struct setup *setup, size_t verb,
	struct gu_diag *diag)
{
	enum gu_status st;

	gu_session_sweep();
	st = read_stdin(diag, &setup->text);
	if (!st)
		st = gu_gdb_files_parse((struct gu_str){
			(const char *)setup->text.p, setup->text.n}, diag,
			&setup->files);
	if (!st)
		st = gu_session_make(setup->gdb, diag);
	if (st)
		return st;
	/* a session that cannot be read is one to be replaced */
	if (gu_session_read(setup->gdb, NULL, &setup->old))
		setup->old = (struct gu_session){0};
	setup->symbols = verbs[verb].symbols;
	st = verbs[verb].run(setup, diag);
	return st ? st : gu_session_put(setup->gdb, "commands",
		&setup->commands, diag);
}

static int run(const struct gu_command *self, int argc, char **argv)
{
	/* gounstrip.gdb replaces the shell between GDB and us (exec) */
	struct setup setup = {.gdb = getppid()};
	struct gu_options parsed;
	struct gu_diag diag;
	const char *name;
	enum gu_status st;
	size_t verb = 0;

	gu_options_init(&parsed, self, argc, argv);
	while (gu_options_next(&parsed) != -1)
		;
	name = gu_options_operand(&parsed);
	setup.fetched = strncmp(name, "fetched-", 8) == 0;
	if (setup.fetched)
		name += 8;
	while (verb < GU_COUNT(verbs) && strcmp(name, verbs[verb].name) != 0)
		verb++;
	if (verb == GU_COUNT(verbs) && strncmp(name, "load=", 5) == 0) {
		gu_complain(NULL, "'go load' knows -symbols and -jit, one of "
			"them, not '%s'", name + 5);
		return GU_EXIT_USAGE;
	}
	if (verb == GU_COUNT(verbs))
		return gu_usage_error(self, "'%s' is none of load, "
			"load=-symbols, load=-jit, unload, status", name);
	gu_buf_init(&setup.text, false);
	gu_buf_init(&setup.commands, false);
	st = do_verb(&setup, verb, &diag);
	setup_deinit(&setup);
	return st ? gu_complain_diag(NULL, &diag) : GU_EXIT_OK;
}

const struct gu_command gu_cmd_gdb_setup = {
	.name = "gdb-setup",
	.brief = "what gounstrip.gdb calls",
	.operands = "load[=-symbols|=-jit]|unload|status <FILES",
	.about = "Reads GDB's 'info files' and 'maintenance info bfds', and "
		 "leaves in the session\nfolder of the GDB that called it what "
		 "that is to do next.",
	.options = options,
	.internal = true,
	.run = run,
};
