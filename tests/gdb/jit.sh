#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# "go load -jit": functions and lines given by the reader, without a symbol file;
# frames alone where GDB would crash on them.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need static
static=$program
need pie
pie=$program
dump "$tmp/core" "$pie" crash

older=() newer=() middle=() newest=()
for gdb in "${all_gdbs[@]}"; do
	major=$("$gdb" --version | sed -n '1s/.* \([0-9]*\)\..*/\1/p')
	[ "$major" -ge 16 ] || older+=("$gdb")
	[ "$major" -lt 16 ] || newer+=("$gdb")
	[ "$major" -ne 16 ] || middle+=("$gdb")
	[ "$major" -le 16 ] || newest+=("$gdb")
done

all_gdbs=("${newer[@]}")
# No file where the symbols would be.
transcript jit-live "$static" <<COMMANDS
go load -what
go load -jit -jit
go load -jit
shell ls $XDG_CACHE_HOME
go status
break $(line weigh-entry)
run count 3
bt
finish
break $(line handle-sum)
continue
bt 3
up
next
info line
go load -jit
bt 2
kill
go status
go unload
go status
go load -jit
run count 3
go load
bt 1
go status
go unload
bt 1
COMMANDS

transcript jit-pie "$pie" <<COMMANDS
go load -jit
go load
break main.handle
run count 3
go load -jit
break $(line weigh-entry)
continue
bt
kill
go status
run count 3
COMMANDS

transcript jit-core "$pie" "$tmp/core" <<COMMANDS
go load -jit
bt
go status
go unload
go load
bt 2
COMMANDS

if command -v gdbserver >/dev/null; then
	transcript jit-remote "$pie" <<COMMANDS
set sysroot /
target remote | gdbserver - $pie count 3 2>/dev/null
go load
tbreak main.handle
continue
go load -jit
break $(line weigh-entry)
continue
bt
kill
COMMANDS
fi

# Its C code needs the program's sections; then GDB 18 shows no lines.
cgo() {
	transcript "$1" "$program" <<-COMMANDS
	go load
	tbreak main.handle
	run count 3
	go load -jit
	break $(line weigh-entry)
	continue
	bt 3
	kill
	COMMANDS
}
if have cgo-pie; then
	all_gdbs=("${middle[@]}")
	cgo jit-cgo
	all_gdbs=("${newest[@]}")
	cgo jit-cgo-newest
fi

all_gdbs=("${older[@]}")
transcript jit-old "$static" <<COMMANDS
go load -jit
go status
starti count 3
go load -jit
info symbol main.weigh
go load
break main.weigh
continue
bt 2
kill
COMMANDS

transcript jit-old-core "$pie" "$tmp/core" <<COMMANDS
go load
go load -jit
bt 3
go status
COMMANDS
done_testing
