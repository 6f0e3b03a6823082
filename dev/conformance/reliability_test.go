package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReliabilityNamesTests holds docs/reliability.md against the sources: each test that it names is there.
func TestReliabilityNamesTests(t *testing.T) {
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	err = filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if base := d.Name(); dir != root && (strings.HasPrefix(base, ".") && base != ".." || base == "node_modules" || base == "testdata" || base == "build") {
			return filepath.SkipDir
		}
		p, err := parsePackage(dir, "")
		if err != nil {
			return err
		}
		for name := range p.uses {
			known[name] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)").FindAllStringSubmatch(string(page), -1)
	if len(named) < 20 {
		t.Fatalf("the page names %d tests", len(named))
	}
	for _, name := range named {
		if !known[name[1]] {
			t.Errorf("docs/reliability.md names %s, which is no test", name[1])
		}
	}
}
