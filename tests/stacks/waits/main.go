// SPDX-License-Identifier: GPL-3.0-or-later

// Goroutines that wait for things whose addresses the program knows. It prints
// what is to be told of each thing: who waits on it, in the order in which they
// came. With an argument it ends in a panic after that, else when a line arrives
// on standard input. Compiles with Go 1.16 to the newest.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

var buf = make([]byte, 1<<20)

func self() (id int) {
	var b [64]byte
	runtime.Stack(b[:], false)
	fmt.Sscanf(string(b[:]), "goroutine %d ", &id)
	return
}

// begin starts f and comes back when it waits, with its id.
func begin(f func()) int {
	c := make(chan int)
	go func() {
		c <- self()
		f()
	}()
	id := <-c
	for {
		all := buf[:runtime.Stack(buf, true)]
		at := bytes.Index(all, []byte(fmt.Sprintf("goroutine %d [", id)))
		line := all[at:]
		line = line[:bytes.IndexByte(line, '\n')]
		if !bytes.Contains(line, []byte("[run")) &&
			!bytes.Contains(line, []byte("[syscall")) {
			return id
		}
		time.Sleep(time.Millisecond)
	}
}

// Each waits in a function of its own, which is told with it.

//go:noinline
func receive(c chan int) { <-c }

//go:noinline
func send(c chan int) { c <- 1 }

//go:noinline
func chooseReceive(c, d chan int) {
	select {
	case <-c:
	case <-d:
	}
}

//go:noinline
func chooseSend(c, d chan int) {
	select {
	case c <- 1:
	case <-d:
	}
}

//go:noinline
func lock(m *sync.Mutex) { m.Lock() }

//go:noinline
func readLock(m *sync.RWMutex) { m.RLock() }

//go:noinline
func writeLock(m *sync.RWMutex) { m.Lock() }

//go:noinline
func group(g *sync.WaitGroup) { g.Wait() }

//go:noinline
func wait(c *sync.Cond) {
	c.L.Lock()
	c.Wait()
}

//go:noinline
func read(f *os.File) { f.Read(make([]byte, 1)) }

//go:noinline
func write(f *os.File) { f.Write(make([]byte, 1<<20)) }

//go:noinline
func tick(c <-chan time.Time) { <-c }

// hold has the channel and waits for another.
//
//go:noinline
func hold(c, other chan int) {
	<-other
	c <- 1
}

//go:noinline
func nap() { time.Sleep(1000 * time.Hour) }

func ask(what interface{}) { fmt.Printf("ask %v\n", what) }

func head(format string, a ...interface{}) { fmt.Printf("> "+format+"\n", a...) }

func who(id int, what string) { fmt.Printf("> %d %s\n", id, what) }

// field is where one of a struct's fields is.
func field(of interface{}, names ...string) uintptr {
	for _, name := range names {
		f, ok := reflect.TypeOf(of).Elem().FieldByName(name)
		if ok {
			return reflect.ValueOf(of).Pointer() + f.Offset
		}
	}
	return reflect.ValueOf(of).Pointer() + 8 // up to 1.17, if aligned
}

func minor() (n int) {
	fmt.Sscanf(runtime.Version(), "go1.%d", &n)
	return
}

func address(c interface{}) string {
	return fmt.Sprintf("%#x", reflect.ValueOf(c).Pointer())
}

func channels() {
	c, d, never := make(chan int), make(chan int, 3), make(chan int)
	begin(func() { hold(c, never) })
	a := []int{begin(func() { receive(c) }),
		begin(func() { chooseReceive(c, d) }), begin(func() { receive(c) })}
	ask(address(c))
	head("channel %s of int, not buffered", address(c))
	who(a[0], "receives: main.receive")
	who(a[1], "receives, or another case: main.chooseReceive")
	who(a[2], "receives: main.receive")
	head("its address is on the stack of these, which may use it, or did:")
	head("main.hold")

	e := make(chan int, 2)
	e <- 1
	e <- 1
	a = []int{begin(func() { send(e) }),
		begin(func() { chooseSend(e, never) })}
	ask(address(e))
	head("channel %s of int, 2 of 2 buffered", address(e))
	who(a[0], "sends: main.send")
	who(a[1], "sends, or another case: main.chooseSend")

	f := make(chan struct{ a, b string })
	close(f)
	ask(address(f))
	head("channel %s of struct { a string; b string }, not buffered, closed",
		address(f))
	head("nobody waits on it")

	t := time.NewTimer(1000 * time.Hour)
	id := begin(func() { tick(t.C) })
	ask(fmt.Sprintf("%p", t))
	head("%p holds the address of a channel", t)
	mark := ", of a timer" // channels tell since 1.23
	if minor() < 23 {
		mark = ""
	}
	head("channel %s of time.Time, 0 of 1 buffered%s", address(t.C), mark)
	who(id, "receives: main.tick")
}

func locks() {
	var lot struct {
		before [40]byte
		m      sync.Mutex
		after  [64]byte
	}
	lot.m.Lock()
	m := &lot.m
	a := []int{begin(func() { lock(m) }), begin(func() { lock(m) })}
	ask(fmt.Sprintf("%p", m))
	head("semaphore 0x%x, at +0x4", uintptr(unsafe.Pointer(m))+4)
	who(a[0], "main.lock")
	who(a[1], "main.lock")

	rw := &struct {
		m     sync.RWMutex
		after [64]byte
	}{}
	rw.m.RLock()
	writer := begin(func() { writeLock(&rw.m) })
	reader := begin(func() { readLock(&rw.m) })
	second := begin(func() { writeLock(&rw.m) })
	ask(fmt.Sprintf("%p", &rw.m))
	head("semaphore 0x%x, at +0x4", uintptr(unsafe.Pointer(&rw.m))+4)
	who(second, "main.writeLock")
	head("semaphore 0x%x, at +0x8", uintptr(unsafe.Pointer(&rw.m))+8)
	who(writer, "main.writeLock")
	head("semaphore 0x%x, at +0xc", uintptr(unsafe.Pointer(&rw.m))+12)
	who(reader, "main.readLock")

	g := &struct {
		g     sync.WaitGroup
		after [64]byte
	}{}
	g.g.Add(1)
	a = []int{begin(func() { group(&g.g) }), begin(func() { group(&g.g) })}
	sema := field(&g.g, "sema", "state2")
	ask(fmt.Sprintf("%p", g))
	head("semaphore %#x, at +%#x", sema, sema-uintptr(unsafe.Pointer(g)))
	who(a[0], "main.group")
	who(a[1], "main.group")

	k := sync.NewCond(&sync.Mutex{})
	a = []int{begin(func() { wait(k) }), begin(func() { wait(k) }),
		begin(func() { wait(k) })}
	list := field(k, "notify")
	ask(fmt.Sprintf("%p", k))
	head("condition variable's list %#x, at +%#x", list,
		list-uintptr(unsafe.Pointer(k)))
	for _, id := range a {
		who(id, "main.wait")
	}

	free := &[128]byte{}
	ask(fmt.Sprintf("%p", free))
	head("nobody waits there: %p is no channel, and no semaphore, condition "+
		"variable or timer within 64 bytes of it has a queue", free)
}

func fd(f *os.File) (n int) {
	c, err := f.SyscallConn()
	if err == nil {
		c.Control(func(fd uintptr) { n = int(fd) })
	}
	return
}

func files() {
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	_, full, _ := os.Pipe()
	reader := begin(func() { read(r) })
	writer := begin(func() { write(full) })
	ask(fmt.Sprintf("fd:%d", fd(r)))
	head("file descriptor %d", fd(r))
	who(reader, "waits to read: main.read")
	ask(fmt.Sprintf("fd:%d", fd(full)))
	head("file descriptor %d", fd(full))
	who(writer, "waits to write: main.write")
	ask(fmt.Sprintf("fd:%d", fd(w)))
	head("file descriptor %d", fd(w))
	head("nobody waits for it in the runtime's poller")
}

func main() {
	go func() { receive(make(chan int)) }() // knows none of them
	channels()
	locks()
	files()
	fmt.Println("sleeper", begin(nap))
	fmt.Println("ready")
	if len(os.Args) > 1 {
		panic("to leave a core")
	}
	bufio.NewReader(os.Stdin).ReadString('\n')
}
