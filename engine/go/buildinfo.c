/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/go/buildinfo.h"

#include "engine/base/math.h"

#include <stdlib.h>

/* Go src/debug/buildinfo/buildinfo.go, buildInfoMagic and the header's form. */
static const uint8_t magic[] = "\xff Go buildinf:";
enum {
	MAGIC_SIZE = 14,
	HEADER_SIZE = 32,
	ALIGN = 16,
	FLAG_BIG_ENDIAN = 1,
	FLAG_INLINE = 2,        /* 1.18 and on: strings follow the header */
	STRING_MAX = 1 << 24,   /* the largest modinfo seen has 60 KB */
	MODINFO_MARK = 16,      /* bytes of marker at each end of modinfo */
	CHUNK = 1 << 16,
};

struct header {
	uint64_t addr;
	uint8_t ptr_size, flags;
};

static bool parse_header(const uint8_t *p, uint64_t addr, struct header *out)
{
	if (memcmp(p, magic, MAGIC_SIZE) != 0)
		return false;
	*out = (struct header){addr, p[MAGIC_SIZE], p[MAGIC_SIZE + 1]};
	return (out->flags & FLAG_INLINE) || out->ptr_size == 4 ||
		out->ptr_size == 8;
}

static enum gu_status scan_range(const struct gu_image *image, uint64_t addr,
	uint64_t size, uint8_t *chunk, struct gu_diag *diag, struct header *out)
{
	uint64_t end, at = gu_align_up(addr, ALIGN);

	if (!gu_add(addr, size, &end) || at < addr)
		return GU_NOT_FOUND;
	while (at < end && end - at >= HEADER_SIZE) {
		size_t n = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		enum gu_status st = gu_mem_read(&image->mem, at, chunk, n,
			diag);

		if (st)
			return st;
		for (size_t i = 0; i + HEADER_SIZE <= n; i += ALIGN)
			if (parse_header(chunk + i, at + i, out))
				return GU_OK;
		at += n < CHUNK ? n : CHUNK - HEADER_SIZE;
	}
	return GU_NOT_FOUND;
}

/*
 * Only data that the program may write can hold it; the magic itself also
 * stands, unaligned or not, among the constants of programs that read others'
 * build info.
 */
static enum gu_status find_header(const struct gu_image *image,
	struct gu_diag *diag, struct header *out)
{
	const struct gu_section *section =
		gu_image_section(image, ".go.buildinfo");
	uint8_t *chunk = malloc(CHUNK);
	enum gu_status st = GU_NOT_FOUND;

	if (!chunk)
		return gu_fail(diag, GU_NO_MEMORY, "no memory to scan with");
	if (section && section->addr)
		st = scan_range(image, section->addr, section->size, chunk,
			diag, out);
	if (st == GU_FAULT) /* a section header that lies */
		st = GU_NOT_FOUND;
	for (size_t i = 0; i < image->nsegments && st == GU_NOT_FOUND; i++)
		if (image->segments[i].write)
			st = scan_range(image, image->segments[i].addr,
				image->segments[i].file_size, chunk, diag, out);
	free(chunk);
	return st;
}

static enum gu_status fetch(const struct gu_image *image, uint64_t addr,
	uint64_t len, struct gu_diag *diag, struct gu_view *view,
	struct gu_str *out)
{
	enum gu_status st;

	if (len > STRING_MAX)
		return gu_fail_at(diag, GU_BAD_DATA, addr,
			"build info: a string of more than 16 MiB");
	st = gu_view_open(&image->mem, addr, len, diag, view);
	if (st)
		return gu_fail_in(diag, st, "build info");
	*out = (struct gu_str){(const char *)view->p, view->n};
	return GU_OK;
}

/* A uvarint length and the string behind it; *addr moves past both. */
static enum gu_status fetch_inline(const struct gu_image *image,
	uint64_t *addr, struct gu_diag *diag, struct gu_view *view,
	struct gu_str *out)
{
	uint8_t bytes[5];
	size_t n = 0;
	struct gu_cur cur;
	uint64_t len;
	enum gu_status st;

	do {
		st = gu_mem_read(&image->mem, *addr + n, &bytes[n], 1, diag);
		if (st)
			return st;
	} while ((bytes[n++] & 0x80) && n < sizeof bytes);
	cur = gu_cur(bytes, n, *addr, image->mem.be, "build info");
	len = gu_cur_uvarint32(&cur);
	st = gu_cur_status(&cur, diag);
	if (st)
		return st;
	st = fetch(image, *addr + n, len, diag, view, out);
	if (st == GU_OK)
		*addr += n + len;
	return st;
}

/* Up to 1.17: a pointer to a Go string {pointer, length}. */
static enum gu_status fetch_pointed(const struct gu_image *image,
	const struct header *header, unsigned index, struct gu_diag *diag,
	struct gu_view *view, struct gu_str *out)
{
	uint64_t size = header->ptr_size;
	uint64_t string, addr, len;
	enum gu_status st;

	if (size != image->mem.ptr_size ||
		((header->flags & FLAG_BIG_ENDIAN) != 0) != image->mem.be)
		return gu_fail_at(diag, GU_BAD_DATA, header->addr,
			"build info: of another pointer size or byte order");
	st = gu_mem_word(&image->mem, header->addr + ALIGN + index * size, diag,
		&string);
	if (st)
		return st;
	if (string == 0)
		return GU_OK;
	st = gu_mem_word(&image->mem, string, diag, &addr);
	if (st == GU_OK)
		st = gu_mem_word(&image->mem, string + size, diag, &len);
	if (st)
		return st;
	return fetch(image, addr, len, diag, view, out);
}

/* Go src/cmd/go/internal/modload/build.go: ModInfoData's markers. */
static void trim_modinfo(struct gu_str *s)
{
	if (s->n >= (size_t)2 * MODINFO_MARK + 1 &&
		s->p[s->n - MODINFO_MARK - 1] == '\n') {
		s->p += MODINFO_MARK;
		s->n -= (size_t)2 * MODINFO_MARK;
	} else {
		s->n = 0;
	}
}

enum gu_status gu_buildinfo_open(const struct gu_image *image,
	struct gu_diag *diag, struct gu_buildinfo *out)
{
	struct gu_buildinfo info = {0};
	struct header header;
	uint64_t at;
	enum gu_status st = find_header(image, diag, &header);

	if (st)
		return st;
	if (header.flags & FLAG_INLINE) {
		at = header.addr + HEADER_SIZE;
		st = fetch_inline(image, &at, diag, &info.version_bytes,
			&info.version);
		if (st == GU_OK)
			st = fetch_inline(image, &at, diag,
				&info.modinfo_bytes, &info.modinfo);
	} else {
		st = fetch_pointed(image, &header, 0, diag,
			&info.version_bytes, &info.version);
		if (st == GU_OK)
			st = fetch_pointed(image, &header, 1, diag,
				&info.modinfo_bytes, &info.modinfo);
	}
	if (st) {
		gu_buildinfo_close(&info);
		return st;
	}
	trim_modinfo(&info.modinfo);
	*out = info;
	return GU_OK;
}

void gu_buildinfo_close(struct gu_buildinfo *info)
{
	gu_view_close(&info->version_bytes);
	gu_view_close(&info->modinfo_bytes);
	*info = (struct gu_buildinfo){0};
}

/* Split S at the first C: what stands before; *rest: behind, or empty. */
static struct gu_str split(struct gu_str s, char c, struct gu_str *rest)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
	struct gu_str head = s;

	*rest = (struct gu_str){s.p + s.n, 0};
	if (at) {
		head.n = (size_t)(at - s.p);
		rest->p = at + 1;
		rest->n = s.n - head.n - 1;
	}
	return head;
}

bool gu_buildinfo_next(const struct gu_buildinfo *info, size_t *pos,
	struct gu_str *kind, struct gu_str *rest)
{
	struct gu_str left, line, after;

	while (*pos < info->modinfo.n) {
		left.p = info->modinfo.p + *pos;
		left.n = info->modinfo.n - *pos;
		line = split(left, '\n', &after);
		*pos += line.n + 1;
		*kind = split(line, '\t', rest);
		if (kind->n)
			return true;
	}
	return false;
}
