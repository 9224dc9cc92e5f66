/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * runtime.moduledata: where everything of one Go module lies.
 *
 * Found as the writable word that points at the pclntab header, then the row
 * of moduledata.def whose invariants all hold is chosen.  Addresses are the
 * image's.
 */
#ifndef GU_GO_MODULEDATA_H
#define GU_GO_MODULEDATA_H

#include "engine/go/pclntab.h"
#include "engine/go/version.h"

struct gu_slice { /* of the target: address, elements */
	uint64_t addr, len;
};

/* Absent fields are 0. */
struct gu_moduledata {
	uint64_t addr, size; /* of the moduledata itself */
	const char *form;    /* name of the row, e.g. "1.23" */
	struct gu_go_version versions; /* releases whose row this is */
	struct gu_slice funcnametab, cutab, filetab, pctab, pclntable, ftab;
	uint64_t findfunctab, minpc, maxpc, text, etext;
	uint64_t noptrdata, enoptrdata, data, edata;
	uint64_t bss, ebss, noptrbss, enoptrbss, end;
	uint64_t types, etypes, rodata, gofunc, epclntab;
	uint64_t typedesclen, itaboffset, itabsize; /* 1.27 and on */
	struct gu_slice textsectmap, typelinks, itablinks;
	struct gu_slice pluginpath, modulename; /* strings */
	bool hasmain;
	uint64_t next; /* address of the next module's, 0 at the end */
	/*
	 * No build info, and rows that differ only in where the last fields
	 * stand hold equally: of pluginpath, modulename, hasmain and next
	 * only those that are not 0 are certain.
	 */
	bool tail_unknown;
};

/*
 * The moduledata of the pclntab at PCLNTAB in IMAGE.  KNOWN is the release
 * that build info names (0, 0 if none): it decides between rows that hold
 * equally.  GU_NOT_FOUND if no word points at the table; GU_UNSUPPORTED if one
 * does but no known row holds (the diag says what was seen).
 */
enum gu_status gu_moduledata_find(const struct gu_image *image,
	uint64_t pclntab, struct gu_go_version known, struct gu_diag *diag,
	struct gu_moduledata *out) GU_MUST_CHECK;

#endif
