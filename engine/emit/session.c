/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The folder lies in a place where everybody may write, so nothing in it is
 * looked at by path: the folder is opened without following links, must be
 * ours and private, and its files are opened relative to that descriptor.
 */
#include "engine/emit/session.h"

#include "engine/base/outfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PATH_SIZE = 64,         /* "/tmp/gounstrip-UID-PID" */
	FILE_SIZE_MAX = 1 << 22, /* bytes of "modules": some 40,000 modules */
};

static const char parent[] = "/tmp";
static const char modules_name[] = "modules";
static const char head_line[] = "gounstrip-session 1";

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

void gu_session_path(pid_t pid, char *out, size_t out_size)
{
	(void)snprintf(out, out_size, "%s/gounstrip-%ju-%jd", parent,
		(uintmax_t)geteuid(), (intmax_t)pid);
}

/* GU_NOT_FOUND if there is none; *out is the caller's to close. */
static enum gu_status folder_open(pid_t pid, struct gu_diag *diag, int *out)
{
	gu_cleanup(close_fd) int fd = -1;
	char path[PATH_SIZE];
	struct stat st;

	gu_session_path(pid, path, sizeof path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return GU_NOT_FOUND;
	if (fd < 0 || fstat(fd, &st) != 0)
		return gu_fail(diag, GU_IO, "%s: %s", path, strerror(errno));
	if (st.st_uid != geteuid() || (st.st_mode & (S_IRWXG | S_IRWXO))) {
		errno = EPERM;
		return gu_fail(diag, GU_IO,
			"%s: belongs to user %ju with mode %03o, but must be "
			"yours alone (mode 700): remove it",
			path, (uintmax_t)st.st_uid,
			(unsigned)(st.st_mode & 0777));
	}
	*out = fd;
	fd = -1;
	return GU_OK;
}

enum gu_status gu_session_make(pid_t pid, struct gu_diag *diag)
{
	gu_cleanup(close_fd) int fd = -1;
	char path[PATH_SIZE];
	enum gu_status st;

	gu_session_path(pid, path, sizeof path);
	if (mkdir(path, S_IRWXU) != 0 && errno != EEXIST)
		return gu_fail(diag, GU_IO, "%s: %s", path, strerror(errno));
	st = folder_open(pid, diag, &fd);
	if (st == GU_NOT_FOUND)
		return gu_fail(diag, GU_IO, "%s: %s", path, strerror(errno));
	return st;
}

static void put_path(struct gu_buf *buf, const char *path)
{
	for (const unsigned char *p = (const unsigned char *)path; *p; p++)
		if (*p < 0x21 || *p > 0x7e || *p == '%')
			gu_buf_printf(buf, "%%%02X", *p);
		else
			gu_buf_u8(buf, *p);
}

static void put_module(struct gu_buf *buf,
	const struct gu_session_module *module)
{
	gu_buf_str(buf, gu_str(module->inject ? "inject\t"
		: module->added ? "added\t" : "module\t"));
	put_path(buf, module->file);
	gu_buf_printf(buf, "\t0x%" PRIx64 "\t0x%" PRIx64 "\t0x%" PRIx64 "\t",
		module->bias, module->lo, module->hi);
	put_path(buf, module->symfile);
	gu_buf_u8(buf, '\n');
}

/* Make FOLDER's file NAME hold BUF, at once or not at all. */
static enum gu_status replace_file(int folder, const char *name,
	const struct gu_buf *buf, struct gu_diag *diag)
{
	static const char temporary[] = "new";
	bool ok;
	int fd;

	(void)unlinkat(folder, temporary, 0);
	fd = openat(folder, temporary,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		S_IRUSR | S_IWUSR);
	if (fd < 0)
		return gu_fail(diag, GU_IO, "session file: %s",
			strerror(errno));
	ok = gu_write_all(fd, buf->p, buf->n);
	ok = close(fd) == 0 && ok;
	if (ok && renameat(folder, temporary, folder, name) == 0)
		return GU_OK;
	(void)gu_fail(diag, GU_IO, "session file: %s", strerror(errno));
	(void)unlinkat(folder, temporary, 0);
	return GU_IO;
}

enum gu_status gu_session_put(pid_t pid, const char *name,
	const struct gu_buf *buf, struct gu_diag *diag)
{
	gu_cleanup(close_fd) int folder = -1;
	enum gu_status st = gu_buf_status(buf, diag);

	if (st)
		return st;
	st = folder_open(pid, diag, &folder);
	if (st == GU_NOT_FOUND)
		return gu_fail(diag, GU_IO, "there is no session folder");
	if (st)
		return st;
	return replace_file(folder, name, buf, diag);
}

enum gu_status gu_session_write(pid_t pid, const struct gu_session *session,
	struct gu_diag *diag)
{
	gu_cleanup(gu_buf_deinit) struct gu_buf buf;

	gu_buf_init(&buf, false);
	gu_buf_printf(&buf, "%s\n", head_line);
	for (size_t i = 0; i < session->nmodules; i++)
		put_module(&buf, &session->modules[i]);
	return gu_session_put(pid, modules_name, &buf, diag);
}

/* --- reading -------------------------------------------------------------- */

/* Cut S at the first SEP: what is before it, S being what is after it. */
static struct gu_str cut(struct gu_str *s, char sep)
{
	const char *at = s->n ? memchr(s->p, sep, s->n) : NULL;
	struct gu_str first = *s;

	if (!at) {
		s->n = 0;
		return first;
	}
	first.n = (size_t)(at - s->p);
	s->p += first.n + 1;
	s->n -= first.n + 1;
	return first;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool parse_hex(struct gu_str s, uint64_t *out)
{
	uint64_t value = 0;

	if (s.n < 3 || s.n > 18 || s.p[0] != '0' || s.p[1] != 'x')
		return false;
	for (size_t i = 2; i < s.n; i++) {
		int digit = hex_digit(s.p[i]);

		if (digit < 0)
			return false;
		value = value << 4 | (unsigned)digit;
	}
	*out = value;
	return true;
}

/* An allocated string without the %XX; NULL: malformed, or no memory. */
static char *parse_path(struct gu_str s, bool *no_memory)
{
	char *path = malloc(s.n + 1);
	size_t n = 0;

	*no_memory = !path;
	for (size_t i = 0; path && i < s.n; i++) {
		int hi, lo;

		if (s.p[i] != '%') {
			path[n++] = s.p[i];
			continue;
		}
		hi = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
		lo = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;
		if (hi < 0 || lo < 0 || (hi | lo) == 0) {
			free(path);
			return NULL;
		}
		path[n++] = (char)(hi << 4 | lo);
		i += 2;
	}
	if (path)
		path[n] = 0;
	return path;
}

static void module_deinit(struct gu_session_module *module)
{
	free(module->file);
	free(module->symfile);
}

static enum gu_status parse_module(struct gu_str line, struct gu_diag *diag,
	struct gu_session_module *out)
{
	struct gu_session_module module = {0};
	struct gu_str rest = line;
	bool no_memory = false;
	struct gu_str kind = cut(&rest, '\t');
	struct gu_str file = cut(&rest, '\t');
	bool ok;

	module.inject = gu_str_eq(kind, gu_str("inject"));
	module.added = gu_str_eq(kind, gu_str("added"));
	ok = (module.inject || module.added ||
			gu_str_eq(kind, gu_str("module"))) &&
		file.n && parse_hex(cut(&rest, '\t'), &module.bias) &&
		parse_hex(cut(&rest, '\t'), &module.lo) &&
		parse_hex(cut(&rest, '\t'), &module.hi) &&
		module.lo < module.hi;
	if (ok)
		module.file = parse_path(file, &no_memory);
	if (module.file)
		module.symfile = parse_path(rest, &no_memory);
	if (module.symfile) {
		*out = module;
		return GU_OK;
	}
	module_deinit(&module);
	if (no_memory)
		return gu_fail(diag, GU_NO_MEMORY, "no memory for a path");
	return gu_fail(diag, GU_BAD_DATA,
		"session file: found '%.*s', expected 'module FILE BIAS LO HI "
		"SYMFILE'",
		(int)(line.n < 80 ? line.n : 80), line.p);
}

static enum gu_status parse(struct gu_str text, struct gu_diag *diag,
	struct gu_session *out)
{
	gu_cleanup(gu_session_deinit) struct gu_session session = {0};
	size_t lines = 0;

	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	if (!text.n || text.p[text.n - 1] != '\n' ||
		!gu_str_eq(cut(&text, '\n'), gu_str(head_line)))
		return gu_fail(diag, GU_BAD_DATA,
			"session file: it does not begin with '%s', or is cut",
			head_line);
	session.modules = calloc(lines, sizeof *session.modules);
	if (!session.modules)
		return gu_fail(diag, GU_NO_MEMORY, "no memory for %zu modules",
			lines);
	while (text.n) {
		enum gu_status st = parse_module(cut(&text, '\n'), diag,
			&session.modules[session.nmodules]);

		if (st)
			return st;
		session.nmodules++;
	}
	*out = session;
	session = (struct gu_session){0};
	return GU_OK;
}

static struct gu_session_stamp stamp_of(const struct stat *st)
{
	return (struct gu_session_stamp){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = st->st_size,
		.sec = st->st_mtim.tv_sec,
		.nsec = st->st_mtim.tv_nsec,
	};
}

bool gu_session_stamp_eq(const struct gu_session_stamp *a,
	const struct gu_session_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
		a->sec == b->sec && a->nsec == b->nsec;
}

bool gu_session_stamp(pid_t pid, struct gu_session_stamp *out)
{
	char path[PATH_SIZE + sizeof modules_name];
	struct stat st;
	size_t n;

	gu_session_path(pid, path, sizeof path);
	n = strlen(path);
	(void)snprintf(path + n, sizeof path - n, "/%s", modules_name);
	if (lstat(path, &st) != 0)
		return false;
	*out = stamp_of(&st);
	return true;
}

static enum gu_status read_file(int fd, struct gu_diag *diag,
	struct gu_buf *buf, struct gu_session_stamp *stamp)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) != 0)
		return gu_fail(diag, GU_IO, "session file: %s",
			strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_SIZE_MAX)
		return gu_fail(diag, GU_BAD_DATA,
			"session file: expected a file of at most %d bytes",
			FILE_SIZE_MAX);
	do {
		if (!gu_buf_reserve(buf, (size_t)st.st_size + 1))
			return gu_buf_status(buf, diag);
		n = read(fd, buf->p + buf->n, buf->cap - buf->n);
		if (n > 0)
			buf->n += (size_t)n;
	} while ((n > 0 && buf->n <= FILE_SIZE_MAX) ||
		(n < 0 && errno == EINTR));
	if (n < 0)
		return gu_fail(diag, GU_IO, "session file: %s",
			strerror(errno));
	*stamp = stamp_of(&st);
	return GU_OK;
}

/* GU_NOT_FOUND if FOLDER has no file NAME. */
static enum gu_status read_named(int folder, const char *name,
	struct gu_diag *diag, struct gu_buf *buf,
	struct gu_session_stamp *stamp)
{
	gu_cleanup(close_fd) int fd = openat(folder, name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return GU_NOT_FOUND;
	if (fd < 0)
		return gu_fail(diag, GU_IO, "session file: %s",
			strerror(errno));
	return read_file(fd, diag, buf, stamp);
}

enum gu_status gu_session_take(pid_t pid, const char *name,
	struct gu_diag *diag, struct gu_buf *out)
{
	gu_cleanup(close_fd) int folder = -1;
	struct gu_session_stamp stamp;
	enum gu_status st = folder_open(pid, diag, &folder);

	if (!st)
		st = read_named(folder, name, diag, out, &stamp);
	if (!st)
		(void)unlinkat(folder, name, 0);
	return st;
}

/* The clock's own nanoseconds: those of a write are only a tick's. */
enum gu_status gu_session_knock(pid_t pid, struct gu_diag *diag)
{
	gu_cleanup(close_fd) int folder = -1;
	struct timespec now[2];
	enum gu_status st = folder_open(pid, diag, &folder);

	if (gu_is_error(st))
		return st;
	(void)clock_gettime(CLOCK_REALTIME, &now[0]);
	now[1] = now[0];
	if (st || utimensat(folder, modules_name, now, AT_SYMLINK_NOFOLLOW))
		return gu_fail(diag, GU_IO, "nothing is loaded; 'go load' "
			"does that");
	return GU_OK;
}

enum gu_status gu_session_read(pid_t pid, struct gu_diag *diag,
	struct gu_session *out)
{
	gu_cleanup(gu_buf_deinit) struct gu_buf buf;
	gu_cleanup(close_fd) int folder = -1;
	struct gu_session_stamp stamp;
	enum gu_status st;

	gu_buf_init(&buf, false);
	st = folder_open(pid, diag, &folder);
	if (st)
		return st;
	st = read_named(folder, modules_name, diag, &buf, &stamp);
	if (st)
		return st;
	st = parse((struct gu_str){(const char *)buf.p, buf.n}, diag, out);
	if (st)
		return st;
	out->stamp = stamp;
	return GU_OK;
}

void gu_session_deinit(struct gu_session *session)
{
	for (size_t i = 0; i < session->nmodules; i++)
		module_deinit(&session->modules[i]);
	free(session->modules);
	*session = (struct gu_session){0};
}

/* --- removing ------------------------------------------------------------- */

void gu_session_remove(pid_t pid)
{
	char path[PATH_SIZE];
	struct dirent *entry;
	int folder;
	DIR *dir;

	if (folder_open(pid, NULL, &folder))
		return;
	dir = fdopendir(folder);
	if (!dir) {
		(void)close(folder);
		return;
	}
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			(void)unlinkat(folder, entry->d_name, 0);
	(void)closedir(dir);
	gu_session_path(pid, path, sizeof path);
	(void)rmdir(path);
}

/* The PID in the name of a session folder of ours; 0 if NAME is none. */
static pid_t pid_of(const char *name)
{
	char path[PATH_SIZE], *end;
	const char *dash = strrchr(name, '-');
	long pid;

	if (!dash || dash[1] < '1' || dash[1] > '9')
		return 0;
	errno = 0;
	pid = strtol(dash + 1, &end, 10);
	if (errno || *end || pid > INT_MAX)
		return 0;
	gu_session_path((pid_t)pid, path, sizeof path);
	return strcmp(strrchr(path, '/') + 1, name) == 0 ? (pid_t)pid : 0;
}

void gu_session_sweep(void)
{
	DIR *dir = opendir(parent);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		pid_t pid = pid_of(entry->d_name);

		if (pid && kill(pid, 0) != 0 && errno == ESRCH)
			gu_session_remove(pid);
	}
	(void)closedir(dir);
}
