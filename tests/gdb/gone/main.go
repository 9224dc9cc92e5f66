// SPDX-License-Identifier: GPL-3.0-or-later

// The program of tests/gdb/gone.sh.
//
//	gone leave   a goroutine waits for a line of input, and ends
//	gone malloc  the C library finds its heap broken, and aborts
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
)

//go:noinline
func waiter(line, done chan bool) {
	<-line
	done <- true
}

// after is where the goroutine is gone.
//
//go:noinline
func after(n int) int {
	return n + 1
}

//go:noinline
func leave() int {
	line, done := make(chan bool), make(chan bool)
	in := bufio.NewReader(os.Stdin)
	for n := 0; ; n++ {
		go waiter(line, done)
		fmt.Println("ready")
		if _, err := in.ReadString('\n'); err != nil {
			return n
		}
		line <- true
		<-done
		for runtime.NumGoroutine() > 1 {
			runtime.Gosched()
		}
		after(n)
	}
}

func main() {
	switch os.Args[1] {
	case "leave":
		fmt.Println(leave())
	case "malloc":
		never := make(chan bool)
		go waiter(never, never)
		fmt.Println(broken(4000))
	}
}
