/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The session folder of one GDB: how the helper tells the reader, which runs
 * inside that GDB, which Go modules there are and where.
 *
 * /tmp/gounstrip-UID-PID, PID being GDB's: mode 0700, ours (it is
 * checked), never followed if it is a link.
 *
 * File "modules" (written to a temporary name, then renamed): a line
 * "gounstrip-session 1", then for each module, separated by tabs,
 *   module FILE BIAS LO HI SYMFILE
 * or the same with "inject", where the reader is to give GDB the symbols, or
 * "added", where GDB got SYMFILE beside the program's symbols.
 * FILE and SYMFILE with %XX for bytes below 0x21, above 0x7e and '%'; BIAS
 * (run-time minus link-time address), LO and HI (run-time addresses of its
 * Go code) in hexadecimal.
 *
 * BIAS, LO and HI are those at "go load".  The program may have moved since,
 * and nothing tells us: loaded before "run" (a PIE then has bias 0), run again,
 * another process or core.  So the reader checks them against code in the
 * target before use; if they do not hold, the bias is a multiple of the page
 * size for which the file's code equals what is at the pc in question.
 *
 * File "commands": what GDB is to source when the helper has succeeded.
 *
 * File "ended": what GDB is to source after "backtrace" (jitreader/ends.h).
 *
 * Files "request" and "reply": the mailbox (docs/gdb-integration.md).
 */
#ifndef GU_EMIT_SESSION_H
#define GU_EMIT_SESSION_H

#include "engine/base/buf.h"

#include <sys/types.h>
#include <time.h>

struct gu_session_module {
	char *file, *symfile; /* owned; symfile may be "" */
	uint64_t bias, lo, hi;
	bool inject; /* the reader gives its symbols */
	bool added;  /* GDB has symfile beside the program's symbols */
};

/* Tells one writing of the file "modules" from another. */
struct gu_session_stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	time_t sec;
	long nsec;
};

struct gu_session {
	struct gu_session_module *modules;
	size_t nmodules;
	struct gu_session_stamp stamp; /* of what was read */
};

/* What "go load -jit" has GDB hand to the reader, its final NUL included. */
#define GU_SESSION_BLOB "gounstrip: symbols by the reader"

/* The folder's path for the GDB with this PID. */
void gu_session_path(pid_t pid, char *out, size_t out_size);

/* Make the folder (or check the one that is there).  GU_IO. */
enum gu_status gu_session_make(pid_t pid, struct gu_diag *diag) GU_MUST_CHECK;

/* Replace the modules.  GU_IO, GU_NO_MEMORY. */
enum gu_status gu_session_write(pid_t pid, const struct gu_session *session,
	struct gu_diag *diag) GU_MUST_CHECK;

/* Replace the file NAME of the folder.  GU_IO, or BUF's own failure. */
enum gu_status gu_session_put(pid_t pid, const char *name,
	const struct gu_buf *buf, struct gu_diag *diag) GU_MUST_CHECK;

/*
 * Take the file NAME out of the folder.  GU_NOT_FOUND if there is none;
 * GU_BAD_DATA, GU_IO, GU_NO_MEMORY.
 */
enum gu_status gu_session_take(pid_t pid, const char *name,
	struct gu_diag *diag, struct gu_buf *out) GU_MUST_CHECK;

/*
 * Make the session's stamp differ from what it was: the reader, which looks at
 * nothing else, then looks for a request.  GU_IO.
 */
enum gu_status gu_session_knock(pid_t pid, struct gu_diag *diag) GU_MUST_CHECK;

/* GU_NOT_FOUND if there is no session; GU_BAD_DATA, GU_IO, GU_NO_MEMORY. */
enum gu_status gu_session_read(pid_t pid, struct gu_diag *diag,
	struct gu_session *out) GU_MUST_CHECK;
void gu_session_deinit(struct gu_session *session);

/* The stamp of PID's session, by one lstat; false if there is none. */
bool gu_session_stamp(pid_t pid, struct gu_session_stamp *out);
bool gu_session_stamp_eq(const struct gu_session_stamp *a,
	const struct gu_session_stamp *b);

/* Remove the session of PID, and those of processes that are gone. */
void gu_session_remove(pid_t pid);
void gu_session_sweep(void);

#endif
