// SPDX-License-Identifier: GPL-3.0-or-later

//go:build go1.23
// +build go1.23

package main

import "iter"

func numbers(yield func(int) bool) {
	for i := 0; yield(i); i++ {
	}
}

// pull leaves a coroutine behind, which waits for its next turn.
func pull(p *lot) {
	next, stop := iter.Pull(numbers)
	defer stop()
	next()
	<-p.never
}

// resumed waits inside of the coroutine, so that its creator does too.
func resumed(p *lot) {
	next, _ := iter.Pull(func(yield func(int) bool) {
		<-p.never
	})
	next()
}

func init() { more = append(more, pull, resumed) }
