/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program and a core of it, for tests and as seeds for fuzzing:
 *
 *	SAMPLE_RO   read only: notes, then the tables of the dynamic linker
 *	SAMPLE_CODE 64 bytes
 *	SAMPLE_DATA SAMPLE_STORED bytes, zeroes up to SAMPLE_MEM, with words
 *	            that are relocated
 */
#ifndef TESTS_UNIT_ELF_SAMPLES_H
#define TESTS_UNIT_ELF_SAMPLES_H

#include "tests/unit/elf_writer.h"

enum {
	SAMPLE_RO = 0x10000,
	SAMPLE_CODE = 0x20000,
	SAMPLE_CODE_SIZE = 64,
	SAMPLE_DATA = 0x30000,
	SAMPLE_STORED = 0x200,
	SAMPLE_MEM = 0x300,
	SAMPLE_SYMBOL = 0x30010, /* the value of symbol 1 */
	SAMPLE_BIAS = 0x5000000, /* where the sample core has it mapped */
};

/* A machine, and its types of relocation. */
struct sample_machine {
	const char *name;
	uint16_t machine;
	bool wide, be, rela;
	uint32_t relative, symbolic;
};
extern const struct sample_machine sample_machines[];
extern const unsigned sample_nmachines;

/* A relocation of the sample, and what its word holds at bias 0. */
struct sample_reloc {
	uint64_t addr, value;
	bool symbolic; /* else relative */
};
enum { SAMPLE_NRELOCS = 9, SAMPLE_RELR = 5 /* of them, the last in DT_RELR */ };

/*
 * The finished sample for MACHINE, with or without section headers; RELOCS
 * gets what was put in, by address.
 */
void sample_program(struct elf_writer *ew, const struct sample_machine *machine,
	bool sections, struct sample_reloc relocs[SAMPLE_NRELOCS]);

/* The byte that the sample stores at OFF of its data, relocations apart. */
uint8_t sample_byte(uint64_t off);

/* A core of PROGRAM, mapped at SAMPLE_BIAS, with two threads. */
void sample_core(struct elf_writer *ew, const struct elf_writer *program,
	const struct sample_reloc relocs[SAMPLE_NRELOCS]);

#endif
