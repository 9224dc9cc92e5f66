/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/stop.h"

#include "engine/base/math.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

enum {
	PATIENCE = 5000, /* milliseconds for all threads to stop */
	ROUNDS_MAX = 64, /* of looking for threads that came meanwhile */
	REGS_MAX = 1024, /* bytes of user_regs; arm64's has 272 */
};

struct gu_stopped {
	pid_t tid;
	bool stopped, gone;
	int signal; /* it was about to be given: to be given on release */
};

static struct gu_stopped *find(const struct gu_stop *stop, pid_t tid)
{
	for (size_t i = 0; i < stop->n; i++)
		if (stop->held[i].tid == tid)
			return &stop->held[i];
	return NULL;
}

/* Is TID gone, or about to be: a zombie, which nobody can seize? */
static bool has_ended(pid_t tid)
{
	char path[64], line[256] = "";
	const char *at;
	FILE *stat;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)tid);
	stat = fopen(path, "re");
	if (!stat)
		return true;
	(void)fgets(line, sizeof line, stat);
	(void)fclose(stat);
	at = strrchr(line, ')'); /* "17 (its name) Z": proc(5) */
	return !at || at[1] == '\0' || at[2] == 'Z' || at[2] == 'X';
}

static enum gu_status refuse(pid_t tid, int error, struct gu_diag *diag)
{
	if (error == EPERM)
		return gu_fail(diag, GU_IO, "thread %d cannot be stopped: %s; "
			"it has a debugger already, or is another user's (see "
			"/proc/sys/kernel/yama/ptrace_scope)",
			(int)tid, strerror(error));
	return gu_fail(diag, GU_IO, "thread %d cannot be stopped: %s",
		(int)tid, strerror(error));
}

/* Seize TID unless it is ours already, or has ended. */
static enum gu_status seize(struct gu_stop *stop, pid_t tid, bool *news,
	struct gu_diag *diag)
{
	struct gu_stopped *more;

	if (find(stop, tid))
		return GU_OK;
	more = reallocarray(stop->held, stop->n + 1, sizeof *more);
	if (!more)
		return gu_fail(diag, GU_NO_MEMORY, "out of memory");
	stop->held = more;
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL)) {
		int error = errno;

		/* EPERM is also what one says that is ending */
		return error == ESRCH || (error == EPERM && has_ended(tid))
			? GU_OK : refuse(tid, error, diag);
	}
	stop->held[stop->n++] = (struct gu_stopped){.tid = tid};
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) && errno != ESRCH)
		return refuse(tid, errno, diag);
	*news = true;
	return GU_OK;
}

/* Take up what the threads have reported; true if none is left to wait for. */
static bool collect(struct gu_stop *stop)
{
	bool all = true;

	for (size_t i = 0; i < stop->n; i++) {
		struct gu_stopped *t = &stop->held[i];
		int status;
		pid_t got;

		if (t->stopped || t->gone)
			continue;
		got = waitpid(t->tid, &status, __WALL | WNOHANG);
		if (got == 0) {
			all = false;
		} else if (got < 0 || !WIFSTOPPED(status)) {
			t->gone = true;
		} else {
			t->stopped = true;
			if (status >> 16 == 0) /* no event: a signal */
				t->signal = WSTOPSIG(status);
		}
	}
	return all;
}

static enum gu_status wait_for_all(struct gu_stop *stop, struct gu_diag *diag)
{
	const struct timespec moment = {.tv_nsec = 1000000};

	for (int i = 0; i < PATIENCE; i++) {
		if (collect(stop))
			return GU_OK;
		(void)nanosleep(&moment, NULL);
	}
	return gu_fail(diag, GU_IO, "the process did not stop within %d "
		"seconds: a thread is inside the kernel and cannot be "
		"interrupted", PATIENCE / 1000);
}

/* Threads may start others until they all stand still. */
static enum gu_status stop_round(struct gu_stop *stop, int pid, bool *news,
	struct gu_diag *diag)
{
	char path[64];
	const struct dirent *entry;
	enum gu_status st = GU_OK;
	DIR *dir;

	*news = false;
	(void)snprintf(path, sizeof path, "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return gu_fail(diag, GU_IO, "there is no process %d", pid);
	while (!st && (entry = readdir(dir))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (tid > 0)
			st = seize(stop, tid, news, diag);
	}
	(void)closedir(dir);
	return st ? st : wait_for_all(stop, diag);
}

enum gu_status gu_stop_open(int pid, struct gu_diag *diag, struct gu_stop *out)
{
	struct gu_stop stop = {.n = 0};
	enum gu_status st = GU_OK;
	bool news = true;

	for (int i = 0; !st && news; i++)
		st = i < ROUNDS_MAX ? stop_round(&stop, pid, &news, diag)
				    : gu_fail(diag, GU_IO, "process %d starts "
					"threads faster than they can be "
					"stopped", pid);
	if (!st && stop.n == 0)
		st = gu_fail(diag, GU_IO, "process %d has ended", pid);
	if (st) {
		gu_stop_close(&stop);
		return st;
	}
	*out = stop;
	return GU_OK;
}

void gu_stop_close(struct gu_stop *stop)
{
	for (size_t i = 0; i < stop->n; i++) {
		const struct gu_stopped *t = &stop->held[i];

		/* one that did not stop in time cannot be detached: it is let
		 * go when we exit */
		if (t->stopped)
			(void)ptrace(PTRACE_DETACH, t->tid, NULL,
				(void *)(intptr_t)t->signal);
	}
	free(stop->held);
	*stop = (struct gu_stop){.n = 0};
}

enum gu_status gu_stop_thread(const struct gu_stop *stop, size_t index,
	enum gu_arch arch, struct gu_diag *diag, struct gu_thread *out)
{
	const struct gu_stopped *t = &stop->held[index];
	uint8_t bytes[REGS_MAX];
	struct iovec vec = {bytes, sizeof bytes};

	if (!t->stopped || ptrace(PTRACE_GETREGSET, t->tid,
		(void *)(intptr_t)NT_PRSTATUS, &vec))
		return gu_fail(diag, GU_IO, "thread %d has no registers",
			(int)t->tid);
	out->tid = t->tid;
	return gu_regs_of_prstatus(arch, bytes, vec.iov_len, diag, &out->regs);
}

enum gu_status gu_regs_of_prstatus(enum gu_arch arch, const uint8_t *bytes,
	size_t size, struct gu_diag *diag, struct gu_regs *out)
{
	/* word indexes; Linux arch/{x86,arm64}/include/uapi/asm/ptrace.h */
	static const struct {
		enum gu_arch arch;
		unsigned pc, sp, fp, lr;
	} forms[] = {
		{GU_ARCH_AMD64, 16, 19, 4, 0},
		{GU_ARCH_ARM64, 32, 31, 29, 30},
	};
	struct gu_cur cur = gu_cur(bytes, size, 0, false, "registers");
	struct gu_regs regs = {.has_fp = true};

	for (size_t i = 0; i < GU_COUNT(forms); i++) {
		enum gu_status st;

		if (forms[i].arch != arch)
			continue;
		gu_cur_seek(&cur, UINT64_C(8) * forms[i].pc);
		regs.pc = gu_cur_u64(&cur);
		gu_cur_seek(&cur, UINT64_C(8) * forms[i].sp);
		regs.sp = gu_cur_u64(&cur);
		gu_cur_seek(&cur, UINT64_C(8) * forms[i].fp);
		regs.fp = gu_cur_u64(&cur);
		if (forms[i].lr) {
			gu_cur_seek(&cur, UINT64_C(8) * forms[i].lr);
			regs.lr = gu_cur_u64(&cur);
			regs.has_lr = true;
		}
		st = gu_cur_status(&cur, diag);
		if (!st)
			*out = regs;
		return st;
	}
	return gu_fail(diag, GU_UNSUPPORTED, "the registers of %s are not "
		"known here", gu_arch_name(arch));
}
