/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The texts are GDB 10 to 18's (exec.c: print_section_info; corefile.c,
 * inf-child.c, remote.c: files_info; gdb_bfd.c: print_one_bfd).
 */
#include "tools/gdb_files.h"

#include <stdlib.h>

enum block { OTHER, EXEC, CORE, PROCESS, REMOTE };

/* The next line of *rest, without its end. */
static struct gu_str next_line(struct gu_str *rest)
{
	const char *end = memchr(rest->p, '\n', rest->n);
	struct gu_str line = *rest;

	if (end)
		line.n = (size_t)(end - rest->p);
	rest->p += line.n + (end != NULL);
	rest->n -= line.n + (end != NULL);
	return line;
}

/* Step over PREFIX if *s begins with it. */
static bool skip(struct gu_str *s, const char *prefix)
{
	struct gu_str p = gu_str(prefix);

	if (!gu_str_starts(*s, p))
		return false;
	s->p += p.n;
	s->n -= p.n;
	return true;
}

static bool ends_with(struct gu_str s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.n >= n && memcmp(s.p + s.n - n, suffix, n) == 0;
}

/* Where NEEDLE begins in S, S.n if it does not; the last one if LAST. */
static size_t find(struct gu_str s, const char *needle, bool last)
{
	size_t n = strlen(needle), found = s.n;

	for (size_t i = 0; i + n <= s.n; i++) {
		if (memcmp(s.p + i, needle, n) != 0)
			continue;
		found = i;
		if (!last)
			break;
	}
	return found;
}

static bool skip_hex(struct gu_str *s, uint64_t *out)
{
	uint64_t value = 0;
	size_t digits = 0;

	if (!skip(s, "0x"))
		return false;
	for (; s->n && digits < 16; digits++, s->p++, s->n--) {
		char c = *s->p;

		if (c >= '0' && c <= '9')
			value = value << 4 | (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (unsigned)(c - 'a' + 10);
		else
			break;
	}
	*out = value;
	return digits > 0;
}

/* The number that ends in the digits before LINE's ")." or "."; 0 if none. */
static int last_number(struct gu_str line)
{
	uint64_t value = 0, scale = 1;

	while (line.n && (line.p[line.n - 1] == '.' ||
				 line.p[line.n - 1] == ')'))
		line.n--;
	for (; line.n && scale <= 1000000000; line.n--, scale *= 10) {
		char c = line.p[line.n - 1];

		if (c < '0' || c > '9')
			break;
		value += scale * (unsigned)(c - '0');
	}
	return value <= INT32_MAX ? (int)value : 0;
}

static enum block block_of(struct gu_str line)
{
	if (gu_str_starts(line, gu_str("Local exec file:")))
		return EXEC;
	if (gu_str_starts(line, gu_str("Local core dump file:")))
		return CORE;
	if (gu_str_starts(line, gu_str("Native process:")))
		return PROCESS;
	/* "Remote target using gdb-specific protocol:" (12 and later),
	 * "Remote serial target in gdb-specific protocol:", "Extended remote
	 * …" */
	if (find(line, "gdb-specific protocol", false) < line.n)
		return REMOTE;
	return OTHER;
}

static enum gu_status line_break(struct gu_diag *diag)
{
	return gu_fail(diag, GU_BAD_DATA,
		"GDB names a file with a line break in it, which it cannot be "
		"told back: rename the file");
}

/* "`PATH', file type elf64-x86-64." after the tab. */
static enum gu_status parse_path(struct gu_str line, struct gu_diag *diag,
	struct gu_str *out)
{
	size_t end = find(line, "', file type ", true);

	if (end == line.n)
		return line_break(diag);
	line.n = end;
	(void)skip(&line, "`");
	*out = line;
	return GU_OK;
}

static struct gu_gdb_file *lib_of(struct gu_gdb_files *files,
	struct gu_str path)
{
	struct gu_gdb_file *libs;

	/* all sections of a file follow one another */
	if (files->nlibs &&
		gu_str_eq(files->libs[files->nlibs - 1].path, path))
		return &files->libs[files->nlibs - 1];
	libs = realloc(files->libs, (files->nlibs + 1) * sizeof *libs);
	if (!libs)
		return NULL;
	files->libs = libs;
	libs[files->nlibs] = (struct gu_gdb_file){.path = path};
	return &libs[files->nlibs++];
}

/* "LO - HI is NAME" or "LO - HI is NAME in PATH"; other lines are skipped. */
static enum gu_status parse_section(struct gu_str line, struct gu_diag *diag,
	struct gu_gdb_files *files)
{
	struct gu_gdb_file *file = &files->exec;
	struct gu_str name, path = {0};
	uint64_t lo, hi;
	size_t in;

	if (!skip_hex(&line, &lo) || !skip(&line, " - ") ||
		!skip_hex(&line, &hi) || !skip(&line, " is "))
		return GU_OK;
	in = find(line, " in ", false);
	name = (struct gu_str){line.p, in};
	if (in < line.n) {
		path = (struct gu_str){line.p + in + 4, line.n - in - 4};
		file = lib_of(files, path);
	}
	if (!file)
		return gu_fail(diag, GU_NO_MEMORY,
			"no memory for the list of shared objects");
	/* .tbss has no place of its own in memory: it is shown first */
	if (!file->section.n || gu_str_eq(file->section, gu_str(".tbss")) ||
		gu_str_eq(name, gu_str(".text"))) {
		file->section = name;
		file->addr = lo;
	}
	return GU_OK;
}

static enum gu_status parse_detail(enum block block, struct gu_str line,
	struct gu_diag *diag, struct gu_gdb_files *files)
{
	bool is_path = gu_str_starts(line, gu_str("`"));

	switch (block) {
	case EXEC:
		return is_path ? parse_path(line, diag, &files->exec.path)
			       : parse_section(line, diag, files);
	case CORE:
		return is_path ? parse_path(line, diag, &files->core) : GU_OK;
	case PROCESS:
		if (gu_str_starts(line, gu_str("Using the running image of ")))
			files->task = last_number(line);
		return GU_OK;
	case REMOTE:
	case OTHER:
		break;
	}
	return GU_OK;
}

/* The number that S begins with; 0 if there is none or it is large. */
static unsigned number_of(struct gu_str s)
{
	unsigned n = 0;

	for (; s.n && *s.p >= '0' && *s.p <= '9' && n < 1000; s.p++, s.n--)
		n = n * 10 + (unsigned)(*s.p - '0');
	return n < 1000 ? n : 0;
}

enum gu_status gu_gdb_files_parse(struct gu_str text, struct gu_diag *diag,
	struct gu_gdb_files *out)
{
	gu_cleanup(gu_gdb_files_deinit) struct gu_gdb_files files = {0};
	enum block block = OTHER;
	enum gu_status st;

	while (text.n) {
		struct gu_str line = next_line(&text);

		if (gu_str_starts(line, gu_str("Refcount"))) {
			files.bfds = text;
			*out = files;
			files = (struct gu_gdb_files){0};
			return GU_OK;
		}
		if (skip(&line, "\t")) {
			st = parse_detail(block, line, diag, &files);
			if (st)
				return st;
		} else if (skip(&line, "GNU gdb ")) {
			files.version = number_of(line);
		} else if (skip(&line, "Symbols from \"")) {
			if (!ends_with(line, "\"."))
				return line_break(diag);
			line.n -= 2;
			files.symbols = line;
		} else if (line.n) {
			block = block_of(line);
			files.remote = files.remote || block == REMOTE;
		}
	}
	return gu_fail(diag, GU_BAD_DATA,
		"found no list of files on standard input; this command is for "
		"gounstrip.gdb");
}

void gu_gdb_files_deinit(struct gu_gdb_files *files)
{
	free(files->libs);
	*files = (struct gu_gdb_files){0};
}

/* Step over a word and the blanks behind it. */
static void skip_column(struct gu_str *s)
{
	for (; s->n && *s->p != ' '; s->p++, s->n--)
		;
	for (; s->n && *s->p == ' '; s->p++, s->n--)
		;
}

bool gu_gdb_files_next_open(struct gu_str *rest, struct gu_str *out)
{
	struct gu_str line;

	if (!rest->n)
		return false;
	line = next_line(rest);
	skip_column(&line); /* Refcount */
	skip_column(&line); /* Address */
	while (line.n && line.p[line.n - 1] == ' ')
		line.n--;
	*out = line;
	return true;
}

bool gu_gdb_files_open(const struct gu_gdb_files *files, const char *path)
{
	struct gu_str rest = files->bfds, open;

	while (gu_gdb_files_next_open(&rest, &open))
		if (gu_str_eq(open, gu_str(path)))
			return true;
	return false;
}
