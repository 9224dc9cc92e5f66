#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# gounstrip stacks --who-waits against a program that knows who waits on what:
# it prints each address and what is to be told of it.  Go 1.16 to 1.27, the
# process and a core that the kernel writes.
#
#   waits.sh [VERSION]...
set -euo pipefail

# shellcheck source=tests/stacks/tap.sh
. "${abs_top_srcdir:?}/tests/stacks/tap.sh"
# shellcheck source=scripts/lib.sh
. "${abs_top_srcdir:?}/scripts/lib.sh"
# shellcheck source=tests/stacks/lib.sh
. "$abs_top_srcdir/tests/stacks/lib.sh"
tool=${abs_top_builddir:?}/tools/gounstrip
versions=("$@")
[ "$#" != 0 ] || versions=(1.16.15 1.18.10 1.20.14 1.22.12 1.24.13 1.25.14
	1.26.8 1.27.4)

have go || skip_all "no go"
[ "$(uname -m)" = x86_64 ] || skip_all "for amd64 only"

# told OPTION...: the answers to all that was asked in the file out, in the form
# of what the program printed.  A core's panicking goroutine is on the stack for
# signals, so that its own cannot be looked at.
told() {
	local what dark=none
	[ "$1" != --core ] || dark=1
	sed -n 's/^ask //p' "$work/out" | while read -r what; do
		echo "ask $what"
		"$tool" stacks "$@" --who-waits "$what" 2>"$work/err" |
			sed -E -e '/^[.]{3}[0-9]+ are in system calls/d' \
				-e "/^[.]{3}$dark stacks could not be/d" \
				-e '/on no other goroutine.s stack$/d' \
				-e 's/^  ([0-9]+) \[[^]]*\]/\1/' \
				-e 's/ at [^ ]*:[0-9]+$//' -e 's/^/> /'
	done | awk '/^> its address is on the stack/ { print; late = 1; next }
		/^ask/ { late = 0 } late { sub(/[0-9]+ /, "") } { print }'
}

compare() { # NAME OPTION...
	local name=$1 status=0
	shift
	grep -e '^ask' -e '^>' "$work/out" >"$work/theirs"
	told "$@" >"$work/ours"
	diff -u "$work/theirs" "$work/ours" >"$work/diff" || status=1
	[ -s "$work/theirs" ] || status=1
	[ $status = 0 ] || head -n 60 "$work/diff" | sed 's/^/# /'
	[ $status = 0 ] || sed 's/^/# /' "$work/err"
	result $status "$name: $(grep -c '^ask' "$work/theirs") questions"
}

# What g.timer is at, of 64 bits (Go's own DWARF says so).
timer_offset() { # VERSION
	case $1 in
	1.1[789].* | 1.20.*) echo 0x170 ;;
	1.23.* | 1.24.* | 1.26.* | 1.27.*) echo 0x168 ;;
	*) echo 0x160 ;;
	esac
}

# The program does not know the timers that it sleeps on: its memory does.
check_sleeper() { # VERSION
	local id g timer got

	id=$(sed -n 's/^sleeper //p' "$work/out")
	g=$("$tool" stacks -p "$pid" -g "$id" --json |
		sed 's/.*"g":"\([^"]*\)".*/\1/')
	timer=$(dd if="/proc/$pid/mem" bs=8 count=1 iflag=skip_bytes \
		skip=$((g + $(timer_offset "$1"))) 2>"$work/null" |
		od -A n -t x8 | sed 's/ 0*/0x/')
	got=$("$tool" stacks -p "$pid" --who-waits "$timer" |
		sed -e 's/ at .*//' | tr '\n' ' ')
	[ "$got" = "timer $timer   $id [sleep] main.nap " ] || {
		echo "# $got"
		result 1 "$1: who sleeps on $timer"
		return
	}
	result 0 "$1: who sleeps"
}

check() { # VERSION
	local program
	program=$(build stacks/waits "$1" static 2>"$work/build") || {
		result 1 "$1: $(first_line "$work/build")"
		return
	}
	rm -rf "$work/in" "$work/dump"
	mkfifo "$work/in"
	: >"$work/out" # or "ready" is the last one's
	"$program" <"$work/in" >"$work/out" 2>"$work/null" &
	pid=$!
	exec 3>"$work/in"
	for _ in {1..600}; do
		grep -q '^ready$' "$work/out" && break
		sleep 0.05
	done
	compare "$1" -p "$pid"
	check_sleeper "$1"
	echo >&3
	exec 3>&-
	wait "$pid" || true
	pid=
	mkdir "$work/dump"
	(cd "$work/dump" && ulimit -c unlimited &&
		GOTRACEBACK=crash "$program" core >"$work/out" 2>"$work/null") \
		2>"$work/null" || true
	if [ -z "$(ls "$work/dump")" ]; then
		echo "# $1: the kernel leaves no core"
		return
	fi
	compare "$1, a core" --core "$work/dump/$(ls "$work/dump")" -e "$program"
}

for version in "${versions[@]}"; do
	check "$version"
done
echo "1..$tests"
[ "$failures" = 0 ]
