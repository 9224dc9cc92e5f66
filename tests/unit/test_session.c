/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The session folder: what is written is read, and whose folder it must be. */
#include "engine/emit/session.h"
#include "tests/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[128];

static void test_round_trip(void)
{
	static char odd[] = "/tmp/a b\t%\n\xc3\xa9/x";
	static char plain[] = "/usr/bin/program", none[] = "";
	struct gu_session_module modules[] = {
		{odd, plain, 0x555555554000, 0x555555555000, 0x555555556000,
			true, false},
		{plain, none, UINT64_MAX - 4095, 1, UINT64_MAX, false, false},
		{plain, odd, 0, 1, 2, false, true},
	};
	const struct gu_session written = {.modules = modules, .nmodules = 3};
	struct gu_session read = {0};
	struct gu_session_stamp before, after;
	struct gu_diag diag = {0};

	is_status(gu_session_make(getpid(), &diag), GU_OK, &diag, "a folder");
	ok(!gu_session_stamp(getpid(), &before), "has no stamp at first");
	is_status(gu_session_read(getpid(), &diag, &read), GU_NOT_FOUND, &diag,
		"and no modules");
	is_status(gu_session_write(getpid(), &written, &diag), GU_OK, &diag,
		"modules are written");
	is_status(gu_session_read(getpid(), &diag, &read), GU_OK, &diag,
		"and read");
	is_int(read.nmodules, 3, "as many");
	for (size_t i = 0; i < 3 && i < read.nmodules; i++) {
		const struct gu_session_module *got = &read.modules[i];

		is_str(gu_str(got->file), modules[i].file, "file %zu", i);
		is_str(gu_str(got->symfile), modules[i].symfile,
			"symbol file %zu", i);
		ok(got->bias == modules[i].bias && got->lo == modules[i].lo &&
				got->hi == modules[i].hi &&
				got->inject == modules[i].inject &&
				got->added == modules[i].added,
			"addresses, and who gives symbols %zu", i);
	}
	ok(gu_session_stamp(getpid(), &before) &&
			gu_session_stamp_eq(&before, &read.stamp),
		"the stamp is that of what was read");
	gu_session_deinit(&read);
	is_status(gu_session_write(getpid(), &written, &diag), GU_OK, &diag,
		"the same once more");
	ok(gu_session_stamp(getpid(), &after) &&
			!gu_session_stamp_eq(&before, &after),
		"has another stamp");
	gu_session_remove(getpid());
	ok(access(path, F_OK) != 0, "the session is removed");
}

static void test_whose(void)
{
	struct gu_session session = {0};
	struct gu_diag diag = {0};
	char other[] = "/tmp/test_session.XXXXXX";

	ok(mkdir(path, 0755) == 0 && chmod(path, 0755) == 0, "a folder");
	is_status(gu_session_make(getpid(), &diag), GU_IO, &diag,
		"that others may read is refused");
	says(&diag, "755", "and it says why");
	is_status(gu_session_read(getpid(), &diag, &session), GU_IO, &diag,
		"and not read");
	is_status(gu_session_write(getpid(), &session, &diag), GU_IO, &diag,
		"and not written");
	(void)rmdir(path);
	if (!ok(mkdtemp(other) && symlink(other, path) == 0, "a link"))
		return;
	is_status(gu_session_make(getpid(), &diag), GU_IO, &diag,
		"to a folder is not followed");
	gu_session_remove(getpid());
	ok(access(other, F_OK) == 0, "and what it leads to is not removed");
	(void)unlink(path);
	(void)rmdir(other);
}

/* The sessions of processes that are gone go, those of others stay. */
static void test_sweep(void)
{
	char gone[128];
	pid_t pid = fork();

	if (pid == 0)
		_exit(gu_session_make(getpid(), NULL) != GU_OK);
	gu_session_path(pid, gone, sizeof gone);
	ok(waitpid(pid, NULL, 0) == pid && access(gone, F_OK) == 0 &&
			gu_session_make(getpid(), NULL) == GU_OK,
		"a session of a process that is gone, and one of ours");
	gu_session_sweep();
	ok(access(gone, F_OK) != 0 && access(path, F_OK) == 0,
		"only the first is swept away");
	gu_session_remove(getpid());
}

int main(void)
{
	gu_session_path(getpid(), path, sizeof path);
	test_round_trip();
	test_whose();
	test_sweep();
	return tap_done();
}
