/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the unstripped twin of a program says of its functions and lines: its
 * symbol table and its DWARF, read by libelf and libdw and by nothing of the
 * engine's.
 *
 * A test's code: what cannot be read ends the program with a message.  Strings
 * live as long as the truth is open.
 */
#ifndef GU_TESTS_ORACLE_TRUTH_H
#define GU_TESTS_ORACLE_TRUTH_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A function of .symtab. */
struct truth_symbol {
	uint64_t addr, size;
	const char *name;
};

/* A subprogram of the DWARF, once for each of its ranges [lo, hi). */
struct truth_func {
	uint64_t lo, hi;
	Dwarf_Die unit, die;
};

struct truth {
	int fd;
	Elf *elf;
	Dwarf *dwarf;
	uint64_t text_addr, text_size; /* of section .text */
	uint64_t go_lo, go_hi;         /* of what Go's linker wrote of it */
	struct truth_symbol *symbols;  /* by address */
	size_t nsymbols;
	struct truth_func *funcs;      /* by address */
	size_t nfuncs;
};

void truth_open(const char *path, struct truth *out);
/* Without the symbol table, which our own files have without Go's marks. */
void truth_open_dwarf(const char *path, struct truth *out);
void truth_close(struct truth *truth);

/* The first symbol at or the one around ADDR; NULL if there is none. */
const struct truth_symbol *truth_symbol_at(const struct truth *truth,
	uint64_t addr);

/* The subprogram around PC; NULL if there is none. */
struct truth_func *truth_func_at(const struct truth *truth, uint64_t pc);

/* One call at a pc: what struct gu_call is of the engine's. */
struct truth_call {
	const char *name, *file; /* NULL if there is none */
	int line;                /* 0 if there is none */
};

/*
 * The calls at PC of FUNC, innermost first: at most MAX, at least one.  File
 * and line of the first are the line table's, of the others the call sites.
 */
size_t truth_calls(struct truth_func *func, uint64_t pc,
	struct truth_call *calls, size_t max);

/* Is FUNC of a unit in Go? */
bool truth_is_go(struct truth_func *func);

/* DW_AT_comp_dir of FUNC's unit, which relative files count from, or "". */
const char *truth_folder(struct truth_func *func);

/* Where FUNC is declared. */
struct truth_call truth_declaration(struct truth_func *func);

#endif
