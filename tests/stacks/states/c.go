// SPDX-License-Identifier: GPL-3.0-or-later

//go:build cgo
// +build cgo

package main

/*
#include <unistd.h>
static void c_wait(void) { for (;;) pause(); }
void goWait(int n);
static void c_back(int n) { goWait(n); }
*/
import "C"

var shared *lot

//export goWait
func goWait(n C.int) {
	if n > 0 {
		C.c_back(n - 1)
	}
	<-shared.never
}

func inC(*lot) { C.c_wait() }

func backFromC(p *lot) {
	shared = p
	C.c_back(2)
}

func init() { more = append(more, inC, backFromC) }
