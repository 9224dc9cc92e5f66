/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A Go program of three functions, tables only, as Go 1.22 lays them out:
 *
 *	runtime.goexit  [0, 0x40)      runtime/asm.s:10
 *	main.main       [0x40, 0x100)  main.go:7, from 0x80 on main.leaf
 *	                               (main.go:20) inlined at 0x50 (main.go:8)
 *	main.last       [0x100, 0x200) main.go:30
 */
#ifndef TESTS_UNIT_GO_SAMPLE_H
#define TESTS_UNIT_GO_SAMPLE_H

#include "tests/unit/elf_samples.h"

enum { GO_SAMPLE_TEXT = 0x400000 };

/* Its one segment; sections may be added before ew_finish. */
void go_sample_parts(struct elf_writer *ew,
	const struct sample_machine *machine);

/* The finished ELF file. */
void go_sample(struct elf_writer *ew, const struct sample_machine *machine);

#endif
