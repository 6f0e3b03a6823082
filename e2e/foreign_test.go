//go:build e2e && linux

package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// foreign is a program that speaks lines of JSON: a server nobody here wrote, behind a script of ours that starts it. It takes
// orders, a line each, and ends when its standard input does.
type foreign struct {
	t     *testing.T
	name  string
	stdin io.Writer
	lines chan []byte
	end   func() // ends it and waits until it has; once
}

// startForeign starts cmd. When the test ends, the program must end well and must have said nothing that has one of the words on
// its standard error.
func startForeign(t *testing.T, name string, cmd *exec.Cmd, unwanted ...string) *foreign {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s needs %s (make test installs it): %v", name, cmd.Path, err)
	}
	f := &foreign{t: t, name: name, stdin: stdin, lines: make(chan []byte, 100)}
	go func() {
		defer close(f.lines)
		r := bufio.NewReader(stdout)
		for {
			line, err := r.ReadBytes('\n')
			if json.Valid(line) {
				f.lines <- line
			}
			if err != nil {
				return
			}
		}
	}()
	f.end = sync.OnceFunc(func() {
		stdin.Close()
		late := time.AfterFunc(patience, func() { cmd.Process.Kill() })
		for range f.lines { // its output ends when it does
		}
		err := cmd.Wait()
		late.Stop()
		for _, word := range unwanted {
			if strings.Contains(stderr.String(), word) {
				t.Errorf("%s said %q", name, word)
			}
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if t.Failed() {
			t.Logf("%s's standard error:\n%s", name, stderr.String())
		}
	})
	t.Cleanup(f.end)
	return f
}

// next waits for a line that is wanted.
func (f *foreign) next(what string, wanted func(line []byte) bool) {
	f.t.Helper()
	end := time.After(patience)
	for {
		select {
		case line, open := <-f.lines:
			var failed struct{ Failed, Why string }
			switch {
			case !open:
				f.t.Fatalf("%s ended; waited for %s (dev/e2e.sh installs what it needs)", f.name, what)
			case json.Unmarshal(line, &failed) == nil && failed.Failed != "":
				f.t.Fatalf("%s, %s: %s", f.name, failed.Failed, failed.Why)
			case wanted(line):
				return
			}
		case <-end:
			f.t.Fatalf("%s says nothing of %s", f.name, what)
		}
	}
}

// ready waits for the line that says {"ready":true, …} and reads it.
func (f *foreign) ready(into any) {
	f.t.Helper()
	f.next("being ready", func(line []byte) bool {
		var is struct{ Ready bool }
		if json.Unmarshal(line, &is) != nil || !is.Ready {
			return false
		}
		must(f.t, json.Unmarshal(line, into))
		return true
	})
}

// say gives an order and reads the line that answers it.
func (f *foreign) say(order string, into any) {
	f.t.Helper()
	_, err := io.WriteString(f.stdin, order+"\n")
	must(f.t, err)
	name, _, _ := strings.Cut(order, " ")
	f.next(order, func(line []byte) bool {
		var is struct{ Done string }
		if json.Unmarshal(line, &is) != nil || is.Done != name {
			return false
		}
		must(f.t, json.Unmarshal(line, into))
		return true
	})
}
