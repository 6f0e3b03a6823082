package main

import (
	"archive/zip"
	"io"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// holds ZIP WORD…: some file in the archive holds each of the words; ! holds: neither the archive's own bytes nor any file in it holds
// any of them. @FILE is what stands in the file, without white space around it.
func holds(ts *testscript.TestScript, neg bool, args []string) {
	packed, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	archive, err := zip.OpenReader(ts.MkAbs(args[0]))
	ts.Check(err)
	defer archive.Close()
	all := []string{string(packed)}
	for _, member := range archive.File {
		f, err := member.Open()
		ts.Check(err)
		text, err := io.ReadAll(f)
		ts.Check(err)
		all = append(all, string(text))
	}
	if len(all) < 6 {
		ts.Fatalf("%d files are in it", len(all)-1)
	}
	for _, word := range args[1:] {
		if name, isFile := strings.CutPrefix(word, "@"); isFile {
			word = strings.TrimSpace(ts.ReadFile(name))
		}
		if len(word) < 3 {
			ts.Fatalf("%q is too short to be looked for", word)
		}
		found := false
		for _, text := range all {
			if at := strings.Index(strings.ToLower(text), strings.ToLower(word)); at >= 0 {
				found = true
				if neg {
					ts.Fatalf("%q is in it, after %q", word, text[max(0, at-120):at])
				}
			}
		}
		if !neg && !found {
			ts.Fatalf("%q is not in it", word)
		}
	}
}
