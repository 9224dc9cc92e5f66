// SPDX-License-Identifier: GPL-3.0-or-later

// goroutines N: N goroutines, one in eight each waiting in its own way, ten
// calls deep; then "ready" and a wait for the end of input. Goroutines whose
// number a server would have: connections, workers, timers, locks.
//
// goroutines hits: a function called 10,000 times, to break on.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

type task struct {
	id    int
	ch    chan int
	other chan int
	lock  *sync.Mutex
	group *sync.WaitGroup
}

var waiting atomic.Int64

//go:noinline
func (t *task) handle(depth int) int {
	if depth > 0 {
		return t.handle(depth-1) + 1
	}
	return t.wait()
}

//go:noinline
func (t *task) wait() int {
	waiting.Add(1)
	switch t.id % 8 {
	case 0, 1:
		return <-t.ch
	case 2:
		t.other <- t.id
	case 3, 4:
		select {
		case n := <-t.ch:
			return n
		case t.other <- 1:
		}
	case 5:
		t.lock.Lock()
		t.lock.Unlock()
	case 6:
		t.group.Wait()
	case 7:
		time.Sleep(time.Hour)
	}
	return t.id
}

//go:noinline
func hit(n int) int {
	return n + 1
}

func main() {
	if os.Args[1] == "hits" {
		n := 0
		for i := 0; i < 10000; i++ {
			n = hit(n)
		}
		fmt.Println(n)
		return
	}
	count, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	t := task{ch: make(chan int), other: make(chan int), lock: new(sync.Mutex), group: new(sync.WaitGroup)}
	t.lock.Lock()
	t.group.Add(1)
	for i := 0; i < count; i++ {
		own := t
		own.id = i
		go func() { own.handle(8) }()
	}
	for waiting.Load() < int64(count) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond)
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}
