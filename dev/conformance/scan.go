package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// test is a test function, or a script that one runs: TestScripts/login.
type test struct{ pkg, name string }

var (
	number = regexp.MustCompile(`[RF]-[0-9]{3}`)
	// mention is a number or a range of them: R-200… ..R-215, R-220 to R-222.
	mention = regexp.MustCompile(`\b([RF])-([0-9]{3})(?:\s*(?:…|\.\.|–|to)\s*([RF])-([0-9]{3}))?\b`)
)

// mentions lists the numbers that a comment names. Of a range it names those that exist.
func mentions(comment string, exists func(string) bool) []string {
	var ids []string
	for _, m := range mention.FindAllStringSubmatch(comment, -1) {
		first := m[1] + "-" + m[2]
		ids = append(ids, first)
		if m[3] != m[1] {
			if m[3] != "" {
				ids = append(ids, m[3]+"-"+m[4])
			}
			continue
		}
		last := m[3] + "-" + m[4]
		for n := first; n < last; {
			n = next(n)
			if n == last || exists(n) {
				ids = append(ids, n)
			}
		}
	}
	return ids
}

// next is the number after id.
func next(id string) string {
	var n int
	fmt.Sscanf(id[2:], "%d", &n)
	return fmt.Sprintf("%s%03d", id[:2], n+1)
}

// holders finds, below root, the tests that name each number.
func holders(root string, exists func(string) bool) (map[string][]test, error) {
	found := map[string]map[test]bool{}
	hold := func(id, file string, tests []test) error {
		switch {
		case !exists(id):
			return fmt.Errorf("%s: there is no %s", file, id)
		case len(tests) == 0:
			return fmt.Errorf("%s: the comment that names %s belongs to no test", file, id)
		}
		if found[id] == nil {
			found[id] = map[test]bool{}
		}
		for _, t := range tests {
			found[id][t] = true
		}
		return nil
	}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		switch base := d.Name(); {
		case name != root && (strings.HasPrefix(base, ".") || base == "node_modules" || base == "testdata" || base == "build"):
			return filepath.SkipDir
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		p, err := parsePackage(name, path.Join("fob", filepath.ToSlash(rel)))
		if err != nil {
			return err
		}
		return p.each(func(file, comment string, tests []test) error {
			for _, id := range mentions(comment, exists) {
				if err := hold(id, file, tests); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	sorted := map[string][]test{}
	for id, tests := range found {
		sorted[id] = slices.SortedFunc(maps.Keys(tests), func(a, b test) int {
			if c := strings.Compare(a.pkg, b.pkg); c != 0 {
				return c
			}
			return strings.Compare(a.name, b.name)
		})
	}
	return sorted, nil
}

// testPackage is the test files of a directory, whatever their build tags, and its scripts.
type testPackage struct {
	dir, path string
	set       *token.FileSet
	files     map[string]*ast.File
	uses      map[string]map[string]bool // by declaration: the declarations of the tests that it names
	runsIn    map[string]string          // scripts' directory: the test that runs them
}

func parsePackage(dir, importPath string) (*testPackage, error) {
	p := &testPackage{dir: dir, path: importPath, set: token.NewFileSet(), files: map[string]*ast.File{}, uses: map[string]map[string]bool{}, runsIn: map[string]string{}}
	names, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if p.files[name], err = parser.ParseFile(p.set, name, nil, parser.ParseComments|parser.SkipObjectResolution); err != nil {
			return nil, err
		}
	}
	for _, file := range p.files {
		for _, decl := range file.Decls {
			for _, name := range declared(decl) {
				p.note(name, decl)
			}
		}
	}
	return p, nil
}

// note keeps which names a declaration uses, and the directory whose scripts it runs.
func (p *testPackage) note(name string, decl ast.Decl) {
	if p.uses[name] == nil {
		p.uses[name] = map[string]bool{}
	}
	var literals []string
	scripts := false
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			p.uses[name][n.Name] = true
		case *ast.SelectorExpr:
			if x, is := n.X.(*ast.Ident); is && x.Name == "testscript" && n.Sel.Name == "Run" {
				scripts = true
			}
		case *ast.BasicLit:
			literals = append(literals, strings.Trim(n.Value, "\"`"))
		}
		return true
	})
	for _, l := range literals {
		if scripts && strings.HasPrefix(l, "testdata/") {
			p.runsIn[l] = name
		}
	}
}

// each calls do with every comment of the package and the tests that it belongs to.
func (p *testPackage) each(do func(file, comment string, tests []test) error) error {
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		for _, group := range p.files[name].Comments {
			var text strings.Builder
			for _, c := range group.List {
				text.WriteString(c.Text + "\n")
			}
			if err := do(name, text.String(), p.tests(p.owner(p.files[name], group))); err != nil {
				return err
			}
		}
	}
	for dir, run := range p.runsIn {
		for _, pattern := range []string{"*.txt", "*.txtar"} {
			scripts, err := filepath.Glob(filepath.Join(p.dir, dir, pattern))
			if err != nil {
				return err
			}
			for _, script := range scripts {
				text, err := os.ReadFile(script)
				if err != nil {
					return err
				}
				base := filepath.Base(script)
				owner := test{p.path, run + "/" + strings.TrimSuffix(base, filepath.Ext(base))}
				if err := do(script, scriptComments(string(text)), []test{owner}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// scriptComments is what a script says after "#", in its commands and not in its files.
func scriptComments(text string) string {
	var comments strings.Builder
	for row := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(row, "-- ") && strings.HasSuffix(row, " --") {
			break
		}
		if _, comment, is := strings.Cut(row, "#"); is {
			comments.WriteString(comment + "\n")
		}
	}
	return comments.String()
}

// owner is the names of the declaration that a comment is in or before.
func (p *testPackage) owner(file *ast.File, group *ast.CommentGroup) []string {
	if group.End() < file.Package {
		return nil
	}
	line := func(pos token.Pos) int { return p.set.Position(pos).Line }
	for _, decl := range file.Decls {
		// Inside, above, or behind its last line: func TestX(t *testing.T) {} // R-001
		if group.Pos() < decl.End() || line(group.Pos()) == line(decl.End()) {
			return declared(decl)
		}
	}
	return nil
}

// tests is the tests among the names, and for a helper or a table those that use it, however indirectly.
func (p *testPackage) tests(names []string) []test {
	var tests []test
	seen := map[string]bool{}
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		if isTest(name) {
			tests = append(tests, test{p.path, name})
			continue
		}
		for user, uses := range p.uses {
			if uses[name] {
				names = append(names, user)
			}
		}
	}
	return tests
}

func isTest(name string) bool {
	return name != "TestMain" && (strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") || strings.HasPrefix(name, "Example"))
}

func declared(decl ast.Decl) []string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		return []string{d.Name.Name}
	case *ast.GenDecl:
		var names []string
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				for _, n := range s.Names {
					names = append(names, n.Name)
				}
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
			}
		}
		return names
	}
	return nil
}
