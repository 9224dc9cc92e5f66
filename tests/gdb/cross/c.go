// SPDX-License-Identifier: GPL-3.0-or-later

//go:build cgo
// +build cgo

package main

/*
extern int goCallback(int);
static __attribute__((noinline)) int c_leaf(int n) { return n + 1; }
static __attribute__((noinline)) int c_call(int n) { return c_leaf(n) + 1; }
static __attribute__((noinline)) int c_back(int n) { return goCallback(n) + 1; }
*/
import "C"

//go:noinline
func call(n int) int {
	mark()
	return int(C.c_call(C.int(n)))
}

//go:noinline
func callback(n int) int {
	mark()
	return int(C.c_back(C.int(n)))
}

//export goCallback
func goCallback(n C.int) C.int {
	if n < 3 {
		return C.c_back(n + 1)
	}
	return n + C.int(deep(100))
}
