/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Compression of sections.  Here and not in the engine, since the reader, which
 * has all of that, would then need the libraries too.
 */
#ifndef GU_TOOLS_COMPRESS_H
#define GU_TOOLS_COMPRESS_H

#include "engine/emit/symfile.h"

/* Make OPTS compress by NAME ("none", "zlib", "zstd"); false: no such. */
bool gu_compress_by(const char *name, struct gu_symfile_opts *opts);

#endif
