/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/emit/text.h"

#include <inttypes.h>
#include <stdlib.h>

/* Bytes of the UTF-8 sequence at P (at most N); 0 if there is none. */
static size_t utf8_length(const uint8_t *p, size_t n)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3
		: p[0] >> 3 == 30				     ? 4
								     : 0;
	uint32_t c;
	size_t i;

	if (len == 0 || len > n)
		return 0;
	if (len == 1)
		return 1;
	c = p[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	/* not the shortest form, a surrogate, or beyond Unicode */
	if (c < least[len] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return 0;
	return len;
}

/* C0, DEL, and C1 as UTF-8 (U+0080 to U+009F). */
static bool is_control(const uint8_t *p, size_t len)
{
	return p[0] < 0x20 || p[0] == 0x7f ||
		(len == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

/* How many bytes are nothing but themselves: most, of most text. */
static size_t plain_length(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] >= 0x20 && p[i] < 0x7f && p[i] != '\\')
		i++;
	return i;
}

void gu_text_escape(struct gu_buf *out, struct gu_str s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t left, len, i;

	for (left = s.n; left; p += len, left -= len) {
		len = plain_length(p, left);
		if (len) {
			gu_buf_bytes(out, p, len);
			continue;
		}
		len = utf8_length(p, left);
		if (*p == '\\') {
			gu_buf_str(out, gu_str("\\\\"));
		} else if (len && !is_control(p, len)) {
			gu_buf_bytes(out, p, len);
		} else {
			len = len ? len : 1;
			for (i = 0; i < len; i++)
				gu_buf_printf(out, "\\x%02x", p[i]);
		}
	}
}

void gu_text_echo(struct gu_buf *out, struct gu_str text)
{
	const uint8_t *p = (const uint8_t *)text.p;
	size_t len;

	gu_buf_str(out, gu_str("echo "));
	for (size_t i = 0; i < text.n; i += len) {
		len = utf8_length(p + i, text.n - i);
		if (p[i] != '\t' && (!len || is_control(p + i, len))) {
			len = 1;
			gu_buf_printf(out, "\\134x%02x", p[i]);
		/* a blank that leads would be dropped, $arg0 replaced */
		} else if (p[i] == '\\' || p[i] == '$' ||
			(i == 0 && p[i] <= ' ')) {
			gu_buf_printf(out, "\\%03o", p[i]);
		} else {
			gu_buf_bytes(out, p + i, len);
		}
	}
	gu_buf_str(out, gu_str("\\n\n"));
}

void gu_text_place(struct gu_buf *out, struct gu_str file, int32_t line)
{
	if (file.n)
		gu_text_escape(out, file);
	else
		gu_buf_str(out, gu_str("??"));
	gu_buf_u8(out, ':');
	gu_buf_decimal(out, line > 0 ? (uint64_t)line : 0);
}

static void put_bad(struct gu_buf *out, const char *what,
	const struct gu_diag *diag)
{
	gu_buf_printf(out, "  bad %s: ", what);
	gu_text_escape(out, gu_str(diag->text));
	gu_buf_u8(out, '\n');
}

static void put_function(const struct gu_module *module,
	const struct gu_func *func, struct gu_buf *out)
{
	struct gu_call calls[GU_CALLS_MAX];
	struct gu_diag diag;
	size_t n;

	gu_buf_printf(out, "function 0x%" PRIx64 "-0x%" PRIx64 " ", func->entry,
		gu_func_end(&module->tab, func));
	gu_text_escape(out, gu_func_name(&module->tab, func));
	gu_buf_u8(out, '\n');
	if (gu_module_calls(module, func, func->entry, calls, GU_CALLS_MAX,
		    &diag, &n)) {
		put_bad(out, "declaration", &diag);
		return;
	}
	if (!calls[n - 1].file.n)
		return;
	gu_buf_str(out, gu_str("  declared "));
	gu_text_place(out, calls[n - 1].file, func->start_line);
	gu_buf_u8(out, '\n');
}

static void put_lines(const struct gu_module *module,
	const struct gu_func *func, struct gu_buf *out)
{
	struct gu_lines it;
	struct gu_line line;

	gu_lines_init(&it, &module->tab, func);
	while (gu_lines_next(&it, &line)) {
		gu_buf_printf(out, "  line 0x%" PRIx64 "-0x%" PRIx64 " ",
			line.start, line.end);
		gu_text_place(out,
			gu_func_file(&module->tab, func, line.file), line.line);
		gu_buf_u8(out, '\n');
	}
	if (it.file.bad || it.line.bad)
		gu_buf_str(out, gu_str("  bad lines: a malformed table\n"));
}

static void put_chain(const struct gu_call *calls, size_t n,
	const struct gu_pcvalue *at, struct gu_buf *out)
{
	size_t i;

	gu_buf_printf(out, "  inline 0x%" PRIx64 "-0x%" PRIx64 " ", at->start,
		at->end);
	for (i = 0; i < n; i++) {
		gu_text_escape(out, calls[i].name);
		if (i + 1 == n)
			break;
		gu_buf_str(out, gu_str(" at "));
		gu_text_place(out, calls[i + 1].file, calls[i + 1].line);
		gu_buf_str(out, gu_str(" < "));
	}
	gu_buf_u8(out, '\n');
}

static void put_inlines(const struct gu_module *module,
	const struct gu_func *func, struct gu_buf *out)
{
	struct gu_call calls[GU_CALLS_MAX];
	struct gu_pcvalue it;
	struct gu_diag diag;
	size_t n;

	gu_pcvalue_init(&it, &module->tab, func,
		gu_module_inline_table(module, func));
	while (gu_pcvalue_next(&it)) {
		if (it.value < 0)
			continue;
		if (gu_module_calls(module, func, it.start, calls,
			    GU_CALLS_MAX, &diag, &n)) {
			put_bad(out, "inlined call", &diag);
			return;
		}
		put_chain(calls, n, &it, out);
	}
	if (it.bad)
		gu_buf_str(out, gu_str("  bad inlined calls: "
				       "a malformed table\n"));
}

enum gu_status gu_text_function(const struct gu_module *module,
	const struct gu_func *func, struct gu_text_parts parts,
	struct gu_diag *diag, struct gu_buf *out)
{
	if (parts.functions)
		put_function(module, func, out);
	if (parts.lines)
		put_lines(module, func, out);
	if (parts.inlines)
		put_inlines(module, func, out);
	return gu_buf_status(out, diag);
}

static int compare_str(const void *a, const void *b)
{
	const struct gu_str *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	int d = n ? memcmp(x->p, y->p, n) : 0;

	return d ? d : (x->n > y->n) - (x->n < y->n);
}

/* KEYS: of the last few files, so that most repetitions are dropped early. */
static void collect_files(const struct gu_module *module,
	const struct gu_func *func, uint32_t keys[8], struct gu_buf *names)
{
	struct gu_pcvalue it;
	struct gu_str name;
	uint32_t key;

	gu_pcvalue_init(&it, &module->tab, func, func->pcfile);
	while (gu_pcvalue_next(&it)) {
		key = gu_func_file_key(&module->tab, func, it.value);
		if (key == UINT32_MAX || keys[key % 8] == key)
			continue;
		keys[key % 8] = key;
		name = gu_pclntab_file(&module->tab, key);
		gu_buf_bytes(names, &name, sizeof name);
	}
}

enum gu_status gu_text_files(const struct gu_module *module,
	struct gu_diag *diag, struct gu_buf *out)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) names;
	uint32_t keys[8], i;
	struct gu_str *name;
	struct gu_func func;
	enum gu_status status;
	size_t n, k;

	gu_buf_init(&names, false);
	memset(keys, 0xff, sizeof keys);
	for (i = 0; i < module->tab.nfunc; i++)
		if (gu_pclntab_func(&module->tab, i, NULL, &func) == GU_OK)
			collect_files(module, &func, keys, &names);
	status = gu_buf_status(&names, diag);
	if (status || names.n == 0)
		return status;
	name = (struct gu_str *)(void *)names.p;
	n = names.n / sizeof *name;
	qsort(name, n, sizeof *name, compare_str);
	for (k = 0; k < n; k++) {
		if (k > 0 && gu_str_eq(name[k - 1], name[k]))
			continue;
		gu_buf_str(out, gu_str("file "));
		gu_text_escape(out, name[k]);
		gu_buf_u8(out, '\n');
	}
	return gu_buf_status(out, diag);
}
