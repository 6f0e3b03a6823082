package forms

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"time"

	"fob/internal/durable"
)

// FileName is the file of the user's own forms, beside profiles.json. It holds templates and no secret, and is fit for a
// repository.
const FileName = "forms.json"

// textMost bounds what a template may write: a loop of its own must not fill the memory.
const textMost = 1 << 20

// functions are all that a template can call beside Go's own (printf, len, index, …). None reads a file, asks a server or starts
// a program.
var functions = template.FuncMap{
	"shell": Shell, "json": JSON, "powershell": PowerShell,
	"base64": func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) },
	"join":   func(words []string, between string) string { return strings.Join(words, between) },
}

// fields is what a template sees.
type fields struct {
	Profile, AccessToken, IDToken, TokenType, Method, URL, API, Account, Var, Body string
	ExpiresAt                                                                      time.Time
	Scope                                                                          []string
	header                                                                         []Field
}

// Header is the headers, a line each: "Authorization: Bearer …".
func (f fields) Header() (string, error) {
	if len(f.header) == 0 {
		return "", errors.New("there is no header: name the request, or set api_base_url in the profile")
	}
	return headerLines(Given{Header: f.header})
}

// Headers are the headers one by one, each with Name and Value.
func (f fields) Headers() []Field { return f.header }

func (f Form) fill(g Given) (string, error) {
	t, err := parse(f.Name, f.Template)
	if err != nil {
		return "", err
	}
	return execute(t, f.Template, g)
}

func execute(t *template.Template, text string, g Given) (string, error) {
	out := bounded{}
	err := t.Execute(&out, fields{Profile: g.Profile, AccessToken: g.AccessToken, IDToken: g.IDToken, TokenType: g.TokenType, Method: g.Method, URL: g.URL, API: g.API,
		Account: g.Account, Var: g.variable(), Body: g.Body, ExpiresAt: g.ExpiresAt, Scope: g.Scope, header: g.Header})
	if err != nil {
		return "", located(t.Name(), text, err)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > textMost {
		return 0, fmt.Errorf("it writes more than %d MiB", textMost>>20)
	}
	return b.Buffer.Write(p)
}

func parse(name, text string) (*template.Template, error) {
	t, err := template.New(name).Option("missingkey=error").Funcs(functions).Parse(text)
	if err != nil {
		return nil, located(name, text, err)
	}
	return t, nil
}

// nameForm is what a form may be called: it stands in commands and menus.
var nameForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$`) })

// check says what is wrong with a form of the user's own: it is parsed, and filled in once with made-up values.
func check(f Form) error {
	switch {
	case !nameForm().MatchString(f.Name):
		return fmt.Errorf("%q is no name for a form: use letters, digits, - _ . and at most 40 of them", f.Name)
	case slices.ContainsFunc(all, func(b Form) bool { return b.Name == f.Name }):
		return fmt.Errorf("%s is a form that Fob brings along: choose another name", f.Name)
	case strings.TrimSpace(f.Template) == "":
		return fmt.Errorf("the template of %s is empty", f.Name)
	case len(f.Template) > 64<<10:
		return fmt.Errorf("the template of %s is longer than 64 KiB", f.Name)
	}
	_, err := f.fill(Given{Profile: "work", AccessToken: "access-token", IDToken: "id-token", TokenType: "Bearer", ExpiresAt: time.Unix(1, 0), Scope: []string{"openid"}, API: "https://api.example.com",
		Account: "ada", Method: "GET", URL: "https://api.example.com/", Header: []Field{{"Authorization", "Bearer access-token"}}, Body: "{}"})
	return err
}

var (
	parseError   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?s)^template: [^:]*:(\d+)(?::(\d+))?: (.*)$`) })
	executing    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^executing "[^"]*" at (<.*>): `) })
	quotedInText = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"((?:[^"\\]|\\.)*)"|<([^>]*)>`) })
)

// located is a template's error with line and column. What goes wrong while it is read comes without a column: it is that of
// what the error quotes, or of the action that begins last on the line.
func located(name, text string, err error) error {
	m := parseError().FindStringSubmatch(err.Error())
	if m == nil {
		return fmt.Errorf("the template of %s: %w", name, err)
	}
	lineNumber, _ := strconv.Atoi(m[1])
	said := executing().ReplaceAllString(m[3], "$1: ")
	column := 0
	if m[2] != "" {
		column, _ = strconv.Atoi(m[2])
		column++ // Go counts from 0 there
	} else if lines := strings.Split(text, "\n"); lineNumber >= 1 && lineNumber <= len(lines) {
		line := lines[lineNumber-1]
		from := max(0, strings.Index(line, "{{"))
		column = max(0, strings.LastIndex(line, "{{")) + 1
		if q := quotedInText().FindStringSubmatch(said); q != nil && q[1]+q[2] != "" {
			if i := strings.Index(line[from:], q[1]+q[2]); i >= 0 {
				column = from + i + 1
			}
		}
	}
	return fmt.Errorf("the template of %s, line %d, column %d: %s", name, lineNumber, max(1, column), said)
}

// stored is forms.json.
type stored struct {
	Version int          `json:"version"`
	Forms   []storedForm `json:"forms"`
}

type storedForm struct {
	Name     string `json:"name"`
	Label    string `json:"label,omitempty"`
	Template string `json:"template"`
}

const fileVersion = 1

// Read returns the user's own forms in the directory of profiles.json; without a file there are none. A form with something
// wrong is left out; the error says so for the first, and the others are usable.
func Read(dir string) ([]Form, error) {
	kept, err := read(dir)
	if err != nil {
		return nil, err
	}
	var own []Form
	var first error
	for _, s := range kept.Forms {
		f := s.form()
		if err := check(f); err != nil {
			first = errors.Join(first, err)
			continue
		}
		own = append(own, f)
	}
	if first != nil {
		first = fmt.Errorf("%s: %w", filepath.Join(dir, FileName), first)
	}
	return own, first
}

func (s storedForm) form() Form {
	f := Form{Name: s.Name, Label: s.Label, Kind: Own, About: "your own, from " + FileName, Template: s.Template}
	if f.Label == "" {
		f.Label = s.Name
	}
	return f
}

func read(dir string) (stored, error) {
	path := filepath.Join(dir, FileName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return stored{Version: fileVersion}, nil
	}
	if err != nil {
		return stored{}, err
	}
	var kept stored
	if err := json.Unmarshal(text, &kept); err != nil {
		line, column := 1, 1
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			before := string(text[:min(int(syntax.Offset), len(text))])
			line, column = strings.Count(before, "\n")+1, len(before)-strings.LastIndex(before, "\n")-1
		}
		return stored{}, fmt.Errorf("%s, line %d, column %d: %w; nothing was changed", path, line, max(1, column), err)
	}
	if kept.Version > fileVersion {
		return stored{}, fmt.Errorf("%s was written by a newer Fob (version %d)", path, kept.Version)
	}
	return kept, nil
}

// Add keeps a form of the user's own; one of that name is replaced. It says whether there was one.
func Add(dir, name, label, text string) (replaced bool, err error) {
	s := storedForm{Name: name, Label: label, Template: text}
	if err := check(s.form()); err != nil {
		return false, err
	}
	kept, err := read(dir)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(kept.Forms, func(f storedForm) bool { return f.Name == name })
	if i >= 0 {
		kept.Forms[i] = s
	} else {
		kept.Forms = append(kept.Forms, s)
	}
	return i >= 0, write(dir, kept)
}

// Remove forgets a form of the user's own. It says whether there was one.
func Remove(dir, name string) (bool, error) {
	kept, err := read(dir)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(kept.Forms, func(f storedForm) bool { return f.Name == name })
	if i < 0 {
		return false, nil
	}
	kept.Forms = slices.Delete(kept.Forms, i, i+1)
	return true, write(dir, kept)
}

func write(dir string, kept stored) error {
	kept.Version = fileVersion
	if kept.Forms == nil {
		kept.Forms = []storedForm{}
	}
	text, err := jsonText(kept)
	if err != nil {
		return err
	}
	return durable.Write(filepath.Join(dir, FileName), []byte(text+"\n"), true)
}
