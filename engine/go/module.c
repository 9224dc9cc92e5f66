/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/go/module.h"

#include "engine/base/math.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	TEXT_SECTIONS_MAX = 4096,
	/* Headers that are tried: each costs a look through all data. */
	TABLES_MAX = 256,
};

static const struct gu_str kind_names[GU_KIND_COUNT] = {
#define X(kind, name) [GU_KIND_##kind] = {name, sizeof(name) - 1},
	GU_FUNC_KIND_LIST(X)
#undef X
};

/* Go src/runtime/symtab.go, textsect; up to 1.17 `end` is a length. */
static enum gu_status read_text_sections(struct gu_module *m,
	struct gu_diag *diag)
{
	struct gu_slice map = m->md.textsectmap;
	uint8_t ptr = m->image->mem.ptr_size;
	struct gu_view view;
	struct gu_cur cur;
	enum gu_status st;

	if (map.len < 2)
		return GU_OK;
	if (map.len > TEXT_SECTIONS_MAX)
		return gu_fail_at(diag, GU_BAD_DATA, map.addr,
			"moduledata: %" PRIu64 " text sections", map.len);
	st = gu_view_open(&m->image->mem, map.addr, map.len * 3 * ptr, diag,
		&view);
	if (st)
		return gu_fail_in(diag, st, "text section map");
	m->text_sections = calloc((size_t)map.len, sizeof *m->text_sections);
	if (!m->text_sections) {
		gu_view_close(&view);
		return gu_fail(diag, GU_NO_MEMORY, "no memory for sections");
	}
	cur = gu_view_cur(&view, &m->image->mem, "text section map");
	for (uint64_t i = 0; i < map.len && gu_cur_ok(&cur); i++) {
		struct gu_text_section *s = &m->text_sections[i];

		s->vaddr = gu_cur_word(&cur, ptr);
		s->end = gu_cur_word(&cur, ptr);
		s->base = gu_cur_word(&cur, ptr);
		if (m->md.versions.hi <= 17)
			s->end += s->vaddr;
	}
	st = gu_cur_status(&cur, diag);
	gu_view_close(&view);
	return st;
}

/*
 * Before moduledata (Go 1.4 and older) the table's end is known only by its
 * section.
 */
static enum gu_status place_by_section(const struct gu_image *image,
	uint64_t addr, struct gu_diag *diag, struct gu_pclntab_place *place)
{
	struct gu_pclntab_header header;
	const struct gu_section *s = gu_image_section(image, ".gopclntab");
	enum gu_status st = gu_pclntab_header(image, addr, diag, &header);

	if (st)
		return st;
	if (header.form != GU_PCLNTAB_1_2 || !s || s->addr != addr)
		return gu_fail_at(diag, GU_UNSUPPORTED, addr,
			"a Go function table is at 0x%" PRIx64
			", but no moduledata points at it", addr);
	*place = (struct gu_pclntab_place){.addr = addr, .size = s->size};
	return GU_OK;
}

static enum gu_status place_by_moduledata(struct gu_module *m, uint64_t addr,
	struct gu_diag *diag, struct gu_pclntab_place *place)
{
	const struct gu_moduledata *md = &m->md;
	uint64_t end;
	enum gu_status st;

	if (!gu_add(md->pclntable.addr, md->pclntable.len, &end) || end <= addr)
		return gu_fail_at(diag, GU_BAD_DATA, md->addr,
			"moduledata: pclntable has %" PRIu64 " bytes",
			md->pclntable.len);
	st = read_text_sections(m, diag);
	if (st)
		return st;
	*place = (struct gu_pclntab_place){
		.addr = addr,
		.size = end - addr,
		.text = md->text,
		.text_sections = m->text_sections,
		.ntext_sections = m->text_sections ?
			(size_t)md->textsectmap.len : 0,
	};
	return GU_OK;
}

/* The pclntab at ADDR, with its moduledata. */
static enum gu_status open_tables(struct gu_module *m, uint64_t addr,
	struct gu_diag *diag)
{
	struct gu_go_version known = m->version;
	struct gu_pclntab_place place;
	enum gu_status st;

	st = gu_moduledata_find(m->image, addr, known, diag, &m->md);
	m->has_md = st == GU_OK;
	if (st == GU_OK)
		st = place_by_moduledata(m, addr, diag, &place);
	else if (st == GU_NOT_FOUND)
		st = place_by_section(m->image, addr, diag, &place);
	if (st)
		return st;
	return gu_pclntab_open(m->image, &place, diag, &m->tab);
}

/* Try every place that has a table's header; the first failure is reported. */
static enum gu_status find_tables(struct gu_module *m, struct gu_diag *diag)
{
	struct gu_pclntab_search search = {0};
	enum gu_status first = GU_NOT_FOUND, st;
	uint64_t addr;

	for (int tried = 0; tried < TABLES_MAX; tried++) {
		struct gu_diag *d = first == GU_NOT_FOUND ? diag : NULL;

		st = gu_pclntab_next(m->image, &search, d, &addr);
		if (st)
			return first == GU_NOT_FOUND ? st : first;
		st = open_tables(m, addr, d);
		if (st == GU_OK || st == GU_NO_MEMORY)
			return st;
		free(m->text_sections);
		m->text_sections = NULL;
		if (first == GU_NOT_FOUND)
			first = st;
	}
	return first;
}

static enum gu_status read_build(struct gu_module *m, struct gu_diag *diag)
{
	enum gu_status st = gu_buildinfo_open(m->image, diag, &m->build);

	m->has_build = st == GU_OK;
	if (st == GU_OK)
		/* an odd version text is told by `info`, not fatal */
		if (gu_go_version_parse(m->build.version, NULL, &m->version))
			m->version = (struct gu_go_version){0, 0};
	if (st == GU_OK && m->build.version.p &&
		m->build.version.n < sizeof m->version_text)
		memcpy(m->version_text, m->build.version.p,
			m->build.version.n);
	return st == GU_NO_MEMORY ? st : GU_OK;
}

/* Go 1.9 added a third funcdata table, the inline trees. */
static bool has_inline_trees(const struct gu_module *m)
{
	struct gu_func func;

	for (uint32_t i = 0; i < m->tab.nfunc; i++)
		if (gu_pclntab_func(&m->tab, i, NULL, &func) == GU_OK &&
			func.nfuncdata > 2)
			return true;
	return false;
}

/* Without build info: the releases that write the forms found. */
static void infer_version(struct gu_module *m)
{
	static const struct {
		const char *func_form;
		struct gu_go_version version;
	} records[] = {
		{"1.2", {2, 10}}, {"1.11", {11, 11}}, {"1.12", {12, 15}},
		{"1.16", {16, 19}}, {"1.20", {20, 999}},
	};
	struct gu_go_version v = m->version;

	if (v.lo)
		return;
	for (size_t i = 0; i < GU_COUNT(records); i++)
		if (gu_str_eq(gu_str(records[i].func_form),
			gu_str(gu_pclntab_func_form(&m->tab))))
			v = records[i].version;
	if (m->has_md && m->md.versions.lo > v.lo)
		v.lo = m->md.versions.lo;
	if (m->has_md && m->md.versions.hi < v.hi)
		v.hi = m->md.versions.hi;
	if (m->tab.form == GU_PCLNTAB_1_16 && v.hi > 17)
		v.hi = 17;
	if (v.lo == 12 && v.hi == 15 && !m->has_build)
		v.hi = 12; /* 1.13 brought build info, which no flag leaves
			      out */
	if (v.lo == 8 && v.hi == 10) {
		if (has_inline_trees(m))
			v.lo = 9;
		else
			v.hi = 8;
	}
	m->version = v;
}

/* Of the releases that the forms leave, the one that the runtime says. */
static void ask_runtime(struct gu_module *m)
{
	static const struct gu_str any = {NULL, 0};
	char text[GU_RTSTRING_VERSION_MAX];
	struct gu_go_version said;

	if (m->has_build || !m->has_md ||
		!gu_rtstring_find(m->image, &m->md, GU_RTSTRING_VERSION, any,
			text) ||
		gu_go_version_parse(gu_str(text), NULL, &said) ||
		said.lo < m->version.lo || said.hi > m->version.hi)
		return;
	m->version = said;
	memcpy(m->version_text, text, strlen(text) + 1);
}

struct calibration {
	/* the two functions that may bear one name: an ABI wrapper is one */
	struct gu_func func[GU_KIND_COUNT][2];
	unsigned n[GU_KIND_COUNT];
	unsigned autogenerated[256]; /* functions by id */
};

static enum gu_func_kind kind_of_name(struct gu_str name)
{
	static const struct gu_str gogo = {"gogo", 4};

	for (int k = GU_KIND_NORMAL + 1; k < GU_KIND_WRAPPER; k++)
		if (gu_str_eq(kind_names[k], name))
			return (enum gu_func_kind)k;
	/* a local symbol of assembly since 1.17 has no package */
	return gu_str_eq(name, gogo) ? GU_KIND_GOGO : GU_KIND_NORMAL;
}

static bool is_autogenerated(const struct gu_pclntab *tab,
	const struct gu_func *func)
{
	struct gu_lines it;
	struct gu_line line;

	gu_lines_init(&it, tab, func);
	return gu_lines_next(&it, &line) &&
		gu_str_eq(gu_func_file(tab, func, line.file),
			gu_str("<autogenerated>"));
}

/* Only special functions have an id: few are looked at closely. */
static void look_at(const struct gu_module *m, const struct gu_func *func,
	struct calibration *cal)
{
	struct gu_str name = gu_func_name(&m->tab, func);
	enum gu_func_kind kind = GU_KIND_NORMAL;

	if (gu_str_starts(name, gu_str("runtime.")) || name.n == 4)
		kind = kind_of_name(name);
	if (kind != GU_KIND_NORMAL) {
		if (cal->n[kind] < 2)
			cal->func[kind][cal->n[kind]++] = *func;
	} else if (func->func_id && is_autogenerated(&m->tab, func)) {
		cal->autogenerated[func->func_id]++;
	}
}

/*
 * Of two functions of one name, one wraps the other for another ABI (1.17 and
 * on) and carries the wrapper's id.
 */
static void conclude(struct gu_module *m, const struct calibration *cal)
{
	unsigned most = 0;

	m->kinds.wrapper_id = -1;
	for (int id = 1; id < 256; id++)
		if (cal->autogenerated[id] > most) {
			most = cal->autogenerated[id];
			m->kinds.wrapper_id = id;
		}
	for (int k = 0; k < GU_KIND_COUNT; k++) {
		const struct gu_func *pick = &cal->func[k][0];

		if (cal->n[k] == 0)
			continue;
		if (cal->n[k] == 2 && pick->func_id == m->kinds.wrapper_id)
			pick++;
		m->kinds.found[k] = true;
		m->kinds.index[k] = pick->index;
	}
}

static enum gu_status calibrate(struct gu_module *m, struct gu_diag *diag)
{
	struct calibration *cal = calloc(1, sizeof *cal);
	struct gu_func func;

	if (!cal)
		return gu_fail(diag, GU_NO_MEMORY, "no memory to calibrate");
	for (uint32_t i = 0; i < m->tab.nfunc; i++)
		if (gu_pclntab_func(&m->tab, i, NULL, &func) == GU_OK)
			look_at(m, &func, cal);
	conclude(m, cal);
	free(cal);
	return GU_OK;
}

enum gu_status gu_module_open(const struct gu_image *image,
	struct gu_diag *diag, struct gu_module **out)
{
	struct gu_module *m = calloc(1, sizeof *m);
	struct gu_func func;
	enum gu_status st;

	if (!m)
		return gu_fail(diag, GU_NO_MEMORY, "no memory for a module");
	m->image = image;
	st = read_build(m, diag);
	if (st == GU_OK)
		st = find_tables(m, diag);
	if (st == GU_OK)
		st = gu_pclntab_func(&m->tab, 0, diag, &func);
	if (st == GU_OK) {
		m->lo = func.entry;
		st = gu_pclntab_func(&m->tab, m->tab.nfunc - 1, diag, &func);
		m->hi = func.next;
	}
	if (st == GU_OK)
		st = calibrate(m, diag);
	if (st) {
		gu_module_close(m);
		return st;
	}
	infer_version(m);
	ask_runtime(m);
	m->inl.form = gu_inline_form_of(m->version);
	*out = m;
	return GU_OK;
}

void gu_module_drop_tables(struct gu_module *m)
{
	gu_view_close(&m->inl.view);
	gu_pclntab_close(&m->tab);
}

void gu_module_close(struct gu_module *m)
{
	if (!m)
		return;
	gu_module_drop_tables(m);
	gu_buildinfo_close(&m->build);
	free(m->text_sections);
	free(m);
}

void gu_module_closep(struct gu_module **m)
{
	gu_module_close(*m);
}

enum gu_func_kind gu_module_kind(const struct gu_module *m,
	const struct gu_func *func)
{
	for (int k = GU_KIND_NORMAL + 1; k < GU_KIND_WRAPPER; k++)
		if (m->kinds.found[k] && m->kinds.index[k] == func->index)
			return (enum gu_func_kind)k;
	return func->func_id == m->kinds.wrapper_id ? GU_KIND_WRAPPER :
		GU_KIND_NORMAL;
}

/*
 * Go's symbol names escape dots in the last element of an import path
 * ("gopkg.in/yaml%2ev3.Unmarshal"), so the package ends at the first dot
 * behind the last slash, brackets of type arguments aside.
 */
struct gu_str gu_go_package(struct gu_str name)
{
	static const struct gu_str none = {"", 0};
	size_t start = 0;

	/* "type:.eq.…" and "go:…", up to 1.19 "type..eq.…" and "go.…" */
	if (gu_str_starts(name, gu_str("type:")) ||
		gu_str_starts(name, gu_str("type..")) ||
		gu_str_starts(name, gu_str("go:")) ||
		gu_str_starts(name, gu_str("go.")))
		return none;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == '[' || c == '(' || c == '{')
			break;
		if (c == '/')
			start = i + 1;
	}
	for (size_t i = start; i < name.n; i++)
		if (name.p[i] == '.')
			return (struct gu_str){name.p, i};
	return none;
}
