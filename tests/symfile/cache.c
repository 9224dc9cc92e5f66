/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cache of symbol files: what is found there is used only if it is what it
 * should be; several processes may write at once; it stays within its size; and
 * a folder that cannot be used is said so, not worked around.
 */
#include "engine/emit/symcache.h"
#include "tests/unit/fixtures.h"
#include "tests/unit/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WRITERS = 6 };

struct opened {
	struct gu_elf_file *file;
	struct gu_module *module;
};

static struct gu_symfile_opts opts;
static char root[] = "/tmp/gounstrip-test-XXXXXX";

static bool open_fixture(const struct fixture *fixture, struct opened *out)
{
	struct gu_diag diag;

	*out = (struct opened){NULL, NULL};
	return is_status(gu_elf_file_open(fixture->strip, &diag, &out->file),
		       GU_OK, &diag, "%s opens", fixture->name) &&
		is_status(gu_module_open(gu_elf_file_image(out->file), &diag,
				  &out->module),
			GU_OK, &diag, "its Go module opens");
}

static void close_fixture(struct opened *opened)
{
	gu_module_close(opened->module);
	gu_elf_file_close(opened->file);
}

static enum gu_status get(const struct opened *opened, struct gu_diag *diag,
	struct gu_symcache_entry *entry)
{
	return gu_symcache_get(opened->module, opened->file, &opts, diag,
		entry);
}

static void is_whole(const struct opened *opened, const char *path,
	const char *what)
{
	uint64_t id = gu_symfile_identity(opened->module, opened->file, &opts);
	struct gu_symfile_stats stats;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	ok(fd >= 0 && gu_symfile_check(fd, id, true, NULL, &stats) == GU_OK,
		"%s", what);
	if (fd >= 0)
		(void)close(fd);
}

/* Invert the byte at OFF (from the end if negative) of PATH. */
static void spoil(const char *path, off_t off)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat info;
	uint8_t byte;

	if (fd < 0 || fstat(fd, &info) != 0)
		exit(99);
	if (off < 0)
		off += info.st_size;
	if (pread(fd, &byte, 1, off) != 1)
		exit(99);
	byte = (uint8_t)~byte;
	if (pwrite(fd, &byte, 1, off) != 1 || close(fd) != 0)
		exit(99);
}

static void test_damage(const struct opened *opened)
{
	/* ELF header, program headers and notes, section table */
	static const off_t places[] = {0, 5, 16, 40, 100, 300, -1, -1000};
	struct gu_symcache_entry entry;
	struct gu_symfile_stats first;
	struct gu_diag diag;
	char link[sizeof entry.path + 8];

	if (!is_status(get(opened, &diag, &entry), GU_OK, &diag, "written"))
		return;
	first = entry.stats;
	ok(!entry.cached, "it was not there before");
	is_whole(opened, entry.path, "what was written is whole");
	is_status(get(opened, &diag, &entry), GU_OK, &diag, "found");
	ok(entry.cached, "it is there now");
	is_int(entry.stats.functions, first.functions, "with its functions");
	is_int(entry.stats.files, first.files, "files");
	is_int(entry.stats.units, first.units, "units");
	is_int(entry.stats.types, first.types, "types");
	is_int(entry.stats.rows, first.rows, "rows");
	is_int(entry.stats.size, first.size, "and size");

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		spoil(entry.path, places[i]);
		is_status(get(opened, &diag, &entry), GU_OK, &diag,
			"byte %ld damaged", (long)places[i]);
		ok(!entry.cached, "which is noticed");
		is_whole(opened, entry.path, "and mended");
	}
	if (truncate(entry.path, (off_t)entry.stats.size - 1) != 0)
		exit(99);
	is_status(get(opened, &diag, &entry), GU_OK, &diag, "cut");
	ok(!entry.cached, "which is noticed");

	spoil(entry.path, (off_t)entry.stats.size / 2);
	is_status(get(opened, &diag, &entry), GU_OK, &diag, "body damaged");
	ok(entry.cached, "which only a full check sees");

	(void)snprintf(link, sizeof link, "%s.old", entry.path);
	if (rename(entry.path, link) != 0 || mkdir(entry.path, 0700) != 0)
		exit(99);
	is_status(get(opened, &diag, &entry), GU_INVALID, &diag,
		"a folder in its place");
	says(&diag, "not a regular file", "the reason");
	if (rmdir(entry.path) != 0 || unlink(link) != 0)
		exit(99);
}

static void test_writers(const struct opened *opened)
{
	struct gu_symcache_entry entry;
	struct gu_diag diag;
	int good = 0;

	for (int i = 0; i < WRITERS; i++)
		if (fork() == 0) {
			/*
			 * its own descriptor is not needed: reads have offsets
			 */
			bool fine = get(opened, NULL, &entry) == GU_OK;

			_exit(fine ? 0 : 1);
		}
	for (int i = 0; i < WRITERS; i++) {
		int status;

		(void)wait(&status);
		good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	is_int(good, WRITERS, "writers at once");
	is_status(get(opened, &diag, &entry), GU_OK, &diag, "found");
	ok(entry.cached, "one of them has written it");
	is_whole(opened, entry.path, "and it is whole");
}

static void test_size(const struct opened *a, const struct opened *b)
{
	struct gu_symcache_entry first, second;
	struct gu_diag diag;
	char other[sizeof root + 16];
	FILE *out;

	(void)snprintf(other, sizeof other, "%s/other.debug", root);
	out = fopen(other, "we");
	if (!out || fputs("not ours\n", out) < 0 || fclose(out) != 0)
		exit(99);
	(void)setenv("GOUNSTRIP_CACHE_SIZE", "1K", 1);
	is_status(get(a, &diag, &first), GU_OK, &diag, "one file");
	is_status(get(b, &diag, &second), GU_OK, &diag, "another one");
	ok(access(second.path, R_OK) == 0, "the new one is kept");
	ok(access(first.path, R_OK) != 0, "the old one has made place");
	ok(access(other, R_OK) == 0, "a file that is not ours is kept");
	(void)setenv("GOUNSTRIP_CACHE_SIZE", "1T", 1);
	is_status(get(a, &diag, &first), GU_INVALID, &diag, "a bad size");
	says(&diag, "GOUNSTRIP_CACHE_SIZE is \"1T\"", "the reason");
	(void)unsetenv("GOUNSTRIP_CACHE_SIZE");
}

/* A file in FOLDER that is three hours old. */
static void make_old(const char *folder, const char *name, char *out,
	size_t size)
{
	struct timespec times[2] = {{.tv_sec = time(NULL) - 3L * 60 * 60}};
	FILE *file;

	times[1] = times[0];
	(void)snprintf(out, size, "%s/%s", folder, name);
	file = fopen(out, "we");
	if (!file || fclose(file) != 0 ||
		utimensat(AT_FDCWD, out, times, 0) != 0)
		exit(99);
}

/* What writers that were ended have left goes; what is not ours stays. */
static void test_rests(const struct opened *opened)
{
	struct gu_symcache_entry entry;
	struct gu_diag diag;
	char folder[sizeof root + 16], ours[sizeof folder + 32];
	char other[sizeof folder + 32];

	(void)snprintf(folder, sizeof folder, "%s/a.debug.d", root);
	if (mkdir(folder, 0700) != 0)
		exit(99);
	make_old(folder, "ab.debug.1-0.tmp", ours, sizeof ours);
	make_old(folder, "other.tmp", other, sizeof other);
	(void)setenv("GOUNSTRIP_CACHE_DIR", folder, 1);
	is_status(get(opened, &diag, &entry), GU_OK, &diag, "another folder");
	ok(access(ours, R_OK) != 0, "an old rest of a writer is removed");
	ok(access(other, R_OK) == 0, "a temporary file of others is kept");
	(void)unlink(other);
	(void)setenv("GOUNSTRIP_CACHE_DIR", root, 1);
}

static void test_folders(const struct opened *opened)
{
	struct gu_symcache_entry entry;
	struct gu_diag diag;
	char path[sizeof root + 32];

	(void)unsetenv("GOUNSTRIP_CACHE_DIR");
	(void)unsetenv("XDG_CACHE_HOME");
	(void)unsetenv("HOME");
	is_status(get(opened, &diag, &entry), GU_IO, &diag, "no folder at all");
	says(&diag, "none of GOUNSTRIP_CACHE_DIR", "the reason");
	(void)setenv("HOME", "/dev/null", 1);
	is_status(get(opened, &diag, &entry), GU_IO, &diag, "no home");
	says(&diag, "/dev/null/.cache", "the reason");
	(void)setenv("GOUNSTRIP_CACHE_DIR", "relative", 1);
	is_status(get(opened, &diag, &entry), GU_INVALID, &diag, "relative");
	(void)unsetenv("GOUNSTRIP_CACHE_DIR");
	(void)setenv("HOME", root, 1);
	(void)setenv("XDG_CACHE_HOME", "not-from-the-root", 1);
	is_status(get(opened, &diag, &entry), GU_OK, &diag, "in the home");
	(void)snprintf(path, sizeof path, "%s/.cache/gounstrip/", root);
	ok(strncmp(entry.path, path, strlen(path)) == 0, "%s", entry.path);
	(void)snprintf(path, sizeof path, "%s/xdg", root);
	(void)setenv("XDG_CACHE_HOME", path, 1);
	is_status(get(opened, &diag, &entry), GU_OK, &diag, "in XDG's");
	(void)snprintf(path, sizeof path, "%s/xdg/gounstrip/", root);
	ok(strncmp(entry.path, path, strlen(path)) == 0, "%s", entry.path);
}

/* No temporary file may be left anywhere below DIR. */
static int leftovers(const char *dir)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	int n = 0;

	while (stream && (entry = readdir(stream))) {
		char path[4096];

		if (strcmp(entry->d_name, ".") == 0 ||
			strcmp(entry->d_name, "..") == 0)
			continue;
		(void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
		n += strstr(entry->d_name, ".tmp") != NULL;
		n += leftovers(path);
	}
	if (stream)
		(void)closedir(stream);
	return n;
}

struct pair {
	struct opened opened[2];
	int n;
};

static void take(const struct fixture *fixture, void *ctx)
{
	struct pair *pair = ctx;

	if (pair->n < 2 && open_fixture(fixture, &pair->opened[pair->n]))
		pair->n++;
}

int main(void)
{
	struct pair pair = {.n = 0};
	char command[sizeof root + 16];

	opts = gu_symfile_opts();
	if (!mkdtemp(root))
		return 99;
	(void)setenv("GOUNSTRIP_CACHE_DIR", root, 1);
	(void)unsetenv("GOUNSTRIP_CACHE_SIZE");
	fixtures_each("go1.27-amd64-", take, &pair);
	if (pair.n == 2) {
		test_damage(&pair.opened[0]);
		test_writers(&pair.opened[1]);
		test_size(&pair.opened[0], &pair.opened[1]);
		test_rests(&pair.opened[0]);
		test_folders(&pair.opened[0]);
		is_int(leftovers(root), 0, "temporary files left");
	}
	for (int i = 0; i < pair.n; i++)
		close_fixture(&pair.opened[i]);
	(void)snprintf(command, sizeof command, "rm -rf %s", root);
	/* NOLINTNEXTLINE(cert-env33-c): a name of our own making */
	return system(command) == 0 ? tap_done() : 99;
}
