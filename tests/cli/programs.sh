#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Every stripped program there is, also those that nobody here built: info is
# sound JSON, dump finds nothing bad, and both count the same.
set -u

tool=${abs_top_builddir:?}/tools/gounstrip
json=${abs_top_builddir:?}/tests/cli/json
fixtures=${GOUNSTRIP_FIXTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests/fixtures}
index=$fixtures/index.tsv
tab=$(printf '\t')

if [ ! -s "$index" ]; then
	echo "SKIP: no fixtures in $fixtures: run tests/fixtures/build"
	exit 77
fi

# check NAME FILE GO GOARCH: a line of what is wrong, or nothing.
check() {
	counts=$("$tool" info --json "$2" | "$json" "$3" "$4") || {
		echo "info: $counts"
		return
	}
	"$tool" dump "$2" | awk -v expected="$counts" '
		/^  bad / { print; bad = 1 }
		$1 == "function" { functions++ }
		$1 == "line" { lines++ }
		$1 == "inline" { inlines++ }
		END {
			found = functions + 0 " " lines + 0 " " inlines + 0
			if (found != expected)
				print "dump has " found ", info " expected
		}'
}

good=0 bad=0
while IFS=$tab read -r name go goarch _ strip _; do
	case $name in
	'#'*) continue ;;
	esac
	wrong=$(check "$name" "$strip" "$go" "$goarch" 2>&1)
	if [ -z "$wrong" ]; then
		good=$((good + 1))
	else
		bad=$((bad + 1))
		printf 'NOT OK: %s:\n%s\n' "$name" "$wrong"
	fi
done <"$index"

echo "$good programs are sound, $bad are not"
[ "$good" -gt 0 ] && [ "$bad" -eq 0 ]
