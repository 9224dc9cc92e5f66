#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# `symbols --install DIR`: the file is found by build id, from a folder and from
# a stock debuginfod, by debuginfod-find, GDB, lldb and eu-stack.
set -u

gounstrip=${abs_top_builddir:?}/tools/gounstrip
fixtures=${GOUNSTRIP_FIXTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests/fixtures}
program=$fixtures/go1.27-amd64-static/strip
work=$(mktemp -d) || exit 99
server=''
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
n=0 bad=0

result() { # STATUS NAME
	n=$((n + 1))
	[ "$1" = 0 ] || {
		printf 'not '
		bad=$((bad + 1))
		sed 's/^/# /' "$work/log"
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

[ -e "$program" ] || {
	echo "1..0 # SKIP no fixture go1.27-amd64-static: run tests/fixtures/build"
	exit 77
}
dir=$work/debug
installed=$("$gounstrip" symbols --install "$dir" "$program" 2>"$work/log")
[ -s "$installed" ]
result $? "installed as ${installed#"$work/"}"
id=$(echo "${installed#"$dir"/.build-id/}" | sed 's/\.debug$//; s,/,,')

"$gounstrip" symbols --install "$dir" "$fixtures/go1.18-amd64-static/strip" \
	>"$work/log" 2>&1
[ $? = 1 ] && grep -q 'no GNU build id' "$work/log"
result $? 'a program without a build id is refused with the reason'

if have gdb; then
	gdb -nx -batch -iex "set debug-file-directory $dir" \
		-ex 'info line main.handle' "$program" >"$work/log" 2>&1
	grep -q 'server.go" starts at address' "$work/log"
	result $? 'GDB finds it in a debug-file-directory'
else
	skip gdb 'not here'
fi

if have debuginfod && have debuginfod-find; then
	# a port of its own choice is one that nobody else has
	port=$((20000 + $$ % 20000))
	debuginfod -F "$dir" -p $port -d "$work/db" >"$work/server" 2>&1 &
	server=$!
	DEBUGINFOD_URLS=http://127.0.0.1:$port
	export DEBUGINFOD_URLS
	i=0 found=
	while [ $i -lt 40 ] && [ -z "$found" ]; do
		sleep 0.5
		i=$((i + 1))
		found=$(DEBUGINFOD_CACHE_PATH=$work/cache$i \
			debuginfod-find debuginfo "$id" 2>"$work/log")
	done
	[ -n "$found" ] && cmp -s "$found" "$installed"
	result $? 'debuginfod-find fetches the same bytes by build id'
	if have gdb && gdb -nx -batch -ex 'show debuginfod enabled' 2>&1 |
		grep -q 'set to'; then
		DEBUGINFOD_CACHE_PATH=$work/gdbcache gdb -nx -batch \
			-iex 'set debuginfod enabled on' \
			-ex 'info line main.handle' "$program" >"$work/log" 2>&1
		grep -q 'server.go" starts at address' "$work/log"
		result $? 'GDB fetches it by build id'
	else
		skip 'GDB by debuginfod' 'this GDB was built without it'
	fi
	unset DEBUGINFOD_URLS
else
	skip debuginfod 'not here'
fi

# The tools below look at a program that runs.
"$program" serve >"$work/out" 2>&1 &
server="$server $!"
pid=$!
i=0
while [ $i -lt 50 ] && ! grep -q ready "$work/out"; do
	sleep 0.1
	i=$((i + 1))
done

if have eu-stack; then
	eu-stack -p $pid --debuginfo-path="$dir" >"$work/log" 2>&1
	grep -q 'runtime\.mcall\|runtime\.goexit\|runtime\.mstart' "$work/log"
	result $? 'eu-stack unwinds and names the frames'
else
	skip eu-stack 'not here'
fi
if have lldb; then
	lldb -b -o "target create $program" -o "target symbols add $installed" \
		-o 'breakpoint set -n main.handle' -o "process attach -p $pid" \
		-o 'process handle -p true -s false -n false SIGURG' \
		-o continue -o 'thread backtrace' -o 'breakpoint delete -f' \
		-o detach >"$work/log" 2>&1
	grep -q 'main.handle at server.go:' "$work/log" &&
		grep -q 'main.serve at server.go' "$work/log"
	result $? 'lldb breaks by name, shows lines and unwinds'
else
	skip lldb 'not here'
fi
if have eu-addr2line && have addr2line; then
	entry=$("$gounstrip" dump --functions "$program" |
		sed -n 's/^function \(0x[0-9a-f]*\)-.* main\.handle$/\1/p')
	{ addr2line -f -e "$installed" "$entry" &&
		eu-addr2line -f -e "$installed" "$entry"; } >"$work/log" 2>&1
	[ "$(grep -c '^main\.handle$' "$work/log")" = 2 ] &&
		[ "$(grep -c 'server\.go:24' "$work/log")" = 2 ]
	result $? "addr2line and eu-addr2line at main.handle"
else
	skip addr2line 'addr2line or eu-addr2line is not here'
fi
echo "1..$n"
[ $bad = 0 ]
