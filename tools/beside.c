/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE /* sched_getaffinity */

#include "tools/beside.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>

static void *run(void *arg)
{
	const struct gu_job *job = arg;

	job->run(job->ctx);
	return NULL;
}

/* A signal is the business of the thread that was there before. */
static bool start(struct gu_job *job, pthread_t *thread)
{
	sigset_t all, before;
	int error;

	(void)sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
		return false;
	error = pthread_create(thread, NULL, run, job);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error == 0;
}

void gu_beside(const struct gu_job *a, const struct gu_job *b)
{
	struct gu_job job = *b;
	pthread_t thread;
	bool started = start(&job, &thread);

	a->run(a->ctx);
	if (started)
		(void)pthread_join(thread, NULL);
	else
		b->run(b->ctx);
}

gu_run_jobs *gu_beside_if_useful(void)
{
	cpu_set_t set;

	/* it fails where there are more than CPU_SETSIZE: so there are two */
	if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) < 2)
		return NULL;
	return gu_beside;
}
