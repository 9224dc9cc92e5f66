#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The goroutine that was selected ends while the program runs on: nothing of it
# is shown any more, and whatever asks for it is told so; also where hooks of the
# user's stand in for ours.  And a core of a program that died in malloc: the
# stack goes over C, and the goroutines are listed. In every GDB.
# shellcheck disable=SC2016 # GDB's variables
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

program() { # MODE: the program of tests/gdb/gone
	local work=$tmp XDG_CACHE_HOME=${cache%/*}
	. "$abs_top_srcdir/scripts/lib.sh"
	. "$abs_top_srcdir/tests/stacks/lib.sh"
	build gdb/gone 1.27.4 "$1" 2>"$tmp/build" ||
		echo "$test_name: no program: $(tail -n 1 "$tmp/build")" >&2
}

fails() { # WHAT
	echo "$name: FAIL in GDB $version: $*"
	tail -n 50 "$tmp/said"
	failed=1
}

ask() { # GDBARG...: what GDB says to the file script
	timeout 100 "$gdb" -nx -q -batch -iex 'set width 0' \
		-iex 'set backtrace past-main on' "${own[@]}" \
		-ex "source $abs_top_builddir/gdbinit/gounstrip.gdb" \
		"$@" </dev/null >"$tmp/said" 2>&1 || true
	grep -q '^<end' "$tmp/said" || fails "GDB's end"
}

# leaves GDBARG...: the program is there, and a goroutine of it waits
leaves() {
	local args=()
	id=$("$GOUNSTRIP" stacks -p "$started" 2>/dev/null |
		awk '/^goroutine / { id = $2 } /^main[.]waiter/ { print id }')
	while IFS= read -r line; do
		args+=(-ex "$line")
	done <<-SCRIPT
		go load
		goroutine $id
		echo <selected\\n
		bt 8
		goroutine
		break main.after
		shell echo >$tmp/in
		continue
		echo <gone\\n
		bt
		goroutine
		echo <asked\\n
		goroutine $id
		goroutine $id bt 3
		goroutine
		echo <listed\\n
		info goroutines
		echo <again\\n
		goroutine 1 bt 2
		bt 1
		echo <end\\n
		delete
		detach
	SCRIPT
	ask -p "$started" "${args[@]}"
	part selected
	says ' in main[.]waiter '
	says "^.Goroutine $id .* is selected"
	part gone
	says '^#0 .*main[.]after '
	says '^.Goroutine 1 .running. is on this thread'
	is_silent_of 'main[.]waiter'
	is_silent_of 'is selected'
	part asked
	[ "$(grep -c "^gounstrip: there is no goroutine $id\$" "$tmp/part")" = 2 ] ||
		fails "does not say that $id is not there"
	says '^.Goroutine 1 .running. is on this thread'
	part listed
	says '^. 1 .running.'
	is_silent_of "^. $id "
	part again
	says '^#0 .*main[.]after '
}

program=$(program static)
cgo=$(program cgo)
if [ -x "$program" ]; then
	unset GODEBUG
	mkfifo "$tmp/in"
	exec 3<>"$tmp/in"
	start sh -c 'exec "$0" leave <"$1"' "$program" "$tmp/in"
fi
[ ! -x "$cgo" ] || dump "$tmp/core" "$cgo" malloc
[ -x "$program" ] || [ -x "$cgo" ] || skip 'no program'

printf '%s\n' 'define hook-continue' 'echo mine\n' end >"$tmp/own"
for gdb in "${all_gdbs[@]}"; do
	version=$("$gdb" --version | sed -n '1s/.* //p')
	before=$failed failed=0 own=()
	if [ -x "$program" ]; then
		name=leave
		leaves
		name="leave, own hooks"
		own=(-x "$tmp/own")
		leaves
		own=()
	fi
	if [ -x "$cgo" ]; then
		name=malloc
		ask "$cgo" "$tmp/core" -ex 'go load' -ex 'echo <bt\n' -ex bt \
			-ex 'echo <list\n' -ex 'info goroutines' \
			-ex 'echo <stacks\n' -ex 'go bt' -ex 'echo <one\n' \
			-ex 'goroutine 1' -ex 'echo <end\n'
		part bt
		says '^#0 .* runtime.raise '
		# an old GDB and the C library: docs/gdb-integration.md, fact 19
		if ! grep -q 'Shared library architecture unknown' "$tmp/said"; then
			says 'malloc'
			says ' in runtime[.]asmcgocall '
			says ' in main[.]broken '
			says ' in runtime[.]goexit '
			is_silent_of '^Backtrace stopped'
		fi
		part list
		says '^. 1 .syscall. main[._]*_Cfunc_c_break '
		says '^  [0-9]* .* main[.]main'
		part stacks
		says '^main[.]broken('
		part one
		says '^.Goroutine 1 .syscall. is on this thread'
	fi
	[ $failed = 1 ] || echo "ok in GDB $version"
	failed=$((failed | before))
done
done_testing
