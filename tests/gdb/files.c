/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What GDB says about itself, in the words of GDB 10 to 18, and cut short. */
#include "tests/unit/tap.h"
#include "tools/gdb_files.h"

#define BFDS "Refcount   Address            Filename       \n"

static const char native[] =
	"Symbols from \"/srv/a \"server\".\n"
	"Native process:\n"
	"\tUsing the running image of child Thread 0x7ffff7d8a740 (LWP 4711).\n"
	"\tWhile running this, GDB does not access memory from...\n"
	"Local exec file:\n"
	"\t`/srv/a \"server', file type elf64-x86-64.\n"
	"\tEntry point: 0x5555555d6ca0\n"
	"\t0x0000555555154000 - 0x0000555555154008 is .tbss\n"
	"\t0x0000555555554f5c - 0x0000555555554fc0 is .interp\n"
	"\t0x0000555555555000 - 0x00005555555fdbf1 is .text\n"
	"\t0x00005555555fe000 - 0x000055555560cdc2 is .rodata\n"
	"\t0x00007ffff7fca238 - 0x00007ffff7fca25c is .init in /l in b/x.so\n"
	"\t0x00007ffff7fcb060 - 0x00007ffff7ff0111 is .text in /l in b/x.so\n"
	"\t0x00007ffff7fc8780 - 0x00007ffff7fc945c is .text in "
	"system-supplied DSO at 0x7ffff7fc8000\n"
	BFDS
	"1          0x55bad5cbc3a0     /cache/x y.debug   \n"
	"12         0x55bad5cc3050     /srv/a \"server\n";

static const char core[] =
	"Local core dump file:\n"
	"\t`/tmp/core', file type elf64-x86-64.\n"
	"\t0x000025050c000000 - 0x000025050d800000 is load1\n"
	"Local exec file:\n"
	"\t`target:/srv/server', file type elf64-x86-64.\n"
	"\tEntry point: 0x482ca0\n"
	BFDS;

static struct gu_gdb_files files;
static struct gu_diag diag;

static enum gu_status parse(const char *text)
{
	gu_gdb_files_deinit(&files);
	return gu_gdb_files_parse(gu_str(text), &diag, &files);
}

static void test_native(void)
{
	is_status(parse(native), GU_OK, &diag, "a process");
	is_str(files.symbols, "/srv/a \"server", "where symbols are from");
	is_str(files.exec.path, "/srv/a \"server", "the program");
	is_str(files.exec.section, ".text", "its section");
	is_int(files.exec.addr, 0x555555555000, "and where that is");
	is_int(files.task, 4711, "the process");
	ok(!files.core.n && !files.remote, "no core, not remote");
	is_int(files.nlibs, 2, "shared objects");
	is_str(files.libs[0].path, "/l in b/x.so", "the first");
	is_int(files.libs[0].addr, 0x7ffff7fcb060, "and where it is");
	ok(gu_gdb_files_open(&files, "/cache/x y.debug"), "an open file");
	ok(!gu_gdb_files_open(&files, "y.debug"), "not by its last word");
	ok(!gu_gdb_files_open(&files, "/cache/x"), "nor by its first");
}

static void test_others(void)
{
	is_status(parse(core), GU_OK, &diag, "a core");
	is_str(files.core, "/tmp/core", "its path");
	is_str(files.exec.path, "target:/srv/server", "the program");
	is_int(files.exec.section.n, 0, "which has no sections");
	is_int(files.task, 0, "there is no process");

	is_status(parse("Native process:\n\tUsing the running image of "
			"attached process 12.\n" BFDS), GU_OK, &diag,
		"a process whose program has no sections");
	is_int(files.task, 12, "is known by its number");
	ok(!files.exec.path.n, "and not by its program");

	is_status(parse("Remote serial target in gdb-specific protocol:\n"
			"Debugging a target over a serial line.\n" BFDS),
		GU_OK, &diag, "remote, in GDB 10's words");
	ok(files.remote, "is remote");
	is_status(parse("Extended remote target using gdb-specific protocol:\n"
			BFDS), GU_OK, &diag, "remote, in GDB 18's words");
	ok(files.remote, "is remote, too");
}

static void test_bad(void)
{
	size_t n = sizeof native - 1, failed = 0;

	is_status(parse(""), GU_BAD_DATA, NULL, "nothing at all");
	is_status(parse("Symbols from \"/a\nb\".\n" BFDS), GU_BAD_DATA, NULL,
		"a line break in the name of the symbol file");
	says(&diag, "line break", "is said to be one");
	is_status(parse("Local exec file:\n\t`/a\nb', file type x.\n" BFDS),
		GU_BAD_DATA, NULL, "a line break in the program's name");
	for (size_t cut = 0; cut < n; cut++) {
		gu_gdb_files_deinit(&files);
		failed += gu_gdb_files_parse((struct gu_str){native, cut},
			&diag, &files) == GU_BAD_DATA;
	}
	ok(failed > n / 2 && failed < n, "cut anywhere: refused until the list "
		"of files is complete (%zu of %zu)", failed, n);
}

int main(void)
{
	test_native();
	test_others();
	test_bad();
	gu_gdb_files_deinit(&files);
	return tap_done();
}
