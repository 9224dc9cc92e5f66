# shellcheck shell=bash
# shellcheck disable=SC2034 # for those who source this
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the tests here share: results, a folder $work, and a program $pid, if it is
# set, that does not outlive the test.

skip_all() {
	echo "1..0 # SKIP $*"
	exit 77
}

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
