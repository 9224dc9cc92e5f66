#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# symbols --debuglink: a copy of the program that names its symbol file, which
# GDB, lldb, elfutils and valgrind then find, with and without a build id.
set -u

gounstrip=${abs_top_builddir:?}/tools/gounstrip
fixtures=${GOUNSTRIP_FIXTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests/fixtures}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
n=0 bad=0

result() { # STATUS NAME
	n=$((n + 1))
	[ "$1" = 0 ] || {
		printf 'not '
		bad=$((bad + 1))
		head -n 30 "$work/log" | sed 's/^/# /'
	}
	echo "ok $n - $2"
}

skip() { # NAME REASON
	n=$((n + 1))
	echo "ok $n # SKIP $1: $2"
}

have() {
	command -v "$1" >/dev/null 2>&1
}

link() { # FIXTURE
	"$gounstrip" symbols -o "$work/$1.debug" --debuglink="$work/$1" \
		"$fixtures/$1/strip" >"$work/log" 2>&1
}

# The copy's link, as objcopy would write it, and the rest as it was.
same_link() { # FIXTURE
	readelf -W --string-dump=.gnu_debuglink "$work/$1" >"$work/log" 2>&1
	grep -q "$1\.debug" "$work/log" || return 1
	case $1 in *mips*) return 0 ;; esac # not this machine's byte order
	objcopy --dump-section .gnu_debuglink="$work/ours" "$work/$1" \
		"$work/scratch" 2>"$work/log" || return 1
	objcopy --add-gnu-debuglink="$work/$1.debug" \
		"$abs_top_builddir/tests/symfile/mksym" "$work/any" \
		2>"$work/log" || return 1
	objcopy --dump-section .gnu_debuglink="$work/theirs" "$work/any" \
		"$work/scratch" 2>"$work/log" || return 1
	cmp "$work/ours" "$work/theirs" >"$work/log" 2>&1
}

# All bytes after the header are there, and the program headers are the same.
same_program() { # FIXTURE
	size=$(stat -c %s "$fixtures/$1/strip")
	head -c "$size" "$work/$1" | tail -c +65 >"$work/a"
	tail -c +65 "$fixtures/$1/strip" >"$work/b"
	cmp "$work/a" "$work/b" >"$work/log" 2>&1 || return 1
	readelf -lW "$work/$1" | grep -E '^  [A-Z]+ .* 0x' >"$work/a"
	readelf -lW "$fixtures/$1/strip" | grep -E '^  [A-Z]+ .* 0x' >"$work/b"
	diff "$work/a" "$work/b" >"$work/log"
}

for name in go1.16-amd64-static go1.27-amd64-static go1.27-amd64-cgo-pie \
	go1.27-amd64-noshdr-static go1.18-386-static go1.18-mips-static; do
	[ -e "$fixtures/$name/strip" ] || continue
	link "$name"
	result $? "$name: copied"
	same_program "$name"
	result $? "$name: the program is the same"
	same_link "$name"
	result $? "$name: the link is objcopy's"
	readelf -aW "$work/$name" 2>&1 >/dev/null | grep . >"$work/log"
	[ ! -s "$work/log" ]
	result $? "$name: readelf has nothing to say"
done
[ $n -gt 0 ] || {
	echo "1..0 # SKIP no fixtures in $fixtures: run tests/fixtures/build"
	exit 77
}

name=go1.16-amd64-static # has no build id
cp "$fixtures/$name/strip" "$work/program"
"$gounstrip" symbols -o "$work/x.debug" --debuglink="$work/program" \
	"$work/program" >"$work/log" 2>&1
[ $? = 1 ] && cmp "$work/program" "$fixtures/$name/strip" &&
	grep -q 'left as it is' "$work/log"
result $? 'the program itself is never written'
"$gounstrip" symbols -o "$work/x.debug" --debuglink="$work/y" \
	"$work/$name" >"$work/log" 2>&1
[ $? = 1 ] && grep -q 'names a debug file already' "$work/log"
result $? 'a second link is refused'

[ "$(uname -m)" = x86_64 ] && "$work/$name" count 1 >"$work/log" 2>&1 &&
	grep -q '^checksum' "$work/log"
result $? 'the copy runs'
if have gdb; then
	gdb -nx -batch -ex 'info line main.handle' "$work/$name" \
		>"$work/log" 2>&1
	grep -q 'server.go" starts at address' "$work/log"
	result $? 'GDB finds the symbol file'
else
	skip GDB 'not here'
fi
if have lldb; then
	lldb -b -o 'image list' -o 'image lookup -n main.handle' \
		"$work/$name" >"$work/log" 2>&1
	grep -q "$name\.debug" "$work/log" &&
		grep -q 'Summary: .*main\.handle' "$work/log"
	result $? 'lldb finds it'
else
	skip lldb 'not here'
fi
entry=$(nm "$work/$name.debug" | sed -n 's/ [tT] main\.handle$//p')
if have eu-addr2line; then
	eu-addr2line -f -e "$work/$name" "0x$entry" >"$work/log" 2>&1
	grep -q '^main\.handle' "$work/log" && grep -q 'server\.go:' "$work/log"
	result $? 'eu-addr2line finds it'
else
	skip eu-addr2line 'not here'
fi
name=go1.27-amd64-static
if have valgrind && [ -e "$work/$name" ]; then
	# a program that crashes, since valgrind then shows its stacks
	valgrind -q --tool=memcheck "$work/$name" crash >"$work/log" 2>&1
	place='(at|by) 0x[0-9A-F]+: (main|runtime)\.[a-zA-Z0-9]+ \([a-z0-9_]+\.go:[0-9]+\)'
	grep -Eq "$place" "$work/log"
	result $? 'valgrind names functions, files and lines'
else
	skip valgrind 'not here'
fi
echo "1..$n"
[ $bad = 0 ]
