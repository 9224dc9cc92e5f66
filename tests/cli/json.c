/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * json GO GOARCH: check the output of "gounstrip info --json" on standard
 * input, whose program was built by that Go ("-": not known) for that
 * architecture, and print its counts of functions, line rows and inlined
 * ranges.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static int fail(const char *what, const char *value)
{
	printf("%s: %s\n", what, value ? value : "missing");
	return 1;
}

/* "go1.10", told without build info, names no patch release: "1.10.8" fits;
 * so does a range of releases, which only the oracle can judge. */
static int is_release(const char *version, const char *go)
{
	size_t n;

	if (!version || strncmp(version, "go", 2) != 0)
		return 0;
	n = strlen(version + 2);
	return !strcmp(go, "-") || strstr(version, " to ") ||
		(!strncmp(version + 2, go, n) && (!go[n] || go[n] == '.'));
}

int main(int argc, char **argv)
{
	json_error_t error;
	json_t *info = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
	json_t *counts = json_object_get(info, "counts");
	const char *go, *arch;

	if (argc != 3)
		return 2;
	if (!info)
		return fail("JSON", error.text);
	go = json_string_value(json_object_get(info, "go_version"));
	arch = json_string_value(json_object_get(info, "arch"));
	if (!is_release(go, argv[1]))
		return fail("go_version", go);
	if (!arch || strcmp(arch, argv[2]) != 0)
		return fail("arch", arch);
	if (json_object_get(counts, "unreadable_functions"))
		return fail("counts", "there are unreadable functions");
	printf("%" JSON_INTEGER_FORMAT " %" JSON_INTEGER_FORMAT
	       " %" JSON_INTEGER_FORMAT "\n",
		json_integer_value(json_object_get(counts, "functions")),
		json_integer_value(json_object_get(counts, "line_rows")),
		json_integer_value(json_object_get(counts, "inlined_ranges")));
	json_decref(info);
	return 0;
}
