// SPDX-License-Identifier: GPL-3.0-or-later

//go:build cgo
// +build cgo

package main

/*
#include <stdlib.h>

// What lies behind the last chunk of the heap is its size: malloc looks at it.
static __attribute__((noinline)) int c_break(int n) {
	volatile char *p = malloc(n);
	for (int i = 0; i < n + 16; i++)
		p[i] = -1;
	p = malloc(25 * n);
	return p[0];
}
*/
import "C"

//go:noinline
func broken(n int) int {
	return int(C.c_break(C.int(n)))
}
