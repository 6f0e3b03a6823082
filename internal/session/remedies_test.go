package session_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"fob/internal/cli"
	"fob/internal/session"
)

var namedCommand = regexp.MustCompile(`\bfob ([a-z][a-z-]*)( [a-z][a-z-]*)?([^;,()]*)`)

// No remedy names a command, or an option of it, that does not exist.
func TestRemediesNameCommandsThatExist(t *testing.T) {
	root := cli.Command()
	root.InitDefaultHelpFlag()
	found := 0
	inspect := func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range namedCommand.FindAllStringSubmatch(text, -1) {
			found++
			words := []string{m[1]}
			if m[2] != "" {
				words = append(words, strings.TrimSpace(m[2]))
			}
			cmd, _, err := root.Find(words)
			if err != nil || cmd == root || cmd.HasSubCommands() && len(words) > 1 {
				t.Errorf("%q: there is no command %v", text, words)
				continue
			}
			for _, flag := range strings.Fields(m[3]) {
				if name, ok := strings.CutPrefix(flag, "--"); ok && cmd.Flags().Lookup(name) == nil {
					t.Errorf("%q: %s has no option %s", text, m[1], flag)
				}
			}
		}
		return true
	}
	session.InspectSources(t, "*.go", inspect)
	if found < 20 {
		t.Errorf("%d commands named: the test reads nothing", found)
	}
}
