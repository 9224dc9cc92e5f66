#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The command line: help, exit codes, what goes where, and bad input.
set -u

tool=${abs_top_builddir:?}/tools/gounstrip
fixtures=${GOUNSTRIP_FIXTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests/fixtures}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME
failed=0

# expect CODE OUT ERR WHAT COMMAND...: the exit code, and an extended regular
# expression in standard output and standard error ('' : it is empty).
expect() {
	code=$1 out=$2 err=$3 what=$4
	shift 4
	"$@" >out 2>err </dev/null
	got=$?
	if [ $got -ne "$code" ]; then
		complain "exit code $got, expected $code"
	elif ! matches out "$out" || ! matches err "$err"; then
		complain "output: expected '$out' and '$err'"
	else
		echo "ok - $what"
	fi
}

matches() {
	if [ -z "$2" ]; then
		[ ! -s "$1" ]
	else
		grep -Eq -e "$2" "$1"
	fi
}

complain() {
	echo "not ok - $what: $1"
	sed 's/^/#   out: /' out
	sed 's/^/#   err: /' err
	failed=1
}

# refused WHAT PATTERN COMMAND...: exit 1, nothing on standard output, and one
# line that begins with the tool's name.
refused() {
	what=$1 pattern=$2
	shift 2
	expect 1 '' "^gounstrip: .*$pattern" "$what" "$@"
	if [ "$(wc -l <err)" -ne 1 ]; then
		complain "more than one line"
	fi
}

commands='info symbols dump addr2line stacks gdb'

# --- without any program ---------------------------------------------------

expect 2 '' '^Usage: gounstrip' 'no command' "$tool"
expect 0 '^Usage: gounstrip' '' '--help' "$tool" --help
expect 0 '^gounstrip [0-9]' '' '--version' "$tool" --version
for c in $commands; do
	expect 0 "^  $c " '' "--help lists $c" "$tool" --help
	expect 0 "^Usage: gounstrip $c " '' "$c --help" "$tool" "$c" --help
	what="$c --help is at most 80 columns wide"
	if awk 'length > 80 { wide = 1 } END { exit !wide }' out; then
		complain 'it is wider'
	fi
	expect 2 '' "^gounstrip: $c: unknown option '-Z'; try" "$c -Z" \
		"$tool" "$c" -Z
	expect 2 '' "^gounstrip: $c: unknown option '--zzz'" "$c --zzz" \
		"$tool" "$c" --zzz
done
expect 2 '' "did you mean 'dump'" 'a mistyped command' "$tool" dumb
expect 2 '' "no command 'xyzzy'; .*--help" 'an unknown command' "$tool" xyzzy
expect 2 '' 'no file was named' 'no file' "$tool" info
expect 2 '' 'one file at a time' 'two files' "$tool" dump a b
expect 2 '' 'with -e' 'addr2line without -e' "$tool" addr2line 0x1
expect 2 '' 'needs an argument' '-e without a file' "$tool" addr2line -e
expect 2 '' 'no argument is taken' '--json=x' "$tool" info --json=x
expect 2 '' 'no hexadecimal address' 'a wrong address' \
	"$tool" addr2line -e x 12 0x0x12
expect 2 '' 'no bias' 'a wrong bias' "$tool" addr2line -e x -p 12g 0
expect 2 '' '4 or 5 was expected' '--dwarf=6' "$tool" symbols --dwarf=6 x
expect 0 '^Usage: gounstrip gdb-ask ' '' 'gdb-ask --help' "$tool" gdb-ask --help
expect 2 '' 'for gounstrip.gdb; try' 'gdb-ask of nothing' "$tool" gdb-ask what

for c in gdb-ask gdb-setup; do
	what="$c reads what GDB tells, though it refuses it"
	{ head -c 1000000 /dev/zero || echo broken >broken; } |
		"$tool" $c what >out 2>err
	if [ -e broken ]; then
		complain 'it does not'
	else
		echo "ok - $what"
	fi
done

what='a full disk is an error'
if [ -c /dev/full ]; then
	"$tool" --help >/dev/full 2>err
	got=$?
	if [ $got -eq 1 ] && grep -q '^gounstrip: standard output: ' err; then
		echo "ok - $what"
	else
		complain "it went unnoticed: exit code $got"
	fi
fi
what='a closed pipe is an error'
mkfifo pipe
exec 3<>pipe
exec 4>pipe 3>&- # nobody reads it
(
	trap '' PIPE
	"$tool" --help 2>err >&4
	echo $? >code
)
exec 4>&-
: >out
if [ "$(cat code)" -eq 1 ] && grep -q '^gounstrip: standard output: ' err; then
	echo "ok - $what"
else
	complain 'it went unnoticed'
fi

# --- bad input -------------------------------------------------------------

echo 'int main;' >text
: >empty
mkdir folder
printf '\177ELF' >stub
for c in info dump symbols 'addr2line -e'; do
	# shellcheck disable=SC2086
	set -- "$tool" $c
	refused "$c of a missing file" 'missing: No such file' "$@" missing
	refused "$c of a text" 'text: not an ELF file' "$@" text
	refused "$c of an empty file" 'empty: ' "$@" empty
	refused "$c of a folder" 'folder: this is a directory' "$@" folder
	refused "$c of four bytes" 'stub: ' "$@" stub
	refused "$c of a device" 'not a regular file' "$@" /dev/null
	refused "$c of a C program" 'no Go function table' "$@" /bin/sh
done
if [ "$(id -u)" -ne 0 ]; then
	cp text secret && chmod 0 secret
	refused 'an unreadable file' 'secret: Permission denied' \
		"$tool" info secret
fi

# --- with a program --------------------------------------------------------

pick() {
	[ -f "$fixtures/$1/strip" ] && echo "$fixtures/$1/strip"
}
program=$(pick go1.27-amd64-static || pick go1.26-amd64-static ||
	pick go1.24-amd64-static || pick go1.20-amd64-static)
if [ -z "$program" ]; then
	echo "# no fixture: run tests/fixtures/build for the rest"
	exit $failed
fi

cp "$program" program
size=$(wc -c <program)
for part in 1 2 5 10 20 50 90 99; do
	head -c $((size * part / 100)) program >"cut$part"
	"$tool" dump "cut$part" >out 2>err </dev/null
	got=$? what="a program cut at $part %"
	if [ $got -gt 1 ] || { [ $got -eq 1 ] && [ "$(wc -l <err)" -ne 1 ]; }
	then
		complain "exit code $got"
	else
		echo "ok - $what"
	fi
done
head -c 16 program >core
printf '\004' >>core
tail -c +18 program >>core
refused 'a core' 'core' "$tool" info core

expect 0 '^Go version +go1\.' '' 'info' "$tool" info program
expect 0 '"go_version": "go1\.' '' 'info --json' "$tool" info --json program
expect 0 '^function 0x[0-9a-f]+-0x[0-9a-f]+ main\.main$' '' 'dump' \
	"$tool" dump program
expect 0 '^file .*main\.go$' '' 'dump --files' "$tool" dump --files program
what='dump --files has nothing else'
if grep -qv '^file ' out; then
	complain 'it has'
fi
expect 0 '^out\.sym$' '' 'symbols -o' "$tool" symbols -o out.sym program
expect 0 "^$work/cache/gounstrip/" '' 'symbols' "$tool" symbols program
refused 'no place for the cache' 'folder /proc/x cannot be made: No such file' \
	env XDG_CACHE_HOME=/proc/x "$tool" symbols program
refused 'a symbol file in no folder' 'nowhere/x: No such file' \
	"$tool" symbols -o nowhere/x program

entry=$("$tool" dump --functions program |
	sed -n 's/^function \(0x[0-9a-f]*\)-.* main\.main$/\1/p')
expect 0 '^/.*/main\.go:[1-9][0-9]*$' '' 'addr2line' \
	"$tool" addr2line -e program "$entry"
place=$(cat out)
expect 0 '^main\.go:[1-9]' '' 'addr2line -s' \
	"$tool" addr2line -s -e program "$entry"
expect 0 '^main\.main$' '' 'addr2line -f' \
	"$tool" addr2line -f -e program "${entry#0x}"
expect 0 '^0x0000000000[0-9a-f]{6}$' '' 'addr2line -a' \
	"$tool" addr2line -a -e program "$entry"
expect 0 '^\?\?:0$' '' 'addr2line of no code' "$tool" addr2line -e program 10
expect 0 "^$place\$" '' 'addr2line -p' "$tool" addr2line -e program -p 1000 \
	"$(printf '%x' $((entry + 0x1000)))"

what='addr2line answers each line of its input, in step'
printf '%s\nxyz\n  %s  \n' "$entry" "$entry" |
	"$tool" addr2line -e program >out 2>err
if [ $? -ne 1 ] || [ "$(cat out)" != "$place
??:0
$place" ] || ! grep -q "'xyz' is no hexadecimal address" err; then
	complain 'it does not'
else
	echo "ok - $what"
fi

# a reader that starts after three seconds makes any work long
what='long work says on a terminal how far it is'
slowly="'$tool' dump program | { sleep 3; cat >/dev/null; }"
if command -v script >/dev/null; then
	TERM=xterm script -qec "$slowly" out >/dev/null </dev/null
	if grep -q 'printing functions: .* %' out; then
		echo "ok - $what"
	else
		complain 'it does not'
	fi
	TERM=dumb script -qec "$slowly" out >/dev/null </dev/null
	what='but not on a dumb one'
	if grep -q 'printing functions: .* %' out; then
		complain 'it does'
	else
		echo "ok - $what"
	fi
fi

exit $failed
