#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# perf: what it recorded of a stripped program has names once its symbol file is
# in perf's cache of build ids (perf buildid-cache --add), with the program still
# there and without. Each sample's name and offset must lead to the same bias.
set -u

gounstrip=${abs_top_builddir:?}/tools/gounstrip
fixtures=${GOUNSTRIP_FIXTURES:-${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests/fixtures}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
export HOME="$work" # perf's settings
n=0 bad=0

skip() {
	echo "1..0 # SKIP $1"
	exit 77
}

[ "$(uname -m)" = x86_64 ] || skip 'the fixtures do not run here'
command -v perf >/dev/null || skip 'no perf'
perf record -e cpu-clock:u -o "$work/data" -- true >"$work/log" 2>&1 ||
	skip "perf cannot record here: $(tail -n 1 "$work/log")"

# Samples as "address name+offset", against the addresses of all names.
check_names() { # SYMBOLS PERF-DATA
	perf --buildid-dir "$work/ids" script -F ip,sym,symoff,dso -i "$2" \
		2>"$work/log" | grep "$work/program" >"$work/samples"
	nm "$1" | awk '
		function number(hex, i, v) {
			for (i = 1; i <= length(hex); i++)
				v = v * 16 + index("0123456789abcdef",
					substr(hex, i, 1)) - 1
			return v
		}
		FNR == NR {
			addr = $1
			sub(/^[^ ]* [^ ]* /, "")
			at[$0] = at[$0] " " addr
			next
		}
		/\[unknown\]/ { unknown++; next }
		{
			ip = $1
			sub(/^ *[^ ]* /, "")
			sub(/ \([^()]*\)$/, "")
			name = off = $0
			sub(/\+0x[0-9a-f]*$/, "", name)
			sub(/.*\+0x/, "", off)
			count = split(at[name], addrs, " ")
			for (i = 1; i <= count; i++) {
				bias = number(ip) - number(off) - number(addrs[i])
				# mawk makes six digits of so large an index
				seen[sprintf("%.0f", bias)]++
			}
			named++
		}
		END {
			for (bias in seen)
				if (seen[bias] > best)
					best = seen[bias]
			printf "# %d named, %d not, %d by one bias\n",
				named, unknown, best
			# the VDSO lies elsewhere; a sample may be in the kernel
			exit !(named > 50 && best == named && unknown * 50 < named)
		}' - "$work/samples"
}

result() { # STATUS NAME
	n=$((n + 1))
	[ "$1" = 0 ] || {
		printf 'not '
		bad=$((bad + 1))
		head -n 5 "$work/samples" | sed 's/^/# /'
	}
	echo "ok $n - $2"
}

for name in go1.27-amd64-static go1.27-amd64-cgo go1.27-amd64-cgo-pie; do
	[ -e "$fixtures/$name/strip" ] || continue
	cp "$fixtures/$name/strip" "$work/program"
	"$gounstrip" symbols "$work/program" -o "$work/symbols" >/dev/null ||
		exit 99
	perf record -e cpu-clock:u -F 2000 -o "$work/data" -- \
		"$work/program" grow 3000000 >/dev/null 2>&1
	rm -rf "$work/ids"
	perf --buildid-dir "$work/ids" buildid-cache --add "$work/symbols"
	check_names "$work/symbols" "$work/data"
	result $? "$name: names"
	rm "$work/program"
	check_names "$work/symbols" "$work/data"
	result $? "$name: names when the program is gone"
done
[ $n -gt 0 ] || skip "no fixtures in $fixtures: run tests/fixtures/build"
echo "1..$n"
[ $bad = 0 ]
