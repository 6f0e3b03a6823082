//go:build !windows

package main

import "syscall"

// limitCore keeps the agent's memory, and the tokens in it, out of core files. What cannot be limited is no reason
// to serve nobody.
func limitCore() {
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
}
