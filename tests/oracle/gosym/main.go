// SPDX-License-Identifier: GPL-3.0-or-later

// gosym GOUNSTRIP FILE...: for each FILE, does "GOUNSTRIP addr2line" say what
// Go's own debug/gosym says, of every function's entry and of 2,000 random
// addresses?
//
// A line "FILE: reason" and exit 1 for each that does not; a file that
// debug/gosym cannot read is named and left out.
package main

import (
	"bufio"
	"debug/elf"
	"debug/gosym"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"strings"
)

const randomPCs = 2000

type answer struct {
	fn, file string
	line     int
}

// open finds the table by its section; other layouts are beyond debug/gosym.
func open(path string) (table *gosym.Table, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("debug/gosym: %v", r)
		}
	}()
	f, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	section := f.Section(".gopclntab")
	text := f.Section(".text")
	if section == nil || text == nil {
		return nil, errors.New("no section .gopclntab")
	}
	if f.Section(".init") != nil || f.Section(".comment") != nil {
		return nil, errors.New("C code stands before Go's in .text")
	}
	data, err := section.Data()
	if err != nil {
		return nil, err
	}
	return gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
}

// ask has addr2line answer: the outermost function's name, the innermost
// call's place, which is what debug/gosym has.
func ask(tool, path string, pcs []uint64) ([]answer, error) {
	cmd := exec.Command(tool, "addr2line", "-a", "-f", "-i", "-e", path)
	var in strings.Builder
	for _, pc := range pcs {
		fmt.Fprintf(&in, "%#x\n", pc)
	}
	cmd.Stdin = strings.NewReader(in.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var answers []answer
	var names, places []string
	flush := func() {
		if len(places) == 0 {
			return
		}
		a := answer{fn: names[len(names)-1]}
		colon := strings.LastIndexByte(places[0], ':')
		a.file = places[0][:colon]
		fmt.Sscan(places[0][colon+1:], &a.line)
		answers = append(answers, a)
		names, places = nil, nil
	}
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "0x") {
			flush()
			continue
		}
		names = append(names, lines.Text())
		lines.Scan()
		places = append(places, lines.Text())
	}
	flush()
	if len(answers) != len(pcs) {
		return nil, fmt.Errorf("%d answers to %d addresses", len(answers), len(pcs))
	}
	return answers, nil
}

// expect is debug/gosym's answer as addr2line words it.  debug/gosym gives the
// padding behind a function to that function, without a line; what the linker
// made has no line anywhere.
func expect(table *gosym.Table, pc uint64) answer {
	file, line, fn := table.PCToLine(pc)
	if fn == nil {
		return answer{"??", "??", 0}
	}
	if line < 0 {
		if _, first, _ := table.PCToLine(fn.Entry); first < 0 {
			return answer{fn.Name, "??", 0}
		}
		return answer{"??", "??", 0}
	}
	if file == "" {
		file = "??"
	}
	return answer{fn.Name, file, line}
}

func compare(tool, path string, table *gosym.Table) error {
	var pcs []uint64
	low, high := ^uint64(0), uint64(0)
	for _, fn := range table.Funcs {
		pcs = append(pcs, fn.Entry)
		if fn.Entry < low {
			low = fn.Entry
		}
		if fn.End > high {
			high = fn.End
		}
	}
	random := rand.New(rand.NewSource(4711))
	for i := 0; i < randomPCs; i++ {
		pcs = append(pcs, low+uint64(random.Int63n(int64(high-low))))
	}
	answers, err := ask(tool, path, pcs)
	if err != nil {
		return err
	}
	different, more := 0, 0
	for i, pc := range pcs {
		want := expect(table, pc)
		if answers[i] == want {
			continue
		}
		// Go 1.4 to 1.6 do not count the file table's first entry, and
		// debug/gosym then loses the last; oracle.c has DWARF confirm it.
		if want.file == "??" && want.line > 0 && want.fn == answers[i].fn && want.line == answers[i].line {
			more++
			continue
		}
		if different++; different <= 3 {
			fmt.Printf("%s: %#x: %v, debug/gosym %v\n", path, pc, answers[i], want)
		}
	}
	if different > 0 {
		return fmt.Errorf("%d of %d answers differ", different, len(pcs))
	}
	fmt.Printf("%s: %d answers agree, %d have a file that debug/gosym misses\n",
		path, len(pcs)-more, more)
	return nil
}

func main() {
	code, compared := 0, 0
	for _, path := range os.Args[2:] {
		table, err := open(path)
		if err != nil {
			fmt.Printf("%s: left out: %v\n", path, err)
			continue
		}
		if err := compare(os.Args[1], path, table); err != nil {
			fmt.Printf("%s: %v\n", path, err)
			code = 1
		}
		compared++
	}
	if compared == 0 {
		fmt.Println("SKIP: debug/gosym could read none of the files")
		code = 77
	}
	os.Exit(code)
}
