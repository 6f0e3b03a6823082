package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// event is a line of `go test -json`; go doc test2json describes it.
type event struct {
	Time                          time.Time
	Action, Package, Test, Output string
}

// outcome is how a test ended last.
type outcome struct {
	at     time.Time
	action string // pass, fail or skip
}

// readResults reads files of `go test -json`. Of several runs of a test the latest counts.
func readResults(paths []string) (map[test]outcome, error) {
	known := map[test]outcome{}
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		err = events(file, func(e event, _ string) {
			key := test{e.Package, e.Test}
			if e.Test != "" && (e.Action == "pass" || e.Action == "fail" || e.Action == "skip") && !e.Time.Before(known[key].at) {
				known[key] = outcome{e.Time, e.Action}
			}
		})
		file.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return known, nil
}

// events reads to the end; a line that is no JSON (go itself complains) comes as it is, with an empty event.
func events(in io.Reader, do func(e event, raw string)) error {
	r := bufio.NewReader(in)
	for {
		row, err := r.ReadString('\n')
		if row != "" {
			var e event
			if json.Unmarshal([]byte(row), &e) != nil {
				e = event{}
			}
			do(e, row)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// tell prints what `go test` would have: a line for each package, and what a failed test said. The exit code is go's own; see
// dev/gotest.sh. With all, it prints everything at once, as -v does.
func tell(in io.Reader, out io.Writer, all bool) error {
	said, order := map[test]*strings.Builder{}, []test{} // what tests that have not ended said, in the order they began
	flush := func(wanted func(test) bool, print bool) {
		kept := order[:0]
		for _, t := range order {
			if !wanted(t) {
				kept = append(kept, t)
				continue
			}
			if print {
				io.WriteString(out, said[t].String())
			}
			delete(said, t)
		}
		order = kept
	}
	return events(in, func(e event, raw string) {
		t := test{e.Package, e.Test}
		family := func(o test) bool {
			return o.pkg == t.pkg && (t.name == "" || o.name == t.name || strings.HasPrefix(o.name, t.name+"/"))
		}
		switch {
		case e.Action == "":
			io.WriteString(out, raw)
		case all:
			io.WriteString(out, e.Output)
		case e.Action == "build-output" || e.Action == "output" && e.Test == "":
			if e.Output != "PASS\n" {
				io.WriteString(out, e.Output)
			}
		case e.Action == "output":
			if said[t] == nil {
				said[t] = &strings.Builder{}
				order = append(order, t)
			}
			if !noise(e.Output) {
				said[t].WriteString(e.Output)
			}
		case e.Action == "fail" && !strings.Contains(e.Test, "/"):
			flush(family, true) // of the package: a panic or the time limit ended it inside a test
		case e.Action == "pass" || e.Action == "skip":
			flush(family, false)
		}
	})
}

// noise is what -json adds to a test's own words.
func noise(output string) bool {
	for _, prefix := range []string{"=== RUN", "=== PAUSE", "=== CONT", "=== NAME"} {
		if strings.HasPrefix(output, prefix) {
			return true
		}
	}
	return false
}
