/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The layouts are those of go-layouts 1.6, 2 and 3, for Go 1.21 and 1.22. */
#include "tests/unit/go_sample.h"

#include "engine/base/math.h"

enum {
	TEXT_SIZE = 0x200,
	NFUNC = 3,
	QUANTUM = 4,
	MD_WORDS = 80,
	/* offsets of names, and of files */
	NAME_GOEXIT = 0, NAME_MAIN = 15, NAME_LEAF = 25, NAME_LAST = 35,
	FILE_MAIN = 14,
};
static const char names[] =
	"runtime.goexit\0main.main\0main.leaf\0main.last";
static const char files[] = "runtime/asm.s\0main.go";

/* Where things are, as offsets from the segment's start. */
struct layout {
	uint64_t table, names, cutab, files, pctab, functab, table_end;
	uint64_t findfunctab, gofunc, types, end;
	uint32_t sp, file[3], line[3], inlined; /* in pctab */
};

static void align(struct gu_buf *b, unsigned to)
{
	gu_buf_zero(b, -b->n & (to - 1));
}

/* A pc table: pairs of a value and the pc offset at which it ends. */
static uint32_t pc_table(struct gu_buf *b, const struct layout *at,
	uint32_t start, const int32_t (*pairs)[2], unsigned n)
{
	uint32_t off = (uint32_t)(b->n - at->pctab), pc = start;
	int32_t value = -1;

	for (unsigned i = 0; i < n; i++) {
		int32_t delta = pairs[i][0] - value;

		gu_buf_uleb(b, delta < 0 ? ((uint32_t)-delta << 1) - 1
					 : (uint32_t)delta << 1);
		gu_buf_uleb(b, ((uint32_t)pairs[i][1] - pc) / QUANTUM);
		value = pairs[i][0];
		pc = (uint32_t)pairs[i][1];
	}
	gu_buf_u8(b, 0);
	return off;
}
#define PC_TABLE(b, at, start, ...)                                      \
	pc_table(b, at, start, (const int32_t[][2]){__VA_ARGS__},        \
		sizeof((const int32_t[][2]){__VA_ARGS__}) / 8)

static void write_pctab(struct gu_buf *b, struct layout *at)
{
	at->pctab = b->n;
	gu_buf_u8(b, 0);
	at->sp = PC_TABLE(b, at, 0x40, {0, 0x44}, {32, 0xf0}, {0, 0x100});
	at->file[0] = PC_TABLE(b, at, 0, {0, 0x40});
	at->file[1] = PC_TABLE(b, at, 0x40, {1, 0x100});
	at->file[2] = PC_TABLE(b, at, 0x100, {1, 0x200});
	at->line[0] = PC_TABLE(b, at, 0, {10, 0x40});
	at->line[1] = PC_TABLE(b, at, 0x40, {7, 0x50}, {8, 0x80}, {20, 0x100});
	at->line[2] = PC_TABLE(b, at, 0x100, {30, 0x200});
	at->inlined = PC_TABLE(b, at, 0x40, {-1, 0x80}, {0, 0x100});
}

struct record {
	uint32_t entry, name, sp, file, line, start_line;
	bool inlines;
};

static void write_record(struct gu_buf *b, const struct layout *at,
	const struct record *r)
{
	unsigned npcdata = r->inlines ? 3 : 0, nfuncdata = r->inlines ? 4 : 0;

	gu_buf_word(b, r->entry, 4);
	gu_buf_word(b, r->name, 4);
	gu_buf_zero(b, 8); /* args, deferreturn */
	gu_buf_word(b, r->sp, 4);
	gu_buf_word(b, r->file, 4);
	gu_buf_word(b, r->line, 4);
	gu_buf_word(b, npcdata, 4);
	gu_buf_word(b, 0, 4); /* cuOffset */
	gu_buf_word(b, r->start_line, 4);
	gu_buf_zero(b, 3); /* funcID, flag, pad */
	gu_buf_u8(b, (uint8_t)nfuncdata);
	for (unsigned i = 0; i < npcdata; i++)
		gu_buf_word(b, i == 2 ? at->inlined : 0, 4);
	for (unsigned i = 0; i < nfuncdata; i++)
		gu_buf_word(b, i == 3 ? 0 : UINT32_MAX, 4);
}

static void write_functab(struct gu_buf *b, struct layout *at, unsigned ptr)
{
	const struct record records[NFUNC] = {
		{0, NAME_GOEXIT, 0, at->file[0], at->line[0], 10, false},
		{0x40, NAME_MAIN, at->sp, at->file[1], at->line[1], 6, true},
		{0x100, NAME_LAST, 0, at->file[2], at->line[2], 29, false},
	};
	size_t table;

	align(b, ptr);
	at->functab = table = b->n;
	gu_buf_zero(b, NFUNC * 8 + 4);
	for (unsigned i = 0; i < NFUNC; i++) {
		align(b, ptr);
		gu_buf_patch(b, table + (size_t)8 * i, records[i].entry, 4);
		gu_buf_patch(b, table + (size_t)8 * i + 4, b->n - table, 4);
		write_record(b, at, &records[i]);
	}
	gu_buf_patch(b, table + sizeof(uint64_t[NFUNC]), TEXT_SIZE, 4);
	align(b, ptr);
	at->table_end = b->n;
}

static void write_table(struct gu_buf *b, struct layout *at, unsigned ptr)
{
	const uint64_t *offs[] = {
		&at->names, &at->cutab, &at->files, &at->pctab, &at->functab
	};

	at->table = b->n;
	gu_buf_word(b, 0xfffffff1, 4);
	gu_buf_zero(b, 2);
	gu_buf_u8(b, QUANTUM);
	gu_buf_u8(b, (uint8_t)ptr);
	gu_buf_word(b, NFUNC, ptr);
	gu_buf_word(b, 2, ptr); /* files */
	gu_buf_word(b, GO_SAMPLE_TEXT, ptr);
	gu_buf_zero(b, GU_COUNT(offs) * ptr);
	at->names = b->n;
	gu_buf_bytes(b, names, sizeof names);
	align(b, ptr);
	at->cutab = b->n;
	gu_buf_word(b, 0, 4);
	gu_buf_word(b, FILE_MAIN, 4);
	at->files = b->n;
	gu_buf_bytes(b, files, sizeof files);
	align(b, ptr);
	write_pctab(b, at);
	write_functab(b, at, ptr);
	for (unsigned i = 0; i < GU_COUNT(offs); i++)
		gu_buf_patch(b, at->table + 8 + (size_t)(3 + i) * ptr,
			*offs[i] - at->table, ptr);
}

static void write_data(struct gu_buf *b, struct layout *at, bool be,
	unsigned ptr)
{
	at->findfunctab = b->n;
	gu_buf_zero(b, 20);
	at->gofunc = b->n; /* one record: funcID, name, parent pc, start line */
	gu_buf_zero(b, 4);
	gu_buf_word(b, NAME_LEAF, 4);
	gu_buf_word(b, 0x10, 4);
	gu_buf_word(b, 19, 4);
	align(b, 16);
	at->types = b->n;
	gu_buf_zero(b, 64);
	gu_buf_bytes(b, "\xff Go buildinf:", 14);
	gu_buf_u8(b, (uint8_t)ptr);
	gu_buf_u8(b, be ? 3 : 2);
	gu_buf_zero(b, 16);
	gu_buf_u8(b, 8);
	gu_buf_str(b, gu_str("go1.22.1"));
	gu_buf_u8(b, 0);
	align(b, 16);
	at->end = b->n + (uint64_t)MD_WORDS * ptr;
}

/* moduledata: row 1.21 of engine/go/moduledata.def. */
static void write_moduledata(struct gu_buf *b, const struct layout *at,
	unsigned ptr)
{
	uint64_t words[MD_WORDS] = {0};
	const uint64_t parts[] = {
		at->names, at->cutab, at->files, at->pctab, at->functab,
		at->table_end
	};

	words[0] = GO_SAMPLE_TEXT + at->table;
	for (unsigned i = 0; i < 5; i++) {
		words[1 + 3 * i] = GO_SAMPLE_TEXT + parts[i];
		words[2 + 3 * i] = words[3 + 3 * i] = parts[i + 1] - parts[i];
	}
	words[16] = GO_SAMPLE_TEXT + at->functab;
	words[17] = words[18] = NFUNC + 1;
	words[19] = GO_SAMPLE_TEXT + at->findfunctab;
	words[20] = words[22] = GO_SAMPLE_TEXT;
	words[21] = words[23] = GO_SAMPLE_TEXT + TEXT_SIZE;
	for (unsigned i = 24; i < 35; i++)
		words[i] = GO_SAMPLE_TEXT + at->end;
	words[37] = words[39] = GO_SAMPLE_TEXT + at->types;
	words[38] = GO_SAMPLE_TEXT + at->types + 64;
	words[40] = GO_SAMPLE_TEXT + at->gofunc;
	for (unsigned i = 0; i < MD_WORDS; i++)
		gu_buf_word(b, words[i], ptr);
}

void go_sample_parts(struct elf_writer *ew,
	const struct sample_machine *machine)
{
	struct layout at = {0};
	struct gu_buf *b;

	ew_init(ew, machine->wide, machine->be, ET_EXEC, machine->machine);
	b = ew_segment(ew, PT_LOAD, PF_R | PF_W | PF_X, GO_SAMPLE_TEXT, 0);
	gu_buf_zero(b, TEXT_SIZE);
	write_table(b, &at, ew->ptr);
	write_data(b, &at, ew->be, ew->ptr);
	write_moduledata(b, &at, ew->ptr);
}

void go_sample(struct elf_writer *ew, const struct sample_machine *machine)
{
	go_sample_parts(ew, machine);
	ew_finish(ew);
}
