/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory runs out at each allocation of the engine in turn: nothing crashes,
 * leaks (run under ASan) or lies about it.  Linked with --wrap for the
 * allocators; those of libelf are not counted.
 */
#include "engine/go/module.h"
#include "engine/image/cache.h"
#include "engine/image/core.h"
#include "engine/image/splice.h"
#include "tests/unit/go_sample.h"
#include "tests/unit/tap.h"

#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);

/* The allocation that fails: counted down to 0; -1: none. */
static long countdown = -1;

static bool fails(void)
{
	return countdown >= 0 && countdown-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

static struct elf_writer program, dump, go;

static enum gu_status open_core(struct gu_diag *diag)
{
	struct gu_elf_file *file;
	struct gu_core *core;
	bool proved = false;
	enum gu_status st = gu_elf_file_open(ew_path(&program), diag, &file);

	if (st)
		return st;
	st = gu_core_open(ew_path(&dump), diag, &core);
	if (!st) {
		st = gu_core_matches(core, file, SAMPLE_BIAS, 0, 0, diag,
			&proved);
		gu_core_close(core);
	}
	gu_elf_file_close(file);
	return st;
}

/* A program read through a splice and a cache. */
static enum gu_status read_layers(struct gu_diag *diag)
{
	struct gu_splice *splice = NULL;
	struct gu_cache *cache = NULL;
	struct gu_elf_file *file;
	struct gu_view view;
	struct gu_mem mem;
	enum gu_status st = gu_elf_file_open(ew_path(&program), diag, &file);

	if (st)
		return st;
	st = gu_splice_create(false, 8, diag, &splice);
	if (!st)
		st = gu_splice_add(splice, &gu_elf_file_image(file)->mem,
			SAMPLE_DATA, SAMPLE_MEM, SAMPLE_DATA, diag);
	if (!st) {
		mem = gu_splice_mem(splice);
		st = gu_cache_create(&mem, 1 << 20, diag, &cache);
	}
	if (!st) {
		mem = gu_cache_mem(cache);
		st = gu_view_open(&mem, SAMPLE_DATA, SAMPLE_MEM, diag, &view);
	}
	if (!st)
		gu_view_close(&view);
	gu_cache_destroy(cache);
	gu_splice_destroy(splice);
	gu_elf_file_close(file);
	return st;
}

static enum gu_status open_module(struct gu_diag *diag)
{
	struct gu_module *module;
	struct gu_elf_file *file;
	enum gu_status st = gu_elf_file_open(ew_path(&go), diag, &file);

	if (st)
		return st;
	st = gu_module_open(gu_elf_file_image(file), diag, &module);
	if (!st)
		gu_module_close(module);
	gu_elf_file_close(file);
	return st;
}

static void sweep(const char *name, enum gu_status (*scene)(struct gu_diag *))
{
	unsigned refused = 0, wrong = 0;
	bool reached;
	long at = 0;

	do {
		struct gu_diag diag = {0};
		enum gu_status st;

		countdown = at++;
		st = scene(&diag);
		reached = countdown == -1;
		countdown = -1;
		refused += st == GU_NO_MEMORY;
		/* some allocations can be done without */
		if (st != GU_OK && (st != GU_NO_MEMORY || !diag.text[0]))
			wrong++;
	} while (reached);
	ok(at > 3 && refused > 2, "%s: %ld allocations, %u of them needed",
		name, at - 1, refused);
	is_int(wrong, 0, "%s: each one that is needed is told", name);
}

int main(void)
{
	struct sample_reloc relocs[SAMPLE_NRELOCS];

	sample_program(&program, &sample_machines[0], true, relocs);
	sample_core(&dump, &program, relocs);
	go_sample(&go, &sample_machines[0]);
	sweep("a core", open_core);
	sweep("layers of memory", read_layers);
	sweep("a module", open_module);
	ew_deinit(&go);
	ew_deinit(&dump);
	ew_deinit(&program);
	return tap_done();
}
