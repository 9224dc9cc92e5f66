/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Oracle for unwinding a live stack: a fixture's first thread is run
 * instruction by instruction.  Where it enters a function, the return address,
 * the stack pointer and the frame pointer are the caller's, plain to see; at
 * every later instruction of that frame, unwinding must give the same three,
 * or leave the frame pointer unknown where the function is assembly.  So every
 * prologue, body and epilogue that runs is checked, and now and then the whole
 * stack, for releases before and after each change of Go's prologues.
 */
#include "engine/base/math.h"
#include "engine/image/elf_file.h"
#include "engine/image/process.h"
#include "engine/stack/unwind.h"
#include "tests/unit/fixtures.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __x86_64__
#include <sys/user.h>

enum {
	STEPS = 20000, /* at the program's start, and again in main.main */
	FRAMES_BITS = 16,      /* of the table of frames, by CFA */
	WHOLE_STACK_EVERY = 64,
	DEPTH_MAX = 100,
	SECONDS_MAX = 60,
};

/* What was seen when the frame with this CFA was entered. */
struct entered {
	uint64_t cfa, entry, ra, fp;
};

struct trace {
	const struct gu_module *module;
	struct gu_mem mem;
	struct entered frames[1 << FRAMES_BITS];
	uint64_t steps, checked, fp_known, fp_unknown, ends[16], wrong;
};

static struct entered *slot_of(struct trace *t, uint64_t cfa)
{
	return &t->frames[(cfa / 8) % GU_COUNT(t->frames)];
}

static void note_entry(struct trace *t, const struct gu_regs *regs)
{
	struct gu_func func;
	uint64_t ra;

	if (gu_pclntab_find(&t->module->tab, regs->pc, NULL, &func) ||
		func.entry != regs->pc ||
		gu_mem_word(&t->mem, regs->sp, NULL, &ra))
		return;
	/* frames are about to move: forget where they are */
	if (gu_str_eq(gu_func_name(&t->module->tab, &func),
		    gu_str("runtime.copystack")))
		memset(t->frames, 0, sizeof t->frames);
	*slot_of(t, regs->sp + 8) = (struct entered){
		.cfa = regs->sp + 8,
		.entry = func.entry,
		.ra = ra,
		.fp = regs->fp,
	};
}

static void report(struct trace *t, const struct gu_frame *frame,
	const struct gu_regs *regs, const struct entered *truth, int depth)
{
	const struct gu_regs *got = &frame->caller;

	if (t->wrong++ > 20)
		return;
	printf("# step %" PRIu64 ", frame %d, %.*s+0x%" PRIx64
	       " (sp 0x%" PRIx64 ", fp 0x%" PRIx64 "): caller pc 0x%" PRIx64
	       " fp 0x%" PRIx64 ", expected 0x%" PRIx64 " and 0x%" PRIx64 "\n",
		t->steps, depth,
		GU_STR(gu_func_name(&t->module->tab, &frame->func)),
		regs->pc - frame->func.entry, regs->sp, regs->fp, got->pc,
		got->fp, truth->ra, truth->fp);
}

/* Check the frame with REGS; true, with its caller's, if there is one. */
static bool check_frame(struct trace *t, struct gu_regs *regs, int depth)
{
	const struct entered *truth;
	struct gu_frame frame;

	if (gu_unwind_step(t->module, 0, &t->mem, regs, NULL, &frame))
		return false;
	if (frame.end) {
		t->ends[frame.end]++;
		return false;
	}
	truth = slot_of(t, frame.cfa);
	if (truth->cfa == frame.cfa && truth->entry == frame.func.entry) {
		t->checked++;
		t->fp_known += frame.caller.has_fp;
		t->fp_unknown += !frame.caller.has_fp;
		if (frame.caller.pc != truth->ra ||
			(frame.caller.has_fp && frame.caller.fp != truth->fp))
			report(t, &frame, regs, truth, depth);
	}
	*regs = frame.caller;
	return true;
}

static bool get_regs(pid_t pid, struct gu_regs *out)
{
	struct user_regs_struct user;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &user) != 0)
		return false;
	*out = (struct gu_regs){
		.pc = user.rip,
		.sp = user.rsp,
		.fp = user.rbp,
		.has_fp = true,
	};
	return true;
}

/* Let PID go on by REQUEST until it stops; *signal: to deliver, delivered. */
static bool go_on(pid_t pid, enum __ptrace_request request, int *signal)
{
	int status;

	if (ptrace(request, pid, NULL, *signal) != 0 ||
		waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return false;
	*signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
	return true;
}

static void run_steps(struct trace *t, pid_t pid)
{
	uint64_t last = t->steps + STEPS;
	struct gu_regs regs;
	int signal = 0;

	for (; t->steps < last; t->steps++) {
		if (!go_on(pid, PTRACE_SINGLESTEP, &signal) ||
			!get_regs(pid, &regs))
			return;
		note_entry(t, &regs);
		for (int depth = 0; check_frame(t, &regs, depth) &&
			t->steps % WHOLE_STACK_EVERY == 0 && depth < DEPTH_MAX;
			depth++)
			continue;
	}
}

static bool find_main(const struct trace *t, uint64_t *out)
{
	struct gu_func func;

	for (uint32_t i = 0; i < t->module->tab.nfunc; i++)
		if (!gu_pclntab_func(&t->module->tab, i, NULL, &func) &&
			gu_str_eq(gu_func_name(&t->module->tab, &func),
				gu_str("main.main"))) {
			*out = func.entry;
			return true;
		}
	return false;
}

/*
 * Let PID, our child, run to main.main.  If another thread gets there first,
 * its breakpoint ends the program.
 */
static bool run_to_main(const struct trace *t, pid_t pid)
{
	struct user_regs_struct user;
	long word, trap;
	uint64_t addr;
	int signal = 0;

	if (!find_main(t, &addr))
		return false;
	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, pid, addr, NULL);
	trap = (word & ~0xffL) | 0xcc; /* int3 */
	if (errno || ptrace(PTRACE_POKETEXT, pid, addr, trap) != 0)
		return false;
	do {
		if (!go_on(pid, PTRACE_CONT, &signal))
			return false;
	} while (signal);
	if (ptrace(PTRACE_POKETEXT, pid, addr, word) != 0 ||
		ptrace(PTRACE_GETREGS, pid, NULL, &user) != 0)
		return false;
	user.rip = addr;
	return ptrace(PTRACE_SETREGS, pid, NULL, &user) == 0;
}

static pid_t start(const char *path)
{
	pid_t pid;
	int status;

	(void)fflush(stdout);
	pid = fork();
	if (pid != 0)
		return pid > 0 && waitpid(pid, &status, 0) == pid &&
				WIFSTOPPED(status)
			? pid
			: -1;
	(void)setenv("GOMAXPROCS", "1", 1);
	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	(void)alarm(SECONDS_MAX);
	if (!freopen("/dev/null", "w", stdout))
		_exit(126);
	(void)execl(path, path, "grow", "20", (char *)NULL);
	_exit(127);
}

static void trace_fixture(const struct fixture *fixture, void *ctx)
{
	gu_cleanup(gu_elf_file_closep) struct gu_elf_file *file = NULL;
	gu_cleanup(gu_module_closep) struct gu_module *module = NULL;
	struct gu_process *process = NULL;
	struct trace *t = ctx;
	struct gu_diag diag = {0};
	pid_t pid;

	if (gu_elf_file_open(fixture->strip, &diag, &file) ||
		gu_module_open(gu_elf_file_image(file), &diag, &module)) {
		ok(false, "%s: %s", fixture->name, diag.text);
		return;
	}
	pid = start(fixture->strip);
	if (pid < 0 || gu_process_open(pid, &diag, &process)) {
		tap_skip("%s: a program cannot be traced here: %s",
			fixture->name, diag.text);
		return;
	}
	memset(t, 0, sizeof *t);
	t->module = module;
	t->mem = gu_process_mem(process);
	run_steps(t, pid);
	if (run_to_main(t, pid))
		run_steps(t, pid);
	gu_process_close(process);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	ok(t->wrong == 0 && t->checked > t->steps / 2 &&
			t->fp_known > t->fp_unknown,
		"%s: %" PRIu64 " steps, %" PRIu64
		" frames right, frame pointer unknown in %" PRIu64
		", %" PRIu64 " wrong",
		fixture->name, t->steps, t->checked - t->wrong, t->fp_unknown,
		t->wrong);
}

int main(int argc, char **argv)
{
	static const char *const wanted[] = {"go1.10-amd64-static",
		"go1.16-amd64-static", "go1.20-amd64-static",
		"go1.21-amd64-static", "go1.27-amd64-static"};
	static struct trace trace;

	if (argc > 1)
		fixtures_each(argv[1], trace_fixture, &trace);
	for (size_t i = 0; argc == 1 && i < GU_COUNT(wanted); i++)
		fixtures_each(wanted[i], trace_fixture, &trace);
	return tap_done();
}

#else

int main(void)
{
	tap_skip("only amd64 programs are run instruction by instruction");
	return tap_done();
}

#endif
