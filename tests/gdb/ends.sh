#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A plain bt that ends too early says so in every GDB, and why in 13 and later: on a core without
# its memory, where a return address or what the runtime keeps of a stack is
# damaged, for a goroutine that is selected, in "thread apply all bt" and under
# every language.  It shows no frame that is none, and says nothing where the
# stack ends well.
# shellcheck disable=SC2015,SC2016 # fails never fails; GDB's variables
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need static
(
	echo 0x10 >/proc/self/coredump_filter
	dump "$tmp/headers" "$program" panic
)
dump "$tmp/whole" "$program" panic

start "$program" park 2
parked=$("$GOUNSTRIP" stacks -p "$started" 2>/dev/null |
	sed -n 's/^goroutine \([0-9]*\) \[select.*/\1/p' | tail -n 1)
stopped='Backtrace stopped: previous frame identical to this frame (corrupt stack?)'

fails() { # WHAT
	echo "$name: FAIL in GDB $version: $*"
	tail -n 60 "$tmp/said"
	failed=1
}

# ask GDBARG...: what GDB says to the file script
ask() {
	timeout 60 "$gdb" -nx -q -batch -iex 'set auto-load safe-path /' \
		-ex 'set pagination off' -ex 'set width 0' \
		"${own[@]}" -x "$abs_top_builddir/gdbinit/gounstrip.gdb" \
		-x "$tmp/script" "$@" </dev/null >"$tmp/said" 2>&1 || true
	grep -q '^<end' "$tmp/said" || fails "GDB's end"
	! sed '1,/^</d' "$tmp/said" | grep ' in [?][?] ()' ||
		fails 'a frame that is none'
}

# part NAME
part() {
	awk -v name="<$1" '/^</ { on = $0 == name; next } on' "$tmp/said"
}

# well NAME: that part is a stack that ends well
well() {
	part "$1" >"$tmp/part"
	grep -q '^#[1-9]' "$tmp/part" || fails "$1 is no stack"
	! grep -e '^Backtrace stopped' -e '^gounstrip: ' "$tmp/part" ||
		fails "$1 does not end well"
}

# early NAME FUNCTION REASON: it ends in that function
early() {
	part "$1" >"$tmp/part"
	grep '^#' "$tmp/part" | tail -n 1 | grep -q -e "[ ]$2 (" ||
		fails "$1 does not end in $2"
	grep -A 1 '^#' "$tmp/part" | tail -n 1 |
		grep -q -x -F "$stopped" || fails "$1: GDB does not say it"
	[ "${version%%.*}" -lt 13 ] ||
		grep -q "^gounstrip: no caller of $2 is known: $3" "$tmp/part" ||
		fails "$1 does not say: $3"
}

own=()
for gdb in "${all_gdbs[@]}"; do
	version=$("$gdb" --version | sed -n '1s/.* //p')
	before=$failed failed=0

	name=core
	printf '%s\n' 'go load' 'echo <bt\n' bt 'echo <all\n' \
		'thread apply all bt' 'echo <pipe\n' 'pipe bt | cat' \
		'echo <pascal\n' 'set language pascal' bt 'echo <again\n' \
		'go load' bt 'echo <end\n' >"$tmp/script"
	ask "$program" "$tmp/headers"
	zeros='the stack reads as zeros: a core without its memory'
	for part in bt pipe pascal again; do
		early $part runtime.raise "$zeros"
	done
	threads=$(part all | grep -c '^Thread ')
	[ "$threads" -ge 3 ] &&
		[ "$threads" = "$(part all | grep -c -x -F "$stopped")" ] ||
		fails 'GDB does not say it of all threads'
	[ "${version%%.*}" -lt 13 ] || [ "$threads" = \
		"$(part all | grep -c "^gounstrip: no caller of .*$zeros")" ] ||
		fails 'not all threads say why'
	printf '%s\n' 'go load' 'echo <bt\n' 'set backtrace past-main on' bt \
		'echo <all\n' 'thread apply all bt' 'echo <end\n' >"$tmp/script"
	ask "$program" "$tmp/whole"
	well bt
	# threads that were being made are not of interest
	awk '/^Thread |^</ { skip = 0 } /^#0 .*runtime[.]clone/ { skip = 1 }
		!skip' "$tmp/said" >"$tmp/rest"
	mv "$tmp/rest" "$tmp/said"
	well all

	name=live
	# what newproc1 is called by left the goroutine's stack; its g says where
	printf '%s\n' 'set language c' 'go load' 'set backtrace past-main on' \
		'break runtime.newproc1' run continue continue delete 'echo <before\n' bt \
		'set var $g = (long *)$r14' 'set var $lo = $g[0]' \
		'set var $hi = $g[1]' 'set var $g[0] = 0' 'set var $g[1] = 0' \
		'echo <switch\n' bt 'set var $g[0] = $lo' 'set var $g[1] = $hi' \
		'echo <after\n' bt \
		'break main.fail' continue delete up \
		'set var $ra = (long *)$sp - 1' down 'set var $was = *$ra' \
		'set var *$ra = 0xdead000' 'echo <nowhere\n' bt \
		'set var *$ra = 0' 'echo <zero\n' bt \
		'set var *$ra = (long)$ra' 'echo <data\n' bt \
		'set var *$ra = $was' 'echo <restored\n' bt \
		'echo <end\n' kill >"$tmp/script"
	ask --args "$program" panic
	for part in before after restored; do
		well "$part"
	done
	early switch 'runtime.systemstack.*' 'runs on the system stack for a goroutine, and'
	early nowhere main.fail '0xdead000 is in no Go code'
	early zero main.fail 'the return address is 0'
	early data main.fail '0x[0-9a-f]* is in no Go code'

	name='a goroutine'
	printf '%s\n' 'set language c' 'go load' "goroutine $parked" up \
		'set var $ra = (long *)$sp - 1' 'set var $was = *$ra' \
		'set var *$ra = 0xdead000' 'echo <goroutine\n' bt \
		'echo <which\n' goroutine 'set var *$ra = $was' \
		'echo <restored\n' bt 'echo <end\n' detach >"$tmp/script"
	ask -p "$started"
	well restored
	early goroutine runtime.gopark '0xdead000 is in no Go code'
	part which >"$tmp/part"
	grep -q '^.Goroutine .*select.* is selected' "$tmp/part" ||
		fails 'the goroutine is not selected'

	name='a hook of the user'
	printf '%s\n' 'define hookpost-backtrace' 'echo mine\n' end >"$tmp/own"
	own=(-x "$tmp/own")
	printf '%s\n' 'go load' 'echo <bt\n' bt 'echo <end\n' >"$tmp/script"
	ask "$program" "$tmp/headers"
	own=()
	part bt >"$tmp/part"
	grep -q -x mine "$tmp/part" || fails 'is gone'

	[ $failed = 1 ] || echo "ok in GDB $version"
	failed=$((failed | before))
done
done_testing
