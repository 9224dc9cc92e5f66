#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Symbol files as other tools see them: readelf, eu-elflint and llvm-dwarfdump
# --verify have nothing to say against them, but for what eu-elflint does not
# know (Go's notes and ours, machines and their flags that it has no table of).
# GOUNSTRIP_TEST_ALL=1: of all fixtures, not of a choice.
set -u

mksym=${abs_top_builddir:?}/tests/symfile/mksym
fixtures=${GOUNSTRIP_FIXTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests/fixtures}
choice='go1\.27-|go1\.2-|go1\.9-|go1\.15-amd64|go1\.18-mips-|npm-.*-(0\.6\.34|0\.28\.2)$'
[ -n "${GOUNSTRIP_TEST_ALL:-}" ] && choice=.
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
tab=$(printf '\t')

have() {
	command -v "$1" >/dev/null 2>&1
}

for tool in readelf eu-elflint llvm-dwarfdump; do
	have $tool || echo "# no $tool here: left out"
done

# What they say to stderr; to stdout goes what they read.
# shellcheck disable=SC2069
complaints() {
	if have readelf; then
		readelf -aW "$1" 2>&1 >/dev/null
		readelf -W --debug-dump=info,abbrev,rawline,Ranges,aranges,frames,gdb_index \
			"$1" 2>&1 >/dev/null
	fi
	if have eu-elflint; then
		eu-elflint --gnu-ld -d "$1" | grep -v \
			-e '^No errors$' -e '^$' \
			-e "unknown object file note type .* owner name 'Go'" \
			-e "note type .* with owner name 'gounstrip'" \
			-e '^invalid machine flags: ' \
			-e '^unknown machine type 258$'
	fi
	if have llvm-dwarfdump; then
		llvm-dwarfdump --verify "$1" 2>&1 |
			grep -i -e error -e warning |
			grep -v -e '^No errors' -e '^Verifying'
	fi
	return 0
}

n=0 bad=0
while IFS=$tab read -r name _ _ _ strip _; do
	case $name in '#'*) continue ;; esac
	echo "$name" | grep -Eq "$choice" || continue
	for version in '' -4 -ei; do
		n=$((n + 1))
		out=$work/symbols
		if "$mksym" $version "$strip" "$out" >"$work/log" 2>&1 &&
			grep -q ' dropped=0$' "$work/log" &&
			"$mksym" -v $version "$strip" "$out" &&
			complaints "$out" >"$work/said" 2>&1 &&
			[ ! -s "$work/said" ]; then
			echo "ok - $name $version"
		else
			bad=$((bad + 1))
			echo "not ok - $name $version"
			head -n 5 "$work/log" "$work/said"
		fi
	done
done <"$fixtures/index.tsv"

if [ $n -eq 0 ]; then
	echo "SKIP: no fixtures in $fixtures: run tests/fixtures/build"
	exit 77
fi
echo "$n symbol files, $bad bad"
[ $bad -eq 0 ]
