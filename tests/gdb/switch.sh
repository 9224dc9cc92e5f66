#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# "goroutine N" and bt of a program with a goroutine for each state that lasts,
# in every GDB: attached, remote, as a core of GDB's and of the kernel's; against
# "gounstrip stacks --all" of the same, which tests/stacks/states.sh holds against
# the runtime's own: every goroutine, every frame.
#
#   GU_ALL=1   in every GDB also what is otherwise done in the first and the last
# shellcheck disable=SC2028 # GDB expands them
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

# With it a goroutine that spins would never let the collector run.
unset GODEBUG

program_of() { # MODE
	work=$tmp XDG_CACHE_HOME=${cache%/*}
	. "$abs_top_srcdir/scripts/lib.sh"
	. "$abs_top_srcdir/tests/stacks/lib.sh"
	build stacks/states 1.27.4 "$1" 2>"$tmp/build"
}

# Where a goroutine was interrupted, GDB takes the pc for a return address.
exact() {
	awk 'interrupted { sub(/:[0-9]+$/, "") } { print }
		{ interrupted = / runtime[.](asyncPreempt|sigpanic) / }'
}

# frames FILE: "N: NAME PLACE", of what stacks prints.  All names without type
# arguments, of which Go's traceback has none.  Go calls runtime.gopanic panic.
frames() {
	awk '/^goroutine / { id = $2; print id ": goroutine"; next }
		/^created by / { id = 0 }
		/^[.][.][.]/ { if (id) print id ": elided"; next }
		/^\t/ { if (id) { $0 = $1; print id ": " name " " $1 } next }
		{ name = $0; sub(/\([^()]*\)$/, "", name)
			if (name == "panic") name = "runtime.gopanic"
			gsub(/\[[^]]*\]/, "[]", name) }' "$1" | exact
}

# The same of what GDB printed after "<N": what comes before the goroutine's own
# frames is left out; of more than 100 the inner and outer 50 are there.
gdb_frames() {
	awk 'function flush(  i) {
			if (!id) return
			print id ": goroutine" thread
			for (i = 1; i <= n; i++) {
				if (n > 100 && i > 50 && i <= n - 50) continue
				if (n > 100 && i == n - 49) print id ": elided"
				print id ": " list[i]
			}
		}
		/^<[0-9]+$/ { flush(); id = substr($0, 2); n = 0
			first = 0; thread = ""; next }
		/^<end$/ { flush(); id = 0; next }
		/^\[Switching to goroutine / {
			first = $0; sub(/.* frame /, "", first); first += 0; next }
		/^\[Goroutine .* is on (this|another) thread\]$/ {
			thread = " on a thread"; next }
		/^#[0-9]+ / {
			# Go speaks of no C
			if (substr($1, 2) + 0 < first || !bt || !/ at /) next
			line = $0
			sub(/^#[0-9]+ +(0x[0-9a-f]+ in )?/, "", line)
			place = line; sub(/.* at (\.\/)?/, "", place)
			sub(/ \(.*/, "", line)
			while (gsub(/\[[^][]*\]/, "<>", line)) ;
			gsub(/<>/, "[]", line)
			list[++n] = line " " place; next }
		/^<bt$/ { bt = 1; next }
		/^<switch$/ { bt = 0 }' "$1" | exact
}

# A goroutine on a thread that GDB is in has more frames inside than the runtime
# knows of: but for the innermost that it does, they must end alike,
# or begin alike if "gounstrip stacks" says that it does not get on.  A GDB too
# old for the C library (fact 19 of docs/gdb-integration.md) ends at the signal
# frame of that library.
compare_frames() {
	local old=0
	! grep -q '^warning: .*/libc[.]so[.]6.: Shared library architecture unknown' \
		"$tmp/out" || old=1
	awk -v old=$old 'NR == FNR { ours[$1] = ours[$1] $0 "\n"; next }
		{ theirs[$1] = theirs[$1] $0 "\n" }
		END {
			for (id in theirs) {
				count++
				a = ours[id]; b = theirs[id]
				if (a == b) continue
				sub(/^[^\n]*\n[^\n]*\n/, "", b)
				if (a ~ /^[^\n]* on a thread\n/ && b != "" &&
					substr(a, length(a) - length(b) + 1) == b)
					continue
				b = theirs[id]
				sub(/^[^\n]*\n/, "", b)
				sub(/^[^\n]*\n/, "", a)
				if (sub(/[0-9]*: elided\n$/, "", b) && b != "" &&
					ours[id] ~ /^[^\n]* on a thread\n/ &&
					index(a, b) == 1)
					continue
				b = theirs[id]
				sub(/^[^\n]*\n/, "", b)
				if (old && ours[id] ~ /^[^\n]* on a thread\n/ &&
					index(b, a) == 1 &&
					(a == "" || a ~ / runtime[.](cgoSigtramp|sigtramp) [^\n]*\n$/))
					continue
				bad++
				print "theirs:\n" theirs[id] "ours:\n" ours[id]
			}
			print count + 0 " goroutines, " bad + 0 " differ"
			exit !(count > 40 && !bad)
		}' "$2" "$1"
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
		sed -n 's/^goroutine \([0-9]*\) .*/\1/p' "$tmp/stacks" |
			while read -r id; do
				echo 'echo <switch\n'
				echo "echo <$id\\n"
				echo "goroutine $id"
				echo 'echo <bt\n'
				echo bt
			done >"$tmp/script"
		echo 'echo <end\n' >>"$tmp/script"
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
