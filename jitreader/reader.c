/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The JIT reader: unwinds Go frames for GDB, in GDB's own process.
 *
 * GDB asks for every frame of every program, with or without Go, and calls
 * back into itself; any of its callbacks may throw a C++ exception past us
 * (Ctrl-C, memory or registers that cannot be read).  So nothing is held over
 * a callback but what a cleanup frees, and state changes only in one piece.
 * What GDB does with what it is given: docs/unwinding.md.
 */
#include "jitreader/ends.h"
#include "jitreader/inject.h"
#include "jitreader/mailbox.h"
#include "jitreader/mem_gdb.h"
#include "jitreader/modules.h"
#include "jitreader/regs.h"
#include "jitreader/standin.h"

#include "engine/stack/switches.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

extern EXPORT int plugin_is_GPL_compatible(void);
GDB_DECLARE_GPL_COMPATIBLE_READER

/* A frame by its registers. */
struct place {
	uint64_t pc, sp;
};

struct reader {
	struct gdb_reader_funcs funcs;
	struct gu_modules modules;
	bool gave_symbols; /* ever: then this GDB is one that can take them */
	/*
	 * GDB walks up a stack by asking for a frame's unwinding, then for its
	 * id, then for its caller's unwinding.  While it does, nothing changes,
	 * and only the first frame pays for looking.
	 */
	bool walking; /* the next two are set */
	struct place this_frame, its_caller;
	bool innermost; /* nothing that we unwound called this_frame */
	/*
	 * No caller of this_frame is known.  A frame with the same id in its
	 * place makes GDB end there, and say so; its pc is 0, where no names
	 * and no inlined calls are.
	 */
	bool ended;
	struct gdb_frame_id id; /* of this_frame, if it ended */
	struct gu_ends ends;
	struct gu_stacks stacks; /* of the thread that is walked; or zeroed */
	struct gu_standin standin;
};

static struct reader reader;

static void debug(const char *what, const struct gu_diag *diag)
{
	const char *wanted = getenv("GOUNSTRIP_DEBUG");

	if (wanted && *wanted)
		(void)fprintf(stderr, "gounstrip: %s: %s\n", what, diag->text);
}

/*
 * The registers of the frame that GDB asks about; false if there are no modules
 * that it could be in.  *known: it is the one that a walk comes to NEXT.
 */
static bool read_frame(struct gdb_unwind_callbacks *cb,
	const struct place *next, struct gu_regs *regs, bool *known)
{
	struct gu_modules *modules = &reader.modules;

	*known = reader.walking && gu_regs_get(cb, modules->arch, regs) &&
		regs->pc == next->pc && regs->sp == next->sp;
	if (!*known || next == &reader.its_caller)
		reader.innermost = !*known;
	reader.walking = false;
	return *known ||
		(gu_modules_refresh(modules) &&
			gu_regs_get(cb, modules->arch, regs));
}

/* On which of the runtime's stacks the walk is.  Most steps stay on one. */
static void find_stacks(const struct gu_runtime *rt,
	const struct gu_regs *regs, bool known)
{
	struct gu_stacks *stacks = &reader.stacks;

	if (known && (!stacks->here ||
			     gu_bounds_have(&stacks->around, regs->sp) ||
			     gu_bounds_have(&stacks->home, regs->sp)))
		return;
	if (gu_stacks_find(rt, regs, stacks))
		*stacks = (struct gu_stacks){.m = stacks->m};
}

/*
 * Debug information that is not ours has variables at a distance from the CFA,
 * which GDB takes from the id.  But from another stack the way must lead
 * upwards.
 */
static uint64_t frame_id(const struct gu_loaded *loaded, uint64_t sp,
	uint64_t cfa)
{
	const struct gu_stacks *stacks = &reader.stacks;

	return loaded->has_variables && stacks->here == stacks->g
		? cfa : gu_stacks_frame_id(stacks, sp, cfa);
}

/* Does all around ADDR read as 0? */
static bool is_blank(const struct gu_mem *target, uint64_t addr)
{
	uint8_t bytes[128], any = 0;

	if (gu_mem_read(target, addr - sizeof bytes / 2, bytes, sizeof bytes,
		NULL))
		return false;
	for (size_t i = 0; i < sizeof bytes; i++)
		any |= bytes[i];
	return !any;
}

/*
 * Why FRAME's caller is not known, unless there is none.  CROSSED is what came
 * of looking for it on another stack; GU_NOT_FOUND: nobody could.
 */
static void explain_end(const struct gu_loaded *loaded,
	const struct gu_mem *target, const struct gu_frame *frame,
	enum gu_status crossed, struct gu_diag *why)
{
	const char *text = gu_end_text(frame->end);

	switch (frame->end) {
	case GU_END_ZERO_PC:
		if (gu_str_eq(gu_func_name(&loaded->module->tab, &frame->func),
			gu_str("runtime.clone")))
			text = "the thread is about to begin";
		else if (is_blank(target, frame->cfa))
			text = "the stack reads as zeros: a core without its "
				"memory? (see coredump_filter in core(5))";
		/* fall through */
	case GU_END_LR_LOST:
		(void)gu_fail(why, GU_BAD_DATA, "%s", text);
		break;
	case GU_END_SYSTEMSTACK:
	case GU_END_MCALL:
	case GU_END_MORESTACK:
	case GU_END_CGO:
	case GU_END_SPWRITE:
		if (crossed != GU_STOP)
			(void)gu_fail(why, GU_BAD_DATA, "%s, and what leads to "
				"its caller is missing or damaged", text);
		break;
	default:
		break;
	}
}

/* Is there a caller where FRAME, at SP, says?  STRAIGHT: on the same stack. */
static void check_caller(const struct gu_loaded *loaded,
	const struct gu_mem *target, const struct gu_frame *frame, uint64_t sp,
	bool straight, struct gu_diag *why)
{
	const struct gu_bounds *home = &reader.stacks.home;
	bool to_home = gu_bounds_have(home, frame->caller.sp);
	uint64_t pc = frame->caller.pc;
	uint8_t byte;

	if (straight && gu_bounds_have(home, sp) && !to_home)
		(void)gu_fail(why, GU_BAD_DATA,
			"it reaches over the end of the goroutine's stack");
	else if ((pc < loaded->lo || pc >= loaded->hi) &&
		!gu_modules_find(&reader.modules, target, pc, true) &&
		(to_home || gu_mem_read(target, pc, &byte, 1, NULL)))
		(void)gu_fail(why, GU_BAD_DATA, "0x%" PRIx64 " is in no %s", pc,
			to_home ? "Go code that 'go load' has found"
				: "code that GDB can read");
}

/*
 * The frame's caller may be on another stack; its id is made for GDB.  Go keeps
 * its g in a register, so it is known in the caller too: from there on nobody
 * needs to look for it.
 */
static void place_frame(const struct gu_loaded *loaded,
	const struct gu_mem *target, const struct gu_regs *regs, bool known,
	struct gu_frame *frame, struct gu_diag *why)
{
	const struct gu_runtime *rt =
		gu_modules_runtime(&reader.modules, target, loaded);
	struct gu_stacks *stacks = &reader.stacks;
	enum gu_status crossed = GU_NOT_FOUND;
	bool straight = !frame->end;
	struct gu_diag diag = {.text = ""};
	uint64_t id;

	if (rt)
		find_stacks(rt, regs, known);
	else
		*stacks = (struct gu_stacks){.m = 0};
	if (stacks->here) {
		gu_stacks_pass(stacks, frame->kind);
		/* GDB takes that for a corrupt stack, unless the symbol file
		 * helps; and it is not known where a goroutine without a thread
		 * left C */
		stacks->into_c = gu_loaded_has_ends(loaded) && stacks->g0;
		id = frame_id(loaded, regs->sp, frame->cfa);
		if (frame->end)
			crossed = gu_stacks_cross(rt, stacks, regs,
				reader.innermost, &diag, frame);
		frame->id_stack = id;
	}
	if (frame->end)
		explain_end(loaded, target, frame, crossed, why);
	else
		check_caller(loaded, target, frame, regs->sp, straight, why);
	if (*why->text)
		debug("a stack ends", why);
	else if (!frame->end && stacks->here &&
		gu_unwind_keeps_g(loaded->module) &&
		frame->caller.pc >= loaded->lo &&
		frame->caller.pc < loaded->hi) {
		frame->caller.has_g = true;
		frame->caller.g = gu_bounds_have(&stacks->home,
			frame->caller.sp) ? stacks->g : stacks->here;
	}
}

/* GDB asks about the frame at REGS, and then about its CALLER. */
static void walk_to(const struct gu_regs *regs, const struct gu_regs *caller)
{
	reader.this_frame = (struct place){regs->pc, regs->sp};
	reader.its_caller = (struct place){caller->pc, caller->sp};
	reader.walking = true;
	reader.ended = false;
}

/* The same, there being no caller. */
static enum gdb_status end_walk(struct gdb_unwind_callbacks *cb,
	const struct gu_regs *regs, struct gdb_frame_id id)
{
	struct gu_regs caller = {.pc = 0, .sp = regs->sp};

	walk_to(regs, &caller);
	reader.ended = true;
	reader.id = id;
	return gu_regs_set(cb, reader.modules.arch, &caller, true)
		? GDB_SUCCESS : GDB_FAIL;
}

/*
 * Answer what was asked for, if anything.  True: a goroutine is to be shown as
 * the caller of the frame at REGS, with the registers OUT.
 */
static bool answer(struct gdb_unwind_callbacks *cb, const struct gu_mem *target,
	const struct gu_regs *regs, struct gu_regs *out)
{
	struct gu_modules *modules = &reader.modules;
	struct gu_standin *standin = &reader.standin;
	const struct gu_runtime *rt;
	struct gu_diag diag;
	uint64_t registers;

	if (modules->changed) {
		modules->changed = false;
		if (gu_ends_forget(&reader.ends, &diag))
			debug("the end of a stack", &diag);
		gu_standin_end(standin);
		gu_mailbox_answer(modules, target, regs->pc, standin);
	}
	if (!gu_standin_is_live(standin) ||
		!gu_regs_hash(cb, modules->arch, &registers))
		return false;
	rt = gu_modules_runtime(modules, target, NULL);
	if (!rt || !gu_standin_take(standin, rt, regs, registers, out))
		return false;
	walk_to(regs, out);
	return true;
}

/*
 * The frame at REGS and its module; NULL if it is not ours.  WHY has a text if
 * it has a caller that is not known.
 */
static const struct gu_loaded *find_frame(const struct gu_mem *target,
	const struct gu_regs *regs, bool known, struct gu_frame *out,
	struct gu_diag *why)
{
	const struct gu_loaded *loaded = gu_modules_find(&reader.modules,
		target, regs->pc, known);
	struct gu_frame frame;
	struct gu_diag diag;
	enum gu_status st;

	if (!loaded)
		return NULL;
	st = gu_unwind_step(loaded->module, loaded->bias, target, regs,
		&diag, &frame);
	if (st) {
		if (gu_is_error(st))
			debug("a frame", &diag);
		return NULL;
	}
	place_frame(loaded, target, regs, known, &frame, why);
	walk_to(regs, &frame.caller);
	*out = frame;
	return loaded;
}

/*
 * GDB has better means of its own for C code in a Go program (which has no
 * stack-size table), for the end of a signal handler (which it knows by name
 * and instructions), and for the end of a stack, if the symbol file says so.
 */
static bool is_for_gdb(const struct gu_loaded *loaded,
	const struct gu_frame *frame)
{
	return frame->end == GU_END_NO_FRAME_INFO ||
		frame->kind == GU_KIND_SIGRETURN ||
		frame->kind == GU_KIND_SIGRETURN_SIGACTION ||
		(frame->end && gu_loaded_has_ends(loaded) &&
			gu_unwind_end(loaded->module, &frame->func));
}

static struct gdb_frame_id id_of(const struct gu_regs *regs,
	const struct gu_frame *frame)
{
	return (struct gdb_frame_id){frame->id_code,
		gu_standin_id(&reader.standin, regs->sp, frame->id_stack)};
}

/* For hookpost-backtrace. */
static void note_end(const struct gu_loaded *loaded, const struct gu_regs *regs,
	const struct gu_frame *frame, const struct gu_diag *why)
{
	struct gu_diag diag;
	enum gu_status st;

	st = *why->text ? gu_ends_note(&reader.ends, regs,
		gu_func_name(&loaded->module->tab, &frame->func), why->text,
		&diag) : gu_ends_drop(&reader.ends, regs, &diag);
	if (st)
		debug("the end of a stack", &diag);
}

static enum gdb_status unwind_frame(struct gdb_reader_funcs *self,
	struct gdb_unwind_callbacks *cb)
{
	struct gu_mem_gdb gdb = {cb->target_read};
	const struct gu_mem target = gu_mem_of_gdb(&gdb);
	struct gu_diag why = {.text = ""};
	const struct gu_loaded *loaded;
	struct gu_regs regs, other;
	struct gu_frame frame;
	bool known;

	(void)self;
	if (!read_frame(cb, &reader.its_caller, &regs, &known))
		return GDB_FAIL;
	if (known && reader.ended)
		return end_walk(cb, &regs, reader.id);
	if (answer(cb, &target, &regs, &other))
		return gu_regs_set(cb, reader.modules.arch, &other, true)
			? GDB_SUCCESS : GDB_FAIL;
	loaded = find_frame(&target, &regs, known, &frame, &why);
	if (!loaded)
		return GDB_FAIL;
	note_end(loaded, &regs, &frame, &why);
	if (*why.text)
		return end_walk(cb, &regs, id_of(&regs, &frame));
	if (is_for_gdb(loaded, &frame))
		return GDB_FAIL;
	/*
	 * No symbol file ends this stack: a caller at 0 makes GDB print one
	 * frame more, "0x0 in ?? ()", and stop.  A caller without a pc reads
	 * better on GDB 16 and 18, but makes `bt` an error on 10 and 13, which
	 * are never given symbols by us.
	 */
	if (frame.end)
		frame.caller = (struct gu_regs){.pc = 0, .sp = frame.cfa};
	return gu_regs_set(cb, reader.modules.arch, &frame.caller,
		       !frame.end || !loaded->inject || !reader.gave_symbols)
		? GDB_SUCCESS
		: GDB_FAIL;
}

static struct gdb_frame_id get_frame_id(struct gdb_reader_funcs *self,
	struct gdb_unwind_callbacks *cb)
{
	struct gu_mem_gdb gdb = {cb->target_read};
	const struct gu_mem target = gu_mem_of_gdb(&gdb);
	struct gu_diag why = {.text = ""};
	struct gu_frame frame;
	struct gu_regs regs;
	bool known;

	(void)self;
	if (!read_frame(cb, &reader.this_frame, &regs, &known))
		return (struct gdb_frame_id){0, 0};
	if (known && reader.ended) {
		reader.walking = true;
		return reader.id;
	}
	if (!find_frame(&target, &regs, known, &frame, &why))
		/* of a thread in C, for whose caller a goroutine stands in */
		return (struct gdb_frame_id){regs.pc, regs.sp};
	return id_of(&regs, &frame);
}

/*
 * "go load -jit" registers a blob with GDB's JIT interface that says nothing
 * but that it is ours; what else is registered is not for us.  To fail now that
 * it is ours would have GDB look at it as an ELF file.
 */
static enum gdb_status read_debug_info(struct gdb_reader_funcs *self,
	struct gdb_symbol_callbacks *cb, void *memory, long memory_sz)
{
	struct gu_mem_gdb gdb = {cb->target_read};
	const struct gu_mem target = gu_mem_of_gdb(&gdb);

	(void)self;
	if (memory_sz != sizeof GU_SESSION_BLOB ||
		memcmp(memory, GU_SESSION_BLOB, sizeof GU_SESSION_BLOB) != 0)
		return GDB_FAIL;
	reader.gave_symbols = true;
	if (gu_modules_refresh(&reader.modules))
		gu_inject_all(cb, &reader.modules, &target);
	return GDB_SUCCESS;
}

static void destroy(struct gdb_reader_funcs *self)
{
	(void)self;
	gu_standin_end(&reader.standin);
	gu_modules_deinit(&reader.modules);
	reader.walking = false;
}

/* GDB crashes if it gets NULL here, so nothing is allocated. */
EXPORT struct gdb_reader_funcs *gdb_init_reader(void)
{
	reader = (struct reader){
		.funcs = {.reader_version = GDB_READER_INTERFACE_VERSION,
			.read = read_debug_info,
			.unwind = unwind_frame,
			.get_frame_id = get_frame_id,
			.destroy = destroy},
		.modules = {.debug = debug},
	};
	return &reader.funcs;
}
