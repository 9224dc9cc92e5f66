/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/func_runs.h"

#include "engine/base/vec.h"
#include "engine/emit/prologue.h"

enum { ROWS_MAX = 1 << 28 };

/* A function while its rows are made. */
struct subject {
	struct gu_func func;
	struct gu_str file;
	uint64_t end;
	struct gu_pcvalue inlined; /* walks ahead of the lines */
	int32_t index, line;       /* of an inlined call; its line in file */
	int32_t other;             /* a file number that is not file's */
	uint64_t prologue_end;     /* 0: unknown */
};

enum gu_status gu_func_runs_init(struct gu_func_runs *runs,
	const struct gu_module *module, const struct gu_elf_file *file,
	struct gu_diag *diag)
{
	struct gu_elf_like like;
	enum gu_status st = gu_elf_shape_like(file, diag, &like);

	*runs = (struct gu_func_runs){.module = module};
	if (st)
		return st;
	/* as in gu_dwarf_line_init: functions may share a table */
	runs->budget = module->tab.bytes.n + (1 << 18);
	if (runs->budget > ROWS_MAX)
		runs->budget = ROWS_MAX;
	gu_elf_writer_init(&runs->writer, &like, 0);
	st = gu_elf_shape_init(&runs->shape, module, file, false,
		&runs->writer, diag);
	if (!st)
		st = gu_func_list_init(&runs->funcs, module, &runs->shape,
			diag);
	if (st)
		gu_func_runs_deinit(runs);
	return st;
}

void gu_func_runs_deinit(struct gu_func_runs *runs)
{
	if (!runs->module)
		return;
	gu_func_list_deinit(&runs->funcs);
	gu_elf_shape_deinit(&runs->shape);
	gu_elf_writer_deinit(&runs->writer);
	free(runs->rows);
	*runs = (struct gu_func_runs){.module = NULL};
}

/* Where PC is in FUNC's own code: itself, or the call inlined there. */
static struct gu_call own_place(const struct gu_module *module,
	const struct gu_func *func, uint64_t pc)
{
	struct gu_call calls[GU_CALLS_MAX];
	size_t n;

	if (gu_module_calls(module, func, pc, calls, GU_CALLS_MAX, NULL, &n))
		return (struct gu_call){.line = 0};
	return calls[n - 1];
}

static bool open_subject(const struct gu_func_runs *runs, uint32_t item,
	struct subject *out)
{
	const struct gu_module *module = runs->module;
	const struct gu_func_item *it = &runs->funcs.items[item];

	*out = (struct subject){.end = it->end, .index = -1, .other = -1};
	if (gu_pclntab_func(&module->tab, it->index, NULL, &out->func))
		return false;
	if (!gu_func_item_asm(it))
		out->prologue_end = gu_prologue_end(module, &out->func);
	out->file = own_place(module, &out->func, it->entry).file;
	return true;
}

/* KEEP: also if its line is that of the row before it. */
static void put_row(struct gu_func_runs *runs, uint64_t addr, int32_t line,
	bool keep)
{
	uint32_t n = runs->nrows;

	if (line < 0)
		line = 0;
	if (n && runs->rows[n - 1].addr == addr)
		runs->nrows = --n;
	if (n && runs->rows[n - 1].line == line && !keep)
		return;
	if (!gu_vec_room(&runs->rows, &runs->rows_cap, n)) {
		runs->failed = true;
		return;
	}
	if (line && runs->budget)
		runs->budget--;
	runs->rows[n] = (struct gu_func_row){addr, runs->budget ? line : 0};
	runs->nrows = n + 1;
}

/* The line of FILE's that inlined code at PC, of call INDEX, belongs to. */
static int32_t inlined_line(const struct gu_module *module,
	struct subject *subject, int32_t index, uint64_t pc)
{
	struct gu_call call;

	if (index == subject->index)
		return subject->line;
	call = own_place(module, &subject->func, pc);
	subject->index = index;
	subject->line = gu_str_eq(call.file, subject->file) ? call.line : 0;
	return subject->line;
}

static int32_t own_line(const struct gu_module *module,
	struct subject *subject, const struct gu_line *line)
{
	if (line->file == subject->other)
		return 0;
	if (gu_str_eq(gu_func_file(&module->tab, &subject->func, line->file),
		subject->file))
		return line->line;
	subject->other = line->file;
	return 0;
}

/*
 * The rows of LINE, cut where inlined calls begin and end, and behind the
 * prologue: GDB looks for its end in the code, and if no line begins there
 * takes the next one.
 */
static void put_line(struct gu_func_runs *runs, struct subject *subject,
	const struct gu_line *line)
{
	uint64_t end = line->end < subject->end ? line->end : subject->end;
	uint64_t mark = subject->prologue_end, next;
	struct gu_pcvalue *inlined = &subject->inlined;

	for (uint64_t pc = line->start; pc < end && !runs->failed; pc = next) {
		bool in_call;

		while (pc >= inlined->end && gu_pcvalue_next(inlined))
			;
		next = inlined->end > pc && inlined->end < end ? inlined->end
							       : end;
		in_call = pc < inlined->end && inlined->value >= 0;
		if (mark > pc && mark < next)
			next = mark;
		put_row(runs, pc, in_call
				? inlined_line(runs->module, subject,
					inlined->value, pc)
				: own_line(runs->module, subject, line),
			pc == mark);
	}
}

static void put_function(struct gu_func_runs *runs, struct subject *subject)
{
	const struct gu_module *module = runs->module;
	const struct gu_func *func = &subject->func;
	struct gu_lines lines;
	struct gu_line line;

	gu_lines_init(&lines, &module->tab, func);
	gu_pcvalue_init(&subject->inlined, &module->tab, func,
		gu_module_inline_table(module, func));
	while (gu_lines_next(&lines, &line) && line.start < subject->end)
		put_line(runs, subject, &line);
	put_row(runs, subject->end, 0, false);
}

bool gu_func_runs_next(struct gu_func_runs *runs)
{
	uint32_t i = runs->first + runs->n;
	struct subject subject;

	runs->first = i;
	runs->nrows = 0;
	runs->file = (struct gu_str){0};
	while (i < runs->funcs.n && !runs->failed) {
		bool good = open_subject(runs, i, &subject);

		if (i > runs->first && !gu_str_eq(subject.file, runs->file))
			break;
		runs->file = subject.file;
		if (good && subject.file.n)
			put_function(runs, &subject);
		i++;
	}
	runs->n = i - runs->first;
	return runs->n && !runs->failed;
}
