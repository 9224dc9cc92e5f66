/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The stack of a goroutine made by hand: main.main, called by runtime.goexit,
 * has called a nil function.
 */
#include "engine/image/elf_file.h"
#include "engine/stack/traceback.h"
#include "tests/unit/go_sample.h"
#include "tests/unit/tap.h"

enum {
	SP = 0x10000, /* of main.main */
	FRAME = 32,   /* as its table of stack sizes has it */
	RETURN = GO_SAMPLE_TEXT + 0x94,
	EXIT = GO_SAMPLE_TEXT + 0x10,
};

static void check(const struct gu_module *module, bool lr, const char *name)
{
	struct gu_runtime rt = {.module = module, .memo = gu_memo_create()};
	struct gu_goroutine g = {.addr = 1, .id = 2, .status =
		GU_STATUS_RUNNING, .start = GU_START_THREAD,
		.stack_lo = SP - 8, .stack_hi = SP + 64,
		.regs = {.pc = 0, .sp = lr ? SP : SP - 8, .has_lr = lr,
			.lr = lr ? RETURN : 0}};
	struct gu_mem_buffer memory;
	struct gu_trace trace;
	struct gu_buf b;

	gu_buf_init(&b, false);
	gu_buf_word(&b, lr ? 0 : RETURN, 8); /* at SP - 8 */
	gu_buf_word(&b, lr ? EXIT : 0, 8);
	gu_buf_zero(&b, FRAME - 8);
	gu_buf_word(&b, lr ? 0 : EXIT, 8);
	gu_buf_zero(&b, 32);
	memory = (struct gu_mem_buffer){b.p, b.n, SP - 8};
	rt.mem = gu_mem_of_buffer(&memory, false, 8);
	gu_traceback(&rt, &g, GU_TRACE_USER, &trace);
	is_str(gu_str(trace.stop.text), "", "%s: it ends well", name);
	if (is_int(trace.n, 2, "%s: two calls", name)) {
		is_str(trace.calls[0].name, "main.leaf", "%s: the inlined one",
			name);
		is_str(trace.calls[1].name, "main.main", "%s: and its caller",
			name);
		ok(trace.calls[1].pc == RETURN, "%s: at the call", name);
	}
	g.regs.has_lr = false;
	gu_traceback(&rt, &g, GU_TRACE_USER, &trace);
	ok(!lr || (trace.n == 0 && trace.stop.text[0]),
		"%s: nothing without the return address", name);
	gu_memo_destroy(rt.memo);
	gu_buf_deinit(&b);
}

int main(void)
{
	for (unsigned i = 0; i < sample_nmachines; i++) {
		const struct sample_machine *machine = &sample_machines[i];
		gu_cleanup(gu_elf_file_closep) struct gu_elf_file *file = NULL;
		gu_cleanup(gu_module_closep) struct gu_module *module = NULL;
		struct elf_writer ew;
		struct gu_diag diag;

		if (machine->machine != EM_X86_64 &&
			machine->machine != EM_AARCH64)
			continue;
		go_sample(&ew, machine);
		if (is_status(gu_elf_file_open(ew_path(&ew), &diag, &file),
			    GU_OK, &diag, "%s: file", machine->name) &&
			is_status(gu_module_open(gu_elf_file_image(file), &diag,
					  &module), GU_OK, &diag, "%s: module",
				machine->name))
			check(module, machine->machine == EM_AARCH64,
				machine->name);
		ew_deinit(&ew);
	}
	return tap_done();
}
