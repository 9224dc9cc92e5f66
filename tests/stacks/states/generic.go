// SPDX-License-Identifier: GPL-3.0-or-later

//go:build go1.18
// +build go1.18

package main

type box[T any] struct{ v T }

func (b *box[T]) open(p *lot) { hold(p, b.v) }

//go:noinline
func hold[T any](p *lot, _ T) { <-p.never }

func generic(p *lot) { (&box[string]{"x"}).open(p) }

func genericClosure(p *lot) {
	each([]inner{{1}}, func(i inner) { i.wait(p) })
}

//go:noinline
func each[T any](s []T, f func(T)) {
	for _, v := range s {
		func() { f(v) }()
	}
}

func init() { more = append(more, generic, genericClosure) }
