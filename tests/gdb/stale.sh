#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A selected goroutine is not shown any more after the program has run (though
# its thread stops in the same system call), in another thread, and (locally)
# after Ctrl-C in the middle of a command for all of them; also remote, in every
# GDB.
# shellcheck disable=SC2016 # GDB's variables
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

program=$(
	work=$tmp XDG_CACHE_HOME=${cache%/*}
	. "$abs_top_srcdir/scripts/lib.sh"
	. "$abs_top_srcdir/tests/stacks/lib.sh"
	build stacks/states 1.27.4 pie 2>"$tmp/build"
) || skip "no program: $(tail -n 1 "$tmp/build")"
unset GODEBUG
mkfifo "$tmp/in"
exec 3<>"$tmp/in"
start sh -c 'exec "$0" <"$1"' "$program" "$tmp/in"
id=$("$GOUNSTRIP" stacks -p "$started" 2>/dev/null |
	sed -n 's/^goroutine \([0-9]*\) \[chan receive.*/\1/p' | tail -n 1)

# look NAME: what frame 1 is, and whether anything is selected.  It goes with
# main.spin, which runs: no thread of the program's calls gopark there.
look() {
	printf '%s\n' "echo <$1\\n" 'bt 2' goroutine 'echo <>\n'
}

{
	printf '%s\n' 'set pagination off' 'go load' "goroutine $id"
	look selected
	# once it runs, and is no more stopped by GDB
	printf '%s\n' "shell (while grep -q '^State:.t' /proc/$started/status; do \
sleep 0.1; done; sleep 0.2; kill -INT \$PPID) &" continue
	look continued
	printf '%s\n' "goroutine $id" 'thread 2' 'thread 1'
	look thread
	printf '%s\n' "goroutine $id" 'info threads'
	look listed
	printf '%s\n' 'goroutine off'
	look off
	printf '%s\n' "shell (until grep -q '<one' '$tmp/out'; do sleep 0.02; done; \
kill -INT \$PPID) &"
	for _ in {1..8}; do
		printf '%s\n' "goroutine all eval \"echo <one\\n\""
	done
	look interrupted
	printf '%s\n' detach
} >"$tmp/script"

compare() { # NAME GDBARG...
	local name=$1 gdb args=() line
	shift
	while IFS= read -r line; do
		args+=(-ex "$line")
	done <"$tmp/script"
	for gdb in "${all_gdbs[@]}"; do
		timeout 100 "$gdb" -nx -q -batch \
			-ex "source ${abs_top_builddir:?}/gdbinit/gounstrip.gdb" \
			"$@" "${args[@]}" </dev/null >"$tmp/out" 2>&1 || true
		# selected, and frame 1 is the goroutine's: or neither
		awk '/^<[a-z]/ { at = substr($0, 2); if (at == "one") at = ""; shown[at] = is[at] = 0 }
			/^<>/ { at = "" }
			at && /^#1 .*gopark/ { shown[at] = 1 }
			at && / is selected\]/ { is[at] = 1 }
			END { for (at in is) if (at != "") print at, shown[at], is[at] }' \
			"$tmp/out" | sort >"$tmp/found"
		diff - "$tmp/found" >"$tmp/diff" <<-'EXPECTED' || true
			continued 0 0
			interrupted 0 0
			listed 1 1
			off 0 0
			selected 1 1
			thread 0 0
		EXPECTED
		[ "$name" = remote ] || grep -q '^Quit' "$tmp/out" || {
			echo "$name: nothing was interrupted"
			failed=1
		}
		if [ ! -s "$tmp/diff" ]; then
			echo "$name: ok in $gdb"
		else
			echo "$name: FAIL in $gdb"
			cat "$tmp/diff"
			grep -v '^<one\|^goroutine' "$tmp/out" | tail -n 40
			failed=1
		fi
	done
}

compare process -p "$started"
if command -v gdbserver >/dev/null; then
	# a signal to GDB would not stop that program
	sed -i -e '/^shell (/d' -e 's/^continue$/tbreak runtime.usleep\n&/' \
		-e '/^goroutine all/d' "$tmp/script"
	compare remote "$program" -ex 'set sysroot /' -ex \
		"target remote | gdbserver --attach - $started 2>/dev/null"
fi
done_testing
