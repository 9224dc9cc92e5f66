/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes are a program; everything that elf_file offers is asked of it. */
#include "engine/image/elf_file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/elf_writer.h"

#include <stdlib.h>

static bool touch(void *ctx, const struct gu_elf_symbol *symbol)
{
	size_t *sum = ctx;

	*sum += symbol->name.n;
	return *sum < 1 << 20;
}

static void read_regions(const struct gu_elf_file *file)
{
	const struct gu_mem *mem = &gu_elf_file_image(file)->mem;
	static uint8_t bytes[1 << 16], out[1 << 16];
	struct gu_region region;
	struct gu_diag diag;
	uint64_t at = 0;

	/* regions are in order and apart, or this does not end */
	while (gu_mem_next_region(mem, at, &region) == GU_OK) {
		size_t n = region.size < sizeof bytes ? (size_t)region.size
						      : sizeof bytes;

		if (region.addr < at || region.size == 0)
			abort();
		at = region.addr + region.size;
		if (gu_mem_read(mem, region.addr, bytes, n, &diag) == GU_OK &&
			gu_elf_file_expect(file, 0x10000, region.addr, bytes, n,
				&diag, out) == GU_OK &&
			gu_mem_read(mem, region.addr + n / 3, bytes, n / 3,
				&diag) != GU_OK)
			abort(); /* a part of what could be read */
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct elf_writer ew = {.fd = -1};
	struct gu_elf_file *file;
	struct gu_diag diag = {0};
	size_t sum = 0;

	if (gu_elf_file_open(ew_path_of(&ew, data, size), &diag, &file)) {
		if (diag.text[0] == '\0')
			abort();
		return 0;
	}
	read_regions(file);
	(void)!gu_elf_file_symbols(file, touch, &sum, &diag);
	(void)gu_elf_file_traits(file);
	(void)gu_image_section(gu_elf_file_image(file), ".gopclntab");
	gu_elf_file_close(file);
	return 0;
}
