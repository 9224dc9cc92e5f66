#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Stack switches without the reader: GDB, eu-stack and lldb, which have nothing
# but the symbol file, must go from frame to frame as the reader does.
#
#   GOUNSTRIP_GO   releases (default: 1.26.8 1.20.14 1.16.15); all but the first
#                  in one GDB only
# shellcheck disable=SC2016 # GDB's variables
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

program() { # VERSION MODE: the program of tests/gdb/cross
	local work=$tmp XDG_CACHE_HOME=${cache%/*}
	. "$abs_top_srcdir/scripts/lib.sh"
	. "$abs_top_srcdir/tests/stacks/lib.sh"
	build gdb/cross "$@" 2>"$tmp/build" ||
		echo "$test_name: no program: $(tail -n 1 "$tmp/build")" >&2
}

# session GDB PROGRAM WHAT LOCATION [COMMAND...]: stop at LOCATION once main.WHAT
# has begun, show the stack, and what else is said.
session() {
	local gdb=$1 program=$2 what=$3 location=$4
	shift 4
	printf '%s\n' 'set pagination off' 'set language c' \
		'set backtrace past-main on' \
		'handle SIGURG SIGUSR1 SIGSEGV nostop noprint pass' \
		'break main.mark' "run $what" delete "break $location" continue \
		'echo <stack\n' bt \
		'frame apply all -q printf "pc %#lx\n", (unsigned long)$pc' \
		"$@" >"$tmp/script"
	timeout 60 "$gdb" -nx -q -batch -iex 'set auto-load safe-path /' \
		"${load[@]}" -x "$tmp/script" "$program" </dev/null \
		>"$tmp/out" 2>&1 || true
}

# pcs: of the frames that GDB showed, once each where calls are inlined
pcs() {
	awk '$1 == "pc" && $2 != last { print last = $2 }' "$tmp/out"
}

# result NAME PCS: those of the file PCS are the reader's
result() {
	if cmp -s "$2" "$tmp/expected"; then
		echo "$1: ok, $(wc -l <"$2") frames"
	else
		echo "$1: FAIL"
		diff "$2" "$tmp/expected" || true
		sed '1,/^<stack/d' "$tmp/out" | tail -n 8
		failed=1
	fi
}

# mode VERSION MODE WHAT LOCATION PATTERN: the reader's stack must match PATTERN.
mode() {
	local stripped alone=$tmp/$1-$2/program gdb name="$1 $3"
	stripped=$(program "$1" "$2")
	[ -x "$stripped" ] || return 0
	if [ ! -x "$alone" ]; then
		mkdir "${alone%/*}"
		"$GOUNSTRIP" symbols "$stripped" -o "$alone.debug" \
			--debuglink="$alone" >/dev/null
		chmod +x "$alone"
		"$GOUNSTRIP" symbols "$stripped" --install "${alone%/*}" \
			>"$tmp/install" 2>&1 || true
	fi
	for gdb in "${gdbs[@]}"; do
		load=(-ex "source $abs_top_builddir/gdbinit/gounstrip.gdb"
			-ex 'go load')
		session "$gdb" "$stripped" "$3" "$4"
		pcs >"$tmp/expected"
		names=$(sed '1,/^<stack/d' "$tmp/out" | sed -n \
			's/^#[0-9]* *\(0x[0-9a-f]* in \)*\([^ ]*\) .*/\2/p' |
			tr '\n' ' ')
		if ! [[ $names =~ ^$5.*runtime[.]goexit\ $ ]]; then
			echo "$name: FAIL: the reader: $names"
			failed=1
		fi
		load=()
		rm -f "$tmp/core"
		session "$gdb" "$alone" "$3" "$4" "gcore $tmp/core"
		pcs >"$tmp/got"
		result "$name in ${gdb##*/}" "$tmp/got"
	done
	if [ "$2" = static ] && [ ! -d "${alone%/*}/.build-id" ]; then
		echo "$name by eu-stack: skipped: finds it by a build id alone"
	elif command -v eu-stack >/dev/null; then
		timeout 60 eu-stack --debuginfo-path=":${alone%/*}" \
			-e "$alone" --core "$tmp/core" -n 100 2>&1 |
			awk '/^TID/ { n++ } n == 1 && /^#/ { print $2 }' |
			sed 's/0x0*/0x/' >"$tmp/got" || true
		result "$name by eu-stack" "$tmp/got"
	else
		echo "$name by eu-stack: skipped: not here"
	fi
	# with a frame pointer lldb 14 goes by it alone, and does not know that
	# crosscall2 has it point elsewhere (docs/unwinding.md)
	if [[ $1-$3 == 1.2[1-9]*-callback ]]; then
		echo "$name by lldb: skipped: it does not ask for frame info"
	elif command -v lldb >/dev/null; then
		timeout 60 lldb -b -o "target create $alone --core $tmp/core" \
			-o 'thread select 1' -o 'bt 100' 2>&1 |
			# it says where it stands, too, in the midst of the others
			awk '/ frame #/ && !/\[inlined\]/ {
					sub(/.*frame #/, "")
					i = $1 + 0
					got[i] = $2
					last = i > last ? i : last
				}
				END {
					for (i = 0; i <= last; i++)
						if (i in got) print got[i]
				}' |
			sed 's/0x0*/0x/' >"$tmp/got" || true
		result "$name by lldb" "$tmp/got"
	else
		echo "$name by lldb: skipped: not here"
	fi
}

c_leaf() { # VERSION: *ADDRESS of what only the unstripped twin can name
	nm "$(program "$1" cgo-full)" |
		sed -n 's/^0*\([0-9a-f]*\) [tT] c_leaf$/*0x\1/p'
}

gdbs=("${all_gdbs[@]}")
for version in ${GOUNSTRIP_GO:-1.26.8 1.20.14 1.16.15}; do
	# up to 1.16 no register says whose the system stack is
	if [ "$version" != "${version#1.1[0-6].}" ]; then
		echo "$version: systemstack: not in frame info"
	else
		mode "$version" static spawn runtime.newproc1 \
			'runtime[.]newproc1 .*runtime[.]systemstack .*main[.]spawn '
		mode "$version" static collect runtime.stopTheWorldWithSema \
			'runtime[.]stopTheWorldWithSema .*runtime[.]systemstack .*main[.]collect '
	fi
	mode "$version" cgo call "$(c_leaf "$version")" \
		'.*runtime[.]asmcgocall runtime[.]cgocall .*main[.]call '
	mode "$version" cgo callback main.deep \
		'main[.]deep (.*crosscall2 .*runtime[.]asmcgocall .*){3}main[.]callback '
	gdbs=("${all_gdbs[-1]}")
done
done_testing
