/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The main program of a fuzz target without libFuzzer: run it on files.
 *
 *   fuzz_X [-m N] FILE…     each file as it is, then N spoilt copies of it,
 *                           always the same ones
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 24 };

static uint64_t seed;

static uint64_t draw(void)
{
	seed ^= seed << 13; /* xorshift64 */
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* What breaks parsers: other bytes, extreme words, an early end. */
static size_t spoil(uint8_t *bytes, size_t size)
{
	static const uint64_t words[] = {
		0, 1, 0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX, UINT64_MAX
	};
	unsigned changes = 1 + (unsigned)(draw() % 4);

	while (changes-- > 0 && size > 0) {
		size_t at = (size_t)(draw() % size), n = 1U << draw() % 4;
		uint64_t word = draw();

		if (n > size - at)
			n = size - at;
		switch (draw() % 8) {
		case 0:
			size = at;
			break;
		case 1:
		case 2:
			word = words[draw() % (sizeof words / sizeof *words)];
			/* fall through */
		default:
			memcpy(bytes + at, &word, n);
			break;
		}
	}
	return size;
}

static int replay(const char *path, unsigned long rounds)
{
	static uint8_t bytes[FILE_MAX], copy[FILE_MAX];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		return 1;
	}
	size = fread(bytes, 1, sizeof bytes, file);
	(void)fclose(file);
	(void)LLVMFuzzerTestOneInput(bytes, size);
	seed = 88172645463325252ULL;
	for (unsigned long i = 0; i < rounds; i++) {
		memcpy(copy, bytes, size);
		(void)LLVMFuzzerTestOneInput(copy, spoil(copy, size));
	}
	printf("ok - %s and %lu spoilt copies\n", path, rounds);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long rounds = 0;
	int first = 1, failed = 0;

	if (argc > 2 && strcmp(argv[1], "-m") == 0) {
		rounds = strtoul(argv[2], NULL, 10);
		first = 3;
	}
	if (first >= argc) {
		fprintf(stderr, "usage: %s [-m N] FILE…\n", argv[0]);
		return 2;
	}
	for (int i = first; i < argc; i++)
		failed |= replay(argv[i], rounds);
	return failed;
}
