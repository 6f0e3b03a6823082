package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMentions(t *testing.T) {
	exists := func(id string) bool { return id != "R-203" }
	for comment, want := range map[string]string{
		"// R-092": "R-092",
		"// The answer comes back. R-092, R-093.": "R-092 R-093",
		"// R-200…R-204":                          "R-200 R-201 R-202 R-204",
		"// R-220 to R-222, F-177":                "R-220 R-221 R-222 F-177",
		"// R-240..R-241 and F-001 – F-002":       "R-240 R-241 F-001 F-002",
		"// DR-100, R-1000, UTF-816, R-12":        "",
	} {
		if got := strings.Join(mentions(comment, exists), " "); got != want {
			t.Errorf("%s: %q, want %q", comment, got, want)
		}
	}
}

// tree writes files below a directory of the test.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// Each comment belongs to the test that it is in, above or behind; one of a helper or table to the tests that use it.
func TestHolders(t *testing.T) {
	root := tree(t, map[string]string{
		"a/a_test.go": `package a
// R-001: above.
func TestAbove(t *testing.T) {}

func TestBehind(t *testing.T) {} // R-002

func TestInside(t *testing.T) {
	for _, c := range cases { // R-003
	}
	helper()
}

// The table: R-004
var cases = []int{
	1, // R-005
}

// R-006
func helper() {}

func TestMain(m *testing.M) { helper() }

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}
`,
		"a/os_test.go":              "//go:build windows\n\npackage a\n\nfunc TestElsewhere(t *testing.T) {\n\t// R-001\n}\n",
		"a/testdata/script/x.txtar": "# R-007\nfob token # R-001\n-- file --\n# R-099\n",
		"a/a.go":                    "package a // R-099\n",
		"node_modules/b/b_test.go":  "package b\nfunc TestB(t *testing.T) {} // R-099\n",
	})
	held, err := holders(root, func(id string) bool { return id != "R-099" })
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"R-001": "a: TestAbove, TestElsewhere, TestScripts/x", "R-002": "a: TestBehind", "R-003": "a: TestInside", "R-004": "a: TestInside",
		"R-005": "a: TestInside", "R-006": "a: TestInside", "R-007": "a: TestScripts/x",
	}
	for id, tests := range want {
		if got := names(held[id]); got != tests {
			t.Errorf("%s: %q, want %q", id, got, tests)
		}
	}
	if len(held) != len(want) {
		t.Errorf("%d numbers, want %d", len(held), len(want))
	}
}

// A number that does not exist, and a comment that belongs to no test, are mistakes.
func TestHoldersRefuse(t *testing.T) {
	for text, want := range map[string]string{
		"package a\n\nfunc TestA(t *testing.T) {} // R-099\n":      "there is no R-099",
		"// R-001\npackage a\n\nfunc TestA(t *testing.T) {}\n":     "belongs to no test",
		"package a\n\nfunc unused() {} // R-001\n":                 "belongs to no test",
		"package a\n\nfunc BenchmarkA(b *testing.B) {} // R-001\n": "belongs to no test",
	} {
		_, err := holders(tree(t, map[string]string{"a_test.go": text}), func(id string) bool { return id == "R-001" })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// What is for later is no gap, and not held either: a test that names it says that the mark must go.
func TestLater(t *testing.T) {
	defer func(text string) { requirementsText = text }(requirementsText)
	requirementsText += "R-999 T nothing of it is there | later: comes next year\n"
	_, err := sources(tree(t, map[string]string{"a_test.go": "package a\n\nfunc TestA(t *testing.T) {} // R-999\n"}))
	if err == nil || !strings.Contains(err.Error(), "R-999 is for later") {
		t.Error(err)
	}
}

// The page follows the sources; when a test is added, gone or renamed, or a line changes, it is stale.
func TestStale(t *testing.T) {
	now := &table{requirements: []row{
		{line: line{id: "R-001", level: "M", text: "one | two"}, tests: []test{{"fob/oauth", "TestA"}, {"fob/e2e", "TestB"}}},
		{line: line{id: "R-002", level: "S", text: "nobody"}},
		{line: line{id: "R-003", level: "S", text: "server"}, tests: []test{{witness, "TestC"}}},
		{line: line{id: "R-004", level: "T", text: "proxy", later: "comes next year"}},
	}, features: []row{{line: line{id: "F-087", text: "web", none: "no web"}, where: "no web"}}}
	page := now.page(map[test]outcome{{"fob/oauth", "TestA"}: {action: "pass"}})
	for _, want := range []string{
		`| R-001 | M | one \| two | oauth: TestA; e2e: TestB | pass; *not run*: TestB |`, "| R-002 | S | nobody |  | **gap** |",
		"| **gap**: only the test server |", "| F-087 | web | no web |  |  |", "4, of which 1 are held by tests and 2 are gaps; 1 for later",
		"| R-004 | T | proxy |  | comes next year |",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q:\n%s", want, page)
		}
	}
	if err := now.check("p", page); err != nil {
		t.Fatal(err)
	}
	for _, stale := range []string{
		strings.Replace(page, "TestA; e2e", "TestA, TestX; e2e", 1), strings.Replace(page, "; e2e: TestB |", " |", 1),
		strings.Replace(page, "pass; ", "**fail**; ", 1), strings.Replace(page, "nobody", "somebody", 1),
		strings.Replace(page, "|  | **gap** |", "|  | pass |", 1), strings.Replace(page, "next year", "never", 1), page + "| R-009 | M | more | a: TestA | pass |\n", "",
	} {
		if now.check("p", stale) == nil {
			t.Errorf("taken for fresh:\n%s", stale)
		}
	}
}

// The data files can be read, and every F-row has a place.
func TestLines(t *testing.T) {
	requirements, err := parseLines(requirementsText)
	if err != nil || len(requirements) < 166 {
		t.Errorf("%d requirements: %v", len(requirements), err)
	}
	features, err := parseLines(featuresText)
	if err != nil || len(features) < 156 {
		t.Errorf("%d features: %v", len(features), err)
	}
	for _, r := range requirements {
		if !slices.Contains([]string{"M", "S", "T"}, r.level) {
			t.Errorf("%s has the level %q", r.id, r.level)
		}
	}
	for place, want := range map[string]bool{
		"profile issuer": true, "profile nonsense": false, "preset google": true, "preset nonsense": false,
		"fob profile add --preset": true, "fob token --nonsense": false, "fob nonsense": false, "fob profile nonsense": false,
		"oauth.Client.Refresh": true, "oauth.Token.ExpiresAt": true, "oauth.Discover": true, "oauth.Nonsense": false, "the window": true,
	} {
		if got, err := there("../..", place); got != want || err != nil {
			t.Errorf("%s: %v, %v", place, got, err)
		}
	}
}

// A place that Fob does not have is a mistake of the row, also two in one for want of a semicolon.
func TestPlacesExist(t *testing.T) {
	defer func(text string) { featuresText = text }(featuresText)
	root := tree(t, map[string]string{"a_test.go": "package a\n"})
	for row, refused := range map[string]bool{"fob header; fob print": false, "fob header, fob print": true, "profile nonsense": true, "oauth.Nonsense": true} {
		featuresText = "F-999 | Bearer header | " + row + "\n"
		if _, err := sources(root); (err != nil) != refused || refused && !strings.Contains(err.Error(), "F-999: Fob has no") {
			t.Errorf("%s: %v", row, err)
		}
	}
}

// tell prints what failed and a line for each package; results take the latest run of each test.
func TestResults(t *testing.T) {
	const stream = `{"Time":"2026-01-02T00:00:00Z","Action":"run","Package":"fob/a","Test":"TestGood"}
{"Action":"output","Package":"fob/a","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"output","Package":"fob/a","Test":"TestGood","Output":"quiet\n"}
{"Time":"2026-01-02T00:00:00Z","Action":"pass","Package":"fob/a","Test":"TestGood"}
{"Action":"output","Package":"fob/a","Test":"TestBad/sub","Output":"    why\n"}
{"Time":"2026-01-02T00:00:00Z","Action":"fail","Package":"fob/a","Test":"TestBad/sub"}
{"Time":"2026-01-02T00:00:00Z","Action":"fail","Package":"fob/a","Test":"TestBad"}
{"Action":"output","Package":"fob/a","Test":"TestHangs","Output":"panic: test timed out\n"}
{"Action":"output","Package":"fob/a","Output":"FAIL\tfob/a\t0.1s\n"}
{"Time":"2026-01-02T00:00:00Z","Action":"fail","Package":"fob/a"}
go: no such package
`
	var out strings.Builder
	if err := tell(strings.NewReader(stream), &out, false); err != nil {
		t.Fatal(err)
	}
	if want := "    why\nFAIL\tfob/a\t0.1s\npanic: test timed out\ngo: no such package\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	root := tree(t, map[string]string{"1.json": stream, "2.json": `{"Time":"2026-01-03T00:00:00Z","Action":"pass","Package":"fob/a","Test":"TestBad"}` + "\n"})
	known, err := readResults([]string{filepath.Join(root, "2.json"), filepath.Join(root, "1.json")})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"TestGood": "pass", "TestBad": "pass", "TestBad/sub": "fail", "TestHangs": ""} {
		if got := known[test{"fob/a", name}].action; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
