// Package edges knows which package may import which: docs/design.md's "imports point down", held by tests. It has no code of
// its own.
package edges

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the repository, seen from here.
const root = "../.."

// tree is every package of ours from top to bottom with the ones that it may import. A new package needs a row; an edge that
// points up is refused even when it is written here.
var tree = []struct{ pkg, imports string }{
	{".", "ui internal/agent internal/desktop assets"},
	{"ui", "internal/agent internal/carry profiles assets"}, // never the engine or what is below it: a window is a client of the agent

	{"cmd/fob", "internal/cli internal/cli/quick internal/tray internal/agent internal/session internal/authserver internal/desktop profiles internal/keychain internal/durable internal/logbook"},
	{"internal/cli/mangen", "internal/cli"},
	{"dev/conformance", "internal/cli profiles"},
	{"internal/cli", "internal/agent internal/carry internal/desktop internal/logbook oauth profiles"}, // oauth: `fob inspect` decodes without an agent
	{"internal/cli/quick", ""},                                                                         // answers `fob token` before anything else is set up
	{"internal/tray", "internal/agent internal/desktop assets"},
	{"dev/bench", "internal/authserver internal/agent"},
	{"dev/soak", "internal/authserver internal/agent internal/session"},
	{"dev/profiledoc", "profiles"},

	{"internal/agent", "internal/session internal/proxy internal/forms internal/report profiles internal/durable internal/logbook"},
	{"internal/session", "internal/forms oauth oauth/oauth1 loopback profiles internal/keychain internal/journal internal/durable"},

	{"internal/report", "internal/logbook profiles"}, // what may be shown to the public is no part of the engine's business
	{"internal/proxy", "oauth loopback"},
	{"internal/carry", "oauth profiles"}, // oauth: its Secret alone
	{"oauth/oauth1", "oauth"},            // another protocol; it borrows Secret, Error and Code
	{"oauth", ""},
	{"loopback", ""},
	{"profiles", ""},
	{"internal/forms", "internal/durable"},
	{"internal/keychain", "internal/durable"},
	{"internal/journal", "internal/durable"},
	{"internal/logbook", ""},
	{"internal/fulldisk", ""}, // for tests
	{"internal/desktop", "internal/durable"},
	{"internal/durable", ""},
	{"internal/authserver", ""}, // a witness that shares code proves nothing
	{"assets", ""},
	{"internal/edges", ""},
	{"e2e", ""}, // sees Fob from outside, as programs
}

// homes are the only packages that may import a library, so that it can be replaced, and so that the agent and the command
// line stay free of a window's weight.
var homes = map[string]string{
	"C":                             "",
	"filippo.io/age":                "internal/keychain",
	"fyne.io/fyne":                  ". ui",
	"fyne.io/fyne/v2/app":           ".", // ui is built on an app that it is given: tests give it another one
	"fyne.io/systray":               "internal/tray",
	"github.com/go-jose":            "oauth internal/authserver",
	"github.com/godbus":             "internal/desktop internal/keychain internal/tray",
	"github.com/jezek/xgb":          ". internal/desktop dev/bench",
	"github.com/luikyv/go-oidc":     "internal/authserver",
	"github.com/Microsoft":          "internal/agent",
	"github.com/pkg/browser":        "internal/desktop",
	"github.com/spf13/cobra":        "internal/cli internal/cli/mangen",
	"github.com/zalando/go-keyring": "internal/keychain",
	"go.yaml.in/yaml":               "internal/carry",
	"rsc.io/qr":                     "internal/cli ui",
	"software.sslmate.com/src":      "oauth", // PKCS#12 keys and certificates
}

// imported is one import in one file of ours.
type imported struct {
	pkg, file, path string
	test            bool
}

// imports reads the import lines of every Go file, whatever its build constraints, so that one run speaks for every system.
// It opens the files itself: what `go list` reads, Go's test cache does not see.
func imports(t *testing.T) (all []imported, packages map[string]bool) {
	t.Helper()
	packages = map[string]bool{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "build", "node_modules", "testdata"}, entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(file, ".go"):
			return nil
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		pkg := path.Dir(filepath.ToSlash(relative))
		packages[pkg] = true
		for _, spec := range syntax.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			all = append(all, imported{pkg, filepath.ToSlash(relative), name, strings.HasSuffix(file, "_test.go")})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d imports were found below %s", len(all), root)
	}
	return all, packages
}

// row is the place of a package in the tree, or -1.
func row(pkg string) int {
	return slices.IndexFunc(tree, func(r struct{ pkg, imports string }) bool { return r.pkg == pkg })
}

func TestImportsPointDown(t *testing.T) {
	for i, r := range tree {
		for _, below := range strings.Fields(r.imports) {
			if row(below) <= i {
				t.Errorf("the tree lets %s import %s, which is not below it", r.pkg, below)
			}
		}
	}
	all, packages := imports(t)
	for pkg := range packages {
		if row(pkg) < 0 {
			t.Errorf("package %s has no row in the tree: say what it may import", pkg)
		}
	}
	for _, one := range all {
		ours, found := strings.CutPrefix(one.path, "fob/")
		if i := row(one.pkg); !found || one.test || i < 0 || slices.Contains(strings.Fields(tree[i].imports), ours) {
			continue
		}
		t.Errorf("%s imports %s, which package %s may not", one.file, one.path, one.pkg)
	}
}

// Tests may build a rig of other packages, but the two sides of the protocol never lend each other code, and nobody imports
// what stands at the edge.
func TestWitnessesStayApart(t *testing.T) {
	all, _ := imports(t)
	for _, one := range all {
		switch {
		case one.pkg == "internal/authserver" && strings.HasPrefix(one.path, "fob/") && one.path != "fob/internal/authserver",
			one.pkg == "oauth" && strings.HasPrefix(one.path, "fob/") && one.path != "fob/oauth" &&
				(one.path != "fob/internal/authserver" || !one.test), // the tests' other side: it answers, and lends nothing
			one.pkg == "oauth/oauth1" && strings.HasPrefix(one.path, "fob/") && one.path != "fob/oauth" && one.path != "fob/oauth/oauth1",
			one.pkg == "e2e" && strings.HasPrefix(one.path, "fob/"),
			strings.HasPrefix(one.path, "fob/e2e"), strings.HasPrefix(one.path, "fob/dev"), strings.HasPrefix(one.path, "fob/cmd"):
			t.Errorf("%s imports %s", one.file, one.path)
		}
	}
}

func TestLibrariesHaveHomes(t *testing.T) {
	all, _ := imports(t)
	for _, one := range all {
		for library, allowed := range homes {
			if one.path != library && !strings.HasPrefix(one.path, library+"/") || slices.Contains(strings.Fields(allowed), one.pkg) {
				continue
			}
			if one.test && library != "fyne.io/fyne" && library != "fyne.io/fyne/v2/app" && library != "C" {
				continue // a test may look behind the scenes
			}
			t.Errorf("%s imports %s, whose home is %q", one.file, one.path, allowed)
		}
	}
}

// The agent and the command line link no Fyne and no C, whoever brings it along.
func TestFobIsLean(t *testing.T) {
	imports(t) // opens every file: a change of any of them runs this again
	for _, goos := range []string{"linux", "windows"} {
		// With cgo on, a package that would use it says so; the standard library's own use goes away with CGO_ENABLED=0, as we build.
		cmd := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}} {{len .CgoFiles}}{{end}}", "./cmd/fob")
		cmd.Dir = root
		cmd.Env = append(cmd.Environ(), "CGO_ENABLED=1", "GOOS="+goos)
		listed, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", cmd, err)
		}
		count := 0
		for line := range strings.Lines(string(listed)) {
			var pkg string
			var cgo int
			if _, err := fmt.Sscan(line, &pkg, &cgo); err != nil {
				continue // the blank line of a standard package
			}
			count++
			if strings.HasPrefix(pkg, "fyne.io/fyne") || pkg == "fob/ui" {
				t.Errorf("%s: cmd/fob links %s", goos, pkg)
			}
			if cgo > 0 {
				t.Errorf("%s: cmd/fob links %s, which is written in C", goos, pkg)
			}
		}
		if count < 20 {
			t.Errorf("%s: only %d packages were listed", goos, count)
		}
	}
}
