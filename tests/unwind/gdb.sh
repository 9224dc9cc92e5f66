#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Oracle for the reader in real GDBs: a stripped program stops in a signal, and
# handles it, or dies of it; pc and sp of every frame must be those that the
# same GDB finds in the unstripped twin by its .debug_frame, live and in a core.
set -u

top=${abs_top_builddir:?}
reader=$top/jitreader/.libs/gounstrip-reader.so
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests
fixtures=${GOUNSTRIP_FIXTURES:-$cache/fixtures}

# session GDB-PID FILE: what "go load" would write for FILE, loaded before run
if [ "${1-}" = session ]; then
	dir=/tmp/gounstrip-$(id -u)-$2
	mkdir -m 700 "$dir" && "$top/tools/gounstrip" info "$3" |
		sed -n "s|^Go code *\(.*\)-\(.*\)|module\t$3\t0x0\t\1\t\2\t|p" |
		{ echo gounstrip-session 1 && cat; } >"$dir/modules"
	exit
fi

[ -e "$reader" ] || { echo "SKIP: no reader at $reader"; exit 77; }
if readelf -d "$reader" | grep -q 'lib[au].*san'; then
	echo "SKIP: a sanitized reader does not load into GDB"
	exit 77
fi
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT

# The place of every frame: pc, distance from the one before, sp.
# shellcheck disable=SC2016 # the variables are GDB's
frames='set language c
set backtrace past-main on
set $last = (long)$sp
define place
printf "frame %#lx %ld\n", (long)$pc, (long)$sp - $last
set $last = (long)$sp
end
frame apply all -q place'

# debug GDB FILE SCRIPT: the places of all frames but the caller at 0 that ends
# a stack for which GDB has no symbol file; stacks are elsewhere in each run, and
# what a signal interrupted, beyond $restorer, is on another one
restorer=
debug() {
	# shellcheck disable=SC2016 # the shell of GDB is to see it
	printf '%s\nshell rm -rf /tmp/gounstrip-*-$PPID\n' "$3" >"$work/script"
	GOTRACEBACK=crash GOMAXPROCS=1 timeout 100 "$1" -nx -batch \
		-iex 'set debuginfod enabled off' -iex 'set confirm off' \
		-iex 'set pagination off' "$2" -x "$work/script" \
		</dev/null 2>"$work/errors" |
		awk -v restorer="$restorer" '$1 == "frame" && $2 != "0" {
			near = $3 >= 0 && $3 < 65536 && last != restorer
			print $2, (near ? $3 : "elsewhere")
			last = $2
		}'
}

# twin FULL: it without what DWARF says of inlined calls, with .debug_frame
twin() {
	rm -f "$work/twin"
	objcopy -w -R '.debug_[!f]*' -R '.zdebug_[!f]*' "$1" "$work/twin"
}

tests=0 failed=0
# compare NAME GOT EXPECTED
compare() {
	tests=$((tests + 1))
	n=$(wc -l <"$3")
	if [ "$n" -ge 5 ] && cmp -s "$2" "$3"; then
		echo "ok $tests - $1: $n frames"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $tests - $1"
	diff "$2" "$3" | sed 's/^/# /'
	sed 's/^/# /' "$work/errors"
}

stop='run crash >/dev/null 2>&1'
# shellcheck disable=SC2034 # check takes it by name
die='handle SIGSEGV nostop noprint pass
run crash >/dev/null 2>&1'

# load FILE: what makes GDB unwind it
load() {
	echo "shell sh $0 session \$PPID $1"
	echo "jit-reader-load $reader"
}

# check GDB NAME STRIP FULL HOW: as the twin, when it does HOW: stop in a
# signal, die of it (in runtime.raise), or handle it (beyond is what it
# interrupted)
check() {
	# shellcheck disable=SC2034
	handle="$stop
break *0x$(nm "$4" | sed -n 's/ T runtime\.sigtrampgo$//p')
continue"
	restorer=$(nm "$4" | sed -n 's/^0*\(.*\) T runtime\.sigreturn.*/0x\1/p')
	how=''
	eval "how=\$$5"
	twin "$4"
	debug "$1" "$work/twin" "$how
$frames" >"$work/expected"
	debug "$1" "$3" "$(load "$3")
$how
$frames" >"$work/got"
	compare "$2, $5" "$work/got" "$work/expected"
}

# check_core GDB NAME STRIP: as live
check_core() {
	restorer=
	debug "$1" "$3" "$(load "$3")
$stop
$frames
gcore $work/core" >"$work/expected"
	debug "$1" "$3" "core-file $work/core
$(load "$3")
$frames" >"$work/got"
	compare "$2, core" "$work/got" "$work/expected"
	rm -f "$work/core"
}

# with FIXTURE COMMAND GDB [HOW]: COMMAND for that fixture, if it was built
with() {
	dir=$fixtures/$1
	[ -x "$dir/full" ] || return 0
	case $2 in
	check) check "$3" "${3##*/}, $1" "$dir/strip" "$dir/full" "$4" ;;
	check_core) check_core "$3" "${3##*/}, $1" "$dir/strip" ;;
	esac
}

if command -v gdb >/dev/null; then
	for name in go1.16-amd64-static go1.20-amd64-static \
		go1.27-amd64-static go1.26-amd64-pie go1.26-amd64-cgo; do
		with $name check gdb stop
	done
	with go1.20-amd64-static check gdb die
	with go1.27-amd64-static check gdb handle
	with go1.26-amd64-pie check_core gdb
fi
for gdb in "$cache"/gdbs/bin/gdb-*; do
	[ -x "$gdb" ] && with go1.27-amd64-static check "$gdb" die
done
if [ "$tests" = 0 ]; then
	echo "SKIP: no GDB, or no fixtures in $fixtures: run tests/fixtures/build"
	exit 77
fi
echo "1..$tests"
[ "$failed" = 0 ]
