// SPDX-License-Identifier: GPL-3.0-or-later

// The program of tests/gdb/cross.sh.  Its argument is what it does; each call
// chain has main.mark in it, right before the runtime changes stacks.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var sink, last int
var nothing *int

//go:noinline
func mark() {
	sink++
	marked()
}

//go:noinline
func marked() {}

//go:noinline
func spawn(n int) int {
	done := make(chan bool)
	mark()
	go func() { done <- true }()
	<-done
	return n + sink
}

//go:noinline
func park(n int) int {
	mark()
	time.Sleep(time.Millisecond)
	return n + sink
}

//go:noinline
func deep(n int) int {
	var room [256]byte

	room[n%256] = byte(n)
	if n == 0 {
		return int(room[sink%256])
	}
	return deep(n-1) + int(room[n%256])
}

//go:noinline
func grow(n int) int {
	mark()
	return deep(n) + sink
}

//go:noinline
func fault(n int) (got int) {
	defer func() {
		recover()
		got = n
	}()
	mark()
	return *nothing + n
}

//go:noinline
func interrupt(n int) int {
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGUSR1)
	mark()
	syscall.Kill(syscall.Getpid(), syscall.SIGUSR1)
	<-got
	return n + sink
}

// Only a signal can take it off its thread.
//
//go:noinline
func spin(n int) int {
	var stop int32

	go func() {
		runtime.GC()
		atomic.StoreInt32(&stop, 1)
	}()
	mark()
	for atomic.LoadInt32(&stop) == 0 {
		last += n
	}
	return n + last
}

//go:noinline
func collect(n int) int {
	mark()
	runtime.GC()
	return n + sink
}

// What is stepped over and finished: it makes the stack move, several times.
//
//go:noinline
func step(n int) int {
	got := deep(n * 40)
	sink = got
	last = got
	return got
}

// Each in a goroutine with a new stack, so that each time it has to grow.
func steps(n int, locked bool) {
	for i := 0; i < n; i++ {
		done := make(chan int)
		go func(i int) {
			if locked { // to its thread
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
			}
			done <- step(10 + i%7)
		}(i)
		sink += <-done
	}
}

// Two goroutines in the same function, in turns on one thread.
func both(n int) {
	var wait sync.WaitGroup

	runtime.GOMAXPROCS(1)
	for g := 0; g < 2; g++ {
		wait.Add(1)
		go func(g int) {
			for i := 0; i < n; i++ {
				yielding(g, i)
			}
			wait.Done()
		}(g)
	}
	wait.Wait()
}

//go:noinline
func yielding(g, i int) int {
	runtime.Gosched()
	got := deep(i * 10)
	runtime.Gosched()
	return got + g
}

func hits(n int) {
	for i := 0; i < n; i++ {
		mark()
	}
}

//go:noinline
func middle(f func(int) int) int { return f(1) + 1 }

func outer(f func(int) int) int { return middle(f) + 1 }

func main() {
	n := 20
	if len(os.Args) > 2 {
		n, _ = strconv.Atoi(os.Args[2])
	}
	what := map[string]func(int) int{"spawn": spawn, "park": park,
		"fault": fault, "interrupt": interrupt, "spin": spin,
		"collect": collect, "call": call, "callback": callback,
		"grow": func(n int) int { return grow(1000) }}
	switch os.Args[1] {
	case "steps":
		steps(3*n, true)
	case "drift":
		steps(3*n, false)
	case "both":
		both(3 * n)
	case "hits":
		hits(n)
	default:
		done := make(chan bool)
		go func() { // on a small stack
			sink += outer(what[os.Args[1]])
			done <- true
		}()
		<-done
	}
	fmt.Println("done", os.Args[1])
}
