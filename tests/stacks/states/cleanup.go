// SPDX-License-Identifier: GPL-3.0-or-later

//go:build go1.24
// +build go1.24

package main

import "runtime"

// cleanUp leaves a goroutine of the runtime's waiting in our code.
func cleanUp(p *lot) {
	runtime.AddCleanup(&inner{6}, func(p *lot) { <-p.never }, p)
	<-p.never
}

func init() { more = append(more, cleanUp) }
