#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Types and the runtime's variables: what GDB prints of a process and of a core
# of the stripped program, loaded, is what it prints of the same with Go's own
# DWARF of the unstripped twin.  In every GDB; static and PIE.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

# twin MODE: the unstripped one of the program that "fixture MODE" finds.
twin() {
	awk -F '\t' -v mode="$1" '$3 == "amd64" && $4 == mode { path = $6 }
		END { print path }' "$fixtures/index.tsv"
}

# The twin is not the file that the process runs: that GDB would take.
its_own=(-iex 'set exec-file-mismatch off')

# Addresses that only the twin knows: of main.parking, a *main.lot, and of the
# map in main.settings.
addresses() { # GDB FILE PID
	"$1" -nx -q -batch -iex 'set auto-load off' "${its_own[@]}" \
		-ex 'set language c' \
		-ex "print/x (long) &'main.parking'" \
		-ex "print/x (long) &'main.settings'->Limits" \
		"$2" -p "$3" 2>/dev/null | sed -n 's/^[$][0-9]* = //p'
}

commands() { # PARKING MAP
	cat <<-COMMANDS
	set width 0
	set print elements 20
	set language go
	print 'runtime.gomaxprocs'
	print 'runtime.allglen'
	print 'runtime.allgs'
	print 'runtime.allm'
	print 'runtime.allp'
	print 'runtime.buildVersion'
	whatis 'runtime.allgs'
	ptype 'runtime.allgs'
	whatis 'runtime.waitReasonStrings'
	print 'runtime.waitReasonStrings'[3]
	whatis 'runtime.m0'
	whatis 'runtime.firstmoduledata'
	ptype 'runtime.m0'.g0
	ptype 'map[string]int'
	ptype 'chan int'
	ptype 'main.lot'
	ptype 'main.Person'
	ptype 'runtime.buildVersion'
	ptype 'sync.WaitGroup'
	whatis 'main.Person'
	info symbol &'runtime.allgs'
	info symbol 'main.main'
	set language c
	print 'runtime.allgs'.len
	print *'runtime.allgs'.array[0]
	print 'runtime.allm'->g0->goid
	print 'runtime.m0'.id
	print 'runtime.m0'.g0 == &'runtime.g0'
	print 'runtime.firstmoduledata'.hasmain
	print 'runtime.buildVersion'.len
	print sizeof('runtime.g')
	print sizeof('main.lot')
	print sizeof('map[string]int')
	print sizeof('runtime.firstmoduledata')
	ptype/o struct 'main.lot'
	print **('main.lot' **)$1
	print *(*('main.lot' **)$1)->empty
	print (*('main.lot' **)$1)->empty->recvq.first->elem
	whatis (*('main.lot' **)$1)->empty->recvq.first->elem
	print **('map[string]int' *)$2
	whatis (*('map[string]int' *)$2)->dirPtr
	print *('noalg.map.group[string]int' *)(*('map[string]int' *)$2)->dirPtr
	set print object on
	print *'runtime.m0'.curg
	print/x 'runtime.m0'.gsignal->stack
	output 'runtime.gomaxprocs'
	COMMANDS
}

# session OUT GDB BEFORE FILE GDBARG...: the commands' output
session() {
	local out=$1 gdb=$2 before=$3
	shift 3
	"$gdb" -nx -q -iex 'set auto-load off' -iex 'set pagination off' \
		"${its_own[@]}" \
		-ex "source ${abs_top_builddir:?}/gdbinit/gounstrip.gdb" \
		-ex "$before" -ex 'echo <begin\n' "$@" <"$tmp/commands" \
		2>&1 | sed '1,/^<begin/d' |
		# files' names; frames in assembler, which Go's own has as Go
		sed -e 's/ of .*//' -e 's/runtime\[\([a-zA-Z]*\)\]/runtime.\1/g' \
			-e 's/Detaching from.*//' -e 's/(gdb) //g' \
			-e '/current language does not match this frame/d' \
			>"$out" || true
}

compare() { # NAME GDB FILE TWIN GDBARG...
	local name=$1 gdb=$2 file=$3 full=$4
	shift 4
	session "$tmp/ours" "$gdb" 'go load' "$file" "$@"
	session "$tmp/theirs" "$gdb" 'echo' "$full" "$@"
	if [ "$(wc -l <"$tmp/theirs")" -gt 150 ] &&
		! grep -q 'No symbol' "$tmp/theirs" &&
		diff "$tmp/ours" "$tmp/theirs" >"$tmp/diff"; then
		echo "$name: ok in $gdb"
	else
		echo "$name: FAIL in $gdb"
		grep "No symbol" "$tmp/theirs" || true
		[ ! -s "$tmp/diff" ] || head -n 20 "$tmp/diff"
		[ -z "${KEEP-}" ] || cp "$tmp/ours" "$tmp/theirs" "$tmp/commands" "$KEEP"
		failed=1
	fi
}

need static # at least
for mode in static pie; do
	have $mode || continue
	full=$(twin $mode)
	start "$program" park 3
	read -r -d '' parking map < <(addresses "${all_gdbs[0]}" "$full" \
		"$started"; printf '\0') || true
	commands "$parking" "$map" >"$tmp/commands"
	rm -f "$tmp/core"
	"${all_gdbs[0]}" -nx -q -batch -p "$started" \
		-ex "generate-core-file $tmp/core" >/dev/null 2>&1 || true
	for gdb in "${all_gdbs[@]}"; do
		compare "types, $mode" "$gdb" "$program" "$full" -p "$started"
		compare "types, $mode, core" "$gdb" "$program" "$full" \
			-core "$tmp/core"
	done
	kill -9 "$started"
done
done_testing
