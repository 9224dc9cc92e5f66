/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fakegdb/gdb.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* The API hands no context to target_read and to free. */
static struct fakegdb *the_gdb;

static void breach(const char *what, int number)
{
	the_gdb->breaches++;
	printf("# breach: %s %d\n", what, number);
}

/*
 * GDB's exceptions are C++'s.  The end of a thread unwinds its stack in the
 * same way: cleanups run, nothing else does.
 */
static void callback(void)
{
	struct fakegdb *gdb = the_gdb;

	if (gdb->throw_at &&
		gdb->reg_gets + gdb->target_reads + gdb->symbol_calls ==
			gdb->throw_at)
		pthread_exit(NULL);
}

static enum gdb_status target_read(GDB_CORE_ADDR addr, void *buf, int len)
{
	struct fakegdb *gdb = the_gdb;

	gdb->target_reads++;
	if (len <= 0)
		breach("target_read of a size of", len);
	callback();
	if (gdb->fail_read_at == gdb->target_reads)
		return GDB_FAIL;
	return gu_mem_read(gdb->target, addr, buf, (size_t)len, NULL)
		? GDB_FAIL
		: GDB_SUCCESS;
}

static void free_value(struct gdb_reg_value *value)
{
	if (value->size == -1)
		breach("a value freed twice, its first byte being",
			value->value[0]);
	value->size = -1;
	the_gdb->outstanding--;
	free(value);
}

static struct gdb_reg_value *reg_get(struct gdb_unwind_callbacks *cb,
	int number)
{
	struct fakegdb *gdb = cb->priv_data;
	struct gdb_reg_value *value;

	gdb->reg_gets++;
	if (number < 0 || number >= GDB_REGISTERS ||
		!gdb->now[number].mapped) {
		breach("reg_get of an unmapped register,", number);
		abort();
	}
	callback();
	value = calloc(1, sizeof *value + sizeof(uint64_t));
	if (!value)
		abort();
	gdb->outstanding++;
	value->size = sizeof(uint64_t);
	value->defined = gdb->now[number].known;
	value->free = free_value;
	memcpy(value->value, &gdb->now[number].value, sizeof(uint64_t));
	return value;
}

static void reg_set(struct gdb_unwind_callbacks *cb, int number,
	struct gdb_reg_value *value)
{
	struct fakegdb *gdb = cb->priv_data;

	gdb->reg_sets++;
	if (!value || !value->free) {
		breach("reg_set without a free of register", number);
		abort();
	}
	if (!value->defined)
		breach("reg_set as unknown of register", number);
	if (number < 0 || number >= GDB_REGISTERS || !gdb->now[number].mapped) {
		breach("reg_set of an unmapped register,", number);
	} else {
		if (gdb->was_set[number])
			breach("reg_set twice of register", number);
		gdb->was_set[number] = true;
		memcpy(&gdb->set[number], value->value, sizeof(uint64_t));
	}
	value->free(value);
}

bool fakegdb_load(struct fakegdb *gdb, const char *path)
{
	struct gdb_reader_funcs *(*init)(void);
	int (*gpl)(void);

	the_gdb = gdb;
	gdb->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!gdb->handle) {
		printf("# %s\n", dlerror());
		return false;
	}
	*(void **)&gpl = dlsym(gdb->handle, "plugin_is_GPL_compatible");
	*(void **)&init = dlsym(gdb->handle, "gdb_init_reader");
	if (!gpl || !init)
		return false;
	(void)gpl();
	gdb->funcs = init();
	return gdb->funcs && gdb->funcs->reader_version ==
			GDB_READER_INTERFACE_VERSION &&
		gdb->funcs->read && gdb->funcs->unwind &&
		gdb->funcs->get_frame_id && gdb->funcs->destroy;
}

void fakegdb_unload(struct fakegdb *gdb)
{
	gdb->funcs->destroy(gdb->funcs);
	(void)dlclose(gdb->handle);
}

struct numbers {
	int pc, sp, fp, lr, kept, first, last;
};

static struct numbers numbers_of(enum gu_arch arch)
{
	if (arch == GU_ARCH_ARM64)
		return (struct numbers){32, 31, 29, 30, 3, 0, 32};
	return (struct numbers){16, 7, 6, -1, -1, 0, 16};
}

void fakegdb_registers(struct fakegdb *gdb, const struct gu_regs *regs)
{
	struct numbers n = numbers_of(gdb->arch);

	memset(gdb->now, 0, sizeof gdb->now);
	for (int i = n.first; i <= n.last; i++)
		gdb->now[i].mapped = true;
	gdb->now[n.pc] = (struct gdb_register){true, true, regs->pc};
	gdb->now[n.sp] = (struct gdb_register){true, true, regs->sp};
	gdb->now[n.fp] = (struct gdb_register){true, regs->has_fp, regs->fp};
	if (n.lr >= 0)
		gdb->now[n.lr] =
			(struct gdb_register){true, regs->has_lr, regs->lr};
	if (n.kept >= 0)
		gdb->now[n.kept] = (struct gdb_register){true, regs->has_kept,
			regs->kept};
}

static struct gdb_unwind_callbacks begin(struct fakegdb *gdb)
{
	memset(gdb->was_set, 0, sizeof gdb->was_set);
	gdb->reg_gets = gdb->reg_sets = gdb->target_reads = 0;
	gdb->symbol_calls = 0;
	return (struct gdb_unwind_callbacks){reg_get, reg_set, target_read,
		gdb};
}

static void end(struct fakegdb *gdb)
{
	if (gdb->outstanding)
		breach("values of reg_get that were not freed:",
			(int)gdb->outstanding);
	gdb->outstanding = 0;
}

enum gdb_status fakegdb_unwind(struct fakegdb *gdb)
{
	struct gdb_unwind_callbacks cb = begin(gdb);
	enum gdb_status st = gdb->funcs->unwind(gdb->funcs, &cb);

	end(gdb);
	if (st == GDB_FAIL && gdb->reg_sets)
		breach("unwind failed after setting so many registers:",
			(int)gdb->reg_sets);
	return st;
}

bool fakegdb_caller(const struct fakegdb *gdb, struct gu_regs *out)
{
	struct numbers n = numbers_of(gdb->arch);

	*out = (struct gu_regs){
		.pc = gdb->set[n.pc],
		.sp = gdb->set[n.sp],
		.fp = gdb->set[n.fp],
		.has_fp = gdb->was_set[n.fp],
		.lr = n.lr >= 0 ? gdb->set[n.lr] : 0,
		.has_lr = n.lr >= 0 && gdb->was_set[n.lr],
	};
	return gdb->was_set[n.pc] && gdb->was_set[n.sp];
}

struct gdb_frame_id fakegdb_id(struct fakegdb *gdb)
{
	struct gdb_unwind_callbacks cb = begin(gdb);
	struct gdb_frame_id id = gdb->funcs->get_frame_id(gdb->funcs, &cb);

	end(gdb);
	if (gdb->reg_sets)
		breach("get_frame_id set so many registers:",
			(int)gdb->reg_sets);
	return id;
}

static void *ask(void *ctx)
{
	struct fakegdb *gdb = ctx;

	(void)fakegdb_unwind(gdb);
	(void)fakegdb_id(gdb);
	return gdb;
}

bool fakegdb_try(struct fakegdb *gdb)
{
	pthread_t thread;
	void *result = NULL;

	if (pthread_create(&thread, NULL, ask, gdb) ||
		pthread_join(thread, &result))
		abort();
	end(gdb);
	return result == gdb;
}

/* --- symbols -------------------------------------------------------------- */

struct gdb_symtab {
	struct gdb_symtab *next;
	char *file;
	size_t first, nblocks; /* in the object's list */
	struct gdb_line_mapping *lines;
	size_t nlines;
	bool closed;
};

/* There is one at a time; nothing of it is seen before it is closed. */
struct gdb_object {
	bool open;
	struct gdb_symtab *symtabs;
	struct fakegdb_block *blocks;
	size_t nblocks, cap;
};

static struct gdb_object object;

static void free_symtabs(struct gdb_symtab *symtab)
{
	while (symtab) {
		struct gdb_symtab *next = symtab->next;

		free(symtab->file);
		free(symtab->lines);
		free(symtab);
		symtab = next;
	}
}

/* The closed objects' symtabs, which own what blocks borrow. */
static struct gdb_symtab *symtabs;

static void free_blocks(struct fakegdb_block *blocks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(blocks[i].name);
	free(blocks);
}

void fakegdb_drop_symbols(struct fakegdb *gdb)
{
	free_blocks(gdb->blocks, gdb->nblocks);
	free_symtabs(symtabs);
	free_blocks(object.blocks, object.nblocks);
	free_symtabs(object.symtabs);
	gdb->blocks = NULL;
	gdb->nblocks = 0;
	symtabs = NULL;
	object = (struct gdb_object){.open = false};
}

static void *not_null(void *p)
{
	if (!p)
		abort();
	return p;
}

static struct gdb_object *object_open(struct gdb_symbol_callbacks *cb)
{
	(void)cb;
	the_gdb->symbol_calls++;
	callback();
	if (object.open || object.symtabs)
		breach("an object opened beside another", 0);
	object.open = true;
	return &object;
}

static struct gdb_symtab *symtab_open(struct gdb_symbol_callbacks *cb,
	struct gdb_object *obj, const char *file)
{
	struct gdb_symtab *symtab;

	(void)cb;
	the_gdb->symbol_calls++;
	callback();
	if (obj != &object || !obj->open || !file)
		breach("a symtab without an object or a file", 0);
	symtab = not_null(calloc(1, sizeof *symtab));
	symtab->file = not_null(strdup(file ? file : ""));
	symtab->first = obj->nblocks;
	symtab->next = obj->symtabs;
	obj->symtabs = symtab;
	return symtab;
}

static struct gdb_block *block_open(struct gdb_symbol_callbacks *cb,
	struct gdb_symtab *symtab, struct gdb_block *parent, GDB_CORE_ADDR lo,
	GDB_CORE_ADDR hi, const char *name)
{
	(void)cb;
	(void)parent;
	the_gdb->symbol_calls++;
	callback();
	if (!name || !*name || lo >= hi)
		breach("a block without a name or of no size", (int)lo);
	if (symtab != object.symtabs || symtab->closed)
		breach("a block outside of its symtab", (int)lo);
	if (object.nblocks == object.cap) {
		object.cap = object.cap * 2 + 64;
		object.blocks = not_null(realloc(object.blocks,
			object.cap * sizeof *object.blocks));
	}
	object.blocks[object.nblocks++] = (struct fakegdb_block){
		.lo = lo,
		.hi = hi,
		.name = not_null(strdup(name ? name : "")),
		.file = symtab->file,
	};
	symtab->nblocks++;
	return NULL;
}

static void line_mapping_add(struct gdb_symbol_callbacks *cb,
	struct gdb_symtab *symtab, int n, struct gdb_line_mapping *lines)
{
	(void)cb;
	the_gdb->symbol_calls++;
	callback();
	if (n <= 0 || symtab->lines || symtab->closed) {
		breach("lines: none, twice, or too late", n);
		return;
	}
	for (int i = 1; i < n; i++)
		if (lines[i].pc <= lines[i - 1].pc)
			breach("lines that are not sorted", i);
	if (lines[n - 1].line != 0)
		breach("lines without an end", n);
	symtab->lines = not_null(malloc((size_t)n * sizeof *lines));
	memcpy(symtab->lines, lines, (size_t)n * sizeof *lines);
	symtab->nlines = (size_t)n;
}

static void symtab_close(struct gdb_symbol_callbacks *cb,
	struct gdb_symtab *symtab)
{
	(void)cb;
	the_gdb->symbol_calls++;
	callback();
	if (!symtab->nblocks)
		breach("a symtab without a block", 0);
	if (symtab->closed)
		breach("a symtab closed twice", 0);
	symtab->closed = true;
}

/* GDB takes the smallest symtab around a pc for the pc's. */
static void check_blocks(void)
{
	for (struct gdb_symtab *s = symtabs; s; s = s->next)
		for (size_t i = 0; i < s->nblocks; i++) {
			struct fakegdb_block *block =
				&object.blocks[s->first + i];

			block->lines = s->lines;
			block->nlines = s->nlines;
			if (!s->closed)
				breach("a symtab left open", 0);
			if (s->first + i > 0 && block[-1].hi > block->lo)
				breach("blocks that overlap", (int)block->lo);
		}
}

static void object_close(struct gdb_symbol_callbacks *cb,
	struct gdb_object *obj)
{
	(void)cb;
	the_gdb->symbol_calls++;
	callback();
	if (!obj->open || the_gdb->blocks)
		breach("an object closed twice", 0);
	symtabs = obj->symtabs;
	check_blocks();
	the_gdb->blocks = obj->blocks;
	the_gdb->nblocks = obj->nblocks;
	object = (struct gdb_object){.open = false};
}

struct reading {
	struct fakegdb *gdb;
	void *blob;
	long size;
};

enum gdb_status fakegdb_read(struct fakegdb *gdb, void *blob, long size)
{
	struct gdb_symbol_callbacks cb = {
		.object_open = object_open,
		.symtab_open = symtab_open,
		.block_open = block_open,
		.symtab_close = symtab_close,
		.object_close = object_close,
		.line_mapping_add = line_mapping_add,
		.target_read = target_read,
	};

	fakegdb_drop_symbols(gdb);
	(void)begin(gdb);
	return gdb->funcs->read(gdb->funcs, &cb, blob, size);
}

static void *read_blob(void *ctx)
{
	struct reading *reading = ctx;

	(void)fakegdb_read(reading->gdb, reading->blob, reading->size);
	return ctx;
}

bool fakegdb_try_read(struct fakegdb *gdb, void *blob, long size)
{
	struct reading reading = {gdb, blob, size};
	pthread_t thread;
	void *result = NULL;

	if (pthread_create(&thread, NULL, read_blob, &reading) ||
		pthread_join(thread, &result))
		abort();
	return result == &reading;
}
