#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the user has set stays: after success and after a failure, with hooks,
# odd file names and any shell.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need static
cat >"$tmp/set" <<COMMANDS
set language pascal
set confirm on
set pagination on
set width 77
set height 33
set trust-readonly-sections on
set debug-file-directory /nowhere
set print symbol-loading full
define hook-source
echo hook-source\n
end
define hook-echo
end
define hookpost-symbol-file
echo hookpost-symbol-file\n
end
COMMANDS
cat >"$tmp/show" <<COMMANDS
show language
show confirm
show pagination
show width
show height
show trust-readonly-sections
show debug-file-directory
show print symbol-loading
COMMANDS

transcript settings "$program" <<COMMANDS
source $tmp/set
go load
source $tmp/show
go unload
source $tmp/show
COMMANDS

transcript settings-failure /bin/true <<COMMANDS
source $tmp/set
go load
source $tmp/show
COMMANDS

# Words that no command has, and a tool that does not come to its end: each is
# said, and is an error.
transcript settings-words "$program" <<COMMANDS
go load -jit -symbols
go load -what
go unload x
go status x
goroutine off x
go who-waits
go who-waits 1 2 3 4 5
go who-waits fd
go who-waits fd 1 2
go status
COMMANDS

# (a GDB without Python dies of SIGPIPE if it is not read from)
printf '#!/bin/sh\ncat >/dev/null\nkill -KILL $$\n' >"$tmp/killed"
chmod +x "$tmp/killed"
GOUNSTRIP=$tmp/killed transcript settings-killed "$program" <<COMMANDS
go load
info goroutines
goroutine 1
echo GDB goes on\n
COMMANDS

odd="$tmp/a b'c\"d\\e\$arg0%s#f|g ä -- h"
mkdir "$odd"
cp "$program" "$odd/prog ram"
odd_cache=$XDG_CACHE_HOME
export XDG_CACHE_HOME=$odd/cache SHELL=/bin/false
transcript settings-odd "$odd/prog ram" <<COMMANDS
set startup-with-shell off
go load
break main.weigh
run count 3
bt 2
go load
go status
go unload
bt 1
COMMANDS
XDG_CACHE_HOME=$odd_cache

cp "$program" "$tmp/new
line"
transcript settings-newline "$tmp/new
line" <<COMMANDS
go load
COMMANDS
done_testing
