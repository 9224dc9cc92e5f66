/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the tests of the symbol file:
 *   mksym [-4eij] FILE OUT write it; -e: with .eh_frame, -i: .gdb_index,
 *                         -j: in two threads, letting go of the tables
 *   mksym -c [-4] FILE    get it from the cache
 *   mksym -t [-4] FILE    write it and say what it took
 *   mksym -v FILE OUT     check every byte of OUT
 */
#include "engine/emit/symcache.h"
#include "tools/beside.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static int failed(const struct gu_diag *diag, enum gu_status st)
{
	(void)fprintf(stderr, "mksym: %s: %s\n", gu_status_text(st),
		diag->text);
	return 1;
}

static void say(const struct gu_symfile_stats *s, const char *more)
{
	(void)printf("functions=%u files=%u units=%u rows=%" PRIu64
		     " size=%" PRIu64 " dropped=%" PRIu64 "%s\n",
		s->functions, s->files, s->units, s->rows, s->size,
		gu_symfile_dropped(s), more);
}

static enum gu_status verify(const char *path, uint64_t identity,
	struct gu_diag *diag)
{
	int fd = open(path, O_RDONLY);
	struct gu_symfile_stats stats;
	enum gu_status st;

	if (fd < 0)
		return gu_fail(diag, GU_IO, "%s", path);
	st = gu_symfile_check(fd, identity, true, diag, &stats);
	(void)close(fd);
	return st == GU_NOT_FOUND ? gu_fail(diag, st, "damaged") : st;
}

static enum gu_status run(char mode, const struct gu_symfile_opts *opts,
	char **args, struct gu_diag *diag)
{
	struct gu_elf_file *file gu_cleanup(gu_elf_file_closep) = NULL;
	struct gu_module *module gu_cleanup(gu_module_closep) = NULL;
	struct gu_symcache_entry entry;
	struct gu_symfile_stats stats;
	enum gu_status st = gu_elf_file_open(args[0], diag, &file);

	if (!st)
		st = gu_module_open(gu_elf_file_image(file), diag, &module);
	if (st)
		return st;
	switch (mode) {
	case 'c':
		st = gu_symcache_get(module, file, opts, diag, &entry);
		if (!st)
			(void)printf("%s\n%s\n%s\n", entry.path,
				entry.debug_dir,
				entry.cached ? "cached" : "written");
		return st;
	case 'v':
		return verify(args[1], gu_symfile_identity(module, file, opts),
			diag);
	default:
		st = gu_symfile_save(module, file, opts, args[1], diag, &stats);
		if (!st)
			say(&stats, "");
		return st;
	}
}

static void say_time(void)
{
	struct rusage use;

	(void)getrusage(RUSAGE_SELF, &use);
	(void)printf("cpu_ms=%ld rss_kb=%ld\n",
		(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000 +
			(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1000,
		use.ru_maxrss);
}

static void use_two_threads(struct gu_symfile_opts *opts)
{
	opts->jobs = gu_beside;
	opts->last_use = true;
}

int main(int argc, char **argv)
{
	struct gu_symfile_opts opts = gu_symfile_opts();
	struct gu_diag diag = {0};
	enum gu_status st;
	char mode = 'w';
	int opt;

	while ((opt = getopt(argc, argv, "4ceijtv")) != -1) {
		if (opt == '4')
			opts.dwarf_version = 4;
		else if (opt == 'e')
			opts.eh_frame = true;
		else if (opt == 'i')
			opts.gdb_index = true;
		else if (opt == 'j')
			use_two_threads(&opts);
		else if (opt == '?')
			return 2;
		else
			mode = (char)opt;
	}
	if (argc - optind != (mode == 'c' ? 1 : 2)) {
		(void)fprintf(stderr, "usage: mksym [-4ceijtv] FILE [OUT]\n");
		return 2;
	}
	st = run(mode, &opts, argv + optind, &diag);
	if (st)
		return failed(&diag, st);
	if (mode == 't')
		say_time();
	return 0;
}
