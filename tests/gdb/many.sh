#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# "goroutine all bt N" for thousands of goroutines: each is shown, in time that
# grows with their number.  Ctrl-C in it, and in lists of 100,000, leads back to
# the prompt: what is selected is what is shown, nothing is left half done, and the
# next command works.  In the oldest GDB and the newest.
#
#   GU_ALL=1   in every GDB
# shellcheck disable=SC2015,SC2016 # fails never fails; GDB's variables
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

program() { # the one of bench/goroutines
	local work=$tmp XDG_CACHE_HOME=${cache%/*}
	. "$abs_top_srcdir/scripts/lib.sh"
	. "$abs_top_srcdir/tests/stacks/lib.sh"
	build ../bench/programs/goroutines 1.27.4 static 2>"$tmp/build"
}
program=$(program) || skip "no program: $(tail -n 1 "$tmp/build")"
unset GODEBUG

gdbs=("${all_gdbs[0]}")
[ ${#all_gdbs[@]} = 1 ] || gdbs+=("${all_gdbs[-1]}")
[ -z "${GU_ALL-}" ] || gdbs=("${all_gdbs[@]}")

fails() { # WHAT
	echo "$name: FAIL in GDB $version: $*"
	grep -v '^#\|^goroutine ' "$tmp/said" | tail -n 40
	failed=1
}

mkfifo "$tmp/in"
exec 3<>"$tmp/in"
begin() { # N: a program with so many goroutines, as $started
	rm -f "$tmp/out"
	start sh -c 'exec "$0" "$1" <"$2"' "$program" "$1" "$tmp/in"
}
end() {
	kill -KILL "$started"
	wait "$started" 2>/dev/null || true
}

ask() { # GDBARG...
	timeout 500 "$gdb" -nx -q -batch -iex 'set width 0' \
		-iex 'set pagination off' \
		-ex "source $abs_top_builddir/gdbinit/gounstrip.gdb" \
		-p "$started" "$@" </dev/null >"$tmp/said" 2>&1 || true
}

# the lines of the file script, each for itself: an error ends none but its own
ask_script() {
	local lines line args=()
	mapfile -t lines <"$tmp/script"
	for line in "${lines[@]}"; do
		args+=(-ex "$line")
	done
	ask "${args[@]}"
}

# costs GDBARG...: the CPU that a session takes, in ms, as $cost
costs() {
	times >"$tmp/times" # of children too, but not in a subshell
	ask "$@"
	times >>"$tmp/times"
	cost=$(awk '!(NR % 2) { split($1 "m" $2, t, /[ms]+/)
		at[NR] = 60 * (t[1] + t[3]) + t[2] + t[4] }
		END { print int(1000 * (at[4] - at[2])) }' "$tmp/times")
}

# each N: all N + 1 goroutines, by the id, have a frame of their own
each() {
	awk '/^goroutine / { id = $2; seen[id] = 0 }
		/^#[12] / && id { seen[id] = 1 }
		END { for (id in seen) if (seen[id]) n++; print n + 0 }' \
		"$tmp/said" >"$tmp/count"
	[ "$(cat "$tmp/count")" = $(($1 + 1)) ] ||
		fails "$(cat "$tmp/count") goroutines of $(($1 + 1))"
}

few=400 many=1600
begin "$few"
pid_few=$started
begin "$many"
pid_many=$started
for gdb in "${gdbs[@]}"; do
	version=$("$gdb" --version | sed -n '1s/.* //p')
	before=$failed failed=0
	name='goroutine all bt 3'
	started=$pid_few
	costs -ex 'go load'
	load=$cost
	costs -ex 'go load' -ex 'goroutine all bt 3'
	each "$few"
	cost_few=$((cost - load))
	started=$pid_many
	costs -ex 'go load' -ex 'goroutine all bt 3'
	each "$many"
	cost_many=$((cost - load))
	# 4 times as many: a cost that grows by the square would be 16 times
	[ "$cost_few" -gt 0 ] && [ "$cost_many" -le $((7 * cost_few)) ] ||
		fails "$few take $cost_few ms, $many $cost_many ms"
	echo "$name: $few: $cost_few ms, $many: $cost_many ms of CPU"
	[ $failed = 1 ] || echo "$name: ok in GDB $version"
	failed=$((failed | before))
done
started=$pid_few
end
started=$pid_many

# interrupt DELAY COMMAND: Ctrl-C then, and how things are
interrupt() {
	printf '%s\n' "echo <begin\\n" \
		"shell (sleep $1; kill -INT \$PPID) &" "$2" \
		"shell sleep $1; sleep 0.3" 'echo <look\n' 'bt 3' goroutine \
		'echo <next\n' 'info goroutines -limit 3' 'echo <end\n'
}

# After each: frame 1 is a parked goroutine's if, and only if, one is selected;
# the next list is whole.  TIMES of them, at least one of which was cut short.
check() { # TIMES
	awk -v times="$1" '
		/^<begin/ { quit = 0; on = "" }
		/^Quit/ || /^gounstrip: interrupted/ { quits++ }
		/^<look/ { on = "look"; parked = is = told = 0 }
		on == "look" && /^#1 .* runtime[.]gopark/ { parked = 1 }
		on == "look" && / is selected\]$/ { is = 1 }
		on == "look" && /^\[(No g|G)oroutine / { told = 1 }
		/^<next/ { on = "next"; lines = more = 0 }
		on == "next" && /^[* ] [0-9]+ \[/ { lines++ }
		on == "next" && /^[.][.][.].* more/ { more = 1 }
		/^<end/ {
			n++
			if (parked != is) print "shown " parked ", selected " is
			if (!told) print "which is selected is not told"
			if (lines != 3) print lines " lines of 3"
			on = ""
		}
		END {
			if (n != times) print n + 0 " of " times
			if (!quits) print "nothing was interrupted"
		}' "$tmp/said" >"$tmp/wrong"
	[ ! -s "$tmp/wrong" ] || fails "$(head -n 5 "$tmp/wrong")"
}

for gdb in "${gdbs[@]}"; do
	version=$("$gdb" --version | sed -n '1s/.* //p')
	before=$failed failed=0
	name='Ctrl-C in goroutine all bt 3'
	id=$("$GOUNSTRIP" stacks -p "$started" 2>/dev/null |
		sed -n 's/^goroutine \([0-9]*\) \[chan receive.*/\1/p' | tail -n 1)
	{
		printf '%s\n' 'go load'
		interrupt 0.7 'goroutine all bt 3'
		printf '%s\n' "goroutine $id"
		interrupt 0.9 'goroutine all bt 3'
		interrupt 1.3 'goroutine all bt 3'
	} >"$tmp/script"
	ask_script
	check 3
	[ $failed = 1 ] || echo "$name: ok in GDB $version"
	failed=$((failed | before))
done
end

begin 100000
for gdb in "${gdbs[@]}"; do
	version=$("$gdb" --version | sed -n '1s/.* //p')
	before=$failed failed=0
	name='Ctrl-C in lists of 100,000'
	{
		printf '%s\n' 'go load'
		for delay in 0.1 0.2 0.3 0.5; do
			interrupt $delay 'info goroutines > /dev/null'
			interrupt $delay 'info goroutines -t > /dev/null'
		done
		interrupt 0.4 'info goroutines -t | wc -l'
		interrupt 0.4 'go bt all > /dev/null'
	} >"$tmp/script"
	ask_script
	check 10
	[ $failed = 1 ] || echo "$name: ok in GDB $version"
	failed=$((failed | before))
done
done_testing
