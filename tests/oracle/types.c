/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The types of our symbol file against the unstripped twin's DWARF, by name
 * and Go kind: size, encoding, members (name, offset, embedded, the name of
 * their type), elements and lengths of arrays, targets of pointers.  Then the
 * variables of ours: address and the name of the type.  (Up to Go 1.21 the
 * twin's data may be some pages further, all of it: see tests/unit/rtvar.c.)
 *
 * Told apart by design, and not compared: non-empty interfaces (ours name
 * their methods), parameters of functions.  The structs that Go's linker makes
 * up for channels and maps carry no kind: they are told by the "<" in their
 * names.
 *
 *   types [FILTER]: of the fixtures' names; all otherwise
 */
#include "engine/base/intern.h"
#include "engine/base/vec.h"
#include "engine/go/rtype.h"
#include "tests/unit/fixtures.h"
#include "tests/unit/tap.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	DW_AT_go_kind = 0x2900,
	DW_AT_go_key = 0x2901,
	DW_AT_go_elem = 0x2902,
	DW_AT_go_embedded_field = 0x2903,
	DW_AT_go_runtime_type = 0x2904,
};

struct twin {
	struct gu_intern names; /* "kind name" */
	Dwarf_Off *offs;       /* of the DIEs; 0: the twin has none */
	uint64_t moduledata;   /* address of firstmoduledata */
	char **keys;           /* own the strings */
	uint32_t offs_cap, keys_cap;
};

struct counts {
	unsigned compared, ours_only, differ;
	unsigned vars, vars_differ;
};

static uint64_t attr(Dwarf_Die *die, unsigned name, uint64_t absent)
{
	Dwarf_Attribute a;
	Dwarf_Word value;

	if (!dwarf_attr(die, name, &a) || dwarf_formudata(&a, &value))
		return absent;
	return value;
}

/* Go 1.9 and before write the expression {DW_OP_plus_uconst, offset}. */
static uint64_t member_offset(Dwarf_Die *member)
{
	Dwarf_Attribute a;
	Dwarf_Block block;
	Dwarf_Word value;
	struct gu_cur cur;

	if (!dwarf_attr(member, DW_AT_data_member_location, &a))
		return 0;
	if (dwarf_formudata(&a, &value) == 0)
		return value;
	if (dwarf_formblock(&a, &block) != 0)
		return UINT64_MAX;
	cur = gu_cur(block.data, block.length, 0, false, "a location");
	if (gu_cur_u8(&cur) != DW_OP_plus_uconst)
		return UINT64_MAX;
	return gu_cur_uvarint64(&cur);
}

/* Go 1.8 names an embedded field by its whole type: "*main.Person". */
static bool same_member_name(const char *ours, const char *theirs)
{
	size_t n = strlen(ours), all = strlen(theirs);

	return strcmp(ours, theirs) == 0 ||
		(all > n && strcmp(theirs + all - n, ours) == 0 &&
			strchr(".*", theirs[all - n - 1]));
}

static const char *name_of(Dwarf_Die *die, unsigned reference)
{
	Dwarf_Attribute a;
	Dwarf_Die type;
	const char *name;

	if (!dwarf_attr(die, reference, &a) || !dwarf_formref_die(&a, &type))
		return "";
	name = dwarf_diename(&type);
	return name ? name : "";
}

static const char *type_name(Dwarf_Die *die)
{
	return name_of(die, DW_AT_type);
}

/* The address of a variable that has one; else 0. */
static uint64_t var_addr(Dwarf_Die *die)
{
	Dwarf_Attribute a;
	Dwarf_Block block;
	GElf_Ehdr ehdr;
	struct gu_cur cur;

	if (dwarf_tag(die) != DW_TAG_variable ||
		!dwarf_attr(die, DW_AT_location, &a) ||
		dwarf_formblock(&a, &block) != 0 ||
		!gelf_getehdr(dwarf_getelf(dwarf_cu_getdwarf(die->cu)), &ehdr))
		return 0;
	cur = gu_cur(block.data, block.length, 0,
		ehdr.e_ident[EI_DATA] == ELFDATA2MSB, "a location");
	if (gu_cur_u8(&cur) != DW_OP_addr)
		return 0;
	return gu_cur_word(&cur, block.length == 9 ? 8 : 4);
}

/*
 * A type that carries its Go kind; its key is "kind name".  A variable of the
 * runtime: "var name".
 */
static bool key_of(Dwarf_Die *die, char *key, size_t size)
{
	uint64_t kind = attr(die, DW_AT_go_kind, 0);
	const char *name = dwarf_diename(die);
	int n;

	if (name && var_addr(die) && strncmp(name, "runtime.", 8) == 0) {
		n = snprintf(key, size, "var %s", name);
		return n > 0 && (size_t)n < size;
	}
	if (!name || (!kind && (!strchr(name, '<') ||
			dwarf_tag(die) == DW_TAG_subprogram)))
		return false;
	n = snprintf(key, size, "%" PRIu64 " %s", kind, name);
	return n > 0 && (size_t)n < size;
}

/* Call VISIT for every type of DWARF that lies directly in a unit. */
static void each_type(Dwarf *dwarf, void (*visit)(Dwarf_Die *die, void *ctx),
	void *ctx)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit, die;

	while (dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0) {
		if (dwarf_child(&unit, &die) != 0)
			continue;
		do {
			visit(&die, ctx);
		} while (dwarf_siblingof(&die, &die) == 0);
	}
}

/* The number of KEY; one that is new is kept, with no place in the twin. */
static uint32_t number_of(struct twin *twin, const char *key)
{
	uint32_t before = twin->names.n;
	char *copy = strdup(key);
	uint32_t n = gu_intern_str(&twin->names, gu_str(copy));

	if (n < before) {
		free(copy);
		return n;
	}
	if (!gu_vec_room(&twin->offs, &twin->offs_cap, n) ||
		!gu_vec_room(&twin->keys, &twin->keys_cap, n))
		abort();
	twin->offs[n] = 0;
	twin->keys[n] = copy;
	return n;
}

static void remember(Dwarf_Die *die, void *ctx)
{
	struct twin *twin = ctx;
	char key[4096];
	uint32_t n;

	if (!key_of(die, key, sizeof key))
		return;
	n = number_of(twin, key); /* may move offs */
	twin->offs[n] = dwarf_dieoffset(die);
	if (strcmp(key, "var runtime.firstmoduledata") == 0)
		twin->moduledata = var_addr(die);
}

/*
 * Descriptors do not tell types that cannot be compared ("noalg.") from those
 * that can, but for the groups and buckets of maps.
 */
static const char *plain(const char *name)
{
	static const char noalg[] = "noalg.";
	const size_t n = sizeof noalg - 1;

	return strncmp(name, noalg, n) == 0 ? name + n : name;
}

/* The same type, or pointers to the same. */
static bool same_name(const char *ours, const char *theirs)
{
	while (*ours == '*' && *theirs == '*') {
		ours++;
		theirs++;
	}
	return strcmp(plain(ours), plain(theirs)) == 0;
}

static bool same_members(Dwarf_Die *a, Dwarf_Die *b, const char **why)
{
	Dwarf_Die ma, mb;
	int ra = dwarf_child(a, &ma), rb = dwarf_child(b, &mb);

	while (ra == 0 && rb == 0) {
		const char *na = dwarf_diename(&ma), *nb = dwarf_diename(&mb);

		*why = "a member's name";
		if (!na || !nb || !same_member_name(na, nb))
			return false;
		*why = "a member's offset";
		if (member_offset(&ma) != member_offset(&mb))
			return false;
		*why = "whether a member is embedded";
		if (attr(&ma, DW_AT_go_embedded_field, 0) !=
			attr(&mb, DW_AT_go_embedded_field, 0))
			return false;
		*why = "the type of a member";
		if (!same_name(type_name(&ma), type_name(&mb)))
			return false;
		ra = dwarf_siblingof(&ma, &ma);
		rb = dwarf_siblingof(&mb, &mb);
	}
	*why = "the number of members";
	return ra == rb;
}

static uint64_t array_count(Dwarf_Die *die)
{
	Dwarf_Die range;

	return dwarf_child(die, &range) == 0 ?
		attr(&range, DW_AT_count, UINT64_MAX) : UINT64_MAX;
}

static bool same_type(Dwarf_Die *a, Dwarf_Die *b, int minor,
	const char **why)
{
	uint64_t kind = attr(a, DW_AT_go_kind, 0);

	*why = "its tag";
	if (dwarf_tag(a) != dwarf_tag(b))
		return false;
	*why = "its size";
	/* Go 1.8 gave function types none */
	if (attr(a, DW_AT_byte_size, 0) != attr(b, DW_AT_byte_size, 0) &&
		(kind != GU_RKIND_FUNC || dwarf_hasattr(b, DW_AT_byte_size)))
		return false;
	*why = "its encoding";
	if (attr(a, DW_AT_encoding, 0) != attr(b, DW_AT_encoding, 0))
		return false;
	*why = "its length";
	if (dwarf_tag(a) == DW_TAG_array_type &&
		array_count(a) != array_count(b))
		return false;
	*why = "what it points to";
	if (dwarf_tag(a) != DW_TAG_subroutine_type &&
		!same_name(type_name(a), type_name(b)))
		return false;
	*why = "its elements";
	if (!same_name(name_of(a, DW_AT_go_elem), name_of(b, DW_AT_go_elem)))
		return false;
	*why = "its descriptor";
	if (minor >= 12 && attr(a, DW_AT_go_runtime_type, 0) &&
		attr(b, DW_AT_go_runtime_type, 0) &&
		attr(a, DW_AT_go_runtime_type, 0) !=
			attr(b, DW_AT_go_runtime_type, 0))
		return false;
	*why = "its keys";
	if (!same_name(name_of(a, DW_AT_go_key), name_of(b, DW_AT_go_key)))
		return false;
	return dwarf_tag(a) != DW_TAG_structure_type ||
		same_members(a, b, why);
}

struct comparison {
	struct twin *twin;
	Dwarf *dwarf;
	struct counts counts;
	uint64_t moduledata; /* of ours */
	int minor;
};

static void find_moduledata(Dwarf_Die *die, void *ctx)
{
	struct comparison *c = ctx;
	char key[4096];

	if (key_of(die, key, sizeof key) &&
		strcmp(key, "var runtime.firstmoduledata") == 0)
		c->moduledata = var_addr(die);
}

static void compare_var(struct comparison *c, Dwarf_Die *ours)
{
	Dwarf_Die theirs;
	char key[4096];
	Dwarf_Off off;
	uint32_t n;

	(void)key_of(ours, key, sizeof key);
	n = number_of(c->twin, key);
	off = c->twin->offs[n];
	c->counts.vars++;
	if (off && dwarf_offdie(c->dwarf, off, &theirs) &&
		var_addr(ours) - c->moduledata ==
			var_addr(&theirs) - c->twin->moduledata &&
		strcmp(type_name(ours), type_name(&theirs)) == 0)
		return;
	c->counts.vars_differ++;
	printf("# %s: 0x%" PRIx64 " of type %s differs\n", key,
		var_addr(ours), type_name(ours));
}

static void compare(Dwarf_Die *die, void *ctx)
{
	struct comparison *c = ctx;
	Dwarf_Off off;
	uint32_t n;
	char key[4096];
	Dwarf_Die other;
	const char *why = "";

	if (!key_of(die, key, sizeof key))
		return;
	if (dwarf_tag(die) == DW_TAG_variable) {
		compare_var(c, die);
		return;
	}
	if (attr(die, DW_AT_go_kind, 0) == GU_RKIND_INTERFACE)
		return;
	/* up to 1.9 its element was held to stand in it, not beside it */
	if (c->minor < 10 && strncmp(key, "0 sudog<", 8) == 0)
		return;
	n = number_of(c->twin, key);
	off = c->twin->offs[n];
	if (off == 0 || !dwarf_offdie(c->dwarf, off, &other)) {
		c->counts.ours_only++;
		if (getenv("VERBOSE"))
			printf("# only we have %s\n", key);
		return;
	}
	c->counts.compared++;
	if (same_type(die, &other, c->minor, &why))
		return;
	if (++c->counts.differ <= 10)
		printf("# %s: %s differs (%s, %s)\n", key, why,
			type_name(die), type_name(&other));
}

static Dwarf *open_dwarf(const char *path, int *fd)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? NULL : dwarf_begin(*fd, DWARF_C_READ);
}

static void close_dwarf(Dwarf *dwarf, int fd)
{
	(void)dwarf_end(dwarf);
	if (fd >= 0)
		(void)close(fd);
}

static void compare_fixture(const struct fixture *fixture, const char *path,
	int minor)
{
	struct twin twin = {0};
	struct comparison c = {.twin = &twin, .minor = minor};
	int fd, full_fd;
	Dwarf *ours = open_dwarf(path, &fd);

	c.dwarf = open_dwarf(fixture->full, &full_fd);
	gu_intern_init(&twin.names);
	if (ours && c.dwarf) {
		each_type(c.dwarf, remember, &twin);
		each_type(ours, find_moduledata, &c);
		each_type(ours, compare, &c);
	}
	ok(c.counts.compared > 0 && c.counts.differ == 0,
		"%s: %u types equal, %u differ, %u that only we have",
		fixture->name, c.counts.compared - c.counts.differ,
		c.counts.differ, c.counts.ours_only);
	ok(c.counts.vars_differ == 0, "%s: %u variables equal",
		fixture->name, c.counts.vars);
	for (uint32_t i = 0; i < twin.names.n; i++)
		free(twin.keys[i]);
	free(twin.keys);
	free(twin.offs);
	gu_intern_deinit(&twin.names);
	close_dwarf(ours, fd);
	close_dwarf(c.dwarf, full_fd);
}

static void check_fixture(const struct fixture *fixture, void *ctx)
{
	char path[FIXTURE_PATH];
	int minor;

	(void)ctx;
	/* descriptors have names by offset, and DWARF Go kinds, since 1.7 */
	if (strcmp(fixture->full, "-") == 0 ||
		sscanf(fixture->go, "1.%d", &minor) != 1 || minor < 7)
		return;
	if (!fixture_symbols(fixture, false, path))
		ok(false, "%s: no symbol file", fixture->name);
	else
		compare_fixture(fixture, path, minor);
	(void)unlink(path);
}

int main(int argc, char **argv)
{
	fixtures_each(argc > 1 ? argv[1] : NULL, check_fixture, NULL);
	return tap_done();
}
