#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# gounstrip stacks against runtime.Stack: a program with a goroutine for each
# state that lasts prints all of them right after gounstrip has, with none but
# the one that prints having moved.  Go 1.16 to 1.27: static, PIE, with C code.
#
# Differences that are expected: runtime.Stack stops those that run, so that they
# are runnable; labels, which Go prints since 1.27; up to 1.20, stacks of more than
# 100 calls, of which Go has the innermost only, and the line of a preempted call,
# which Go takes from the instruction before.
#
#   states.sh [VERSION]...
set -euo pipefail

# shellcheck source=scripts/lib.sh
. "${abs_top_srcdir:?}/scripts/lib.sh"
# shellcheck source=tests/stacks/lib.sh
. "$abs_top_srcdir/tests/stacks/lib.sh"
tool=${abs_top_builddir:?}/tools/gounstrip
here=${abs_top_srcdir:?}/tests/stacks
versions=("$@")
[ "$#" != 0 ] || versions=(1.16.15 1.18.10 1.20.14 1.22.12 1.24.13 1.25.14 1.26.8 1.27.4)

skip_all() {
	echo "1..0 # SKIP $*"
	exit 77
}
have go || skip_all "no go"
[ "$(uname -m)" = x86_64 ] || skip_all "for amd64 only"

work=$(mktemp -d)
pid=
# shellcheck disable=SC2317 # called by the trap
clean() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>"$work/null" || true
	rm -rf "$work"
}
trap clean EXIT

tests=0 failures=0
result() { # OK NAME
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		echo "not ok $tests - $2"
		failures=$((failures + 1))
	fi
}

# normal FILE EARLY: without goroutine 1, which prints.  EARLY: 2 also without
# labels, 1 also without the goroutines that spin, or whose stacks are deep.
normal() {
	local edit='s/ \[running/ [runnable/' drop=none

	[ "$2" = 0 ] || edit+='; s/] \{.*\}:$/]:/'
	[ "$2" != 1 ] || drop=main.deep,main.spin
	awk -f "$here/normal.awk" "$1" | grep -v '^1 ' | sed -E "$edit" |
		sort -s -n -k 1,1 >"$work/all"
	awk -v names=$drop 'NR == 1 { n = split(names, name, ",") }
		NR == FNR { for (i = 1; i <= n; i++) if ($2 == name[i]) drop[$1]
			next }
		!($1 in drop)' "$work/all" "$work/all"
}

check() { # VERSION MODE
	local program name="$1 $2" status=0 early=0

	case $1 in
	1.1* | 1.20.*) early=1 ;;
	1.2[1-6].*) early=2 ;;
	esac

	program=$(build stacks/states "$1" "$2" 2>"$work/build") || {
		result 1 "$name: $(first_line "$work/build")"
		return
	}
	rm -f "$work/in"
	mkfifo "$work/in"
	: >"$work/out"
	"$program" <"$work/in" >"$work/out" 2>"$work/err" &
	pid=$!
	exec 3>"$work/in"
	for _ in $(seq 200); do
		grep -q '^ready$' "$work/out" && break
		sleep 0.05
	done
	"$tool" stacks -p "$pid" >"$work/ours" || status=$?
	echo >&3
	exec 3>&-
	wait "$pid" || true
	pid=
	normal "$work/ours" $early >"$work/ours.n"
	normal "$work/out" $early >"$work/theirs.n"
	if ! diff -u "$work/theirs.n" "$work/ours.n" >"$work/diff"; then
		head -n 60 "$work/diff" | sed 's/^/# /'
		status=1
	fi
	result "$status" \
		"$name: $(grep -c '^[0-9]* goroutine ' "$work/theirs.n") goroutines"
}

for version in "${versions[@]}"; do
	for mode in static pie cgo; do
		check "$version" $mode
	done
done
echo "1..$tests"
[ "$failures" = 0 ]
