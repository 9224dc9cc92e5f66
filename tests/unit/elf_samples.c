/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/elf_samples.h"

#include "engine/base/math.h"

#include <stdlib.h>

const struct sample_machine sample_machines[] = {
	{"amd64", EM_X86_64, true, false, true, R_X86_64_RELATIVE, R_X86_64_64},
	{"386", EM_386, false, false, false, R_386_RELATIVE, R_386_32},
	{"arm64", EM_AARCH64, true, false, true, R_AARCH64_RELATIVE,
		R_AARCH64_ABS64},
	{"arm", EM_ARM, false, false, false, R_ARM_RELATIVE, R_ARM_ABS32},
	{"riscv64", EM_RISCV, true, false, true, R_RISCV_RELATIVE, R_RISCV_64},
	{"ppc64", EM_PPC64, true, true, true, R_PPC64_RELATIVE, R_PPC64_ADDR64},
	{"ppc64le", EM_PPC64, true, false, true, R_PPC64_RELATIVE,
		R_PPC64_ADDR64},
	{"s390x", EM_S390, true, true, true, R_390_RELATIVE, R_390_64},
	{"loong64", 258, true, false, true, 3, 2},
};
const unsigned sample_nmachines = GU_COUNT(sample_machines);

uint8_t sample_byte(uint64_t off)
{
	return (uint8_t)(off * 37 + 11);
}

static uint64_t stored_word(const struct elf_writer *ew, uint64_t off)
{
	uint8_t bytes[8];
	struct gu_cur cur = gu_cur(bytes, ew->ptr, 0, ew->be, "word");

	for (unsigned i = 0; i < ew->ptr; i++)
		bytes[i] = off + i < SAMPLE_STORED ? sample_byte(off + i) : 0;
	return gu_cur_word(&cur, ew->ptr);
}

static uint64_t narrow(const struct elf_writer *ew, uint64_t value)
{
	return ew->wide ? value : (uint32_t)value;
}

/*
 * The offsets in the data that are relocated: not all aligned, two that touch,
 * one in the zeroes; from SAMPLE_RELR on, those of DT_RELR, aligned, of which
 * the last is too far for the first bitmap.
 */
static const uint16_t reloc_offs[SAMPLE_NRELOCS] = {
	0x08, 0x11, 0x20, 0x28, 0x250, 0x40, 0x48, 0x58, 0x1f0,
};

static int by_addr(const void *a, const void *b)
{
	const struct sample_reloc *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* The table of relocations, not sorted, and what it means. */
static void write_relocs(struct elf_writer *ew,
	const struct sample_machine *machine, struct gu_buf *buf,
	struct sample_reloc *relocs)
{
	for (unsigned i = SAMPLE_RELR; i-- > 0;) {
		struct sample_reloc *r = &relocs[i];
		uint64_t addend = 0x11223344556677ULL * (i + 1);
		uint64_t stored = stored_word(ew, reloc_offs[i]);
		uint32_t type;

		r->addr = SAMPLE_DATA + reloc_offs[i];
		r->symbolic = i == 2;
		r->value = machine->rela ? addend : stored;
		if (r->symbolic)
			r->value += SAMPLE_SYMBOL;
		r->value = narrow(ew, r->value);
		type = r->symbolic ? machine->symbolic : machine->relative;
		if (machine->rela)
			ew_rela(ew, buf, r->addr, r->symbolic, type, addend);
		else
			ew_rel(ew, buf, r->addr, r->symbolic, type);
	}
	/* against a symbol that is not defined here: the word stays */
	if (machine->rela)
		ew_rela(ew, buf, SAMPLE_DATA + 0x60, 2, machine->symbolic, 7);
	else
		ew_rel(ew, buf, SAMPLE_DATA + 0x60, 2, machine->symbolic);
	/* a type that nobody knows, and a word outside */
	ew_rel(ew, buf, SAMPLE_DATA + 0x68, 0, 250);
	if (machine->rela)
		gu_buf_word(buf, 7, ew->ptr);
	ew_rel(ew, buf, 0x7000, 0, machine->relative);
	if (machine->rela)
		gu_buf_word(buf, 7, ew->ptr);
}

static void write_relr(struct elf_writer *ew, struct gu_buf *buf,
	struct sample_reloc *relocs)
{
	uint64_t bits = 0;

	for (unsigned i = SAMPLE_RELR; i < SAMPLE_NRELOCS; i++) {
		uint64_t off = reloc_offs[i];

		relocs[i].addr = SAMPLE_DATA + off;
		relocs[i].value = stored_word(ew, off);
		relocs[i].symbolic = false;
		if (i > SAMPLE_RELR && i + 1 < SAMPLE_NRELOCS)
			bits |= 2ULL << ((off - reloc_offs[SAMPLE_RELR]) /
					 ew->ptr - 1);
	}
	gu_buf_word(buf, relocs[SAMPLE_RELR].addr, ew->ptr);
	gu_buf_word(buf, bits | 1, ew->ptr);
	gu_buf_word(buf, relocs[SAMPLE_NRELOCS - 1].addr, ew->ptr);
}

static void write_sections(struct elf_writer *ew)
{
	struct gu_buf *buf;

	buf = ew_section(ew, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
		SAMPLE_CODE);
	gu_buf_zero(buf, SAMPLE_CODE_SIZE);
	buf = ew_section(ew, ".symtab", SHT_SYMTAB, 0, 0);
	ew->sections[ew->nsections - 1].link = 3;
	ew->sections[ew->nsections - 1].entry_size = ew->wide ? 24 : 16;
	ew_sym(ew, buf, 0, 0, 0, 0, 0);
	ew_sym(ew, buf, 1, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 1, SAMPLE_CODE,
		16);
	ew_sym(ew, buf, 6, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), SHN_UNDEF, 0,
		0);
	buf = ew_section(ew, ".strtab", SHT_STRTAB, 0, 0);
	gu_buf_bytes(buf, "\0main\0puts", 11);
	(void)ew_section(ew, ".debug_info", SHT_PROGBITS, 0, 0);
}

void sample_program(struct elf_writer *ew, const struct sample_machine *machine,
	bool sections, struct sample_reloc relocs[SAMPLE_NRELOCS])
{
	struct gu_buf *ro, *buf;
	uint64_t symtab, rel, rel_size, relr, relr_size, base;

	ew_init(ew, machine->wide, machine->be, ET_DYN, machine->machine);
	ew->entry = SAMPLE_CODE + 4;
	ro = ew_segment(ew, PT_LOAD, PF_R, SAMPLE_RO, 0);
	buf = ew_segment(ew, PT_NOTE, PF_R, SAMPLE_RO, 0);
	ew_note(buf, "GNU", 4, 3, "\1\2\3\4\5\6\7\x8\x9\xa", 10);
	ew_note(buf, "Go\0", 4, 4, "action/content", 14);
	gu_buf_bytes(ro, buf->p, buf->n);
	gu_buf_zero(ro, 0x80 - ro->n);
	symtab = SAMPLE_RO + ro->n;
	ew_sym(ew, ro, 0, 0, 0, 0, 0);
	ew_sym(ew, ro, 1, 0x11, 1, SAMPLE_SYMBOL, 8);
	ew_sym(ew, ro, 1, 0x11, SHN_UNDEF, 0, 0);
	rel = SAMPLE_RO + ro->n;
	write_relocs(ew, machine, ro, relocs);
	rel_size = SAMPLE_RO + ro->n - rel;
	relr = SAMPLE_RO + ro->n;
	write_relr(ew, ro, relocs);
	relr_size = SAMPLE_RO + ro->n - relr;
	base = SAMPLE_RO + ro->n;
	buf = ew_segment(ew, PT_DYNAMIC, PF_R, base, 0);
	ew_dyn(ew, buf, DT_SYMTAB, symtab);
	ew_dyn(ew, buf, DT_SYMENT, machine->wide ? 24 : 16);
	ew_dyn(ew, buf, machine->rela ? DT_RELA : DT_REL, rel);
	ew_dyn(ew, buf, machine->rela ? DT_RELASZ : DT_RELSZ, rel_size);
	ew_dyn(ew, buf, machine->rela ? DT_RELAENT : DT_RELENT,
		(machine->rela ? UINT64_C(3) : 2) * ew->ptr);
	ew_dyn(ew, buf, 36, relr);      /* DT_RELR */
	ew_dyn(ew, buf, 35, relr_size); /* DT_RELRSZ */
	ew_dyn(ew, buf, 37, ew->ptr);   /* DT_RELRENT */
	ew_dyn(ew, buf, DT_FLAGS_1, DF_1_PIE);
	ew_dyn(ew, buf, DT_NULL, 0);
	gu_buf_bytes(ro, buf->p, buf->n);
	buf = ew_segment(ew, PT_LOAD, PF_R | PF_X, SAMPLE_CODE, 0);
	for (unsigned i = 0; i < SAMPLE_CODE_SIZE; i++)
		gu_buf_u8(buf, (uint8_t)~i);
	buf = ew_segment(ew, PT_LOAD, PF_R | PF_W, SAMPLE_DATA, SAMPLE_MEM);
	for (unsigned i = 0; i < SAMPLE_STORED; i++)
		gu_buf_u8(buf, sample_byte(i));
	if (sections)
		write_sections(ew);
	ew_finish(ew);
	qsort(relocs, SAMPLE_NRELOCS, sizeof *relocs, by_addr);
}

/* NT_PRSTATUS: see core.c for its layout. */
static void write_thread(struct elf_writer *ew, struct gu_buf *notes,
	uint32_t tid, uint32_t signal)
{
	struct gu_buf desc;

	gu_buf_init(&desc, ew->be);
	gu_buf_zero(&desc, 12);
	gu_buf_word(&desc, signal, 2);
	gu_buf_zero(&desc, 2 + 2U * ew->ptr);
	gu_buf_word(&desc, tid, 4);
	gu_buf_zero(&desc, 12 + 8U * ew->ptr);
	for (unsigned i = 0; i < 17; i++)
		gu_buf_word(&desc, i + tid, ew->ptr);
	gu_buf_zero(&desc, ew->ptr);
	ew_note(notes, "CORE", 5, NT_PRSTATUS, desc.p, desc.n);
	gu_buf_deinit(&desc);
}

static void write_core_notes(struct elf_writer *ew, struct gu_buf *notes,
	uint64_t entry)
{
	struct gu_buf desc;

	write_thread(ew, notes, 101, 6);
	gu_buf_init(&desc, ew->be);
	ew_dyn(ew, &desc, 9 /* AT_ENTRY */, SAMPLE_BIAS + entry);
	ew_dyn(ew, &desc, 0, 0);
	ew_note(notes, "CORE", 5, NT_AUXV, desc.p, desc.n);
	desc.n = 0;
	gu_buf_word(&desc, 1, ew->ptr);
	gu_buf_word(&desc, 4096, ew->ptr);
	gu_buf_word(&desc, SAMPLE_BIAS + SAMPLE_RO, ew->ptr);
	gu_buf_word(&desc, SAMPLE_BIAS + SAMPLE_CODE, ew->ptr);
	gu_buf_word(&desc, 2, ew->ptr);
	gu_buf_cstr(&desc, gu_str("/bin/sample"));
	ew_note(notes, "CORE", 5, NT_FILE, desc.p, desc.n);
	gu_buf_deinit(&desc);
	write_thread(ew, notes, 102, 0);
}

void sample_core(struct elf_writer *ew, const struct elf_writer *program,
	const struct sample_reloc relocs[SAMPLE_NRELOCS])
{
	struct gu_buf *buf;

	ew_init(ew, program->wide, program->be, ET_CORE, program->machine);
	buf = ew_segment(ew, PT_NOTE, 0, 0, 0);
	write_core_notes(ew, buf, program->entry);
	for (unsigned i = 0; i < program->nsegments; i++) {
		const struct ew_part *part = &program->segments[i];

		if (part->type != PT_LOAD)
			continue;
		buf = ew_segment(ew, PT_LOAD, part->flags,
			SAMPLE_BIAS + part->addr, 0);
		gu_buf_bytes(buf, part->bytes.p, part->bytes.n);
		if (!(part->flags & PF_W))
			continue;
		gu_buf_zero(buf, SAMPLE_MEM - SAMPLE_STORED);
		for (unsigned k = 0; k < SAMPLE_NRELOCS; k++)
			gu_buf_patch(buf,
				(size_t)(relocs[k].addr - SAMPLE_DATA),
				relocs[k].value + SAMPLE_BIAS, ew->ptr);
	}
	/* what a core lists but does not hold */
	(void)ew_segment(ew, PT_LOAD, PF_R, 0x7000000, 0x1000);
	ew_finish(ew);
}
