/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Oracle for the unwinding rows: each stripped fixture's rows, from its
 * stack-size table, against what the unstripped twin's .debug_frame says at
 * every pc of every function: the same CFA, the return address in the same
 * place.  Go's .debug_frame says nothing of the frame pointer: unwind_trace
 * checks that.  Then what the symbol file says in its own .debug_frame and
 * .eh_frame against the rows it was made from, and in how many calls over a
 * switch of stacks it goes on: tests/gdb/unaided.sh shows where to.
 *
 * Both come from the same linker, but by different ways: this shows that we
 * read the stack-size table right, and where we end a stack.
 */
#include "engine/base/math.h"
#include "engine/emit/frame_resume.h"
#include "engine/image/elf_file.h"
#include "engine/stack/unwind.h"
#include "tests/unit/fixtures.h"
#include "tests/unit/tap.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct machine {
	enum gu_arch arch;
	int sp, ra; /* DWARF numbers */
};

static const struct machine machines[] = {
	{GU_ARCH_AMD64, 7, 16},
	{GU_ARCH_ARM64, 31, 30},
};

struct counts {
	uint64_t functions, pcs, equal, ends, no_cfi, no_row, differ;
	uint64_t systemstack, asmcgocall, cgocallback; /* calls gone on in */
};

/* What .debug_frame says, as far as Go's compilers write it. */
struct cfi {
	uint64_t start, end;
	int64_t cfa_off;
	bool signal;    /* the caller's pc is where it was interrupted */
	bool undefined; /* there is no caller */
	bool ra_in_register;
	int64_t ra_off; /* from the CFA */
};

static bool read_cfi(Dwarf_CFI *table, uint64_t pc, const struct machine *m,
	struct cfi *out)
{
	Dwarf_Frame *frame = NULL;
	Dwarf_Addr start, end;
	Dwarf_Op mem[3], *ops;
	struct cfi cfi = {0};
	bool ok = false;
	size_t n;

	if (dwarf_cfi_addrframe(table, pc, &frame) != 0)
		return false;
	if (dwarf_frame_info(frame, &start, &end, &cfi.signal) < 0 ||
		dwarf_frame_cfa(frame, &ops, &n) != 0 || n != 1)
		goto out;
	cfi.start = start;
	cfi.end = end;
	if (ops[0].atom == DW_OP_bregx && (int)ops[0].number == m->sp)
		cfi.cfa_off = (int64_t)ops[0].number2;
	else if (ops[0].atom == DW_OP_breg0 + m->sp)
		cfi.cfa_off = (int64_t)ops[0].number;
	else
		goto out;
	if (dwarf_frame_register(frame, m->ra, mem, &ops, &n) != 0)
		goto out;
	if (n == 0) { /* see dwarf_frame_register's comment in libdw.h */
		cfi.undefined = ops == mem;
		cfi.ra_in_register = !ops;
		ok = true;
	} else if (n <= 2 && ops[0].atom == DW_OP_call_frame_cfa) {
		cfi.ra_off = n == 2 ? (int64_t)ops[1].number : 0;
		ok = n == 1 || ops[1].atom == DW_OP_plus_uconst;
	}
out:
	free(frame);
	*out = cfi;
	return ok;
}

static void report(struct counts *counts, const struct gu_module *module,
	const struct gu_func *func, uint64_t pc, uint64_t n,
	const struct gu_row *row, const struct cfi *cfi)
{
	counts->differ += n;
	if (counts->differ > 2000)
		return;
	printf("# %.*s+0x%" PRIx64 ": cfa sp+%" PRId64 ", expected %" PRId64
	       "; return address %s%" PRId64 ", expected %s%" PRId64 "\n",
		GU_STR(gu_func_name(&module->tab, func)), pc - func->entry,
		row->cfa_off, cfi->cfa_off, row->ra_in_lr ? "in LR, " : "",
		row->ra_off, cfi->ra_in_register ? "in LR, " : "",
		cfi->ra_off);
}

/*
 * Do they agree?  Go's linker says that a flagged top frame has no caller; a
 * signal trampoline has the kernel's restorer for one.
 */
static bool equal(const struct gu_row *row, enum gu_func_kind kind,
	const struct cfi *cfi)
{
	if (row->cfa_off != cfi->cfa_off)
		return false;
	if (cfi->undefined)
		return kind == GU_KIND_SIGTRAMP;
	return row->ra_in_lr == cfi->ra_in_register &&
		(row->ra_in_lr || row->ra_off == cfi->ra_off);
}

/* A .debug_frame to compare with: the twin's, or OURS. */
struct table {
	Dwarf_CFI *cfi;
	const struct machine *machine;
	bool ours, unaided; /* see symfile.h */
};

static bool agrees(const struct table *table, const struct gu_row *row,
	enum gu_func_kind kind, const struct cfi *cfi)
{
	if (table->ours && cfi->signal != gu_unwind_injected(kind))
		return false;
	if (table->ours && (row->end_of_stack || cfi->undefined))
		return row->end_of_stack && cfi->undefined &&
			row->cfa_off == cfi->cfa_off;
	return equal(row, kind, cfi);
}

/* Of these our table says nothing: GDB knows them by their code. */
static bool is_left_out(const struct table *table, enum gu_func_kind kind)
{
	return table->ours && (kind == GU_KIND_SIGRETURN ||
		kind == GU_KIND_SIGRETURN_SIGACTION);
}

/* The call at or after PC of which more is known than its row. */
static const struct gu_resume *find_resume(const struct gu_resumes *resumes,
	uint64_t pc)
{
	for (size_t i = 0; i < resumes->n; i++)
		if (pc < resumes->list[i].end)
			return &resumes->list[i];
	return NULL;
}

/* Does the table go on at PC, over a switch of stacks, and say where? */
static bool goes_on(const struct table *table, uint64_t pc,
	const struct gu_resume *r)
{
	Dwarf_Frame *frame = NULL;
	Dwarf_Op mem[3], *ops;
	size_t n = 0;
	bool ok;

	if (dwarf_cfi_addrframe(table->cfi, pc, &frame) != 0)
		return false;
	ok = dwarf_frame_cfa(frame, &ops, &n) == 0 &&
		(r->plain ? n == 1 : n > 1) &&
		dwarf_frame_register(frame, table->machine->ra, mem, &ops,
			&n) == 0 && n == 2 &&
		ops[0].atom == DW_OP_call_frame_cfa &&
		ops[1].atom == DW_OP_plus_uconst &&
		(int64_t)ops[1].number == -8;
	free(frame);
	return ok;
}

static void count_call(enum gu_func_kind kind, struct counts *counts)
{
	counts->systemstack += kind == GU_KIND_SYSTEMSTACK;
	counts->asmcgocall += kind == GU_KIND_ASMCGOCALL;
	counts->cgocallback += kind == GU_KIND_CGOCALLBACK ||
		kind == GU_KIND_CGOCALLBACK_GOFUNC;
}

/* In an UNAIDED table, for code whose stack ends at a switch. */
static void read_resumes(const struct table *table,
	const struct gu_module *module, const struct gu_func *func,
	struct gu_resumes *out)
{
	enum gu_end end = gu_unwind_end(module, func);

	out->n = 0;
	if (table->unaided && (end == GU_END_SYSTEMSTACK || end == GU_END_CGO ||
			end == GU_END_SPWRITE) &&
		gu_frame_resume_read(module, func,
			gu_func_end(&module->tab, func), NULL, out))
		out->n = 0;
}

static void check_function(const struct gu_module *module,
	const struct gu_func *func, const struct table *table,
	struct counts *counts)
{
	uint64_t end = gu_func_end(&module->tab, func);
	struct gu_resumes resumes;

	read_resumes(table, module, func, &resumes);
	counts->functions++;
	for (uint64_t pc = func->entry, next; pc < end; pc = next) {
		const struct gu_resume *r = find_resume(&resumes, pc);
		struct gu_diag diag;
		struct gu_row row;
		struct cfi cfi;
		uint64_t n;

		if (gu_unwind_row(module, func, pc, &diag, &row)) {
			printf("# %.*s: %s\n",
				GU_STR(gu_func_name(&module->tab, func)),
				diag.text);
			counts->differ++;
			return;
		}
		next = row.end < end ? row.end : end;
		if (r && pc < r->start && r->start < next)
			next = r->start;
		if (r && pc >= r->start && goes_on(table, pc, r)) {
			next = r->end;
			counts->pcs += next - pc;
			counts->equal += next - pc;
			count_call(gu_module_kind(module, func), counts);
			continue;
		}
		if (!read_cfi(table->cfi, pc, table->machine, &cfi)) {
			if (!is_left_out(table, gu_module_kind(module, func)))
				counts->no_cfi += next - pc;
			continue;
		}
		next = cfi.end < next ? cfi.end : next;
		n = next - pc;
		counts->pcs += n;
		if (!table->ours && row.end_of_stack == GU_END_NO_FRAME_INFO)
			counts->no_row += n;
		else if (!table->ours && row.end_of_stack)
			counts->ends += n;
		else if (agrees(table, &row, gu_module_kind(module, func),
				&cfi))
			counts->equal += n;
		else
			report(counts, module, func, pc, n, &row, &cfi);
	}
}

static const struct machine *machine_of(enum gu_arch arch)
{
	for (size_t i = 0; i < GU_COUNT(machines); i++)
		if (machines[i].arch == arch)
			return &machines[i];
	return NULL;
}

/* ours: beside the reader; for who has none, in .debug_frame and .eh_frame */
enum frames { THEIRS, AIDED, UNAIDED, EH_FRAME };

/* 1: the file at PATH has no frame info to compare with */
static int check_module(const struct gu_module *module, const char *path,
	enum frames which, struct counts *counts)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Dwarf *dwarf = fd < 0 ? NULL : dwarf_begin(fd, DWARF_C_READ);
	Dwarf_CFI *eh = dwarf && which == EH_FRAME
		? dwarf_getcfi_elf(dwarf_getelf(dwarf)) : NULL;
	const struct table table = {
		.cfi = which == EH_FRAME ? eh
			: dwarf ? dwarf_getcfi(dwarf) : NULL,
		.machine = machine_of(module->image->arch),
		.ours = which != THEIRS,
		.unaided = which == UNAIDED || which == EH_FRAME,
	};

	for (uint32_t i = 0; table.cfi && i < module->tab.nfunc; i++) {
		struct gu_func func;

		if (gu_pclntab_func(&module->tab, i, NULL, &func) == GU_OK)
			check_function(module, &func, &table, counts);
	}
	dwarf_cfi_end(eh);
	dwarf_end(dwarf);
	if (fd >= 0)
		(void)close(fd);
	return table.cfi ? 0 : 1;
}

/*
 * A switch that is left out would go unnoticed above.  systemstack goes by the
 * register of g, which is there from 1.17 on; asmcgocall has a call with the
 * stack switched and, from 1.5 on, one without; cgocallback has two to four.
 */
static void check_switches(const struct fixture *fixture,
	const struct gu_module *module, const struct counts *counts)
{
	const bool *found = module->kinds.found;

	if (module->image->arch != GU_ARCH_AMD64)
		return;
	if (found[GU_KIND_SYSTEMSTACK])
		ok(counts->systemstack >= (module->version.lo >= 17),
			"%s: %" PRIu64 " calls of systemstack's go on",
			fixture->name, counts->systemstack);
	if (found[GU_KIND_ASMCGOCALL])
		ok(counts->asmcgocall == (module->version.lo < 5 ? 1 : 2),
			"%s: %" PRIu64 " calls of asmcgocall's go on",
			fixture->name, counts->asmcgocall);
	if (found[GU_KIND_CGOCALLBACK])
		ok(counts->cgocallback >= 2,
			"%s: %" PRIu64 " calls of cgocallback's go on",
			fixture->name, counts->cgocallback);
}

static void check_table(const struct fixture *fixture,
	const struct gu_module *module, const char *path, enum frames which)
{
	const char *name = which == EH_FRAME ? ".eh_frame"
		: which == UNAIDED ? ".debug_frame" : "aided .debug_frame";
	struct counts counts = {0};

	if (check_module(module, path, which, &counts))
		ok(false, "%s: no %s in the symbol file", fixture->name, name);
	else
		ok(counts.differ == 0 && counts.no_cfi == 0 && counts.equal,
			"%s: in the symbol file's %s %" PRIu64 " equal, %"
			PRIu64 " missing, %" PRIu64 " differ", fixture->name,
			name, counts.equal, counts.no_cfi, counts.differ);
	if (which == UNAIDED)
		check_switches(fixture, module, &counts);
}

static void check_symbols(const struct fixture *fixture,
	const struct gu_module *module, bool unaided)
{
	char path[FIXTURE_PATH];

	if (fixture_symbols(fixture, unaided, path)) {
		check_table(fixture, module, path, unaided ? UNAIDED : AIDED);
		/* where there is a table of it, libdw looks there alone */
		if (unaided && gu_image_section(module->image, ".eh_frame_hdr"))
			tap_skip("%s: .eh_frame: has .eh_frame_hdr",
				fixture->name);
		else if (unaided)
			check_table(fixture, module, path, EH_FRAME);
	} else {
		ok(false, "%s: no symbol file", fixture->name);
	}
	(void)unlink(path);
}

static void check_fixture(const struct fixture *fixture, void *ctx)
{
	gu_cleanup(gu_elf_file_closep) struct gu_elf_file *file = NULL;
	gu_cleanup(gu_module_closep) struct gu_module *module = NULL;
	struct counts counts = {0};
	struct gu_diag diag = {0};

	(void)ctx;
	if (strcmp(fixture->goarch, "amd64") != 0 &&
		strcmp(fixture->goarch, "arm64") != 0)
		return;
	if (strcmp(fixture->full, "-") == 0)
		return;
	if (gu_elf_file_open(fixture->strip, &diag, &file) ||
		gu_module_open(gu_elf_file_image(file), &diag, &module)) {
		ok(false, "%s: %s", fixture->name, diag.text);
		return;
	}
	check_symbols(fixture, module, false);
	check_symbols(fixture, module, true);
	if (check_module(module, fixture->full, THEIRS, &counts)) {
		tap_skip("%s: the twin has no .debug_frame",
			fixture->name);
		return;
	}
	ok(counts.differ == 0 && counts.equal > 0,
		"%s: %" PRIu64 " functions, %" PRIu64 " bytes of code: %" PRIu64
		" equal, %" PRIu64 " where we end the stack, %" PRIu64
		" without a row, %" PRIu64 " differ; %" PRIu64
		" more without CFI",
		fixture->name, counts.functions, counts.pcs, counts.equal,
		counts.ends, counts.no_row, counts.differ, counts.no_cfi);
}

int main(int argc, char **argv)
{
	fixtures_each(argc > 1 ? argv[1] : NULL, check_fixture, NULL);
	return tap_done();
}
