#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A plain C program is the same beside the reader as without it; then, in the
# same GDB, a Go program, and C again; and two Go programs at once.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need static
need_c() {
	cat >"$tmp/plain.c" <<-'C'
	#include <stdlib.h>

	static int compare(const void *a, const void *b)
	{
		return *(const int *)a - *(const int *)b;
	}

	int main(void)
	{
		int numbers[] = {3, 1, 2};

		qsort(numbers, 3, sizeof numbers[0], compare);
		return numbers[0] - 1;
	}
	C
	(cd "$tmp" && ${CC:-cc} -g -o plain plain.c) || skip "no C compiler"
}
need_c

# plain GDB GDBARG...: what GDB shows of the C program.
plain() {
	"$1" -nx -q -batch "${@:2}" -ex 'echo BEGIN\n' -ex "file $tmp/plain" -ex 'break compare' \
		-ex run -ex 'bt -full' -ex 'info frame' -ex finish -ex continue \
		-ex 'bt -full' </dev/null 2>&1 |
		sed -e '0,/^BEGIN/d' -e '/^\[Inferior/d'
}
for gdb in "${all_gdbs[@]}"; do
	plain "$gdb" >"$tmp/without"
	plain "$gdb" -ex "source ${abs_top_builddir:?}/gdbinit/gounstrip.gdb" \
		-ex "file $program" -ex 'go load' >"$tmp/with"
	grep -q 'plain.c:' "$tmp/without" || skip "GDB cannot run a C program"
	diff -u "$tmp/without" "$tmp/with" || failed=1
done

transcript foreign-back "$program" <<COMMANDS
go load
file $tmp/plain
break compare
run
kill
delete
file $program
go load
break main.weigh
run count 3
bt 2
COMMANDS

# The session is of one inferior at a time.
need pie
transcript foreign-two "$(fixture static)" <<COMMANDS
go load
break main.weigh
run count 3
add-inferior
inferior 2
file $program
go load
info line main.handle
run count 3
bt 2
goroutine
inferior 1
bt 2
COMMANDS
done_testing
