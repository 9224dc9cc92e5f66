# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the scripts share: words to the user, the cache folder, Go toolchains.
# Sourced by bash scripts that use "set -euo pipefail".

# shellcheck disable=SC2034 # for the scripts
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# The cache is outside the tree and kept between runs.
# shellcheck disable=SC2034
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gounstrip-tests

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

have() {
	command -v "$1" >/dev/null 2>&1
}

# first_line FILE: the first line that says something, for a reason of one line.
first_line() {
	grep -v -E '^(#|[[:space:]]*$)' "$1" | head -n 1 | cut -c 1-200
}

# go_root VERSION: prints the GOROOT of that Go. Toolchains are Go modules; any
# go command with modules can fetch one, also a go too old to switch to it.
# What "go" does on a switch is done here: modules carry no execute bits, and
# their go.mod files are called _go.mod (Go: src/cmd/go/internal/toolchain,
# func Exec). Fails with the reason on stderr.
go_root() {
	local version=$1 dir platform file
	if [ "$(cd / && GOTOOLCHAIN=local go version | cut -d ' ' -f 3)" = "go$version" ]; then
		(cd / && GOTOOLCHAIN=local go env GOROOT)
		return
	fi
	platform=$(cd / && go env GOHOSTOS)-$(cd / && go env GOHOSTARCH)
	dir=$(cd / && GO111MODULE=on GOTOOLCHAIN=local go mod download -json \
		"golang.org/toolchain@v0.0.1-go$version.$platform" |
		sed -n 's/^\t"\(Dir\|Error\)": "\(.*\)",*$/\2/p')
	if [ ! -d "$dir" ]; then
		printf '%s\n' "${dir:-no Go $version for $platform}" >&2
		return 1
	fi
	if [ ! -x "$dir/bin/go" ]; then
		find "$dir/pkg/tool" -type f -exec chmod a+x {} +
		for file in "$dir/src/_go.mod" "$dir/src/cmd/_go.mod"; do
			if [ -e "$file" ] && [ ! -e "${file%_go.mod}go.mod" ]; then
				chmod u+w "${file%/*}"
				cp "$file" "${file%_go.mod}go.mod"
			fi
		done
		chmod a+x "$dir"/bin/*
	fi
	printf '%s\n' "$dir"
}
