// SPDX-License-Identifier: GPL-3.0-or-later

// Goroutines of which the program knows all that can be asked. It prints
// questions ("ask WORDS") and the goroutines that are to be the answer ("> IDS"),
// in the order of the list where the words ask for one. With an argument it ends
// in a panic after that. What is old must stay so, and the runtime collects garbage
// every two minutes: it is to be asked before that. Compiles with Go 1.16 to the newest.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sort"
	"sync"
	"syscall"
	"time"
)

type known struct {
	id                       int
	state, fn, job, sentence string
	c                        chan int
	old                      bool
}

var all []known

func self() (id int) {
	var b [64]byte
	runtime.Stack(b[:], false)
	fmt.Sscanf(string(b[:]), "goroutine %d ", &id)
	return
}

// begin starts f with k's labels and notes who it is.
func begin(k known, f func()) {
	id := make(chan int)
	var labels []string
	if k.job != "" {
		labels = append(labels, "job", k.job)
	}
	if k.sentence != "" {
		labels = append(labels, "a key", k.sentence)
	}
	pprof.Do(context.Background(), pprof.Labels(labels...),
		func(context.Context) {
			go func() {
				id <- self()
				f()
			}()
		})
	k.id = <-id
	all = append(all, k)
}

//go:noinline
func receiver(c chan int) { <-c }

//go:noinline
func chooser(c, d chan int) {
	select {
	case <-c:
	case d <- 1:
	}
}

//go:noinline
func locker(m *sync.Mutex) { m.Lock() }

//go:noinline
func sleeper() { time.Sleep(1000 * time.Hour) }

//go:noinline
func reader(fd int) { syscall.Read(fd, make([]byte, 1)) }

//go:noinline
func pinned(c chan int) {
	runtime.LockOSThread()
	<-c
}

//go:noinline
func deep(n int, c chan int) int {
	if n == 0 {
		return <-c
	}
	return deep(n-1, c) + 1
}

func ask(words string, sorted bool, is func(k known) bool) {
	var ids []int
	for _, k := range all {
		if is(k) {
			ids = append(ids, k.id)
		}
	}
	if !sorted {
		sort.Ints(ids)
	}
	fmt.Printf("ask %s\n>", words)
	for _, id := range ids {
		fmt.Printf(" %d", id)
	}
	fmt.Println()
}

func order(less func(a, b known) bool) {
	sort.Slice(all, func(i, j int) bool {
		if less(all[i], all[j]) || less(all[j], all[i]) {
			return less(all[i], all[j])
		}
		return all[i].id < all[j].id
	})
}

func main() {
	crash := len(os.Args) > 1
	debug.SetGCPercent(-1)
	c, d, never := make(chan int), make(chan int), make(chan int)
	var m sync.Mutex
	var pipe [2]int
	if err := syscall.Pipe(pipe[:]); err != nil {
		panic(err)
	}
	m.Lock()
	for i := 0; i < 6; i++ {
		begin(known{state: "chan receive", fn: "receiver", old: true,
			job: fmt.Sprint(i % 3), c: c}, func() { receiver(c) })
	}
	for i := 0; i < 3; i++ {
		begin(known{state: "select", fn: "chooser", old: true, c: d},
			func() { chooser(c, d) })
		begin(known{state: "mutex", fn: "locker", old: true,
			sentence: "with a blank"}, func() { locker(&m) })
	}
	begin(known{state: "sleep", fn: "sleeper", old: true, job: "1"}, sleeper)
	begin(known{state: "syscall", fn: "reader", old: true},
		func() { reader(pipe[0]) })
	begin(known{state: "chan receive", fn: "pinned", old: true, c: never},
		func() { pinned(never) })
	time.Sleep(300 * time.Millisecond) // all wait, and the reader is in a call
	runtime.GC()                       // its time is what the next one notes
	runtime.GC()                       // as the moment since when they wait
	time.Sleep(3 * time.Second)
	if crash {
		runtime.GC()
	}
	for i := 0; i < 2; i++ {
		begin(known{state: "chan receive", fn: "deep", c: never, job: "2"},
			func() { deep(200, never) })
	}
	time.Sleep(300 * time.Millisecond)
	if crash { // else it is never known since when these wait
		runtime.GC()
	}

	here := known{id: self(), state: "chan receive", fn: "main", c: never}
	if crash {
		here.state = "running"
		here.c = nil
	}
	all = append(all, here)
	state := func(s string) func(k known) bool {
		return func(k known) bool { return k.state == s }
	}
	job := func(s string) func(k known) bool {
		return func(k known) bool { return k.job == s }
	}
	fn := func(s string) func(k known) bool {
		return func(k known) bool { return k.fn == s }
	}
	not := func(f func(k known) bool) func(k known) bool {
		return func(k known) bool { return !f(k) }
	}
	waits := func(k known) bool {
		return k.state != "running" && k.state != "syscall"
	}
	any := func(k known) bool { return true }
	none := func(k known) bool { return false }
	old := func(k known) bool { return k.old }

	ask("", false, any)
	ask("-with running", false, state("running"))
	ask("-without running", false, not(state("running")))
	ask("-with syscall", false, state("syscall"))
	ask("-without syscall", false, not(state("syscall")))
	ask("-with runnable", false, none)
	ask("-with waiting", false, waits)
	ask("-without waiting", false, not(waits))
	ask("-with user", false, any)
	ask("-without system", false, any)
	ask("-with system -with user", false, none)
	ask("-with wait chan receive", false, state("chan receive"))
	ask("-with wait 'chan rec'", false, state("chan receive"))
	ask("-with 'wait chan'", false, state("chan receive"))
	ask("-without wait chan", false, not(state("chan receive")))
	ask("-with wait sleep -limit 9", false, state("sleep"))
	ask("-with wait select", false, state("select"))
	ask("-with wait no such reason", false, none)
	ask("-with age >2s", false, old)
	ask("-with age > 2s", false, old)
	ask("-with 'age >= 2s'", false, old)
	ask("-without age >2s", false, not(old))
	ask("-with age <=1h -with age >=1s", false, old)
	ask("-with age >1d", false, none)
	// others may choose among c and d
	ask(fmt.Sprintf("-with chan %p", c), false, func(k known) bool {
		return k.c == c || k.fn == "chooser"
	})
	ask(fmt.Sprintf("-with chan %p", d), false, fn("chooser"))
	ask(fmt.Sprintf("-with chan %p -with chan %p", c, d), false, fn("chooser"))
	ask(fmt.Sprintf("-without chan %p", never), false,
		func(k known) bool { return k.c != never })
	ask("-with label job=1", false, job("1"))
	ask("-with label job", false, not(job("")))
	ask("-without label job", false, job(""))
	ask("-with label job=", false, none)
	ask("-with label 'a key=with a blank'", false, fn("locker"))
	ask("-with label 'a key'", false, fn("locker"))
	ask("-with label job=2 -with wait chan -without func deep", false,
		func(k known) bool { return k.job == "2" && k.fn == "receiver" })
	ask(`-with func ^main\.deep$`, false, fn("deep"))
	ask(`-with func '^sync\.\(\*Mutex\)\.Lock$'`, false, fn("locker"))
	ask("-with func main.(receiver|chooser)", false, func(k known) bool {
		return k.fn == "receiver" || k.fn == "chooser"
	})
	ask("-with func nosuch", false, none)
	ask("-with file /main.go$", false, any)
	ask(`-without file time/sleep\.go|runtime/time\.go`, false,
		not(fn("sleeper")))
	order(func(a, b known) bool { return false })
	ask("-sort id", true, any)
	ask("-sort id -limit 4", true, func(k known) bool {
		return k.id <= all[3].id
	})
	order(func(a, b known) bool { return a.fn < b.fn })
	ask("-sort loc", true, any)
	ask("-with label job=1 -sort loc", true, job("1"))
	ask("-sort loc -with func deep -t 1", true, fn("deep"))
	order(func(a, b known) bool {
		rank := func(k known) int {
			if k.old {
				return 0
			} else if crash && k.fn == "main" {
				return 2
			}
			return 1
		}
		return rank(a) < rank(b)
	})
	ask("-sort age", true, any)
	fmt.Printf("channels %p %p\n", c, d)
	fmt.Println("ready")
	if crash {
		panic("that was all")
	}
	<-never
}
