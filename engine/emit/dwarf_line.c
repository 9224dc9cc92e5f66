/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/dwarf_line.h"

#include "engine/base/vec.h"
#include "engine/emit/budget.h"

#include <dwarf.h>
#include <stdlib.h>

/*
 * Go's src/cmd/internal/obj/dwarf.go: LINE_BASE, LINE_RANGE, OPCODE_BASE.  An
 * opcode base of 11 leaves the standard opcodes up to set_prologue_end.
 */
enum {
	LINE_BASE = -4,
	LINE_RANGE = 10,
	OPCODE_BASE = 11,
	ADDR_MAX = (255 - OPCODE_BASE) / LINE_RANGE, /* of const_add_pc */
	ROW_MAX = 64,      /* no row takes more bytes: see put_row */
	PATH_LIMIT = 4096, /* PATH_MAX of Linux: longer ones are no paths */
};

struct gu_dwarf_file {
	uint32_t str;    /* offset of its name in strs; NO_FILE if it is none */
	uint32_t dir;    /* number in dirs + 1; 0: the compilation folder */
	uint32_t unit, number; /* its number in that unit */
};

struct gu_dwarf_dir {
	uint32_t str;
	uint32_t unit, number;
};

enum { NO_FILE = UINT32_MAX };

void gu_dwarf_line_init(struct gu_dwarf_line *l, const struct gu_pclntab *tab,
	unsigned version)
{
	*l = (struct gu_dwarf_line){.tab = tab, .version = version};
	gu_buf_init(&l->out, tab->be);
	gu_buf_init(&l->strs, tab->be);
	gu_buf_init(&l->program, tab->be);
	gu_intern_init(&l->keys);
	gu_intern_init(&l->paths);
	l->budget = gu_emit_budget(tab);
	gu_buf_cstr(&l->strs, gu_str("."));
}

void gu_dwarf_line_deinit(struct gu_dwarf_line *l)
{
	gu_buf_deinit(&l->out);
	gu_buf_deinit(&l->strs);
	gu_buf_deinit(&l->program);
	gu_intern_deinit(&l->keys);
	gu_intern_deinit(&l->paths);
	free(l->files);
	free(l->dirs);
	free(l->unit_files);
	free(l->unit_dirs);
	*l = (struct gu_dwarf_line){0};
}

uint64_t gu_dwarf_line_begin(struct gu_dwarf_line *l)
{
	l->unit++;
	l->nunit_files = l->nunit_dirs = 0;
	l->program.n = 0;
	l->sequence.open = false;
	return l->out.n;
}

static bool over_budget(const struct gu_dwarf_line *l)
{
	return (uint64_t)l->out.n + l->strs.n + l->program.n > l->budget;
}

/* The entry of folder PATH, made at its first use; 0 without memory. */
static uint32_t dir_entry(struct gu_dwarf_line *l, struct gu_str path)
{
	uint32_t known = l->paths.n;
	uint32_t id = gu_intern_str(&l->paths, path);

	if (id != known)
		return id + 1;
	if (!gu_vec_room(&l->dirs, &l->dirs_cap, id)) {
		l->failed = true;
		return 0;
	}
	l->dirs[id] = (struct gu_dwarf_dir){.str = (uint32_t)l->strs.n};
	gu_buf_cstr(&l->strs, path);
	return id + 1;
}

/* A file that no unit has named before. */
static struct gu_dwarf_file new_file(struct gu_dwarf_line *l,
	struct gu_str path)
{
	struct gu_dwarf_file file = {.str = NO_FILE};
	size_t slash = path.n;
	struct gu_str name = path;

	if (path.n == 0 || path.n > PATH_LIMIT || over_budget(l))
		return file;
	while (slash > 0 && path.p[slash - 1] != '/')
		slash--;
	if (slash > 0 && slash < path.n) {
		struct gu_str dir = {path.p, slash > 1 ? slash - 1 : 1};

		file.dir = dir_entry(l, dir);
		name = (struct gu_str){path.p + slash, path.n - slash};
	}
	file.str = (uint32_t)l->strs.n;
	gu_buf_cstr(&l->strs, name);
	l->nfiles++;
	return file;
}

/* The number of folder entry DIR (number + 1) in this unit. */
static uint32_t unit_dir(struct gu_dwarf_line *l, uint32_t dir)
{
	struct gu_dwarf_dir *d;

	if (dir == 0)
		return 0;
	d = &l->dirs[dir - 1];
	if (d->unit == l->unit)
		return d->number;
	if (!gu_vec_room(&l->unit_dirs, &l->unit_dirs_cap, l->nunit_dirs)) {
		l->failed = true;
		return 0;
	}
	l->unit_dirs[l->nunit_dirs++] = dir - 1;
	d->unit = l->unit;
	d->number = l->nunit_dirs;
	return d->number;
}

static uint32_t file_number(struct gu_dwarf_line *l, uint32_t key)
{
	uint32_t known = l->keys.n;
	uint32_t id = gu_intern_key(&l->keys, key);
	struct gu_dwarf_file *file;

	if (id == UINT32_MAX)
		return 0;
	if (id == known) {
		if (!gu_vec_room(&l->files, &l->files_cap, id)) {
			l->failed = true;
			return 0;
		}
		l->files[id] = new_file(l, gu_pclntab_file(l->tab, key));
	}
	file = &l->files[id];
	if (file->str == NO_FILE)
		return 0;
	if (file->unit == l->unit)
		return file->number;
	if (!gu_vec_room(&l->unit_files, &l->unit_files_cap, l->nunit_files)) {
		l->failed = true;
		return 0;
	}
	(void)unit_dir(l, file->dir);
	l->unit_files[l->nunit_files++] = id;
	file->unit = l->unit;
	file->number = l->nunit_files;
	return file->number;
}

uint32_t gu_dwarf_line_file(struct gu_dwarf_line *l,
	const struct gu_func *func, int32_t value)
{
	struct gu_dwarf_file_memo *memo =
		&l->memo[(uint32_t)value % GU_DWARF_MEMOS];
	uint32_t key, number;

	if (l->failed)
		return 0;
	if (memo->unit == l->unit && memo->cu_off == func->cu_off &&
		memo->value == value)
		return memo->number;
	key = gu_func_file_key(l->tab, func, value);
	number = key == UINT32_MAX ? 0 : file_number(l, key);
	*memo = (struct gu_dwarf_file_memo){l->unit, func->cu_off, value,
		number};
	return number;
}

static uint8_t *put_uleb(uint8_t *p, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		*p++ = (uint8_t)(value | 0x80);
	*p++ = (uint8_t)value;
	return p;
}

static uint8_t *put_sleb(uint8_t *p, int64_t value)
{
	for (; value < -64 || value > 63; value >>= 7)
		*p++ = (uint8_t)((uint64_t)value | 0x80);
	*p++ = (uint8_t)(value & 0x7f);
	return p;
}

/* True if one special opcode makes STEP and CHANGE (counted from LINE_BASE). */
static inline bool fits(uint64_t step, int64_t change)
{
	return step <= ADDR_MAX &&
		(int64_t)step * LINE_RANGE + change <= 255 - OPCODE_BASE;
}

/*
 * A row at ADDR, at or after the last one: what differs from the last row's
 * file and line, the prologue's end if it is, then a special opcode.  At most
 * 1 + 5 (file) + 1 (prologue) + 1 + 10 (address) + 1 + 10 (line) + 1 bytes.
 */
static void put_row(struct gu_dwarf_line *l, uint64_t addr, uint32_t file,
	int64_t line, bool prologue_end)
{
	struct gu_dwarf_sequence *seq = &l->sequence;
	uint64_t step = addr - seq->addr;
	int64_t change = line - seq->line;
	uint8_t *p;

	if (!gu_buf_reserve(&l->program, ROW_MAX))
		return;
	p = l->program.p + l->program.n;
	if (file != seq->file) {
		*p++ = DW_LNS_set_file;
		p = put_uleb(p, file);
	}
	if (prologue_end)
		*p++ = DW_LNS_set_prologue_end;
	if (change < LINE_BASE || change >= LINE_BASE + LINE_RANGE) {
		*p++ = DW_LNS_advance_line;
		p = put_sleb(p, change);
		change = 0;
	}
	change -= LINE_BASE;
	if (!fits(step, change)) {
		if (step >= ADDR_MAX && fits(step - ADDR_MAX, change)) {
			*p++ = DW_LNS_const_add_pc;
			step -= ADDR_MAX;
		} else {
			*p++ = DW_LNS_advance_pc;
			p = put_uleb(p, step);
			step = 0;
		}
	}
	*p++ = (uint8_t)(OPCODE_BASE + (int64_t)step * LINE_RANGE + change);
	l->program.n = (size_t)(p - l->program.p);
	seq->addr = addr;
	seq->file = file;
	seq->line = line;
	l->rows++;
}

static void end_sequence(struct gu_dwarf_line *l)
{
	if (!l->sequence.open)
		return;
	gu_buf_u8(&l->program, DW_LNS_advance_pc);
	gu_buf_uleb(&l->program, l->sequence.end - l->sequence.addr);
	gu_buf_u8(&l->program, 0);
	gu_buf_uleb(&l->program, 1);
	gu_buf_u8(&l->program, DW_LNE_end_sequence);
	l->sequence.open = false;
	l->rows++;
}

/* Get ready for the first row, at ADDR, of FUNC, which ends at END. */
static void begin_func(struct gu_dwarf_line *l, const struct gu_func *func,
	uint64_t end, uint64_t addr)
{
	struct gu_dwarf_sequence *seq = &l->sequence;
	unsigned size = l->tab->ptr_size;

	if (seq->open && seq->next == func->entry) {
		if (seq->end != addr)
			put_row(l, seq->end, seq->file, 0, false);
		seq->end = end;
		seq->next = func->next;
		return;
	}
	end_sequence(l);
	*seq = (struct gu_dwarf_sequence){
		.addr = addr,
		/* none, so that the first row names its file: the register
		 * begins as 1, which binutils 2.40 takes for entry 0 in
		 * DWARF 5 */
		.file = UINT32_MAX,
		.line = 1,
		.open = true,
		.end = end,
		.next = func->next,
	};
	gu_buf_u8(&l->program, 0);
	gu_buf_uleb(&l->program, 1 + size);
	gu_buf_u8(&l->program, DW_LNE_set_address);
	gu_buf_word(&l->program, addr, size);
}

/* The rows themselves, from the first with a file; false if there are none. */
static bool put_rows(struct gu_dwarf_line *l, struct gu_lines *it,
	const struct gu_func *func, uint64_t end, uint64_t prologue_end)
{
	struct gu_line row;
	bool any = false;

	while (gu_lines_next(it, &row) && row.start < end) {
		uint32_t file = gu_dwarf_line_file(l, func, row.file);
		/* line 0: no source (DWARF 5 section 6.2.2) */
		int64_t line = file && row.line > 0 ? row.line : 0;

		if (!any && !file)
			continue;
		if (!any)
			begin_func(l, func, end, row.start);
		if (!file)
			file = l->sequence.file;
		if (!any || row.start == prologue_end ||
			file != l->sequence.file || line != l->sequence.line)
			put_row(l, row.start, file, line,
				row.start == prologue_end);
		if (prologue_end > row.start && prologue_end < row.end)
			put_row(l, prologue_end, file, line, true);
		any = true;
	}
	return any;
}

enum gu_status gu_dwarf_line_func(struct gu_dwarf_line *l,
	const struct gu_func *func, uint64_t end, uint64_t prologue_end,
	struct gu_diag *diag)
{
	struct gu_dwarf_sequence before = l->sequence;
	size_t mark = l->program.n;
	uint64_t rows = l->rows;
	struct gu_lines it;
	bool any;

	if (over_budget(l))
		return gu_fail_at(diag, GU_BAD_DATA, func->entry,
			"the line tables of the functions take more than four "
			"times the space of the Go table itself");
	gu_lines_init(&it, l->tab, func);
	any = put_rows(l, &it, func, end, prologue_end);
	if (any && !it.file.bad && !it.line.bad)
		return GU_OK;
	l->sequence = before;
	l->program.n = mark;
	l->rows = rows;
	if (!it.file.bad && !it.line.bad)
		return GU_NOT_FOUND;
	return gu_fail_at(diag, GU_BAD_DATA, func->entry,
		"a table of files or lines is malformed");
}

static void put_string(struct gu_dwarf_line *l, uint32_t str)
{
	if (l->version >= 5)
		gu_buf_word(&l->out, str, 4);
	else if (!l->strs.failed)
		gu_buf_cstr(&l->out, gu_str((const char *)l->strs.p + str));
}

/* Folders and files, DWARF 5 section 6.2.4 number 12 and on. */
static void put_tables_5(struct gu_dwarf_line *l, struct gu_str name)
{
	struct gu_buf *out = &l->out;

	gu_buf_u8(out, 1);
	gu_buf_uleb(out, DW_LNCT_path);
	gu_buf_uleb(out, DW_FORM_line_strp);
	gu_buf_uleb(out, (uint64_t)l->nunit_dirs + 1);
	put_string(l, 0); /* "." */
	for (uint32_t i = 0; i < l->nunit_dirs; i++)
		put_string(l, l->dirs[l->unit_dirs[i]].str);

	gu_buf_u8(out, 2);
	gu_buf_uleb(out, DW_LNCT_path);
	gu_buf_uleb(out, DW_FORM_line_strp);
	gu_buf_uleb(out, DW_LNCT_directory_index);
	gu_buf_uleb(out, DW_FORM_udata);
	gu_buf_uleb(out, (uint64_t)l->nunit_files + 1);
	put_string(l, (uint32_t)l->strs.n);
	gu_buf_cstr(&l->strs, name);
	gu_buf_uleb(out, 0);
	for (uint32_t i = 0; i < l->nunit_files; i++) {
		const struct gu_dwarf_file *file = &l->files[l->unit_files[i]];

		put_string(l, file->str);
		gu_buf_uleb(out, unit_dir(l, file->dir));
	}
}

/* The same as DWARF 4 section 6.2.4 number 11 and on has it. */
static void put_tables_4(struct gu_dwarf_line *l)
{
	struct gu_buf *out = &l->out;

	for (uint32_t i = 0; i < l->nunit_dirs; i++)
		put_string(l, l->dirs[l->unit_dirs[i]].str);
	gu_buf_u8(out, 0);
	for (uint32_t i = 0; i < l->nunit_files; i++) {
		const struct gu_dwarf_file *file = &l->files[l->unit_files[i]];

		put_string(l, file->str);
		gu_buf_uleb(out, unit_dir(l, file->dir));
		gu_buf_uleb(out, 0); /* time of change: not known */
		gu_buf_uleb(out, 0); /* length: not known */
	}
	gu_buf_u8(out, 0);
}

void gu_dwarf_line_end(struct gu_dwarf_line *l, struct gu_str name)
{
	/* operands of the opcodes 1 to 10 */
	static const uint8_t lengths[OPCODE_BASE - 1] = {
		0, 1, 1, 1, 1, 0, 0, 0, 1, 0,
	};
	struct gu_buf *out = &l->out;
	size_t start = out->n, header;

	end_sequence(l);
	gu_buf_word(out, 0, 4);
	gu_buf_word(out, l->version, 2);
	if (l->version >= 5) {
		gu_buf_u8(out, l->tab->ptr_size);
		gu_buf_u8(out, 0); /* segment selectors */
	}
	header = out->n;
	gu_buf_word(out, 0, 4);
	gu_buf_u8(out, 1); /* bytes an instruction, as Go has it everywhere */
	gu_buf_u8(out, 1); /* operations an instruction */
	gu_buf_u8(out, 1); /* default_is_stmt */
	gu_buf_u8(out, (uint8_t)LINE_BASE);
	gu_buf_u8(out, LINE_RANGE);
	gu_buf_u8(out, OPCODE_BASE);
	gu_buf_bytes(out, lengths, sizeof lengths);
	if (l->version >= 5)
		put_tables_5(l, name);
	else
		put_tables_4(l);
	gu_buf_patch(out, header, out->n - header - 4, 4);
	gu_buf_bytes(out, l->program.p, l->program.n);
	gu_buf_patch(out, start, out->n - start - 4, 4);
}

enum gu_status gu_dwarf_line_status(const struct gu_dwarf_line *l,
	struct gu_diag *diag)
{
	const struct gu_buf *bufs[] = {&l->out, &l->strs, &l->program};

	for (size_t i = 0; i < GU_COUNT(bufs); i++) {
		enum gu_status st = gu_buf_status(bufs[i], diag);

		if (st)
			return st;
	}
	if (l->failed || l->keys.failed || l->paths.failed)
		return gu_fail(diag, GU_NO_MEMORY,
			"out of memory for %u source files", l->nfiles);
	return GU_OK;
}
