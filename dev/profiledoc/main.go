// Profiledoc writes the generated parts of docs/profiles.md from the table of fields and the presets, so that the page cannot say
// something else than the program does, and beside it the JSON Schema of profiles.json.
//
//	go run ./dev/profiledoc docs/profiles.md
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"fob/profiles"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./dev/profiledoc docs/profiles.md")
		os.Exit(2)
	}
	if err := rewrite(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "profiledoc:", err)
		os.Exit(1)
	}
}

// parts are what is generated, by the name that the page calls it.
var parts = map[string]func() string{"fields": fields, "presets": presets}

func rewrite(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	page, err := fill(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(filepath.Dir(path), schema), profiles.Schema(), 0o644)
}

// schema is the name of the JSON Schema, beside the page.
const schema = "profiles.schema.json"

// fill puts each part between its two marks; everything else of the page is written by hand.
func fill(page string) (string, error) {
	for name, part := range parts {
		begin, end := "<!-- generated: "+name+" -->\n", "<!-- end of "+name+" -->\n"
		before, rest, found := strings.Cut(page, begin)
		_, after, ends := strings.Cut(rest, end)
		if !found || !ends {
			return "", fmt.Errorf("the marks of %s are missing", name)
		}
		page = before + begin + "\n" + part() + "\n" + end + after
	}
	return page, nil
}

// fields is a section for each field, under the title of its group.
func fields() string {
	var text strings.Builder
	group := ""
	for _, f := range profiles.Fields() {
		if f.Group != group {
			group = f.Group
			text.WriteString("### " + group + "\n\n")
		}
		text.WriteString("#### " + f.Key + "\n\n" + f.Help + "\n\n")
		facts := []struct{ what, value string }{
			{"In the window", f.Label}, {"Kind", kind(f)}, {"Default", f.Default}, {"Values", choices(f)},
			{"Example", example(f)}, {"Matters when", f.When}, {"Named by", f.RFC},
		}
		for _, fact := range facts {
			if fact.value != "" {
				text.WriteString("- " + fact.what + ": " + fact.value + "\n")
			}
		}
		text.WriteString("\n")
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// kinds say what a value looks like.
var kinds = map[profiles.Kind]string{
	profiles.KindText: "text", profiles.KindURL: "a URL", profiles.KindList: "a list; repeat `--set`", profiles.KindChoice: "one of its values",
	profiles.KindSecret:   "a secret; it rests in the keychain",
	profiles.KindDuration: "a length of time, such as `90s`, `10m`, `1h30m`", profiles.KindNumber: "a whole number", profiles.KindBool: "`true` or `false`",
	profiles.KindJSON: "JSON", profiles.KindPEM: "certificates in PEM", profiles.KindColor: "a colour", profiles.KindCommand: "a command with arguments, started without a shell",
}

func kind(f profiles.Field) string {
	words := kinds[f.Kind]
	if f.Kind == profiles.KindParameters {
		words = "parameters, each set as `" + f.Key + ".NAME=VALUE`"
	}
	if f.Required {
		words += "; required"
	}
	return words
}

func choices(f profiles.Field) string {
	var values []string
	for _, c := range f.Choices {
		if c.Value != "" {
			values = append(values, "`"+c.Value+"`")
		}
	}
	if f.Open && len(values) > 0 {
		values = append(values, "or another")
	}
	return strings.Join(values, ", ")
}

// example is the field as an argument of `fob profile set`.
func example(f profiles.Field) string {
	value := f.Example
	switch {
	case f.Kind == profiles.KindPEM:
		value = "@certificate.pem"
	case f.Kind == profiles.KindJSON:
		value = "'" + value + "'"
	case strings.ContainsAny(value, " "):
		value = `"` + value + `"`
	}
	if f.Kind == profiles.KindParameters {
		return "`" + f.Key + "." + value + "`"
	}
	return "`" + f.Key + "=" + value + "`"
}

// presets is a section for each preset: what it asks, what to register, what it sets, what to know.
func presets() string {
	var text strings.Builder
	for _, p := range profiles.Presets() {
		text.WriteString("### " + p.Name + "\n\n`--preset " + p.ID + "`")
		for _, q := range p.Questions {
			text.WriteString(" `--set " + q.Key + "=…`")
		}
		text.WriteString("\n\n")
		if p.Register != "" {
			text.WriteString("Register: " + p.Register + ".\n\n")
		}
		text.WriteString(words(p))
		for _, q := range p.Questions {
			text.WriteString("- `" + q.Key + "`: " + strings.TrimSuffix(strings.TrimSpace(q.Label+". "+q.Help), ".") + ", like `" + q.Example + "`")
			if q.Default != "" {
				text.WriteString("; otherwise `" + q.Default + "`")
			}
			text.WriteString(".\n")
		}
		for _, note := range p.Notes {
			text.WriteString("- " + note + "\n")
		}
		text.WriteString("- It sets " + sets(p.Profile) + ".\n")
		for _, link := range []struct{ what, url string }{{"Documentation", p.Documentation}, {"Console", p.Console}} {
			switch {
			case strings.Contains(link.url, "{"):
				text.WriteString("- " + link.what + ": `" + link.url + "`\n")
			case link.url != "":
				text.WriteString("- " + link.what + ": <" + link.url + ">\n")
			}
		}
		text.WriteString("\n")
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// words say what the server calls things, which scopes it has, and whether it compares ports.
func words(p profiles.Preset) string {
	var called []string
	for _, key := range []string{"client_id", "client_secret", "redirect_uri"} {
		if word := p.Words[key]; word != "" && !strings.EqualFold(strings.ReplaceAll(key, "_", " "), word) {
			called = append(called, "`"+key+"` is called “"+word+"”")
		}
	}
	text := ""
	if called != nil {
		text = "- There " + strings.Join(called, ", ") + ".\n"
	}
	if len(p.Scopes) > 0 {
		text += "- Scopes to choose from: `" + strings.Join(p.Scopes, "`, `") + "`.\n"
	}
	switch p.Port {
	case "any":
		text += "- It ignores the port of the redirect URI: any free one is used.\n"
	case "fixed":
		text += "- It compares the port of the redirect URI.\n"
	}
	return text
}

// sets lists the fields that a preset fills in, but for its name and its id.
func sets(p profiles.Profile) string {
	var all []string
	for _, f := range profiles.Fields() {
		if values := p.Get(f.Key); f.Key != "name" && f.Key != "preset" && len(values) > 0 {
			all = append(all, "`"+f.Key+"` "+"`"+strings.Join(values, " ")+"`")
		}
	}
	return strings.Join(all, ", ")
}
