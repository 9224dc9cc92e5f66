#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# gounstrip stacks --all against Delve with full DWARF, on the same unstripped
# process and on a core of it: goroutines, calls, files and lines, of a program
# with a goroutine for each state that lasts.
#
# Differences that are expected: goroutines that spin, and the scavenger, run on
# between the two;
# of stacks of more than 100 calls Go shows the ends; Delve shows wrappers, says
# runtime.gopanic where Go says panic, follows a system call to its instruction,
# gives a call that was inlined in a wrapper (main.inner.wait) the wrapper's place,
# and takes the innermost call's line from the pc, not from before it.
#
#   delve.sh [VERSION]...
set -euo pipefail

# shellcheck source=scripts/lib.sh
. "${abs_top_srcdir:?}/scripts/lib.sh"
# shellcheck source=tests/stacks/lib.sh
. "$abs_top_srcdir/tests/stacks/lib.sh"
tool=${abs_top_builddir:?}/tools/gounstrip
versions=("$@")
[ "$#" != 0 ] || versions=(1.26.8 1.27.4)

work=$(mktemp -d)
pid=
# shellcheck disable=SC2317 # called by the trap
clean() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>"$work/null" || true
	rm -rf "$work"
}
trap clean EXIT

[ "$(uname -m)" = x86_64 ] || {
	echo '1..0 # SKIP for amd64 only'
	exit 77
}
dlv=$("$abs_top_srcdir/scripts/dlv" 2>"$work/why") || {
	echo "1..0 # SKIP no Delve: $(first_line "$work/why")"
	exit 77
}

# delve ARG...: in a folder of its own, for it shortens paths below that.
delve() {
	mkdir -p "$work/empty"
	printf 'goroutines -t 1000\nexit\n' >"$work/script"
	(cd "$work/empty" && "$dlv" "$@" --allow-non-terminal-interactive=true \
		--init "$work/script" </dev/null >"$work/theirs" 2>"$work/err") || true
}

normal() { # FILE
	awk -f "$abs_top_srcdir/tests/stacks/delve.awk" "$1" |
		sed '/ main[.]inner[.]wait /d; s/ panic / runtime.gopanic /' | sort -s -n -k 1,1 >"$work/all"
	awk 'NR == FNR { if ($2 ~ /^(main[.](spin|deep)|runtime[.]bgscavenge)$/) drop[$1]; next }
		!($1 in drop)' "$work/all" "$work/all"
}

tests=0 failures=0
compare() { # NAME
	local n verdict=ok
	normal "$work/theirs" >"$work/theirs.n"
	normal "$work/ours" >"$work/ours.n"
	n=$(grep -c -E '^[0-9]+$' "$work/theirs.n" || true)
	if [ "$n" -lt 30 ] || ! diff -u "$work/theirs.n" "$work/ours.n" >"$work/diff"; then
		head -n 60 "$work/diff" "$work/err" | sed 's/^/# /'
		verdict='not ok'
		failures=$((failures + 1))
	fi
	tests=$((tests + 1))
	echo "$verdict $tests - $1: $n goroutines, $(wc -l <"$work/theirs.n") lines"
}

check() { # VERSION MODE
	local program
	program=$(build stacks/states "$1" "$2-full" 2>"$work/build") || {
		echo "# $(first_line "$work/build")"
		failures=$((failures + 1))
		return
	}
	rm -f "$work/in"
	mkfifo "$work/in"
	: >"$work/out" # or "ready" is the last one's
	"$program" <"$work/in" >"$work/out" 2>"$work/null" &
	pid=$!
	exec 3>"$work/in"
	for _ in {1..600}; do
		grep -q '^ready$' "$work/out" && break
		sleep 0.05
	done
	delve attach "$pid"
	"$tool" stacks --all -p "$pid" >"$work/ours"
	compare "$1 $2, process"
	if have gdb; then
		gdb -nx -batch -p "$pid" -ex "gcore $work/core" >"$work/gcore" 2>&1
		delve core "$program" "$work/core"
		"$tool" stacks --all -e "$program" --core "$work/core" \
			>"$work/ours" 2>"$work/null"
		compare "$1 $2, core"
	fi
	exec 3>&-
	kill -KILL "$pid"
	wait "$pid" 2>"$work/null" || true
	pid=
}

for version in "${versions[@]}"; do
	for mode in static pie; do
		check "$version" "$mode"
	done
done
echo "1..$tests"
[ "$failures" = 0 ]
