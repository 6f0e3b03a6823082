package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPages holds that the pages in the repository are those of the verbs as they are.
func TestPages(t *testing.T) {
	made, kept := t.TempDir(), filepath.Join("..", "..", "..", "assets", "man")
	if err := write(made); err != nil {
		t.Fatal(err)
	}
	want, got := pages(t, made), pages(t, kept)
	if len(want) < 20 {
		t.Fatalf("only %d pages were made", len(want))
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s differs: run go run ./internal/cli/mangen assets/man", name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is of a verb that is gone: run go run ./internal/cli/mangen assets/man", name)
		}
	}
}

func pages(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = string(text)
	}
	return all
}
