// SPDX-License-Identifier: GPL-3.0-or-later

// gosym FILE: Go's own debug/gosym doing less than gounstrip's walk does: its
// table of functions, and file and line of each function's entry only.
package main

import (
	"debug/elf"
	"debug/gosym"
	"fmt"
	"os"
)

func run(path string) error {
	file, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	section, text := file.Section(".gopclntab"), file.Section(".text")
	if section == nil || text == nil {
		return fmt.Errorf("no section .gopclntab or .text")
	}
	data, err := section.Data()
	if err != nil {
		return err
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
	if err != nil {
		return err
	}
	names, files, lines := 0, 0, 0
	for i := range table.Funcs {
		file, line, _ := table.PCToLine(table.Funcs[i].Entry)
		names += len(table.Funcs[i].Name)
		files += len(file)
		lines += line
	}
	fmt.Printf("functions %d names %d files %d lines %d\n",
		len(table.Funcs), names, files, lines)
	return nil
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gosym FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "gosym: %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}
