/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fixtures.h"

#include "engine/emit/symfile.h"
#include "tests/unit/tap.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void index_path(char *out, size_t out_size)
{
	const char *fixtures = getenv("GOUNSTRIP_FIXTURES");
	const char *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	static const char tail[] = "gounstrip-tests/fixtures/index.tsv";

	if (fixtures && *fixtures)
		(void)snprintf(out, out_size, "%s/index.tsv", fixtures);
	else if (cache && *cache)
		(void)snprintf(out, out_size, "%s/%s", cache, tail);
	else
		(void)snprintf(out, out_size, "%s/.cache/%s", home ? home : "",
			tail);
}

static bool split_line(char *line, struct fixture *out)
{
	const char **const fields[] = {&out->name, &out->go, &out->goarch,
		&out->mode, &out->strip, &out->full};
	char *rest = line;

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		*fields[i] = strsep(&rest, "\t\n");
		if (!*fields[i])
			return false;
	}
	return line[0] != '#';
}

void fixtures_each(const char *filter,
	void (*visit)(const struct fixture *fixture, void *ctx), void *ctx)
{
	char path[PATH_MAX], line[4 * PATH_MAX];
	bool any = false;
	FILE *index;

	index_path(path, sizeof path);
	index = fopen(path, "re");
	while (index && fgets(line, sizeof line, index)) {
		struct fixture fixture;

		if (!split_line(line, &fixture) ||
			(filter && !strstr(fixture.name, filter)))
			continue;
		any = true;
		visit(&fixture, ctx);
	}
	if (index)
		(void)fclose(index);
	if (!any)
		tap_skip("no fixture %s in %s: run tests/fixtures/build",
			filter ? filter : "", path);
}

bool fixture_symbols(const struct fixture *fixture, bool unaided, char *path)
{
	gu_cleanup(gu_elf_file_closep) struct gu_elf_file *file = NULL;
	gu_cleanup(gu_module_closep) struct gu_module *module = NULL;
	struct gu_symfile_opts opts = gu_symfile_opts();
	struct gu_symfile_stats stats;
	struct gu_diag diag;
	int fd;

	(void)snprintf(path, FIXTURE_PATH, "/tmp/gounstrip-test-XXXXXX");
	fd = mkstemp(path);
	opts.eh_frame = true;
	opts.unaided = unaided;
	return fd >= 0 && close(fd) == 0 &&
		!gu_elf_file_open(fixture->strip, &diag, &file) &&
		!gu_module_open(gu_elf_file_image(file), &diag, &module) &&
		!gu_symfile_save(module, file, &opts, path, &diag, &stats);
}
