# shellcheck shell=bash
# shellcheck disable=SC2154 # set by those who source this
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The states program as an oracle: it prints runtime.Stack and the same of
# runtime/pprof when it is asked.  $work is a folder for what is in between; the
# caller kills $pid, if it is set, when it ends.
#
# Differences that are expected: runtime.Stack stops those that run, so that they
# are runnable; goroutine 1, which prints; labels, which Go prints since 1.27; up to
# 1.20, stacks of more than 100 calls, of which Go has the innermost only, and the
# line of a preempted call, which Go takes from the instruction before.

# shellcheck disable=SC2034 # for the tests
states_versions=(1.16.15 1.18.10 1.20.14 1.22.12 1.24.13 1.25.14 1.26.8 1.27.4)

# states_start PROGRAM: runs it until it is ready, for half a minute at most.
# The GDB tests turn off the signals with which it stops those that spin, and have
# tracebacks with the runtime's calls.  Those that spin leave the processors to us.
states_start() {
	rm -f "$work/in"
	mkfifo "$work/in"
	: >"$work/out"
	nice -n 19 env -u GODEBUG -u GOTRACEBACK "$1" <"$work/in" >"$work/out" \
		2>"$work/err" &
	pid=$!
	exec 3>"$work/in"
	for _ in {1..600}; do
		grep -q '^ready$' "$work/out" && return
		sleep 0.05
	done
	return 1
}

# states_end: the files stack and pprof are what it prints.
states_end() {
	echo >&3 || true
	exec 3>&-
	for _ in {1..600}; do
		kill -0 "$pid" 2>"$work/null" || break
		sleep 0.05
	done
	kill -KILL "$pid" 2>"$work/null" || true
	wait "$pid" || true
	pid=
	states_split "$work/out"
}

# states_split FILE: what it printed.
states_split() {
	sed '/^pprof$/,$d' "$1" >"$work/stack"
	sed '1,/^pprof$/d' "$1" >"$work/pprof"
}

# states_normal VERSION FILE: a traceback, as lines to compare.
states_normal() {
	local edit='s/ \[running/ [runnable/' drop=none

	case $1 in
	1.1* | 1.20.*) drop=main.deep,main.spin ;;
	esac
	case $1 in
	1.1* | 1.2[0-6].*) edit+='; s/] \{.*\}:$/]:/' ;;
	esac
	awk -f "$abs_top_srcdir/tests/stacks/normal.awk" "$2" | grep -v '^1 ' |
		sed -E "$edit" | sort -s -n -k 1,1 >"$work/all"
	awk -v names=$drop 'NR == 1 { n = split(names, name, ",") }
		NR == FNR { for (i = 1; i <= n; i++) if ($2 == name[i]) drop[$1]
			next }
		!($1 in drop)' "$work/all" "$work/all"
}

# states_differ VERSION THEIRS OURS: says how, and fails, unless they are the
# same; an empty dump is none.
states_differ() {
	: >"$work/diff"
	states_normal "$1" "$2" >"$work/theirs.n"
	states_normal "$1" "$3" >"$work/ours.n"
	[ "$(states_count "$2")" -gt 50 ] &&
		diff -u "$work/theirs.n" "$work/ours.n" >"$work/diff" && return
	echo "# ${2##*/}: $(states_count "$2") goroutines"
	head -n 60 "$work/diff" | sed 's/^/# /'
	return 1
}

# states_of_list FILE: what "info goroutines -t" printed, as a traceback: the same
# goroutines, states, labels and stacks.
states_of_list() {
	sed -E -n '
		/^[* ] [0-9]+ \[/ {
			s/, (at least )?[0-9]+ (second|minute|hour)s?([],])/\3/
			s/^[* ] ([0-9]+ \[[^]]*\])[^{]*(\{.*\})?.*/goroutine \1 \2:/
			s/\] :$/]:/
			h; s/.*//p; g
		}
		p' "$1"
}

# states_without_ages FILE: the list tells seconds, and Go minutes
states_without_ages() {
	sed -E 's/^(goroutine .*), [0-9]+ minutes/\1/' "$1"
}

# states_differ_list VERSION THEIRS LIST: the same of "info goroutines -t".
states_differ_list() {
	states_without_ages "$2" >"$2.list"
	states_of_list "$3" >"$3.traceback"
	states_differ "$1" "$2.list" "$3.traceback"
}

# states_count FILE: how many goroutines a traceback has.
states_count() {
	grep -c '^goroutine [1-9]' "$1" || true
}
