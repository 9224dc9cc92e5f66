/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where in an image a pclntab may be. */
#include "engine/go/pclntab.h"

#include "engine/base/math.h"

#include <stdlib.h>

/*
 * Go's linkers put the table into one of these (go-layouts 1.2); lld and
 * external PIE links leave it inside .data.rel.ro without a name.
 */
static const char *const section_names[] = {
	".gopclntab",
	".data.rel.ro.gopclntab",
};

enum {
	CHUNK = 1 << 20, /* bytes read at once while scanning */
	MAGIC_SIZE = 8,  /* magic, two zeros, quantum, pointer size */
};

static bool may_be_header(const uint8_t *p, bool be, uint8_t ptr_size)
{
	/* 0xffffff, f0 or f1, fa or fb */
	uint8_t low = be ? p[3] : p[0];

	return (be ? p[0] : p[3]) == 0xff && p[1 + !be] == 0xff &&
		p[1 + be] == 0xff && p[4] == 0 && p[5] == 0 &&
		p[7] == ptr_size &&
		(low == 0xf0 || low == 0xf1 || low == 0xfa || low == 0xfb);
}

static bool is_header(const struct gu_image *image, uint64_t addr)
{
	struct gu_pclntab_header header;

	return gu_pclntab_header(image, addr, NULL, &header) == GU_OK;
}

static enum gu_status next_section(const struct gu_image *image,
	struct gu_pclntab_search *search, uint64_t *out)
{
	while (search->section < GU_COUNT(section_names)) {
		const struct gu_section *s = gu_image_section(image,
			section_names[search->section++]);

		if (s && s->addr && is_header(image, s->addr)) {
			*out = s->addr;
			return GU_OK;
		}
	}
	return GU_NOT_FOUND;
}

/* Scan the file's bytes of one segment, from search->off on. */
static enum gu_status scan_segment(const struct gu_image *image,
	const struct gu_segment *seg, uint8_t *chunk,
	struct gu_pclntab_search *search, struct gu_diag *diag, uint64_t *out)
{
	uint8_t step = image->mem.ptr_size;

	while (search->off < seg->file_size &&
		seg->file_size - search->off >= MAGIC_SIZE) {
		uint64_t left = seg->file_size - search->off;
		size_t n = left < CHUNK ? (size_t)left : CHUNK;
		enum gu_status st = gu_mem_read(&image->mem,
			seg->addr + search->off, chunk, n, diag);

		if (st)
			return st;
		for (size_t i = 0; i + MAGIC_SIZE <= n; i += step)
			if (may_be_header(chunk + i, image->mem.be, step) &&
				is_header(image, seg->addr + search->off + i)) {
				*out = seg->addr + search->off + i;
				search->off += i + step;
				return GU_OK;
			}
		search->off += n < CHUNK ? n : CHUNK - MAGIC_SIZE;
	}
	return GU_NOT_FOUND;
}

enum gu_status gu_pclntab_next(const struct gu_image *image,
	struct gu_pclntab_search *search, struct gu_diag *diag, uint64_t *out)
{
	enum gu_status st = next_section(image, search, out);
	uint8_t *chunk;

	if (st != GU_NOT_FOUND)
		return st;
	chunk = malloc(CHUNK);
	if (!chunk)
		return gu_fail(diag, GU_NO_MEMORY, "no memory to scan with");
	while (search->segment < image->nsegments) {
		st = scan_segment(image, &image->segments[search->segment],
			chunk, search, diag, out);
		if (st != GU_NOT_FOUND)
			break;
		search->segment++;
		search->off = 0;
	}
	free(chunk);
	return st;
}
