#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# gounstrip stacks of cores that the kernel wrote, of programs that died by a
# panic, against what their runtime printed before (GOTRACEBACK=crash): all of
# it, but for the calls by which it then died, of raise and its signal handler.
# arm64 programs are run by qemu, which writes cores of them.
set -euo pipefail

fixtures=${GOUNSTRIP_FIXTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests/fixtures}
tool=${abs_top_builddir:?}/tools/gounstrip
here=${abs_top_srcdir:?}/tests/stacks

skip_all() {
	echo "1..0 # SKIP $*"
	exit 77
}
[ "$(cat /proc/sys/kernel/core_pattern)" = core ] ||
	skip_all "cores are not written where the program runs"
ulimit -c unlimited || skip_all "no cores are allowed"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# normal FILE: without what the thread that died did after it had printed
normal() {
	awk -f "$here/normal.awk" "$1" | awk '
		/^[0-9]+ goroutine / { print; dying = $0 ~ /\[running/; next }
		dying && / panic / { dying = 0 }
		!dying { print }' | sort -s -n -k 1,1
}

tests=0 failures=0
for name in go1.16-amd64-static go1.20-amd64-cgo go1.24-amd64-static \
	go1.25-amd64-cgo-pie go1.27-amd64-pie go1.16-arm64-static \
	go1.20-arm64-static go1.24-arm64-static go1.27-arm64-static; do
	program=$fixtures/$name/strip
	run=()
	[ -x "$program" ] || continue
	case $name in
	*-arm64-*)
		command -v qemu-aarch64 >null || continue
		run=(qemu-aarch64)
		;;
	esac
	for mode in crash panic; do
		rm -f -- *core
		(GOTRACEBACK=crash "${run[@]}" "$program" $mode >out 2>theirs) \
			2>null || true
		# beside the program's core lies the one of qemu itself
		core=$(find . -name "${run[*]:+qemu_}*core")
		tests=$((tests + 1))
		"$tool" stacks --all --core "$core" -e "$program" >ours 2>err ||
			true
		normal theirs >theirs.n
		normal ours >ours.n
		if [ -s ours.n ] && diff -u theirs.n ours.n >differences; then
			echo "ok $tests - $name $mode"
		else
			failures=$((failures + 1))
			head -n 30 err differences | sed 's/^/# /'
			echo "not ok $tests - $name $mode"
		fi
	done
done
echo "1..$tests"
[ "$tests" != 0 ] || skip_all "no fixtures: run tests/fixtures/build"
[ "$failures" = 0 ]
