#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The commands that README.md and docs/*.md show, "(gdb) ..." and "gounstrip
# ...", are run, in the documents' order and in every GDB, on a program that is
# stopped in main.handle. What they print is not compared: here they must only
# be commands, and go through. Words that stand for the reader's own, and lines
# that only an example has, are replaced; see fill. Functions and types are not:
# the program is the one that scripts/demo shows.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need pie
tool=$GOUNSTRIP
cp "$program" "$tmp/server"
start "$program" park 3
dump "$tmp/core" "$program" panic
handle=$("$tool" dump --functions "$program" |
	sed -n '/ main[.]handle\>/s/^function \(0x[0-9a-f]*\).*/\1/p')

# examples PROMPT FILE: an explanation stands behind two blanks.
examples() {
	sed -n "s/^    $1//p" "$2" | sed -E 's/  .*//; s/[ …]+$//'
}

# fill: what stands in brackets may be left out; "a, b, c" are three commands.
# shellcheck disable=SC2016 # the variables are GDB's
fill() {
	sed -E -e 's/ \[[^]]*\](\.\.\.)?//g' \
		-e "s,/usr/local/share/gounstrip/,${abs_top_builddir:?}/gdbinit/," \
		-e "s/server[.]go:120/$(line handle-sum)/" \
		-e 's/\<LOCATION\>/main.weigh/; s/\<EXPR\>/$sp/' \
		-e 's/\<goroutine (17|N)\>/goroutine 1/; s/\<go bt 17\>/go bt 1/' \
		-e 's/\<fd N\>/fd 0/; s/\$rax\>/$sp/' \
		-e "s,\<(PROGRAM|FILE)\>,$tmp/server,; s,\<CORE\>,$tmp/core," \
		-e "s,\<PID\>,$started,; s,\<SYM\>,$tmp/sym,; s/\<ARGS\>/count 3/" \
		-e "s/\<ADDR\>/$handle/" \
		-e 's/^goroutine (17|N)\>/goroutine 1/' |
		sed -E '/^(next|break), /s/, /\n/g'
}

fail() { # WHAT: with the session in $tmp/out
	echo "FAIL: $1"
	tail -n 5 "$tmp/out"
	failed=1
}

# in_gdb GDB DOCUMENT: a script ends at its first error.
in_gdb() {
	local gdb=$1 document=$2 n=0 command
	{
		echo "source ${abs_top_builddir:?}/gdbinit/gounstrip.gdb"
		printf '%s\n' 'go load' 'break main.handle' 'run count 3' 'delete'
		while read -r command; do
			printf 'echo <%d %s\\n\n' $((++n)) "${command//\\/\\\\}"
			printf '%s\n' "$command"
		done < <(examples '(gdb) ' "$document" | fill)
		printf '%s\n' 'echo <all of them\n'
	} >"$tmp/script"
	timeout 100 "$gdb" -nx -q -batch -x "$tmp/script" "$tmp/server" \
		</dev/null >"$tmp/out" 2>&1 || true
	if grep -q '^<all of them' "$tmp/out"; then
		echo "${document##*/}: $n commands: ok in $gdb"
	else
		fail "${document##*/} in $gdb: $(grep '^<' "$tmp/out" | tail -n 1)"
	fi
}

in_shell() { # DOCUMENT
	local command
	while read -r command; do
		if (cd "$tmp" && eval "'$tool' $command" </dev/null >"$tmp/out" 2>&1); then
			echo "${1##*/}: gounstrip $command: ok"
		else
			fail "${1##*/}: gounstrip $command"
		fi
	done < <(examples '\(\$ \)*gounstrip ' "$1" | fill)
}

documents=0
for document in "${abs_top_srcdir:?}"/README.md "$abs_top_srcdir"/docs/*.md; do
	if grep -q '^    (gdb) ' "$document"; then
		documents=$((documents + 1))
		for gdb in "${all_gdbs[@]}"; do
			in_gdb "$gdb" "$document"
		done
	fi
	in_shell "$document"
done
[ "$documents" -ge 2 ] || fail 'the documents have no examples'
done_testing
