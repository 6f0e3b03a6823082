package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"

	"fob/internal/cli"
	"fob/profiles"
)

// packages are the ones whose exported names an F-row may give as its place.
var packages = map[string]string{"oauth": "oauth", "oauth1": "oauth/oauth1", "loopback": "loopback", "profiles": "profiles"}

// there tells whether a place that an F-row names exists. Words of another form are not looked up.
func there(root, place string) (bool, error) {
	kind, rest, _ := strings.Cut(place, " ")
	switch kind {
	case "profile":
		_, known := profiles.FieldByKey(rest)
		return known, nil
	case "preset":
		_, known := profiles.PresetByID(rest)
		return known, nil
	case "fob":
		return verb(strings.Fields(rest)), nil
	}
	if pkg, name, dotted := strings.Cut(place, "."); dotted && packages[pkg] != "" && !strings.Contains(name, " ") {
		return exported(filepath.Join(root, packages[pkg]), name)
	}
	return true, nil
}

// verb tells whether the command line has the verb, and its flags.
func verb(words []string) bool {
	cmd := cli.Command()
	for _, word := range words {
		if flag, is := strings.CutPrefix(word, "--"); is {
			if cmd.Flags().Lookup(flag) == nil {
				return false
			}
			continue
		}
		sub, _, err := cmd.Find([]string{word})
		if err != nil || sub == cmd {
			return false
		}
		cmd = sub
	}
	return true
}

// exported tells whether the package in dir has the name: Refresh, Client.Refresh, or a field, Client.HTTPClient.
func exported(dir, name string) (bool, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return false, err
	}
	names := map[string]bool{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return false, err
		}
		for _, decl := range file.Decls {
			addNames(names, decl)
		}
	}
	return names[name], nil
}

func addNames(names map[string]bool, decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		of := ""
		if d.Recv != nil {
			of = typeName(d.Recv.List[0].Type) + "."
		}
		names[of+d.Name.Name] = true
	case *ast.GenDecl:
		for _, n := range declared(d) {
			names[n] = true
		}
		for _, spec := range d.Specs {
			if t, is := spec.(*ast.TypeSpec); is {
				if s, is := t.Type.(*ast.StructType); is {
					for _, f := range s.Fields.List {
						for _, n := range f.Names {
							names[t.Name.Name+"."+n.Name] = true
						}
					}
				}
			}
		}
	}
}

func typeName(e ast.Expr) string {
	if star, is := e.(*ast.StarExpr); is {
		e = star.X
	}
	if id, is := e.(*ast.Ident); is {
		return id.Name
	}
	return ""
}
