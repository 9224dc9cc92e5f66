/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fakegdb/stage.h"

#include "engine/base/math.h"

#include <inttypes.h>
#include <stdio.h>

static const uint64_t stack_addr = 0xc000100000;

static enum gu_status stage_read(void *ctx, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	struct stage *stage = ctx;
	uint8_t *p = buf;
	enum gu_status st;

	if (addr >= stack_addr &&
		gu_within(addr - stack_addr, len, sizeof stage->stack)) {
		memcpy(buf, stage->stack + (addr - stack_addr), len);
		return GU_OK;
	}
	memset(buf, 0, len);
	st = gu_elf_file_expect(stage->file, stage->bias, addr - stage->bias,
		buf, len, diag, buf);
	if (stage->other_program)
		for (size_t i = 0; i < len; i++)
			p[i] ^= 0x55;
	return st;
}

static void put(struct stage *stage, uint64_t addr, uint64_t word)
{
	memcpy(stage->stack + (addr - stack_addr), &word, sizeof word);
}

/*
 * A pc in FUNC at which its frame is open and its caller's frame pointer is in
 * memory: the middle of the longest such row.
 */
static bool find_pc(const struct gu_module *module, const struct gu_func *func,
	uint64_t *pc, struct gu_row *row)
{
	uint64_t end = gu_func_end(&module->tab, func), longest = 0;
	struct gu_row r;

	for (uint64_t at = func->entry; at < end; at = r.end) {
		if (gu_unwind_row(module, func, at, NULL, &r) || r.end <= at)
			return false;
		if (r.end_of_stack || r.fp != GU_FP_SAVED ||
			r.end - at <= longest)
			continue;
		longest = r.end - at;
		*row = r;
		*pc = at + longest / 2 / module->tab.quantum *
				module->tab.quantum;
	}
	return longest >= 32;
}

static bool find_goexit(const struct gu_module *module, struct gu_regs *out)
{
	struct gu_func func;

	for (uint32_t i = 0; i < module->tab.nfunc; i++) {
		if (gu_pclntab_func(&module->tab, i, NULL, &func) ||
			gu_module_kind(module, &func) != GU_KIND_GOEXIT)
			continue;
		*out = (struct gu_regs){
			.pc = func.entry + module->tab.quantum,
			.has_fp = true,
		};
		return true;
	}
	return false;
}

/* From goexit inwards: each function calls the next one found. */
static bool build_stack(struct stage *stage)
{
	const struct gu_module *m = stage->module;
	struct gu_regs frames[STAGE_FRAMES], *caller = &frames[0];
	uint32_t step = m->tab.nfunc / (2 * STAGE_FRAMES), next = 0;
	size_t n = 1;

	if (!find_goexit(m, caller))
		return false;
	caller->pc += stage->bias;
	caller->sp = stack_addr + sizeof stage->stack - 64;
	for (uint32_t i = 0; i < m->tab.nfunc && n < STAGE_FRAMES; i++) {
		struct gu_func func;
		struct gu_row row;
		uint64_t pc, cfa = caller->sp;

		if (i < next || gu_pclntab_func(&m->tab, i, NULL, &func) ||
			!find_pc(m, &func, &pc, &row) ||
			row.cfa_off > STAGE_STACK / STAGE_FRAMES)
			continue;
		next = i + step;
		put(stage, cfa + (uint64_t)row.ra_off, caller->pc);
		put(stage, cfa + (uint64_t)row.fp_off, caller->fp);
		frames[n] = (struct gu_regs){
			.pc = pc + stage->bias,
			.sp = cfa - (uint64_t)row.cfa_off,
			.fp = cfa + (uint64_t)row.fp_off,
			.has_fp = true,
		};
		caller = &frames[n++];
	}
	for (size_t i = 0; i < n; i++)
		stage->frames[i] = frames[n - 1 - i];
	stage->nframes = n;
	return n == STAGE_FRAMES;
}

bool stage_open(struct stage *stage, const char *path, uint64_t bias)
{
	static const struct gu_mem_ops ops = {.name = "stage",
		.read = stage_read};
	struct gu_diag diag = {0};

	memset(stage, 0, sizeof *stage);
	stage->path = path;
	stage->mem = (struct gu_mem){&ops, stage, false, 8};
	if (gu_elf_file_open(path, &diag, &stage->file) ||
		gu_module_open(gu_elf_file_image(stage->file), &diag,
			&stage->module)) {
		printf("# %s: %s\n", path, diag.text);
		stage_close(stage);
		return false;
	}
	stage->bias = bias;
	return build_stack(stage);
}

void stage_move(struct stage *stage, uint64_t bias)
{
	stage->bias = bias;
	(void)build_stack(stage);
}

void stage_close(struct stage *stage)
{
	gu_module_close(stage->module);
	gu_elf_file_close(stage->file);
	stage->module = NULL;
	stage->file = NULL;
}
