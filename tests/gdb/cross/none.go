// SPDX-License-Identifier: GPL-3.0-or-later

//go:build !cgo
// +build !cgo

package main

func call(n int) int     { return n }
func callback(n int) int { return n }
