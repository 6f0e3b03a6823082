package edges

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// decoders are the functions that look into a JWT, with what they look at. What is in an access token is the API's business
// (RFC 9068 §6): it is decoded to be shown and for nothing else. A new row must say what it decodes.
var decoders = map[string]string{
	"oauth/inspect.go InspectJWT":                "what its caller gives, to be shown",
	"oauth/idtoken.go checkFormat":               "an ID token",
	"oauth/backchannel.go finish":                "an ID token",
	"oauth/jarm.go stateIn":                      "an authorization response",
	"oauth/jarm.go verifyResponse":               "an authorization response",
	"oauth/userinfo.go readUserInfo":             "a userinfo answer",
	"oauth/introspect.go verify":                 "an introspection answer",
	"oauth/resource.go believe":                  "resource metadata",
	"oauth/bearer.go JWTBearer":                  "the user's own assertion, before it is sent",
	"oauth/exchange.go GuessTokenType":           "a token the user gives, for the name of its type",
	"oauth/mask.go explainJWT":                   "anything in a trace, to be masked and shown",
	"internal/session/tokens.go unseal":          "an ID token",
	"internal/session/state.go Details":          "an access token, to be shown",
	"internal/cli/inspect.go inspectVerb":        "standard input, to be shown",
	"internal/session/state.go Details (claims)": "the only writer of what is shown",
	"internal/cli/show.go showText (claims)":     "shows them",
	"ui/claimstab.go show (claims)":              "shows them",
	"ui/tabs.go show (claims)":                   "takes them away while Fob is locked",
}

// no logic depends on what is in an access token. Whoever decodes a JWT or touches an access token's claims is listed.
func TestNobodyDecidesByAnAccessToken(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "build", "node_modules", "testdata", "authserver"}, entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		for _, decl := range syntax.Decls {
			f, is := decl.(*ast.FuncDecl)
			if !is {
				continue
			}
			note := func(suffix string) { seen[filepath.ToSlash(relative)+" "+f.Name.Name+suffix] = true }
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					if name := called(n); name == "InspectJWT" || name == "parseJWT" {
						note("")
					}
				case *ast.SelectorExpr:
					if n.Sel.Name == "AccessClaims" {
						note(" (claims)")
					}
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for place := range seen {
		if decoders[place] == "" {
			t.Errorf("%s looks into a JWT: say what it looks at, and decide nothing by an access token", place)
		}
	}
	for place := range decoders {
		if !seen[place] {
			t.Errorf("%s looks into no JWT any more", place)
		}
	}
}

// called is the name of the function that a call calls.
func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}
