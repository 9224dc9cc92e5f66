#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A program that lies elsewhere in each run: breakpoints set before the first
# run are hit in every run, whether loaded once or again.
. "${abs_top_srcdir:?}/tests/gdb/lib.sh"

need pie # at least
for mode in pie cgo-pie; do
	have $mode || continue
	echo "pie: a $mode program"
	transcript pie "$program" <<-COMMANDS
	set disable-randomization off
	go load
	break main.weigh
	run count 3
	bt
	run count 3
	bt 2
	go load
	bt 2
	run count 3
	bt 2
	tbreak main.tidy
	info breakpoints
	go unload
	bt 1
	go load
	bt 1
	go unload
	go unload
	go status
	COMMANDS
done

# GDB itself runs a program without section headers only once.
for mode in noshdr-pie noshdr-static; do
	have $mode || continue
	echo "pie: a $mode program"
	transcript noshdr "$program" <<-COMMANDS
	set disable-randomization off
	go load
	break main.weigh
	run count 3
	bt
	go load
	bt 2
	go unload
	bt 1
	go load
	bt 1
	COMMANDS
done
done_testing
