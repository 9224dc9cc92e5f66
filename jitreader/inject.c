/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jitreader/inject.h"

#include "engine/base/vec.h"
#include "engine/emit/func_runs.h"
#include "engine/emit/text.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct injected {
	uint32_t functions, runs;
};

/* All that is freed when GDB throws past us. */
struct injection {
	struct gdb_symbol_callbacks *cb;
	struct gdb_object *object;
	uint64_t bias;
	struct gu_func_runs runs;
	struct gu_buf file; /* of the run, as a string */
	struct gdb_line_mapping *lines;
	uint32_t lines_cap;
};

static void injection_deinit(struct injection *in)
{
	gu_func_runs_deinit(&in->runs);
	gu_buf_deinit(&in->file);
	free(in->lines);
}

static bool convert_rows(struct injection *in)
{
	const struct gu_func_runs *runs = &in->runs;

	for (uint32_t i = 0; i < runs->nrows; i++) {
		if (!gu_vec_room(&in->lines, &in->lines_cap, i))
			return false;
		in->lines[i] = (struct gdb_line_mapping){
			.line = runs->rows[i].line,
			.pc = runs->rows[i].addr + in->bias,
		};
	}
	in->file.n = 0;
	gu_buf_cstr(&in->file, runs->file);
	return !in->file.failed;
}

#ifdef M_PERTURB
static void perturb_end(int *unused)
{
	(void)unused;
	(void)mallopt(M_PERTURB, 0);
}
#endif

/*
 * GDB (gdb/jit.c, jit_symtab_line_mapping_add_impl) allocates its table, and of
 * each line's flags sets only is_stmt: prologue_end and epilogue_begin are what
 * the memory had, and breakpoints on functions go where they say.  So malloc
 * is made to give zeros: what it keeps for this thread (glibc's tcache) is what
 * was last freed, from other places it fills.
 */
static void add_lines(struct injection *in, struct gdb_symtab *symtab)
{
	enum { LINE = 16, TABLE = 8 }; /* bytes in GDB 16 to 18 */
	uint32_t n = in->runs.nrows;
	size_t size = TABLE + (size_t)n * LINE;
	void *p;
#ifdef M_PERTURB
	gu_cleanup(perturb_end) int unused = mallopt(M_PERTURB, 0xff);
#endif

	p = malloc(size);
	if (p)
		explicit_bzero(p, size);
	free(p);
	in->cb->line_mapping_add(in->cb, symtab, (int)n, in->lines);
}

/* GDB copies all that it is given. */
static void put_run(struct injection *in)
{
	const struct gu_func_runs *runs = &in->runs;
	const char *strs = (const char *)runs->funcs.strs.p;
	struct gdb_symbol_callbacks *cb = in->cb;
	struct gdb_symtab *symtab = cb->symtab_open(cb, in->object,
		(const char *)in->file.p);

	for (uint32_t i = 0; i < runs->n; i++) {
		const struct gu_func_item *item =
			&runs->funcs.items[runs->first + i];

		(void)cb->block_open(cb, symtab, NULL, item->entry + in->bias,
			item->end + in->bias, strs + item->name);
	}
	if (runs->nrows)
		add_lines(in, symtab);
	cb->symtab_close(cb, symtab);
}

/* GU_NO_MEMORY: perhaps not all was given. */
static enum gu_status inject(struct gdb_symbol_callbacks *cb,
	const struct gu_loaded *loaded, struct gu_diag *diag,
	struct injected *out)
{
	gu_cleanup(injection_deinit) struct injection in = {
		.cb = cb, .bias = loaded->bias};
	enum gu_status st;

	gu_buf_init(&in.file, false);
	st = gu_func_runs_init(&in.runs, loaded->module, loaded->file, diag);
	if (st)
		return st;
	in.object = cb->object_open(cb);
	while (!st && gu_func_runs_next(&in.runs)) {
		if (!convert_rows(&in))
			break;
		put_run(&in);
		out->functions += in.runs.n;
		out->runs++;
	}
	cb->object_close(cb, in.object);
	if (in.runs.failed || in.file.failed)
		return gu_fail(diag, GU_NO_MEMORY, "no memory for symbols");
	return GU_OK;
}

/* "gounstrip: /srv/server: 3120 functions by the reader" */
static void put_reply(struct gu_buf *reply, const char *file,
	enum gu_status st, const struct gu_diag *diag,
	const struct injected *done)
{
	gu_cleanup(gu_buf_deinit) struct gu_buf line;

	gu_buf_init(&line, false);
	gu_buf_printf(&line, "gounstrip: %s: ", file);
	if (st)
		gu_buf_printf(&line, "no symbols: %s", diag->text);
	else
		gu_buf_printf(&line, "%" PRIu32 " functions by the reader, "
			"in %" PRIu32 " runs", done->functions, done->runs);
	gu_text_echo(reply, (struct gu_str){(const char *)line.p, line.n});
}

void gu_inject_all(struct gdb_symbol_callbacks *cb, struct gu_modules *modules,
	const struct gu_mem *target)
{
	gu_cleanup(gu_buf_deinit) struct gu_buf reply;
	struct gu_diag lost;

	gu_buf_init(&reply, false);
	for (size_t i = 0; i < modules->session.nmodules; i++) {
		const struct gu_loaded *loaded;
		struct injected done = {0};
		struct gu_diag diag = {.text = ""};
		enum gu_status st;

		if (!modules->session.modules[i].inject)
			continue;
		loaded = gu_modules_find(modules, target,
			modules->session.modules[i].lo, false);
		if (loaded == &modules->loaded[i])
			st = inject(cb, loaded, &diag, &done);
		else
			st = gu_fail(&diag, GU_NOT_FOUND,
				"what is in memory there is something else, or "
				"has only begun to start");
		put_reply(&reply, modules->session.modules[i].file, st, &diag,
			&done);
	}
	if (gu_session_put(getpid(), "reply", &reply, &lost))
		modules->debug("the reply", &lost);
}
