#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# .gdb_index: the units, names and addresses that GDB's own `save gdb-index`
# writes for the same file, and what GDB 13 to 16 make of it: they
# take it, and say the same as without.
set -u

mksym=${abs_top_builddir:?}/tests/symfile/mksym
tests=${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests
fixtures=${GOUNSTRIP_FIXTURES:-$tests/fixtures}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
n=0 bad=0

for tool in gdb objcopy readelf; do
	command -v $tool >/dev/null || {
		echo "1..0 # SKIP no $tool"
		exit 77
	}
done

result() { # STATUS NAME
	n=$((n + 1))
	[ "$1" = 0 ] || {
		printf 'not '
		bad=$((bad + 1))
		head -n 20 "$work/log" | sed 's/^/# /'
	}
	echo "ok $n - $2"
}

gdb_batch() { # GDB ARGUMENT...
	"$@" -nx -batch -iex 'set auto-load off' -iex 'set width 0' 2>&1
}

# The index of file $1, with names by name and not by slot. Left out of the
# addresses: GDB says of each variable that its first byte is in its unit.
index_of() {
	readelf --debug-dump=gdb_index "$1" >"$work/dump" 2>&1 || return 1
	sed -n '/^CU table/,/^Address table/p' "$work/dump"
	sed '1,/^Address table/d; /^Symbol table/,$d' "$work/dump" | sort |
		awk '{
			last = substr($1, length($1))
			sub(/.$/, "", $1)
			same = $1 == substr($2, 1, length($2) - 1)
			at = index("0123456789abcde", last)
			more = substr("123456789abcdef", at, 1)
			if (!same || !at || more != substr($2, length($2)))
				print $1 last, $2, $3
		}'
	sed '1,/^Symbol table:/d; s/^\[ *[0-9]*\]//' "$work/dump" | sort
}

# FILE OUT: the same without its index, but for one byte (objcopy would move
# things about)
hide_index() {
	LC_ALL=C sed 's/\.gdb_index/.xdb_index/' "$1" >"$2"
}

same_as_gdb() { # FIXTURE OPTION
	# shellcheck disable=SC2086 # an option, or none
	"$mksym" -i $2 "$fixtures/$1/strip" "$work/ours" >/dev/null &&
		hide_index "$work/ours" "$work/without" &&
		gdb_batch gdb -ex "save gdb-index $work" "$work/without" \
			>"$work/log" &&
		objcopy --add-section \
			.gdb_index="$work/without.gdb-index" \
			"$work/without" "$work/theirs" 2>"$work/log" &&
		index_of "$work/ours" >"$work/a" &&
		index_of "$work/theirs" >"$work/b" &&
		[ "$(wc -l <"$work/a")" -gt 2000 ] &&
		diff "$work/a" "$work/b" >"$work/log"
}

while read -r name options; do
	[ -e "$fixtures/$name/strip" ] || continue
	for option in $options; do
		[ "$option" = 5 ] && option=
		same_as_gdb "$name" "$option"
		result $? "$name $option: as GDB's own"
	done
done <<'END'
go1.27-amd64-static 5 -4
go1.27-amd64-cgo-pie 5
go1.16-amd64-static 5
END
[ $n -gt 0 ] || {
	echo "1..0 # SKIP no fixtures in $fixtures: run tests/fixtures/build"
	exit 77
}

# What is asked in FILE by $gdb.
asked() {
	gdb_batch "$gdb" "$1" -ex 'info line main.handle' \
		-ex 'break main.handle' -ex 'break server.go:24' \
		-ex 'break runtime.add' -ex 'info scope main.main' \
		-ex 'set language go' -ex "ptype 'runtime.g'" \
		-ex 'info types ^main' -ex 'info functions ^main' -ex 'info variables runtime' \
		-ex "print &'runtime.allgs'" -ex 'info line *0x401000'
}

symbols=$work/symbols
"$mksym" -i "$fixtures/go1.27-amd64-static/strip" "$symbols" >/dev/null
hide_index "$symbols" "$work/without"
for gdb in gdb "$tests"/gdbs/bin/gdb-*; do
	command -v "$gdb" >/dev/null || continue
	name=$(basename "$gdb")
	major=$("$gdb" -nx -batch -ex "output \$_gdb_major")
	if [ "$major" -lt 13 ] || [ "$major" -gt 16 ]; then
		continue
	fi
	gdb_batch "$gdb" "$symbols" -ex 'maint print objfiles symbols' \
		>"$work/log"
	grep -q '\.gdb_index: version 8' "$work/log"
	result $? "$name takes the index"
	asked "$work/without" >"$work/a"
	asked "$symbols" >"$work/b"
	diff "$work/a" "$work/b" >"$work/log" &&
		[ "$(grep -c '^Breakpoint' "$work/b")" = 3 ] &&
		grep -q 'goid' "$work/b"
	result $? "$name says the same as without"
done
echo "1..$n"
[ $bad = 0 ]
