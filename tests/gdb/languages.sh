#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every command says the same whatever language is set, leaves it and other
# settings as they were, and is never what makes GDB warn that the language is
# not the frame's.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need static
export GOMAXPROCS=1 # goroutines have the same numbers in each run
languages=(auto ada c fortran go local modula-2 pascal rust)
cat >"$tmp/commands" <<'COMMANDS'
thread apply all bt 1
info goroutines
up
go bt 1
info goroutines -with wait force -limit 1 -t 2
go who-waits
go who-waits 16
go who-waits 8 + 8
go who-waits 16 2 3
go who-waits 1 2 3 4 5
go who-waits fd 5
go break main.handle goroutine 1
go break main.handle goroutine 4711
goroutine
goroutine 4711
goroutine nonsense
goroutine 2
goroutine
finish
goroutine 2 bt 2
goroutine all bt 1
goroutine all bt
goroutine all
goroutine off
goroutine off
goroutine 2
stepi
goroutine
frame
go status
go runtime
go runtime nothing
show pagination
show confirm
show backtrace past-main
delete
goroutine 2
go load
goroutine
up
goroutine 2
go unload
echo still there\n
go load
COMMANDS

# Each language begins at the same place, where the runtime's goroutines have
# all begun to wait.
for language in "${languages[@]}"; do
	cat <<-COMMANDS
		echo <start\n
		set language auto
		delete
		break main.weigh
		ignore \$bpnum 200
		run count 300
		set language $language
		echo <is\n
		show language
		echo <language $language\n
	COMMANDS
	cat "$tmp/commands"
	printf '%s\n' 'echo <was\n' 'show language'
done >"$tmp/script"
commands=()
while IFS= read -r line; do
	commands+=(-ex "$line")
done <"$tmp/script"

# What is different from one language, or run, to another without any reason
# to be ours.
# Other threads are where they are, or about to begin, and goroutine 2 is one of the runtime's.
plain() {
	mask | sed -E -e '/^Thread [0-9]+ .*:$/,+1d' \
		-e '/^Backtrace stopped: previous frame identical/d' -e 's/^(Breakpoint|Temporary breakpoint) [0-9]+/\1 N/' \
		-e 's/(oroutine 2) \[[^]]*\]/\1 [WAITS]/' \
		-e 's/, [0-9]+ (second|minute)s?//' -e 's/reply:[0-9]+/reply/' \
		-e 's/(Thread|thread|LWP) [0-9]+/\1 N/g'
}

part() { # NAME
	awk -v name="<$1" '/^</ { on = $0 == name; next } on' "$tmp/out"
}

for gdb in "${all_gdbs[@]}"; do
	version=$("$gdb" --version | sed -n '1s/.* //p')
	timeout 300 "$gdb" -nx -q -batch -ex 'set confirm off' \
		-ex "source ${abs_top_builddir:?}/gdbinit/gounstrip.gdb" \
		-ex 'go load' "${commands[@]}" "$program" </dev/null \
		>"$tmp/out" 2>&1 || true
	part "language auto" | plain >"$tmp/auto"
	before=$failed failed=0
	if ! grep -q '^[*] 1 \[running\]' "$tmp/auto" ||
		! grep -q '^Breakpoint N at' "$tmp/auto" ||
		! grep -q '^still there' "$tmp/auto" ||
		! grep -q '^nobody waits there' "$tmp/auto" ||
		! grep -q '^\[Goroutine 2 .* is selected' "$tmp/auto"; then
		echo "FAIL: the commands did not work"
		cat "$tmp/auto"
		failed=1
	fi
	# once for each language that is set, when it is
	for language in "${languages[@]}"; do
		part "language $language" >"$tmp/raw"
		if grep 'language does not match' "$tmp/raw"; then
			echo "FAIL: GDB warns: $language"
			failed=1
		fi
		plain <"$tmp/raw" | diff "$tmp/auto" - >"$tmp/diff" || {
			echo "FAIL: $language is not as auto"
			head -n 20 "$tmp/diff"
			failed=1
		}
	done
	awk '/^<is/ { getline is } /^<was/ { getline was
		n++
		sub(/; currently.*/, "", is); sub(/; currently.*/, "", was)
		if (is != was) { print "FAIL: " is " became " was; bad = 1 } }
		END { exit bad || n != '${#languages[@]}' }' "$tmp/out" ||
		failed=1
	[ $failed = 1 ] || echo "ok in GDB $version"
	failed=$((failed | before))
done
done_testing
