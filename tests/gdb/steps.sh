#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# next, finish and until over a call that makes the stack grow, and so move; and
# finish with two goroutines in the same function, in turns on one thread: each
# must stop where it should, every time, in every GDB.
#
# GDB's temporary breakpoints are for one thread, so the goroutines of the first
# part are locked to theirs; GOUNSTRIP_MODE=drift does without.
#
#   GOUNSTRIP_STEPS   how many times (default: 20)
#   GOUNSTRIP_TWIN    not empty: also of the unstripped twin, without gounstrip,
#                     for comparison; what comes of that is only told

# shellcheck disable=SC2086 # words
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

program() { # MODE: the program of tests/gdb/cross
	local work=$tmp XDG_CACHE_HOME=${cache%/*}
	. "$abs_top_srcdir/scripts/lib.sh"
	. "$abs_top_srcdir/tests/stacks/lib.sh"
	build gdb/cross 1.26.8 "$1" 2>"$tmp/build"
}
stripped=$(program static) || skip "no program: $(tail -n 1 "$tmp/build")"
full=$(program static-full) || skip "no program: $(tail -n 1 "$tmp/build")"

steps=${GOUNSTRIP_STEPS:-20}
at() { # TEXT: the line of the program that has it
	grep -n "$1" "$abs_top_srcdir/tests/gdb/cross/main.go" | cut -d : -f 1
}
call=$(at 'got := deep(n [*] 40)')
in_both=$(at 'got := deep(i [*] 10)')

# session GDB LOAD FILE WHAT: what GDB says at each of the stops
session() {
	timeout 300 "$1" -nx -q -batch -iex 'set auto-load safe-path /' \
		-ex "source $abs_top_builddir/gdbinit/gounstrip.gdb" \
		-ex 'set pagination off' -ex "$2" -ex 'set language c' \
		-x "$tmp/script" --args "$3" "$4" "$steps" </dev/null \
		>"$tmp/out" 2>&1 || true
}

# moving GDB LOAD FILE: how often each of them stopped where it should
moving() {
	cat >"$tmp/script" <<-END
		break main.go:$call
		commands
		silent
		end
		run
		set var \$n = 0
		while \$n < $steps
		set var \$n = \$n + 1
		next
		echo <next\n
		frame
		continue
		step
		finish
		echo <finish\n
		frame
		continue
		until main.go:$((call + 2))
		echo <until\n
		frame
		continue
		end
	END
	session "$1" "$2" "$3" "${GOUNSTRIP_MODE:-steps}"
	awk -v call="$call" '
		/^</ { what = substr($0, 2) }
		/^#0 / {
			line = $NF
			sub(/.*:/, "", line)
			good[what] += $0 ~ /main[.]step / && line == want[what]
		}
		BEGIN {
			want["next"] = call + 1
			want["finish"] = call + 1
			want["until"] = call + 2
		}
		END { print good["next"] + 0, good["finish"] + 0,
			good["until"] + 0 }' "$tmp/out"
}

# both GDB LOAD FILE: how often finish left the frame of its own goroutine
both() {
	cat >"$tmp/script" <<-END
		break main.go:$in_both
		commands
		silent
		end
		run
		set var \$n = 0
		while \$n < $steps
		set var \$n = \$n + 1
		up
		echo <expected\n
		printf "%lx %lx\n", (long)\$pc, (long)\$r14
		down
		disable
		finish
		enable
		echo <got\n
		printf "%lx %lx\n", (long)\$pc, (long)\$r14
		continue
		end
	END
	session "$1" "$2" "$3" both
	awk '/^</ { what = $0 }
		/^[0-9a-f]+ [0-9a-f]+$/ && what == "<expected" { expected = $0 }
		/^[0-9a-f]+ [0-9a-f]+$/ && what == "<got" {
			good += $0 == expected
		}
		END { print good + 0 }' "$tmp/out"
}

# result NAME GOT EXPECTED
result() {
	if [ "$2" = "$3" ]; then
		echo "$1: ok, $2"
	else
		echo "$1: FAIL: $2 of $3"
		tail -n 20 "$tmp/out"
		failed=1
	fi
}

for gdb in "${all_gdbs[@]}"; do
	result "next, finish, until in ${gdb##*/}" \
		"$(moving "$gdb" 'go load' "$stripped")" \
		"$steps $steps $steps"
	result "finish of two goroutines in ${gdb##*/}" \
		"$(both "$gdb" 'go load' "$stripped")" $steps
	if [ -n "${GOUNSTRIP_TWIN-}" ]; then
		echo "the twin in ${gdb##*/}, of $steps:" \
			"$(moving "$gdb" 'echo' "$full");" \
			"$(both "$gdb" 'echo' "$full")"
	fi
done
done_testing
