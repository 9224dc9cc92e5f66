/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Work in two parts that may be done at the same time.  The engine starts no
 * threads, as it is in GDB's process too: who wants one (tools/beside.h) says
 * how two jobs are run.
 */
#ifndef GU_BASE_JOB_H
#define GU_BASE_JOB_H

struct gu_job {
	void (*run)(void *ctx);
	void *ctx;
};

/*
 * Run A and B, in any order or at the same time, A in the caller's thread;
 * both are done when it returns.
 */
typedef void gu_run_jobs(const struct gu_job *a, const struct gu_job *b);

/* As RUN does it; one after the other where it is NULL. */
static inline void gu_run(gu_run_jobs *run, const struct gu_job *a,
	const struct gu_job *b)
{
	if (run) {
		run(a, b);
		return;
	}
	a->run(a->ctx);
	b->run(b->ctx);
}

#endif
