#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# addr2line -i and eu-addr2line -i print the chains of inlined calls that
# gounstrip addr2line reads from the Go tables, at a place in each function.
# eu-addr2line tells the chain of where the line's row starts, which may be
# another one, so it is asked for the starts of rows.
set -u

gounstrip=${abs_top_builddir:?}/tools/gounstrip
fixtures=${GOUNSTRIP_FIXTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests/fixtures}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
n=0 bad=0

# What TOOL says of the places, with names of files only. eu-addr2line says in
# the first line of a chain where it is inlined, too.
chains() { # FILE TOOL...
	file=$1
	shift
	xargs "$@" -f -i -e "$file" <"$work/places" 2>&1 |
		sed 's/ inlined at .*//; s/ (discriminator [0-9]*)$//; s,^.*/\([^/]*:[0-9?]*\)$,\1,
			s/^??:?$/??:0/; s/^runtime\.sigreturn__sigaction$/runtime.sigreturn/'
}

# The end of the first third of each function.
thirds() { # FILE
	"$gounstrip" dump --functions "$1" |
		sed -n 's/^function \(0x[0-9a-f]*\)-\(0x[0-9a-f]*\) .*/\1 \2/p' |
		while read -r from to; do
			echo $(((from + (to - from) / 3) & ~3))
		done | awk '{ printf "0x%x\n", $1 }'
}

# The starts of the third to sixth row of each function.
rows() { # FILE
	"$gounstrip" dump --functions --lines "$1" | awk '
		/^function / { n = 0 }
		/^  line / && ++n > 2 && n < 7 { sub(/-.*/, "", $2); print $2 }'
}

for name in go1.27-amd64-static go1.16-amd64-static go1.27-arm64-static; do
	[ -e "$fixtures/$name/strip" ] || continue
	"$gounstrip" symbols "$fixtures/$name/strip" -o "$work/symbols" \
		>/dev/null || exit 99
	for tool in addr2line eu-addr2line; do
		n=$((n + 1))
		if ! command -v $tool >/dev/null; then
			echo "ok $n # SKIP no $tool"
			continue
		fi
		if [ $tool = addr2line ]; then
			thirds "$fixtures/$name/strip"
		else
			rows "$fixtures/$name/strip"
		fi >"$work/places"
		chains "$fixtures/$name/strip" "$gounstrip" addr2line \
			>"$work/ours"
		chains "$work/symbols" $tool >"$work/theirs"
		if ! diff "$work/ours" "$work/theirs" >"$work/log" ||
			[ "$(wc -l <"$work/ours")" -lt 3000 ]; then
			printf 'not '
			bad=$((bad + 1))
			head -n 20 "$work/log" | sed 's/^/# /'
		fi
		echo "ok $n - $name: $tool, $(wc -l <"$work/ours") lines"
	done
done
[ $n -gt 0 ] || {
	echo "1..0 # SKIP no fixtures in $fixtures: run tests/fixtures/build"
	exit 77
}
echo "1..$n"
[ $bad = 0 ]
