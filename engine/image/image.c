/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/image/image.h"

#include "engine/base/math.h"

const char *gu_arch_name(enum gu_arch arch)
{
	static const char *const names[] = {
		[GU_ARCH_UNKNOWN] = "unknown",
		[GU_ARCH_AMD64] = "amd64",
		[GU_ARCH_386] = "386",
		[GU_ARCH_ARM64] = "arm64",
		[GU_ARCH_ARM] = "arm",
		[GU_ARCH_RISCV64] = "riscv64",
		[GU_ARCH_PPC64] = "ppc64",
		[GU_ARCH_PPC64LE] = "ppc64le",
		[GU_ARCH_S390X] = "s390x",
		[GU_ARCH_MIPS] = "mips",
		[GU_ARCH_MIPS64] = "mips64",
		[GU_ARCH_LOONG64] = "loong64",
	};

	if ((size_t)arch >= GU_COUNT(names))
		return names[GU_ARCH_UNKNOWN];
	return names[arch];
}

const struct gu_section *gu_image_section(const struct gu_image *image,
	const char *name)
{
	struct gu_str wanted = gu_str(name);

	for (size_t i = 0; i < image->nsections; i++)
		if (gu_str_eq(image->sections[i].name, wanted))
			return &image->sections[i];
	return NULL;
}

const struct gu_segment *gu_segment_find(const struct gu_segment *segments,
	size_t n, uint64_t addr)
{
	size_t lo = 0, hi = n;

	/* The last segment that starts at or below ADDR is at lo - 1. */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (segments[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return NULL;
	lo--;
	return addr - segments[lo].addr < segments[lo].mem_size ? &segments[lo]
								: NULL;
}

const struct gu_segment *gu_image_segment(const struct gu_image *image,
	uint64_t addr, uint64_t len)
{
	const struct gu_segment *seg;

	seg = gu_segment_find(image->segments, image->nsegments, addr);
	if (!seg || !gu_within(addr - seg->addr, len, seg->mem_size))
		return NULL;
	return seg;
}
