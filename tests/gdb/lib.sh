# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the GDB tests share. A test calls "transcript" for each GDB session: it
# is run in every GDB there is, and what remains after masking must equal
# NAME.out. "GU_UPDATE=1 make check" writes NAME.out from the first GDB.
#
#   GOUNSTRIP_GDBS       GDBs to use, separated by blanks (default: all found)
#   GOUNSTRIP_FIXTURES   folder of the test programs (tests/fixtures/README.md)
set -euo pipefail

here=${abs_top_srcdir:?}/tests/gdb
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests
fixtures=${GOUNSTRIP_FIXTURES:-$cache/fixtures}
test_name=$(basename "$0" .sh)
failed=0

tmp=$(mktemp -d)
background=()
clean_up() {
	for pid in "${background[@]}"; do
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	rm -rf "$tmp"
}
trap clean_up EXIT

# No symbol file of another run, no download; and no signals of Go's scheduler,
# which would end up in the middle of a step.
export XDG_CACHE_HOME=$tmp/cache GODEBUG=asyncpreemptoff=1 GOTRACEBACK=crash
unset DEBUGINFOD_URLS
export GOUNSTRIP=${abs_top_builddir:?}/tools/gounstrip
mkdir "$XDG_CACHE_HOME"

# What has failed before is not forgotten.
skip() {
	echo "$test_name: skipped: $*"
	[ "$failed" = 0 ] || exit 1
	exit 77
}

reader=$abs_top_builddir/jitreader/.libs/gounstrip-reader.so
[ -e "${GOUNSTRIP_READER:-$reader}" ] || skip "the reader is not built"
! grep -q __asan_init "${GOUNSTRIP_READER:-$reader}" ||
	skip "a sanitized reader does not load into GDB"

# The GDBs, one on a line: those of scripts/gdbs, else the machine's.
gdbs() {
	if [ -n "${GOUNSTRIP_GDBS-}" ]; then
		tr ' ' '\n' <<<"$GOUNSTRIP_GDBS"
	else
		find "$cache/gdbs/bin" -name 'gdb-*' 2>/dev/null | sort | grep . ||
			command -v gdb || true
	fi
}
mapfile -t all_gdbs < <(gdbs)
[ ${#all_gdbs[@]} -gt 0 ] || skip "there is no GDB"

# fixture MODE: the newest stripped program of that mode, by its path.
fixture() {
	awk -F '\t' -v mode="$1" '$3 == "amd64" && $4 == mode { path = $5 }
		END { print path }' "$fixtures/index.tsv" 2>/dev/null || true
}

# have MODE: sets $program to a copy of it, or says that there is none.
have() {
	program=$(fixture "$1")
	if [ ! -e "$program" ]; then
		echo "$test_name: no $1 program; tests/fixtures/build makes it"
		return 1
	fi
	mkdir -p "$tmp/$1"
	cp "$program" "$tmp/$1/fixture"
	program=$tmp/$1/fixture
}

# need MODE: the same, or skips the test.
need() {
	have "$1" || exit 77
}

# line MARK: FILE:LINE of the source line with that mark.
line() {
	(cd "$abs_top_srcdir/tests/fixtures/src" &&
		grep -rn "MARK $1\$" . | sed 's,^.*/\([^/:]*:[0-9]*\):.*,\1,')
}

# start COMMAND...: runs it in the background until it says "ready".
start() {
	: >"$tmp/out" # or "ready" is the last one's
	"$@" >"$tmp/out" 2>&1 &
	started=$!
	background+=("$started")
	for _ in {1..600}; do
		grep -q '^ready' "$tmp/out" && return
		sleep 0.05
	done
	cat "$tmp/out"
	echo "$test_name: FAIL: $1 did not become ready"
	exit 1
}

# What GDB said, $tmp/said, is in parts, each behind "<NAME". Those who ask for
# them have a function "fails WHAT".
part() { # NAME: into the file part
	awk -v name="<$1" '/^</ { on = $0 == name; next } on' "$tmp/said" \
		>"$tmp/part"
}

says() { # PATTERN, of the file part
	grep -q -e "$1" "$tmp/part" || fails "does not say: $1"
}
is_silent_of() { # PATTERN
	! grep -q -e "$1" "$tmp/part" || fails "says: $1"
}

# dump FILE COMMAND...: its core, by the kernel.
dump() {
	local core=$1 dir=$tmp/dump
	shift
	mkdir "$dir"
	# bash itself tells on stderr how it ended
	(cd "$dir" && ulimit -c unlimited && { "$@" || true; }) >/dev/null 2>&1
	find "$dir" -type f -exec mv {} "$core" \;
	rmdir "$dir"
	[ -s "$core" ] ||
		skip "the kernel leaves no core (/proc/sys/kernel/core_pattern)"
}

# What differs from run to run, machine to machine, GDB to GDB.
mask() {
	sed -E \
		-e '/^\[(New|LWP|Thread|Switching|Inferior|Current|Detaching)/d' \
		-e '/^(Using host libthread_db|Core was generated)/d' \
		-e '/^(Program terminated|Kill the program|Reading |Remote )/d' \
		-e '/^(BFD: |$)/d' \
		-e '/^warning: Unsupported auto-load script/,+2d' \
		-e '/^[Ww]arning: .*(file-backed|unexpected null|Memory read failed|[.]reg-xstate|newer than|may not match|File transfers|libthread_db)/d' \
		-e '/^[Ww]arning: .*(architecture unknown|[0-9]\t)/d' \
		-e '/^[0-9]+\t(in )?[.\/]/d' \
		-e '/___dlsym/d' \
		-e "s,$tmp/,TMP/,g" \
		-e 's,/tmp/gounstrip-[0-9]+-[0-9]+/,SESSION/,g' \
		-e 's,/[^ ]*/src-[^/]*/,SRC/,g' \
		-e "s,$fixtures/[^/]*/,FIXTURE/,g" \
		-e 's,/[^ ]*/src/(runtime|internal|syscall)/,GOROOT/\1/,g' \
		-e 's/0x[0-9a-f]+/ADDR/g' \
		-e 's,[.]build-id/.*[.]debug,BUILDID.debug,' \
		-e 's/main\[([a-z]+)\]/main.\1/g' \
		-e 's/^Thread [0-9.]+ .* (hit|received)/Thread \1/' \
		-e 's/(hit Breakpoint [0-9]+)[.][0-9]+,/\1,/' \
		-e 's/: [0-9]+ functions, [0-9]+ files, [0-9.]+ s/: N functions, N files, T s/' \
		-e 's/\(go1[.][0-9.]+/(GO/;s/: [0-9]+ functions by the reader, in [0-9]+ runs/: N functions by the reader/'
}

# transcript NAME GDBARG... <COMMANDS (one on a line; an error ends none but its
# own)
transcript() {
	local name=$1 gdb command commands=() version
	shift
	while IFS= read -r command; do
		commands+=(-ex "$command")
	done
	for gdb in "${all_gdbs[@]}"; do
		version=$("$gdb" --version | sed -n '1s/.* //p')
		rm -rf "$XDG_CACHE_HOME/gounstrip"
		if [ -n "${before_each-}" ]; then
			"$before_each"
		fi
		timeout 60 "$gdb" -nx -q -batch -iex 'set auto-load safe-path /' \
			-ex "source $abs_top_builddir/gdbinit/gounstrip.gdb" \
			"${commands[@]}" "$@" </dev/null 2>&1 |
			mask >"$tmp/out.$name" || true
		if [ -n "${GU_UPDATE-}" ] && [ ! -e "$tmp/new.$name" ]; then
			cp "$tmp/out.$name" "$here/$name.out"
			touch "$tmp/new.$name"
		elif diff -u "$here/$name.out" "$tmp/out.$name"; then
			echo "$name: ok in GDB $version"
		else
			echo "$name: FAIL in GDB $version"
			failed=1
		fi
	done
}

# The last line of every test.
done_testing() {
	exit "$failed"
}
