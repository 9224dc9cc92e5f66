// SPDX-License-Identifier: GPL-3.0-or-later

// A goroutine for each state that lasts. When a line arrives on standard input
// the program prints its own traceback of all of them, and the same of
// runtime/pprof (/debug/pprof/goroutine?debug=2), and ends. Compiles with Go 1.16
// to the newest.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"time"
)

type lot struct {
	never  chan int
	full   chan int
	lock   sync.Mutex
	rw     sync.RWMutex
	cond   *sync.Cond
	group  sync.WaitGroup
	reader *os.File
	raw    int
}

type waiter interface{ wait(p *lot) }

type inner struct{ n int }

func (i inner) wait(p *lot) { <-p.never }

// outer gets wait by embedding: calls go through a wrapper.
type outer struct{ *inner }

func receive(p *lot) { <-p.never }

func send(p *lot) { p.full <- 1 }

func choose(p *lot) {
	select {
	case <-p.never:
	case p.full <- 1:
	}
}

func nothing(*lot) { select {} }

func nilReceive(*lot) {
	var c chan int
	<-c
}

func nilSend(*lot) {
	var c chan int
	c <- 1
}

func lock(p *lot) { p.lock.Lock() }

func readLock(p *lot) { p.rw.RLock() }

func writeLock(p *lot) { p.rw.Lock() }

func wait(p *lot) {
	p.cond.L.Lock()
	p.cond.Wait()
}

func group(p *lot) { p.group.Wait() }

func sleep(*lot) { time.Sleep(1000 * time.Hour) }

func read(p *lot) {
	var b [1]byte
	p.reader.Read(b[:])
}

func rawRead(p *lot) {
	var b [1]byte
	syscall.Read(p.raw, b[:])
}

func locked(p *lot) {
	runtime.LockOSThread()
	<-p.never
}

func deferred(p *lot) {
	defer func() { <-p.never }()
}

func panicking(p *lot) {
	defer func() { <-p.never }()
	panic("a panic that never ends")
}

// faulting waits in a deferred call under a signal's panic.
func faulting(p *lot) {
	defer func() { <-p.never }()
	var i *inner
	i.n = index(nil)
}

func index(s []int) int { return s[len(s)] }

func nilCall(p *lot) {
	defer func() { <-p.never }()
	var f func()
	f()
}

func nilMethod(p *lot) {
	defer func() { <-p.never }()
	var o waiter = (*inner)(nil)
	o.wait(p)
}

//go:noinline
func deep(p *lot, n int) {
	if n == 0 {
		<-p.never
	}
	deep(p, n-1)
	runtime.KeepAlive(p)
}

func recursing(p *lot) { deep(p, 130) }

func short(p *lot) { deep(p, 98) }

func twice(p *lot)  { once(p) }
func once(p *lot)   { inline(p) }
func inline(p *lot) { <-p.never }

func embedded(p *lot) { outer{&inner{1}}.wait(p) }

func throughInterface(p *lot) {
	var w waiter = outer{&inner{2}}
	w.wait(p)
}

func value(p *lot) {
	f := (&inner{3}).wait
	func(g func(*lot)) { g(p) }(f)
}

func labelled(p *lot) {
	pprof.Do(context.Background(), pprof.Labels("request", "a b", "user",
		"ada"), func(context.Context) { <-p.never })
}

func timer(p *lot) {
	select {
	case <-p.never:
	case <-time.After(1000 * time.Hour):
	}
}

func once2(p *lot) {
	var o sync.Once
	o.Do(func() { <-p.never })
}

func mapped(p *lot) {
	m := map[inner]func(){{4}: func() { <-p.never }}
	m[inner{4}]()
}

var kinds = []func(*lot){receive, send, choose, nothing, nilReceive, nilSend,
	lock, readLock, writeLock, wait, group, sleep, read, rawRead, locked,
	deferred, panicking, faulting, nilCall, nilMethod, recursing, short,
	twice, embedded, throughInterface, value, labelled, timer, once2, mapped}

// spin stays at one instruction.
func spin() {
	for {
	}
}

// finalize leaves the finalizer goroutine waiting in our code.
func finalize(p *lot) {
	runtime.SetFinalizer(&inner{5}, func(*inner) { <-p.never })
	for i := 0; i < 3; i++ {
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
}

func main() {
	p := &lot{never: make(chan int), full: make(chan int)}
	p.cond = sync.NewCond(&sync.Mutex{})
	p.lock.Lock()
	p.rw.Lock()
	p.group.Add(1)
	p.reader, _, _ = os.Pipe()
	var ends [2]int
	if syscall.Pipe(ends[:]) == nil {
		p.raw = ends[0]
	}
	for _, kind := range kinds {
		go kind(p)
		go func(k func(*lot)) { k(p) }(kind)
	}
	for _, kind := range more {
		go kind(p)
	}
	finalize(p)
	// more than there are processors: some run, some could; only signals
	// can stop them
	if !strings.Contains(os.Getenv("GODEBUG"), "asyncpreemptoff=1") {
		runtime.GOMAXPROCS(3)
		for i := 0; i < 4; i++ {
			go spin()
		}
	}
	time.Sleep(200 * time.Millisecond)
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')
	b := make([]byte, 1<<20)
	os.Stdout.Write(b[:runtime.Stack(b, true)])
	fmt.Println("pprof")
	pprof.Lookup("goroutine").WriteTo(os.Stdout, 2)
}
