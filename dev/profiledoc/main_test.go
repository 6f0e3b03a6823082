package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fob/profiles"
)

const page = "../../docs/profiles.md"

func TestPageIsWhatTheProgramSays(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	filled, err := fill(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if filled != string(text) {
		t.Errorf("docs/profiles.md is not what the program says; write it again: go run ./dev/profiledoc docs/profiles.md")
	}
	for _, f := range profiles.Fields() {
		if !strings.Contains(filled, "\n#### "+f.Key+"\n\n"+f.Help+"\n") {
			t.Errorf("the page does not explain %s", f.Key)
		}
		if kind(f) == "" || kind(f) == "; required" {
			t.Errorf("%s: the page has no words for the kind %s", f.Key, f.Kind)
		}
	}
	for _, p := range profiles.Presets() {
		if !strings.Contains(filled, "`--preset "+p.ID+"`") {
			t.Errorf("the page does not explain the preset %s", p.ID)
		}
	}
}

func TestSchemaIsWhatTheProgramSays(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(page), schema))
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != string(profiles.Schema()) {
		t.Errorf("docs/%s is not what the program says; write it again: go run ./dev/profiledoc docs/profiles.md", schema)
	}
}

func TestMarksAreNeeded(t *testing.T) {
	if _, err := fill("a page without marks"); err == nil {
		t.Error("a page without marks is filled")
	}
}
