/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The labels that runtime/pprof puts on goroutines: a map[string]string up to
 * Go 1.23, a slice of pairs since.
 */
#ifndef GU_STACK_LABELS_H
#define GU_STACK_LABELS_H

#include "engine/stack/goroutine.h"

/*
 * Call VISIT for each label of G; KEY and VALUE live during the call.
 * GU_BAD_DATA, GU_FAULT: what was visited before stands.
 */
enum gu_status gu_labels_read(const struct gu_runtime *rt,
	const struct gu_goroutine *g,
	void (*visit)(void *ctx, struct gu_str key, struct gu_str value),
	void *ctx, struct gu_diag *diag) GU_MUST_CHECK;

#endif
