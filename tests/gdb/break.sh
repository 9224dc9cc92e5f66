#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# "go break LOCATION goroutine N": of four goroutines that run the same function
# all the time only N stops, on whatever thread, by the argument that each gives
# it; and the scheduler stops, on its own stack, only when it parks N, by its
# argument, which is N's g. In every GDB, and of several releases and link modes
# in the newest: g's place in a thread's own memory differs.
# shellcheck disable=SC2016 # GDB's own $
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

# turns VERSION MODE: sets $program, $id and $g, of a goroutine; $started runs.
turns() {
	program=$(
		work=$tmp XDG_CACHE_HOME=${cache%/*}
		. "$abs_top_srcdir/scripts/lib.sh"
		. "$abs_top_srcdir/tests/stacks/lib.sh"
		build stacks/turns "$1" "$2" 2>"$tmp/build"
	) || {
		echo "$1 $2: no program: $(tail -n 1 "$tmp/build")"
		return 1
	}
	start "$program"
	id=$(sed -n '3s/^goroutine //p' "$tmp/out")
	g=$("$GOUNSTRIP" stacks -p "$started" -g "$id" --json |
		sed 's/.*"g":"\([^"]*\)".*/\1/')
}

# only NAME GDB ARGUMENT PARK GDBARG...: ARGUMENT and PARK are the first word
# that main.visit and runtime.park_m get.
only() {
	local name=$1 gdb=$2 argument=$3 park=$4 script=() i
	shift 4
	for i in 1 2 3 4 5 6; do
		script+=(-ex continue -ex "with language c -- \
			printf \"<visit %ld\\n\", $argument")
		[ "$i" != 3 ] || script+=(-ex 'set language go')
	done
	script+=(-ex 'set language c' -ex 'delete'
		-ex "go break *'runtime.park_m' goroutine $id")
	for i in 1 2 3; do
		script+=(-ex continue -ex "printf \"<park 0x%lx\\n\", $park")
	done
	script+=(-ex 'go break main.visit goroutine 4711'
		-ex 'go break main.visit thread 1' -ex detach)
	timeout 60 "$gdb" -nx -q -batch -ex 'set pagination off' \
		-ex "source $abs_top_builddir/gdbinit/gounstrip.gdb" "$@" \
		-ex 'go load' -ex 'set language c' \
		-ex 'handle SIGURG nostop noprint' \
		-ex "go break *'main.visit' goroutine $id" \
		"${script[@]}" </dev/null >"$tmp/gdb" 2>&1 || true
	if [ "$(grep -c "^<visit $id\$" "$tmp/gdb")" = 6 ] &&
		[ "$(grep -c "^<park $g\$" "$tmp/gdb")" = 3 ] &&
		[ "$(grep -c '^<' "$tmp/gdb")" = 9 ] &&
		grep -q 'there is no goroutine 4711$' "$tmp/gdb" &&
		grep -q 'help go break.: LOCATION goroutine N$' "$tmp/gdb"; then
		echo "$name: ok in $gdb"
	else
		echo "$name: FAIL in $gdb"
		cat "$tmp/gdb"
		failed=1
	fi
}

turns 1.27.4 pie || exit 77
for gdb in "${all_gdbs[@]}"; do
	only process "$gdb" '$rax' '$rax' -p "$started"
	if command -v gdbserver >/dev/null; then
		only remote "$gdb" '$rax' '$rax' "$program" \
			-ex 'set sysroot /' -ex "target remote | gdbserver \
			--attach - $started 2>/dev/null"
	fi
done
newest=${all_gdbs[-1]}
for version in 1.18.10 1.20.14 1.22.12 1.24.13 1.25.14 1.26.8 1.27.4; do
	turns $version static || continue
	only "$version static" "$newest" '$rax' '$rax' -p "$started"
done
for version in 1.20.14 1.27.4; do
	turns $version cgo || continue
	only "$version cgo" "$newest" '$rax' '$rax' -p "$started"
done
# arguments are on the stack up to 1.16
if turns 1.16.15 static; then
	only "1.16.15 static" "$newest" '*(long *) ($rsp + 8)' \
		'*(long *) ($rsp + 8)' -p "$started"
fi

# A Go library in a C program: the loader says where its threads keep g. C calls
# main.weigh three times, in goroutine 17 (Go src/runtime/proc.go, oneNewExtraM).
if have c-shared && [ -x "$(dirname "$(fixture c-shared)")/host" ]; then
	timeout 60 "$newest" -nx -q -batch -ex 'set pagination off' \
		-ex "source $abs_top_builddir/gdbinit/gounstrip.gdb" \
		-ex 'break dlsym' -ex run -ex 'go load' -ex 'break main.weigh' \
		-ex continue -ex 'go break main.weigh goroutine 17' \
		-ex 'delete 1 2' -ex continue -ex continue -ex continue --args \
		"$(dirname "$(fixture c-shared)")/host" "$program" count 3 \
		</dev/null >"$tmp/gdb" 2>&1 || true
	if [ "$(grep -c 'hit Breakpoint 3, main.weigh' "$tmp/gdb")" = 2 ] &&
		grep -q 'exited normally' "$tmp/gdb"; then
		echo "c-shared: ok in $newest"
	else
		echo "c-shared: FAIL in $newest"
		cat "$tmp/gdb"
		failed=1
	fi
fi
done_testing
