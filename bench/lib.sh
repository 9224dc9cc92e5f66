# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the benchmarks share: programs built from Go modules, in the cache.
# Sourced by scripts that have sourced scripts/lib.sh.

# shellcheck disable=SC2154 # of scripts/lib.sh
dir=$cache/bench
go_version=1.26.8

# as_written FILES...: a name that changes with what the files say.
as_written() {
	cat "$@" | sha256sum | cut -c 1-12
}

# go_build OUT FOLDER PACKAGE LDFLAGS: as reproducible as Go can.
go_build() (
	cd "$2" || exit
	# The user's own settings must not leak into what is measured.
	unset GOFLAGS GOAMD64 GOEXPERIMENT
	export GOENV=off GOTOOLCHAIN=local GOROOT=$goroot CGO_ENABLED=0
	export PATH="$goroot/bin:$PATH" GOOS=linux GOARCH=amd64
	nice go build -trimpath -buildvcs=false -ldflags "$4" -o "$1.new" "$3"
	mv "$1.new" "$1"
)

# program NAME: the folder with its "strip" and "full".
program() {
	echo "$dir/$1-go$go_version-$(as_written "$here/programs/$1"/*)"
}

# both NAME PACKAGE: builds it stripped and not, unless it is there.
both() {
	local at
	at=$(program "$1")
	mkdir -p "$at"
	[ -e "$at/strip" ] || go_build "$at/strip" "$here/programs/$1" "$2" '-s -w'
	[ -e "$at/full" ] || go_build "$at/full" "$here/programs/$1" "$2" ''
}
