#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Symbol files against the DWARF of the unstripped twins: see twin.c.  What may
# differ, and why:
#
#   unit                 the package of a function's name; Go's linker has it in
#                        the package that was compiled (linknames, type:.eq.…)
#   linkage              Go calls wrappers static, the binary does not tell
#   name                 1.18 to 1.20: "F[...]" is all that the binary has;
#                        runtime.sigreturn has the name by which GDB knows
#                        signal frames (see func_list.c)
#   line of declaration
#   left out             not in the binary up to 1.19
#   file of declaration  //line in a function's body; compiler-made init
#   prologue end         assembler functions; a frame of over 2 KB on riscv64
#                        and loong64
#   line, file           at up to 10 addresses, where Go's two tables disagree
#
# and up to Go 1.14 (golang.org/issue/38192 and older) Go's own line tables are
# wrong at the ends of functions: only names and ends are compared there.
set -u

dir=${abs_top_builddir:?}/tests/symfile
fixtures=${GOUNSTRIP_FIXTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests/fixtures}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
tab=$(printf '\t')

n=0 bad=0
while IFS=$tab read -r name go arch _ strip full _; do
	case $name in '#'*) continue ;; esac
	[ -f "$full" ] || continue
	n=$((n + 1))
	minor=${go#1.}
	if "$dir/mksym" "$strip" "$work/symbols" >/dev/null &&
		"$dir/twin" "$work/symbols" "$full" >"$work/diffs" &&
		awk -F '\t' -v minor="${minor%%.*}" -v arch="$arch" '
		function wrong() { print "  " $0; failed = 1 }
		$1 == "functions" || $1 == "rows" {
			if ($2 < 1000)
				wrong()
			next
		}
		$1 == "unit" || $1 == "linkage" { next }
		$1 == "name" && $2 == 1 && /runtime.sigreturn__sigaction/ {
			next
		}
		$1 == "name" {
			if (minor < 18 || minor > 20 || !/\[\.\.\.\]/)
				wrong()
			next
		}
		$1 == "line of declaration left out" && minor < 20 { next }
		$1 == "file of declaration" && $2 <= 4 { next }
		minor < 15 && $1 != "end" { next }
		$1 == "prologue end" {
			# none in assembler; not exact for large frames
			if ($3 !~ /\.s\) / && arch !~ /riscv64|loong64/)
				wrong()
			next
		}
		/^(line|file) at an address/ && $2 <= 10 { next }
		{ wrong() }
		END { exit failed }' "$work/diffs"; then
		echo "ok - $name"
	else
		bad=$((bad + 1))
		echo "not ok - $name"
	fi
done <"$fixtures/index.tsv"

if [ $n -eq 0 ]; then
	echo "SKIP: no fixtures in $fixtures: run tests/fixtures/build"
	exit 77
fi
echo "$n symbol files, $bad differ"
[ $bad -eq 0 ]
