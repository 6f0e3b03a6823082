package session

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fob/oauth"
)

// Every refusal of package oauth that a person can meet says, in its own words, what to do.
func TestEveryFailureHasARemedy(t *testing.T) {
	said := map[string]bool{}
	for _, f := range failures {
		said[f.err.Error()] = true
	}
	// Explained by the operation that meets them: explore.go, and refusedAnswer for what is wrong with an answer.
	elsewhere := []string{"ErrNoServer", "ErrChoose", "ErrTimeout", "ErrMalformed", "ErrEncrypted", "ErrAudience", "ErrAlgorithm", "ErrSignature", "ErrNoKey",
		"ErrExpired", "ErrIssuedAt", "ErrNonce", "ErrSubject", "ErrACR", "ErrAuthTime", "ErrHash"}
	for _, refused := range refusals {
		said[refused.Error()] = true
	}
	n := 0
	inspect := func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "failure" {
			return true
		}
		n++
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if name := spec.Names[0].Name; !said[text] && !slices.Contains(elsewhere, name) {
			t.Errorf("%s (%s) has no remedy", name, text)
		}
		return true
	}
	InspectSources(t, "../../oauth/*.go", inspect)
	if n < 40 {
		t.Errorf("%d failures: the test reads nothing", n)
	}
	for _, f := range failures {
		got := Explain("work", fmt.Errorf("somewhere: %w", f.err))
		if got.Kind != f.kind || got.Code != f.code || got.Remedy == "" || strings.Contains(got.Remedy, "{") || !strings.Contains(got.Sentence, f.err.Error()) {
			t.Errorf("%v: %+v", f.err, got)
		}
	}
}

// A vendor's own error is explained in the vendor's terms.
func TestVendorsErrorIsExplained(t *testing.T) {
	got := Explain("work", &oauth.Error{Code: oauth.InvalidClient, Status: 401, Description: "AADSTS7000215: Invalid client secret provided.", Endpoint: "https://login.microsoftonline.com/x/token"})
	if !strings.Contains(got.Sentence, "client secret is wrong") || !strings.Contains(got.Remedy, "Certificates & secrets") || got.Code != "invalid_client" {
		t.Errorf("%+v", got)
	}
	got = Explain("work", &oauth.Error{Code: oauth.InvalidGrant, Status: 400})
	if got.Kind != LogInFirst || got.Remedy != "log in again: fob login work" {
		t.Errorf("%+v", got)
	}
}

// InspectSources looks at every node of the sources that pattern names, tests left out.
func InspectSources(t *testing.T, pattern string, inspect func(ast.Node) bool) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, inspect)
	}
}
