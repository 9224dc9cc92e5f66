/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/symfile.h"

#include "engine/base/math.h"

#include "engine/base/hash.h"
#include "engine/base/outfile.h"
#include "engine/emit/dwarf_frame.h"
#include "engine/emit/dwarf_info.h"
#include "engine/emit/dwarf_inline.h"
#include "engine/emit/dwarf_line.h"
#include "engine/emit/dwarf_types.h"
#include "engine/emit/elf_symbols.h"
#include "engine/emit/prologue.h"
#include "engine/stack/unwind.h"

#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	PROGRESS_STEP = 1024, /* functions */
	COMPRESSED_MAX = 16,  /* more sections than there are to compress */
};

struct symfile {
	struct gu_module *module;
	const struct gu_symfile_opts *opts;
	struct gu_elf_writer writer;
	struct gu_elf_shape shape;
	struct gu_func_list funcs;
	struct gu_rtvars vars;
	struct gu_elf_symbols symbols;
	struct gu_dwarf_line lines;
	struct gu_dwarf_info info;
	struct gu_dwarf_inline inlines;
	struct gu_buf frames, eh_frames, index;
	struct gu_buf compressed[COMPRESSED_MAX]; /* contents of sections */
	uint32_t ncompressed;
	uint32_t comp_dir, producer; /* in funcs.strs */
	uint32_t done;               /* functions */
	struct gu_symfile_stats stats;
};

/* One of two things done at the same time. */
struct part {
	struct symfile *sf;
	const struct gu_elf_file *file;
	enum gu_status status;
	struct gu_diag diag;
};

/* Run A and B of SF; what comes of A goes before what comes of B. */
static enum gu_status run_both(struct symfile *sf,
	const struct gu_elf_file *file, void (*a)(void *part),
	void (*b)(void *part), struct gu_diag *diag)
{
	struct part parts[2] = {{.sf = sf, .file = file},
		{.sf = sf, .file = file}};
	const struct part *bad;

	gu_run(sf->opts->jobs, &(struct gu_job){a, &parts[0]},
		&(struct gu_job){b, &parts[1]});
	bad = parts[0].status ? &parts[0] : &parts[1];
	if (bad->status && diag)
		*diag = bad->diag;
	return bad->status;
}

struct gu_symfile_opts gu_symfile_opts(void)
{
	return (struct gu_symfile_opts){.dwarf_version = 5};
}

static uint64_t hash_str(uint64_t hash, struct gu_str s)
{
	return gu_hash(gu_hash_u64(hash ^ s.n), s.p, s.n);
}

uint64_t gu_symfile_identity(const struct gu_module *module,
	const struct gu_elf_file *file, const struct gu_symfile_opts *opts)
{
	const struct gu_pclntab *tab = &module->tab;
	struct gu_str id = gu_elf_file_build_id(file);
	struct gu_str go_id = gu_elf_file_go_build_id(file);
	const uint64_t facts[] = {opts->dwarf_version, opts->basic,
		opts->eh_frame, opts->gdb_index, opts->unaided,
		opts->compression.type, tab->addr, tab->bytes.n, tab->nfunc,
		module->lo, module->hi, module->image->nsections};
	uint64_t hash = 1;

	for (size_t i = 0; i < GU_COUNT(facts); i++)
		hash = gu_hash_u64(hash ^ facts[i]);
	hash = hash_str(hash, id);
	hash = hash_str(hash, go_id);
	if (id.n == 0 && go_id.n == 0)
		hash = gu_hash(hash, tab->bytes.p, tab->bytes.n);
	return hash;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "a%2eb" is package a.b: Go src/cmd/internal/objabi/path.go escapes so. */
static struct gu_str unescape(struct gu_str package, struct gu_buf *out)
{
	out->n = 0;
	for (size_t i = 0; i < package.n; i++) {
		int c = (unsigned char)package.p[i];

		if (c == '%' && package.n - i > 2) {
			int hi = hex_digit(package.p[i + 1]);
			int lo = hex_digit(package.p[i + 2]);

			if (hi >= 0 && lo >= 0 && hi + lo > 0) {
				c = hi << 4 | lo;
				i += 2;
			}
		}
		gu_buf_u8(out, (uint8_t)c);
	}
	return (struct gu_str){(const char *)out->p, out->n};
}

/*
 * Where FUNC is declared: the file of its own code at the entry, which may be
 * inlined code of another one.  Up to 1.11 the tree names call sites, not
 * parent pcs: then it is left out.
 */
static uint32_t decl_file(struct symfile *sf, const struct gu_func *func)
{
	const struct gu_pclntab *tab = &sf->module->tab;
	uint32_t table = gu_module_inline_table(sf->module, func);
	uint64_t pc = func->entry;

	for (int depth = 0; depth < GU_CALLS_MAX; depth++) {
		struct gu_inline call;
		int32_t index = gu_pcvalue_at(tab, func, table, pc);

		if (index < 0)
			return gu_dwarf_line_file(&sf->lines, func,
				gu_pcvalue_at(tab, func, func->pcfile, pc));
		if (gu_module_inline(sf->module, func, index, NULL, &call) ||
			call.parent != -2)
			break;
		pc = func->entry + call.parent_pc;
	}
	return 0;
}

static void add_function(struct symfile *sf, const struct gu_func_item *item)
{
	struct gu_dwarf_func out = {
		.name = item->name,
		.entry = item->entry,
		.end = item->end,
	};
	struct gu_func func;
	enum gu_status st;

	st = gu_pclntab_func(&sf->module->tab, item->index, NULL, &func);
	if (!st)
		st = gu_dwarf_line_func(&sf->lines, &func, item->end,
			gu_func_item_asm(item) ? 0 :
				gu_prologue_end(sf->module, &func), NULL);
	if (st) {
		sf->stats.dropped[GU_SYMFILE_DROP_LINES] +=
			st != GU_NOT_FOUND;
		return;
	}
	out.next = func.next;
	out.file = decl_file(sf, &func);
	out.line = func.start_line > 0 ? (uint32_t)func.start_line : 0;
	out.children = !sf->opts->basic &&
		gu_dwarf_inline_read(&sf->inlines, &func, item->end);
	gu_dwarf_info_func(&sf->info, &out);
	if (out.children)
		gu_dwarf_inline_put(&sf->inlines);
}

static void add_unit(struct symfile *sf, uint32_t unit, struct gu_buf *name)
{
	const struct gu_func_list *funcs = &sf->funcs;
	struct gu_str package = funcs->packages.items[unit / 2].str;
	struct gu_dwarf_unit out = {
		.lines = gu_dwarf_line_begin(&sf->lines),
		.comp_dir = sf->comp_dir,
		.producer = sf->producer,
	};

	package = package.n ? unescape(package, name) : gu_str("<no package>");
	out.name = gu_func_list_str(&sf->funcs, package);
	gu_dwarf_info_begin(&sf->info, &out);
	for (uint32_t i = funcs->unit_start[unit];
		i < funcs->unit_start[unit + 1]; i++) {
		add_function(sf, &funcs->items[funcs->order[i]]);
		if (++sf->done % PROGRESS_STEP == 0 && sf->opts->progress)
			sf->opts->progress(sf->opts->ctx, sf->done, funcs->n);
	}
	gu_dwarf_inline_end(&sf->inlines);
	if (gu_dwarf_info_end(&sf->info)) {
		gu_dwarf_line_end(&sf->lines, package);
		sf->stats.units++;
	}
}

/* As Go's own linker says it: GDB and Delve look for its beginning. */
static uint32_t put_producer(struct symfile *sf)
{
	const struct gu_module *module = sf->module;
	struct gu_buf text;
	uint32_t off;

	gu_buf_init(&text, false);
	gu_buf_printf(&text, "Go cmd/compile ");
	if (*module->version_text)
		gu_buf_str(&text, gu_str(module->version_text));
	else if (module->version.lo == module->version.hi)
		gu_buf_printf(&text, "go1.%d", module->version.lo);
	else
		gu_buf_printf(&text, "go1.%d to go1.%d", module->version.lo,
			module->version.hi);
	gu_buf_printf(&text, "; tables read by gounstrip");
	off = gu_func_list_str(&sf->funcs,
		(struct gu_str){(const char *)text.p, text.n});
	sf->funcs.strs.failed |= text.failed;
	gu_buf_deinit(&text);
	return off;
}

/* Types are a unit of their own; a module may have none (Go before 1.7). */
static enum gu_status add_types(struct symfile *sf, struct gu_diag *diag)
{
	const struct gu_dwarf_types_out out = {
		.info = &sf->info.info,
		.abbrev = &sf->info.abbrev,
		.strs = &sf->funcs.strs,
		.names = &sf->info.names,
		.version = sf->opts->dwarf_version,
		.comp_dir = sf->comp_dir,
		.producer = sf->producer,
		.vars = &sf->vars,
	};
	struct gu_dwarf_types_stats stats;
	struct gu_types types;
	enum gu_status st = gu_types_open(sf->module, diag, &types);

	sf->stats.dropped[GU_SYMFILE_DROP_TYPES] = st == GU_UNSUPPORTED;
	if (st)
		return st == GU_NOT_FOUND || st == GU_UNSUPPORTED ? GU_OK : st;
	st = gu_dwarf_types_write(&types, &out, diag, &stats);
	gu_types_close(&types);
	sf->stats.types = stats.types;
	sf->stats.dropped[GU_SYMFILE_DROP_TYPES] = stats.dropped;
	return st;
}

/* .debug_line, and .debug_info but for types. */
static void make_units(void *arg)
{
	struct part *part = arg;
	struct symfile *sf = part->sf;
	struct gu_buf name;

	gu_buf_init(&name, false);
	gu_dwarf_inline_init(&sf->inlines, sf->module, &sf->info, &sf->lines,
		&sf->funcs, sf->opts->unaided);
	sf->comp_dir = gu_func_list_str(&sf->funcs, gu_str("."));
	sf->producer = put_producer(sf);
	for (uint32_t unit = 0; unit < sf->funcs.nunits; unit++)
		if (sf->funcs.unit_start[unit] < sf->funcs.unit_start[unit + 1])
			add_unit(sf, unit, &name);
	sf->funcs.strs.failed |= name.failed;
	gu_buf_deinit(&name);
	sf->stats.dropped[GU_SYMFILE_DROP_CALLS] = sf->inlines.dropped;
	part->status = sf->inlines.failed ? gu_fail(&part->diag, GU_NO_MEMORY,
		"no memory for inlined calls") :
		gu_dwarf_line_status(&sf->lines, &part->diag);
	gu_dwarf_inline_deinit(&sf->inlines);
}

/* Elf64_Chdr, Elf32_Chdr. */
static void put_compression_header(uint32_t type, bool is64, size_t n,
	struct gu_buf *out)
{
	gu_buf_word(out, type, 4);
	if (is64)
		gu_buf_word(out, 0, 4);
	gu_buf_word(out, n, is64 ? 8 : 4);
	gu_buf_word(out, 1, is64 ? 8 : 4); /* alignment of the contents */
}

/* Give SECTION compressed contents, unless these are no smaller. */
static void compress_section(struct symfile *sf,
	struct gu_elf_section *section)
{
	const struct gu_compression *how = &sf->opts->compression;
	bool is64 = sf->module->image->mem.ptr_size == 8;
	struct gu_buf *buf;

	if (sf->ncompressed == COMPRESSED_MAX)
		return;
	buf = &sf->compressed[sf->ncompressed++];
	gu_buf_init(buf, sf->module->image->mem.be);
	put_compression_header(how->type, is64, section->data_size, buf);
	how->compress(section->data, section->data_size, buf);
	sf->writer.failed |= buf->failed;
	if (buf->failed || buf->n >= section->data_size)
		return;
	section->flags |= SHF_COMPRESSED;
	section->align = is64 ? 8 : 4;
	section->data = buf->p;
	section->data_size = buf->n;
}

static uint32_t add_debug(struct symfile *sf, const char *name,
	const struct gu_buf *buf, bool strings)
{
	struct gu_elf_section section = {
		.name = gu_str(name),
		.type = SHT_PROGBITS,
		.flags = strings ? SHF_MERGE | SHF_STRINGS : 0,
		.align = 1,
		.entsize = strings ? 1 : 0,
		.data = buf->p,
		.data_size = buf->n,
	};

	if (sf->opts->compression.type)
		compress_section(sf, &section);
	return gu_elf_writer_section(&sf->writer, &section);
}

/* Right before .debug_str, whose bytes are its names: see gdb_index.h. */
static void add_index(struct symfile *sf)
{
	const struct gu_elf_section section = {
		.name = gu_str(".gdb_index"),
		.type = SHT_PROGBITS,
		.align = 1,
		.data = sf->index.p,
		.data_size = sf->index.n,
		.run_on = sf->funcs.strs.n,
	};

	if (section.data_size)
		(void)gu_elf_writer_section(&sf->writer, &section);
}

static void add_contents(struct symfile *sf)
{
	bool is64 = sf->module->image->mem.ptr_size == 8, v5;
	const struct gu_buf *strs = &sf->funcs.strs;
	struct gu_elf_section strtab = {
		.name = gu_str(".strtab"),
		.type = SHT_STRTAB,
		.align = 1,
		.data = strs->p,
		.data_size = sf->symbols.strtab_size,
	};
	struct gu_elf_section symtab = {
		.name = gu_str(".symtab"),
		.type = SHT_SYMTAB,
		.align = is64 ? 8 : 4,
		.entsize = is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym),
		.info = sf->symbols.first_global,
		.data = sf->symbols.symtab.p,
		.data_size = sf->symbols.symtab.n,
	};
	uint32_t same;

	v5 = sf->opts->dwarf_version >= 5;
	(void)add_debug(sf, ".debug_abbrev", &sf->info.abbrev, false);
	(void)add_debug(sf, ".debug_info", &sf->info.info, false);
	(void)add_debug(sf, ".debug_aranges", &sf->info.aranges, false);
	(void)add_debug(sf, v5 ? ".debug_rnglists" : ".debug_ranges",
		&sf->info.ranges, false);
	(void)add_debug(sf, ".debug_line", &sf->lines.out, false);
	if (sf->frames.n)
		(void)add_debug(sf, ".debug_frame", &sf->frames, false);
	gu_elf_shape_add_eh_frame(&sf->shape, sf->module->image,
		&sf->eh_frames, &sf->writer);
	/* half of the file would be names written twice or three times */
	add_index(sf);
	same = add_debug(sf, ".debug_str", strs, true);
	if (!(sf->writer.sections[same].flags & SHF_COMPRESSED))
		strtab.same_as = same;
	if (v5)
		(void)add_debug(sf, ".debug_line_str", &sf->lines.strs, true);
	symtab.link = gu_elf_writer_section(&sf->writer, &strtab);
	(void)gu_elf_writer_section(&sf->writer, &symtab);
}

/* Offsets of DWARF's 32-bit format and of symbols' names. */
static enum gu_status check_sizes(const struct symfile *sf,
	struct gu_diag *diag)
{
	const struct gu_buf *bufs[] = {&sf->info.info, &sf->info.ranges,
		&sf->info.aranges, &sf->lines.out, &sf->lines.strs,
		&sf->funcs.strs};

	for (size_t i = 0; i < GU_COUNT(bufs); i++)
		if (bufs[i]->n >= UINT32_MAX)
			return gu_fail(diag, GU_UNSUPPORTED,
				"the symbol file would need a part of %zu "
				"bytes, more than DWARF's 32-bit format has",
				bufs[i]->n);
	return GU_OK;
}

uint64_t gu_symfile_dropped(const struct gu_symfile_stats *stats)
{
	uint64_t n = 0;

	for (int i = 0; i < GU_SYMFILE_DROP_COUNT; i++)
		n += stats->dropped[i];
	return n;
}

void gu_symfile_put_dropped(const struct gu_symfile_stats *stats,
	struct gu_buf *text)
{
	static const char *const names[] = {
#define X(drop, name) name,
		GU_SYMFILE_DROP_LIST(X)
#undef X
	};
	const char *comma = "";

	for (int i = 0; i < GU_SYMFILE_DROP_COUNT; i++)
		if (stats->dropped[i]) {
			gu_buf_printf(text, "%s%s %u", comma, names[i],
				stats->dropped[i]);
			comma = ", ";
		}
}

/* The statistics as the seal's facts, and back; two counts to a word. */
static void put_facts(const struct gu_symfile_stats *stats,
	uint64_t facts[GU_ELF_FACTS])
{
	facts[0] = stats->functions;
	facts[1] = stats->files;
	facts[2] = stats->units;
	facts[3] = stats->rows;
	facts[4] = stats->types;
	for (int i = 0; i < GU_SYMFILE_DROP_COUNT; i++)
		facts[5 + i / 2] |= (uint64_t)stats->dropped[i] << i % 2 * 32;
}

enum gu_status gu_symfile_check(int fd, uint64_t identity, bool all,
	struct gu_diag *diag, struct gu_symfile_stats *out)
{
	struct gu_elf_seal seal;
	enum gu_status st = gu_elf_seal_read(fd, all, diag, &seal);

	if (st)
		return st;
	if (seal.identity != identity)
		return GU_NOT_FOUND;
	*out = (struct gu_symfile_stats){
		.functions = (uint32_t)seal.facts[0],
		.files = (uint32_t)seal.facts[1],
		.units = (uint32_t)seal.facts[2],
		.rows = seal.facts[3],
		.types = (uint32_t)seal.facts[4],
		.size = seal.size,
	};
	for (int i = 0; i < GU_SYMFILE_DROP_COUNT; i++)
		out->dropped[i] = (uint32_t)(seal.facts[5 + i / 2] >>
			i % 2 * 32);
	return GU_OK;
}

static enum gu_status make_index(struct symfile *sf, struct gu_diag *diag)
{
	const struct gu_gdb_index_in in = {
		.names = &sf->info.names,
		.info = &sf->info.info,
		.aranges = &sf->info.aranges,
		.strs = &sf->funcs.strs,
		.ptr_size = sf->module->image->mem.ptr_size,
	};

	if (sf->opts->gdb_index)
		gu_gdb_index_put(&in, &sf->index);
	return gu_buf_status(&sf->index, diag);
}

static void make_frames(void *arg)
{
	struct part *part = arg;
	struct symfile *sf = part->sf;

	if (!sf->opts->basic)
		sf->stats.dropped[GU_SYMFILE_DROP_FRAMES] = gu_dwarf_frame_put(
			sf->module, &sf->funcs, false, sf->opts->unaided,
			&sf->frames);
	part->status = gu_buf_status(&sf->frames, &part->diag);
	if (part->status || !sf->opts->eh_frame)
		return;
	(void)gu_dwarf_frame_put(sf->module, &sf->funcs, true,
		sf->opts->unaided, &sf->eh_frames);
	part->status = gu_buf_status(&sf->eh_frames, &part->diag);
}

static enum gu_status make_dwarf(struct symfile *sf, struct gu_diag *diag)
{
	enum gu_status st = run_both(sf, NULL, make_units, make_frames, diag);

	if (sf->opts->last_use)
		gu_module_drop_tables(sf->module);
	if (!st && !sf->opts->basic)
		st = add_types(sf, diag);
	if (!st)
		st = gu_dwarf_info_finish(&sf->info, diag);
	if (!st)
		st = gu_buf_status(&sf->funcs.strs, diag);
	return st;
}

/* What the sections are made from. */
static void make_lists(void *arg)
{
	struct part *part = arg;
	struct symfile *sf = part->sf;
	enum gu_status st;

	st = gu_func_list_init(&sf->funcs, sf->module, &sf->shape, &part->diag);
	if (!st && !sf->opts->basic)
		st = gu_rtvars_find_all(sf->module, &part->diag, &sf->vars);
	if (!st)
		st = gu_elf_symbols_init(&sf->symbols, &sf->funcs, &sf->shape,
			part->file, &sf->vars, &part->diag);
	part->status = st;
}

static void load_inlines(void *arg)
{
	const struct part *part = arg;

	/* what cannot be had all at once is read record by record */
	if (!part->sf->opts->basic)
		(void)!gu_module_load_inlines(part->sf->module, NULL);
}

static enum gu_status make(struct symfile *sf, const struct gu_elf_file *file,
	int fd, struct gu_diag *diag)
{
	enum gu_status st;

	st = gu_elf_shape_init(&sf->shape, sf->module, file,
		sf->opts->eh_frame &&
			gu_unwind_numbers(sf->module->image->arch),
		&sf->writer, diag);
	if (!st)
		st = run_both(sf, file, make_lists, load_inlines, diag);
	if (!st)
		st = make_dwarf(sf, diag);
	if (!st)
		st = gu_elf_symbols_put(&sf->symbols, &sf->vars,
			sf->module->image->mem.ptr_size == 8, diag);
	if (!st)
		st = check_sizes(sf, diag);
	if (!st)
		st = make_index(sf, diag);
	if (st)
		return st;
	add_contents(sf);
	if (sf->shape.joined.failed)
		return gu_fail(diag, GU_NO_MEMORY, "no memory for .eh_frame");
	sf->stats.functions = sf->funcs.n;
	sf->stats.files = sf->lines.nfiles;
	sf->stats.rows = sf->lines.rows;
	sf->stats.dropped[GU_SYMFILE_DROP_FUNCTIONS] = sf->funcs.dropped;
	put_facts(&sf->stats, sf->writer.facts);
	return gu_elf_writer_write(&sf->writer, fd, diag, &sf->stats.size);
}

enum gu_status gu_symfile_write(struct gu_module *module,
	const struct gu_elf_file *file, const struct gu_symfile_opts *opts,
	int fd, struct gu_diag *diag, struct gu_symfile_stats *out)
{
	const struct gu_image *image = module->image;
	struct symfile sf = {.module = module, .opts = opts};
	struct gu_elf_like like;
	enum gu_status st;

	if (opts->dwarf_version != 4 && opts->dwarf_version != 5)
		return gu_fail(diag, GU_INVALID,
			"DWARF version %u was asked for; 4 and 5 can be "
			"written",
			opts->dwarf_version);
	st = gu_elf_shape_like(file, diag, &like);
	if (st)
		return st;
	gu_elf_writer_init(&sf.writer, &like,
		gu_symfile_identity(module, file, opts));
	sf.writer.jobs = opts->jobs;
	gu_dwarf_line_init(&sf.lines, &module->tab, opts->dwarf_version);
	gu_dwarf_info_init(&sf.info, opts->dwarf_version, image->mem.ptr_size,
		image->mem.be);
	sf.info.names.wanted = opts->gdb_index;
	gu_buf_init(&sf.frames, image->mem.be);
	gu_buf_init(&sf.eh_frames, image->mem.be);
	gu_buf_init(&sf.index, false);
	st = make(&sf, file, fd, diag);
	for (uint32_t i = 0; i < sf.ncompressed; i++)
		gu_buf_deinit(&sf.compressed[i]);
	gu_buf_deinit(&sf.index);
	gu_buf_deinit(&sf.eh_frames);
	gu_buf_deinit(&sf.frames);
	gu_dwarf_info_deinit(&sf.info);
	gu_dwarf_line_deinit(&sf.lines);
	gu_elf_symbols_deinit(&sf.symbols);
	gu_func_list_deinit(&sf.funcs);
	gu_elf_shape_deinit(&sf.shape);
	gu_elf_writer_deinit(&sf.writer);
	if (!st)
		*out = sf.stats;
	return st;
}

enum gu_status gu_symfile_save(struct gu_module *module,
	const struct gu_elf_file *file, const struct gu_symfile_opts *opts,
	const char *path, struct gu_diag *diag, struct gu_symfile_stats *out)
{
	struct gu_symfile_stats stats;
	struct gu_outfile target;
	enum gu_status st = gu_outfile_open(path, diag, &target);

	if (st)
		return st;
	st = gu_symfile_write(module, file, opts, target.fd, diag, &stats);
	st = gu_outfile_close(&target, st, diag);
	if (!st)
		*out = stats;
	return st;
}
