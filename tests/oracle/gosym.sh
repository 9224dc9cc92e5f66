#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Every fixture against Go's own debug/gosym, the npm programs too.
set -u

fixtures=${GOUNSTRIP_FIXTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests/fixtures}
index=$fixtures/index.tsv
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT

if [ ! -s "$index" ]; then
	echo "SKIP: no fixtures in $fixtures: run tests/fixtures/build"
	exit 77
fi
if ! command -v go >/dev/null; then
	echo "SKIP: no go to build the comparison with debug/gosym"
	exit 77
fi
(cd "${abs_top_srcdir:?}/tests/oracle/gosym" &&
	GOTOOLCHAIN=local go build -o "$work/gosym" .) || exit 99

cut -f5 "$index" | sed 1d | grep -v '^$' |
	xargs -d '\n' "$work/gosym" "${abs_top_builddir:?}/tools/gounstrip"
