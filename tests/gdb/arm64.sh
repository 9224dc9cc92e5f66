#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# arm64 programs in gdb-multiarch: under qemu's gdbserver, and cores that qemu
# wrote. Every goroutine and every frame against the program's own traceback; bt
# over the runtime's stack switches against the unstripped twin; next, finish and
# until on stacks that move; go break; go who-waits of a core.
#
# One processor for Go, and no signals to preempt: when something happens, qemu's
# gdbserver stops the thread that it happened to and lets the others run, and it is
# lost when it happens to two. A processor without SVE, whose registers GDB does
# not find in qemu's signal frames.
#
#   GOUNSTRIP_GO   releases (default: 1.27.4 1.20.14 1.16.15); all but the first
#                  in one GDB only
# shellcheck disable=SC2016,SC2031 # GDB's variables; lib.sh has others
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"
. "$abs_top_srcdir/tests/gdb/cross-lib.sh"
. "$abs_top_srcdir/tests/gdb/switch-lib.sh"
. "$abs_top_srcdir/tests/stacks/states-lib.sh"

command -v qemu-aarch64 >/dev/null || skip "there is no qemu-aarch64 (qemu-user)"
mapfile -t all_gdbs < <(find "$cache/gdbs/bin" -name 'multiarch-*' | sort)
[ ${#all_gdbs[@]} -gt 0 ] ||
	skip "there is no gdb-multiarch: scripts/gdbs gets it, or says why not"

work=$tmp
libc=/usr/aarch64-linux-gnu
emulator=(env GOMAXPROCS=1 qemu-aarch64 -L "$libc" -cpu cortex-a72)
mkfifo "$tmp/in"
exec 3<>"$tmp/in"

made() { # FOLDER VERSION MODE: sets $program, or says that there is none
	program=$(
		XDG_CACHE_HOME=${cache%/*}
		. "$abs_top_srcdir/scripts/lib.sh"
		. "$abs_top_srcdir/tests/stacks/lib.sh"
		build "$1" "$2" "$3-arm64" 2>"$tmp/build"
	) || {
		echo "$1 $2: no program: $(tail -n 1 "$tmp/build")"
		return 1
	}
}

# result NAME GOT EXPECTED
result() {
	if [ "$2" = "$3" ]; then
		echo "$1: ok"
	else
		echo "$1: FAIL: $2, expected $3"
		tail -n 20 "$tmp/out"
		failed=1
	fi
}

# serve PROGRAM ARG...: it waits for a GDB
serve() {
	rm -f "$tmp/socket"
	"${emulator[@]}" -g "$tmp/socket" "$@" <"$tmp/in" >"$tmp/told" \
		2>"$tmp/err" &
	served=$!
	background+=("$served")
	for _ in {1..100}; do
		[ ! -S "$tmp/socket" ] || break
		sleep 0.05
	done
}

# served_ends: as the GDB left it, or by force
served_ends() {
	for _ in {1..100}; do
		kill -0 "$served" || break
		sleep 0.05
	done
	kill -KILL "$served" || true
	wait "$served" || true
} 2>/dev/null # bash itself tells how it ended

# same_frames NAME TRACEBACK: what GDB said to switch_script. Goroutine 1 has
# gone on; before Go 1.21 long stacks are cut; of those that ran there may be two.
same_frames() {
	frames "$2" | awk -v out="$tmp/out" 'BEGIN {
			while ((getline line <out) > 0)
				if (line ~ /^<[0-9]+$/) asked[substr(line, 2) + 0]
		}
		{ id[NR] = $1 + 0; all[NR] = $0; cut[$1 + 0] = / elided$/
			n[$1 + 0] += / goroutine$/; nth[NR] = n[$1 + 0] }
		END { for (i = 1; i <= NR; i++)
			if (id[i] > 1 && id[i] in asked && !cut[id[i]] &&
				nth[i] == 1) print all[i] }' >"$tmp/theirs"
	gdb_frames "$tmp/out" >"$tmp/ours"
	if compare_frames "$tmp/theirs" "$tmp/ours" >"$tmp/diff"; then
		echo "$1: ok, $(tail -n 1 "$tmp/diff")"
	else
		echo "$1: FAIL"
		tail -n 40 "$tmp/diff"
		tail -n 5 "$tmp/out"
		failed=1
	fi
}

# To where all goroutines of the states program are where they stay.
to_states() {
	printf '%s\n' "target remote $tmp/socket" 'go load' \
		'handle SIGSEGV nostop noprint pass' \
		'break bufio.(*Reader).ReadString' continue delete \
		'set backtrace past-main on' 'set width 0'
}

# goroutines VERSION MODE GDB: go bt, info goroutines -t and goroutine N
goroutines() {
	local name="$1 $2 in ${3##*/}" by

	made stacks/states "$1" "$2" || return 0
	GOTRACEBACK='' serve "$program"
	{
		to_states
		printf '%s\n' "go bt >$tmp/bt" "info goroutines -t >$tmp/list" detach
	} >"$tmp/script"
	rm -f "$tmp/bt" "$tmp/list"
	session "$3" "$program"
	echo >&3
	served_ends
	states_split "$tmp/told"
	touch "$tmp/bt" "$tmp/list"
	for by in stack pprof; do
		if states_differ "$1" "$tmp/$by" "$tmp/bt" &&
			states_differ_list "$1" "$tmp/$by" "$tmp/list"; then
			echo "$name, $by: ok, $(states_count "$tmp/$by") goroutines"
		else
			echo "$name, $by: FAIL"
			tail -n 5 "$tmp/out"
			failed=1
		fi
	done

	GOTRACEBACK=system serve "$program"
	printf '. %s/tests/gdb/switch-lib.sh\nswitch_script %s >%s\n' \
		"$abs_top_srcdir" "$tmp/bt" "$tmp/switch" >"$tmp/make"
	{
		to_states
		printf '%s\n' "go bt >$tmp/bt" "shell bash $tmp/make" \
			"source $tmp/switch" 'goroutine off' detach
	} >"$tmp/script"
	session "$3" "$program"
	# it tells of the runtime's calls only when it dies
	kill -QUIT "$served"
	served_ends
	same_frames "$name, frames" "$tmp/err"
}

# core VERSION GDB: the same of a core that qemu wrote, after the runtime has
# told of each goroutine why it dies
core() {
	local core

	made stacks/states "$1" static || return 0
	rm -rf "$tmp/dump"
	mkdir "$tmp/dump"
	: >"$tmp/told"
	(cd "$tmp/dump" && ulimit -c unlimited &&
		exec "${emulator[@]}" "$program" <&3 >"$tmp/told" 2>"$tmp/err") \
		2>/dev/null &
	served=$!
	background+=("$served")
	for _ in {1..200}; do
		! grep -q '^ready' "$tmp/told" || break
		sleep 0.05
	done
	kill -QUIT "$served"
	served_ends
	core=$(find "$tmp/dump" -name 'qemu_*.core')
	if [ -z "$core" ]; then
		echo "$1 core: qemu leaves none"
		return
	fi
	{
		printf '%s\n' 'go load' 'set backtrace past-main on' 'set width 0'
		switch_script "$tmp/err"
	} >"$tmp/script"
	session "$2" "$program" "$core"
	same_frames "$1 core in ${2##*/}" "$tmp/err"
	rm -rf "$tmp/dump"
}

# mode VERSION WHAT FUNCTION HITS PATTERN GDB: as in cross.sh
mode() {
	local stripped full

	stripped=$(program "$1" static-arm64)
	full=$(program "$1" static-arm64-full)
	[ -x "$stripped" ] && [ -x "$full" ] || return 0
	serve "$full" "$2"
	printf '%s\n' "target remote $tmp/socket" "$prelude" continue "$stack" \
		kill >"$tmp/script"
	session "$6" "$full"
	served_ends
	pcs 1 | tail -n +3 >"$tmp/expected"
	serve "$stripped" "$2"
	printf '%s\n' "target remote $tmp/socket" 'go load' "$prelude" continue \
		delete "break $3" "set var \$hits = $4" 'while $hits > 0' \
		'set var $hits = $hits - 1' continue "$stack" end kill \
		>"$tmp/script"
	session "$6" "$stripped"
	served_ends
	check "$1 $2 in ${6##*/}, $3" "$4" "$2" "$5"
}

# switches VERSION GDB
switches() {
	mode "$1" spawn runtime.newproc1 1 \
		"runtime[.]newproc1 .*runtime[.]systemstack .*main[.]spawn $rest" "$2"
	mode "$1" park runtime.park_m 5 \
		"runtime[.]park_m runtime[.]mcall .*main[.]park $rest" "$2"
	mode "$1" grow runtime.morestack_noctxt 1 \
		"runtime[.]morestack_noctxt (main[.]deep )+main[.]grow $rest" "$2"
	mode "$1" grow runtime.copystack 1 \
		"runtime[.]copystack runtime[.]newstack runtime[.]morestack (main[.]deep )+main[.]grow $rest" "$2"
	mode "$1" fault runtime.sigtrampgo 1 \
		"runtime[.]sigtrampgo .*runtime[.]sigtramp <signal main[.]fault $rest" "$2"
	mode "$1" fault runtime.sigpanic 1 \
		"runtime[.]sigpanic main[.]fault $rest" "$2"
	mode "$1" collect runtime.stopTheWorldWithSema 1 \
		"runtime[.]stopTheWorldWithSema .*runtime[.]systemstack .*main[.]collect $rest" "$2"
}

# scheduler VERSION GDB: nothing lies beyond what a thread did for a goroutine
# that it has parked
scheduler() {
	local stripped

	stripped=$(program "$1" static-arm64)
	[ -x "$stripped" ] || return 0
	serve "$stripped" park
	printf '%s\n' "target remote $tmp/socket" 'go load' "$prelude" continue \
		delete 'break runtime.park_m' continue delete \
		'break runtime.execute' continue delete \
		"break *'runtime.gogo'" continue "$stack" kill >"$tmp/script"
	session "$2" "$stripped"
	served_ends
	result "$1 execute in ${2##*/}" "$(names 1 | sed 's/.*runtime.execute/&/
		s/runtime.schedule .*runtime.mcall $/… runtime.mcall /')" \
		'runtime.gogo runtime.execute … runtime.mcall '
}

# steps VERSION GDB: a stack that moves, each time
steps() {
	local stripped call at=$abs_top_srcdir/tests/gdb/cross/main.go

	stripped=$(program "$1" static-arm64)
	[ -x "$stripped" ] || return 0
	call=$(grep -n 'got := deep(n [*] 40)' "$at" | cut -d : -f 1)
	serve "$stripped" steps 5
	cat >"$tmp/script" <<-END
		set pagination off
		target remote $tmp/socket
		go load
		set language c
		break main.go:$call
		commands
		silent
		end
		continue
		set var \$n = 0
		while \$n < 5
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
	session "$2" "$stripped"
	served_ends
	result "$1 next, finish, until in ${2##*/}" "$(awk '
		/^</ { what = substr($0, 2) }
		/^#0 .* main[.]step / { sub(/.*:/, ""); seen[what $0]++ }
		END { for (i in seen) print i, seen[i] }' "$tmp/out" |
		LC_ALL=C sort | tr '\n' ' ')" "finish$((call + 1)) 5 next$((call + \
		1)) 5 until$((call + 2)) 5 "
}

# breaks VERSION GDB ARGUMENT: only the goroutine stops that is to; ARGUMENT is
# the first word of a function's arguments
breaks() {
	made stacks/turns "$1" static || return 0
	serve "$program"
	{
		printf '%s\n' 'set pagination off' 'set language c' \
			"target remote $tmp/socket" 'go load' \
			'break main.visit' 'ignore 1 9' continue \
			'goroutine' delete \
			'eval "go break *'"'main.visit'"' goroutine %d", $_goroutine' \
			'printf "<goroutine %d\n", $_goroutine'
		for _ in 1 2 3 4; do
			printf '%s\n' continue \
				"printf \"<goroutine %d\\n\", $3" \
				'set var $g = $x28'
		done
		printf '%s\n' delete \
			'eval "go break *'"'runtime.park_m'"' goroutine %d", $_goroutine'
		for _ in 1 2; do
			printf '%s\n' continue \
				"printf \"<its g %d\\n\", $3 == \$g && \$x28 != \$g"
		done
		echo kill
	} >"$tmp/script"
	session "$2" "$program"
	served_ends
	result "$1 go break in ${2##*/}" "$(grep '^<' "$tmp/out" | LC_ALL=C sort |
		uniq -c | sed 's/^ *//; s/e [0-9]*$/e N/')" "5 <goroutine N
2 <its g 1"
}

# waits GDB: of a core, as gounstrip stacks says
waits() {
	local core

	made stacks/waits 1.27.4 static || return 0
	rm -rf "$tmp/dump"
	mkdir "$tmp/dump"
	(cd "$tmp/dump" && ulimit -c unlimited &&
		{ "${emulator[@]}" "$program" core >"$tmp/told" || true; }) \
		2>/dev/null
	core=$(find "$tmp/dump" -name 'qemu_*.core')
	if [ -z "$core" ]; then
		echo "go who-waits: qemu leaves no core"
		return
	fi
	echo 'go load' >"$tmp/script"
	sed -n 's/^ask //p' "$tmp/told" | while read -r what; do
		echo "<$what"
		"$GOUNSTRIP" stacks --core "$core" -e "$program" \
			--who-waits "$what" 2>/dev/null
		printf 'echo <%s\\n\ngo who-waits %s\n' "$what" \
			"${what/fd:/fd }" >>"$tmp/script"
	done >"$tmp/theirs"
	session "$1" "$program" "$core"
	sed -n '/^</,$p' "$tmp/out" >"$tmp/ours"
	if grep -q 'receives: main.receive at' "$tmp/theirs" &&
		diff "$tmp/theirs" "$tmp/ours"; then
		echo "go who-waits in ${1##*/}: ok"
	else
		echo "go who-waits in ${1##*/}: FAIL"
		failed=1
	fi
	rm -rf "$tmp/dump"
}

read -r -a versions <<<"${GOUNSTRIP_GO:-1.27.4 1.20.14 1.16.15}"
newest=${versions[0]}
for gdb in "${all_gdbs[@]}"; do
	goroutines "$newest" static "$gdb"
	steps "$newest" "$gdb"
	breaks "$newest" "$gdb" '$x0'
	core "$newest" "$gdb"
done
gdb=${all_gdbs[0]}
waits "$gdb"
scheduler "$newest" "$gdb"
for version in "${versions[@]}"; do
	switches "$version" "$gdb"
	[ "$version" != "$newest" ] || continue
	goroutines "$version" static "$gdb"
	scheduler "$version" "$gdb"
	case $version in
	1.16.*) breaks "$version" "$gdb" '*(long *) ($sp + 8)' ;;
	*) breaks "$version" "$gdb" '$x0' ;;
	esac
done
if [ -e $libc/lib/ld-linux-aarch64.so.1 ]; then
	goroutines "$newest" pie "$gdb"
else
	echo "pie: there is no C library of arm64 (libc6-arm64-cross)"
fi
done_testing
