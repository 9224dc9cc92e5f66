/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jitreader/modules.h"

#include "engine/base/math.h"
#include "engine/stack/unwind.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	/*
	 * The first words of moduledata, 20 of them, are addresses and
	 * lengths that the linker wrote and nothing changes: they tell one
	 * build from another and one bias from another, and lie in memory
	 * that every core holds (go-layouts: moduledata).
	 */
	PROOF_SIZE = 20 * 8,
	PAGE = 4096, /* the least that a bias is a multiple of */
	CODE_AT_ONCE = 64 * PAGE,
};

static void close_loaded(struct gu_loaded *loaded)
{
	gu_module_close(loaded->module);
	gu_elf_file_close(loaded->file);
}

void gu_modules_deinit(struct gu_modules *modules)
{
	for (size_t i = 0; i < modules->session.nmodules; i++)
		close_loaded(&modules->loaded[i]);
	free(modules->loaded);
	gu_session_deinit(&modules->session);
	*modules = (struct gu_modules){.debug = modules->debug};
}

static bool open_file(struct gu_modules *modules, size_t i)
{
	const char *path = modules->session.modules[i].file;
	struct gu_loaded *loaded = &modules->loaded[i];
	struct gu_diag diag;

	if (loaded->file)
		return true;
	if (loaded->failed)
		return false;
	if (gu_elf_file_open(path, &diag, &loaded->file)) {
		modules->debug(path, &diag);
		loaded->failed = true;
		return false;
	}
	return true;
}

static bool has_debug_frame(const char *symfile)
{
	gu_cleanup(gu_elf_file_closep) struct gu_elf_file *file = NULL;

	return *symfile && !gu_elf_file_open(symfile, NULL, &file) &&
		gu_image_section(gu_elf_file_image(file), ".debug_frame");
}

static bool open_module(struct gu_modules *modules, size_t i)
{
	const char *path = modules->session.modules[i].file;
	struct gu_loaded *loaded = &modules->loaded[i];
	const struct gu_image *image;
	struct gu_diag diag = {0};

	if (loaded->module)
		return true;
	if (!open_file(modules, i))
		return false;
	image = gu_elf_file_image(loaded->file);
	if (image->arch != modules->arch ||
		gu_module_open(image, &diag, &loaded->module)) {
		modules->debug(path, &diag);
		loaded->failed = true;
		return false;
	}
	loaded->has_ends =
		has_debug_frame(modules->session.modules[i].symfile);
	loaded->ends_move = gu_elf_file_traits(loaded->file).is_pie;
	return true;
}

bool gu_modules_refresh(struct gu_modules *modules)
{
	struct gu_session_stamp stamp = {0};
	struct gu_session session = {0};
	struct gu_diag diag = {0};

	if (gu_session_stamp(getpid(), &stamp) &&
		gu_session_stamp_eq(&stamp, &modules->session.stamp))
		return modules->arch != GU_ARCH_UNKNOWN;
	gu_modules_deinit(modules);
	if (stamp.ino == 0)
		return false;
	if (gu_session_read(getpid(), &diag, &session)) {
		modules->debug("the session", &diag);
		/* do not read it again before it changes */
		modules->session.stamp = stamp;
		return false;
	}
	modules->loaded = calloc(session.nmodules ? session.nmodules : 1,
		sizeof *modules->loaded);
	if (!modules->loaded) {
		gu_session_deinit(&session);
		return false;
	}
	for (size_t i = 0; i < session.nmodules; i++) {
		modules->loaded[i].bias = session.modules[i].bias;
		modules->loaded[i].inject = session.modules[i].inject;
		modules->loaded[i].ends_bias = session.modules[i].bias;
		modules->loaded[i].lo = session.modules[i].lo;
		modules->loaded[i].hi = session.modules[i].hi;
	}
	modules->session = session;
	modules->changed = true;
	for (size_t i = 0; i < session.nmodules && !modules->arch; i++)
		if (open_file(modules, i))
			modules->arch = gu_elf_file_image(
				modules->loaded[i].file)->arch;
	return modules->arch != GU_ARCH_UNKNOWN;
}

/* Does the target hold LOADED's moduledata (or, without one, its pclntab)? */
static bool is_at(const struct gu_loaded *loaded, const struct gu_mem *target,
	uint64_t bias)
{
	const struct gu_module *m = loaded->module;
	uint64_t addr = m->has_md ? m->md.addr : m->tab.addr;
	uint64_t size = m->has_md ? m->md.size : m->tab.bytes.n;
	size_t n = size < PROOF_SIZE ? (size_t)size : PROOF_SIZE;
	uint8_t expected[PROOF_SIZE], found[PROOF_SIZE];

	return !gu_mem_read(target, addr + bias, found, n, NULL) &&
		!gu_elf_file_expect(loaded->file, bias, addr, found, n, NULL,
			expected) &&
		memcmp(expected, found, n) == 0;
}

static bool is_foreign(const struct gu_modules *modules, uint64_t pc,
	const uint8_t *code)
{
	for (size_t i = 0; i < GU_FOREIGN_MAX && i < modules->nforeign; i++)
		if (modules->foreign[i].pc == pc &&
			memcmp(modules->foreign[i].code, code, GU_CODE_SIZE) ==
				0)
			return true;
	return false;
}

static void note_foreign(struct gu_modules *modules, uint64_t pc,
	const uint8_t *code)
{
	struct gu_foreign *foreign =
		&modules->foreign[modules->nforeign++ % GU_FOREIGN_MAX];

	foreign->pc = pc;
	memcpy(foreign->code, code, GU_CODE_SIZE);
}

/*
 * Look in [addr, addr + len) of LOADED's file for the CODE that the target has
 * at PC, at every address that a bias can bring there.
 */
static bool search_code(struct gu_loaded *loaded, const struct gu_mem *target,
	uint64_t pc, const uint8_t *code, uint64_t addr, size_t len)
{
	const struct gu_mem *mem = &gu_elf_file_image(loaded->file)->mem;
	uint8_t bytes[CODE_AT_ONCE];

	if (gu_mem_read(mem, addr, bytes, len, NULL))
		return false;
	for (size_t off = (size_t)((pc - addr) % PAGE);
		gu_within(off, GU_CODE_SIZE, len); off += PAGE) {
		uint64_t bias = pc - addr - off;

		if (memcmp(bytes + off, code, GU_CODE_SIZE) == 0 &&
			is_at(loaded, target, bias)) {
			loaded->bias = bias;
			return true;
		}
	}
	return false;
}

static bool search_file(struct gu_loaded *loaded, const struct gu_mem *target,
	uint64_t pc, const uint8_t *code)
{
	const struct gu_image *image = gu_elf_file_image(loaded->file);

	for (size_t i = 0; i < image->nsegments; i++) {
		const struct gu_segment *s = &image->segments[i];
		uint64_t len;

		for (uint64_t off = 0; s->exec && off < s->file_size;
			off += len - GU_CODE_SIZE + 1) {
			len = s->file_size - off;
			if (len > CODE_AT_ONCE)
				len = CODE_AT_ONCE;
			if (len < GU_CODE_SIZE)
				break;
			if (search_code(loaded, target, pc, code,
				    s->addr + off, (size_t)len))
				return true;
		}
	}
	return false;
}

static void place(struct gu_loaded *loaded)
{
	loaded->lo = loaded->module->lo + loaded->bias;
	loaded->hi = loaded->module->hi + loaded->bias;
	loaded->here = true;
}

/*
 * A PIE, a shared object or a plugin that is no longer where it was: loaded
 * before "run", run again, another process.
 */
static const struct gu_loaded *find_moved(struct gu_modules *modules,
	const struct gu_mem *target, uint64_t pc)
{
	uint8_t code[GU_CODE_SIZE];
	bool have_code = false;

	for (size_t i = 0; i < modules->session.nmodules; i++) {
		struct gu_loaded *loaded = &modules->loaded[i];

		if (!open_module(modules, i) || !loaded->module->image->is_dyn)
			continue;
		loaded->here = is_at(loaded, target, loaded->bias);
		if (loaded->here)
			continue;
		if (!have_code && (gu_mem_read(target, pc, code, sizeof code,
					   NULL) ||
					  is_foreign(modules, pc, code)))
			return NULL;
		have_code = true;
		if (search_file(loaded, target, pc, code)) {
			place(loaded);
			return loaded;
		}
	}
	if (have_code)
		note_foreign(modules, pc, code);
	return NULL;
}

const struct gu_loaded *gu_modules_find(struct gu_modules *modules,
	const struct gu_mem *target, uint64_t pc, bool known)
{
	for (size_t i = 0; i < modules->session.nmodules; i++) {
		struct gu_loaded *loaded = &modules->loaded[i];

		if (pc < loaded->lo || pc >= loaded->hi)
			continue;
		if (loaded->here && known)
			return loaded;
		if (!open_module(modules, i))
			return NULL;
		loaded->here = is_at(loaded, target, loaded->bias);
		if (loaded->here)
			return loaded;
	}
	return find_moved(modules, target, pc);
}

/* Of the first module, by the session's order, that describes one. */
static void find_runtime(struct gu_modules *modules,
	const struct gu_mem *target)
{
	struct gu_diag diag = {0};

	modules->looked_for_runtime = true;
	for (size_t i = 0; i < modules->session.nmodules; i++) {
		struct gu_loaded *loaded = &modules->loaded[i];

		if (!open_module(modules, i))
			continue;
		if (gu_runtime_describe(loaded->module, 0, target, &diag,
			    &modules->runtime) == GU_OK) {
			modules->has_runtime = loaded;
			return;
		}
		modules->debug(modules->session.modules[i].file, &diag);
	}
}

const struct gu_runtime *gu_modules_runtime(struct gu_modules *modules,
	const struct gu_mem *target)
{
	if (!modules->looked_for_runtime)
		find_runtime(modules, target);
	if (!modules->has_runtime)
		return NULL;
	gu_runtime_move(&modules->runtime, modules->has_runtime->bias, target);
	return &modules->runtime;
}
