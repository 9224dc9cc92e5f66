/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine/go on tables made by hand: of every machine, whole and cut. */
#include "engine/go/module.h"
#include "engine/image/elf_file.h"
#include "tests/unit/go_sample.h"
#include "tests/unit/tap.h"

static void check_calls(const struct gu_module *m, const char *name)
{
	struct gu_call calls[4];
	struct gu_func func;
	struct gu_diag diag;
	size_t n = 0;
	uint64_t pc = GO_SAMPLE_TEXT + 0x90;

	if (!is_status(gu_pclntab_find(&m->tab, pc, &diag, &func), GU_OK,
			    &diag, "%s: a function by pc", name))
		return;
	is_str(gu_func_name(&m->tab, &func), "main.main", "%s: is main", name);
	is_status(gu_module_calls(m, &func, pc, calls, 4, &diag, &n), GU_OK,
		&diag, "%s: the calls there", name);
	if (!is_int(n, 2, "%s: are two", name))
		return;
	is_str(calls[0].name, "main.leaf", "%s: the inlined one", name);
	ok(calls[0].inlined && calls[0].line == 20 && calls[0].start_line == 19,
		"%s: at its line", name);
	is_str(calls[1].name, "main.main", "%s: and its caller", name);
	ok(!calls[1].inlined && calls[1].line == 8 && calls[1].start_line == 6,
		"%s: at the line of the call", name);
	is_str(calls[1].file, "main.go", "%s: in its file", name);
	is_int(gu_pcvalue_at(&m->tab, &func, func.pcsp, pc), 32,
		"%s: the stack size", name);
	is_status(gu_pclntab_find(&m->tab, GO_SAMPLE_TEXT + 0x200, &diag,
			  &func), GU_NOT_FOUND, NULL, "%s: no code", name);
}

static void test_machine(const struct sample_machine *machine)
{
	struct gu_module *module = NULL;
	struct gu_elf_file *file;
	struct elf_writer ew;
	struct gu_diag diag = {0};
	const char *name = machine->name;

	go_sample(&ew, machine);
	if (is_status(gu_elf_file_open(ew_path(&ew), &diag, &file), GU_OK,
		    &diag, "%s: file", name)) {
		if (is_status(gu_module_open(gu_elf_file_image(file), &diag,
				      &module), GU_OK, &diag, "%s: module",
			    name)) {
			is_int(module->tab.nfunc, 3, "%s: functions", name);
			is_str(module->build.version, "go1.22.1",
				"%s: release", name);
			check_calls(module, name);
		}
		gu_module_close(module);
		gu_elf_file_close(file);
	}
	ew_deinit(&ew);
}

/* Cut anywhere, with the segment's size made to fit: never a crash. */
static void test_cut(const struct sample_machine *machine)
{
	struct elf_writer ew;
	unsigned opened = 0, unclear = 0;
	size_t head;

	go_sample(&ew, machine);
	head = (size_t)ew_get(&ew, "p_offset", 0);
	for (size_t n = head + 1; n < ew.out.n; n++) {
		struct gu_module *module;
		struct gu_elf_file *file;
		struct gu_diag diag = {0};
		enum gu_status st;

		(void)ew_set(&ew, "p_filesz", 0, n - head);
		(void)ew_set(&ew, "p_memsz", 0, n - head);
		if (gu_elf_file_open(ew_path_of(&ew, ew.out.p, n), &diag,
			    &file)) {
			unclear++;
			continue;
		}
		st = gu_module_open(gu_elf_file_image(file), &diag, &module);
		if (st == GU_OK) {
			opened++;
			gu_module_close(module);
		}
		unclear += gu_is_error(st) && diag.text[0] == '\0';
		gu_elf_file_close(file);
	}
	is_int(unclear, 0, "%s: each cut is told", machine->name);
	/* zero is good for the last 39 words of moduledata, behind gofunc */
	ok(opened <= 39U * ew.ptr, "%s: %u cut tables open", machine->name,
		opened);
	ew_deinit(&ew);
}

/* Memory that counts what is read of it. */
struct counted {
	const struct gu_mem *under;
	uint64_t bytes;
};

static enum gu_status counted_read(void *ctx, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	struct counted *counted = ctx;

	counted->bytes += len;
	return gu_mem_read(counted->under, addr, buf, len, diag);
}

/* A file full of the headers of tables, NFUNC in each, is not read forever. */
static void test_headers(uint64_t nfunc, const char *name)
{
	enum { SIZE = 1 << 18, TIMES_MAX = 1000 };
	static const struct gu_mem_ops ops = {
		.name = "counted",
		.read = counted_read,
	};
	struct counted counted = {.bytes = 0};
	struct gu_elf_file *file;
	struct elf_writer ew;
	struct gu_diag diag = {0};
	struct gu_buf *b;

	ew_init(&ew, true, false, ET_EXEC, EM_X86_64);
	b = ew_segment(&ew, PT_LOAD, PF_R | PF_W, GO_SAMPLE_TEXT, 0);
	for (size_t n = 0; n < SIZE; n += 16) {
		gu_buf_word(b, 0xfffffffb, 4); /* Go 1.2's magic */
		gu_buf_word(b, 0, 2);
		gu_buf_u8(b, 1);
		gu_buf_u8(b, 8);
		gu_buf_word(b, nfunc, 8);
	}
	ew_finish(&ew);
	if (is_status(gu_elf_file_open(ew_path(&ew), &diag, &file), GU_OK,
		    &diag, "%s: file", name)) {
		struct gu_image image = *gu_elf_file_image(file);
		struct gu_module *module;

		counted.under = &gu_elf_file_image(file)->mem;
		image.mem.ops = &ops;
		image.mem.ctx = &counted;
		is_status(gu_module_open(&image, &diag, &module),
			nfunc ? GU_UNSUPPORTED : GU_NOT_FOUND, &diag,
			"%s: no module", name);
		ok(counted.bytes < (uint64_t)SIZE * TIMES_MAX,
			"%s: %llu bytes were read", name,
			(unsigned long long)counted.bytes);
		gu_elf_file_close(file);
	}
	ew_deinit(&ew);
}

int main(void)
{
	for (unsigned i = 0; i < sample_nmachines; i++)
		test_machine(&sample_machines[i]);
	for (unsigned i = 0; i < sample_nmachines; i += 3)
		test_cut(&sample_machines[i]);
	test_headers(0, "no functions");
	test_headers(1, "one function");
	return tap_done();
}
