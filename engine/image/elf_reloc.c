/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/image/elf_reloc.h"

#include "engine/base/vec.h"

#include <inttypes.h>

/* Numbers of the psABIs; elf.h has the last two sets since glibc 2.36. */
enum {
	LARCH_64 = 2,
	LARCH_RELATIVE = 3,
};
enum {
	DYN_RELRSZ = 35, /* gABI 4.3: DT_RELRSZ, DT_RELR, DT_RELRENT */
	DYN_RELR = 36,
	DYN_RELRENT = 37,
};

/* What the dynamic section says, addresses and bytes. */
struct dynamic {
	uint64_t rela, rela_size, rela_entry;
	uint64_t rel, rel_size, rel_entry;
	uint64_t relr, relr_size, relr_entry;
	uint64_t symtab, symbol_size;
	uint64_t flags_1;
};

/* A stretch of memory as stored, for going through it in address order. */
struct window {
	const struct gu_elf *elf;
	const char *what;
	uint64_t addr;
	size_t n;
	uint8_t bytes[1 << 16];
};

/* A relocation in the one form that the rest of this file knows. */
struct word_reloc {
	uint64_t addr;
	uint64_t addend;
	uint32_t symbol; /* 0: relative */
	bool in_place;   /* the addend is in the word itself */
};

typedef enum gu_status visit_fn(void *ctx, const struct word_reloc *reloc,
	struct gu_diag *diag);

/* A cursor over LEN bytes at ADDR, which lie in one segment. */
static enum gu_status window_at(struct window *w, uint64_t addr, size_t len,
	struct gu_diag *diag, struct gu_cur *out)
{
	const struct gu_elf *elf = w->elf;
	const struct gu_segment *seg;
	uint64_t left;
	enum gu_status st;

	if (addr < w->addr || !gu_within(addr - w->addr, len, w->n)) {
		seg = gu_segment_find(elf->segments, elf->nsegments, addr);
		left = seg ? seg->mem_size - (addr - seg->addr) : 0;
		if (left < len)
			return gu_fail_at(diag, GU_BAD_DATA, addr,
				"%s at 0x%" PRIx64 " lies outside the segments",
				w->what, addr);
		w->n = 0;
		if (left > sizeof w->bytes)
			left = sizeof w->bytes;
		st = gu_elf_read(elf, addr, w->bytes, (size_t)left, diag);
		if (st)
			return st;
		w->addr = addr;
		w->n = (size_t)left;
	}
	*out = gu_cur(w->bytes + (addr - w->addr), len, addr, elf->be,
		w->what);
	return GU_OK;
}

static enum gu_status window_create(const struct gu_elf *elf, const char *what,
	struct gu_diag *diag, struct window **out)
{
	struct window *w = malloc(sizeof *w);

	if (!w)
		return gu_fail(diag, GU_NO_MEMORY, "no memory for %s", what);
	w->elf = elf;
	w->what = what;
	w->addr = 0;
	w->n = 0;
	*out = w;
	return GU_OK;
}

static void window_destroyp(struct window **w)
{
	free(*w);
}

static void dynamic_entry(struct dynamic *dyn, uint64_t tag, uint64_t value)
{
	const struct {
		uint64_t tag;
		uint64_t *value;
	} known[] = {
		{DT_RELA, &dyn->rela},
		{DT_RELASZ, &dyn->rela_size},
		{DT_RELAENT, &dyn->rela_entry},
		{DT_REL, &dyn->rel},
		{DT_RELSZ, &dyn->rel_size},
		{DT_RELENT, &dyn->rel_entry},
		{DYN_RELR, &dyn->relr},
		{DYN_RELRSZ, &dyn->relr_size},
		{DYN_RELRENT, &dyn->relr_entry},
		{DT_SYMTAB, &dyn->symtab},
		{DT_SYMENT, &dyn->symbol_size},
		{DT_FLAGS_1, &dyn->flags_1},
	};

	for (size_t i = 0; i < GU_COUNT(known); i++)
		if (known[i].tag == tag)
			*known[i].value = value;
}

/* Is [addr, addr + size) stored in the file?  Else its size means nothing. */
static bool is_stored(const struct gu_elf *elf, uint64_t addr, uint64_t size)
{
	const struct gu_segment *seg = gu_segment_find(elf->segments,
		elf->nsegments, addr);

	return seg && gu_within(addr - seg->addr, size, seg->file_size);
}

/* GU_NOT_FOUND: there is no dynamic section. */
static enum gu_status read_dynamic(const struct gu_elf *elf,
	struct gu_diag *diag, struct dynamic *dyn)
{
	gu_cleanup(window_destroyp) struct window *w = NULL;
	const GElf_Phdr *ph = NULL;
	unsigned entry = 2U * elf->ptr_size;
	enum gu_status st;

	*dyn = (struct dynamic){0};
	for (size_t i = 0; i < elf->nphdrs && !ph; i++)
		if (elf->phdrs[i].p_type == PT_DYNAMIC)
			ph = &elf->phdrs[i];
	if (!ph || ph->p_filesz == 0)
		return GU_NOT_FOUND;
	if (!is_stored(elf, ph->p_vaddr, ph->p_filesz))
		return gu_fail_at(diag, GU_BAD_DATA, ph->p_vaddr,
			"PT_DYNAMIC: 0x%" PRIx64 " bytes at 0x%" PRIx64
			" are in no segment",
			(uint64_t)ph->p_filesz, (uint64_t)ph->p_vaddr);
	st = window_create(elf, "the dynamic section", diag, &w);
	if (st)
		return st;
	for (uint64_t off = 0; ph->p_filesz - off >= entry; off += entry) {
		struct gu_cur cur;
		uint64_t tag, value;

		st = window_at(w, ph->p_vaddr + off, entry, diag, &cur);
		if (st)
			return st;
		tag = gu_cur_word(&cur, elf->ptr_size);
		value = gu_cur_word(&cur, elf->ptr_size);
		if (tag == DT_NULL)
			break;
		dynamic_entry(dyn, tag, value);
	}
	return GU_OK;
}

uint64_t gu_elf_flags_1(const struct gu_elf *elf)
{
	struct dynamic dyn;

	return read_dynamic(elf, NULL, &dyn) ? 0 : dyn.flags_1;
}

/*
 * Types of a machine: a word of memory plus the bias, and a word against a
 * symbol.  Go makes no position-independent programs for MIPS.
 */
static bool known_type(enum gu_arch arch, uint32_t type, bool *relative)
{
	static const struct {
		uint32_t relative, symbolic;
	} table[] = {
		[GU_ARCH_AMD64] = {R_X86_64_RELATIVE, R_X86_64_64},
		[GU_ARCH_386] = {R_386_RELATIVE, R_386_32},
		[GU_ARCH_ARM64] = {R_AARCH64_RELATIVE, R_AARCH64_ABS64},
		[GU_ARCH_ARM] = {R_ARM_RELATIVE, R_ARM_ABS32},
		[GU_ARCH_RISCV64] = {R_RISCV_RELATIVE, R_RISCV_64},
		[GU_ARCH_PPC64] = {R_PPC64_RELATIVE, R_PPC64_ADDR64},
		[GU_ARCH_PPC64LE] = {R_PPC64_RELATIVE, R_PPC64_ADDR64},
		[GU_ARCH_S390X] = {R_390_RELATIVE, R_390_64},
		[GU_ARCH_LOONG64] = {LARCH_RELATIVE, LARCH_64},
	};

	if ((size_t)arch >= GU_COUNT(table) || table[arch].relative == 0)
		return false;
	*relative = type == table[arch].relative;
	return *relative || type == table[arch].symbolic;
}

static enum gu_status check_table(const struct gu_elf *elf, const char *tag,
	uint64_t addr, uint64_t size, uint64_t entry, uint64_t expected,
	struct gu_diag *diag)
{
	if (entry != 0 && entry != expected)
		return gu_fail_at(diag, GU_BAD_DATA, addr,
			"%s has entries of %" PRIu64
			" bytes, expected %" PRIu64,
			tag, entry, expected);
	if (!is_stored(elf, addr, size))
		return gu_fail_at(diag, GU_BAD_DATA, addr,
			"%s: 0x%" PRIx64 " bytes at 0x%" PRIx64
			" are not in the file",
			tag, size, addr);
	return GU_OK;
}

/* The entries of DT_RELA, or of DT_REL. */
static enum gu_status scan_rel(const struct gu_elf *elf, bool rela,
	uint64_t addr, uint64_t size, uint64_t given_entry, visit_fn *visit,
	void *ctx, struct gu_diag *diag)
{
	gu_cleanup(window_destroyp) struct window *w = NULL;
	unsigned ptr = elf->ptr_size, entry = (rela ? 3U : 2U) * ptr;
	const char *tag = rela ? "DT_RELA" : "DT_REL";
	enum gu_status st;

	if (size == 0)
		return GU_OK;
	st = check_table(elf, tag, addr, size, given_entry, entry, diag);
	if (!st)
		st = window_create(elf, tag, diag, &w);
	if (st)
		return st;
	for (uint64_t off = 0; size - off >= entry; off += entry) {
		struct word_reloc reloc = {.in_place = !rela};
		struct gu_cur cur;
		uint64_t info;
		bool relative;

		st = window_at(w, addr + off, entry, diag, &cur);
		if (st)
			return st;
		reloc.addr = gu_cur_word(&cur, ptr);
		info = gu_cur_word(&cur, ptr);
		if (rela)
			reloc.addend = gu_cur_word(&cur, ptr);
		/* ELF64_R_TYPE and ELF32_R_TYPE: 32 bits of type, or 8 */
		if (!known_type(elf->arch,
			    (uint32_t)(ptr == 8 ? info : info & 0xff),
			    &relative))
			continue;
		if (!relative)
			reloc.symbol = (uint32_t)(info >> (ptr == 8 ? 32 : 8));
		st = visit(ctx, &reloc, diag);
		if (st)
			return st;
	}
	return GU_OK;
}

/*
 * DT_RELR: an even word is the address of a relocated word; an odd one has a
 * bit for each of the next 63 (31) words behind the last (gABI 4.3).
 */
static enum gu_status scan_relr(const struct gu_elf *elf,
	const struct dynamic *dyn, visit_fn *visit, void *ctx,
	struct gu_diag *diag)
{
	gu_cleanup(window_destroyp) struct window *w = NULL;
	unsigned ptr = elf->ptr_size;
	struct word_reloc reloc = {.in_place = true};
	uint64_t next = 0;
	enum gu_status st;

	if (dyn->relr_size == 0)
		return GU_OK;
	st = check_table(elf, "DT_RELR", dyn->relr, dyn->relr_size,
		dyn->relr_entry, ptr, diag);
	if (!st)
		st = window_create(elf, "DT_RELR", diag, &w);
	for (uint64_t off = 0; !st && dyn->relr_size - off >= ptr; off += ptr) {
		struct gu_cur cur;
		uint64_t word;

		st = window_at(w, dyn->relr + off, ptr, diag, &cur);
		if (st)
			return st;
		word = gu_cur_word(&cur, ptr);
		if (!(word & 1)) {
			reloc.addr = word;
			next = word + ptr;
			st = visit(ctx, &reloc, diag);
			continue;
		}
		for (reloc.addr = next; !st && (word >>= 1) != 0;
			reloc.addr += ptr)
			if (word & 1)
				st = visit(ctx, &reloc, diag);
		next += (uint64_t)ptr * (8 * ptr - 1);
	}
	return st;
}

static enum gu_status scan(const struct gu_elf *elf, const struct dynamic *dyn,
	visit_fn *visit, void *ctx, struct gu_diag *diag)
{
	enum gu_status st;

	st = scan_rel(elf, true, dyn->rela, dyn->rela_size, dyn->rela_entry,
		visit, ctx, diag);
	if (!st)
		st = scan_rel(elf, false, dyn->rel, dyn->rel_size,
			dyn->rel_entry, visit, ctx, diag);
	return st;
}

/* The words that read differently from what is stored. */
struct collector {
	const struct gu_elf *elf;
	const struct dynamic *dyn;
	struct gu_reloc *list;
	uint32_t n, cap;
	bool sorted;
};

/* GU_NOT_FOUND: it is not defined in this file. */
static enum gu_status symbol_value(const struct collector *c, uint32_t index,
	struct gu_diag *diag, uint64_t *out)
{
	const struct gu_elf *elf = c->elf;
	unsigned ptr = elf->ptr_size, size = ptr == 8 ? 24 : 16;
	uint64_t addr = c->dyn->symtab + (uint64_t)index * size, value;
	uint8_t bytes[24];
	struct gu_cur cur;
	uint16_t section;
	enum gu_status st;

	if (c->dyn->symbol_size != 0 && c->dyn->symbol_size != size)
		return gu_fail(diag, GU_BAD_DATA,
			"symbols of %" PRIu64 " bytes (DT_SYMENT), expected %u",
			c->dyn->symbol_size, size);
	st = gu_elf_read(elf, addr, bytes, size, diag);
	if (st)
		return gu_fail_in(diag, st, "symbol %" PRIu32, index);
	cur = gu_cur(bytes, size, addr, elf->be, "a symbol");
	/* Elf64_Sym: name, info, other, shndx, value, size
	 * Elf32_Sym: name, value, size, info, other, shndx */
	gu_cur_seek(&cur, ptr == 8 ? 8 : 4);
	value = gu_cur_word(&cur, ptr);
	gu_cur_seek(&cur, ptr == 8 ? 6 : 14);
	section = gu_cur_u16(&cur);
	if (section == SHN_UNDEF)
		return GU_NOT_FOUND;
	*out = value;
	return gu_cur_status(&cur, diag);
}

static enum gu_status stored_word(const struct gu_elf *elf, uint64_t addr,
	struct gu_diag *diag, uint64_t *out)
{
	uint8_t bytes[8];
	struct gu_cur cur;
	enum gu_status st = gu_elf_read(elf, addr, bytes, elf->ptr_size, diag);

	if (st)
		return st;
	cur = gu_cur(bytes, elf->ptr_size, addr, elf->be, "a word");
	*out = gu_cur_word(&cur, elf->ptr_size);
	return GU_OK;
}

static enum gu_status collect(void *ctx, const struct word_reloc *reloc,
	struct gu_diag *diag)
{
	struct collector *c = ctx;
	const struct gu_elf *elf = c->elf;
	const struct gu_segment *seg = gu_segment_find(elf->segments,
		elf->nsegments, reloc->addr);
	uint64_t value = reloc->addend, base = 0;
	enum gu_status st;

	/* A word that is in no segment is never read. */
	if (!seg || !gu_within(reloc->addr - seg->addr, elf->ptr_size,
			    seg->mem_size))
		return GU_OK;
	if (reloc->in_place && reloc->symbol == 0)
		return GU_OK; /* holds its value at bias 0 already */
	if (reloc->symbol != 0) {
		st = symbol_value(c, reloc->symbol, diag, &base);
		if (st == GU_NOT_FOUND)
			return GU_OK;
		if (st)
			return st;
	}
	if (reloc->in_place) {
		st = stored_word(elf, reloc->addr, diag, &value);
		if (st)
			return st;
	}
	if (!gu_vec_room(&c->list, &c->cap, c->n))
		return gu_fail(diag, GU_NO_MEMORY,
			"no memory for more than %" PRIu32 " relocations",
			c->n);
	value += base;
	if (elf->ptr_size == 4)
		value = (uint32_t)value;
	if (c->n > 0 && c->list[c->n - 1].addr > reloc->addr)
		c->sorted = false;
	c->list[c->n++] = (struct gu_reloc){reloc->addr, value};
	return GU_OK;
}

static int by_addr(const void *a, const void *b)
{
	const struct gu_reloc *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

/* Drop the words whose stored value is right, in one pass over the file. */
static enum gu_status drop_stored(struct collector *c, struct gu_diag *diag)
{
	gu_cleanup(window_destroyp) struct window *w = NULL;
	uint32_t kept = 0;
	enum gu_status st;

	st = window_create(c->elf, "a relocated word", diag, &w);
	if (st)
		return st;
	for (uint32_t i = 0; i < c->n; i++) {
		struct gu_cur cur;

		st = window_at(w, c->list[i].addr, c->elf->ptr_size, diag,
			&cur);
		if (st)
			return st;
		if (gu_cur_word(&cur, c->elf->ptr_size) != c->list[i].value)
			c->list[kept++] = c->list[i];
	}
	c->n = kept;
	return GU_OK;
}

enum gu_status gu_relocs_init(struct gu_relocs *relocs,
	const struct gu_elf *elf, struct gu_diag *diag)
{
	struct dynamic dyn;
	struct collector c = {.elf = elf, .dyn = &dyn, .sorted = true};
	struct gu_reloc *fit;
	enum gu_status st;

	*relocs = (struct gu_relocs){0};
	st = read_dynamic(elf, diag, &dyn);
	if (st == GU_NOT_FOUND)
		return GU_OK;
	if (!st)
		st = scan(elf, &dyn, collect, &c, diag);
	if (!st) {
		if (!c.sorted)
			qsort(c.list, c.n, sizeof *c.list, by_addr);
		st = drop_stored(&c, diag);
	}
	if (st || c.n == 0) {
		free(c.list);
		return st;
	}
	fit = reallocarray(c.list, c.n, sizeof *c.list);
	relocs->list = fit ? fit : c.list;
	relocs->n = c.n;
	return GU_OK;
}

void gu_relocs_deinit(struct gu_relocs *relocs)
{
	free(relocs->list);
	*relocs = (struct gu_relocs){0};
}

/* The bytes of VALUE at AT that lie in [addr, addr + len), to BUF. */
static void put_word(const struct gu_elf *elf, uint64_t at, uint64_t value,
	uint64_t addr, uint8_t *buf, size_t len)
{
	unsigned size = elf->ptr_size;

	for (unsigned i = 0; i < size; i++) {
		unsigned shift = 8 * (elf->be ? size - 1 - i : i);

		/* at + i - addr wraps for bytes before addr */
		if (at + i - addr < len)
			buf[at + i - addr] = (uint8_t)(value >> shift);
	}
}

void gu_relocs_apply(const struct gu_relocs *relocs, const struct gu_elf *elf,
	uint64_t addr, uint8_t *buf, size_t len)
{
	size_t lo = 0, hi = relocs->n;

	/* The first word whose last byte is at or above ADDR. */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (relocs->list[mid].addr + (elf->ptr_size - 1U) < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < relocs->n; lo++) {
		uint64_t at = relocs->list[lo].addr;

		if (at >= addr && at - addr >= len)
			break;
		put_word(elf, at, relocs->list[lo].value, addr, buf, len);
	}
}

struct rebase {
	const struct gu_relocs *relocs;
	const struct gu_elf *elf;
	uint64_t bias, addr;
	const uint8_t *seen;
	uint8_t *buf;
	size_t len;
};

static enum gu_status rebase_word(void *ctx, const struct word_reloc *reloc,
	struct gu_diag *diag)
{
	const struct rebase *r = ctx;
	uint8_t bytes[8];
	struct gu_cur cur;
	uint64_t at = reloc->addr;
	unsigned size = r->elf->ptr_size;
	enum gu_status st;

	if (at >= r->addr ? at - r->addr >= r->len : r->addr - at >= size)
		return GU_OK;
	if (reloc->symbol != 0) {
		for (unsigned i = 0; i < size; i++)
			if (at + i - r->addr < r->len)
				r->buf[at + i - r->addr] =
					r->seen[at + i - r->addr];
		return GU_OK;
	}
	st = gu_elf_read(r->elf, at, bytes, size, diag);
	if (st)
		return st;
	gu_relocs_apply(r->relocs, r->elf, at, bytes, size);
	cur = gu_cur(bytes, size, at, r->elf->be, "a relocated word");
	put_word(r->elf, at, gu_cur_word(&cur, size) + r->bias, r->addr, r->buf,
		r->len);
	return GU_OK;
}

enum gu_status gu_relocs_rebase(const struct gu_relocs *relocs,
	const struct gu_elf *elf, uint64_t bias, uint64_t addr,
	const uint8_t *seen, uint8_t *buf, size_t len, struct gu_diag *diag)
{
	struct rebase r = {relocs, elf, bias, addr, seen, buf, len};
	struct dynamic dyn;
	enum gu_status st = read_dynamic(elf, diag, &dyn);

	if (st == GU_NOT_FOUND)
		return GU_OK;
	if (!st)
		st = scan(elf, &dyn, rebase_word, &r, diag);
	if (!st)
		st = scan_relr(elf, &dyn, rebase_word, &r, diag);
	return st;
}
