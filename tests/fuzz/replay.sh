#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Each fuzz target on its seeds and on spoilt copies of them.  FUZZ_ROUNDS: how
# many of each (the same ones every time).
set -e
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fuzz=${abs_top_builddir:?}/tests/fuzz

"$fuzz/make_corpus" "$dir"
for seeds in "$dir"/*; do
	"$fuzz/fuzz_$(basename "$seeds")" -m "${FUZZ_ROUNDS:-1000}" "$seeds"/*
done
