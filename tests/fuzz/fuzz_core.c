/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes are a core; it is read, and compared with the sample program. */
#include "engine/image/core.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/elf_samples.h"

#include <stdlib.h>

static const struct gu_elf_file *program(void)
{
	static struct gu_elf_file *file;
	static struct elf_writer ew;
	struct sample_reloc relocs[SAMPLE_NRELOCS];

	if (!file) {
		sample_program(&ew, &sample_machines[0], false, relocs);
		if (gu_elf_file_open(ew_path(&ew), NULL, &file))
			abort();
	}
	return file;
}

static void read_regions(const struct gu_mem *mem)
{
	static uint8_t bytes[1 << 16];
	struct gu_region region;
	uint64_t at = 0;

	while (gu_mem_next_region(mem, at, &region) == GU_OK) {
		size_t n = region.size < sizeof bytes ? (size_t)region.size
						      : sizeof bytes;

		if (region.addr < at || region.size == 0 ||
			gu_mem_read(mem, region.addr, bytes, n, NULL) != GU_OK)
			abort(); /* what is listed can be read */
		at = region.addr + region.size;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct elf_writer ew = {.fd = -1};
	struct gu_core *core;
	struct gu_diag diag = {0};
	struct gu_mem mem;
	uint64_t bias = 0;
	bool proved;
	size_t sum = 0;

	if (gu_core_open(ew_path_of(&ew, data, size), &diag, &core)) {
		if (diag.text[0] == '\0')
			abort();
		return 0;
	}
	mem = gu_core_mem(core);
	read_regions(&mem);
	for (size_t i = 0; i < gu_core_nthreads(core); i++) {
		const struct gu_core_thread *thread = &gu_core_threads(core)[i];

		for (size_t k = 0; k < thread->regs_size; k++)
			sum += thread->regs[k];
	}
	for (size_t i = 0; i < gu_core_nfiles(core); i++)
		for (size_t k = 0; k < gu_core_files(core)[i].path.n; k++)
			sum += (uint8_t)gu_core_files(core)[i].path.p[k];
	if (gu_core_exec_bias(core, program(), &bias) == GU_OK || sum)
		(void)!gu_core_matches(core, program(), bias, SAMPLE_DATA,
			SAMPLE_MEM, &diag, &proved);
	gu_core_close(core);
	return 0;
}
