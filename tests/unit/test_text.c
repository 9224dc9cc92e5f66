/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The text of tables made by hand; and names from a hostile file as text:
 * nothing that a terminal acts upon, no line that is not ours, always UTF-8.
 */
#include "engine/base/math.h"
#include "engine/emit/text.h"
#include "engine/image/elf_file.h"
#include "tests/unit/go_sample.h"
#include "tests/unit/tap.h"

static void test_escape(void)
{
	static const struct {
		struct gu_str in;
		const char *out, *what;
	} cases[] = {
#define CASE(in, out, what) {{in, sizeof(in) - 1}, out, what}
		CASE("", "", "nothing"),
		CASE("main.(*T[go.shape.int]).F", "main.(*T[go.shape.int]).F",
			"a name"),
		CASE("main.\xc3\xa4\xe4\xb8\x96\xf0\x9f\x98\x80",
			"main.\xc3\xa4\xe4\xb8\x96\xf0\x9f\x98\x80",
			"letters of two, three and four bytes"),
		CASE("a\x1b[31mb", "a\\x1b[31mb", "an escape sequence"),
		CASE("a\nfile b\r\t\x7f", "a\\x0afile b\\x0d\\x09\\x7f",
			"line ends, tabs and DEL"),
		CASE("a\0b", "a\\x00b", "NUL"),
		CASE("a\\x1b", "a\\\\x1b", "a backslash"),
		CASE("\xc2\x9b" "31m", "\\xc2\\x9b31m", "C1 control as UTF-8"),
		CASE("\x9b" "31m", "\\x9b31m", "C1 control as one byte"),
		CASE("\xc2\xa0", "\xc2\xa0", "the first letter beyond C1"),
		CASE("a\xc3", "a\\xc3", "a sequence that is cut"),
		CASE("\xc0\xaf", "\\xc0\\xaf", "an overlong form"),
		CASE("\xe0\x80\xaf", "\\xe0\\x80\\xaf", "a longer one"),
		CASE("\xed\xa0\x80", "\\xed\\xa0\\x80", "a surrogate"),
		CASE("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80",
			"beyond Unicode"),
		CASE("\xff\xfe", "\\xff\\xfe", "bytes that UTF-8 never has"),
#undef CASE
	};
	struct gu_buf buf;
	size_t i;

	gu_buf_init(&buf, false);
	for (i = 0; i < GU_COUNT(cases); i++) {
		buf.n = 0;
		gu_text_escape(&buf, cases[i].in);
		is_str(((struct gu_str){(const char *)buf.p, buf.n}),
			cases[i].out, "escape: %s", cases[i].what);
	}
	gu_buf_deinit(&buf);
}

/* What GDB's "echo" makes of it is the text, in one line of a terminal. */
static void test_echo(void)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"", "echo \\n\n"},
		{" $arg0 a\\b", "echo \\040\\044arg0 a\\134b\\n\n"},
		{"\tmain.go:\t\xc3\xa4", "echo \\011main.go:\t\xc3\xa4\\n\n"},
		{"a\x1b[31mb\n\x9b\xc2\x9b", "echo a\\134x1b[31mb\\134x0a"
			"\\134x9b\\134xc2\\134x9b\\n\n"},
	};
	struct gu_buf buf;

	gu_buf_init(&buf, false);
	for (size_t i = 0; i < GU_COUNT(cases); i++) {
		buf.n = 0;
		gu_text_echo(&buf, gu_str(cases[i].in));
		is_str(((struct gu_str){(const char *)buf.p, buf.n}),
			cases[i].out, "echo %zu", i);
	}
	gu_buf_deinit(&buf);
}

static void test_place(void)
{
	struct gu_buf buf;

	gu_buf_init(&buf, false);
	gu_text_place(&buf, gu_str("/a b/c.go"), 12);
	gu_text_place(&buf, (struct gu_str){NULL, 0}, 12);
	gu_text_place(&buf, gu_str("x"), -1);
	is_str(((struct gu_str){(const char *)buf.p, buf.n}),
		"/a b/c.go:12??:12x:0", "place: file, no file, no line");
	gu_buf_deinit(&buf);
}

/* What go_sample.h describes. */
static const char sample_text[] =
	"function 0x400000-0x400040 runtime.goexit\n"
	"  declared runtime/asm.s:10\n"
	"  line 0x400000-0x400040 runtime/asm.s:10\n"
	"function 0x400040-0x400100 main.main\n"
	"  declared main.go:6\n"
	"  line 0x400040-0x400050 main.go:7\n"
	"  line 0x400050-0x400080 main.go:8\n"
	"  line 0x400080-0x400100 main.go:20\n"
	"  inline 0x400080-0x400100 main.leaf at main.go:8 < main.main\n"
	"function 0x400100-0x400200 main.last\n"
	"  declared main.go:29\n"
	"  line 0x400100-0x400200 main.go:30\n"
	"file main.go\n"
	"file runtime/asm.s\n";

static enum gu_status put_module(const struct gu_module *module,
	struct gu_diag *diag, struct gu_buf *out)
{
	const struct gu_text_parts all = {true, true, true};
	enum gu_status status = GU_OK;
	struct gu_func func;
	uint32_t i;

	for (i = 0; !status && i < module->tab.nfunc; i++) {
		status = gu_pclntab_func(&module->tab, i, diag, &func);
		if (!status)
			status =
				gu_text_function(module, &func, all, diag, out);
	}
	return status ? status : gu_text_files(module, diag, out);
}

static void test_module(const struct sample_machine *machine)
{
	struct gu_elf_file *file = NULL;
	struct gu_module *module = NULL;
	struct gu_diag diag = {0};
	struct elf_writer ew;
	struct gu_buf buf;

	gu_buf_init(&buf, false);
	go_sample(&ew, machine);
	if (is_status(gu_elf_file_open(ew_path(&ew), &diag, &file), GU_OK,
		    &diag, "%s: file", machine->name) &&
		is_status(gu_module_open(gu_elf_file_image(file), &diag,
				  &module), GU_OK, &diag, "%s: module",
			machine->name) &&
		is_status(put_module(module, &diag, &buf), GU_OK, &diag,
			"%s: text", machine->name))
		is_str(((struct gu_str){(const char *)buf.p, buf.n}),
			sample_text, "%s: its text", machine->name);
	gu_module_close(module);
	gu_elf_file_close(file);
	gu_buf_deinit(&buf);
	ew_deinit(&ew);
}

int main(void)
{
	unsigned i;

	for (i = 0; i < sample_nmachines; i++)
		test_module(&sample_machines[i]);
	test_escape();
	test_echo();
	test_place();
	return tap_done();
}
