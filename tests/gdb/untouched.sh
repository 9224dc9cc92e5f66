#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# After many random list, switch, bt, step and continue commands a program runs
# on and prints what it would have: its work, and the sums of its text and data.
# Whatever is looked at, all threads' registers stay as they were; and after the
# program has run no goroutine is selected, and frame 1 is the thread's caller.
#
#   GU_COMMANDS   how many (default: 60)
#   GU_SEED       other ones (default: 1)
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

program=$(
	work=$tmp XDG_CACHE_HOME=${cache%/*}
	. "$abs_top_srcdir/scripts/lib.sh"
	. "$abs_top_srcdir/tests/stacks/lib.sh"
	build gdb/untouched 1.27.4 static 2>"$tmp/build"
) || skip "no program: $(tail -n 1 "$tmp/build")"
"$program" >"$tmp/alone"

# All registers of all threads, as one line of digits.
registers='pipe thread apply all -q info registers | cksum'

# commands N SEED: of each that resumes, what GDB must show afterwards; the
# rest between two looks at the registers.
commands() {
	awk -v n="$1" -v seed="$2" -v registers="$registers" '
	function pick(list,  a, k) { k = split(list, a, "|"); return a[int(rand() * k) + 1] }
	BEGIN {
		srand(seed)
		print "set height 0\nset width 0\nset confirm off"
		print "go load\nbreak main.round\nrun"
		while (n > 0) {
			looks = int(rand() * 8)
			print "echo <look\\n\n" registers
			for (i = 0; i < looks && n > 0; i++) {
				n--
				id = int(rand() * 62) + 1
				what = pick("list|bt|up|down|goroutine|N|N|N|N|N bt|N p|off|frame|info|go|threads")
				if (what == "list") print "info goroutines -limit 3"
				else if (what == "N") print "goroutine " id
				else if (what == "N bt") print "goroutine " id " bt 2"
				else if (what == "N p") print "goroutine " id " print 1"
				else if (what == "off") print "goroutine off"
				else if (what == "info") print "info frame"
				else if (what == "go") print "go bt " id
				else if (what == "threads") print "info threads"
				else print what
			}
			print "goroutine off"
			print "echo <same\\n\n" registers
			if (rand() < .7) print "goroutine " int(rand() * 62) + 1
			n--
			what = pick("continue|continue|next|step|stepi")
			if (what == "continue") {
				# back on the thread that works
				print "continue\necho <frame\\n\nbt 2\necho <end\\n"
			} else
				print what
			print "echo <which\\n\ngoroutine\necho <end\\n"
		}
		print "delete\ncontinue"
	}'
}

for gdb in "${all_gdbs[@]}"; do
	commands "${GU_COMMANDS:-60}" "${GU_SEED:-1}" >"$tmp/script"
	sed 's/^/-ex\n/;' "$tmp/script" >"$tmp/args"
	mapfile -t args < <(while IFS= read -r line; do
		printf '%s\n' -ex "$line"
	done <"$tmp/script")
	timeout 3000 "$gdb" -nx -q -batch \
		-ex "source ${abs_top_builddir:?}/gdbinit/gounstrip.gdb" \
		"${args[@]}" "$program" </dev/null >"$tmp/out" 2>&1 || true
	if awk '
		/^<look/ { getline before; looks++ }
		/^<same/ { getline after; if (before != after) {
			print "registers differ: " before " " after; bad++ } }
		/^<which/ { getline line; if (line ~ /is selected/) {
			print "still selected: " line; bad++ } }
		/^<frame/ { getline line; getline line; rounds++
			if (line !~ /^#1 .* in main[.]main / && line !~ /^[(]More/) {
			print "frame 1: " line; bad++ } }
		/internal-error|core dumped/ { print; bad++ }
		END { print looks " looks, " rounds " rounds"; exit !(looks > 5 && rounds && !bad) }
		' "$tmp/out" >"$tmp/found" &&
		grep -qxF -f "$tmp/alone" "$tmp/out"; then
		echo "untouched: ok in $gdb: $(tail -n 1 "$tmp/found"), $(
			grep -c '^\[Switching to goroutine' "$tmp/out") switches"
	else
		echo "untouched: FAIL in $gdb"
		tail -n 20 "$tmp/found"
		tail -n 20 "$tmp/out"
		failed=1
	fi
done
done_testing
