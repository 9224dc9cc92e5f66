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

static void close_session(struct gu_modules *modules)
{
	for (size_t i = 0; i < modules->session.nmodules; i++)
		close_loaded(&modules->loaded[i]);
	free(modules->loaded);
	gu_session_deinit(&modules->session);
	*modules = (struct gu_modules){.debug = modules->debug,
		.chosen = modules->chosen};
}

void gu_modules_deinit(struct gu_modules *modules)
{
	close_session(modules);
	free(modules->chosen);
	modules->chosen = NULL;
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
	close_session(modules);
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
		modules->loaded[i].has_variables = !session.modules[i].inject &&
			!*session.modules[i].symfile;
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

/* --- runtimes ------------------------------------------------------------- */

static bool describe(struct gu_modules *modules, const struct gu_mem *target,
	size_t i)
{
	struct gu_loaded *loaded = &modules->loaded[i];
	struct gu_diag diag = {0};

	if (loaded->looked_for_runtime)
		return loaded->has_runtime;
	loaded->looked_for_runtime = true;
	if (!open_module(modules, i))
		return false;
	loaded->has_runtime = gu_runtime_describe(loaded->module, 0, target,
		&diag, &loaded->runtime) == GU_OK;
	if (!loaded->has_runtime)
		modules->debug(modules->session.modules[i].file, &diag);
	loaded->own_runtime = loaded->has_runtime && loaded->runtime.allgs.addr;
	return loaded->has_runtime;
}

bool gu_modules_owns(struct gu_modules *modules, const struct gu_mem *target,
	size_t i)
{
	return describe(modules, target, i) && modules->loaded[i].own_runtime;
}

size_t gu_modules_main(struct gu_modules *modules, const struct gu_mem *target)
{
	size_t n = modules->session.nmodules;

	for (size_t i = 0; modules->chosen && i < n; i++)
		if (strcmp(modules->session.modules[i].file,
			modules->chosen) == 0 && describe(modules, target, i))
			return i;
	for (size_t i = 0; i < n; i++)
		if (gu_modules_owns(modules, target, i))
			return i;
	for (size_t i = 0; i < n; i++) /* then it is found by its looks */
		if (describe(modules, target, i))
			return i;
	return n;
}

const struct gu_runtime *gu_modules_runtime(struct gu_modules *modules,
	const struct gu_mem *target, const struct gu_loaded *of)
{
	size_t i = of ? (size_t)(of - modules->loaded) : 0;
	struct gu_loaded *loaded;

	if (!of || !gu_modules_owns(modules, target, i))
		i = gu_modules_main(modules, target);
	if (i == modules->session.nmodules)
		return NULL;
	loaded = &modules->loaded[i];
	gu_runtime_move(&loaded->runtime, loaded->bias, target);
	return &loaded->runtime;
}

/* Files are told apart by their names, or by their paths. */
static bool is_called(const char *path, struct gu_str name, bool begins)
{
	const char *slash = strrchr(path, '/');
	struct gu_str base = gu_str(slash ? slash + 1 : path);

	return gu_str_eq(gu_str(path), name) || gu_str_eq(base, name) ||
		(begins && gu_str_starts(base, name));
}

static enum gu_status find_called(struct gu_modules *modules,
	const struct gu_mem *target, struct gu_str name, bool begins,
	struct gu_diag *diag, size_t *out)
{
	size_t found = 0;

	for (size_t i = 0; i < modules->session.nmodules; i++)
		if (is_called(modules->session.modules[i].file, name, begins) &&
			gu_modules_owns(modules, target, i)) {
			found++;
			*out = i;
		}
	if (found == 0)
		return gu_fail(diag, GU_NOT_FOUND,
			"no Go runtime is called %.*s: see 'go runtime'",
			GU_STR(name));
	return found == 1 ? GU_OK : gu_fail(diag, GU_INVALID,
		"more than one Go runtime is called %.*s: see 'go runtime'",
		GU_STR(name));
}

enum gu_status gu_modules_choose(struct gu_modules *modules,
	const struct gu_mem *target, struct gu_str name, struct gu_diag *diag)
{
	size_t i = 0;
	enum gu_status st = find_called(modules, target, name, false, diag, &i);
	char *file;

	if (st == GU_NOT_FOUND)
		st = find_called(modules, target, name, true, diag, &i);
	if (st)
		return st;
	file = strdup(modules->session.modules[i].file);
	if (!file)
		return gu_fail(diag, GU_NO_MEMORY, "out of memory");
	free(modules->chosen);
	modules->chosen = file;
	return GU_OK;
}
