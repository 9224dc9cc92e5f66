#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# gdbserver: loaded before and after connecting, and run again there.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

command -v gdbserver >/dev/null || skip "there is no gdbserver"
need pie

# shellcheck disable=SC2317 # transcript calls it as $before_each
serve() { # GDBSERVERARG...
	: >"$tmp/server"
	gdbserver "$@" 2>"$tmp/server" >/dev/null &
	background+=("$!")
	for _ in {1..600}; do
		grep -q -i '^listening on port' "$tmp/server" && return
		sleep 0.05
	done
	skip "gdbserver does not listen: $(head -n 1 "$tmp/server")"
}

# "| gdbserver -" needs no port, and ends with GDB.
transcript remote-later "$program" <<COMMANDS
set sysroot /
go load
break main.weigh
target remote | gdbserver - $program count 3 2>/dev/null
continue
bt
kill
COMMANDS

transcript remote "$program" <<COMMANDS
target remote | gdbserver - $program count 3 2>/dev/null
go load
break main.weigh
continue
bt
go load
bt 2
go unload
bt 1
kill
COMMANDS

# Without a local copy of the program.
transcript remote-only <<COMMANDS
target remote | gdbserver - $program count 3 2>/dev/null
go load
break main.weigh
continue
bt
go load
bt 1
go status
go unload
kill
COMMANDS

# It cannot be had.
transcript remote-gone <<COMMANDS
target remote | gdbserver - $program count 3 2>/dev/null
shell mv $program $program.gone
go load
kill
shell mv $program.gone $program
COMMANDS

# The system chooses the port.
before_each=again
# shellcheck disable=SC2317
again() {
	serve --once --multi localhost:0
	sed -n 's/^Listening on port */target extended-remote localhost:/p' \
		"$tmp/server" >"$tmp/connect"
}
transcript remote-extended "$program" <<COMMANDS
set sysroot /
go load
break main.weigh
source $tmp/connect
set remote exec-file $program
run count 3
bt 2
run count 3
bt 2
kill
COMMANDS
done_testing
