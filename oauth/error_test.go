package oauth

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// listedCodes reads the codes out of code.go, so that none is forgotten.
func listedCodes(t *testing.T) []Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var list []Code
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
			if lit, ok := v.Values[0].(*ast.BasicLit); ok {
				s, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Error(err)
				}
				list = append(list, Code(s))
			}
		}
		return true
	})
	return list
}

// Every code has a sentence and a remedy, in the voice of the program: R-018.
func TestCodesExplain(t *testing.T) {
	codes := listedCodes(t)
	if len(codes) < 40 {
		t.Fatalf("only %d codes", len(codes))
	}
	seen := map[string]Code{}
	for _, c := range append(codes, "vendor_code", "") {
		sentence, remedy := c.Explain()
		if sentence == "" || remedy == "" || strings.HasSuffix(sentence, ".") || strings.HasSuffix(remedy, ".") ||
			strings.ToLower(sentence[:1]) != sentence[:1] {
			t.Errorf("%s: %q, %q", c, sentence, remedy)
		}
		if other, twice := seen[sentence]; twice && c.known() {
			t.Errorf("%s and %s say the same", c, other)
		}
		seen[sentence] = c
		if c != "" && c.known() != (c != "vendor_code") {
			t.Errorf("%s: known %v", c, c.known())
		}
	}
}

// Every error code of RFC 6749 is told apart on the redirect and at the token
// endpoint: R-018.
func TestCodesUnwrap(t *testing.T) {
	for _, c := range listedCodes(t) {
		e := &Error{what: "token endpoint", Code: c}
		if !errors.Is(fmt.Errorf("profile work: %w", e), c) || errors.Is(e, Code("x")) {
			t.Errorf("%s does not unwrap", c)
		}
	}
}

func TestErrorText(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{&Error{what: "token endpoint", Endpoint: "https://id.example/t", Code: InvalidGrant, Status: 400, Description: "gone"},
			"token endpoint https://id.example/t: invalid_grant (status 400): gone"},
		{&Error{what: "token endpoint", Endpoint: "https://id.example/t", Err: ErrTimeout},
			"token endpoint https://id.example/t: the answer was not complete in time"},
		{&Error{Code: InvalidScope}, "invalid_scope"},
		{&Error{what: "issuer", Err: ErrInsecure}, "issuer: the address is not https"},
		{&Error{Status: 400}, "the server refused (status 400)"},
		{&CheckError{Check: Check{Name: "nonce"}, Err: ErrNonce}, "id_token, check nonce: " + ErrNonce.Error()},
		{&CheckError{Check: Check{Name: "exp", Detail: "expired 3m ago"}, Err: ErrExpired}, "id_token, check exp: it has expired: expired 3m ago"},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestClean(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain text", "plain text"},
		{"AADSTS70008: expired.\r\nTrace ID: 7", "AADSTS70008: expired. Trace ID: 7"},
		{"<p>Hello</p><!-- x --><br/>you", "Hello you"},
		{"<<b>script>alert(1)<</b>/script>", "scriptalert(1) /script"},
		{"<b", ""},
		{"a < b > c", "a b c"},
		{"\x1b]0;title\x07x\x00y\u202ez\ufeff", "]0;titlexyz"},
		{"grüße 日本", "grüße 日本"},
		{"\xff\xfe", ""},
		{strings.Repeat("a", 400), strings.Repeat("a", 300) + "…"},
		{"", ""},
	}
	for _, tt := range tests {
		if got := clean(tt.in, maxDescription); !equalLoosely(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func equalLoosely(a, b string) bool {
	return strings.Join(strings.Fields(a), " ") == strings.Join(strings.Fields(b), " ")
}

// error_uri is text, and only an address of the web: R-018.
func TestCleanURI(t *testing.T) {
	for in, want := range map[string]string{
		"https://id.example/why?x=1":           "https://id.example/why?x=1",
		"http://id.example/":                   "http://id.example/",
		"javascript:alert(1)":                  "",
		"file:///etc/passwd":                   "",
		"https://user:pass@id.example/":        "",
		"/relative":                            "",
		"https://" + strings.Repeat("a", 1000): "",
		"https://id.example/<script>":          "https://id.example/%3Cscript%3E",
	} {
		if got := cleanURI(in); got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
}

func TestParseChallenges(t *testing.T) {
	tests := []struct {
		lines []string
		want  []Challenge
	}{
		{nil, nil},
		{[]string{"Bearer"}, []Challenge{{"bearer", map[string]string{}}}},
		{[]string{`Bearer realm="x, y", error="invalid_token", error_description="a \"b\" c"`},
			[]Challenge{{"bearer", map[string]string{"realm": "x, y", "error": "invalid_token", "error_description": `a "b" c`}}}},
		{[]string{`Basic realm="a", Bearer Scope="r w", DPoP algs="ES256"`},
			[]Challenge{{"basic", map[string]string{"realm": "a"}}, {"bearer", map[string]string{"scope": "r w"}}, {"dpop", map[string]string{"algs": "ES256"}}}},
		{[]string{"Negotiate", "Bearer error = invalid_token"},
			[]Challenge{{"negotiate", map[string]string{}}, {"bearer", map[string]string{"error": "invalid_token"}}}},
		{[]string{`Bearer error="one", error="two"`}, []Challenge{{"bearer", map[string]string{"error": "one"}}}},
		{[]string{`Bearer error="open`}, []Challenge{{"bearer", map[string]string{"error": "open"}}}},
		{[]string{`="x"`, ",,,"}, nil},
	}
	for _, tt := range tests {
		if got := parseChallenges(tt.lines); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: %v, want %v", tt.lines, got, tt.want)
		}
	}
}

// This package is linked into a command line that starts in two milliseconds:
// nothing is computed before main.
func TestNothingAtStart(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.Name == "init" {
					t.Errorf("%s has an init function", f.Name())
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if v, ok := s.(*ast.ValueSpec); ok && d.Tok == token.VAR && len(v.Values) > 0 {
						t.Errorf("%s computes %s at start", f.Name(), v.Names[0])
					}
				}
			}
		}
	}
}

// A server without TLS stays one: nobody waits for it. R-015
func TestPlainServerIsNotTransient(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	_, err := Discover(t.Context(), nil, strings.Replace(srv.URL, "http:", "https:", 1))
	if err == nil || Transient(err) {
		t.Errorf("%v", err)
	}
}
