/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For clang-tidy alone, which reads one file at a time and so does not know
 * that a failure is never GU_OK: without it every out-parameter could be
 * garbage after "return gu_fail (...)".
 */
#include "engine/base/status.h"

#define GU_LINT_ERROR(call)                      \
	({                                       \
		enum gu_status lint_error = call; \
		if (lint_error == GU_OK)         \
			__builtin_unreachable(); \
		lint_error;                      \
	})

#define gu_fail(...) GU_LINT_ERROR(gu_fail(__VA_ARGS__))
#define gu_fail_at(...) GU_LINT_ERROR(gu_fail_at(__VA_ARGS__))
#define gu_fail_in(...) GU_LINT_ERROR(gu_fail_in(__VA_ARGS__))
