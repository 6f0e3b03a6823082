//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// person is somebody at a browser: the command for Fob to open it with, and what became of it.
type person struct {
	t       *testing.T
	command string
	report  string
}

// newPerson names what the person does with options of browser/login.mjs.
func newPerson(d *desk, options ...string) *person {
	d.t.Helper()
	dir, err := os.MkdirTemp(d.root, "browser-")
	must(d.t, err)
	script, err := filepath.Abs(filepath.Join("browser", "login.mjs"))
	must(d.t, err)
	report := filepath.Join(dir, "report.json")
	words := append([]string{node(), script, "--report", report}, options...)
	for _, word := range words {
		if strings.ContainsAny(word, " '\"\\%:$") {
			d.t.Fatalf("%q would need quoting in a browser command", word)
		}
	}
	return &person{t: d.t, command: strings.Join(words, " "), report: report}
}

// visits is what the browser saw.
type visits struct {
	Title, Text, Address string
	Complaints, Requests []string
	Failure              string
}

// saw waits until the browser is closed and says what it saw.
func (p *person) saw() (v visits) {
	p.t.Helper()
	var text []byte
	until(p.t, "browser closed", func() bool {
		var err error
		text, err = os.ReadFile(p.report)
		return err == nil
	})
	must(p.t, json.Unmarshal(text, &v))
	if v.Failure != "" {
		p.t.Fatalf("browser: %s", v.Failure)
	}
	return v
}

// open opens an address as Fob would.
func (p *person) open(d *desk, address string) visits {
	p.t.Helper()
	words := append(strings.Fields(p.command), address)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Env = d.env()
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("browser: %v\n%s", err, out)
	}
	return p.saw()
}
