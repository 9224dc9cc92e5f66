#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Our addr2line on a program, and that of binutils on its symbol file, written
# by us: every 37th row of the line tables, and what is around code.
set -u

tool=${abs_top_builddir:?}/tools/gounstrip
fixtures=${GOUNSTRIP_FIXTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests/fixtures}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99

if ! command -v addr2line >/dev/null; then
	echo 'SKIP: no addr2line (binutils)'
	exit 77
fi

# binutils puts the folder of the unit, ".", before a file that has none
plain() {
	sed -e 's|^\(\./\)*||' -e 's| (discriminator [0-9]*)$||'
}

compared=0 failed=0
for name in go1.15-amd64-pie go1.20-amd64-trimpath go1.24-amd64-cgo \
	go1.27-amd64-static; do
	program=$fixtures/$name/strip
	[ -f "$program" ] || continue
	compared=$((compared + 1))
	"$tool" symbols -o symbols "$program" >/dev/null || exit 1
	{
		"$tool" dump --lines "$program" |
			sed -n 's/^  line \(0x[0-9a-f]*\)-.*/\1/p' |
			awk 'NR % 37 == 1'
		echo 0x10
		echo ffffffffff
	} >pcs
	"$tool" addr2line -a -f -i -e "$program" <pcs | plain >ours
	addr2line -a -f -i -e symbols <pcs | plain >theirs
	if diff ours theirs >differences; then
		echo "ok - $name: $(wc -l <pcs) addresses"
	else
		echo "not ok - $name"
		head -n 20 differences
		failed=1
	fi
done
if [ $compared -eq 0 ]; then
	echo "SKIP: no fixtures in $fixtures: run tests/fixtures/build"
	exit 77
fi
exit $failed
