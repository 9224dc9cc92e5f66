/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Write the seeds for fuzzing, a few KB each, to a folder in DIR per target:
 *
 *   make_corpus DIR
 */
#include "tests/unit/go_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static void write_seed(const char *dir, const char *target, const char *name,
	const struct gu_buf *bytes)
{
	char path[4096];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", dir, target);
	(void)mkdir(path, 0777);
	(void)snprintf(path, sizeof path, "%s/%s/%s", dir, target, name);
	file = fopen(path, "wb");
	if (!file || fwrite(bytes->p, 1, bytes->n, file) != bytes->n ||
		fclose(file) != 0) {
		perror(path);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s DIR\n", argv[0]);
		return 2;
	}
	(void)mkdir(argv[1], 0777);
	for (unsigned i = 0; i < sample_nmachines; i++) {
		struct sample_reloc relocs[SAMPLE_NRELOCS];
		struct elf_writer program, core, go;

		sample_program(&program, &sample_machines[i], i % 2, relocs);
		sample_core(&core, &program, relocs);
		write_seed(argv[1], "elf", sample_machines[i].name,
			&program.out);
		write_seed(argv[1], "core", sample_machines[i].name, &core.out);
		go_sample(&go, &sample_machines[i]);
		write_seed(argv[1], "module", sample_machines[i].name, &go.out);
		ew_deinit(&go);
		ew_deinit(&core);
		ew_deinit(&program);
	}
	return 0;
}
