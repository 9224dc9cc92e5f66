/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The variables that a function's instructions name: how runtime variables
 * are found in programs without symbols.  amd64, 386 and arm64, decoded by
 * capstone.
 */
#ifndef GU_GO_OPERAND_H
#define GU_GO_OPERAND_H

#include "engine/go/module.h"

struct gu_operand {
	uint64_t addr; /* the image's */
	unsigned taken; /* times that the address itself was computed… */
	unsigned used;  /* …and that something was read or written there */
};

enum { GU_OPERANDS_MAX = 64 };

/*
 * How a thread's own word is reached, on amd64: it is at the thread pointer
 * (FS) and an offset.
 */
enum gu_tls_form {
	GU_TLS_NONE,   /* none is */
	GU_TLS_OFFSET, /* the offset is in the code */
	GU_TLS_SLOT,   /* it is in memory, where the loader has put it */
};
struct gu_tls {
	enum gu_tls_form form;
	uint64_t value; /* the offset (of 64 bits, negative ones too), or the
			   image's address of the word that has it */
};

struct gu_operands {
	struct gu_operand list[GU_OPERANDS_MAX]; /* in order of appearance */
	size_t n;
	uint64_t bound; /* the largest constant that is compared with */
	struct gu_tls tls; /* the first */
};

/* Can instructions of ARCH be decoded? */
bool gu_operands_supports(enum gu_arch arch);

/*
 * The addresses inside MODULE's data, initialised or not, that FUNC names.
 * GU_UNSUPPORTED: the architecture, or there is no moduledata;
 * GU_BAD_DATA: more than any of the functions this is for has; GU_FAULT,
 * GU_NO_MEMORY.
 */
enum gu_status gu_operands_read(const struct gu_module *module,
	const struct gu_func *func, struct gu_diag *diag,
	struct gu_operands *out) GU_MUST_CHECK;

#endif
