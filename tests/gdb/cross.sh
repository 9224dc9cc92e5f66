#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A plain bt over the runtime's stack switches, in every GDB: live, on a core
# and through gdbserver.  The frames beyond the switch must be those that the
# same GDB finds in the unstripped twin, without gounstrip, right before it.
#
#   GOUNSTRIP_GO   releases (default: 1.26.8 1.20.14 1.16.15); all but the first
#                  in one GDB only
# shellcheck disable=SC2016 # GDB's variables
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"
. "$abs_top_srcdir/tests/gdb/cross-lib.sh"

# mode VERSION MODE WHAT FUNCTION HITS PATTERN: what main.WHAT does, in each GDB,
# up to where it enters FUNCTION; others may do so before.
mode() {
	local stripped full gdb name
	stripped=$(program "$1" "$2")
	full=$(program "$1" "$2-full")
	[ -x "$stripped" ] && [ -x "$full" ] || return 0
	for gdb in "${all_gdbs[@]}"; do
		name="$1 $3 in ${gdb##*/}, $4"
		printf '%s\n' "$prelude" "run $3" "$stack" >"$tmp/script"
		session "$gdb" "$full"
		# it has not yet left its frame and that of its caller
		pcs 1 | tail -n +3 >"$tmp/expected"
		rm -f "$tmp/core"
		printf '%s\n' 'go load' "$prelude" "run $3" delete "break $4" \
			"set var \$hits = $5" 'while $hits > 0' \
			'set var $hits = $hits - 1' continue "$stack" end \
			"gcore $tmp/core" >"$tmp/script"
		session "$gdb" "$stripped"
		check "$name" "$5" "$3" "$6"
		if [ "$5" = 1 ]; then
			printf '%s\n' 'set language c' 'go load' \
				'set backtrace past-main on' "$stack" \
				>"$tmp/script"
			session "$gdb" "$stripped" "$tmp/core"
			check "$name, core" 1 "$3" "$6"
		fi
		if [ "$5" = 1 ] && [ "$gdb" = "${all_gdbs[-1]}" ] &&
			command -v gdbserver >/dev/null; then
			printf '%s\n' 'set sysroot /' \
				"target remote | gdbserver --once - $stripped $3 2>/dev/null" \
				'go load' "$prelude" continue delete "break $4" \
				continue "$stack" kill >"$tmp/script"
			session "$gdb" "$stripped"
			check "$name, remote" 1 "$3" "$6"
		fi
	done
}

# symbol VERSION MODE NAME: *ADDRESS of what only the unstripped twin can name
symbol() {
	nm "$(program "$1" "$2-full")" | sed -n "s/^0*\([0-9a-f]*\) [tT] $3\$/*0x\1/p"
}

# restorer VERSION: what "go bt" says of a thread that is about to leave a signal
# handler, in the C library.
restorer() {
	local stripped gdb
	stripped=$(program "$1" cgo)
	[ -x "$stripped" ] || return 0
	for gdb in "${all_gdbs[@]}"; do
		printf '%s\n' 'go load' "$prelude" 'run spin' delete \
			"break *'runtime.cgoSigtramp'" continue \
			'tbreak **(unsigned long *)$sp' continue \
			'x/i $pc' 'go bt' kill >"$tmp/script"
		GODEBUG='' session "$gdb" "$stripped"
		if grep -q 'architecture unknown is not compatible' "$tmp/out"; then
			echo "$1 restorer: ${gdb##*/} does not know this C library"
		elif grep -q '^=> .*mov *\$0xf,%rax' "$tmp/out" &&
			grep -q '^main[.]spin(' "$tmp/out"; then
			echo "$1 restorer in ${gdb##*/}: ok"
		else
			echo "$1 restorer in ${gdb##*/}: FAIL"
			tail -n 20 "$tmp/out"
			failed=1
		fi
	done
}

c_frames='goCallback [?][?] ([?][?]|_cgo_[^ ]*) '
callback="main[.]goCallback _cgoexp_[^ ]* runtime[.]cgocallbackg1 \
(runtime[.]cgocallbackg )+(runtime[.]cgocallback ){2}crosscall2 ${c_frames}\
runtime[.]asmcgocall runtime[.]cgocall main[.]_Cfunc_c_back "

for version in ${GOUNSTRIP_GO:-1.26.8 1.20.14 1.16.15}; do
	mode "$version" static spawn runtime.newproc1 1 \
		"runtime[.]newproc1 .*runtime[.]systemstack .*main[.]spawn $rest"
	mode "$version" static park runtime.park_m 9 \
		"runtime[.]park_m runtime[.]mcall .*main[.]park $rest"
	mode "$version" static grow runtime.newstack 2 \
		"runtime[.]newstack runtime[.]morestack (main[.](deep|mark) )*main[.]grow $rest"
	mode "$version" static grow runtime.copystack 2 \
		"runtime[.]copystack runtime[.]newstack runtime[.]morestack (main[.]deep )+main[.]grow $rest"
	mode "$version" static fault runtime.sigtrampgo 1 \
		"runtime[.]sigtrampgo .*runtime[.]sigtramp <signal main[.]fault $rest"
	mode "$version" static fault runtime.sigpanic 1 \
		"runtime[.]sigpanic main[.]fault $rest"
	mode "$version" static collect runtime.stopTheWorldWithSema 1 \
		"runtime[.]stopTheWorldWithSema .*runtime[.]systemstack .*main[.]collect $rest"
	# GDB looks up a caller at pc - 1: one that was interrupted at its entry,
	# where GDB 10 has its breakpoints, is ??
	GODEBUG='' mode "$version" static spin runtime.asyncPreempt2 2 \
		"runtime[.]asyncPreempt2 runtime[.]asyncPreempt ((main[.]mark|[?][?]) )?main[.]spin $rest"
	mode "$version" cgo call "$(symbol "$version" cgo c_leaf)" 1 \
		"([?][?] ){2}([?][?]|_cgo_[^ ]*) runtime[.]asmcgocall runtime[.]cgocall main[.]_Cfunc_c_call main[.]call $rest"
	mode "$version" cgo callback main.deep 1 \
		"main[.]deep ($callback){3}main[.]callback $rest"
	restorer "$version"
	all_gdbs=("${all_gdbs[-1]}")
done
done_testing
