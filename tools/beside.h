/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two jobs on two processors: how the engine is given a second thread. */
#ifndef GU_TOOLS_BESIDE_H
#define GU_TOOLS_BESIDE_H

#include "engine/base/job.h"

#include <stdbool.h>

/*
 * B in a thread of its own, in which all signals are blocked; after A if none
 * can be made.
 */
gu_run_jobs gu_beside;

/* gu_beside where this process may use two processors; else NULL. */
gu_run_jobs *gu_beside_if_useful(void);

#endif
