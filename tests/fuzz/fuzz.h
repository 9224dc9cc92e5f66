/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A fuzz target is one file with libFuzzer's entry point.  With
 * --enable-fuzzing it is linked with libFuzzer, else with replay.c.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
