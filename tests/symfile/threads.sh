#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A symbol file written by two threads, the Go tables let go of on the way, is
# byte by byte the one that is written by one.
# GOUNSTRIP_TEST_ALL=1: of all fixtures, not of a choice.
set -u

mksym=${abs_top_builddir:?}/tests/symfile/mksym
fixtures=${GOUNSTRIP_FIXTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests/fixtures}
choice='go1\.27-|go1\.2-|go1\.9-|go1\.15-amd64|go1\.18-mips-|npm-.*-(0\.6\.34|0\.28\.2)$'
[ -n "${GOUNSTRIP_TEST_ALL:-}" ] && choice=.
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
tab=$(printf '\t')

n=0 bad=0
while IFS=$tab read -r name _ _ _ strip _; do
	case $name in '#'*) continue ;; esac
	echo "$name" | grep -Eq "$choice" || continue
	for how in '' 4 ei; do
		n=$((n + 1))
		rm -f "$work/one" "$work/two"
		if "$mksym" ${how:+-$how} "$strip" "$work/one" \
			>"$work/one.log" 2>&1 &&
			"$mksym" "-j$how" "$strip" "$work/two" \
				>"$work/two.log" 2>&1 &&
			cmp "$work/one.log" "$work/two.log" >"$work/said" 2>&1 &&
			cmp "$work/one" "$work/two" >"$work/said" 2>&1; then
			echo "ok - $name $how"
		else
			bad=$((bad + 1))
			echo "not ok - $name $how"
			head -n 5 "$work/one.log" "$work/two.log" "$work/said"
		fi
	done
done <"$fixtures/index.tsv"

if [ $n -eq 0 ]; then
	echo "SKIP: no fixtures in $fixtures: run tests/fixtures/build"
	exit 77
fi
echo "$n symbol files, $bad differ"
[ $bad -eq 0 ]
