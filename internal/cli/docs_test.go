package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// commandsIn are the commands of fob in the fenced blocks of a page, as a shell would split them. Lines of a grammar ([…], NAME…) are
// none.
func commandsIn(page string) (all [][]string) {
	for i, block := range strings.Split(page, "```") {
		if i%2 == 0 {
			continue
		}
		for line := range strings.Lines(block) {
			if strings.ContainsAny(line, "[…") && !strings.Contains(line, "'[") || strings.HasPrefix(line, "fob:") {
				continue
			}
			for _, at := range startOfFob.FindAllStringIndex(line, -1) {
				if words := shellWords(line[at[1]:]); len(words) > 0 {
					all = append(all, words)
				}
			}
		}
	}
	return all
}

// A command begins a line, or what another shell runs: after $(, <(, |, &&, ; or a quote.
var startOfFob = regexp.MustCompile(`(?:^\s*(?:\$ )?|[|(;]\s*|&& |='\$\(|-- )fob (?:$|)`)

// shellWords are the words up to what ends a command.
func shellWords(text string) (words []string) {
	var word strings.Builder
	quote, begun := rune(0), false
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	text, _, _ = strings.Cut(text, "   ") // a remark beside it
	for _, r := range text {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, begun = r, true
		case strings.ContainsRune(" \t", r):
			end()
		case strings.ContainsRune("|();&<>\n", r), r == '#' && !begun:
			end()
			return words
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	end()
	return words
}

// Every command that the documentation shows is one of this program's: its verb is there, its flags are, and it has as many words as
// the verb takes.
func TestCommandsOfTheDocs(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) < 10 {
		t.Fatal(pages, err)
	}
	seen := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, words := range commandsIn(string(text)) {
			seen++
			if err := understood(words); err != nil {
				t.Errorf("%s: fob %s: %v", filepath.Base(page), strings.Join(words, " "), err)
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d commands were found", seen)
	}
	for _, bad := range []string{"tokn work", "token work --nope", "token", "token a b"} {
		if err := understood(strings.Fields(bad)); err == nil {
			t.Errorf("fob %s would be taken for a command", bad)
		}
	}
}

// understood says what is wrong with a command before it would run.
func understood(words []string) error {
	f := &face{}
	root := f.root()
	cmd, rest, err := root.Find(words)
	switch {
	case err != nil:
		return err
	case cmd.DisableFlagParsing:
		return nil // curl's, mostly
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if cmd == root && len(cmd.Flags().Args()) > 0 {
		return noSuchVerb(cmd, cmd.Flags().Args())
	}
	if cmd.Args == nil {
		return cobra.NoArgs(cmd, cmd.Flags().Args())
	}
	return cmd.Args(cmd, cmd.Flags().Args())
}
