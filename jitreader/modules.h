/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The Go modules that the session of this GDB names, each opened when a frame
 * is first found in it, and trusted only while the target holds what its file
 * says: GDB tells a reader neither that the program was run again nor that it
 * is another one.
 *
 * A walk up one stack asks again and again; only its first frame pays for the
 * checks.
 */
#ifndef GU_JITREADER_MODULES_H
#define GU_JITREADER_MODULES_H

#include "engine/emit/session.h"
#include "engine/go/module.h"
#include "engine/image/elf_file.h"
#include "engine/stack/runtime.h"

struct gu_loaded {
	struct gu_elf_file *file; /* NULL until it is needed */
	struct gu_module *module; /* NULL until it is needed */
	bool failed;              /* it cannot be opened */
	bool inject;              /* the reader gives its symbols */
	bool has_variables;       /* GDB's symbols are not from us */
	bool here;                /* the target holds it, at bias */
	uint64_t bias, lo, hi;    /* run-time; at first, the session's */
	/* Its symbol file, which GDB has, ends stacks, and lies … */
	bool has_ends;
	uint64_t ends_bias;       /* … where the module is with this bias */
	bool ends_move;           /* … wherever GDB moves the program */
	struct gu_runtime runtime; /* only described … */
	bool looked_for_runtime, has_runtime; /* … if it has one … */
	bool own_runtime;         /* … with goroutines of its own: plugins share
				     that of the program */
};

/*
 * Does GDB know from .debug_frame at which functions of the module stacks end
 * (emit/dwarf_frame.h)?
 */
static inline bool gu_loaded_has_ends(const struct gu_loaded *loaded)
{
	return loaded->has_ends &&
		(loaded->ends_move || loaded->bias == loaded->ends_bias);
}

/* A pc at which no module was found, and what the target had there. */
enum { GU_CODE_SIZE = 16, GU_FOREIGN_MAX = 64 };
struct gu_foreign {
	uint64_t pc;
	uint8_t code[GU_CODE_SIZE];
};

struct gu_modules {
	struct gu_session session;
	struct gu_loaded *loaded; /* session.nmodules of them */
	enum gu_arch arch;        /* of all of them; unknown: there are none */
	struct gu_foreign foreign[GU_FOREIGN_MAX];
	size_t nforeign;          /* ever noted; the newest are kept */
	bool changed;             /* a session was read since this was unset */
	char *chosen;             /* owned: the file whose runtime the user
				     wants, or NULL; outlives sessions */
	void (*debug)(const char *what, const struct gu_diag *diag);
};

void gu_modules_deinit(struct gu_modules *modules);

/* Read the session if it has changed.  True if there are any modules. */
bool gu_modules_refresh(struct gu_modules *modules);

/*
 * The module that holds the run-time address PC, opened; NULL if none does.
 * KNOWN: nothing can have changed in the target since the last call.
 */
const struct gu_loaded *gu_modules_find(struct gu_modules *modules,
	const struct gu_mem *target, uint64_t pc, bool known);

/* Has module I goroutines of its own? */
bool gu_modules_owns(struct gu_modules *modules, const struct gu_mem *target,
	size_t i);

/*
 * The module whose goroutines are asked for: the chosen one, or the first that
 * has any; session.nmodules if none has.
 */
size_t gu_modules_main(struct gu_modules *modules, const struct gu_mem *target);

/*
 * From now on it is the one with this NAME: its file, the file's name, or how
 * that begins.  GU_NOT_FOUND; GU_INVALID: more than one; GU_NO_MEMORY.
 */
enum gu_status gu_modules_choose(struct gu_modules *modules,
	const struct gu_mem *target, struct gu_str name, struct gu_diag *diag)
	GU_MUST_CHECK;

/*
 * What the runtime of OF is like (NULL: of the module above), where it is now;
 * NULL if no module tells.  It has no list of goroutines, and reads TARGET,
 * which it does not outlive.
 */
const struct gu_runtime *gu_modules_runtime(struct gu_modules *modules,
	const struct gu_mem *target, const struct gu_loaded *of);

#endif
