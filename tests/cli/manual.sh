#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The manual page names every command and every option that --help lists, no
# others, and every variable of the environment that is looked at.
set -u

tool=${abs_top_builddir:?}/tools/gounstrip
page=${abs_top_srcdir:?}/docs/gounstrip.1
failed=0

for c in $("$tool" --help | sed -n 's/^  \([a-z][a-z0-9-]*\) .*/\1/p'); do
	grep -q "^\.It Cm $c" "$page" || {
		echo "not ok - command $c is not in the manual page"
		failed=1
	}
	for o in $("$tool" "$c" --help | grep -oE -- '--[a-z0-9-]+' |
		sort -u); do
		grep -Eq "(Fl|,) -${o#--}( |$)" "$page" || {
			echo "not ok - option $o of $c is not in the manual page"
			failed=1
		}
	done
done
# shellcheck disable=SC2013 # words without blanks
for o in $(sed -n -e 's/^\.It Fl \(. , \)*-\([a-z0-9-]*\).*/\2/p' "$page"); do
	for c in info symbols dump addr2line stacks gdb; do
		"$tool" "$c" --help
	done | grep -q -e "--$o\>" || {
		echo "not ok - option $o of the manual page is none"
		failed=1
	}
done
for v in $(grep -rhoE --include='*.c' '"(GDB|XDG_[A-Z_]+|GOUNSTRIP_[A-Z_]+)"' \
	"$abs_top_srcdir/engine" "$abs_top_srcdir/jitreader" \
	"$abs_top_srcdir/tools" | tr -d '"' | sort -u); do
	grep -q "^\.It Ev $v\$" "$page" || {
		echo "not ok - \$$v is not in the manual page"
		failed=1
	}
done
[ $failed -eq 0 ] && echo 'ok - the manual page is complete'
exit $failed
