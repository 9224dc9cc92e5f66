/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a call of the engine came to, and why.
 *
 * Every function that can fail returns an enum gu_status and takes, last but
 * for its out-parameters, a struct gu_diag of the caller's (NULL: the caller
 * does not want the reason).  Nothing is allocated for an error, so nothing
 * leaks when GDB throws an exception past us.
 *
 * GU_NOT_FOUND and GU_STOP are answers, not errors: they leave the diag alone.
 */
#ifndef GU_BASE_STATUS_H
#define GU_BASE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#define GU_STATUS_LIST(X)                                           \
	X(OK, "success")                                            \
	X(NOT_FOUND, "there is no such thing here")                 \
	X(STOP, "the walk ends here")                               \
	X(FAULT, "memory cannot be read")                           \
	X(TRUNCATED, "data ends too early")                         \
	X(BAD_DATA, "data contradicts itself or its format")        \
	X(UNSUPPORTED, "a version or form that is not known here")  \
	X(NO_MEMORY, "out of memory")                               \
	X(IO, "the system refused")                                 \
	X(INVALID, "a wrong argument")

enum gu_status {
#define X(name, text) GU_##name,
	GU_STATUS_LIST(X)
#undef X
};

#define GU_MUST_CHECK __attribute__((warn_unused_result))
#define GU_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define gu_cleanup(fn) __attribute__((cleanup(fn)))

enum { GU_DIAG_TEXT = 240 };

/* The reason of a failure.  Plain data: may be copied, never freed. */
struct gu_diag {
	enum gu_status code;
	int sys_errno;           /* errno of GU_IO, else 0 */
	uint64_t addr;           /* address or file offset, if has_addr */
	bool has_addr;
	char text[GU_DIAG_TEXT]; /* one line, without a full stop or newline */
};

/* A short text for CODE; a static string, never NULL. */
const char *gu_status_text(enum gu_status code);

/*
 * Fill DIAG (if not NULL) with CODE and a formatted line, and return CODE.
 * errno is kept when CODE is GU_IO.  Bytes of the text that a terminal would
 * act upon are replaced by '?'.
 */
enum gu_status gu_fail(struct gu_diag *diag, enum gu_status code,
	const char *format, ...) GU_PRINTF(3, 4);

/* The same, with the address (or file offset) at which it happened. */
enum gu_status gu_fail_at(struct gu_diag *diag, enum gu_status code,
	uint64_t addr, const char *format, ...) GU_PRINTF(4, 5);

/*
 * Put "CONTEXT: " before the text of a DIAG that a callee has filled, and
 * return its code.  DIAG may be NULL, then CODE is returned.
 */
enum gu_status gu_fail_in(struct gu_diag *diag, enum gu_status code,
	const char *format, ...) GU_PRINTF(3, 4);

/* True for the codes that mean a failure, not an answer. */
static inline bool gu_is_error(enum gu_status code)
{
	return code > GU_STOP;
}

#endif
