#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# "goroutine N COMMAND" with commands that go to other threads, have GDB forget
# its frames, or fail: GDB 13 crashes where it does not find its frame again. The
# goroutine that was selected before is selected afterwards. Commands of ours are
# refused. In every GDB, of a process and of its core.
# shellcheck disable=SC2016 # GDB's variables
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need pie
start "$program" park 3
# no thread of the program's is in gopark
read -r kept visited < <("$GOUNSTRIP" stacks --list -p "$started" \
	-with wait chan send | sed -n 's/^  \([0-9]*\) .*/\1/p' | head -n 2 | xargs)
theirs=('bt 2' 'info threads' 'thread apply all bt 1' 'thread apply 1 print 1'
	'thread find .' 'frame apply all -q print $pc' up 'set var $x = 1' nonsense)
ours=(goroutine 'goroutine 4' 'goroutine 4 bt 1' 'goroutine all bt 1'
	'info goroutines' 'go bt 1' 'go who-waits 1' 'go status'
	'go break main.handle goroutine 1')
commands=('set pagination off' 'go load')
for command in "${theirs[@]}" "${ours[@]}"; do
	commands+=("goroutine $kept" 'echo <in\n' "goroutine $visited $command"
		'echo <then\n' goroutine 'bt 2' 'echo <end\n')
done
commands+=('goroutine off' 'echo <off\n' 'thread apply all bt 2'
	'show max-completions' 'echo <end\n')
all=$((${#theirs[@]} + ${#ours[@]}))
args=()
for command in "${commands[@]}"; do
	args+=(-ex "$command")
done

check() { # NAME GDBARG...
	local name=$1 gdb
	shift
	for gdb in "${all_gdbs[@]}"; do
		timeout 100 "$gdb" -nx -q -batch \
			-ex "source ${abs_top_builddir:?}/gdbinit/gounstrip.gdb" \
			"$@" "${args[@]}" </dev/null >"$tmp/out" 2>&1 || true
		awk -v kept="$kept" -v visited="$visited" '/^</ { at = $0; n[at]++ }
			at == "<in" && $1 == "goroutine" && $2 == visited { visits++ }
			at == "<in" && /^gounstrip: .* own commands only$/ { refused++ }
			at == "<then" && $2 == kept && / is selected\]$/ { selected++ }
			at == "<then" && /^#1 .* runtime[.]gopark / { shown++ }
			at == "<off" && /^#1 .* runtime[.]gopark / { left++ }
			at == "<off" && / is 200[.]$/ { restored++ }
			END { print visits + 0, refused + 0, selected + 0, shown + 0, left + 0,
				restored + 0, n["<off"] + 0 }' "$tmp/out" >"$tmp/found"
		if [ "$(cat "$tmp/found")" = "$all ${#ours[@]} $all $all 0 1 1" ]; then
			echo "$name: ok in $gdb"
		else
			echo "$name: FAIL in $gdb: $(cat "$tmp/found")"
			tail -n 40 "$tmp/out"
			failed=1
		fi
	done
}

check process -p "$started"
timeout 60 "${all_gdbs[0]}" -nx -q -batch -p "$started" \
	-ex "generate-core-file $tmp/core" >"$tmp/out" 2>&1 || true
check core "$program" "$tmp/core"
done_testing
