#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# "go bt" and "info goroutines" of a process, a core and a remote process, in
# every GDB, against "gounstrip stacks" of the same: ids, states, frames.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need pie
start "$program" park 3
theirs() { # OPTION...: without what stacks says about what it hides
	"$GOUNSTRIP" stacks "$@" 2>/dev/null | grep -v '^[.][.][.]' | grep .
}

# compare NAME GDBARG...: with the file stacks
compare() {
	local name=$1 gdb
	shift
	# "6 chan receive", as "info goroutines" must have it
	sed -n 's/^goroutine \([0-9]*\) \[\(.*\)\]:$/\1 \2/p' "$tmp/stacks" \
		>"$tmp/states"
	for gdb in "${all_gdbs[@]}"; do
		timeout 60 "$gdb" -nx -q -batch \
			-ex "source ${abs_top_builddir:?}/gdbinit/gounstrip.gdb" \
			"$@" -ex 'go load' -ex 'echo <bt\n' -ex 'go bt' \
			-ex 'echo <list\n' -ex 'info goroutines' \
			-ex 'echo <none\n' -ex 'go bt 4711' \
			-ex 'echo <wrong\n' -ex 'info goroutines -what' \
			-ex 'echo <end\n' </dev/null >"$tmp/out" 2>&1 || true
		sed -n '/^<bt/,/^<list/p' "$tmp/out" |
			grep -v -e '^<' -e '^[.][.][.]' | grep . >"$tmp/bt" ||
			true
		sed -n 's/, [0-9]* seconds*//
			s/^[* ] \([0-9]*\) \[\([^]]*\)\].*/\1 \2/p' \
			"$tmp/out" >"$tmp/list"
		if [ -s "$tmp/states" ] &&
			diff "$tmp/stacks" "$tmp/bt" >"$tmp/diff" &&
			diff "$tmp/states" "$tmp/list" >"$tmp/diff" &&
			grep -q 'there is no goroutine 4711$' "$tmp/out" &&
			grep -q 'was not expected: there are' "$tmp/out"; then
			echo "$name: ok in $gdb"
		else
			echo "$name: FAIL in $gdb"
			head -n 20 "$tmp/diff" "$tmp/out"
			failed=1
		fi
	done
}

theirs -p "$started" >"$tmp/stacks"
compare process -p "$started"
if command -v gdbserver >/dev/null; then
	compare remote "$program" -ex 'set sysroot /' -ex \
		"target remote | gdbserver --attach - $started 2>/dev/null"
fi

dump "$tmp/core" "$program" panic
theirs --core "$tmp/core" -e "$program" >"$tmp/stacks"
compare core "$program" "$tmp/core"
done_testing
