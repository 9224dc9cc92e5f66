/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values by pc: pctab's tables.  Each is a list of {zigzag value delta, pc
 * delta in quanta}, both uvarints, ended by a value delta of 0; the value
 * starts at -1.  Go src/runtime/symtab.go, step.
 */
#include "engine/base/math.h"
#include "engine/go/pclntab.h"

/* Steps of no length that a table may have: s390x's have a few. */
enum { EMPTY_STEPS_MAX = 4096 };

void gu_pcvalue_init(struct gu_pcvalue *it, const struct gu_pclntab *tab,
	const struct gu_func *func, uint32_t off)
{
	const uint8_t *pctab = tab->bytes.p + tab->pctab.off;

	*it = (struct gu_pcvalue){
		.start = func->entry,
		.end = func->entry,
		.stop = func->next,
		.left = (func->next - func->entry) / tab->quantum +
			EMPTY_STEPS_MAX,
		.value = -1,
		.quantum = tab->quantum,
		.first = true,
	};
	if (off == 0)
		return;
	if (off >= tab->pctab.size) {
		it->bad = true;
		return;
	}
	it->p = pctab + off;
	it->limit = pctab + tab->pctab.size;
}

/* The hot loop of everything: nearly all numbers are one byte long. */
static inline bool get_uvarint(struct gu_pcvalue *it, uint32_t *out)
{
	const uint8_t *p = it->p;
	uint32_t value;

	if (p >= it->limit)
		return false;
	value = *p++;
	if (value & 0x80) {
		unsigned shift = 7;

		value &= 0x7f;
		do {
			if (p >= it->limit || shift > 28)
				return false;
			value |= (uint32_t)(*p & 0x7f) << shift;
			shift += 7;
		} while (*p++ & 0x80);
	}
	it->p = p;
	*out = value;
	return true;
}

static inline bool step(struct gu_pcvalue *it)
{
	uint32_t delta, pcs;

	if (!it->p)
		return false;
	if (it->p < it->limit && *it->p == 0 && !it->first) {
		it->p = NULL;
		return false;
	}
	if (!get_uvarint(it, &delta) || !get_uvarint(it, &pcs) ||
		it->left-- == 0) {
		it->bad = true;
		it->p = NULL;
		return false;
	}
	it->first = false;
	/* 32-bit arithmetic that wraps, as Go's does */
	it->value = (int32_t)((uint32_t)it->value +
		(delta & 1 ? ~(delta >> 1) : delta >> 1));
	it->start = it->end;
	it->end += (uint64_t)pcs * it->quantum;
	if (it->end > it->stop) {
		it->end = it->stop;
		it->bad = true;
		it->p = NULL;
		return it->start < it->end;
	}
	return true;
}

bool gu_pcvalue_next(struct gu_pcvalue *it)
{
	return step(it);
}

int32_t gu_pcvalue_at(const struct gu_pclntab *tab, const struct gu_func *func,
	uint32_t off, uint64_t pc)
{
	struct gu_pcvalue it;

	gu_pcvalue_init(&it, tab, func, off);
	while (step(&it))
		if (pc < it.end)
			return pc >= it.start ? it.value : -1;
	return -1;
}

uint64_t gu_func_end(const struct gu_pclntab *tab, const struct gu_func *func)
{
	/* pcfile first: it is the shortest, since most functions have one */
	const uint32_t tables[] = {func->pcfile, func->pcsp, func->pcln};

	for (size_t i = 0; i < GU_COUNT(tables); i++) {
		struct gu_pcvalue it;

		if (tables[i] == 0)
			continue;
		gu_pcvalue_init(&it, tab, func, tables[i]);
		while (step(&it))
			continue;
		if (!it.bad && it.end > func->entry)
			return it.end;
	}
	return func->next;
}

void gu_lines_init(struct gu_lines *it, const struct gu_pclntab *tab,
	const struct gu_func *func)
{
	gu_pcvalue_init(&it->file, tab, func, func->pcfile);
	gu_pcvalue_init(&it->line, tab, func, func->pcln);
	it->pc = func->entry;
}

/*
 * A row ends where either table steps.  Where the file table is missing or
 * ends early, rows have no file.
 */
bool gu_lines_next(struct gu_lines *it, struct gu_line *out)
{
	uint64_t pc = it->pc;

	while (it->line.end <= pc)
		if (!step(&it->line))
			return false;
	while (it->file.end <= pc)
		if (!step(&it->file))
			break;
	out->start = pc;
	out->end = it->line.end;
	out->line = it->line.value;
	out->file = -1;
	if (it->file.end > pc) {
		out->file = it->file.value;
		if (it->file.end < out->end)
			out->end = it->file.end;
	}
	it->pc = out->end;
	return true;
}
