#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# gounstrip stacks with targets that are wrong, gone or damaged: one line that
# says what is missing, exit code 1, and the rest where there is one.  And what
# the process does meanwhile: it runs on, with the same result.
set -euo pipefail

fixtures=${GOUNSTRIP_FIXTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests/fixtures}
tool=${abs_top_builddir:?}/tools/gounstrip
program=$fixtures/go1.24-amd64-static/strip
other=$fixtures/go1.26-amd64-static/strip

# shellcheck source=tests/stacks/tap.sh
. "${abs_top_srcdir:?}/tests/stacks/tap.sh"
[ -x "$program" ] || skip_all "no fixtures: run tests/fixtures/build"
[ "$(uname -m)" = x86_64 ] || skip_all "the programs are amd64's"

cd "$work"

tests=0 failures=0
result() { # OK NAME
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		echo "not ok $tests - $2"
		sed 's/^/# /' err
		failures=$((failures + 1))
	fi
}

# refuses CODE TEXT ARGUMENT...: it exits with CODE and says TEXT, on one line
refuses() {
	local code=$1 text=$2 status=0 got=0

	shift 2
	"$tool" stacks "$@" >out 2>err || got=$?
	[ "$got" = "$code" ] && [ "$(wc -l <err)" = 1 ] && [ ! -s out ] &&
		grep -q -e "$text" err || status=1
	result "$status" "stacks $*: $text"
}

refuses 2 'either a process' -a
refuses 2 'either a process' -p 1 --core x
refuses 2 'no process id' -p x
refuses 2 "no goroutine's number" -p 1 -g 0
refuses 1 'there is no process' -p 99999999
refuses 1 'No such file' --core nowhere
refuses 1 'expected 4 (a core dump)' --core "$program"
refuses 1 'no Go program' -p $$

"$program" park 2 >ready &
pid=$!
for _ in {1..600}; do
	grep -q '^ready$' ready && break
	sleep 0.05
done
refuses 1 'is not what runs there' -p "$pid" -e "$other"
refuses 1 'no Go function table' -p "$pid" -e /bin/sh
refuses 1 'there is no goroutine 4711' -p "$pid" -g 4711
if command -v gcore >null; then
	gcore -o core "$pid" >null 2>&1
	mv "core.$pid" whole
	echo 0x10 >"/proc/$pid/coredump_filter"
	gdb -nx -batch -p "$pid" -ex 'gcore headers' >null 2>&1
	refuses 1 'of another program' --core whole -e "$other"
	refuses 1 'coredump_filter' --core headers -e "$program"
	head -c 100000 whole >short
	refuses 1 'variables' --core short -e "$program"
	head -c 1000000 whole >short
	refuses 1 'their memory is not there' --core short -e "$program"
	head -c 2000 whole >short
	refuses 1 'cut short' --core short -e "$program"
	"$tool" stacks --core whole -e "$program" >all 2>err
	size=$(stat -c %s whole)
	cuts=0
	for n in 3 5 9 17 33 65 129; do
		head -c $((size * n / 130)) whole >short
		"$tool" stacks --core short -e "$program" >some 2>err ||
			continue
		# what is said is true: no line is new, but for reasons
		if grep -v -x -F -f all some | grep -q -v -e '^\.\.\.'; then
			result 1 "a core cut at $n/130"
		fi
		grep -q 'was cut short' err || result 1 "a core cut at $n/130"
		cuts=$((cuts + 1))
	done
	result $((cuts == 0)) "$cuts shortened cores say nothing new"
fi
kill -KILL "$pid"
wait "$pid" 2>null || true
pid=

"$program" count 3000000 >expected
"$program" count 3000000 >got &
pid=$!
snapshots=0
while "$tool" stacks -p "$pid" >out 2>err; do
	snapshots=$((snapshots + 1))
done
wait "$pid"
pid=
cmp -s expected got && [ $snapshots -gt 0 ] && status=0 || status=1
result "$status" "a program ran on through $snapshots snapshots"

echo "1..$tests"
[ "$failures" = 0 ]
