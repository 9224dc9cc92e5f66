/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One Go module of a program (its executable, a c-shared library, a plugin):
 * an image together with what the Go tables in it say.
 */
#ifndef GU_GO_MODULE_H
#define GU_GO_MODULE_H

#include "engine/go/buildinfo.h"
#include "engine/go/inline.h"
#include "engine/go/moduledata.h"
#include "engine/go/pclntab.h"
#include "engine/go/rtstring.h"

/*
 * Functions that the runtime knows by id; the numbers changed six times
 * (go-layouts: funcID), so each module's are calibrated by name.
 */
#define GU_FUNC_KIND_LIST(X)                          \
	X(GOEXIT, "runtime.goexit")                   \
	X(MSTART, "runtime.mstart")                   \
	X(RT0_GO, "runtime.rt0_go")                   \
	X(MCALL, "runtime.mcall")                     \
	X(MORESTACK, "runtime.morestack")             \
	X(MORESTACK_NOCTXT, "runtime.morestack_noctxt") \
	X(SYSTEMSTACK, "runtime.systemstack")         \
	X(SYSTEMSTACK_SWITCH, "runtime.systemstack_switch") \
	X(ASMCGOCALL, "runtime.asmcgocall")           \
	X(CGOCALLBACK, "runtime.cgocallback")         \
	X(CGOCALLBACK_GOFUNC, "runtime.cgocallback_gofunc") \
	X(SIGPANIC, "runtime.sigpanic")               \
	X(ASYNC_PREEMPT, "runtime.asyncPreempt")      \
	X(DEBUG_CALL, "runtime.debugCallV2")          \
	X(DEBUG_CALL_V1, "runtime.debugCallV1")       \
	X(GOGO, "runtime.gogo")                       \
	X(EXECUTE, "runtime.execute")                 \
	X(JMPDEFER, "runtime.jmpdefer")               \
	X(SIGTRAMP, "runtime.sigtramp")               \
	X(CGO_SIGTRAMP, "runtime.cgoSigtramp")        \
	X(SIGRETURN, "runtime.sigreturn")             \
	X(SIGRETURN_SIGACTION, "runtime.sigreturn__sigaction") \
	X(GOPANIC, "runtime.gopanic")                 \
	X(PANICWRAP, "runtime.panicwrap")             \
	X(MAIN, "runtime.main")

enum gu_func_kind {
	GU_KIND_NORMAL,
#define X(kind, name) GU_KIND_##kind,
	GU_FUNC_KIND_LIST(X)
#undef X
	GU_KIND_WRAPPER, /* by id only: compiler-made, hidden in tracebacks */
	GU_KIND_COUNT
};

struct gu_module {
	const struct gu_image *image; /* borrowed */
	struct gu_pclntab tab;
	bool has_md;
	struct gu_moduledata md;
	bool has_build;
	struct gu_buildinfo build;
	struct gu_go_version version;
	/*
	 * "go1.24.4": build info's, else runtime.buildVersion's; "" if neither
	 * is there.
	 */
	char version_text[GU_RTSTRING_VERSION_MAX];
	struct gu_text_section *text_sections; /* owned; see tab */
	uint64_t lo, hi;              /* addresses of code: [lo, hi) */
	struct {
		/* functab indexes of each kind's function(s): an ABI wrapper
		 * has the same name; the wrapper is not in here */
		uint32_t index[GU_KIND_COUNT];
		bool found[GU_KIND_COUNT];
		int wrapper_id; /* func_id of wrappers, -1 if none */
	} kinds;
	struct {
		const struct gu_inline_form *form; /* NULL: none */
		struct gu_view view;  /* the trees; see
					 gu_module_load_inlines */
	} inl;
};

/*
 * Find and open the Go module in IMAGE (which must stay open).  GU_NOT_FOUND:
 * no Go table is in it; the diag is not touched.  GU_UNSUPPORTED, GU_BAD_DATA,
 * GU_TRUNCATED, GU_FAULT, GU_NO_MEMORY: there is one, but.
 */
enum gu_status gu_module_open(const struct gu_image *image,
	struct gu_diag *diag, struct gu_module **out) GU_MUST_CHECK;
void gu_module_close(struct gu_module *module); /* NULL is fine */
void gu_module_closep(struct gu_module **module); /* for gu_cleanup */

/*
 * Let go of the function table and the inline trees, nearly all of MODULE's
 * memory: nothing is found in them from now on, and strings of them are gone.
 */
void gu_module_drop_tables(struct gu_module *module);

/*
 * Fetch the inline trees of all functions at once, for those who are going to
 * ask for most of them; without it each record is read by itself.
 * GU_BAD_DATA, GU_FAULT, GU_NO_MEMORY.
 */
enum gu_status gu_module_load_inlines(struct gu_module *module,
	struct gu_diag *diag) GU_MUST_CHECK;

/* What kind FUNC is of. */
enum gu_func_kind gu_module_kind(const struct gu_module *module,
	const struct gu_func *func);

/* The package of a Go symbol name ("net/http" of "net/http.(*Server).Serve");
 * n is 0 if the name has none (assembly, C). */
struct gu_str gu_go_package(struct gu_str name);

/* One call at a pc: the function itself or one inlined into it. */
struct gu_call {
	struct gu_str name;
	struct gu_str file;  /* n is 0 if there is none */
	int32_t line;        /* 0 if there is none */
	int32_t start_line;  /* of the called function; 0 if not recorded */
	uint8_t func_id;
	bool inlined;        /* false for the last: the function itself */
};

enum { GU_CALLS_MAX = 256 }; /* Go itself does not nest nearly as deep */

/*
 * The calls at PC of FUNC, innermost first.  PC is used as it is: for a return
 * address the caller gives pc - 1.  At most MAX; *out is their number, at
 * least 1.  Where the tree does not tell who made an inlined call, FUNC itself
 * follows, without file and line.
 */
enum gu_status gu_module_calls(const struct gu_module *module,
	const struct gu_func *func, uint64_t pc, struct gu_call *calls,
	size_t max, struct gu_diag *diag, size_t *out) GU_MUST_CHECK;

/* A record of FUNC's inline tree, in the latest form. */
struct gu_inline {
	struct gu_str name;
	uint8_t func_id;
	uint32_t parent_pc; /* offset from entry: a pc in the caller's body */
	int32_t start_line; /* 0 before 1.20 */
	int32_t parent;     /* up to 1.11 the parent's record, else -2 */
	int32_t call_file, call_line; /* up to 1.19; else -1 */
};

/*
 * Does INL, record INDEX of FUNC's tree, lead nowhere, when record CALLER is
 * at its parent_pc?  Callers stand before their calls in the tree.  parent_pc
 * is 0 where the compiler wrote no mark for the call (Go 1.21 and on, calls in
 * package initializers that became static data): then the call at the entry is
 * its own caller.
 */
bool gu_inline_is_lost(const struct gu_module *module,
	const struct gu_func *func, const struct gu_inline *inl, int32_t index,
	int32_t caller);

/* pctab offset of FUNC's table pc -> record of the inline tree; 0 if none. */
uint32_t gu_module_inline_table(const struct gu_module *module,
	const struct gu_func *func);

/* Record INDEX of FUNC's tree; GU_BAD_DATA if it lies outside. */
enum gu_status gu_module_inline(const struct gu_module *module,
	const struct gu_func *func, int32_t index, struct gu_diag *diag,
	struct gu_inline *out) GU_MUST_CHECK;

#endif
