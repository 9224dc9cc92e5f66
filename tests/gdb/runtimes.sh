#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Two Go runtimes in one process (libraries, of two releases if there are): each
# list says whose goroutines they are, "go runtime" shows and chooses, a
# goroutine of the chosen one can be selected, and the frames of both are shown.
# Where there is one, nothing is said.  In every GDB.
# shellcheck disable=SC2015,SC2016 # fails never fails; GDB's variables
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need c-shared
newest=$(fixture c-shared)
host=$(dirname "$newest")/host
[ -x "$host" ] || skip "no C host"
other=$(awk -F '\t' '$3 == "amd64" && $4 == "c-shared" { print $5 }' \
	"$fixtures/index.tsv" | tail -n 2 | head -n 1)
mkdir "$tmp/two"
cp "$newest" "$tmp/two/libone.so"
cp "$other" "$tmp/two/libother.so"
unset GODEBUG

fails() { # WHAT
	echo "FAIL in GDB $version: $*"
	grep -v '^#\|^.* main[.]park' "$tmp/said" | tail -n 50
	failed=1
}

ask() { # COMMAND...: what GDB says of $started
	local args=() command
	for command; do
		args+=(-ex "$command")
	done
	timeout 100 "$gdb" -nx -q -batch -iex 'set width 0' \
		-ex "source $abs_top_builddir/gdbinit/gounstrip.gdb" \
		-p "$started" "${args[@]}" </dev/null >"$tmp/said" 2>&1 || true
	grep -q '^<end' "$tmp/said" || fails "GDB's end"
}

start env LD_PRELOAD="$tmp/two/libother.so" "$host" "$tmp/two/libone.so" park 3
two=$started
program=$(fixture static)
one=
if [ -x "$program" ]; then
	start "$program" park 3
	one=$started
fi

for gdb in "${all_gdbs[@]}"; do
	version=$("$gdb" --version | sed -n '1s/.* //p')
	before=$failed failed=0
	started=$two
	ask 'go load' 'echo <status\n' 'go status' 'echo <first\n' \
		'info goroutines' 'echo <show\n' 'go runtime' \
		'echo <unknown\n' 'go runtime nothing' \
		'echo <ambiguous\n' 'go runtime lib' \
		'echo <choose\n' 'go runtime libone' \
		'echo <chosen\n' 'info goroutines' "go bt > $tmp/stacks" \
		'echo <all\n' 'thread apply all bt' \
		'echo <which\n' "info goroutines -with wait\ select > $tmp/list" \
		"shell sed -n 's/^. \\([0-9]*\\) \\[select\\].*/goroutine \\1/p' $tmp/list | head -n 1 >$tmp/switch" \
		"source $tmp/switch" 'bt' goroutine \
		'echo <back\n' "go runtime '$tmp/two/libother.so'" goroutine \
		'info goroutines' 'echo <end\n'
	part status
	says "^gounstrip: more than one Go runtime: 'go runtime'"
	part show
	[ "$(grep -c '^[* ] .*/two/lib.*[.]so$' "$tmp/part")" = 2 ] &&
		[ "$(grep -c '^[*] ' "$tmp/part")" = 1 ] ||
		fails 'does not show two'
	first=$(sed -n 's/^[*] //p' "$tmp/part")
	part first
	says "^[.][.][.]these are of $first; 2 Go runtimes are here"
	part unknown
	says '^gounstrip: no Go runtime is called nothing'
	part ambiguous
	says '^gounstrip: more than one Go runtime is called lib'
	part choose
	says '^[*] .*/libone[.]so$'
	says '^  .*/libother[.]so$'
	part chosen
	says '^[.][.][.]these are of .*/libone[.]so; 2 Go'
	says ' main[.]parkSelect '
	grep -q '^main[.]parkSelect(' "$tmp/stacks" || fails 'go bt: no stack'
	part all
	says ' in runtime[.]mcall '
	is_silent_of '^Backtrace stopped: previous frame'
	is_silent_of 'no caller of'
	part which
	says ' in main[.]parkSelect '
	says '^.Goroutine .*select.* is selected'
	part back
	says '^[*] .*/libother[.]so$'
	says '^[.][.][.]these are of .*/libother[.]so; 2 Go'
	is_silent_of 'is selected'
	is_silent_of 'main[.]park'
	if [ -n "$one" ]; then
		started=$one
		ask 'go load' 'echo <list\n' 'info goroutines' 'go status' \
			'echo <show\n' 'go runtime' 'echo <end\n'
		part list
		says ' main[.]parkSelect '
		is_silent_of ' runtimes are here\|more than one Go runtime'
		part show
		says '^[*] .*/'
	fi
	[ $failed = 1 ] || echo "ok in GDB $version"
	failed=$((failed | before))
done
done_testing
