#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The filters, orders and groups of gounstrip stacks: what is asked of a program
# that knows the answer, and groups against a count over --json.  Go 1.16 to
# 1.27, the process and a core that the kernel writes.
#
#   query.sh [VERSION]...
set -euo pipefail

# shellcheck source=tests/stacks/tap.sh
. "${abs_top_srcdir:?}/tests/stacks/tap.sh"
# shellcheck source=scripts/lib.sh
. "${abs_top_srcdir:?}/scripts/lib.sh"
# shellcheck source=tests/stacks/lib.sh
. "$abs_top_srcdir/tests/stacks/lib.sh"
tool=${abs_top_builddir:?}/tools/gounstrip
versions=("$@")
[ "$#" != 0 ] || versions=(1.16.15 1.22.12 1.27.4)

have go || skip_all "no go"
have jq || skip_all "no jq"
[ "$(uname -m)" = x86_64 ] || skip_all "for amd64 only"

same() { # NAME: the files theirs and ours
	local status=0
	diff -u "$work/theirs" "$work/ours" >"$work/diff" || status=1
	[ -s "$work/theirs" ] || status=1
	[ $status = 0 ] || head -n 40 "$work/diff" | sed 's/^/# /'
	result $status "$1: $(grep -c . "$work/theirs") lines"
}

# What is told of each question, in the form of what the program printed.
answers() { # FILTER STACKSOPTION...
	local form=$1 what line words
	shift
	while IFS= read -r line; do
		what=${line#ask }
		split "$what"
		echo "ask $what"
		"$tool" stacks "$@" "${words[@]}" "$form" 2>"$work/err" |
			ids "$form" "$what"
	done < <(grep '^ask' "$work/out")
}

ids() { # FORM WORDS: the ids, in their order if one was asked for
	case $1 in
	--list) sed -n 's/^[* ] \([0-9]*\) \[.*/\1/p' ;;
	--json) jq .goroutine ;;
	esac | case $2 in
	*-sort*) cat ;;
	*) sort -n ;;
	esac | awk 'BEGIN { printf ">" } { printf " %s", $1 } END { print "" }'
}

# jq's own groups of all goroutines, by the key of each.
groups_of() { # KEY FILE
	jq -rs --arg key "$1" '
	def place: "\(.function) at \(.file):\(.line)";
	def users: .function | test("^(runtime|internal|sync|syscall)[./]") |
		not;
	def key: if $key == "stack" then [.stack[].pc, .elided] | tostring
		elif $key == "curloc" then .stack[0] | place
		elif $key == "userloc" then
			first(.stack[] | select(users and
				.function != "time.Sleep")) | place
		elif $key == "go" then if .created_by
			then "created by \(.created_by | place)"
			else "created by of which it is not known" end
		elif $key == "start" then "started at \(.start)"
		elif $key == "state" then "[\(.state)]"
		elif $key == "wait" then
			if .state == "running" or .state == "syscall"
			then "waiting for nothing" else .state end
		elif .labels.job then "{job: \(.labels.job)}"
		else "without label job" end;
	to_entries | group_by(.value | key) |
	sort_by([-length, .[0].key])[] |
	"\(length) goroutine\(if length == 1 then "" else "s" end) " +
	(if $key == "stack" then "with this stack" else .[0].value | key end) +
	": " + ([.[:10][].value.goroutine | tostring] | join(", ")) +
	(if length > 10 then ", ..." else "" end)' <"$2"
}

check_groups() { # NAME STACKSOPTION...
	local name=$1 key words
	shift
	"$tool" stacks "$@" --json >"$work/json" 2>"$work/err"
	for key in stack curloc userloc go start state wait 'label job'; do
		groups_of "$key" "$work/json" >"$work/theirs"
		split "$key"
		"$tool" stacks "$@" -group "${words[@]}" 2>"$work/err" |
			grep -E '^[0-9]+ goroutine' >"$work/ours"
		same "$name, groups by $key"
	done
	# of JSON too: the same counts and all ids
	"$tool" stacks "$@" -group state --json 2>"$work/err" |
		jq -c '[.count, (.goroutines | sort)]' | sort >"$work/ours"
	jq -cs 'group_by(.state)[] |
		[length, ([.[].goroutine] | sort)]' "$work/json" | sort \
		>"$work/theirs"
	same "$name, groups as JSON"
	# the system's are those that the runtime itself started
	"$tool" stacks "$@" -with system --list 2>"$work/err" |
		sed -n 's/^[* ] \([0-9]*\) \[.*/\1/p' | sort -n >"$work/ours"
	"$tool" stacks "$@" --all --json 2>"$work/err" |
		jq -r 'select(.start | startswith("runtime.")) |
			select(.start != "runtime.main") |
			select(.state == "finalizer wait" or (.start |
			test("runtime[.]run(finq|Finalizers)") | not)) |
			.goroutine' | sort -n >"$work/theirs"
	same "$name, the runtime's own"
}

compare() { # NAME FORM STACKSOPTION...
	local name=$1 form=$2
	shift 2
	grep -e '^ask' -e '^>' "$work/out" >"$work/theirs"
	answers "$form" "$@" >"$work/ours"
	same "$name, $form"
	check_groups "$name" "$@"
}

check() { # VERSION
	local program
	program=$(build stacks/query "$1" static 2>"$work/build") || {
		result 1 "$1: $(first_line "$work/build")"
		return
	}
	: >"$work/out" # or "ready" is the last one's
	"$program" >"$work/out" 2>"$work/null" &
	pid=$!
	for _ in {1..600}; do
		grep -q '^ready$' "$work/out" && break
		sleep 0.05
	done
	compare "$1" --list -p "$pid"
	kill "$pid"
	wait "$pid" 2>"$work/null" || true
	pid=
	rm -rf "$work/dump"
	mkdir "$work/dump"
	(cd "$work/dump" && ulimit -c unlimited &&
		GOTRACEBACK=crash "$program" core >"$work/out" 2>"$work/null") \
		2>"$work/null" || true
	if [ -z "$(ls "$work/dump")" ]; then
		echo "# $1: the kernel leaves no core"
		return
	fi
	compare "$1, a core" --json --core "$work/dump/$(ls "$work/dump")" -e "$program"
}

for version in "${versions[@]}"; do
	check "$version"
done
echo "1..$tests"
[ "$failures" = 0 ]
