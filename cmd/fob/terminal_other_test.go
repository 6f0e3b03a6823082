//go:build !linux

package main

import "github.com/rogpeppe/go-internal/testscript"

// terminal is there on Linux alone, and so is its script.
func terminal(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("there is no terminal here") }
