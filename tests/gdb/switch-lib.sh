# shellcheck shell=bash
# shellcheck disable=SC2028,SC2154 # GDB expands them; set by those who source this
# SPDX-License-Identifier: GPL-3.0-or-later
#
# "goroutine N" and bt in GDB against a traceback: every goroutine, every frame.

# switch_script TRACEBACK: the commands that show its goroutines.
switch_script() {
	sed -n 's/^goroutine \([1-9][0-9]*\) .*/\1/p' "$1" | sort -n -u |
		while read -r id; do
			echo 'echo <switch\n'
			echo "echo <$id\\n"
			echo "goroutine $id"
			echo 'echo <bt\n'
			echo bt
		done
	echo 'echo <end\n'
}

# Where a goroutine was interrupted, GDB takes the pc for a return address.
exact() {
	awk 'interrupted { sub(/:[0-9]+$/, "") } { print }
		{ interrupted = / runtime[.](asyncPreempt|sigpanic) / }'
}

# frames FILE: "N: NAME PLACE", of what stacks prints.  All names without type
# arguments, of which Go's traceback has none.  Go calls runtime.gopanic panic.
frames() {
	awk '/^goroutine / { id = $2; print id ": goroutine"; next }
		/^created by / { id = 0 }
		/^[.][.][.]/ { if (id) print id ": elided"; next }
		/^\t/ { if (id) { $0 = $1; print id ": " name " " $1 } next }
		{ name = $0; sub(/\([^()]*\)$/, "", name)
			if (name == "panic") name = "runtime.gopanic"
			gsub(/\[[^]]*\]/, "[]", name) }' "$1" | exact
}

# The same of what GDB printed after "<N": what comes before the goroutine's own
# frames is left out; of more than 100 the inner and outer 50 are there.
gdb_frames() {
	awk 'function flush(  i) {
			if (!id) return
			print id ": goroutine" thread
			for (i = 1; i <= n; i++) {
				if (n > 100 && i > 50 && i <= n - 50) continue
				if (n > 100 && i == n - 49) print id ": elided"
				print id ": " list[i]
			}
		}
		/^<[0-9]+$/ { flush(); id = substr($0, 2); n = 0
			first = 0; thread = ""; next }
		/^<end$/ { flush(); id = 0; next }
		/^\[Switching to goroutine / {
			first = $0; sub(/.* frame /, "", first); first += 0; next }
		/^\[Goroutine .* is on (this|another) thread\]$/ {
			thread = " on a thread"; next }
		/^#[0-9]+ / {
			# Go speaks of no C
			if (substr($1, 2) + 0 < first || !bt || !/ at /) next
			line = $0
			sub(/^#[0-9]+ +(0x[0-9a-f]+ in )?/, "", line)
			place = line; sub(/.* at (\.\/)?/, "", place)
			sub(/ \(.*/, "", line)
			while (gsub(/\[[^][]*\]/, "<>", line)) ;
			gsub(/<>/, "[]", line)
			list[++n] = line " " place; next }
		/^<bt$/ { bt = 1; next }
		/^<switch$/ { bt = 0 }' "$1" | exact
}

# A goroutine on a thread that GDB is in has more frames inside than the runtime
# knows of: but for the innermost that it does, they must end alike,
# or begin alike if "gounstrip stacks" says that it does not get on.  A GDB too
# old for the C library (fact 19 of docs/gdb-integration.md) ends at the signal
# frame of that library.
compare_frames() {
	local old=0
	! grep -q '^warning: .*/libc[.]so[.]6.: Shared library architecture unknown' \
		"$tmp/out" || old=1
	awk -v old=$old 'NR == FNR { ours[$1] = ours[$1] $0 "\n"; next }
		{ theirs[$1] = theirs[$1] $0 "\n" }
		END {
			for (id in theirs) {
				count++
				a = ours[id]; b = theirs[id]
				if (a == b) continue
				sub(/^[^\n]*\n[^\n]*\n/, "", b)
				if (a ~ /^[^\n]* on a thread\n/ && b != "" &&
					substr(a, length(a) - length(b) + 1) == b)
					continue
				b = theirs[id]
				sub(/^[^\n]*\n/, "", b)
				sub(/^[^\n]*\n/, "", a)
				if (sub(/[0-9]*: elided\n$/, "", b) && b != "" &&
					ours[id] ~ /^[^\n]* on a thread\n/ &&
					index(a, b) == 1)
					continue
				b = theirs[id]
				sub(/^[^\n]*\n/, "", b)
				if (old && ours[id] ~ /^[^\n]* on a thread\n/ &&
					index(b, a) == 1 &&
					(a == "" || a ~ / runtime[.](cgoSigtramp|sigtramp) [^\n]*\n$/))
					continue
				bad++
				print "theirs:\n" theirs[id] "ours:\n" ours[id]
			}
			print count + 0 " goroutines, " bad + 0 " differ"
			exit !(count > 40 && !bad)
		}' "$2" "$1"
}
