//go:build !linux

package main

// hasDesktop: elsewhere whoever runs the agent has a desktop, and its environment need not name it.
func hasDesktop(map[string]string) bool { return true }
