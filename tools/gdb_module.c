/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/gdb_module.h"

#include "tools/beside.h"
#include "tools/gdb_unpack.h"

#include "engine/image/core.h"
#include "engine/image/process.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	PROOF_SIZE = 64, /* bytes of moduledata to compare with a core's */
	ID_MAX = 256,    /* bytes of a build id */
};

/* GDB's mark of a file that it reads through the target. */
static const char target_mark[] = "target:";

static void close_core(struct gu_core **core)
{
	gu_core_close(*core);
}

static void close_process(struct gu_process **process)
{
	gu_process_close(*process);
}

struct gu_str gu_gdb_exec_path(const struct gu_gdb_files *files,
	const struct gu_session *old)
{
	/* an executable without sections is shown only as where symbols are */
	if (files->exec.path.n)
		return files->exec.path;
	for (size_t i = 0; i < old->nmodules; i++)
		if (gu_str_eq(files->symbols, gu_str(old->modules[i].symfile)))
			return gu_str(old->modules[i].file);
	return files->symbols;
}

bool gu_gdb_remote_path(const struct gu_gdb_state *gdb, struct gu_str *remote,
	char local[PATH_MAX])
{
	struct gu_str path = gu_gdb_exec_path(gdb->files, gdb->old);
	size_t skip = sizeof target_mark - 1, n;

	if (!gdb->files->remote || !gu_str_starts(path, gu_str(target_mark)))
		return false;
	*remote = (struct gu_str){path.p + skip, path.n - skip};
	for (n = remote->n; n > 0 && remote->p[n - 1] != '/'; n--)
		;
	gu_session_path(gdb->pid, local, PATH_MAX);
	skip = strlen(local);
	(void)snprintf(local + skip, PATH_MAX - skip, "/remote-%.*s",
		(int)(remote->n - n), remote->p + n);
	return true;
}

/* PATH on this machine, absolute, allocated. */
static enum gu_status local_path(const struct gu_gdb_state *gdb, size_t index,
	struct gu_str path, struct gu_diag *diag, char **out)
{
	struct gu_str mark = gu_str(target_mark), remote;
	char fetched[PATH_MAX], *copy;

	if (index == 0 && gdb->fetched &&
		gu_gdb_remote_path(gdb, &remote, fetched)) {
		path = gu_str(fetched);
	} else if (gu_str_starts(path, mark)) {
		if (gdb->files->remote)
			return gu_fail(diag, GU_INVALID,
				"%.*s is on the remote side: name a local copy "
				"with 'file PATH' first",
				(int)(path.n - mark.n), path.p + mark.n);
		path.p += mark.n;
		path.n -= mark.n;
	}
	copy = strndup(path.p, path.n);
	/* a shared object linked by a relative path; we are where GDB is */
	if (copy && *copy != '/') {
		char *whole = realpath(copy, NULL);

		free(copy);
		copy = whole;
	}
	if (!copy)
		return gu_fail(diag, GU_INVALID, "%.*s: %s", GU_STR(path),
			strerror(errno));
	*out = copy;
	return GU_OK;
}

/*
 * From where GDB shows the section WHERE says; GU_NOT_FOUND if it shows none.
 */
static enum gu_status section_bias(const struct gu_gdb_file *where,
	const struct gu_elf_file *file, uint64_t *out)
{
	const struct gu_image *image = gu_elf_file_image(file);

	for (size_t i = 0; where->section.n && i < image->nsections; i++) {
		const struct gu_section *section = &image->sections[i];

		if (!gu_str_eq(section->name, where->section))
			continue;
		*out = where->addr - section->addr;
		return GU_OK;
	}
	return GU_NOT_FOUND;
}

static enum gu_status process_bias(int task, const struct gu_elf_file *file,
	uint64_t *out)
{
	gu_cleanup(close_process) struct gu_process *process = NULL;
	uint64_t entry;

	if (gu_process_open(task, NULL, &process) ||
		gu_process_auxv(process, AT_ENTRY, &entry))
		return GU_NOT_FOUND;
	*out = entry - gu_elf_file_entry(file);
	return GU_OK;
}

/*
 * The process or the core is asked first: GDB no longer moves the program's
 * sections once a symbol file stands in its place.
 */
static enum gu_status exec_bias(const struct gu_gdb_files *files,
	const struct gu_elf_file *file, const struct gu_core *core,
	uint64_t *out)
{
	if (!gu_elf_file_image(file)->is_dyn) {
		*out = 0;
		return GU_OK;
	}
	if (files->task && !process_bias(files->task, file, out))
		return GU_OK;
	if (core && !gu_core_exec_bias(core, file, out))
		return GU_OK;
	if (!section_bias(&files->exec, file, out))
		return GU_OK;
	*out = 0; /* not started */
	return GU_OK;
}

static enum gu_status open_core(const struct gu_gdb_files *files,
	struct gu_diag *diag, struct gu_core **out)
{
	char *path = strndup(files->core.p, files->core.n);
	enum gu_status st;

	if (!path)
		return gu_fail(diag, GU_NO_MEMORY, "no memory for a path");
	st = gu_core_open(path, diag, out);
	if (st)
		(void)gu_fail_in(diag, st, "%s", path);
	free(path);
	return st;
}

enum gu_status gu_gdb_exec_bias(const struct gu_gdb_files *files,
	const char *path, struct gu_diag *diag, uint64_t *out)
{
	gu_cleanup(gu_elf_file_closep) struct gu_elf_file *file = NULL;
	gu_cleanup(close_core) struct gu_core *core = NULL;
	enum gu_status st = gu_elf_file_open(path, diag, &file);

	if (!st && files->core.n)
		st = open_core(files, diag, &core);
	return st ? st : exec_bias(files, file, core, out);
}

/*
 * A program may have hundreds of shared objects.  Go's linker names at least
 * one section of its own, whoever links the rest.
 */
static bool may_be_go(const struct gu_image *image)
{
	for (size_t i = 0; i < image->nsections; i++) {
		struct gu_str name = image->sections[i].name;

		if (gu_str_starts(name, gu_str(".go")) ||
			gu_str_starts(name, gu_str(".note.go")) ||
			gu_str_eq(name, gu_str(".data.rel.ro.gopclntab")))
			return true;
	}
	return image->nsections == 0;
}

/* Does GDB have the symbols of the program's file, such as they are? */
static bool has_file_symbols(const struct gu_gdb_files *files,
	const struct gu_session *old)
{
	return gu_str_eq(files->symbols, gu_gdb_exec_path(files, old));
}

static bool is_symfile(const struct gu_session *old, struct gu_str path)
{
	for (size_t i = 0; i < old->nmodules; i++)
		if (gu_str_eq(path, gu_str(old->modules[i].symfile)))
			return true;
	return false;
}

/* Is PATH a file with debug information of the program that FILE is? */
static bool is_debug_file(struct gu_str path, const struct gu_elf_file *file)
{
	gu_cleanup(gu_elf_file_closep) struct gu_elf_file *other = NULL;
	struct gu_str id = gu_elf_file_build_id(file);
	struct gu_str go_id = gu_elf_file_go_build_id(file);
	char name[PATH_MAX];

	if (path.n >= sizeof name || !memchr(path.p, '/', path.n))
		return false;
	memcpy(name, path.p, path.n);
	name[path.n] = '\0';
	if (gu_elf_file_open(name, NULL, &other) ||
		!gu_elf_file_traits(other).has_debug_info)
		return false;
	return id.n ? gu_str_eq(id, gu_elf_file_build_id(other))
		    : go_id.n && gu_str_eq(go_id,
				gu_elf_file_go_build_id(other));
}

bool gu_gdb_debug_info(const struct gu_gdb_files *files,
	const struct gu_session *old, const struct gu_elf_file *file,
	const char *path, char out[PATH_MAX])
{
	bool is_exec = gu_str_eq(gu_gdb_exec_path(files, old), gu_str(path));
	struct gu_str rest = files->bfds, found = gu_str(path), open;

	/* what the user named by symbol-file */
	if (is_exec && files->symbols.n && !has_file_symbols(files, old) &&
		!is_symfile(old, files->symbols)) {
		found = files->symbols;
	} else if (!gu_elf_file_traits(file).has_debug_info) {
		do {
			if (!gu_gdb_files_next_open(&rest, &open))
				return false;
		} while (gu_str_eq(open, found) || is_symfile(old, open) ||
			!is_debug_file(open, file));
		found = open;
	}
	(void)snprintf(out, PATH_MAX, "%.*s", GU_STR(found));
	return true;
}

/* Then GDB may have been made to forget the program's sections. */
static bool was_injected(const struct gu_session *old, const char *path)
{
	for (size_t i = 0; i < old->nmodules; i++)
		if (old->modules[i].inject &&
			strcmp(old->modules[i].file, path) == 0)
			return true;
	return false;
}

static bool can_attach(const struct gu_gdb_files *files,
	const struct gu_session *old, const struct gu_gdb_module *module)
{
	const char *dir = module->symfile.debug_dir;

	/* GDB 10 cannot read a Go PIE that no C linker made: then there is
	 * nothing to attach to.  It looks for no other file where the program
	 * itself has debug information.  ':' separates folders; "--" ends the
	 * setting in "with"; $arg0 is replaced; sections are matched by name.
	 */
	return module->is_exec && (has_file_symbols(files, old) ||
			was_injected(old, module->path)) && *dir &&
		!gu_elf_file_traits(module->file).has_debug_info &&
		!strchr(dir, ':') && !strstr(dir, "--") &&
		!strchr(dir, '$') &&
		gu_elf_file_image(module->file)->nsections;
}

/*
 * Does the process run this file?  Its build id is in memory as it is in the
 * file, also before the dynamic linker has done anything.
 */
static enum gu_status process_matches(int task,
	const struct gu_gdb_module *module, struct gu_diag *diag)
{
	gu_cleanup(close_process) struct gu_process *process = NULL;
	struct gu_str id = gu_elf_file_build_id(module->file);
	uint64_t addr = gu_elf_file_build_id_addr(module->file);
	struct gu_mem mem;
	char found[ID_MAX];

	if (!addr) {
		id = gu_elf_file_go_build_id(module->file);
		addr = gu_elf_file_go_build_id_addr(module->file);
	}
	if (!addr || id.n > sizeof found ||
		gu_process_open(task, NULL, &process))
		return GU_OK;
	mem = gu_process_mem(process);
	if (gu_mem_read(&mem, addr + module->bias, found, id.n, NULL) ||
		memcmp(found, id.p, id.n) != 0)
		return gu_fail(diag, GU_BAD_DATA,
			"the process runs another program than %s: its build "
			"id is not in memory; name the right one with "
			"'file PATH'", module->path);
	return GU_OK;
}

static enum gu_status place(const struct gu_gdb_files *files,
	const struct gu_gdb_file *where, struct gu_gdb_module *module,
	struct gu_diag *diag)
{
	gu_cleanup(close_core) struct gu_core *core = NULL;
	const struct gu_moduledata *md = &module->go->md;
	enum gu_status st = GU_OK;
	bool proved;

	if (files->core.n)
		st = open_core(files, diag, &core);
	if (st)
		return st;
	if (module->is_exec)
		st = exec_bias(files, module->file, core, &module->bias);
	else if (section_bias(where, module->file, &module->bias))
		st = gu_fail(diag, GU_BAD_DATA,
			"%s: GDB shows a section %.*s that the file has not; "
			"has it been replaced?",
			module->path, GU_STR(where->section));
	if (!st && files->task)
		return process_matches(files->task, module, diag);
	if (st || !core)
		return st;
	st = gu_core_matches(core, module->file, module->bias, md->addr,
		md->addr ? PROOF_SIZE : 0, diag, &proved);
	return st ? gu_fail_in(diag, st, "%.*s", GU_STR(files->core)) : GU_OK;
}

/* What was unpacked for a load before need not be what runs now. */
static bool is_unpacked(const struct gu_gdb_module *module, pid_t gdb)
{
	char path[PATH_MAX];

	gu_gdb_unpacked_path(gdb, path, sizeof path);
	return strcmp(module->path, path) == 0;
}

static enum gu_status open_tables(pid_t gdb, struct gu_diag *diag,
	struct gu_gdb_module *module)
{
	const struct gu_image *image = gu_elf_file_image(module->file);

	if (module->is_exec ? is_unpacked(module, gdb) : !may_be_go(image))
		return GU_NOT_FOUND;
	return gu_module_open(image, diag, &module->go);
}

/* What the reader gives stays where it is when GDB moves the program. */
static enum gu_status allow_inject(const struct gu_gdb_files *files,
	struct gu_diag *diag, struct gu_gdb_module *module)
{
	if (gu_elf_file_image(module->file)->is_dyn && !files->task &&
		!files->core.n && !files->remote)
		return gu_fail(diag, GU_UNSUPPORTED,
			"%s is not where it will run: start it before "
			"'go load -jit'", module->path);
	module->inject = true;
	return GU_OK;
}

/*
 * What was unpacked may stand at other addresses next time: its symbols are
 * this session's, not the cache's.
 */
static enum gu_status get_symbols(const struct gu_gdb_state *gdb,
	struct gu_diag *diag, struct gu_gdb_module *module)
{
	struct gu_symfile_opts opts = gu_symfile_opts();
	struct gu_symcache_entry *sym = &module->symfile;
	enum gu_status st;

	opts.jobs = gu_beside_if_useful();
	if (gdb->symbols == GU_GDB_SYMBOLS_JIT)
		return allow_inject(gdb->files, diag, module);
	/* the others find less with it than without: see gdb_index.h */
	opts.gdb_index = gdb->files->version >= 13 &&
		gdb->files->version <= 16;
	if (module->unpacked) {
		(void)snprintf(sym->path, sizeof sym->path, "%s.debug",
			module->path);
		return gu_symfile_save(module->go, module->file, &opts,
			sym->path, diag, &sym->stats);
	}
	st = gu_symcache_get(module->go, module->file, &opts, diag, sym);
	module->attach = !st && can_attach(gdb->files, gdb->old, module);
	return st;
}

static enum gu_status place_and_get_symbols(const struct gu_gdb_state *gdb,
	const struct gu_gdb_file *where, struct gu_diag *diag,
	struct gu_gdb_module *module)
{
	enum gu_status st = place(gdb->files, where, module, diag);

	if (st || (gdb->symbols != GU_GDB_SYMBOLS_FILE &&
			gu_gdb_debug_info(gdb->files, gdb->old, module->file,
				module->path, module->debug_info)))
		return st;
	return get_symbols(gdb, diag, module);
}

static enum gu_status open_go(const struct gu_gdb_state *gdb,
	const struct gu_gdb_file *where, struct gu_diag *diag,
	struct gu_gdb_module *module)
{
	enum gu_status st = open_tables(gdb->pid, diag, module);

	if (st)
		return gu_fail_in(diag, st, "%s", module->path);
	return place_and_get_symbols(gdb, where, diag, module);
}

/* What to do about a GDB without a program; a core tells which it was. */
static enum gu_status no_program(const struct gu_gdb_files *files,
	struct gu_diag *diag)
{
	gu_cleanup(close_core) struct gu_core *core = NULL;
	const struct gu_core_file *file;
	uint64_t entry;

	if (files->core.n && !open_core(files, NULL, &core) &&
		!gu_core_auxv(core, AT_ENTRY, &entry))
		for (size_t i = 0; i < gu_core_nfiles(core); i++) {
			file = &gu_core_files(core)[i];
			if (entry >= file->start && entry < file->end)
				return gu_fail(diag, GU_INVALID,
					"GDB has no program for this core: "
					"it was %.*s, name it or a copy of it "
					"with 'file PATH' first",
					GU_STR(file->path));
		}
	return gu_fail(diag, GU_INVALID,
		"GDB has no program: name it with 'file PATH' first");
}

enum gu_status gu_gdb_module_open(const struct gu_gdb_state *gdb,
	size_t index, struct gu_diag *diag, struct gu_gdb_module *out)
{
	const struct gu_gdb_files *files = gdb->files;
	struct gu_gdb_module module = {.is_exec = index == 0};
	struct gu_gdb_file where =
		index ? files->libs[index - 1] : files->exec;
	enum gu_status st;

	if (!index)
		where.path = gu_gdb_exec_path(files, gdb->old);
	if (!where.path.n)
		return no_program(files, diag);
	/* "system-supplied DSO at 0x…" is no file */
	if (index && !memchr(where.path.p, '/', where.path.n))
		return GU_NOT_FOUND;
	st = local_path(gdb, index, where.path, diag, &module.path);
	if (st)
		return index && st == GU_INVALID ? GU_NOT_FOUND : st;
	st = gu_elf_file_open(module.path, diag, &module.file);
	if (st)
		/* an unreadable shared object is GDB's to complain about */
		st = index ? GU_NOT_FOUND
			   : gu_fail_in(diag, st, "%s", module.path);
	else
		st = open_go(gdb, &where, diag, &module);
	if (st) {
		gu_gdb_module_close(&module);
		return st;
	}
	*out = module;
	return GU_OK;
}

enum gu_status gu_gdb_module_unpack(const struct gu_gdb_state *gdb,
	struct gu_diag *diag, struct gu_gdb_module *out)
{
	struct gu_gdb_module module = {.is_exec = true, .unpacked = true};
	enum gu_status st = gu_gdb_unpack(gdb->files, gdb->pid, diag,
		&module.path);

	if (!st)
		st = gu_elf_file_open(module.path, diag, &module.file);
	if (!st)
		st = gu_module_open(gu_elf_file_image(module.file), diag,
			&module.go);
	if (!st)
		st = place_and_get_symbols(gdb, &gdb->files->exec, diag,
			&module);
	if (st) {
		gu_gdb_module_close(&module);
		return st;
	}
	*out = module;
	return GU_OK;
}

void gu_gdb_module_close(struct gu_gdb_module *module)
{
	gu_module_close(module->go);
	gu_elf_file_close(module->file);
	free(module->path);
}

void gu_gdb_module_put_version(const struct gu_gdb_module *module,
	struct gu_buf *buf)
{
	const struct gu_module *go = module->go;

	if (*go->version_text)
		gu_buf_printf(buf, "%s", go->version_text);
	else if (go->version.lo == go->version.hi)
		gu_buf_printf(buf, "Go 1.%d", go->version.lo);
	else
		gu_buf_printf(buf, "Go 1.%d to 1.%d", go->version.lo,
			go->version.hi);
}
