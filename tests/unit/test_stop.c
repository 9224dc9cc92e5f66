/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A process is stopped for a look though one of its threads has ended and is
 * still there: a zombie cannot be seized, and the system says of it what it
 * says of a process that it does not let us touch.
 */
#include "tests/unit/tap.h"
#include "tools/stop.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *wait_forever(void *unused)
{
	for (;;)
		(void)pause();
	return unused;
}

/* The first thread of a process stays a zombie while there are others. */
static void run_child(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, wait_forever, NULL))
		_exit(1);
	(void)syscall(SYS_exit, 0);
}

static bool is_zombie(pid_t pid)
{
	char path[64], state = 0;
	FILE *file;
	int n;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	n = fscanf(file, "%*d (%*[^)]) %c", &state);
	(void)fclose(file);
	return n == 1 && state == 'Z';
}

int main(void)
{
	struct gu_stop stop = {.n = 0};
	struct gu_diag diag = {.text = ""};
	pid_t child = fork();

	if (child == 0)
		run_child();
	for (int i = 0; i < 60000 && !is_zombie(child); i++)
		(void)usleep(1000);
	ok(is_zombie(child), "the first thread is a zombie");
	is_status(gu_stop_open(child, &diag, &stop), GU_OK, &diag,
		"the process is stopped");
	is_int(stop.n, 1, "of the other thread");
	gu_stop_close(&stop);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	return tap_done();
}
