/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Format: DWARF 5, 6.4.1; CIE version 3 is that of DWARF 3, for every GDB. */
#include "engine/emit/dwarf_frame.h"

#include "engine/stack/unwind.h"

#include <dwarf.h>

enum { CIE_VERSION = 3, CIE_OFFSET = 0 };

/* Begin an entry: where its length will stand. */
static size_t begin_entry(struct gu_buf *out)
{
	size_t at = out->n;

	gu_buf_word(out, 0, 4);
	return at;
}

static void end_entry(struct gu_buf *out, size_t at, unsigned ptr_size)
{
	while (!out->failed && (out->n - at) % ptr_size != 0)
		gu_buf_u8(out, DW_CFA_nop);
	gu_buf_patch(out, at, out->n - at - 4, 4);
}

static void put_cie(const struct gu_unwind_numbers *n, unsigned ptr_size,
	struct gu_buf *out)
{
	size_t at = begin_entry(out);

	gu_buf_word(out, 0xffffffff, 4); /* this is a CIE */
	gu_buf_u8(out, CIE_VERSION);
	gu_buf_cstr(out, gu_str("")); /* augmentation */
	gu_buf_uleb(out, 1);          /* code alignment factor */
	gu_buf_sleb(out, -(int)ptr_size);
	gu_buf_uleb(out, n->ra);
	gu_buf_u8(out, DW_CFA_def_cfa);
	gu_buf_uleb(out, n->sp);
	gu_buf_uleb(out, ptr_size);
	gu_buf_u8(out, DW_CFA_undefined);
	gu_buf_uleb(out, n->ra);
	end_entry(out, at, ptr_size);
}

void gu_dwarf_frame_put(const struct gu_module *module,
	const struct gu_func_list *funcs, struct gu_buf *out)
{
	const struct gu_unwind_numbers *n =
		gu_unwind_numbers(module->image->arch);
	unsigned ptr_size = module->image->mem.ptr_size;

	if (!n)
		return;
	put_cie(n, ptr_size, out);
	for (uint32_t i = 0; i < funcs->n; i++) {
		const struct gu_func_item *item = &funcs->items[i];
		struct gu_func func;
		size_t at;

		if (gu_pclntab_func(&module->tab, item->index, NULL, &func) ||
			!gu_unwind_end(module, &func))
			continue;
		at = begin_entry(out);
		gu_buf_word(out, CIE_OFFSET, 4);
		gu_buf_word(out, item->entry, ptr_size);
		gu_buf_word(out, item->end - item->entry, ptr_size);
		end_entry(out, at, ptr_size);
	}
}
