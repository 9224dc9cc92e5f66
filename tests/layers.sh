#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Each layer includes only itself and what is below it.
cd "${abs_top_srcdir:?}" || exit 99

fail=0
below='engine/base'
for layer in engine/base engine/image engine/go engine/stack engine/emit \
	jitreader tools
do
	# jitreader and tools stand side by side.
	case $layer in
	engine/base | jitreader | tools) allowed="$below $layer" ;;
	*) below="$below $layer" allowed=$below ;;
	esac
	[ -d "$layer" ] || continue
	pattern=$(echo "$allowed" | sed 's/ /|/g')
	bad=$(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' --include='*.[ch]' \
		--include='*.def' "$layer" |
		grep -vE "\"(config\.h|($pattern)/[^/]*)\"")
	if [ -n "$bad" ]; then
		echo "not ok - $layer includes only: $allowed"
		echo "$bad"
		fail=1
	else
		echo "ok - $layer includes only: $allowed"
	fi
done
exit $fail
