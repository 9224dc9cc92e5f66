#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Running processes, one after the other, that lie at different addresses.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need pie
start "$program" serve
first=$started
start "$program" serve
second=$started

transcript attach "$program" <<COMMANDS
attach $first
go load
break main.weigh
continue
bt
finish
detach
attach $second
continue
bt
delete
detach
COMMANDS

transcript attach-only -p "$first" <<COMMANDS
go load
tbreak main.handle
continue
bt
COMMANDS
done_testing
