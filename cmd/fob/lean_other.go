//go:build !linux

package main

import "runtime/debug"

// gcPercent makes the collector run after a quarter of growth; see lean_linux.go.
const gcPercent = 25

// lean gives back what only starting needed.
func lean() { debug.FreeOSMemory() }
