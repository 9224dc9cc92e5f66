# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # for, and set by, those who source this
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The program of tests/gdb/cross, and stacks of it that must go on beyond a switch
# as those of its unstripped twin do right before it.

program() { # VERSION MODE: the program of tests/gdb/cross
	local work=$tmp XDG_CACHE_HOME=${cache%/*}
	. "$abs_top_srcdir/scripts/lib.sh"
	. "$abs_top_srcdir/tests/stacks/lib.sh"
	build gdb/cross "$@" 2>"$tmp/build" ||
		echo "$test_name: no program: $(tail -n 1 "$tmp/build")" >&2
}

# What is printed of a stack: its end, the name of each frame, and its pc.
stack='echo <stack\n
bt
frame apply all -q printf "pc %#lx\n", (unsigned long)$pc
echo <end\n'
# until a goroutine is where it is to be, nothing of what it does is of interest
prelude='set pagination off
set language c
set backtrace past-main on
handle SIGURG SIGUSR1 SIGSEGV nostop noprint pass
break main.mark'

# session GDB ARG...: what GDB says to the file script
session() {
	local gdb=$1
	shift
	timeout 60 "$gdb" -nx -q -batch -iex 'set auto-load safe-path /' \
		-ex "source $abs_top_builddir/gdbinit/gounstrip.gdb" \
		-x "$tmp/script" "$@" </dev/null >"$tmp/out" 2>&1 || true
}

# pcs N: those of the Nth stack, down to goexit, once each where calls are inlined
pcs() {
	awk -v n="$1" '/^<stack/ { wanted = ++i == n; frames = 1000 }
		wanted && /^#[0-9].* runtime[.]goexit/ && frames == 1000 {
			frames = substr($1, 2) + 1
		}
		wanted && $1 == "pc" && frames-- > 0 && $2 != last {
			print $2
			last = $2
		}' "$tmp/out"
}

# names N: the functions of the Nth stack, in one line
names() {
	awk -v n="$1" '/^<stack/ { wanted = ++i == n } /^<end/ { wanted = 0 }
		wanted && /^#[0-9]/ { print ($3 == "in" ? $4 : $2) }
		wanted && /^Backtrace stopped/' "$tmp/out" | tr '\n' ' '
}

# check NAME HITS WHAT PATTERN: the first stack of HITS that has main.WHAT goes
# on as the twin's (in the file expected), over functions that match PATTERN.
check() {
	local n=1
	while [ "$n" != "$2" ] && [[ "$(names $n)" != *main.$3\ * ]]; do
		n=$((n + 1))
	done
	pcs $n >"$tmp/got"
	if [ "$(wc -l <"$tmp/expected")" -ge 3 ] &&
		tail -n "$(wc -l <"$tmp/expected")" "$tmp/got" |
		cmp -s - "$tmp/expected" && [[ "$(names $n)" =~ ^$4$ ]]; then
		echo "$1: ok"
	else
		echo "$1: FAIL: $(names $n)"
		diff "$tmp/got" "$tmp/expected" || tail -n 5 "$tmp/out"
		failed=1
	fi
}

rest='main[.](middle|outer|main[.]func[0-9]+) .*runtime[.]goexit '
