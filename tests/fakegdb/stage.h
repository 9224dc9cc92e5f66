/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A stopped Go program that never ran: a fixture's file as memory, at a bias,
 * and a stack built by hand, whose every frame is known.
 */
#ifndef TESTS_FAKEGDB_STAGE_H
#define TESTS_FAKEGDB_STAGE_H

#include "engine/image/elf_file.h"
#include "engine/stack/unwind.h"

enum { STAGE_FRAMES = 12, STAGE_STACK = 1 << 18 };

struct stage {
	const char *path;
	struct gu_elf_file *file;
	struct gu_module *module;
	uint64_t bias;
	struct gu_mem mem;           /* the target */
	bool other_program;          /* its data is not the file's */
	uint8_t stack[STAGE_STACK];
	struct gu_regs frames[STAGE_FRAMES]; /* innermost first; the last is
						runtime.goexit's */
	size_t nframes;
};

/* PATH's program at BIAS; false, with a line of why, if it cannot be opened. */
bool stage_open(struct stage *stage, const char *path, uint64_t bias);
void stage_close(struct stage *stage);

/* The same program, loaded elsewhere. */
void stage_move(struct stage *stage, uint64_t bias);

#endif
