#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The reader exports GDB's two names and nothing else, or GDB's own functions
# would take the place of ours; and it needs no library but those that
# docs/dependencies.md has for the engine.
reader=${abs_top_builddir:?}/jitreader/.libs/gounstrip-reader.so
[ -e "$reader" ] || { echo "$reader was not built"; exit 77; }

names=$(nm -D --defined-only "$reader" | sed 's/.* //' | sort | tr '\n' ' ')
if [ "$names" != "gdb_init_reader plugin_is_GPL_compatible " ]; then
	echo "exported: $names"
	exit 1
fi
if readelf -d "$reader" | grep NEEDED | grep -Ev 'lib(capstone|elf|c|gcc_s|asan|ubsan|pthread|z)\.'; then
	echo "the reader needs a library that it should not"
	exit 1
fi
