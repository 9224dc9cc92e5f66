#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# "go who-waits" of a process, a remote process and a core, in every GDB, against
# "gounstrip stacks --who-waits" of the same, which tests/stacks/waits.sh holds
# against what the program knows.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

program=$(
	work=$tmp XDG_CACHE_HOME=${cache%/*}
	. "$abs_top_srcdir/scripts/lib.sh"
	. "$abs_top_srcdir/tests/stacks/lib.sh"
	build stacks/waits 1.27.4 pie 2>"$tmp/build"
) || skip "no program: $(tail -n 1 "$tmp/build")"

questions() { # all that the program has asked for, as GDB's words
	sed -n 's/^ask //p' "$tmp/told" | sed -e 's/fd:/fd /'
}

# compare NAME STACKSOPTION... -- GDBARG...
compare() {
	local name=$1 options=() gdb what
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	questions | while read -r what; do
		echo "<$what"
		"$GOUNSTRIP" stacks "${options[@]}" \
			--who-waits "${what/fd /fd:}" 2>/dev/null
	done >"$tmp/theirs"
	questions | while read -r what; do
		printf 'echo <%s\\n\ngo who-waits %s\n' "$what" "$what"
	done >"$tmp/script"
	# an expression of some words, in C whatever the language is
	what=$(questions | head -n 1)
	{
		printf '%s\n' 'echo <words\n' \
			"with language go -- go who-waits (long) $what + 0" \
			'echo <none\n' 'go who-waits fd 4711' 'echo <end\n'
	} >>"$tmp/script"
	for gdb in "${all_gdbs[@]}"; do
		timeout 60 "$gdb" -nx -q -batch \
			-ex "source $abs_top_builddir/gdbinit/gounstrip.gdb" \
			"$@" -ex 'go load' -x "$tmp/script" </dev/null \
			>"$tmp/out" 2>&1 || true
		sed -e '/^<words/,$d' "$tmp/out" | sed -n '/^</,$p' \
			>"$tmp/ours"
		sed -n '/^<words/,/^<none/p' "$tmp/out" | grep -v '^<' \
			>"$tmp/words"
		awk '/^</ { n++; next } n == 1' "$tmp/theirs" >"$tmp/first"
		if grep -q 'receives: main.receive at' "$tmp/theirs" &&
			diff "$tmp/theirs" "$tmp/ours" >"$tmp/diff" &&
			diff "$tmp/first" "$tmp/words" >"$tmp/diff" &&
			grep -q '^file descriptor 4711$' "$tmp/out"; then
			echo "$name: ok in $gdb"
		else
			echo "$name: FAIL in $gdb"
			head -n 20 "$tmp/diff" "$tmp/out"
			failed=1
		fi
	done
}

mkfifo "$tmp/in"
exec 3<>"$tmp/in"
# shellcheck disable=SC2016 # the shell that it starts expands them
start sh -c 'exec "$0" <"$1"' "$program" "$tmp/in"
cp "$tmp/out" "$tmp/told"
compare process -p "$started" -- -p "$started"
if command -v gdbserver >/dev/null; then
	compare remote -p "$started" -- "$program" -ex 'set sysroot /' -ex \
		"target remote | gdbserver --attach - $started 2>/dev/null"
fi

mkdir "$tmp/dump"
(cd "$tmp/dump" && ulimit -c unlimited && { "$program" core >"$tmp/told" ||
	true; }) 2>/dev/null
core=$(find "$tmp/dump" -type f)
if [ -n "$core" ]; then
	compare core --core "$core" -e "$program" -- "$program" "$core"
else
	echo "core: the kernel leaves none"
fi
done_testing
