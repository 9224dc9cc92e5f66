#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# GDB against Go itself: a program with a goroutine for each state that lasts
# prints runtime.Stack and the same of runtime/pprof right after GDB has let go
# of it, with none but the one that prints having moved (tests/stacks/states-lib.sh
# has what differs, and why).  "go bt" and "info goroutines -t" must be that:
# every GDB with the newest Go, GDB 13 with the others and of gcore's core, too.
#
#   states.sh [VERSION]...
# GU_ALL=1: every release as static, PIE and cgo, not the newest alone.
# shellcheck disable=SC2086 # words
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"
. "$abs_top_srcdir/tests/stacks/states-lib.sh"
[ "$(uname -m)" = x86_64 ] || skip "for amd64 only"

work=$tmp
pid=
# shellcheck disable=SC2317 # called by the trap
end_states_too() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
	clean_up
}
trap end_states_too EXIT
newest=${states_versions[-1]}
versions=("$@")
[ $# != 0 ] || versions=("${states_versions[@]}")

# The GDB that does what one does for all.
one_gdb=${all_gdbs[0]}
for gdb in "${all_gdbs[@]}"; do
	case $gdb in
	*/gdb-13) one_gdb=$gdb ;;
	esac
done

# look N GDB GDBARG...: the files bt.N and list.N
look() {
	local n=$1 gdb=$2
	shift 2
	timeout 120 "$gdb" -nx -q -batch \
		-ex "source ${abs_top_builddir:?}/gdbinit/gounstrip.gdb" "$@" \
		-ex 'go load' -ex "go bt >$tmp/bt.$n" \
		-ex "info goroutines -t >$tmp/list.$n" -ex detach \
		</dev/null >"$tmp/gdb.$n" 2>&1 || true
}

# same VERSION NAME N: bt.N and list.N are what the program said
same() {
	local by
	touch "$tmp/bt.$3" "$tmp/list.$3"
	for by in stack pprof; do
		if states_differ "$1" "$tmp/$by" "$tmp/bt.$3" &&
			states_differ_list "$1" "$tmp/$by" "$tmp/list.$3"; then
			echo "$2, $by: ok, $(states_count "$tmp/$by")" \
				"goroutines, $(wc -l <"$tmp/theirs.n") lines"
		else
			echo "$2, $by: FAIL"
			tail -n 5 "$tmp/gdb.$3"
			failed=1
		fi
	done
	rm -f "$tmp/bt.$3" "$tmp/list.$3"
}

# shellcheck disable=SC2031 # lib.sh has other names of its own
# check VERSION MODE GDB...: they look one after the other, and none moves it.
check() {
	local version=$1 name="Go $1 $2" mode=$2 program gdb n
	shift 2
	program=$(
		XDG_CACHE_HOME=${cache%/*}
		. "$abs_top_srcdir/scripts/lib.sh"
		. "$abs_top_srcdir/tests/stacks/lib.sh"
		build stacks/states "$version" "$mode" 2>"$tmp/build"
	) || {
		echo "$name: no program: $(tail -n 1 "$tmp/build")"
		return
	}
	if ! states_start "$program"; then
		echo "$name: FAIL: not ready"
		failed=1
		states_end
		return
	fi
	n=0
	for gdb; do
		look $n "$gdb" -p "$pid"
		n=$((n + 1))
	done
	if [ "$mode" = static ]; then
		timeout 120 "$one_gdb" -nx -q -batch -p "$pid" \
			-ex "gcore $tmp/core" -ex detach </dev/null \
			>"$tmp/gcore" 2>&1 || true
	fi
	states_end
	n=0
	for gdb; do
		same "$version" "$name, ${gdb##*/}" $n
		n=$((n + 1))
	done
	[ "$mode" = static ] || return 0
	look core "$one_gdb" "$program" "$tmp/core"
	rm -f "$tmp/core"
	same "$version" "$name, gcore, ${one_gdb##*/}" core
}

for version in "${versions[@]}"; do
	case $version in
	"$newest") for mode in static pie cgo; do
			check "$version" $mode "${all_gdbs[@]}"
		done ;;
	*) for mode in ${GU_ALL:+static pie} cgo; do
			check "$version" $mode "$one_gdb"
		done ;;
	esac
done
done_testing
