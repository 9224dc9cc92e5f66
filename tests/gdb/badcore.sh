#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Cores without memory, cut short, and with a list of goroutines that is absurd,
# or leads in circles: "info goroutines", "go bt", "goroutine N" and "bt" in every
# GDB say what is missing and show the rest as it is in the whole core; GDB ends
# by itself.  (Damage of all kinds, in 400 ways: tests/stacks/damage.c.)
# shellcheck disable=SC2015,SC2016,SC2317 # bad never fails; GDB's variables; called by name
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"
command -v readelf >/dev/null || skip "no readelf"

need static
dump "$tmp/whole" "$program" panic
filtered() { # MASK COMMAND...
	(
		echo "$1" >/proc/self/coredump_filter
		shift
		exec "$@"
	)
}
dump "$tmp/headers" filtered 0x10 "$program" panic

# offset ADDR: its place in the file whole
offset() {
	local start address size
	while read -r _ start address _ size _; do
		(($1 >= address && $1 < address + size)) || continue
		echo $((start + $1 - address))
		return
	done < <(readelf -lW "$tmp/whole" | grep '^ *LOAD')
	return 1
}

# word ADDR: of whole
word() {
	od -An -v -t u8 -j "$(offset "$1")" -N 8 "$tmp/whole" | tr -d ' '
}

# poke FILE ADDR WORD: little-endian
poke() {
	local hex bytes='' i
	printf -v hex %016x $(($3))
	for i in 14 12 10 8 6 4 2 0; do
		bytes+="\\x${hex:i:2}"
	done
	# shellcheck disable=SC2059 # escapes
	printf "$bytes" | dd of="$tmp/$1" bs=1 seek="$(offset "$2")" \
		conv=notrunc status=none
}

# ask GDB CORE: what it says, by part; an end by a signal is told at the end
ask() {
	local status=0
	timeout 60 "$1" -nx -q -batch \
		-ex "source ${abs_top_builddir:?}/gdbinit/gounstrip.gdb" \
		"$program" "$2" -ex 'go load' -ex 'echo <list\n' \
		-ex 'info goroutines -all' -ex 'echo <stacks\n' \
		-ex 'go bt -all' -ex 'echo <one\n' -ex 'goroutine 2' \
		-ex 'echo <bt\n' -ex bt -ex 'echo <end\n' \
		</dev/null >"$tmp/out" 2>&1 || status=$?
	echo "status $status" >>"$tmp/out"
}

# part NAME FILE
part() {
	awk -v name="<$1" '/^</ { on = $0 == name; next } on' "$2"
}

# The list and the stacks of one goroutine, whatever thread GDB calls it.
list_of() {
	part list "$2" | grep "^[* ] $1 \["
}
stack_of() {
	part stacks "$2" | awk -v n="$1" '
		/^goroutine / { on = $2 == n } /^$/ || /^[.][.][.]/ { on = 0 } on'
}

# fails WHAT: shows what GDB said
fails() {
	echo "$name: FAIL in GDB $version: $*"
	head -c 3000 "$tmp/out"
	failed=1
}

# same ID...: those are as in the whole core, and no others are there
same() {
	local id ids
	for id; do
		[ -n "$(list_of "$id" "$tmp/out.whole")" ] &&
			[ "$(list_of "$id" "$tmp/out.whole")" = \
				"$(list_of "$id" "$tmp/out")" ] &&
			[ "$(stack_of "$id" "$tmp/out.whole")" = \
				"$(stack_of "$id" "$tmp/out")" ] ||
			fails "goroutine $id differs"
	done
	ids=$(part list "$tmp/out" | sed -n 's/^[* ] \([0-9]*\) \[.*/\1/p')
	ids=${ids//$'\n'/ }
	[ "$ids" = "$*" ] || fails "listed are $ids, not $*"
}

# says PART TEXT
says() {
	part "$1" "$tmp/out" | grep -q -e "$2" || fails "$1 does not say: $2"
}

# nothing TEXT: nothing is listed, and each command says why
nothing() {
	says list "^gounstrip: .*$1"
	says stacks "^gounstrip: .*$1"
	says one "^gounstrip: .*$1"
	same
}

# check NAME CORE: GDB says something and ends well
check() {
	name=$1
	ask "$gdb" "$tmp/$2"
	grep -q '^<end' "$tmp/out" && grep -q '^status 0$' "$tmp/out" ||
		fails "GDB's end"
	says bt '^#0 .*runtime'
}

# Where the list is: GDB knows, after "go load".
timeout 60 "${all_gdbs[0]}" -nx -q -batch \
	-ex "source $abs_top_builddir/gdbinit/gounstrip.gdb" "$program" \
	"$tmp/whole" -ex 'go load' -ex "print &'runtime.allgs'" </dev/null \
	>"$tmp/out" 2>&1 || true
slice=$(sed -n 's/^\$1 = .* \(0x[0-9a-f]*\) .*/\1/p' "$tmp/out")
[ -n "$slice" ] || {
	echo "no runtime.allgs: FAIL"
	cat "$tmp/out"
	exit 1
}
array=$(word "$slice")
count=$(word $((slice + 8)))
second=$(word $((array + 8)))
[ "$count" = 5 ] || {
	echo "the program has $count goroutines, not 5: FAIL"
	exit 1
}

edit() { # FILE [ADDR WORD]...
	local file=$1
	shift
	cp "$tmp/whole" "$tmp/$file"
	while [ $# != 0 ]; do
		poke "$file" "$1" "$2"
		shift 2
	done
}
many=0x7ffffffff strangers=()
edit long $((slice + 8)) 0x7fffffffffffffff
edit large $((slice + 8)) $many $((slice + 16)) $many
edit nowhere "$slice" 0x10
edit circle $((array + 16)) "$second"
edit ring $((array + 16)) "$second" $((array + 24)) "$second"
edit rings "$array" "$second" $((array + 16)) "$second" \
	$((array + 24)) "$second" $((array + 32)) "$second"
edit hole $((slice + 8)) 0x7fffffffffffffff $((array + 8)) 0xdeadbeef000
for ((i = 0; i < 5; i++)); do # readable, and no goroutines
	strangers+=($((array + 8 * i)) $((array + 64 * i + 8)))
done
edit strangers "${strangers[@]}"
edit itself $((array + 16)) "$array"
edit lost $((array + 16)) 0xdeadbeef000
edit stack "$second" 0 $((second + 8)) 0
edit wild "$second" 0xffffffffffffff00 $((second + 8)) 0xfffffffffffffff8
# variables are in the file, and what they point at is not
head -c "$(offset "$array")" "$tmp/whole" >"$tmp/cut"
head -c $(($(offset "$slice") / 2)) "$tmp/whole" >"$tmp/short"

for gdb in "${all_gdbs[@]}"; do
	version=$("$gdb" --version | sed -n '1s/.* //p')
	before=$failed failed=0
	check whole whole
	cp "$tmp/out" "$tmp/out.whole"
	mapfile -t ids < <(part list "$tmp/out" |
		sed -n 's/^[* ] \([0-9]*\) \[.*/\1/p')
	[ ${#ids[@]} = 5 ] && [ "${ids[1]}" = 2 ] ||
		fails "goroutines ${ids[*]}"
	# GDB reads memory that a core knows of, and has not, as zeros
	check headers headers
	nothing 'runtime.allgs at .* is empty: .* coredump_filter'
	# of a length that is absurd it is known where the list ends
	check long long
	same "${ids[@]}"
	says list '^[.][.][.]runtime.allgs has a length of 92233720.* first 5 '
	check large large
	same "${ids[@]}"
	says list "^[.][.][.]runtime.allgs has a length of $((many)), .* first 5 "
	check hole hole
	same "${ids[0]}"
	says list '^[.][.][.]runtime.allgs has a length of 92233720.* first 1 '
	check nowhere nowhere
	nothing 'none of the 5 goroutines .* can be read'
	check strangers strangers
	nothing 'runtime.allgs .* lists no goroutines: of 5 looked at, '
	check cut cut
	nothing 'none of the 5 goroutines .* can be read'
	check short short
	nothing 'runtime.allgs: GDB cannot read'
	says bt '^Backtrace stopped: Cannot access memory'

	check circle circle
	same "${ids[0]}" "${ids[1]}" "${ids[3]}" "${ids[4]}"
	says list '^[.][.][.]1 goroutines are damaged'
	says one '^.Switching to goroutine 2 '
	says bt ' in runtime.gopark '
	check ring ring
	same "${ids[0]}" "${ids[1]}" "${ids[4]}"
	says list '^[.][.][.]2 goroutines are damaged'
	check rings rings
	same "${ids[1]}"
	says list '^[.][.][.]4 goroutines are damaged'
	# what is there instead looks like a g that was never used
	check itself itself
	same "${ids[0]}" "${ids[1]}" "${ids[3]}" "${ids[4]}"
	says bt ' in runtime.gopark '
	check lost lost
	same "${ids[0]}" "${ids[1]}" "${ids[3]}" "${ids[4]}"
	says list '^[.][.][.]1 goroutines cannot be read'
	says bt ' in runtime.gopark '
	check stack stack
	same "${ids[0]}" "${ids[2]}" "${ids[3]}" "${ids[4]}"
	says list '^[.][.][.]1 goroutines are damaged'
	says one 'there is no goroutine 2$'
	check wild wild
	says list '^  2 .*(its saved stack pointer lies outside of its stack)'
	says stacks '^[.][.][.]its saved stack pointer lies outside'
	says one ' goroutine 2: its saved stack pointer lies outside'
	sed -i '/^  2 \[/d' "$tmp/out"
	same "${ids[0]}" "${ids[2]}" "${ids[3]}" "${ids[4]}"
	[ $failed = 1 ] || echo "ok in GDB $version"
	failed=$((failed | before))
done
done_testing
