/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A memory source: bytes by address.  The engine reads files, cores, processes
 * and GDB's target through this and through nothing else.
 *
 * A read is all or nothing.  GU_FAULT carries the first address that could not
 * be read, if the backend knows it, else the first that was asked for.
 */
#ifndef GU_BASE_MEM_H
#define GU_BASE_MEM_H

#include "engine/base/cursor.h"

struct gu_mem;

/* A stretch of readable addresses [addr, addr + size). */
struct gu_region {
	uint64_t addr, size;
	bool write, exec; /* mapped writable, executable */
};

struct gu_mem_ops {
	const char *name; /* for reports: "file", "core", "process", "gdb" … */

	/*
	 * Read [addr, addr + len) into BUF; BUF may be half-written on error.
	 */
	enum gu_status (*read)(void *ctx, uint64_t addr, void *buf, size_t len,
		struct gu_diag *diag);

	/*
	 * The first region that ends after ADDR, in address order;
	 * GU_NOT_FOUND after the last.  NULL if the backend cannot list.
	 */
	enum gu_status (*next_region)(void *ctx, uint64_t addr,
		struct gu_region *out);
};

/* Plain data; ctx belongs to whoever made it and must outlive this. */
struct gu_mem {
	const struct gu_mem_ops *ops;
	void *ctx;
	bool be;           /* the target's byte order */
	uint8_t ptr_size;  /* 4 or 8 */
};

enum gu_status gu_mem_read(const struct gu_mem *mem, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag) GU_MUST_CHECK;

/* One pointer-sized unsigned word. */
enum gu_status gu_mem_word(const struct gu_mem *mem, uint64_t addr,
	struct gu_diag *diag, uint64_t *out) GU_MUST_CHECK;

/*
 * How many bytes take as long as a question: what lies between two pieces is
 * read too if it is no more than that.  Measured with the GU_GAP_SAMPLE bytes
 * at ADDR, for from a core to a serial line it differs by a factor of a
 * thousand.
 */
enum { GU_GAP_SAMPLE = 8192, GU_GAP_MIN = 64, GU_GAP_MAX = 4096 };
size_t gu_mem_gap(const struct gu_mem *mem, uint64_t addr);

/* See next_region above; GU_UNSUPPORTED if the backend cannot list. */
enum gu_status gu_mem_next_region(const struct gu_mem *mem, uint64_t addr,
	struct gu_region *out) GU_MUST_CHECK;

/* Bytes fetched at once, owned by the view. */
struct gu_view {
	uint8_t *p;
	size_t n;
	uint64_t addr;
};

/*
 * Fetch LEN bytes at ADDR.  LEN comes from outside more often than not, so it
 * is refused above GU_VIEW_MAX.  GU_NO_MEMORY, GU_INVALID or as gu_mem_read.
 */
enum { GU_VIEW_MAX = 1 << 30 };
enum gu_status gu_view_open(const struct gu_mem *mem, uint64_t addr,
	uint64_t len, struct gu_diag *diag, struct gu_view *out) GU_MUST_CHECK;
void gu_view_close(struct gu_view *view); /* harmless on a zeroed view */

/* A cursor over the whole view. */
struct gu_cur gu_view_cur(const struct gu_view *view, const struct gu_mem *mem,
	const char *what);

/* Memory that is a buffer of the caller's, for tests and for fuzzing. */
struct gu_mem_buffer {
	const uint8_t *p;
	size_t n;
	uint64_t addr;
};
struct gu_mem gu_mem_of_buffer(struct gu_mem_buffer *buffer, bool be,
	uint8_t ptr_size);

#endif
