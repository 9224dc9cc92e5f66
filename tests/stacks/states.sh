#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# gounstrip stacks against runtime.Stack and runtime/pprof: a program with a
# goroutine for each state that lasts prints all of them right after gounstrip
# has, with none but the one that prints having moved (states-lib.sh).  Go 1.16
# to 1.27: static, PIE, with C code.
#
#   states.sh [VERSION]...
set -euo pipefail

# shellcheck source=tests/stacks/tap.sh
. "${abs_top_srcdir:?}/tests/stacks/tap.sh"
# shellcheck source=scripts/lib.sh
. "${abs_top_srcdir:?}/scripts/lib.sh"
# shellcheck source=tests/stacks/lib.sh
. "$abs_top_srcdir/tests/stacks/lib.sh"
# shellcheck source=tests/stacks/states-lib.sh
. "$abs_top_srcdir/tests/stacks/states-lib.sh"
tool=${abs_top_builddir:?}/tools/gounstrip
versions=("$@")
[ "$#" != 0 ] || versions=("${states_versions[@]}")

have go || skip_all "no go"
[ "$(uname -m)" = x86_64 ] || skip_all "for amd64 only"

check() { # VERSION MODE
	local program name="$1 $2" status=0 by

	program=$(build stacks/states "$1" "$2" 2>"$work/build") || {
		result 1 "$name: $(first_line "$work/build")"
		return
	}
	if ! states_start "$program"; then
		result 1 "$name: is not ready"
		states_end
		return
	fi
	"$tool" stacks -p "$pid" >"$work/ours" || status=$?
	states_end
	for by in stack pprof; do
		states_differ "$1" "$work/$by" "$work/ours" || status=1
	done
	result "$status" "$name: $(states_count "$work/stack") goroutines"
}

for version in "${versions[@]}"; do
	for mode in static pie cgo; do
		check "$version" $mode
	done
done
echo "1..$tests"
[ "$failures" = 0 ]
