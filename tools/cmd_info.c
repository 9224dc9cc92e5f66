/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gounstrip info: what a Go program is, what was stripped from it, and what
 * can be recovered.
 *
 * One table of fields, each a JSON value: --json prints them as they are, the
 * text is made from the same values.
 */
#include "engine/base/math.h"
#include "engine/emit/text.h"
#include "tools/input.h"
#include "tools/options.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPT_JSON = GU_OPTION_LONG };

static const struct gu_option options[] = {
	{OPT_JSON, "json", NULL, "print JSON"},
	{0},
};

struct counts {
	uint64_t functions, rows, inlines, bad;
};

struct subject {
	const char *path;
	const struct gu_elf_file *file;
	const struct gu_image *image;
	const struct gu_module *module;
	struct gu_elf_traits traits;
	struct counts counts;
};

/* --- values -------------------------------------------------------------- */

/* Escaped, since JSON takes valid UTF-8 only. */
static json_t *text(struct gu_str s)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) buf;

	gu_buf_init(&buf, false);
	gu_text_escape(&buf, s);
	return json_stringn(buf.n ? (const char *)buf.p : "", buf.n);
}

static json_t *text_or_null(struct gu_str s)
{
	return s.n ? text(s) : json_null();
}

static json_t *address(uint64_t addr)
{
	return json_sprintf("0x%" PRIx64, addr);
}

static json_t *hex(struct gu_str bytes)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) buf;
	size_t i;

	gu_buf_init(&buf, false);
	for (i = 0; i < bytes.n; i++)
		gu_buf_printf(&buf, "%02x", (unsigned char)bytes.p[i]);
	return text_or_null((struct gu_str){(const char *)buf.p, buf.n});
}

/* What is before the first C of *REST, which moves beyond it. */
static struct gu_str cut(struct gu_str *rest, char c)
{
	const char *at = rest->n ? memchr(rest->p, c, rest->n) : NULL;
	struct gu_str head = *rest;

	if (!at) {
		rest->n = 0;
		return head;
	}
	head.n = (size_t)(at - rest->p);
	rest->p = at + 1;
	rest->n -= head.n + 1;
	return head;
}

/* A module of build info: "PATH\tVERSION\tSUM". */
static json_t *module_value(struct gu_str rest)
{
	json_t *value = json_object();

	json_object_set_new(value, "path", text(cut(&rest, '\t')));
	json_object_set_new(value, "version", text_or_null(cut(&rest, '\t')));
	json_object_set_new(value, "sum", text_or_null(cut(&rest, '\t')));
	return value;
}

/* --- fields -------------------------------------------------------------- */

static json_t *get_file(const struct subject *s)
{
	return text(gu_str(s->path));
}

static json_t *get_format(const struct subject *s)
{
	return json_sprintf("ELF %d-bit %s-endian", s->image->mem.ptr_size * 8,
		s->image->mem.be ? "big" : "little");
}

/* GOARCH; of MIPS the engine's name leaves the byte order to the image. */
static json_t *get_arch(const struct subject *s)
{
	enum gu_arch arch = s->image->arch;
	bool le = (arch == GU_ARCH_MIPS || arch == GU_ARCH_MIPS64) &&
		!s->image->mem.be;

	return json_sprintf("%s%s", gu_arch_name(arch), le ? "le" : "");
}

static json_t *get_version(const struct subject *s)
{
	const struct gu_go_version *v = &s->module->version;

	if (*s->module->version_text)
		return text(gu_str(s->module->version_text));
	if (v->lo == v->hi)
		return json_sprintf("go1.%d", v->lo);
	return json_sprintf("go1.%d to go1.%d", v->lo, v->hi);
}

/* The first line of build info of that KIND. */
static struct gu_str build_line(const struct subject *s, const char *kind)
{
	struct gu_str k, rest;
	size_t pos = 0;

	while (s->module->has_build &&
		gu_buildinfo_next(&s->module->build, &pos, &k, &rest))
		if (gu_str_eq(k, gu_str(kind)))
			return rest;
	return (struct gu_str){NULL, 0};
}

static json_t *get_package(const struct subject *s)
{
	return text_or_null(build_line(s, "path"));
}

static json_t *get_main_module(const struct subject *s)
{
	struct gu_str rest = build_line(s, "mod");

	return rest.n ? module_value(rest) : json_null();
}

static json_t *get_dependencies(const struct subject *s)
{
	json_t *list = json_array(), *last = NULL;
	struct gu_str kind, rest;
	size_t pos = 0;

	while (s->module->has_build &&
		gu_buildinfo_next(&s->module->build, &pos, &kind, &rest)) {
		if (gu_str_eq(kind, gu_str("dep"))) {
			last = module_value(rest);
			json_array_append_new(list, last);
		} else if (last && gu_str_eq(kind, gu_str("=>"))) {
			json_object_set_new(last, "replaced_by",
				module_value(rest));
		}
	}
	return list;
}

static json_t *get_settings(const struct subject *s)
{
	json_t *settings = json_object(), *key;
	struct gu_str kind, rest;
	size_t pos = 0;

	while (s->module->has_build &&
		gu_buildinfo_next(&s->module->build, &pos, &kind, &rest)) {
		if (!gu_str_eq(kind, gu_str("build")))
			continue;
		key = text(cut(&rest, '='));
		if (json_is_string(key))
			json_object_set_new(settings, json_string_value(key),
				text(rest));
		json_decref(key);
	}
	return settings;
}

static json_t *get_gnu_build_id(const struct subject *s)
{
	return hex(gu_elf_file_build_id(s->file));
}

static json_t *get_go_build_id(const struct subject *s)
{
	return text_or_null(gu_elf_file_go_build_id(s->file));
}

static json_t *get_build_mode(const struct subject *s)
{
	const struct gu_moduledata *md = &s->module->md;

	if (!s->image->is_dyn)
		return json_string("exe");
	if (s->traits.is_pie)
		return json_string("pie");
	if (!s->module->has_md)
		return json_null();
	return json_string(md->pluginpath.len ? "plugin"
			: md->hasmain	      ? "pie"
					      : "c-shared");
}

/*
 * Go's own linker leaves none of these; a C compiler's start files bring the
 * first two into every program, the linker it runs makes the third.
 */
static json_t *get_link_mode(const struct subject *s)
{
	static const char *const foreign[] = {
		".init", ".comment", ".eh_frame_hdr"};
	size_t i;

	if (!s->image->nsections)
		return json_null();
	for (i = 0; i < GU_COUNT(foreign); i++)
		if (gu_image_section(s->image, foreign[i]))
			return json_string("external");
	return json_string("internal");
}

/* Every release links this function of runtime/cgo, and only with cgo. */
static json_t *get_cgo(const struct subject *s)
{
	const struct gu_pclntab *tab = &s->module->tab;
	struct gu_func func;
	uint32_t i;

	for (i = 0; i < tab->nfunc; i++)
		if (gu_pclntab_func(tab, i, NULL, &func) == GU_OK &&
			gu_str_eq(gu_func_name(tab, &func),
				gu_str("crosscall2")))
			return json_true();
	return json_false();
}

static json_t *get_stripped(const struct subject *s)
{
	return json_pack("{sb sb sb}", "symbol_table", !s->traits.has_symtab,
		"debug_info", !s->traits.has_debug_info, "section_headers",
		s->image->nsections == 0);
}

static json_t *get_recoverable(const struct subject *s)
{
	return json_pack("{sb sb sb sb sb}", "functions",
		s->counts.functions > 0, "files", s->module->tab.nfiles > 0,
		"lines", s->counts.rows > 0, "inlined_calls",
		s->counts.inlines > 0, "types",
		s->module->has_md &&
			s->module->md.types < s->module->md.etypes);
}

static json_t *get_counts(const struct subject *s)
{
	const struct counts *counts = &s->counts;
	json_t *value = json_pack("{sI sI sI sI}", "functions",
		(json_int_t)counts->functions, "files",
		(json_int_t)s->module->tab.nfiles, "line_rows",
		(json_int_t)counts->rows, "inlined_ranges",
		(json_int_t)counts->inlines);

	if (counts->bad)
		json_object_set_new(value, "unreadable_functions",
			json_integer((json_int_t)counts->bad));
	return value;
}

static json_t *get_code(const struct subject *s)
{
	return json_sprintf("0x%" PRIx64 "-0x%" PRIx64, s->module->lo,
		s->module->hi);
}

static json_t *get_pclntab(const struct subject *s)
{
	static const char *const forms[] = {[GU_PCLNTAB_1_2] = "1.2",
		[GU_PCLNTAB_1_16] = "1.16", [GU_PCLNTAB_1_18] = "1.18",
		[GU_PCLNTAB_1_20] = "1.20"};
	const struct gu_pclntab *tab = &s->module->tab;

	return json_pack("{so ss sI}", "address", address(tab->addr), "form",
		forms[tab->form], "size", (json_int_t)tab->bytes.n);
}

static json_t *get_moduledata(const struct subject *s)
{
	const struct gu_moduledata *md = &s->module->md;

	if (!s->module->has_md)
		return json_null();
	return json_pack("{so ss sI}", "address", address(md->addr), "form",
		md->form, "size", (json_int_t)md->size);
}

static const struct field {
	const char *key, *label;
	json_t *(*get)(const struct subject *s);
} fields[] = {
	{"file", "File", get_file},
	{"format", "Format", get_format},
	{"arch", "Architecture", get_arch},
	{"go_version", "Go version", get_version},
	{"main_package", "Main package", get_package},
	{"main_module", "Main module", get_main_module},
	{"dependencies", "Dependencies", get_dependencies},
	{"build_settings", "Build settings", get_settings},
	{"gnu_build_id", "GNU build id", get_gnu_build_id},
	{"go_build_id", "Go build id", get_go_build_id},
	{"build_mode", "Build mode", get_build_mode},
	{"link_mode", "Link mode", get_link_mode},
	{"cgo", "Uses cgo", get_cgo},
	{"stripped", "Stripped", get_stripped},
	{"recoverable", "Recoverable", get_recoverable},
	{"counts", "Counts", get_counts},
	{"go_code", "Go code", get_code},
	{"pclntab", "pclntab", get_pclntab},
	{"moduledata", "moduledata", get_moduledata},
};

/* --- text ---------------------------------------------------------------- */

/* A key of --json in words. */
static void print_words(const char *key)
{
	for (; *key; key++)
		putchar(*key == '_' ? ' ' : *key);
}

static void print_scalar(const json_t *value)
{
	if (json_is_string(value))
		fputs(json_string_value(value), stdout);
	else if (json_is_integer(value))
		printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_boolean(value))
		fputs(json_is_true(value) ? "yes" : "no", stdout);
}

/* "a, b" of {a: true, b: true, c: false}; "a 1, b x" of other members. */
static void print_members(json_t *object)
{
	const char *key, *gap = "";
	json_t *value;

	json_object_foreach(object, key, value) {
		if (json_is_false(value) || json_is_null(value))
			continue;
		fputs(gap, stdout);
		print_words(key);
		if (!json_is_true(value)) {
			putchar(' ');
			print_scalar(value);
		}
		gap = ", ";
	}
	if (!*gap)
		fputs("nothing", stdout);
}

static void print_settings(json_t *settings)
{
	const char *key, *gap = "";
	json_t *value;

	json_object_foreach(settings, key, value) {
		printf("%s%s=", gap, key);
		print_scalar(value);
		gap = "\n                ";
	}
}

static void print_value(const struct field *field, json_t *value)
{
	printf("%-15s ", field->label);
	if (json_is_null(value))
		fputs("not recorded", stdout);
	else if (json_is_array(value))
		printf("%zu", json_array_size(value));
	else if (field->get == get_settings && json_object_size(value))
		print_settings(value);
	else if (json_is_object(value))
		print_members(value);
	else
		print_scalar(value);
	putchar('\n');
}

static void print_text(const json_t *info)
{
	size_t i;

	for (i = 0; i < GU_COUNT(fields); i++)
		print_value(&fields[i],
			json_object_get(info, fields[i].key));
}

static struct counts count(const struct gu_module *module)
{
	struct counts counts = {0};
	struct gu_pcvalue inlines;
	struct gu_lines lines;
	struct gu_func func;
	struct gu_line line;
	uint32_t i;

	for (i = 0; i < module->tab.nfunc; i++) {
		if (gu_pclntab_func(&module->tab, i, NULL, &func)) {
			counts.bad++;
			continue;
		}
		counts.functions++;
		gu_lines_init(&lines, &module->tab, &func);
		while (gu_lines_next(&lines, &line))
			counts.rows++;
		gu_pcvalue_init(&inlines, &module->tab, &func,
			gu_module_inline_table(module, &func));
		while (gu_pcvalue_next(&inlines))
			counts.inlines += inlines.value >= 0;
	}
	return counts;
}

static json_t *gather(const struct subject *subject)
{
	json_t *info = json_object();
	size_t i;

	for (i = 0; i < GU_COUNT(fields); i++)
		if (json_object_set_new(info, fields[i].key,
			    fields[i].get(subject))) {
			json_decref(info);
			return NULL;
		}
	return info;
}

static int print_info(const char *path, const struct gu_input *input,
	bool as_json)
{
	struct subject subject = {
		.path = path,
		.file = input->file,
		.image = gu_elf_file_image(input->file),
		.module = input->module,
		.traits = gu_elf_file_traits(input->file),
		.counts = count(input->module),
	};
	json_t *info = gather(&subject);

	if (!info) {
		gu_complain(path, "out of memory");
		return GU_EXIT_FAILED;
	}
	if (as_json) {
		json_dumpf(info, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_text(info);
	}
	json_decref(info);
	return GU_EXIT_OK;
}

static int run(const struct gu_command *self, int argc, char **argv)
{
	struct gu_options parser;
	struct gu_input input;
	bool as_json = false;
	const char *path;
	int c, code;

	gu_options_init(&parser, self, argc, argv);
	while ((c = gu_options_next(&parser)) != -1)
		as_json |= c == OPT_JSON;
	path = gu_options_operand(&parser);
	if (!gu_input_open(path, &input))
		return GU_EXIT_FAILED;
	code = print_info(path, &input, as_json);
	gu_input_close(&input);
	return code;
}

const struct gu_command gu_cmd_info = {
	.name = "info",
	.brief = "what a Go program is, lacks, and can give back",
	.operands = "[OPTION]... FILE",
	.about =
"Print the Go version, modules and build settings of FILE, how it was linked,\n"
"what was stripped from it and what can be recovered.",
	.options = options,
	.run = run,
};
