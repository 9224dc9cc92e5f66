/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Types of programs whose release is not known for sure: of those that it may
 * be of, the types themselves tell how they are written.
 *
 *   rtypes [FILTER]: of the fixtures' names; all of them otherwise
 */
#include "engine/go/rtype.h"

#include "engine/base/math.h"
#include "engine/image/elf_file.h"
#include "tests/unit/fixtures.h"
#include "tests/unit/tap.h"

/* Releases of which moduledata or function records may be, and the first that
 * writes types in another way. */
static const struct doubt {
	struct gu_go_version may_be;
	int since;
} doubts[] = {{{8, 10}, 9}, {{16, 17}, 17}, {{18, 19}, 19}};

static void check(const struct fixture *fixture, void *ctx)
{
	struct gu_elf_file gu_cleanup(gu_elf_file_closep) *file = NULL;
	struct gu_module gu_cleanup(gu_module_closep) *module = NULL;
	int minor;

	(void)ctx;
	if (gu_elf_file_open(fixture->strip, NULL, &file) ||
		gu_module_open(gu_elf_file_image(file), NULL, &module)) {
		ok(false, "%s opens", fixture->name);
		return;
	}
	minor = module->version.lo;
	for (size_t i = 0; i < GU_COUNT(doubts); i++) {
		struct gu_types gu_cleanup(gu_types_close) types = {
			.module = NULL};
		struct gu_diag diag;

		module->version = doubts[i].may_be;
		if (minor < doubts[i].may_be.lo || minor > doubts[i].may_be.hi)
			continue;
		if (is_status(gu_types_open(module, &diag, &types), GU_OK,
			    &diag, "%s: types of Go 1.%d or 1.%d",
			    fixture->name, doubts[i].since - 1,
			    doubts[i].since))
			ok((types.minor >= doubts[i].since) ==
					(minor >= doubts[i].since),
				"%s: read as of 1.%d", fixture->name,
				types.minor);
	}
}

int main(int argc, char **argv)
{
	fixtures_each(argc > 1 ? argv[1] : NULL, check, NULL);
	return tap_done();
}
