/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/go/rtstring.h"

#include "engine/base/math.h"

enum { MODINFO_MAX = 64 << 20 };

/* Go src/cmd/go/internal/modload/build.go, infoStart. */
static const uint8_t modinfo_mark[] = {0x30, 0x77, 0xaf, 0x0c, 0x92, 0x74, 0x08,
	0x02, 0x41, 0xe1, 0xc1, 0x07, 0xe6, 0xd6, 0x18, 0xe6};

static bool is_version(struct gu_str text, struct gu_str expected)
{
	struct gu_go_version version;

	if (expected.n && !gu_str_eq(text, expected))
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] > '~')
			return false;
	return gu_go_version_parse(text, NULL, &version) == GU_OK;
}

/* As gu_rtstring_at, of the string [ADDR, ADDR + LEN) itself. */
static bool says(const struct gu_image *image, enum gu_rtstring_kind kind,
	uint64_t addr, uint64_t len, struct gu_str expected, char *text)
{
	char bytes[GU_RTSTRING_VERSION_MAX];
	size_t n = kind == GU_RTSTRING_MODINFO ? sizeof modinfo_mark
					       : (size_t)len;
	const struct gu_segment *segment;

	if (len < 4 || len > (kind == GU_RTSTRING_MODINFO ? MODINFO_MAX
				     : GU_RTSTRING_VERSION_MAX - 1) || n > len)
		return false;
	segment = gu_image_segment(image, addr, len);
	if (!segment || gu_mem_read(&image->mem, addr, bytes, n, NULL))
		return false;
	if (kind == GU_RTSTRING_MODINFO)
		return memcmp(bytes, modinfo_mark, n) == 0;
	if (!is_version((struct gu_str){bytes, n}, expected))
		return false;
	if (text) {
		memcpy(text, bytes, n);
		text[n] = 0;
	}
	return true;
}

bool gu_rtstring_at(const struct gu_image *image, enum gu_rtstring_kind kind,
	uint64_t addr, struct gu_str expected, char *text)
{
	uint64_t p, len;

	return gu_mem_word(&image->mem, addr, NULL, &p) == GU_OK &&
		gu_mem_word(&image->mem, addr + image->mem.ptr_size, NULL,
			&len) == GU_OK &&
		says(image, kind, p, len, expected, text);
}

uint64_t gu_rtstring_find(const struct gu_image *image,
	const struct gu_moduledata *md, enum gu_rtstring_kind kind,
	struct gu_str expected, char *text)
{
	struct gu_view gu_cleanup(gu_view_close) view = {0};
	unsigned ptr = image->mem.ptr_size;
	uint64_t found = 0, p, len = 0;
	struct gu_cur cur;

	if (md->data >= md->edata || gu_view_open(&image->mem, md->data,
		md->edata - md->data, NULL, &view))
		return 0;
	cur = gu_view_cur(&view, &image->mem, "variables");
	for (uint64_t at = md->data; gu_cur_ok(&cur); at += ptr) {
		p = len;
		len = gu_cur_word(&cur, ptr);
		if (at == md->data || !says(image, kind, p, len, expected,
			text))
			continue;
		if (found)
			return 0;
		found = at - ptr;
	}
	return found;
}
