#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Programs that have debug information, in themselves or in a separate file that
# GDB finds: "go load" says so, uses that, and adds frames and goroutines;
# "go load -symbols" puts a symbol file in its place.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need static
twin=$(dirname "$(fixture static)")/full
[ -e "$twin" ] || skip "the static program has no twin with debug information"
for tool in objcopy strip readelf; do
	command -v $tool >/dev/null || skip "there is no $tool"
done
mkdir "$tmp/twin" "$tmp/symtab" "$tmp/id" "$tmp/link"
cp "$twin" "$tmp/twin/fixture"
strip --strip-debug -o "$tmp/symtab/fixture" "$twin"
strip --strip-all -o "$tmp/id/fixture" "$twin"

id=$(readelf -n "$twin" 2>/dev/null | sed -n 's/^ *Build ID: //p')
[ -n "$id" ] || skip "the static program has no build id"
mkdir -p "$tmp/debug/.build-id/${id:0:2}"
objcopy --only-keep-debug "$twin" "$tmp/debug/.build-id/${id:0:2}/${id:2}.debug"

# without a build id: found by name and checksum
objcopy --remove-section .note.gnu.build-id "$twin" "$tmp/link/twin"
objcopy --only-keep-debug "$tmp/link/twin" "$tmp/link/fixture.debug"
(cd "$tmp/link" && strip --strip-all -o fixture twin &&
	objcopy --add-gnu-debuglink fixture.debug fixture)
dump "$tmp/core" "$tmp/id/fixture" crash

# GDB would load Go's Python scripts, those that have a Python
plain=(-iex 'set auto-load off')

transcript own-twin "$tmp/twin/fixture" "${plain[@]}" <<COMMANDS
go load
go status
break main.weigh
run count 3
bt 2
info locals
kill
go load -symbols
go status
info line main.handle
go load
go status
go load -symbols
go unload
go status
info line main.handle
COMMANDS

transcript own-symtab "$tmp/symtab/fixture" "${plain[@]}" <<COMMANDS
break main.weigh
go load
run count 3
bt 2
go status
kill
COMMANDS

transcript own-build-id "${plain[@]}" <<COMMANDS
set debug-file-directory $tmp/debug
file $tmp/id/fixture
go load
go status
break main.weigh
run count 3
bt 2
kill
go load -symbols
go status
go unload
info line main.handle
core-file $tmp/core
go load
frame function main.explode
go status
COMMANDS

transcript own-debuglink "$tmp/link/fixture" "${plain[@]}" <<COMMANDS
go load
go status
break main.weigh
run count 3
bt 2
kill
COMMANDS

if command -v gdbserver >/dev/null; then
	transcript own-remote "${plain[@]}" <<COMMANDS
set sysroot /
set debug-file-directory $tmp/debug
file $tmp/id/fixture
target remote | gdbserver - $tmp/id/fixture count 3 2>/dev/null
go load
break main.weigh
continue
bt 2
go status
kill
COMMANDS
fi

# Variables that are on the stack.
for gdb in "${all_gdbs[@]}"; do
	timeout 60 "$gdb" -nx -q -batch "${plain[@]}" \
		-ex "source $abs_top_builddir/gdbinit/gounstrip.gdb" \
		-ex 'break main.weigh' -ex 'run count 3' -ex 'go load' \
		-ex 'bt -full 4' -ex kill "$tmp/twin/fixture" </dev/null \
		>"$tmp/out" 2>&1 || true
	if grep -A 2 '^#2 .* main[.]count (n=3, ' "$tmp/out" |
		grep -q '^  *i = 0$' &&
		! grep 'error reading variable' "$tmp/out"; then
		echo "variables: ok in $gdb"
	else
		echo "variables: FAIL in $gdb"
		tail -n 12 "$tmp/out"
		failed=1
	fi
done
done_testing
