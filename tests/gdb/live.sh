#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A program that GDB starts: names, lines and steps, loaded before "run" and
# twice; a stop where there are no sources.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need static
transcript live "$program" <<COMMANDS
go load
info line main.handle
show language
break main.weigh
run count 3
bt
up
go load
frame
finish
until
tbreak $(line handle-sum)
continue
bt 3
next
tbreak $(line price-of)
continue
bt 5
tbreak $(line handle-weigh)
continue
step
bt 2
delete 1
finish
tbreak $(line handle-weigh)
continue
next
info symbol \$pc
go status
COMMANDS

# Every source file is somewhere else.
transcript live-nosource "$program" <<COMMANDS
set substitute-path / /nowhere/
go load
break main.weigh
run count 3
bt
next
list
COMMANDS
done_testing
