/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * run RUNS: times the commands of its standard input, a line "NAME<tab>COMMAND"
 * each, and writes a table with tabs: medians of RUNS runs.
 *
 * The commands take turns, so that a disturbance of the machine meets all of
 * them, and each runs once before to warm the page cache.  CPU time is user
 * and system time of the command and of all processes that it waited for;
 * memory is the largest resident set among them.  The output of the last run
 * of NAME goes to the file NAME.out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CASES_MAX = 64, RUNS_MAX = 101 };

enum measure { CPU, WALL, RSS, MEASURES }; /* s, s, KB */

struct bench_case {
	char *name, *command;
	double samples[MEASURES][RUNS_MAX];
};

static void die(const char *what)
{
	fprintf(stderr, "run: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double seconds(struct timeval tv)
{
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void exec_case(const struct bench_case *bench)
{
	char path[256];
	int in = open("/dev/null", O_RDONLY), out;

	(void)snprintf(path, sizeof path, "%s.out", bench->name);
	out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (in < 0 || out < 0)
		die(path);
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	execl("/bin/sh", "sh", "-c", bench->command, (char *)NULL);
	die("/bin/sh");
}

static void run_once(struct bench_case *bench, int run)
{
	double began = now();
	struct rusage usage;
	int status;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0)
		exec_case(bench);
	if (wait4(pid, &status, 0, &usage) < 0)
		die("wait4");
	if (status != 0) {
		fprintf(stderr, "run: %s failed, see %s.out: %s\n", bench->name,
			bench->name, bench->command);
		exit(1);
	}
	bench->samples[CPU][run] =
		seconds(usage.ru_utime) + seconds(usage.ru_stime);
	bench->samples[WALL][run] = now() - began;
	bench->samples[RSS][run] = (double)usage.ru_maxrss;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(struct bench_case *bench, int runs)
{
	for (int i = 0; i < MEASURES; i++)
		qsort(bench->samples[i], (size_t)runs, sizeof(double), compare);
	printf("%s\t%.4f\t%.4f\t%.4f\t%.4f\t%.0f\n", bench->name,
		bench->samples[CPU][runs / 2], bench->samples[CPU][0],
		bench->samples[CPU][runs - 1], bench->samples[WALL][runs / 2],
		bench->samples[RSS][runs / 2]);
}

static size_t read_cases(struct bench_case *cases)
{
	char *line = NULL;
	size_t size = 0, n = 0;

	while (n < CASES_MAX && getline(&line, &size, stdin) > 0) {
		char *tab = strchr(line, '\t');

		line[strcspn(line, "\n")] = '\0';
		if (!tab)
			continue;
		*tab = '\0';
		cases[n].name = strdup(line);
		cases[n].command = strdup(tab + 1);
		if (!cases[n].name || !cases[n].command)
			die("no memory");
		n++;
	}
	free(line);
	return n;
}

int main(int argc, char **argv)
{
	static struct bench_case cases[CASES_MAX];
	int runs = argc == 2 ? (int)strtol(argv[1], NULL, 10) : 0;
	size_t n;

	if (runs < 1 || runs > RUNS_MAX) {
		fprintf(stderr, "usage: run RUNS (1 to %d) <CASES\n", RUNS_MAX);
		return 2;
	}
	n = read_cases(cases);
	puts("name\tcpu_s\tcpu_min_s\tcpu_max_s\twall_s\trss_kb");
	fflush(stdout); /* or each child would write it again */
	for (int run = -1; run < runs; run++)
		for (size_t i = 0; i < n; i++)
			run_once(&cases[i], run < 0 ? 0 : run);
	for (size_t i = 0; i < n; i++)
		report(&cases[i], runs);
	return 0;
}
