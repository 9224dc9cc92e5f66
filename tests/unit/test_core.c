/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine/image/core: cores of every machine, and whose they are. */
#include "engine/base/math.h"
#include "engine/image/core.h"
#include "tests/unit/elf_samples.h"
#include "tests/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>

/* A program, its core, both in files. */
struct pair {
	struct elf_writer program, dump;
	struct sample_reloc relocs[SAMPLE_NRELOCS];
	struct gu_elf_file *file;
	struct gu_core *core;
};

static void pair_open(struct pair *pair, const struct sample_machine *machine)
{
	struct gu_diag diag;

	sample_program(&pair->program, machine, false, pair->relocs);
	sample_core(&pair->dump, &pair->program, pair->relocs);
	if (!is_status(gu_elf_file_open(ew_path(&pair->program), &diag,
			       &pair->file), GU_OK, &diag, "%s: program",
		    machine->name) ||
		!is_status(gu_core_open(ew_path(&pair->dump), &diag,
				   &pair->core), GU_OK, &diag, "%s: core",
			machine->name))
		exit(tap_done());
}

static void pair_close(struct pair *pair)
{
	gu_core_close(pair->core);
	gu_elf_file_close(pair->file);
	ew_deinit(&pair->dump);
	ew_deinit(&pair->program);
}

static void check_threads(const struct pair *pair, const char *name)
{
	const struct gu_core_thread *threads = gu_core_threads(pair->core);
	struct gu_cur cur;

	if (!is_int(gu_core_nthreads(pair->core), 2, "%s: threads", name))
		return;
	ok(threads[0].tid == 101 && threads[0].signal == 6 &&
		threads[1].tid == 102 && threads[1].signal == 0,
		"%s: their ids and signals", name);
	is_int(threads[1].regs_size, 17U * pair->dump.ptr, "%s: registers",
		name);
	cur = gu_cur(threads[1].regs, threads[1].regs_size, 0, pair->dump.be,
		"registers");
	gu_cur_skip(&cur, (size_t)3 * pair->dump.ptr);
	is_int(gu_cur_word(&cur, pair->dump.ptr), 105, "%s: the fourth", name);
}

static void test_machine(const struct sample_machine *machine)
{
	struct pair pair;
	const struct gu_core_file *files;
	struct gu_region region;
	struct gu_diag diag;
	struct gu_mem mem;
	const char *name = machine->name;
	uint64_t value, bias = 0;
	uint8_t bytes[8];
	bool proved = false;

	pair_open(&pair, machine);
	mem = gu_core_mem(pair.core);
	is_int(gu_core_lost(pair.core), 0, "%s: complete", name);
	check_threads(&pair, name);
	files = gu_core_files(pair.core);
	if (is_int(gu_core_nfiles(pair.core), 1, "%s: files", name)) {
		is_str(files->path, "/bin/sample", "%s: its path", name);
		ok(files->start == SAMPLE_BIAS + SAMPLE_RO &&
			files->end == SAMPLE_BIAS + SAMPLE_CODE &&
			files->off == 8192, "%s: where it was mapped", name);
	}
	is_status(gu_core_auxv(pair.core, 9, &value), GU_OK, NULL,
		"%s: AT_ENTRY", name);
	is_int(value, SAMPLE_BIAS + SAMPLE_CODE + 4, "%s: its value", name);
	is_status(gu_core_auxv(pair.core, 3, &value), GU_NOT_FOUND, NULL,
		"%s: no AT_PHDR", name);
	is_status(gu_core_exec_bias(pair.core, pair.file, &bias), GU_OK, NULL,
		"%s: bias", name);
	is_int(bias, SAMPLE_BIAS, "%s: its value", name);
	is_status(gu_mem_read(&mem, SAMPLE_BIAS + SAMPLE_CODE, bytes, 8, &diag),
		GU_OK, &diag, "%s: code", name);
	is_status(gu_mem_read(&mem, 0x7000000, bytes, 1, &diag), GU_FAULT,
		&diag, "%s: what the core left out", name);
	says(&diag, "does not hold the memory at 0x7000000", "%s: told", name);
	is_status(gu_mem_next_region(&mem, SAMPLE_BIAS + SAMPLE_DATA + 1,
			  &region), GU_OK, NULL, "%s: a region", name);
	is_int(region.size, SAMPLE_MEM, "%s: the data", name);
	is_status(gu_mem_next_region(&mem, 0x6000000, &region), GU_NOT_FOUND,
		NULL, "%s: what was left out is none", name);
	is_status(gu_core_matches(pair.core, pair.file, bias, 0, 0, &diag,
			  &proved), GU_OK, &diag, "%s: it belongs", name);
	ok(proved, "%s: by its build id", name);
	pair_close(&pair);
}

/* Change LEN bytes at OFF of the core's PART, and open it again. */
static void spoil(struct pair *pair, unsigned part, uint64_t off,
	const void *bytes, size_t len)
{
	uint64_t at = ew_get(&pair->dump, "p_offset", part) + off;
	struct gu_diag diag;

	memcpy(pair->dump.out.p + at, bytes, len);
	gu_core_close(pair->core);
	pair->core = NULL;
	if (!is_status(gu_core_open(ew_path(&pair->dump), &diag, &pair->core),
		    GU_OK, &diag, "the core, changed"))
		exit(tap_done());
}

static void no_match(struct pair *pair, uint64_t bias, const char *text)
{
	struct gu_diag diag = {0};
	bool proved = false;

	is_status(gu_core_matches(pair->core, pair->file, bias, SAMPLE_DATA,
			  SAMPLE_MEM, &diag, &proved), GU_BAD_DATA, &diag,
		"does not match");
	says(&diag, text, "and why");
}

static void test_ids(void)
{
	struct pair pair;

	pair_open(&pair, &sample_machines[0]);
	spoil(&pair, 1, 16, "\xab", 1);
	no_match(&pair, SAMPLE_BIAS, "it has the GNU build id "
		"ab02030405060708090a, expected 0102030405060708090a");
	no_match(&pair, SAMPLE_BIAS + 4, "its entry point is not where");
	no_match(&pair, 0, "nothing was mapped at 0x30000, expected data");
	spoil(&pair, 1, 12, "\0", 1);
	no_match(&pair, SAMPLE_BIAS, "it has no GNU build id where");
	pair_close(&pair);

	/* a program with a Go build id only */
	pair_open(&pair, &sample_machines[0]);
	gu_elf_file_close(pair.file);
	(void)ew_set(&pair.program, "p_vaddr", 1, SAMPLE_RO + 28);
	(void)ew_set(&pair.program, "p_filesz", 1, 32);
	(void)ew_set(&pair.program, "p_offset", 1,
		ew_get(&pair.program, "p_offset", 1) + 28);
	pair.file = NULL;
	ok(gu_elf_file_open(ew_path(&pair.program), NULL, &pair.file) == GU_OK,
		"no GNU build id");
	is_int(gu_elf_file_build_id(pair.file).n, 0, "there");
	spoil(&pair, 1, 44, "A", 1);
	no_match(&pair, SAMPLE_BIAS, "it has the Go build id "
		"\"Action/content\", expected \"action/content\"");
	pair_close(&pair);
}

/* Without ids: by the bytes of code, then by relocated words. */
static void test_bytes(const struct sample_machine *machine)
{
	struct gu_diag diag;
	struct pair pair;
	bool proved = false;
	uint8_t one = 1;

	pair_open(&pair, machine);
	gu_elf_file_close(pair.file);
	pair.file = NULL;
	(void)ew_set(&pair.program, "p_type", 1, PT_NULL);
	ok(gu_elf_file_open(ew_path(&pair.program), NULL, &pair.file) == GU_OK,
		"%s without notes", machine->name);
	is_status(gu_core_matches(pair.core, pair.file, SAMPLE_BIAS,
			  SAMPLE_DATA, SAMPLE_MEM, &diag, &proved), GU_OK,
		&diag, "it belongs");
	ok(proved, "by its bytes");
	spoil(&pair, 2, 5, "\x55", 1);
	/* the constants agree and come first, but all pages must agree */
	no_match(&pair, SAMPLE_BIAS, "its code at 0x5020005 has 55f9f8f7");

	/* now the core holds neither code nor constants */
	(void)ew_set(&pair.dump, "p_filesz", 1, 0);
	(void)ew_set(&pair.dump, "p_filesz", 2, 0);
	spoil(&pair, 0, 0, "", 0);
	proved = false;
	is_status(gu_core_matches(pair.core, pair.file, SAMPLE_BIAS,
			  SAMPLE_DATA, SAMPLE_MEM, &diag, &proved), GU_OK,
		&diag, "it belongs");
	ok(proved, "by its relocated words");
	proved = true;
	is_status(gu_core_matches(pair.core, pair.file, SAMPLE_BIAS, 0, 0,
			  &diag, &proved), GU_OK, &diag, "nothing to compare");
	ok(!proved, "proves nothing");
	/* the word at 0x20 is bound to a symbol: anybody's */
	spoil(&pair, 3, 0x20, "\x55", 1);
	is_status(gu_core_matches(pair.core, pair.file, SAMPLE_BIAS,
			  SAMPLE_DATA, SAMPLE_MEM, &diag, &proved), GU_OK,
		&diag, "a word against a symbol may differ");
	spoil(&pair, 3, 0x40, &one, 1);
	no_match(&pair, SAMPLE_BIAS, "its module data at 0x5030040 has 01");
	pair_close(&pair);
}

static void test_other_machine(void)
{
	struct gu_elf_file *file;
	struct elf_writer other;
	struct sample_reloc relocs[SAMPLE_NRELOCS];
	struct gu_diag diag;
	struct pair pair;
	bool proved;

	pair_open(&pair, &sample_machines[0]);
	sample_program(&other, &sample_machines[2], false, relocs);
	ok(gu_elf_file_open(ew_path(&other), &diag, &file) == GU_OK, "arm64");
	is_status(gu_core_matches(pair.core, file, SAMPLE_BIAS, 0, 0, &diag,
			  &proved), GU_BAD_DATA, &diag, "of another machine");
	says(&diag, "for amd64, expected arm64", "and says so");
	gu_elf_file_close(file);
	is_status(gu_core_open(ew_path(&other), &diag, &pair.core), GU_BAD_DATA,
		&diag, "a program is no core");
	says(&diag, "expected 4 (a core dump)", "and says so");
	ew_deinit(&other);
	pair_close(&pair);
}

static void test_lies(void)
{
	struct gu_core *core;
	struct gu_diag diag;
	struct pair pair;
	uint64_t notes;

	pair_open(&pair, &sample_machines[0]);
	notes = ew_get(&pair.dump, "p_offset", 0);
	/* NT_PRSTATUS: header 12, name 8, registers of 17 words */
	gu_buf_patch(&pair.dump.out, (size_t)notes + 4, 100, 4);
	is_status(gu_core_open(ew_path(&pair.dump), &diag, &core), GU_BAD_DATA,
		&diag, "a short NT_PRSTATUS");
	says(&diag, "NT_PRSTATUS has 100 bytes, expected more than 120",
		"and says so");
	pair_close(&pair);

	pair_open(&pair, &sample_machines[0]);
	notes = ew_get(&pair.dump, "p_offset", 0) + 20 + 112 + UINT64_C(8) * 18;
	/* NT_AUXV: header 12, name 8, four words; then NT_FILE's count */
	gu_buf_patch(&pair.dump.out, (size_t)notes + 20 + 32 + 20,
		UINT64_MAX / 8, 8);
	is_status(gu_core_open(ew_path(&pair.dump), &diag, &core), GU_BAD_DATA,
		&diag, "an NT_FILE of too many files");
	says(&diag, "cannot hold the 2305843009213693951 files", "and says so");
	pair_close(&pair);

	pair_open(&pair, &sample_machines[0]);
	(void)ew_set(&pair.dump, "p_type", 1, PT_NOTE);
	(void)ew_set(&pair.dump, "p_type", 2, PT_NOTE);
	for (unsigned i = 0; i < 3; i++) {
		(void)ew_set(&pair.dump, "p_offset", i, 0);
		(void)ew_set(&pair.dump, "p_filesz", i, pair.dump.out.n / 2);
	}
	is_status(gu_core_open(ew_path(&pair.dump), &diag, &core), GU_BAD_DATA,
		&diag, "notes that overlap");
	says(&diag, "note segments overlap", "and says so");
	pair_close(&pair);
}

/* Cut at every byte: what is left is still there, and the loss is told. */
static void test_cut(const struct sample_machine *machine)
{
	unsigned wrong = 0, opened = 0;
	uint64_t data, held = 0;
	struct pair pair;

	pair_open(&pair, machine);
	data = ew_get(&pair.dump, "p_offset", 3);
	for (size_t n = 0; n < pair.dump.out.n; n++) {
		const char *path = ew_path_of(&pair.dump, pair.dump.out.p, n);
		struct gu_region region;
		struct gu_core *core;
		struct gu_diag diag = {0};
		struct gu_mem mem;
		uint64_t at = 0, got = 0;
		bool proved;
		uint8_t byte;

		if (gu_core_open(path, &diag, &core) != GU_OK) {
			wrong += strncmp(diag.text, path, strlen(path)) != 0;
			continue;
		}
		opened++;
		wrong += gu_core_lost(core) == 0;
		mem = gu_core_mem(core);
		while (gu_mem_next_region(&mem, at, &region) == GU_OK) {
			at = region.addr + region.size;
			got += region.size;
		}
		wrong += got < held; /* it can only grow */
		held = got;
		if (n > data && gu_mem_read(&mem, SAMPLE_BIAS + SAMPLE_DATA +
					n - data, &byte, 1, &diag) != GU_FAULT)
			wrong++;
		wrong += n > data && !strstr(diag.text, "was cut short");
		(void)!gu_core_matches(core, pair.file, SAMPLE_BIAS,
			SAMPLE_DATA, SAMPLE_MEM, &diag, &proved);
		gu_core_close(core);
	}
	is_int(wrong, 0, "%s: cut anywhere", machine->name);
	ok(opened > pair.dump.out.n / 2, "%s: %u cut cores opened",
		machine->name, opened);
	pair_close(&pair);
}

int main(void)
{
	for (unsigned i = 0; i < sample_nmachines; i++) {
		test_machine(&sample_machines[i]);
		test_bytes(&sample_machines[i]);
	}
	test_ids();
	test_other_machine();
	test_lies();
	for (unsigned i = 0; i < sample_nmachines; i += 3)
		test_cut(&sample_machines[i]);
	gu_core_close(NULL);
	return tap_done();
}
