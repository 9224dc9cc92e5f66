/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/symcache.h"

#include "engine/base/vec.h"
#include "engine/emit/elf_writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	DEPTH_MAX = 5,      /* folders below the cache's:
			       dwarf4/basic/.build-id/xx */
	TEMP_AGE = 60 * 60, /* seconds after which a writer's rest is rubbish */
};
static const uint64_t default_size = UINT64_C(2) << 30;

/* Add text to PATH (of SIZE bytes); false if it does not fit. */
static bool extend(char *path, size_t size, const char *format, ...)
	GU_PRINTF(3, 4);
static bool extend(char *path, size_t size, const char *format, ...)
{
	size_t used = strlen(path);
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(path + used, size - used, format, args);
	va_end(args);
	return n >= 0 && (size_t)n < size - used;
}

/* The cache's folder, by the environment. */
static enum gu_status cache_dir(char *out, size_t size, struct gu_diag *diag)
{
	const char *dir = getenv("GOUNSTRIP_CACHE_DIR");
	const char *below = "";

	if (!dir || !*dir) {
		/* XDG base directory specification: none that is relative */
		dir = getenv("XDG_CACHE_HOME");
		below = "/gounstrip";
	}
	if (!dir || (*below && *dir != '/')) {
		dir = getenv("HOME");
		below = "/.cache/gounstrip";
	}
	if (!dir || !*dir) {
		errno = 0;
		return gu_fail(diag, GU_IO,
			"there is no folder for the cache: none of "
			"GOUNSTRIP_CACHE_DIR, XDG_CACHE_HOME and HOME is set");
	}
	if (*dir != '/') /* GDB may stand elsewhere when it opens the file */
		return gu_fail(diag, GU_INVALID,
			"the cache's folder must be given from the root: "
			"\"%s\" is not", dir);
	*out = '\0';
	if (!extend(out, size, "%s%s", dir, below)) {
		errno = ENAMETOOLONG;
		return gu_fail(diag, GU_IO, "the cache's folder has too long "
			"a name");
	}
	return GU_OK;
}

static enum gu_status cache_size(uint64_t *out, struct gu_diag *diag)
{
	const char *text = getenv("GOUNSTRIP_CACHE_SIZE");
	static const char units[] = "KMG";
	const char *unit;
	uint64_t size;
	char *end;

	*out = default_size;
	if (!text || !*text)
		return GU_OK;
	errno = 0;
	size = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit &&
		!gu_mul(size, UINT64_C(1) << 10 * (unit - units + 1), &size))
		errno = ERANGE;
	if (errno || *text < '0' || *text > '9' ||
		(*end && (!unit || end[1])))
		return gu_fail(diag, GU_INVALID,
			"GOUNSTRIP_CACHE_SIZE is \"%s\": expected a number of "
			"bytes, with K, M or G behind it if wanted", text);
	*out = size;
	return GU_OK;
}

/* Make the folders that PATH, of a file, needs, with MODE if they are new. */
static enum gu_status make_dirs(const char *path, mode_t mode,
	struct gu_diag *diag)
{
	char dir[4096] = "";

	for (const char *slash = strchr(path + 1, '/'); slash;
		slash = strchr(slash + 1, '/')) {
		memcpy(dir, path, (size_t)(slash - path));
		dir[slash - path] = '\0';
		if (mkdir(dir, mode) != 0 && errno != EEXIST && errno != EISDIR)
			return gu_fail(diag, GU_IO,
				"the folder %s cannot be made: %s", dir,
				strerror(errno));
	}
	return GU_OK;
}

/* Append where a debug-file-directory has the file with that build id. */
static bool extend_build_id(char *path, size_t size, struct gu_str id)
{
	bool ok = extend(path, size, "/.build-id/%02x/", (uint8_t)id.p[0]);

	for (size_t i = 1; ok && i < id.n; i++)
		ok = extend(path, size, "%02x", (uint8_t)id.p[i]);
	return ok && extend(path, size, ".debug");
}

/* Where the symbol file of that identity lies; also entry->debug_dir. */
static enum gu_status entry_path(const struct gu_elf_file *file,
	const struct gu_symfile_opts *opts, uint64_t identity,
	struct gu_diag *diag, struct gu_symcache_entry *entry)
{
	struct gu_str id = gu_elf_file_build_id(file);
	char *path = entry->path;
	size_t size = sizeof entry->path;
	enum gu_status st = cache_dir(path, size, diag);
	bool ok;

	if (st)
		return st;
	ok = opts->dwarf_version == 5 ||
		extend(path, size, "/dwarf%u", opts->dwarf_version);
	ok = ok && (!opts->basic || extend(path, size, "/basic"));
	if (id.n > 1) {
		memcpy(entry->debug_dir, path, sizeof entry->debug_dir);
		ok = ok && extend_build_id(path, size, id);
	} else {
		ok = ok && extend(path, size, "/by-table/%016" PRIx64 ".debug",
			identity);
	}
	if (ok)
		return GU_OK;
	errno = ENAMETOOLONG;
	return gu_fail(diag, GU_IO, "the cache's folder has too long a name");
}

/* True if the file at PATH can be used; then it counts as used now. */
static bool usable(const char *path, uint64_t identity,
	struct gu_symfile_stats *stats)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool ok;

	if (fd < 0)
		return false;
	ok = !gu_symfile_check(fd, identity, false, NULL, stats);
	if (ok)
		(void)futimens(fd, NULL);
	(void)close(fd);
	return ok;
}

/* A symbol file in the cache. */
struct old {
	struct timespec used;
	uint64_t size;
	char *path;
};

struct sweep {
	struct old *files;
	uint32_t n, cap;
	uint64_t total;
	time_t now;
};

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

/* Only a file of ours is ever removed, wherever the cache was put. */
static bool is_ours(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct gu_elf_seal seal;
	bool ours;

	if (fd < 0)
		return false;
	ours = !gu_elf_seal_read(fd, false, NULL, &seal);
	(void)close(fd);
	return ours;
}

/* Is it what gu_outfile_open calls a file that is to be one of ours? */
static bool is_rest(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name : path;
	return ends_with(name, ".tmp") && strstr(name, ".debug.");
}

static void sweep_file(struct sweep *sweep, const char *path,
	const struct stat *info)
{
	if (is_rest(path) && info->st_mtime < sweep->now - TEMP_AGE)
		(void)unlink(path);
	if (!ends_with(path, ".debug") || !is_ours(path) ||
		!gu_vec_room(&sweep->files, &sweep->cap, sweep->n))
		return;
	sweep->files[sweep->n] = (struct old){info->st_mtim,
		(uint64_t)info->st_size, strdup(path)};
	if (!sweep->files[sweep->n].path)
		return;
	sweep->total += (uint64_t)info->st_size;
	sweep->n++;
}

static void sweep_dir(struct sweep *sweep, const char *dir, int depth)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		char path[4096] = "";
		struct stat info;

		if (strcmp(entry->d_name, ".") == 0 ||
			strcmp(entry->d_name, "..") == 0 ||
			!extend(path, sizeof path, "%s/%s", dir,
				entry->d_name) ||
			lstat(path, &info) != 0)
			continue;
		if (S_ISDIR(info.st_mode) && depth < DEPTH_MAX)
			sweep_dir(sweep, path, depth + 1);
		else if (S_ISREG(info.st_mode))
			sweep_file(sweep, path, &info);
	}
	if (stream)
		(void)closedir(stream);
}

static int by_use(const void *a, const void *b)
{
	const struct old *x = a, *y = b;

	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
	return (x->used.tv_nsec > y->used.tv_nsec) -
		(x->used.tv_nsec < y->used.tv_nsec);
}

/* Remove what was least recently used, but not KEEP, down to SIZE bytes. */
static void trim(const char *keep, uint64_t size)
{
	struct sweep sweep = {.now = time(NULL)};
	char dir[4096];

	if (cache_dir(dir, sizeof dir, NULL))
		return;
	sweep_dir(&sweep, dir, 0);
	if (sweep.n)
		qsort(sweep.files, sweep.n, sizeof *sweep.files, by_use);
	for (uint32_t i = 0; i < sweep.n; i++) {
		const struct old *old = &sweep.files[i];

		if (sweep.total > size && strcmp(old->path, keep) != 0 &&
			unlink(old->path) == 0)
			sweep.total -= old->size;
		free(old->path);
	}
	free(sweep.files);
}

enum gu_status gu_symcache_get(struct gu_module *module,
	const struct gu_elf_file *file, const struct gu_symfile_opts *opts,
	struct gu_diag *diag, struct gu_symcache_entry *out)
{
	uint64_t identity = gu_symfile_identity(module, file, opts), size;
	struct gu_symcache_entry entry = {.path = ""};
	enum gu_status st = cache_size(&size, diag);

	if (!st)
		st = entry_path(file, opts, identity, diag, &entry);
	if (st)
		return st;
	entry.cached = usable(entry.path, identity, &entry.stats);
	if (!entry.cached) {
		st = make_dirs(entry.path, 0700, diag);
		if (!st)
			st = gu_symfile_save(module, file, opts, entry.path,
				diag, &entry.stats);
		if (st)
			return st;
		trim(entry.path, size);
	}
	*out = entry;
	return GU_OK;
}

enum gu_status gu_symcache_install(struct gu_module *module,
	const struct gu_elf_file *file, const struct gu_symfile_opts *opts,
	const char *dir, struct gu_diag *diag, struct gu_symcache_entry *out)
{
	struct gu_symcache_entry entry = {.path = ""};
	struct gu_str id = gu_elf_file_build_id(file);
	enum gu_status st;

	if (id.n < 2)
		return gu_fail(diag, GU_UNSUPPORTED,
			"there is no GNU build id, by which tools would find "
			"the symbol file (Go 1.24 and later write one); "
			"symbols --debuglink makes a copy of the program "
			"that names it");
	if (!extend(entry.path, sizeof entry.path, "%s", dir) ||
		!extend_build_id(entry.path, sizeof entry.path, id))
		return gu_fail(diag, GU_INVALID, "%s is too long a name", dir);
	st = make_dirs(entry.path, 0777, diag);
	if (!st)
		st = gu_symfile_save(module, file, opts, entry.path, diag,
			&entry.stats);
	if (!st)
		*out = entry;
	return st;
}
