/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reader against what GDB relies on: the frames of a stack that is known
 * word by word, every callback failing or throwing in turn, sessions that
 * change, lie or are damaged, and programs that are not what the session says.
 */
#include "engine/base/math.h"
#include "engine/emit/session.h"
#include "engine/emit/symfile.h"
#include "tests/fakegdb/gdb.h"
#include "tests/fakegdb/stage.h"
#include "tests/unit/fixtures.h"
#include "tests/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct fakegdb gdb;
static struct stage stage;

static bool inject; /* for set_modules */

/* Make the session name FILE at BIAS, with SYMFILE; NULL: no modules at all. */
static void set_modules(char *file, uint64_t bias, char *symfile)
{
	struct gu_session_module module = {
		.inject = inject,
		.file = file,
		.symfile = symfile,
		.bias = bias,
		.lo = stage.module->lo + bias,
		.hi = stage.module->hi + bias,
	};
	struct gu_session session = {.modules = &module, .nmodules = !!file};
	struct gu_diag diag = {0};

	if (gu_session_make(getpid(), &diag) ||
		gu_session_write(getpid(), &session, &diag)) {
		printf("Bail out! %s\n", diag.text);
		exit(1);
	}
}

static void set_session(char *file, uint64_t bias)
{
	char none[] = "";

	set_modules(file, bias, none);
}

static void use_stage(void)
{
	char path[4096];

	(void)snprintf(path, sizeof path, "%s", stage.path);
	set_session(path, stage.bias);
}

static void select_frame(size_t i)
{
	fakegdb_registers(&gdb, &stage.frames[i]);
}

static bool same_id(struct gdb_frame_id a, struct gdb_frame_id b)
{
	return a.code_address == b.code_address &&
		a.stack_address == b.stack_address;
}

static bool is_frame(const struct gu_regs *got, const struct gu_regs *expected)
{
	return got->pc == expected->pc && got->sp == expected->sp &&
		got->has_fp == expected->has_fp && got->fp == expected->fp;
}

/* Does "bt" show the stage's stack, and nothing after it? */
static bool backtrace_is_right(void)
{
	size_t last = stage.nframes - 1;
	struct gu_regs caller;

	for (size_t i = 0; i < last; i++) {
		select_frame(i);
		if (fakegdb_unwind(&gdb) != GDB_SUCCESS ||
			!fakegdb_caller(&gdb, &caller) ||
			!is_frame(&caller, &stage.frames[i + 1])) {
			printf("# frame %zu\n", i);
			return false;
		}
	}
	select_frame(last);
	return fakegdb_unwind(&gdb) == GDB_SUCCESS &&
		fakegdb_caller(&gdb, &caller) && caller.pc == 0;
}

/* GDB goes on by itself at every frame. */
static bool declines(void)
{
	for (size_t i = 0; i < stage.nframes; i++) {
		select_frame(i);
		if (fakegdb_unwind(&gdb) != GDB_FAIL)
			return false;
	}
	return true;
}

static void test_no_session(void)
{
	gu_session_remove(getpid());
	ok(declines(), "no session: declines");
	is_int(gdb.reg_gets + gdb.target_reads, 0,
		"no session: asks GDB for nothing");
	set_session(NULL, 0);
	ok(declines(), "an empty session: declines");
	is_int(gdb.reg_gets + gdb.target_reads, 0,
		"an empty session: asks GDB for nothing");
}

static void test_backtrace(void)
{
	struct gdb_frame_id ids[STAGE_FRAMES] = {0};
	bool pure = true, differ = true;
	unsigned reads = 0;

	use_stage();
	ok(backtrace_is_right(), "the stack of %zu frames", stage.nframes);
	ok(backtrace_is_right(), "the stack once more");
	for (size_t i = 0; i + 1 < stage.nframes; i++) {
		select_frame(i);
		(void)fakegdb_unwind(&gdb);
		if (i > 0 && gdb.target_reads > reads)
			reads = gdb.target_reads;
	}
	ok(reads <= 2, "a caller's frame costs %u reads of its stack", reads);
	for (size_t i = 0; i < stage.nframes; i++) {
		select_frame(i);
		ids[i] = fakegdb_id(&gdb);
		(void)fakegdb_unwind(&gdb);
		pure = pure && same_id(ids[i], fakegdb_id(&gdb));
		for (size_t k = 0; k < i; k++)
			differ = differ && !same_id(ids[i], ids[k]);
	}
	for (size_t i = stage.nframes; i-- > 0;) {
		select_frame(i);
		pure = pure && same_id(ids[i], fakegdb_id(&gdb));
	}
	ok(pure, "a frame's id is the same each time");
	ok(differ, "frames have different ids");
	for (size_t i = 1; i < stage.nframes; i++)
		differ = differ &&
			ids[i].stack_address >= ids[i - 1].stack_address;
	ok(differ, "ids do not shrink outwards");
}

static void test_foreign(void)
{
	const uint64_t elsewhere[] = {0, 1, stage.module->lo + stage.bias - 1,
		stage.module->hi + stage.bias, 0x7ffff7dd0000, UINT64_MAX};
	struct gu_regs regs = stage.frames[0];
	unsigned reads = 0;
	bool ours = false;

	for (size_t i = 0; i < GU_COUNT(elsewhere); i++) {
		regs.pc = elsewhere[i];
		fakegdb_registers(&gdb, &regs);
		ours = ours || fakegdb_unwind(&gdb) == GDB_SUCCESS;
		reads += gdb.target_reads;
	}
	ok(!ours, "a pc outside of the Go code: declines");
	if (!stage.module->image->is_dyn)
		is_int(reads, 0, "and reads nothing");
	regs = stage.frames[0];
	regs.has_fp = false;
	fakegdb_registers(&gdb, &regs);
	ok(fakegdb_unwind(&gdb) == GDB_SUCCESS &&
			fakegdb_caller(&gdb, &regs) &&
			is_frame(&regs, &stage.frames[1]),
		"without a frame pointer: it is in memory");
	fakegdb_registers(&gdb, &stage.frames[0]);
	for (size_t i = 0; i < GDB_REGISTERS; i++)
		gdb.now[i].known = false;
	is_int(fakegdb_unwind(&gdb), GDB_FAIL, "no register known: declines");
}

/* Whatever fails, what is given is right or nothing. */
static void test_failures(void)
{
	bool wrong = false, late = false;
	unsigned n;

	for (n = 1; n < 100 && !late; n++) {
		struct gu_regs caller;

		use_stage();
		select_frame(0);
		gdb.fail_read_at = n;
		if (fakegdb_unwind(&gdb) == GDB_SUCCESS &&
			fakegdb_caller(&gdb, &caller)) {
			caller.fp = stage.frames[1].fp;
			caller.has_fp = true;
			wrong = wrong || !is_frame(&caller, &stage.frames[1]);
		}
		late = gdb.target_reads < n;
		gdb.fail_read_at = 0;
		wrong = wrong || !backtrace_is_right();
	}
	ok(!wrong && late, "each of %u reads of memory fails in turn", n - 2);
}

static void test_throws(void)
{
	bool threw = true, wrong = false;
	unsigned n;

	for (n = 1; n < 200 && threw; n++) {
		if (n % 2)
			use_stage(); /* a new file: the module is opened */
		select_frame(n % (unsigned)stage.nframes);
		gdb.throw_at = n;
		threw = !fakegdb_try(&gdb);
		gdb.throw_at = 0;
		wrong = wrong || !backtrace_is_right();
	}
	ok(!wrong && !threw && n > 4,
		"an exception out of each of %u callbacks in turn", n - 2);
}

static void put_session(const char *text)
{
	gu_cleanup(gu_buf_deinit) struct gu_buf buf;

	gu_buf_init(&buf, false);
	gu_buf_str(&buf, gu_str(text));
	ok(gu_session_put(getpid(), "modules", &buf, NULL) == GU_OK &&
			declines(),
		"a damaged session: %.40s", text);
}

static void test_sessions(void)
{
	static char missing[] = "/nonexistent/program";
	static char not_go[] = "/bin/sh";
	static char not_elf[] = "/etc/passwd";
	static char folder[] = "/tmp";

	use_stage();
	ok(backtrace_is_right(), "a session");
	gu_session_remove(getpid());
	ok(declines(), "the session is removed");
	use_stage();
	ok(backtrace_is_right(), "a session again");
	set_session(missing, stage.bias);
	ok(declines(), "the module's file is missing");
	set_session(not_go, stage.bias);
	ok(declines(), "the module is not Go");
	set_session(not_elf, stage.bias);
	ok(declines(), "the module is not ELF");
	set_session(folder, stage.bias);
	ok(declines(), "the module is a folder");
	put_session("");
	put_session("gounstrip-session 1");
	put_session("gounstrip-session 2\n");
	put_session("gounstrip-session 1\nmodule");
	put_session("gounstrip-session 1\n\n");
	put_session("gounstrip-session 1\nmodule\t/bin/sh\t0\t0\t0\t\n");
	put_session("gounstrip-session 1\nmodule\t/bin/sh\t0x0\t0x2\t0x1\t\n");
	put_session("gounstrip-session 1\nmodule\t/%\t0x0\t0x1\t0x2\t\n");
	put_session("gounstrip-session 1\nmodule\t/%00\t0x0\t0x1\t0x2\t\n");
	put_session("gounstrip-session 1\nmodule\t/x\t0x0\t0x1\t"
		    "0xfffffffffffffffff\t\n");
	put_session("gounstrip-session 1\nmodule\t/x\t0x0\t0x0\t"
		    "0xffffffffffffffff\t\nmodule\t\t\t\t\t\n");
	use_stage();
	ok(backtrace_is_right(), "and a good session after those");
}

static void test_programs(void)
{
	uint64_t bias = stage.bias;

	use_stage();
	stage.other_program = true;
	ok(declines(), "another program at the same addresses: declines");
	stage.other_program = false;
	ok(backtrace_is_right(), "the right program again");
	if (!stage.module->image->is_dyn)
		return;
	stage_move(&stage, 0x7f0012345000);
	ok(backtrace_is_right(), "run again, loaded elsewhere");
	stage_move(&stage, 0x555555554000);
	ok(backtrace_is_right(), "and again");
	stage.other_program = true;
	ok(declines(), "another program there: declines");
	stage.other_program = false;
	stage_move(&stage, bias);
	set_session(NULL, 0);
	ok(declines(), "the session has no module any more");
}

/* Where the symbol file that GDB has says that a stack ends, GDB ends it. */
static void test_symbol_file(void)
{
	const struct gu_symfile_opts opts = gu_symfile_opts();
	struct gu_symfile_stats stats;
	char path[4096], symfile[64];
	struct gu_regs caller;

	(void)snprintf(path, sizeof path, "%s", stage.path);
	(void)snprintf(symfile, sizeof symfile, "/tmp/fakegdb-%d.sym",
		(int)getpid());
	if (!ok(gu_symfile_save(stage.module, stage.file, &opts, symfile, NULL,
			&stats) == GU_OK, "a symbol file is written"))
		return;
	set_modules(path, stage.bias, symfile);
	select_frame(stage.nframes - 1);
	is_int(fakegdb_unwind(&gdb), GDB_FAIL,
		"with a symbol file: the end is left to GDB");
	select_frame(stage.nframes - 2);
	ok(fakegdb_unwind(&gdb) == GDB_SUCCESS &&
			fakegdb_caller(&gdb, &caller) &&
			is_frame(&caller, &stage.frames[stage.nframes - 1]),
		"with a symbol file: the frame before it is not");
	(void)unlink(symfile);
}

/* --- symbols -------------------------------------------------------------- */

static char blob[] = GU_SESSION_BLOB;

static int32_t line_at(const struct fakegdb_block *block, uint64_t pc)
{
	int32_t line = 0;

	for (size_t i = 0; i < block->nlines && block->lines[i].pc <= pc; i++)
		line = block->lines[i].line;
	return line;
}

/* Is what was given for FUNC what the engine says at each of its pcs? */
static bool is_given(const struct fakegdb_block *block,
	const struct gu_func *func)
{
	const struct gu_module *module = stage.module;
	struct gu_call calls[GU_CALLS_MAX];
	struct gu_str name = gu_func_name(&module->tab, func);
	struct gu_str file = {0};
	size_t n;

	if (block->lo != func->entry + stage.bias ||
		!(gu_str_eq(gu_str(block->name), name) ||
			strstr(block->name, "sigreturn__sigaction")))
		return false;
	for (uint64_t pc = block->lo; pc < block->hi; pc += 1) {
		const struct gu_call *own;
		int32_t line;

		if (gu_module_calls(module, func, pc - stage.bias, calls,
			GU_CALLS_MAX, NULL, &n))
			return false;
		own = &calls[n - 1];
		if (pc == block->lo)
			file = own->file;
		line = file.n && gu_str_eq(own->file, file) ? own->line : 0;
		if (!gu_str_eq(gu_str(block->file), file) ||
			line_at(block, pc) != line) {
			printf("# %s+%#llx: line %d, expected %d of %.*s\n",
				block->name,
				(unsigned long long)(pc - block->lo),
				(int)line_at(block, pc), (int)line,
				GU_STR(own->file));
			return false;
		}
	}
	return true;
}

/* Every EACH-th function, counted from the last. */
static bool symbols_are_right(size_t each)
{
	struct gu_func func;

	for (size_t i = gdb.nblocks; i > 0; i -= i > each ? each : i) {
		const struct fakegdb_block *block = &gdb.blocks[i - 1];

		if (gu_pclntab_find(&stage.module->tab,
			block->lo - stage.bias, NULL, &func) ||
			!is_given(block, &func))
			return false;
	}
	return gdb.nblocks > stage.module->tab.nfunc * 9 / 10;
}

static void test_symbols(void)
{
	unsigned calls, reads;
	bool threw = true, wrong = false;

	ok(fakegdb_read(&gdb, blob, sizeof blob) == GDB_SUCCESS &&
			!gdb.symbol_calls,
		"nothing is given if the session does not ask for it");
	inject = true;
	use_stage();
	ok(fakegdb_read(&gdb, blob, sizeof blob - 1) == GDB_FAIL &&
			fakegdb_read(&gdb, NULL, 0) == GDB_FAIL &&
			!gdb.symbol_calls,
		"read declines what is not ours");
	is_int(fakegdb_read(&gdb, blob, sizeof blob), GDB_SUCCESS,
		"it is ours");
	ok(symbols_are_right(7), "%zu functions are given", gdb.nblocks);
	calls = gdb.symbol_calls;
	reads = gdb.target_reads;
	for (unsigned n = 1; n <= calls + reads; n += n < 40 ? 1 : n / 5) {
		gdb.throw_at = n;
		threw = threw && !fakegdb_try_read(&gdb, blob, sizeof blob);
		gdb.throw_at = 0;
		wrong = wrong || gdb.nblocks;
	}
	ok(threw && !wrong, "an exception out of callbacks 1 to %u",
		calls + reads);
	for (gdb.fail_read_at = 1; gdb.fail_read_at <= reads;
		gdb.fail_read_at++)
		wrong = wrong || fakegdb_read(&gdb, blob, sizeof blob) !=
				GDB_SUCCESS || gdb.nblocks;
	gdb.fail_read_at = 0;
	ok(!wrong, "no memory to be read: nothing is given");
	stage.other_program = true;
	ok(fakegdb_read(&gdb, blob, sizeof blob) == GDB_SUCCESS &&
			!gdb.nblocks,
		"another program: nothing is given");
	stage.other_program = false;
	ok(fakegdb_read(&gdb, blob, sizeof blob) == GDB_SUCCESS &&
			symbols_are_right(97),
		"and after all that the functions again");
	fakegdb_drop_symbols(&gdb);
	inject = false;
	use_stage();
}

static bool find_function(const char *name, struct gu_func *out)
{
	const struct gu_pclntab *tab = &stage.module->tab;

	for (uint32_t i = 0; i < tab->nfunc; i++)
		if (!gu_pclntab_func(tab, i, NULL, out) &&
			gu_str_eq(gu_func_name(tab, out), gu_str(name)))
			return true;
	return false;
}

/* Return addresses in LR: only arm64's innermost frame may have one. */
static void test_link_register(void)
{
	struct gu_regs leaf = stage.frames[0], caller;
	struct gu_func func;

	if (gdb.arch != GU_ARCH_ARM64 ||
		gu_pclntab_find(&stage.module->tab, leaf.pc - stage.bias, NULL,
			&func))
		return;
	leaf = stage.frames[1];
	leaf.pc = func.entry + stage.bias;
	leaf.lr = stage.frames[1].pc;
	leaf.has_lr = true;
	fakegdb_registers(&gdb, &leaf);
	ok(fakegdb_unwind(&gdb) == GDB_SUCCESS &&
			fakegdb_caller(&gdb, &caller) &&
			is_frame(&caller, &stage.frames[1]),
		"at its entry a function's caller is in LR");
	leaf.lr = leaf.pc + 4;
	fakegdb_registers(&gdb, &leaf);
	ok(fakegdb_unwind(&gdb) == GDB_SUCCESS &&
			fakegdb_caller(&gdb, &caller) && caller.pc == leaf.lr,
		"it may have been called by itself");
	if (!ok(find_function("runtime.save_g", &func), "there is assembly"))
		return;
	leaf.pc = func.entry + stage.bias + 4;
	leaf.lr = leaf.pc + 4;
	fakegdb_registers(&gdb, &leaf);
	ok(fakegdb_unwind(&gdb) == GDB_SUCCESS &&
			fakegdb_caller(&gdb, &caller) && caller.pc == 0,
		"in assembly an LR that a call of its own left says nothing");
	if (!ok(find_function("runtime.morestack_noctxt", &func),
		"functions can run out of stack"))
		return;
	/* called at the entry of a function whose own LR is in x3 */
	leaf.lr = leaf.pc;
	leaf.pc = func.entry + stage.bias;
	leaf.kept = stage.frames[1].pc;
	leaf.has_kept = true;
	fakegdb_registers(&gdb, &leaf);
	ok(fakegdb_unwind(&gdb) == GDB_SUCCESS &&
			fakegdb_caller(&gdb, &caller) &&
			caller.pc == leaf.lr && caller.has_lr &&
			caller.lr == leaf.kept,
		"morestack's caller has its LR again");
}

static void test_fixture(const struct fixture *fixture, void *ctx)
{
	const uint64_t bias =
		strstr(fixture->mode, "pie") ? 0x555555554000 : 0;

	if (!stage_open(&stage, fixture->strip, bias)) {
		ok(false, "%s: a stack can be built", fixture->name);
		return;
	}
	gdb = (struct fakegdb){.arch = stage.module->image->arch,
		.target = &stage.mem};
	printf("# %s\n", fixture->name);
	if (ok(fakegdb_load(&gdb, ctx), "the reader loads")) {
		test_no_session();
		test_backtrace();
		test_foreign();
		test_failures();
		test_throws();
		test_sessions();
		use_stage();
		(void)backtrace_is_right();
		test_link_register();
		test_symbol_file();
		test_symbols();
		test_programs();
		fakegdb_unload(&gdb);
		is_int(gdb.breaches, 0, "%s: no breach of GDB's contracts",
			fixture->name);
	}
	stage_close(&stage);
}

int main(int argc, char **argv)
{
	static const char *const wanted[] = {"go1.26-amd64-static",
		"go1.16-amd64-static", "go1.27-amd64-pie",
		"go1.16-amd64-cgo-pie", "go1.27-arm64-static",
		"go1.20-arm64-static"};
	const char *build = getenv("abs_top_builddir");
	char reader[4096];

	(void)snprintf(reader, sizeof reader,
		"%s/jitreader/.libs/gounstrip-reader.so", build ? build : ".");
	if (argc > 1)
		fixtures_each(argv[1], test_fixture, reader);
	for (size_t i = 0; argc == 1 && i < GU_COUNT(wanted); i++)
		fixtures_each(wanted[i], test_fixture, reader);
	gu_session_remove(getpid());
	return tap_done();
}
