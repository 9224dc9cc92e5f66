/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Goroutines and groups of them as JSON, one object a line. */
#ifndef GU_TOOLS_GOROUTINE_JSON_H
#define GU_TOOLS_GOROUTINE_JSON_H

#include "engine/emit/goroutine_list.h"

void gu_goroutine_json(const struct gu_runtime *rt,
	const struct gu_goroutines *gs, const struct gu_goroutine *g,
	const struct gu_trace *trace, struct gu_buf *out);

/* What they have in common, how many they are, and their ids. */
void gu_goroutine_group_json(const struct gu_runtime *rt,
	const struct gu_query *query, const struct gu_selection *selection,
	const struct gu_group *group, struct gu_buf *out);

#endif
