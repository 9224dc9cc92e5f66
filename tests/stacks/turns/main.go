// SPDX-License-Identifier: GPL-3.0-or-later

// Goroutines that all run the same function, over and over, with their own id
// as its argument, until the program is killed.
package main

import (
	"fmt"
	"runtime"
	"time"
)

func self() (id int) {
	var b [64]byte
	runtime.Stack(b[:], false)
	fmt.Sscanf(string(b[:]), "goroutine %d ", &id)
	return
}

var sum int

//go:noinline
func visit(id int) { sum += id }

func main() {
	ids := make(chan int)
	for i := 0; i < 4; i++ {
		go func() {
			id := self()
			ids <- id
			for {
				visit(id)
				time.Sleep(time.Millisecond)
			}
		}()
	}
	for i := 0; i < 4; i++ {
		fmt.Println("goroutine", <-ids)
	}
	fmt.Println("ready")
	select {}
}
