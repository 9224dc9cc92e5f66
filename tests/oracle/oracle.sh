#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Every fixture that has an unstripped twin, against that twin; see oracle.c.
set -u

fixtures=${GOUNSTRIP_FIXTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests/fixtures}
index=$fixtures/index.tsv
oracle=${abs_top_builddir:?}/tests/oracle/oracle
tab=$(printf '\t')

if [ ! -s "$index" ]; then
	echo "SKIP: no fixtures in $fixtures: run tests/fixtures/build"
	exit 77
fi

good=0 bad=0
while IFS=$tab read -r name go _ _ strip full _; do
	case $name in
	'#'*) continue ;;
	esac
	[ -f "$full" ] || continue
	minor=${go#1.}
	echo "== $name"
	if "$oracle" "${minor%%.*}" "$strip" "$full"; then
		good=$((good + 1))
	else
		bad=$((bad + 1))
		echo "NOT OK: $name"
	fi
done <"$index"

echo "$good programs agree with their twins, $bad do not"
[ "$good" -gt 0 ] && [ "$bad" -eq 0 ]
