#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A program packed by UPX: its tables are in memory only, of the process and of
# its core.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

upx=$cache/gdbs/bin/upx
[ -x "$upx" ] || skip "there is no UPX; scripts/gdbs gets it"
need static # at least
for mode in static cgo-pie; do
	have $mode || continue
	"$upx" -q "$program" >"$tmp/upx.log" 2>&1 || {
		cat "$tmp/upx.log"
		skip "UPX cannot pack the $mode program"
	}
	echo "packed: a $mode program"
	start "$program" serve
	transcript packed -p "$started" <<-COMMANDS
	bt 1
	go load
	break main.weigh
	continue
	bt 4
	delete
	generate-core-file $tmp/core
	go unload
	detach
	COMMANDS
	transcript packed-core "$program" "$tmp/core" <<-COMMANDS
	go load
	bt 4
	COMMANDS
done
done_testing
