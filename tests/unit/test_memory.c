/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine/image: the cache, the splice, modules in memory, this very process. */
#include "engine/base/buf.h"
#include "engine/base/math.h"
#include "engine/image/cache.h"
#include "engine/image/elf_file.h"
#include "engine/image/process.h"
#include "engine/image/rebuild.h"
#include "engine/image/splice.h"
#include "tests/unit/tap.h"

#include <elf.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Memory that counts how it is read. */
enum { PAGE = 4096, BLOCK = 2 * PAGE };
enum { START = 3 * PAGE + 100, SIZE = 20 * PAGE };
struct counter {
	unsigned reads;
	size_t largest;
};

static uint8_t byte_at(uint64_t addr)
{
	return (uint8_t)(addr * 7 + addr / PAGE);
}

static enum gu_status counter_read(void *ctx, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	struct counter *c = ctx;
	uint8_t *p = buf;

	c->reads++;
	if (len > c->largest)
		c->largest = len;
	if (addr < START || !gu_within(addr - START, len, SIZE))
		return gu_fail_at(diag, GU_FAULT, addr, "outside");
	for (size_t i = 0; i < len; i++)
		p[i] = byte_at(addr + i);
	return GU_OK;
}

static enum gu_status counter_next_region(void *ctx, uint64_t addr,
	struct gu_region *out)
{
	(void)ctx;
	if (addr >= START + SIZE)
		return GU_NOT_FOUND;
	*out = (struct gu_region){START, SIZE, true, false};
	return GU_OK;
}

static const struct gu_mem_ops counter_ops = {
	.name = "counter",
	.read = counter_read,
	.next_region = counter_next_region,
};

static bool reads_right(const struct gu_mem *mem, uint64_t addr, size_t len)
{
	uint8_t *bytes = malloc(len);
	bool right = gu_mem_read(mem, addr, bytes, len, NULL) == GU_OK;

	for (size_t i = 0; right && i < len; i++)
		right = bytes[i] == byte_at(addr + i);
	free(bytes);
	return right;
}

static void test_cache(void)
{
	struct counter c = {0};
	struct gu_mem under = {&counter_ops, &c, true, 4}, mem;
	uint64_t second = (uint64_t)START / PAGE * PAGE + PAGE;
	struct gu_cache *cache;
	struct gu_region region;
	struct gu_diag diag;
	unsigned wrong = 0;

	is_status(gu_cache_create(&under, 0, &diag, &cache), GU_OK, &diag,
		"the smallest cache");
	mem = gu_cache_mem(cache);
	ok(mem.be && mem.ptr_size == 4, "has the memory's shape");
	for (unsigned i = 0; i < PAGE - 8; i += 8)
		wrong += !reads_right(&mem, second + i, 8);
	is_int(wrong, 0, "small reads of a page are right");
	is_int(c.reads, 1, "and cost one read");
	is_int(c.largest, BLOCK, "of its block");
	ok(reads_right(&mem, second + BLOCK - 3, 10), "over two blocks");
	is_int(c.reads, 2, "one more");
	c.reads = 0;
	ok(reads_right(&mem, START, 8), "a page that begins in a hole");
	is_int(c.reads, 3,
		"is tried in its block, as a whole, then passed through");
	ok(reads_right(&mem, START + 8, 8), "and again");
	is_int(c.reads, 4, "without trying");
	ok(reads_right(&mem, START + SIZE - 5, 5), "the last bytes");
	c.reads = 0;
	ok(reads_right(&mem, START, SIZE), "all of it");
	is_int(c.reads, 1, "goes straight through");

	is_status(gu_mem_read(&mem, START + SIZE - 2, &region, 3, &diag),
		GU_FAULT, NULL, "past the end");
	is_status(gu_mem_read(&mem, 0, &region, 3, &diag), GU_FAULT, NULL,
		"outside");
	is_status(gu_mem_read(&mem, UINT64_MAX - 1, &region, 2, &diag),
		GU_FAULT, NULL, "the last bytes of all");
	is_status(gu_mem_next_region(&mem, 0, &region), GU_OK, NULL,
		"regions are the memory's");
	is_int(region.addr, START, "own");
	/* more pages than slots, in an order that meets evicted ones */
	wrong = 0;
	for (unsigned i = 0; i < 4000; i++)
		wrong += !reads_right(&mem,
			START + (i * 2654435761U) % (SIZE - 300), 300);
	is_int(wrong, 0, "pages that share slots are told apart");
	gu_cache_destroy(cache);
	gu_cache_destroy(NULL);
}

/* The splice against an array that is overwritten in the same order. */
static void test_splice(void)
{
	enum { SPAN = 600, ROUNDS = 300 };
	uint8_t sources[4][SPAN], model[SPAN], known[SPAN] = {0}, out[SPAN];
	struct gu_mem_buffer buffers[4];
	struct gu_splice *splice;
	struct gu_diag diag;
	struct gu_mem mem;
	uint32_t seed = 1;
	unsigned wrong = 0, listed = 0;

	for (unsigned s = 0; s < 4; s++) {
		for (unsigned i = 0; i < SPAN; i++)
			sources[s][i] = (uint8_t)(s * 64 + i % 61);
		buffers[s] = (struct gu_mem_buffer){sources[s], SPAN, 0x100};
	}
	is_status(gu_splice_create(false, 8, &diag, &splice), GU_OK, &diag,
		"an empty splice");
	mem = gu_splice_mem(splice);
	is_status(gu_mem_read(&mem, 0x1000, out, 1, &diag), GU_FAULT, NULL,
		"has nothing");
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct gu_mem source;
		unsigned at, from, size;

		seed = seed * 1664525 + 1013904223; /* Knuth's */
		at = (seed >> 8) % SPAN;
		from = (seed >> 4) % SPAN;
		size = (seed >> 16) % 90;
		if (size > SPAN - at)
			size = SPAN - at;
		if (size > SPAN - from)
			size = SPAN - from;
		source = gu_mem_of_buffer(&buffers[round % 4], false, 8);
		if (gu_splice_add(splice, &source, 0x100 + from, size,
			    0x1000 + at, &diag) != GU_OK)
			wrong++;
		memcpy(model + at, sources[round % 4] + from, size);
		memset(known + at, 1, size);
		for (unsigned a = 0; a < SPAN; a += 7) {
			unsigned n = 1 + (a * 31 + round) % 50, k = 0;

			n = n > SPAN - a ? SPAN - a : n;
			while (k < n && known[a + k])
				k++;
			if (gu_mem_read(&mem, 0x1000 + a, out, n, &diag) ==
				GU_OK)
				wrong += k < n ||
					memcmp(out, model + a, n) != 0;
			else
				wrong += k == n || diag.addr != 0x1000 + a + k;
		}
	}
	is_int(wrong, 0, "what was added last wins, at every byte");
	for (uint64_t at = 0;;) {
		struct gu_region region;

		if (gu_mem_next_region(&mem, at, &region) != GU_OK)
			break;
		if (region.addr < 0x1000 || region.addr < at)
			wrong++;
		for (uint64_t i = 0; i < region.size; i++)
			listed += known[region.addr - 0x1000 + i];
		at = region.addr + region.size;
	}
	for (unsigned i = 0; i < SPAN; i++)
		listed -= known[i];
	is_int(listed, 0, "the regions are the bytes that it knows");
	is_int(wrong, 0, "in order");
	gu_splice_destroy(splice);
	gu_splice_destroy(NULL);
}

static void test_splice_edges(void)
{
	struct counter c = {0};
	struct gu_mem under = {&counter_ops, &c, false, 8}, mem;
	struct gu_splice *splice;
	struct gu_region region;
	struct gu_diag diag;
	uint8_t out[8];

	is_status(gu_splice_create(false, 8, &diag, &splice), GU_OK, &diag,
		"a splice");
	mem = gu_splice_mem(splice);
	is_status(gu_splice_add(splice, &under, 0, 0, 0x1000, &diag), GU_OK,
		&diag, "nothing is added");
	is_status(gu_mem_next_region(&mem, 0, &region), GU_NOT_FOUND, NULL,
		"which is nowhere");
	is_status(gu_splice_add(splice, &under, 8, UINT64_MAX, 0, &diag),
		GU_INVALID, NULL, "a source that wraps");
	is_status(gu_splice_add(splice, &under, 0, UINT64_MAX, 8, &diag),
		GU_INVALID, NULL, "a place that wraps");
	/* more than the source has, at a page of its own */
	is_status(gu_splice_add(splice, &under, START - 50, 200, 0x900000,
			  &diag), GU_OK, &diag, "a source with a hole");
	is_status(gu_mem_next_region(&mem, 0, &region), GU_OK, NULL,
		"its region");
	ok(region.addr == 0x900000 + 50 && region.size == 150 && region.write &&
		!region.exec, "is what the source has of the range");
	is_status(gu_mem_next_region(&mem, 0x900000 + 60, &region), GU_OK, NULL,
		"asked from its middle");
	is_int(region.addr, 0x900000 + 50, "it is whole");
	is_status(gu_mem_read(&mem, 0x900000 + 49, out, 2, &diag), GU_FAULT,
		NULL, "the hole cannot be read");
	is_status(gu_mem_read(&mem, 0x900000 + 192, out, 8, &diag), GU_OK,
		&diag, "the end can");
	is_int(out[7], byte_at(START - 50 + 199), "and is right");
	is_status(gu_mem_read(&mem, 0x900000 + 193, out, 8, &diag), GU_FAULT,
		NULL, "one more cannot");
	gu_splice_destroy(splice);
}

static void test_process(void)
{
	static char marker[] = "read through /proc";
	struct gu_process *process;
	struct gu_region region;
	struct gu_diag diag;
	struct gu_mem mem;
	char out[sizeof marker];
	uint64_t entry, at = 0;
	bool listed = false, ordered = true;

	if (!is_status(gu_process_open((int)getpid(), &diag, &process), GU_OK,
			    &diag, "this process"))
		return;
	mem = gu_process_mem(process);
	is_int(mem.ptr_size, sizeof(void *), "pointer size");
	is_status(gu_mem_read(&mem, (uintptr_t)marker, out, sizeof out, &diag),
		GU_OK, &diag, "its memory is read");
	is_str(gu_str(out), marker, "as it is");
	is_status(gu_mem_read(&mem, 8, out, 1, &diag), GU_FAULT, &diag,
		"address 8 is not");
	is_int(diag.addr, 8, "and named");
	is_status(gu_mem_read(&mem, UINT64_MAX - 4096, out, 1, &diag), GU_FAULT,
		&diag, "nor is the top");
	is_status(gu_process_auxv(process, AT_ENTRY, &entry), GU_OK, NULL,
		"AT_ENTRY");
	is_int(entry, getauxval(AT_ENTRY), "is the kernel's");
	is_status(gu_process_auxv(process, 9999, &entry), GU_NOT_FOUND, NULL,
		"an entry that there is not");
	while (gu_mem_next_region(&mem, at, &region) == GU_OK) {
		ordered = ordered && region.addr >= at && region.size > 0;
		at = region.addr + region.size;
		if ((uintptr_t)marker >= region.addr &&
			(uintptr_t)marker < at)
			listed = region.write;
	}
	ok(listed && ordered, "its mappings are listed in order");
	gu_process_close(process);
	gu_process_close(NULL);
	is_status(gu_process_open(0x7ffffff0, &diag, &process), GU_IO, &diag,
		"no such process");
	says(&diag, "there is no process 2147483632", "and says so");
}

/* The dynamic linker's own work is the oracle: pointers of this program. */
/* Also where what stands before them is longer than usual. */
static void test_switches(void)
{
	enum { GROUPS = 1000 };
	gid_t groups[GROUPS];
	int status = 0;
	pid_t child;

	for (unsigned i = 0; i < GROUPS; i++)
		groups[i] = 100000 + i;
	(void)usleep(1000);
	ok(gu_process_switches(getpid()), "this thread was off a processor");
	child = fork();
	if (child == 0) {
		if (setgroups(GROUPS, groups) != 0)
			_exit(77);
		(void)usleep(1000);
		_exit(gu_process_switches(getpid()) ? 0 : 1);
	}
	(void)waitpid(child, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		tap_skip("only root may be in groups of its choice");
	else
		is_int(status, 0, "and one of a user with 1000 groups");
}

static void test_own_relocations(void)
{
	static const char *const pointers[] = {
		"one", "two", "three", "four", "five", "six", "seven"
	};
	struct gu_elf_file *file;
	struct gu_diag diag;
	const char *out[GU_COUNT(pointers)];
	uint64_t bias;

	if (!is_status(gu_elf_file_open("/proc/self/exe", &diag, &file), GU_OK,
			    &diag, "this program"))
		return;
	bias = getauxval(AT_ENTRY) - gu_elf_file_entry(file);
	is_status(gu_elf_file_expect(file, bias, (uintptr_t)pointers - bias,
			  pointers, sizeof pointers, &diag, out), GU_OK, &diag,
		"its pointers where it is mapped");
	is_bytes(out, pointers, sizeof pointers, "are what they are");
	gu_elf_file_close(file);
}

/* A header, and zeroes wherever it says that something is. */
static enum gu_status zeroes_read(void *ctx, uint64_t addr, void *buf,
	size_t len, struct gu_diag *diag)
{
	const struct gu_buf *header = ctx;

	(void)diag;
	memset(buf, 0, len);
	for (size_t i = 0; i < len && addr - PAGE + i < header->n; i++)
		((uint8_t *)buf)[i] = header->p[addr - PAGE + i];
	return GU_OK;
}

static int temp_file(void)
{
	char name[] = "/tmp/gounstrip-test-XXXXXX";
	int fd = mkstemp(name);

	if (fd < 0 || unlink(name) != 0)
		exit(99);
	return fd;
}

/* Headers of N segments of 1 GiB each do not fill the disk. */
static void test_rebuild_huge(void)
{
	enum { N = 5 };
	static const struct gu_mem_ops ops = {
		.name = "zeroes", .read = zeroes_read,
	};
	static const uint8_t ident[EI_NIDENT] = {0x7f, 'E', 'L', 'F',
		ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
	const uint64_t size = UINT64_C(1) << 30;
	struct gu_buf gu_cleanup(gu_buf_deinit) b;
	struct gu_mem mem = {&ops, &b, false, 8};
	struct gu_diag diag;
	struct stat info;
	int fd = temp_file();

	gu_buf_init(&b, false);
	gu_buf_bytes(&b, ident, sizeof ident);
	gu_buf_word(&b, ET_EXEC, 2);
	gu_buf_word(&b, EM_X86_64, 2);
	gu_buf_word(&b, EV_CURRENT, 4);
	gu_buf_word(&b, 0, 8);
	gu_buf_word(&b, sizeof(Elf64_Ehdr), 8);
	gu_buf_zero(&b, 8 + 4 + 2);
	gu_buf_word(&b, sizeof(Elf64_Phdr), 2);
	gu_buf_word(&b, N, 2);
	gu_buf_zero(&b, sizeof(Elf64_Ehdr) - b.n);
	for (uint64_t i = 0; i < N; i++) {
		gu_buf_word(&b, PT_LOAD, 4);
		gu_buf_word(&b, PF_R, 4);
		gu_buf_word(&b, 0, 8);
		gu_buf_word(&b, PAGE + i * size, 8);
		gu_buf_word(&b, PAGE + i * size, 8);
		gu_buf_word(&b, size, 8);
		gu_buf_word(&b, size, 8);
		gu_buf_word(&b, PAGE, 8);
	}
	is_status(gu_rebuild(&mem, PAGE, fd, &diag), GU_BAD_DATA, &diag,
		"a module of more than 4 GiB");
	ok(fstat(fd, &info) == 0 && info.st_size == 0, "is not written");
	(void)close(fd);
}

static void test_rebuild_own(void)
{
	struct gu_elf_file *file, *again;
	struct gu_process *process;
	struct gu_diag diag;
	char path[64];
	uint64_t bias;
	int fd = temp_file();

	if (gu_elf_file_open("/proc/self/exe", &diag, &file) ||
		gu_process_open(getpid(), &diag, &process))
		exit(99);
	bias = getauxval(AT_ENTRY) - gu_elf_file_entry(file);
	if (gu_elf_file_image(file)->is_dyn) {
		struct gu_mem mem = gu_process_mem(process);

		is_status(gu_rebuild(&mem, bias, fd, &diag), GU_OK, &diag,
			"this program, from memory");
		(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		if (is_status(gu_elf_file_open(path, &diag, &again), GU_OK,
			    &diag, "is a file again")) {
			is_int(gu_elf_file_entry(again), getauxval(AT_ENTRY),
				"with its entry where it is");
			gu_elf_file_close(again);
		}
	}
	gu_process_close(process);
	gu_elf_file_close(file);
	(void)close(fd);
}

int main(void)
{
	test_cache();
	test_splice();
	test_splice_edges();
	test_process();
	test_switches();
	test_own_relocations();
	test_rebuild_huge();
	test_rebuild_own();
	return tap_done();
}
