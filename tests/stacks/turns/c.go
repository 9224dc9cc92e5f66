// SPDX-License-Identifier: GPL-3.0-or-later

//go:build cgo
// +build cgo

package main

// A thread's own variables of C's, beside which Go's g has another place.

// static __thread long own[9] = {1};
// static long touch(void) { return own[0]++ + own[8]--; }
import "C"

func init() { C.touch() }
