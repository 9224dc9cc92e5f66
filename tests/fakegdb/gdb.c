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
		gdb->reg_gets + gdb->target_reads == gdb->throw_at)
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
	int pc, sp, fp, lr, first, last;
};

static struct numbers numbers_of(enum gu_arch arch)
{
	if (arch == GU_ARCH_ARM64)
		return (struct numbers){32, 31, 29, 30, 0, 32};
	return (struct numbers){16, 7, 6, -1, 0, 16};
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
}

static struct gdb_unwind_callbacks begin(struct fakegdb *gdb)
{
	memset(gdb->was_set, 0, sizeof gdb->was_set);
	gdb->reg_gets = gdb->reg_sets = gdb->target_reads = 0;
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

bool fakegdb_read_declines(struct fakegdb *gdb)
{
	struct gdb_symbol_callbacks none = {.target_read = target_read};
	char blob[16] = "\177ELF";

	return gdb->funcs->read(gdb->funcs, &none, blob, sizeof blob) ==
		GDB_FAIL &&
		gdb->funcs->read(gdb->funcs, &none, NULL, 0) == GDB_FAIL;
}
