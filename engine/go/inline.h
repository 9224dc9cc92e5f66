/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The forms of the inline tree's records; its reading is module.h's. */
#ifndef GU_GO_INLINE_H
#define GU_GO_INLINE_H

#include "engine/go/version.h"

struct gu_inline_form;

/* How VERSION writes inline trees; NULL if it has none or is not certain. */
const struct gu_inline_form *gu_inline_form_of(struct gu_go_version version);

#endif
