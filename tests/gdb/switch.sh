#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# "goroutine N" and bt of a program with a goroutine for each state that lasts,
# in every GDB: attached, remote, as a core of GDB's and of the kernel's; against
# "gounstrip stacks --all" of the same, which tests/stacks/states.sh holds against
# the runtime's own: every goroutine, every frame.
#
#   GU_ALL=1   in every GDB also what is otherwise done in the first and the last
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"
. "$abs_top_srcdir/tests/gdb/switch-lib.sh"

# With it a goroutine that spins would never let the collector run.
unset GODEBUG

program_of() { # MODE
	work=$tmp XDG_CACHE_HOME=${cache%/*}
	. "$abs_top_srcdir/scripts/lib.sh"
	. "$abs_top_srcdir/tests/stacks/lib.sh"
	build stacks/states 1.27.4 "$1" 2>"$tmp/build"
}

# The oldest and the newest stand for all where only the target differs.
few_gdbs=("${all_gdbs[0]}")
[ ${#all_gdbs[@]} = 1 ] || few_gdbs+=("${all_gdbs[-1]}")
[ -z "${GU_ALL-}" ] || few_gdbs=("${all_gdbs[@]}")

# compare NAME STACKSOPTION... -- GDBARG...
compare() {
	local name=$1 options=() gdb
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	for gdb in "${gdbs[@]}"; do
		# some of them run
		[ "${options[0]}" != -p ] || kill -STOP "$started"
		"$GOUNSTRIP" stacks --all "${options[@]}" 2>/dev/null \
			>"$tmp/stacks"
		frames "$tmp/stacks" >"$tmp/theirs"
		switch_script "$tmp/stacks" >"$tmp/script"
		timeout 300 "$gdb" -nx -q -batch -iex 'set width 0' \
			-iex 'set backtrace past-main on' \
			-ex "source ${abs_top_builddir:?}/gdbinit/gounstrip.gdb" \
			"$@" -ex 'go load' -x "$tmp/script" </dev/null \
			>"$tmp/out" 2>&1 || true
		gdb_frames "$tmp/out" >"$tmp/ours"
		if compare_frames "$tmp/theirs" "$tmp/ours" >"$tmp/diff"; then
			echo "$name: ok in $gdb: $(tail -n 1 "$tmp/diff")"
		else
			echo "$name: FAIL in $gdb"
			tail -n 40 "$tmp/diff"
			tail -n 5 "$tmp/out"
			failed=1
		fi
	done
}

# start_states PROGRAM FOLDER: it dumps its core into FOLDER.
start_states() {
	rm -f "$tmp/in" "$tmp/told"
	mkfifo "$tmp/in"
	exec 3<>"$tmp/in"
	(cd "$2" && ulimit -c unlimited && exec "$1") <&3 >"$tmp/told" 2>&1 &
	started=$!
	background+=("$started")
	for _ in {1..600}; do
		grep -qs '^ready' "$tmp/told" && return
		sleep 0.05
	done
	skip "the program does not become ready"
}

for mode in pie cgo; do
	program=$(program_of $mode) || skip "no program: $(tail -n 1 "$tmp/build")"
	start_states "$program" "$tmp"
	gdbs=("${few_gdbs[@]}")
	[ $mode = cgo ] || gdbs=("${all_gdbs[@]}")
	compare "$mode, attached" -p "$started" -- -p "$started"
	if [ $mode = pie ]; then
		gdbs=("${few_gdbs[@]}")
		compare "$mode, remote" -p "$started" -- "$program" -ex 'set sysroot /' -ex \
			"target remote | gdbserver --attach - $started 2>/dev/null"
		gcore -o "$tmp/gcore" "$started" >/dev/null 2>&1 || true
		if [ -e "$tmp/gcore.$started" ]; then
			compare "$mode, gcore" --core "$tmp/gcore.$started" \
				-e "$program" -- "$program" "$tmp/gcore.$started"
		fi
	fi
	kill -KILL "$started"
	wait "$started" 2>/dev/null || true
done

program=$(program_of pie)
mkdir "$tmp/dump"
start_states "$program" "$tmp/dump"
kill -ABRT "$started"
wait "$started" 2>/dev/null || true
core=$(find "$tmp/dump" -type f)
gdbs=("${all_gdbs[@]}")
if [ -n "$core" ]; then
	compare core --core "$core" -e "$program" -- "$program" "$core"
else
	echo "core: the kernel leaves none"
fi
done_testing
