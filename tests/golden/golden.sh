#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# golden.sh [--update]: info and dump of programs, as they were when somebody
# last read them and found them right.
#
# Only programs built with -trimpath, without C: every bit of them follows from
# the Go release and the sources, wherever they are built.  Of the dump, only the
# functions of the test program itself.
set -u

tool=${abs_top_builddir:?}/tools/gounstrip
golden=${abs_top_srcdir:?}/tests/golden
fixtures=${GOUNSTRIP_FIXTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests/fixtures}
update=${1:-}
new=$(mktemp) || exit 99
trap 'rm -f "$new"' EXIT

# What depends on the machine: the path, and the ids, which cover the compiler.
show() {
	"$tool" info "$1" | grep -Ev '^(File|GNU build id|Go build id) '
	"$tool" dump "$1" | awk '
		/^function/ { ours = $3 ~ /^(main|gounstrip\.test\/.*)\./ }
		/^file/ { ours = /gounstrip\.test|\.[yl]$/ }
		ours'
}

version() {
	sed -n 's/^Go version  *//p' "$1"
}

good=0 bad=0 skipped=0
for name in go1.15-amd64-trimpath go1.18-amd64-trimpath go1.27-amd64-trimpath; do
	program=$fixtures/$name/strip
	if [ ! -f "$program" ]; then
		echo "SKIP: $name is not in $fixtures"
		skipped=$((skipped + 1))
		continue
	fi
	show "$program" >"$new"
	if [ "$update" = --update ]; then
		cp "$new" "$golden/$name.txt" && echo "$golden/$name.txt"
	elif [ "$(version "$new")" != "$(version "$golden/$name.txt")" ]; then
		echo "SKIP: $name was built by $(version "$new")"
		skipped=$((skipped + 1))
	elif diff -u "$golden/$name.txt" "$new"; then
		good=$((good + 1))
	else
		bad=$((bad + 1))
	fi
done

[ "$update" != --update ] || exit 0
echo "$good as before, $bad not, $skipped skipped; make update-golden makes" \
	'what is there now the truth'
[ "$good" -gt 0 ] || [ "$bad" -gt 0 ] || exit 77
[ "$bad" -eq 0 ]
