#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# symbols --compress: what tools read from compressed sections is what they read
# from the others, on machines of both widths and byte orders.
set -u

gounstrip=${abs_top_builddir:?}/tools/gounstrip
tests=${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests
fixtures=${GOUNSTRIP_FIXTURES:-$tests/fixtures}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
n=0 bad=0

result() { # STATUS NAME
	n=$((n + 1))
	[ "$1" = 0 ] || {
		printf 'not '
		bad=$((bad + 1))
		head -n 10 "$work/log" | sed 's/^/# /'
	}
	echo "ok $n - $2"
}

symbols() { # FIXTURE HOW
	"$gounstrip" symbols --compress="$2" -o "$work/$2" \
		"$fixtures/$1/strip" >"$work/log" 2>&1
}

# What TOOL... says of none and of $how, but for names of files and places.
same() { # HOW TOOL...
	how=$1
	shift
	for file in none "$how"; do
		(cd "$work" && cp "$file" file && "$@" file) 2>&1 |
			grep -v 'at offset 0x' >"$work/$file.out"
	done
	[ "$(wc -l <"$work/none.out")" -gt 1000 ] &&
		cmp "$work/none.out" "$work/$how.out" >"$work/log" 2>&1
}

for name in go1.27-amd64-static go1.18-386-static go1.18-mips-static \
	go1.16-s390x-static; do
	[ -e "$fixtures/$name/strip" ] || continue
	symbols "$name" none || exit 99
	for how in zlib zstd; do
		symbols "$name" $how &&
			[ "$(stat -c %s "$work/$how")" -lt \
				"$(stat -c %s "$work/none")" ] &&
			readelf -tW "$work/$how" | grep -iq "$how"
		result $? "$name: $how is smaller"
		if ! command -v readelf >/dev/null; then
			echo "# no readelf"
		else
			same $how readelf --debug-dump=info,line,frames,str
			result $? "$name: $how by readelf"
		fi
		if command -v llvm-dwarfdump >/dev/null &&
			! llvm-dwarfdump "$work/$how" 2>&1 | 
			grep -q 'unsupported compression'; then
			llvm-dwarfdump --verify "$work/$how" >"$work/log" 2>&1
			result $? "$name: $how by llvm-dwarfdump --verify"
		fi
	done
	if command -v eu-readelf >/dev/null; then
		same zlib eu-readelf --debug-dump=info
		result $? "$name: zlib by eu-readelf"
	fi
done
[ $n -gt 0 ] || {
	echo "1..0 # SKIP no fixtures in $fixtures: run tests/fixtures/build"
	exit 77
}

symbols go1.27-amd64-static none && symbols go1.27-amd64-static zlib &&
	symbols go1.27-amd64-static zstd || exit 99
for gdb in gdb "$tests"/gdbs/bin/gdb-*; do
	command -v "$gdb" >/dev/null || continue
	for how in zlib zstd; do
		"$gdb" -nx -batch -ex 'info line main.handle' "$work/$how" \
			>"$work/log" 2>&1
		major=$("$gdb" -nx -batch -ex "output \$_gdb_major")
		if [ $how = zstd ] && [ "$major" -lt 13 ]; then
			n=$((n + 1))
			echo "ok $n # SKIP $(basename "$gdb"): does not know zstd"
			continue
		fi
		grep -q 'server.go" starts at address' "$work/log"
		result $? "$(basename "$gdb"): $how"
	done
done
"$gounstrip" symbols --compress=lzma "$fixtures/go1.27-amd64-static/strip" \
	>"$work/log" 2>&1
[ $? = 2 ] && grep -q 'zlib, zstd or none' "$work/log"
result $? 'another compression is refused'
echo "1..$n"
[ $bad = 0 ]
