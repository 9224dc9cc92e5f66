#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A library in Go, loaded by a program in C: both keep their symbols.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need c-shared
library=$program
host=$(dirname "$(fixture c-shared)")/host
[ -x "$host" ] || skip "no C host"

transcript shared --args "$host" "$library" count 3 <<COMMANDS
go load
break dlsym
run
go load
break main.weigh
continue
bt 7
info symbol _start
finish
go load
bt 2
go status
run
go load
delete 1
continue
bt 2
go unload
info symbol _start
info breakpoints
COMMANDS
done_testing
