// SPDX-License-Identifier: GPL-3.0-or-later

//go:build go1.25
// +build go1.25

package main

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// bubble waits in all ways that testing/synctest knows.
func bubble(p *lot) {
	testing.Main(func(string, string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: "bubble", F: func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { inBubble(p) })
		}}}, nil, nil)
}

func inBubble(p *lot) {
	never, full := make(chan int), make(chan int)
	group := new(sync.WaitGroup)
	cond := sync.NewCond(&sync.Mutex{})

	group.Add(1)
	go func() { <-never }()
	go func() { full <- 1 }()
	go func() {
		select {
		case <-never:
		case full <- 1:
		}
	}()
	go func() { select {} }()
	go group.Wait()
	go time.Sleep(time.Hour)
	go func() {
		cond.L.Lock()
		cond.Wait()
	}()
	go func() { <-p.never }() // keeps the others from being a deadlock
	synctest.Wait()
}

func init() { more = append(more, bubble) }
