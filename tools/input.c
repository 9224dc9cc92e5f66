/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/input.h"

#include "tools/command.h"

bool gu_input_open(const char *path, struct gu_input *out)
{
	struct gu_input input = {0};
	struct gu_diag diag = {0};
	enum gu_status status;

	if (gu_elf_file_open(path, &diag, &input.file)) {
		gu_complain_diag(NULL, &diag); /* it names the file */
		return false;
	}
	status = gu_module_open(gu_elf_file_image(input.file), &diag,
		&input.module);
	if (status == GU_NOT_FOUND)
		status = gu_fail(&diag, GU_UNSUPPORTED,
			"no Go function table (.gopclntab) is in this file; "
			"a program built by Go was expected (unpack it first "
			"if it was packed, with UPX for instance)");
	if (status) {
		gu_complain_diag(path, &diag);
		gu_elf_file_close(input.file);
		return false;
	}
	*out = input;
	return true;
}

void gu_input_close(struct gu_input *input)
{
	gu_module_close(input->module);
	gu_elf_file_close(input->file);
}
