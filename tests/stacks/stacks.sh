#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# gounstrip stacks against the traceback that Go's runtime prints of the same
# process when it gets SIGQUIT: the same goroutines, states, wait reasons,
# functions, files, lines and offsets, call by call, inlined ones and creators
# included.  Once as users see it, once with the runtime's own (GOTRACEBACK=
# system); of the live process and, for some, of a core that GDB's gcore made.
#
# One kind of difference is expected: up to 1.15 Go showed the runtime's inlined
# calls where it hid the others.
#
#   stacks.sh [PATTERN]: of the fixtures' names; one of each release otherwise
set -euo pipefail

# shellcheck source=tests/stacks/tap.sh
. "${abs_top_srcdir:?}/tests/stacks/tap.sh"

fixtures=${GOUNSTRIP_FIXTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests/fixtures}
tool=${abs_top_builddir:?}/tools/gounstrip
here=${abs_top_srcdir:?}/tests/stacks
# gcore takes seconds
cores=${1:-go1.16-amd64-static go1.2[07]-amd64-*}
pattern=${1:-'go1.*-amd64-static go1.27-amd64-pie go1.2[07]-amd64-cgo go1.27-amd64-lld-pie go1.27-amd64-noshdr-pie go1.27-amd64-plugin'}

[ -f "$fixtures/index.tsv" ] || skip_all "no fixtures: run tests/fixtures/build"
[ "$(uname -m)" = x86_64 ] || skip_all "the programs are amd64's"

matches() { # NAME PATTERNS
	local p

	for p in $2; do
		# shellcheck disable=SC2254 # it is a pattern
		case $1 in $p) return 0 ;; esac
	done
	return 1
}

# compare NAME: ours against theirs, both made the same way
compare() {
	awk -f "$here/normal.awk" "$work/$1" | sort -s -n -k 1,1 >"$work/$1.n"
	if diff -u "$work/theirs.n" "$work/$1.n" >"$work/diff"; then
		return 0
	fi
	head -n 40 "$work/diff" | sed 's/^/# /'
	return 1
}

# wait_for TEXT: in what the program has printed
wait_for() {
	for _ in {1..600}; do
		if grep -q "$1" "$work/out"; then
			return 0
		fi
		sleep 0.05
	done
	return 1
}

# check NAME PROGRAM LEVEL; libraries have a program that loads them beside them
check() {
	local ours=() live core=none name="$1 $3" run=("$2")

	[ ! -x "${2%/*}/host" ] || run=("${2%/*}/host" "$2")

	[ "$3" = user ] || ours=(--all)
	: >"$work/out"
	GOTRACEBACK=$([ "$3" = user ] && echo all || echo system) \
		"${run[@]}" park 2 >"$work/out" 2>"$work/theirs" &
	pid=$!
	if ! wait_for '^ready$'; then
		result 1 "$name: the program did not come up"
		kill -KILL "$pid"
		wait "$pid" || true
		return
	fi
	sleep 0.1
	live=0
	"$tool" stacks -p "$pid" "${ours[@]}" >"$work/live" || live=$?
	if [ -n "$gcore" ] && [ "$3" = all ] && matches "$1" "$cores"; then
		core=0
		gcore -o "$work/core" "$pid" >"$work/gcore" 2>&1 &&
			"$tool" stacks --core "$work/core.$pid" "${ours[@]}" \
				>"$work/core.txt" 2>"$work/err" ||
			core=$?
		rm -f "$work/core.$pid"
	fi
	kill -QUIT "$pid"
	wait "$pid" || true
	pid=
	# a program with C code prints all of itself whatever was asked for
	if [ "$3" = user ] && grep -q ' fp=0x.* sp=0x' \
		<(sed '1,/^goroutine 1 /d' "$work/theirs"); then
		echo "# $name: Go printed its own frames too"
		return
	fi
	# up to 1.18 the goroutine on whose thread SIGQUIT arrived, by chance one
	# in a system call, is printed with its goexit
	awk -f "$here/normal.awk" "$work/theirs" | if [ "$early$3" = 1user ]; then
		grep -v '^[0-9]* runtime\.go\(parkunlock\|exit\) '
	elif [ "$3" = user ]; then
		grep -v '^[0-9]* runtime\.goexit '
	else
		cat
	fi | sort -s -n -k 1,1 >"$work/theirs.n"
	[ "$live" != 0 ] || compare live || live=1
	result "$live" "$name, live: $(wc -l <"$work/theirs.n") lines"
	[ "$core" = none ] || {
		[ "$core" != 0 ] || compare core.txt || core=1
		result "$core" "$name, core"
	}
}

gcore=$(command -v gcore || true)
while IFS=$'\t' read -r name go goarch mode strip _; do
	matches "$name" "$pattern" || continue
	# before 1.12 other goroutines counted as the runtime's own; SIGQUIT does
	# not end the C program around a library
	case $go:$goarch:$mode in
	1.[2-9].*:* | 1.[2-9]:* | 1.10.*:* | 1.11.*:* | *:npm | *:c-shared)
		continue
		;;
	*:amd64:*) ;;
	*) continue ;;
	esac
	early=0
	case $go in 1.1[45].*) early=1 ;; esac
	# up to 1.13 the signal may find a goroutine of the runtime's own running
	case $go in
	1.1[23].*) ;;
	*) check "$name" "$strip" user ;;
	esac
	check "$name" "$strip" all
done < <(grep -v '^#' "$fixtures/index.tsv")
echo "1..$tests"
[ "$tests" != 0 ] || skip_all "no fixture of $pattern"
[ "$failures" = 0 ]
