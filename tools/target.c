/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/target.h"

#include "engine/base/math.h"

#include <elf.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CACHE_BYTES = 8 << 20 };

/* --- which file ----------------------------------------------------------- */

/* The start of a file as the target has mapped it. */
struct mapping {
	char path[PATH_MAX];
	uint64_t start;
};

/* The next mapping of a file's first bytes from the process's MAPS. */
static bool next_of_maps(FILE *maps, struct mapping *out)
{
	char line[PATH_MAX + 128];
	uint64_t off;
	int at;

	while (fgets(line, sizeof line, maps)) {
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%" SCNx64 "-%*x %*s %" SCNx64
			" %*x:%*x %*u %n", &out->start, &off, &at) == 2 &&
			off == 0 && line[at] == '/') {
			(void)snprintf(out->path, sizeof out->path, "%s",
				line + at);
			return true;
		}
	}
	return false;
}

static bool next_of_core(const struct gu_core *core, size_t *i,
	struct mapping *out)
{
	for (; *i < gu_core_nfiles(core); ++*i) {
		const struct gu_core_file *file = &gu_core_files(core)[*i];

		if (file->off != 0)
			continue;
		(void)snprintf(out->path, sizeof out->path, "%.*s",
			GU_STR(file->path));
		out->start = file->start;
		++*i;
		return true;
	}
	return false;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static uint64_t first_addr(const struct gu_image *image)
{
	return image->nsegments ? image->segments[0].addr -
		image->segments[0].off : 0;
}

/* Try the file at PATH; GU_NOT_FOUND if there is no Go in it. */
static enum gu_status try_file(const char *path, struct gu_diag *diag,
	struct gu_elf_file **file, struct gu_module **module)
{
	enum gu_status st = gu_elf_file_open(path, diag, file);

	if (st)
		return st;
	st = gu_module_open(gu_elf_file_image(*file), diag, module);
	if (!st)
		st = gu_module_load_inlines(*module, diag);
	if (st) {
		gu_module_close(*module);
		gu_elf_file_close(*file);
		*module = NULL;
		*file = NULL;
	}
	return st;
}

/* The bias of the open file: by where it is mapped, else by AT_ENTRY. */
static enum gu_status find_bias(struct gu_target *t,
	const struct mapping *mapping, struct gu_diag *diag)
{
	const struct gu_image *image = gu_elf_file_image(t->file);
	uint64_t entry = 0;

	if (!image->is_dyn) {
		t->bias = 0;
		return GU_OK;
	}
	if (mapping) {
		t->bias = mapping->start - first_addr(image);
		return GU_OK;
	}
	if ((t->process ? gu_process_auxv(t->process, AT_ENTRY, &entry)
			: gu_core_auxv(t->core, AT_ENTRY, &entry)))
		return gu_fail(diag, GU_UNSUPPORTED, "%.*s may be mapped "
			"anywhere, and the target does not tell where",
			GU_STR(image->name));
	t->bias = entry - gu_elf_file_entry(t->file);
	return GU_OK;
}

static bool next_mapping(const struct gu_target *t, FILE *maps, size_t *i,
	struct mapping *out)
{
	if (t->process)
		return maps && next_of_maps(maps, out);
	return next_of_core(t->core, i, out);
}

/*
 * Take up what is mapped at MAP: the program, which is open if it has a NAME,
 * or one more Go module.
 */
static void take_mapping(struct gu_target *t, int pid, const char *name,
	const struct mapping *map, bool *placed)
{
	char path[PATH_MAX + 64] = "";
	size_t n = t->nothers;

	if (!strcmp(base_name(map->path), name)) {
		if (!*placed)
			*placed = find_bias(t, map, NULL) == GU_OK;
		return;
	}
	/* as the process sees it; a core was on some machine */
	if (t->process)
		(void)snprintf(path, sizeof path, "/proc/%d/root", pid);
	(void)strncat(path, map->path, sizeof path - strlen(path) - 1);
	if (!t->module) {
		*placed = try_file(path, NULL, &t->file, &t->module) ==
			GU_OK && find_bias(t, map, NULL) == GU_OK;
		return;
	}
	if (n == GU_OTHERS_MAX || try_file(path, NULL, &t->other_files[n],
		&t->other_modules[n]))
		return;
	t->others[n].module = t->other_modules[n];
	t->others[n].bias = map->start -
		first_addr(gu_elf_file_image(t->other_files[n]));
	t->nothers++;
}

static void take_mappings(struct gu_target *t, int pid, const char *name,
	bool *placed)
{
	struct mapping map;
	char path[64];
	FILE *maps = NULL;
	size_t i = 0;

	if (t->process) {
		(void)snprintf(path, sizeof path, "/proc/%d/maps", pid);
		maps = fopen(path, "re");
	}
	while (next_mapping(t, maps, &i, &map))
		take_mapping(t, pid, name, &map, placed);
	if (maps)
		(void)fclose(maps);
}

/* The program that was named, or the process's, or the first that is Go's. */
static enum gu_status find_module(struct gu_target *t, int pid,
	const char *exe, struct gu_diag *diag)
{
	char path[64], link[PATH_MAX] = "";
	const char *name = "";
	bool placed = false;
	enum gu_status st = GU_NOT_FOUND;

	if (exe) {
		name = base_name(exe);
		st = try_file(exe, diag, &t->file, &t->module);
		if (st == GU_NOT_FOUND)
			st = gu_fail(diag, GU_UNSUPPORTED,
				"%s: no Go function table is in this file",
				exe);
	} else if (t->process) {
		(void)snprintf(path, sizeof path, "/proc/%d/exe", pid);
		st = try_file(path, diag, &t->file, &t->module);
		/* maps has the same words, " (deleted)" too */
		if (!st && readlink(path, link, sizeof link - 1) > 0)
			name = base_name(link);
	}
	if (st && st != GU_NOT_FOUND)
		return st;
	take_mappings(t, pid, name, &placed);
	if (!t->module)
		return gu_fail(diag, GU_UNSUPPORTED, "no Go program is among "
			"the mapped files that are here; name it with -e");
	return placed ? GU_OK : find_bias(t, NULL, diag);
}

/* --- memory --------------------------------------------------------------- */

/*
 * A core over its program: pages that cannot have been written are left out
 * of cores.  Writable ones that are missing stay missing.
 */
static enum gu_status splice_core(struct gu_target *t, struct gu_diag *diag)
{
	const struct gu_image *image = gu_elf_file_image(t->file);
	struct gu_mem core = gu_core_mem(t->core);
	struct gu_region region = {.size = 0};
	enum gu_status st = gu_splice_create(core.be, core.ptr_size, diag,
		&t->splice);

	for (size_t i = 0; !st && i < image->nsegments; i++)
		if (!image->segments[i].write)
			st = gu_splice_add(t->splice, &image->mem,
				image->segments[i].addr,
				image->segments[i].mem_size,
				image->segments[i].addr + t->bias, diag);
	for (uint64_t at = 0; !st && gu_mem_next_region(&core, at, &region) ==
		GU_OK; at = region.addr + region.size)
		st = gu_splice_add(t->splice, &core, region.addr, region.size,
			region.addr, diag);
	if (!st)
		t->mem = gu_splice_mem(t->splice);
	return st;
}

/* Does the target run the open file, at this bias? */
static enum gu_status check_match(const struct gu_target *t,
	struct gu_diag *diag)
{
	const struct gu_module *m = t->module;
	uint64_t word;
	bool proved;
	enum gu_status st;

	if (t->core) {
		st = gu_core_matches(t->core, t->file, t->bias, 0, 0, diag,
			&proved);
		if (st)
			return st;
	}
	if (!m->has_md)
		return GU_OK;
	/* its first word points at the function table, wherever that is */
	st = gu_mem_word(&t->mem, m->md.addr + t->bias, diag, &word);
	if (st && t->core)
		return gu_fail_in(diag, st, "the program's variables (%s)",
			gu_core_lost(t->core) ? "the file was cut short"
				: "see coredump_filter in core(5)");
	if (st)
		return gu_fail_in(diag, st, "the program's variables");
	if (word != m->tab.addr + t->bias)
		return gu_fail_at(diag, GU_BAD_DATA, m->md.addr + t->bias,
			"%.*s is not what runs there: its moduledata was "
			"expected to point at 0x%" PRIx64 ", not at 0x%" PRIx64,
			GU_STR(m->image->name), m->tab.addr + t->bias, word);
	return GU_OK;
}

/* --- threads -------------------------------------------------------------- */

static enum gu_status read_threads(struct gu_target *t, struct gu_diag *diag)
{
	enum gu_arch arch = t->module->image->arch;
	size_t n = t->process ? t->stop.n : gu_core_nthreads(t->core);

	t->threads = calloc(n + 1, sizeof *t->threads);
	if (!t->threads)
		return gu_fail(diag, GU_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < n; i++) {
		struct gu_thread *out = &t->threads[t->nthreads];
		const struct gu_core_thread *core;

		if (t->process) {
			t->nthreads += gu_stop_thread(&t->stop, i, arch, NULL,
				out) == GU_OK;
			continue;
		}
		core = &gu_core_threads(t->core)[i];
		out->tid = core->tid;
		t->nthreads += gu_regs_of_prstatus(arch, core->regs,
			core->regs_size, NULL, &out->regs) == GU_OK;
	}
	return GU_OK;
}

/* --- all of it ------------------------------------------------------------ */

/* Stop it, and see that it is what it seems. */
static enum gu_status enter(struct gu_target *t, int pid, struct gu_diag *diag)
{
	enum gu_status st = GU_OK;

	if (t->process) {
		st = gu_stop_open(pid, diag, &t->stop);
		t->now = gu_process_nanotime(pid);
		t->mem = gu_process_mem(t->process);
	} else {
		st = splice_core(t, diag);
	}
	if (!st)
		st = check_match(t, diag);
	if (!st)
		st = gu_cache_create(&t->mem, CACHE_BYTES, diag, &t->cache);
	if (st)
		return st;
	t->mem = gu_cache_mem(t->cache);
	return read_threads(t, diag);
}

/* What fails before the target is open names it. */
static enum gu_status open_all(struct gu_target *t, int pid, const char *core,
	const char *exe, struct gu_diag *diag)
{
	enum gu_status st = core ? gu_core_open(core, diag, &t->core)
				 : gu_process_open(pid, diag, &t->process);

	if (st)
		return st;
	st = find_module(t, pid, exe, diag);
	if (!st)
		st = enter(t, pid, diag);
	if (st && core)
		return gu_fail_in(diag, st, "%s", core);
	return st ? gu_fail_in(diag, st, "process %d", pid) : GU_OK;
}

enum gu_status gu_target_open(int pid, const char *core, const char *exe,
	struct gu_diag *diag, struct gu_target *out)
{
	struct gu_target t = {.process = NULL};
	enum gu_status st = open_all(&t, pid, core, exe, diag);

	if (st)
		gu_target_close(&t);
	else
		*out = t;
	return st;
}

void gu_target_resume(struct gu_target *t)
{
	gu_stop_close(&t->stop);
}

void gu_target_close(struct gu_target *t)
{
	gu_stop_close(&t->stop);
	free(t->threads);
	gu_cache_destroy(t->cache);
	gu_splice_destroy(t->splice);
	for (size_t i = 0; i < t->nothers; i++) {
		gu_module_close(t->other_modules[i]);
		gu_elf_file_close(t->other_files[i]);
	}
	gu_module_close(t->module);
	gu_elf_file_close(t->file);
	gu_core_close(t->core);
	gu_process_close(t->process);
}
