/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/compress.h"

#include "engine/base/math.h"

#include <elf.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

/* As fast as writing the file is, and within a tenth of the best. */
enum { ZLIB_LEVEL = 6, ZSTD_LEVEL = 3 };

static void by_zlib(const uint8_t *data, size_t n, struct gu_buf *out)
{
	uLongf size = compressBound(n);

	if (!gu_buf_reserve(out, size))
		return;
	/* there is room: only memory can be short */
	if (compress2(out->p + out->n, &size, data, n, ZLIB_LEVEL) == Z_OK)
		out->n += size;
	else
		out->failed = true;
}

static void by_zstd(const uint8_t *data, size_t n, struct gu_buf *out)
{
	size_t size = ZSTD_compressBound(n);

	if (!gu_buf_reserve(out, size))
		return;
	size = ZSTD_compress(out->p + out->n, size, data, n, ZSTD_LEVEL);
	if (!ZSTD_isError(size))
		out->n += size;
	else
		out->failed = true;
}

enum { COMPRESS_ZSTD = 2 }; /* ELFCOMPRESS_ZSTD; glibc has it since 2.37 */

bool gu_compress_by(const char *name, struct gu_symfile_opts *opts)
{
	static const struct {
		const char *name;
		struct gu_compression how;
	} known[] = {
		{"none", {0, NULL}},
		{"zlib", {ELFCOMPRESS_ZLIB, by_zlib}},
		{"zstd", {COMPRESS_ZSTD, by_zstd}},
	};

	for (size_t i = 0; i < GU_COUNT(known); i++)
		if (strcmp(name, known[i].name) == 0) {
			opts->compression = known[i].how;
			return true;
		}
	return false;
}
