/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the Go tables say as text, in a form that stays the same from release
 * to release: for reading, for diff and for golden tests.
 *
 *   function 0xSTART-0xEND NAME
 *     declared FILE:LINE
 *     line 0xSTART-0xEND FILE:LINE
 *     inline 0xSTART-0xEND NAME at FILE:LINE < NAME at FILE:LINE < NAME
 *
 * END is the first address beyond.  "declared" has no line before Go 1.20.  An
 * inline line reads outwards: the innermost call, where it is called, by
 * whom, and so on to the function itself.
 */
#ifndef GU_EMIT_TEXT_H
#define GU_EMIT_TEXT_H

#include "engine/base/buf.h"
#include "engine/go/module.h"

/*
 * Append S so that neither a terminal nor a reader of lines takes any of it
 * for its own: control characters and bytes that are not UTF-8 become \xNN, a
 * backslash becomes two.
 */
void gu_text_escape(struct gu_buf *out, struct gu_str s);

/* "FILE:LINE", with ?? for no file and 0 for no line. */
void gu_text_place(struct gu_buf *out, struct gu_str file, int32_t line);

/*
 * A command that makes GDB print the line TEXT, with \xNN for what a terminal
 * would act upon, but for tabs.
 */
void gu_text_echo(struct gu_buf *out, struct gu_str text);

struct gu_text_parts {
	bool functions, lines, inlines;
};

/*
 * Append the text of FUNC.  Parts that cannot be read become a line
 * "  bad WHAT: reason": the others still stand.  GU_NO_MEMORY.
 */
enum gu_status gu_text_function(const struct gu_module *module,
	const struct gu_func *func, struct gu_text_parts parts,
	struct gu_diag *diag, struct gu_buf *out) GU_MUST_CHECK;

/*
 * Append a line "file PATH" for each file that a line of some function names,
 * in byte order.  GU_NO_MEMORY.
 */
enum gu_status gu_text_files(const struct gu_module *module,
	struct gu_diag *diag, struct gu_buf *out) GU_MUST_CHECK;

#endif
