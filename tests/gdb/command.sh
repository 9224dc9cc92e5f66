#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# gounstrip gdb: does what "source" and "go load" do, in the GDB that $GDB names.
# And all but "goroutine" is there where Python has a command of that name.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need static
dump "$tmp/core" "$program" panic
for gdb in "${all_gdbs[@]}"; do
	export GDB=$gdb
	for session in "$program" "$program $tmp/core" "$program -- count 3"; do
		# shellcheck disable=SC2086 # several words
		"$GOUNSTRIP" gdb $session >"$tmp/out" 2>&1 <<-'COMMANDS'
		go status
		info line main.handle
		show args
		quit
		COMMANDS
		if ! grep -q '^gounstrip: .* functions' "$tmp/out" ||
			! grep -q 'Line .* of ".*server.go"' "$tmp/out"; then
			echo "FAIL: gounstrip gdb $session ($gdb)"
			cat "$tmp/out"
			failed=1
		fi
	done
	grep -q 'is "count 3"' "$tmp/out" || {
		echo "FAIL: the arguments did not arrive"
		cat "$tmp/out"
		failed=1
	}

	# Go's runtime-gdb.py, as far as names go
	cat >"$tmp/names.py" <<-'PYTHON'
	import gdb
	for name in 'info goroutines', 'goroutine':
	    gdb.Command(name, gdb.COMMAND_STACK)
	PYTHON
	"$gdb" -nx -q -batch -ex "source $tmp/names.py" \
		-ex "source ${abs_top_builddir:?}/gdbinit/gounstrip.gdb" \
		-ex 'go load' -ex 'go bt' "$program" "$tmp/core" </dev/null \
		>"$tmp/out" 2>&1 || true
	if ! grep -q 'Undefined command: "import"' "$tmp/out" &&
		! { grep -q 'Command "goroutine" is built-in' "$tmp/out" &&
			grep -q '^main[.]main(' "$tmp/out"; }; then
		echo "FAIL: beside Python's commands ($gdb)"
		cat "$tmp/out"
		failed=1
	fi
done
done_testing
