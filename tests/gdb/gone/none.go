// SPDX-License-Identifier: GPL-3.0-or-later

//go:build !cgo
// +build !cgo

package main

func broken(n int) int { return n }
