# shellcheck shell=bash
# shellcheck disable=SC2154 # set by those who source this
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What tests of Go programs of several releases share; needs scripts/lib.sh.

# build FOLDER VERSION MODE: the program of all three (FOLDER is below tests,
# MODE is static, pie, cgo, with "-arm64" behind it for that architecture, with
# "-full" behind that: with symbols), from a cache; prints its path.  $work is a
# folder for what is in between.
build() {
	local from=$abs_top_srcdir/tests/$1 goroot out mode=exe cgo=0
	local flags='-s -w' arch

	case $3 in
	pie*) mode=pie ;;
	cgo*) cgo=1 ;;
	esac
	case $3 in
	*-full) flags= ;;
	esac

	case $3 in
	*-arm64*) arch=arm64 ;;
	*) arch=$(cd / && go env GOHOSTARCH) ;;
	esac

	out=$cache/${1##*/}/$(cat "$from"/* | sha256sum | cut -c 1-12)/$2-$3
	if [ ! -x "$out" ]; then
		goroot=$(go_root "$2") || return 1
		rm -rf "$work/src"
		mkdir -p "${out%/*}" "$work/src"
		cp "$from"/*.go "$work/src"
		# type parameters need their own release's language
		printf 'module gounstrip.test/%s\n\ngo %s\n' "${1##*/}" "${2%.*}" \
			>"$work/src/go.mod"
		(cd "$work/src" && GOENV=off GOFLAGS='' GOROOT=$goroot \
			GOTOOLCHAIN=local GOARCH=$arch CGO_ENABLED=$cgo \
			GO111MODULE=on \
			"$goroot/bin/go" build -buildmode=$mode -ldflags="$flags" \
			-o "$out.new" . >&2) || return 1
		mv "$out.new" "$out"
	fi
	printf '%s\n' "$out"
}

# split TEXT: its words into the array words; single quotes keep blanks together.
split() {
	local rest=$1 word="^ *(([^ ']|'[^']*')+)(.*)\$"

	words=()
	while [[ $rest =~ $word ]]; do
		rest=${BASH_REMATCH[3]}
		words+=("${BASH_REMATCH[1]//\'/}")
	done
}
