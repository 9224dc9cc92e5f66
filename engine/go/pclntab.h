/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * .gopclntab: functions, files, lines, stack sizes, as Go's runtime sees them.
 *
 * All forms (Go 1.2 to 1.27) are settled when the table is opened; what is
 * handed out has one form.  Format: Go src/cmd/link/internal/ld/pcln.go and
 * src/runtime/symtab.go of each release; see docs/formats.md.
 *
 * Strings point into the table and live as long as it is open.
 */
#ifndef GU_GO_PCLNTAB_H
#define GU_GO_PCLNTAB_H

#include "engine/image/image.h"

/* The forms of the header; named after the release that brought each. */
enum gu_pclntab_form {
	GU_PCLNTAB_1_2,
	GU_PCLNTAB_1_16,
	GU_PCLNTAB_1_18,
	GU_PCLNTAB_1_20,
};

/* A sub-table: [off, off + size) of the table's bytes. */
struct gu_part {
	uint64_t off, size;
};

/* How the function record is laid out: chosen at opening; see pclntab.def. */
struct gu_func_form;
struct gu_pclntab;
/* Its name: the release that brought it, "1.2", "1.11", "1.12"… */
const char *gu_pclntab_func_form(const struct gu_pclntab *tab);

struct gu_text_section { /* addresses; see moduledata's textsectmap */
	uint64_t vaddr, end, base;
};

struct gu_pclntab {
	struct gu_view bytes;      /* from the header to the table's end */
	uint64_t addr;             /* of the header */
	enum gu_pclntab_form form;
	bool be;
	uint8_t ptr_size, quantum; /* bytes; quantum: of a pc step */
	uint32_t nfunc;            /* dummies of extra text sections counted */
	uint32_t nfiles;
	uint64_t text;             /* base of entry offsets (1.18 and on) */
	struct gu_part names, cutab, files, pctab, functab;
	const struct gu_func_form *func_form;
	const struct gu_text_section *text_sections; /* NULL unless several */
	size_t ntext_sections;
};

enum {
	GU_ARGS_UNKNOWN = INT32_MIN,
	GU_FUNC_TOPFRAME = 1, /* 1.17 and on: Go internal/abi/symtab.go */
	GU_FUNC_SPWRITE = 2,
	GU_FUNC_ASM = 4,      /* 1.18 and on */
};

/* A function record in the latest form.  Plain data. */
struct gu_func {
	uint32_t index;       /* in the function table */
	uint64_t entry, next; /* addresses; next: where the next one begins */
	uint32_t name_off;
	int32_t args;         /* bytes, or GU_ARGS_UNKNOWN */
	uint32_t deferreturn; /* offset from entry, 0 if none */
	uint32_t pcsp, pcfile, pcln; /* offsets into pctab, 0 if absent */
	uint32_t cu_off;      /* index into cutab (1.16 and on) */
	int32_t start_line;   /* 0 before 1.20: not recorded */
	uint8_t func_id, flags;
	uint32_t npcdata, nfuncdata;
	uint64_t pcdata_off, funcdata_off; /* into the table's bytes */
};

/* The state of a search; zeroed at first. */
struct gu_pclntab_search {
	size_t section;
	size_t segment;
	uint64_t off; /* bytes into the segment */
};

/*
 * The address of the next place in IMAGE that has a table's header: its
 * sections by name, then every P-aligned word of the segments.  Nothing else is
 * looked at.  GU_NOT_FOUND after the last; GU_FAULT, GU_NO_MEMORY.
 */
enum gu_status gu_pclntab_next(const struct gu_image *image,
	struct gu_pclntab_search *search, struct gu_diag *diag, uint64_t *out)
	GU_MUST_CHECK;

/* The header in one form: what stands before the sub-tables. */
struct gu_pclntab_header {
	enum gu_pclntab_form form;
	uint8_t ptr_size, quantum;
	uint64_t nfunc, nfiles;
	uint64_t text; /* textStart; 0 where the header has none */
	/* offsets from the header; only functab in Go 1.2's form */
	uint64_t names, cutab, files, pctab, functab;
};

/* GU_BAD_DATA if there is no header at ADDR; GU_FAULT. */
enum gu_status gu_pclntab_header(const struct gu_image *image, uint64_t addr,
	struct gu_diag *diag, struct gu_pclntab_header *out) GU_MUST_CHECK;

/* What opening needs to know beyond the header: moduledata tells it. */
struct gu_pclntab_place {
	uint64_t addr; /* of the header */
	uint64_t size; /* bytes to the table's end */
	uint64_t text; /* runtime.text; unused up to 1.17 */
	const struct gu_text_section *text_sections; /* borrowed */
	size_t ntext_sections;
};

/* GU_BAD_DATA, GU_TRUNCATED, GU_FAULT, GU_UNSUPPORTED, GU_NO_MEMORY. */
enum gu_status gu_pclntab_open(const struct gu_image *image,
	const struct gu_pclntab_place *place, struct gu_diag *diag,
	struct gu_pclntab *out) GU_MUST_CHECK;
void gu_pclntab_close(struct gu_pclntab *tab); /* harmless when zeroed */

/* Function number INDEX (< nfunc).  GU_BAD_DATA or GU_TRUNCATED. */
enum gu_status gu_pclntab_func(const struct gu_pclntab *tab, uint32_t index,
	struct gu_diag *diag, struct gu_func *out) GU_MUST_CHECK;

/* The function that holds PC; GU_NOT_FOUND if none does. */
enum gu_status gu_pclntab_find(const struct gu_pclntab *tab, uint64_t pc,
	struct gu_diag *diag, struct gu_func *out) GU_MUST_CHECK;

/* A name by its offset; {NULL, 0} if it is not a string of the table. */
struct gu_str gu_pclntab_name(const struct gu_pclntab *tab, uint32_t name_off);

static inline struct gu_str gu_func_name(const struct gu_pclntab *tab,
	const struct gu_func *func)
{
	return gu_pclntab_name(tab, func->name_off);
}

/*
 * The path that a value of FUNC's pcfile table stands for; {NULL, 0} if it
 * stands for none (a file that the linker dropped, or bad data).
 */
struct gu_str gu_func_file(const struct gu_pclntab *tab,
	const struct gu_func *func, int32_t file);

/*
 * The same path as a number that is equal for equal paths of the table: its
 * offset in the file table.  UINT32_MAX if there is none.
 */
uint32_t gu_func_file_key(const struct gu_pclntab *tab,
	const struct gu_func *func, int32_t file);
struct gu_str gu_pclntab_file(const struct gu_pclntab *tab, uint32_t key);

/* Is FUNC written in assembly?  Up to 1.17 its file's name says so. */
bool gu_func_is_assembly(const struct gu_pclntab *tab,
	const struct gu_func *func);

/* Offset of pcdata table TABLE in pctab; 0 if FUNC has none. */
uint32_t gu_func_pcdata(const struct gu_pclntab *tab,
	const struct gu_func *func, uint32_t table);

/*
 * Word TABLE of FUNC's funcdata: an absolute address up to 1.17, an offset
 * from moduledata.gofunc since.  false if FUNC has none.
 */
bool gu_func_funcdata(const struct gu_pclntab *tab, const struct gu_func *func,
	uint32_t table, uint64_t *out);

/* A walk over a table of values by pc: value holds in [start, end). */
struct gu_pcvalue {
	const uint8_t *p, *limit;
	uint64_t start, end, stop; /* addresses; no value lies beyond stop */
	uint64_t left;             /* steps that may still follow */
	int32_t value;
	uint8_t quantum;
	bool first, bad; /* before the first step; the table is malformed */
};

/* Table OFF (0: an empty walk) of FUNC. */
void gu_pcvalue_init(struct gu_pcvalue *it, const struct gu_pclntab *tab,
	const struct gu_func *func, uint32_t off);

/* The next step; false at the end, or if the table is malformed. */
bool gu_pcvalue_next(struct gu_pcvalue *it);

/* The value of table OFF at PC; -1 if the table has none there. */
int32_t gu_pcvalue_at(const struct gu_pclntab *tab, const struct gu_func *func,
	uint32_t off, uint64_t pc);

/*
 * The end of FUNC's code without the padding that follows it: where its
 * pc tables end, or `next` if it has none.
 */
uint64_t gu_func_end(const struct gu_pclntab *tab, const struct gu_func *func);

/* A walk over FUNC's lines: one row for each change of file or line. */
struct gu_lines {
	struct gu_pcvalue file, line;
	uint64_t pc; /* where the next row starts */
};
struct gu_line {
	uint64_t start, end; /* addresses [start, end) */
	int32_t file;        /* for gu_func_file */
	int32_t line;        /* 0 or below: no line */
};
void gu_lines_init(struct gu_lines *it, const struct gu_pclntab *tab,
	const struct gu_func *func);
bool gu_lines_next(struct gu_lines *it, struct gu_line *out);

#endif
