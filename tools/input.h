/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Go program that a subcommand works on. */
#ifndef GU_TOOLS_INPUT_H
#define GU_TOOLS_INPUT_H

#include "engine/go/module.h"
#include "engine/image/elf_file.h"

struct gu_input {
	struct gu_elf_file *file;
	struct gu_module *module;
};

/* Open PATH; if that fails, complain and return false. */
bool gu_input_open(const char *path, struct gu_input *out);
void gu_input_close(struct gu_input *input);

#endif
