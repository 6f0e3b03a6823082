// Conformance writes docs/conformance.md: which test holds which requirement (R-line) and which feature (F-row), and how those
// tests ended. The lines are in requirements.txt and features.txt; a test holds one by naming it in a comment (// R-092).
//
//	go run ./dev/conformance write docs/conformance.md build/results/*.json   the table, with results of `go test -json`
//	go run ./dev/conformance check docs/conformance.md                        whether it says what the sources say; runs no test
//	go run ./dev/conformance tell < go-test.json                              what `go test` without -json would have printed
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

const usage = "usage: go run ./dev/conformance write PAGE RESULTS… | check PAGE | tell [-v]"

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	switch {
	case len(args) >= 2 && args[0] == "write":
		known, err := readResults(args[2:])
		if err != nil {
			return err
		}
		t, err := sources(".")
		if err != nil {
			return err
		}
		return os.WriteFile(args[1], []byte(t.page(known)), 0o644)
	case len(args) == 2 && args[0] == "check":
		t, err := sources(".")
		if err != nil {
			return err
		}
		page, err := os.ReadFile(args[1])
		if err != nil {
			return err
		}
		return t.check(args[1], string(page))
	case len(args) >= 1 && args[0] == "tell":
		return tell(in, out, slices.Contains(args, "-v"))
	}
	return errors.New(usage)
}
