// SPDX-License-Identifier: GPL-3.0-or-later

package main

// more is what only some releases and builds have.
var more []func(*lot)
