/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs whose release is not known for sure.  Of those that it may be, the
 * types themselves tell how they are written; and what nothing tells is not
 * guessed: where runtime.sched begins, where prologues end.
 *
 *   doubt [FILTER]: of the fixtures' names; all of them otherwise
 */
#include "engine/emit/prologue.h"
#include "engine/go/rtvar.h"
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

/* From 1.25 on sched.lock stands elsewhere than in 1.23. */
static void check_nothing_guessed(const struct fixture *fixture,
	struct gu_module *module)
{
	const struct gu_go_version known = module->version;
	unsigned marks = 0, guessed = 0;
	struct gu_rtvars vars, unsure;

	if (known.lo < 23 || known.lo > 25 || known.lo != known.hi ||
		gu_rtvars_find(module, NULL, &vars))
		return;
	module->version = (struct gu_go_version){23, 25};
	ok(!gu_rtvars_find(module, NULL, &unsure) &&
			vars.addr[GU_RTVAR_SCHED] &&
			!unsure.addr[GU_RTVAR_SCHED] && !unsure.lastpoll &&
			unsure.addr[GU_RTVAR_ALLGS] ==
				vars.addr[GU_RTVAR_ALLGS],
		"%s: runtime.sched is not guessed", fixture->name);
	for (uint32_t i = 0; i < module->tab.nfunc; i++) {
		struct gu_func func;

		if (gu_pclntab_func(&module->tab, i, NULL, &func))
			continue;
		module->version = known;
		marks += gu_prologue_end(module, &func) != 0;
		module->version = (struct gu_go_version){23, 25};
		guessed += gu_prologue_end(module, &func) != 0;
	}
	ok(marks && !guessed, "%s: %u prologues end, none by a guess",
		fixture->name, marks);
	module->version = known;
}

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
	check_nothing_guessed(fixture, module);
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
