#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Cores: one after the other, loaded before and after; one of another program.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need pie
moved=$program
need static
dump "$tmp/first" "$moved" crash
dump "$tmp/second" "$moved" crash
dump "$tmp/panicked" "$program" panic

transcript core "$program" "$tmp/panicked" <<COMMANDS
go load
bt
frame function main.fail
go load
frame
COMMANDS

transcript core-after-core "$moved" <<COMMANDS
core-file $tmp/first
go load
frame function main.explode
core-file $tmp/second
frame function main.explode
x/i \$pc
go load
frame function main.explode
COMMANDS

transcript core-later "$moved" <<COMMANDS
go load
core-file $tmp/second
frame function main.explode
x/i \$pc
COMMANDS

# GDB shows a core of another program, with a warning or without; we do not.
transcript core-foreign "$program" "$tmp/first" <<COMMANDS
go load
go status
echo GDB goes on\n
COMMANDS

# The file that the core names is no longer there, as with one of a container.
mv "$moved" "$tmp/elsewhere"
transcript core-moved "$tmp/elsewhere" <<COMMANDS
go load
core-file $tmp/first
frame function main.explode
x/i \$pc
core-file $tmp/second
frame function main.explode
x/i \$pc
COMMANDS
done_testing
