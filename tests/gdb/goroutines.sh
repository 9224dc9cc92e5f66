#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# "go bt" and "info goroutines" of a process, a core and a remote process, in
# every GDB, against "gounstrip stacks" of the same: ids, states, frames.  Then
# all options, against a program that knows the answers (tests/stacks/query) and
# against the same words of "gounstrip stacks".
# shellcheck disable=SC2015,SC2028,SC2030,SC2031,SC2086,SC2116 # bad never fails; GDB expands; words
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need pie
start "$program" park 3
theirs() { # OPTION...: without what stacks says about what it hides
	"$GOUNSTRIP" stacks "$@" 2>/dev/null | grep -v '^[.][.][.]' | grep .
}

# compare NAME GDBARG...: with the file stacks
compare() {
	local name=$1 gdb
	shift
	# "6 chan receive", as "info goroutines" must have it
	sed -n 's/^goroutine \([0-9]*\) \[\(.*\)\]:$/\1 \2/p' "$tmp/stacks" \
		>"$tmp/states"
	for gdb in "${all_gdbs[@]}"; do
		timeout 60 "$gdb" -nx -q -batch \
			-ex "source ${abs_top_builddir:?}/gdbinit/gounstrip.gdb" \
			"$@" -ex 'go load' -ex 'echo <bt\n' -ex 'go bt' \
			-ex 'echo <list\n' -ex 'info goroutines' \
			-ex 'echo <none\n' -ex 'go bt 4711' \
			-ex 'echo <wrong\n' -ex 'info goroutines -what' \
			-ex 'echo <end\n' </dev/null >"$tmp/out" 2>&1 || true
		sed -n '/^<bt/,/^<list/p' "$tmp/out" |
			grep -v -e '^<' -e '^[.][.][.]' | grep . >"$tmp/bt" ||
			true
		sed -n 's/, [0-9]* seconds*//
			s/^[* ] \([0-9]*\) \[\([^]]*\)\].*/\1 \2/p' \
			"$tmp/out" >"$tmp/list"
		if [ -s "$tmp/states" ] &&
			diff "$tmp/stacks" "$tmp/bt" >"$tmp/diff" &&
			diff "$tmp/states" "$tmp/list" >"$tmp/diff" &&
			grep -q 'there is no goroutine 4711$' "$tmp/out" &&
			grep -q 'was not expected: there are' "$tmp/out"; then
			echo "$name: ok in $gdb"
		else
			echo "$name: FAIL in $gdb"
			head -n 20 "$tmp/diff" "$tmp/out"
			failed=1
		fi
	done
}

theirs -p "$started" >"$tmp/stacks"
compare process -p "$started"
if command -v gdbserver >/dev/null; then
	compare remote "$program" -ex 'set sysroot /' -ex \
		"target remote | gdbserver --attach - $started 2>/dev/null"
fi

dump "$tmp/core" "$program" panic
theirs --core "$tmp/core" -e "$program" >"$tmp/stacks"
compare core "$program" "$tmp/core"

# --- options ------------------------------------------------------------------

program=$(
	work=$tmp XDG_CACHE_HOME=${cache%/*}
	. "$abs_top_srcdir/scripts/lib.sh"
	. "$abs_top_srcdir/tests/stacks/lib.sh"
	build stacks/query 1.27.4 pie 2>"$tmp/build"
) || {
	echo "options: no program: $(tail -n 1 "$tmp/build")"
	done_testing
}
. "$abs_top_srcdir/tests/stacks/lib.sh"

# More words, of which "gounstrip stacks" has the answer.
same_words=(
	'-group stack' '-group curloc' '-group userloc' '-group go'
	'-group start' '-group state' '-group wait' '-group label job'
	"-group label 'a key' -with label job -t 2" '-group state -limit 2'
	'-all -group start' '-with system' '-without user -limit 3' '-t' '-t 3'
	'-t 70 -with func deep' '-t 20 -with func deep' '-limit 3'
	'-with age <1h -sort age -limit 3'
	'-with user -with user -with user -with user -with user -with user -sort id -sort loc -limit 1000'
)
wrong_words=(
	'-with NOSUCH' '-with' '-without wait' '-with age 5m' '-with chan x'
	'-with chan 0x10' "-with func '('" '-group NOSUCH' '-group label'
	'-sort NOSUCH' '-limit x' '-limit 0' '-t 0' 'NOSUCH' '-NOSUCH'
	"-with label it's" '>' '|' '> a b' '> /dev/null'
	"> $tmp/no/such/folder" '-with running > a | cat'
)

# What is told of the time changes while we look.
plain() {
	sed -E -e 's/(, (at least )?[0-9]+ (second|minute)s?)([],])/\4/'
}

# The part N of what GDB printed.
part() {
	awk -v n="$1" '/^<[a-z]+ [0-9]+$/ { on = $2 == n; next } on' "$tmp/gdb"
}

bad() {
	echo "$*"
	failed=1
}

# ask_gdb GDB GDBARG...: all words, one after the other, into the file gdb.
ask_gdb() {
	local gdb=$1 n=0 words
	shift
	for words in "${asked[@]}" "${same_words[@]}" "${wrong_words[@]}"; do
		echo "echo <words $n\\n"
		echo "info goroutines $words"
		n=$((n + 1))
	done >"$tmp/script"
	cat >>"$tmp/script" <<-END
		echo <more 1000\n
		goroutines -sort id >$tmp/list
		goroutines -sort id > '$tmp/a list'
		goroutines -sort id | grep -c chan | sed 's/^/\$argc \$arg0 /'; echo %d "a  b"
		goroutines -with wait chan -limit 2 | cat
		go bt -with wait sleep
		go bt all -with func deep -limit 1 -t 1
		go bt 1 > $tmp/bt1
		go bt 1 -with syscall
		with language pascal -- goroutines -with syscall
		goroutines -sort id
		macro list
		echo <more 1001\n
	END
	# without -batch an error ends a script, but not in -ex
	local commands=() line
	while IFS= read -r line; do
		commands+=(-ex "$line")
	done <"$tmp/script"
	timeout 120 "$gdb" -nx -q -batch \
		-ex "source $abs_top_builddir/gdbinit/gounstrip.gdb" "$@" \
		-ex 'go load' "${commands[@]}" </dev/null >"$tmp/gdb" 2>&1 ||
		true
}

# check_options NAME GDB STACKSOPTION...: what the file gdb has.
check_options() {
	local name=$1 n=0 i want words ids
	shift
	for i in "${!asked[@]}"; do
		ids=$(part "$n" | sed -n 's/^[* ] \([0-9]*\) \[.*/\1/p')
		case ${asked[i]} in
		*-sort*) ;;
		*) ids=$(sort -n <<<"$ids") ;;
		esac
		want=$(tr ' ' '\n' <<<"${told[i]}")
		[ "$ids" = "$want" ] ||
			bad "$name: FAIL: ${asked[i]}: $(echo $ids)" \
				"instead of ${told[i]}"
		n=$((n + 1))
	done
	for i in "${!same_words[@]}"; do
		split "${same_words[i]}"
		"$GOUNSTRIP" stacks "$@" --list "${words[@]}" 2>/dev/null |
			plain >"$tmp/theirs"
		part "$n" | plain >"$tmp/ours"
		[ -s "$tmp/theirs" ] && diff "$tmp/theirs" "$tmp/ours" \
			>"$tmp/diff" || bad "$name: FAIL: ${same_words[i]}" \
			"$(head -n 5 "$tmp/diff")"
		n=$((n + 1))
	done
	for i in "${!wrong_words[@]}"; do
		# one line of ours, and GDB's own error
		[ "$(part "$n" | grep -c '^gounstrip: ')" = 1 ] &&
			part "$n" | grep -q 'No symbol file found' &&
			[ "$(part "$n" | grep -c '^[* ] [0-9]')" = 0 ] ||
			bad "$name: FAIL: wrong words: ${wrong_words[i]}" \
				"$(part "$n")"
		n=$((n + 1))
	done
	# to files and to a command
	"$GOUNSTRIP" stacks "$@" --list -sort id 2>/dev/null | plain \
		>"$tmp/theirs"
	for i in "$tmp/list" "$tmp/a list"; do
		plain <"$i" | cmp -s - "$tmp/theirs" ||
			bad "$name: FAIL: the file $i"
		rm -f "$i"
	done
	part 1000 >"$tmp/more"
	[ "$(sed -n 1,2p "$tmp/more")" = "\$argc \$arg0 $(grep -c chan \
		"$tmp/theirs")"$'\n%d a  b' ] ||
		bad "$name: FAIL: a command: $(head -n 2 "$tmp/more")"
	{
		"$GOUNSTRIP" stacks "$@" --list -with wait chan -limit 2
		"$GOUNSTRIP" stacks "$@" -with wait sleep
		"$GOUNSTRIP" stacks "$@" -with func deep -limit 1 -t 1
		echo "gounstrip: there is no goroutine 1 of that kind"
		"$GOUNSTRIP" stacks "$@" --list -with syscall
		cat "$tmp/theirs"
	} 2>/dev/null | plain >"$tmp/want"
	sed -e 1,2d -e '/^No symbol file found/d' \
		-e '/Error in sourced command file/d' "$tmp/more" | plain |
		diff "$tmp/want" - >"$tmp/diff" ||
		bad "$name: FAIL: more words: $(head -n 10 "$tmp/diff")"
	"$GOUNSTRIP" stacks "$@" -g 1 2>/dev/null | cmp -s - "$tmp/bt1" ||
		bad "$name: FAIL: go bt 1 into a file"
	rm -f "$tmp/bt1"
}

# learn FILE: the arrays asked and told, of what the program printed.
learn() {
	mapfile -t asked < <(sed -n 's/^ask //p' "$1")
	mapfile -t told < <(sed -n 's/^> \{0,1\}//p' "$1")
	[ ${#asked[@]} -gt 40 ] && [ ${#asked[@]} = ${#told[@]} ] ||
		bad "options: FAIL: ${#asked[@]} questions"
}

for gdb in "${all_gdbs[@]}"; do
	version=$("$gdb" --version | sed -n '1s/.* //p')
	: >"$tmp/told" # or "ready" is the last one's
	"$program" >>"$tmp/told" 2>&1 &
	started=$!
	background+=("$started")
	for _ in {1..600}; do
		grep -q '^ready' "$tmp/told" && break
		sleep 0.05
	done
	learn "$tmp/told"
	kill -STOP "$started" # nor may the scavenger wake up between two looks
	before=$failed failed=0
	ask_gdb "$gdb" -p "$started"
	kill -STOP "$started"
	check_options "options, GDB $version" -p "$started"
	[ $failed = 1 ] || echo "options: ok in GDB $version"
	failed=$((failed | before))
	kill -KILL "$started"
done

mkdir "$tmp/dump"
(cd "$tmp/dump" && ulimit -c unlimited && { "$program" core >"$tmp/told" ||
	true; }) 2>/dev/null
core=$(find "$tmp/dump" -type f)
if [ -n "$core" ]; then
	learn "$tmp/told"
	gdb=${all_gdbs[0]}
	before=$failed failed=0
	ask_gdb "$gdb" "$program" "$core"
	check_options "options of a core" --core "$core" -e "$program"
	[ $failed = 1 ] || echo "options of a core: ok in $gdb"
	failed=$((failed | before))
else
	echo "options of a core: the kernel leaves none"
fi
done_testing
