#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The manual page names every command and every option that --help lists.
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
[ $failed -eq 0 ] && echo 'ok - the manual page is complete'
exit $failed
