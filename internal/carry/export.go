package carry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"fob/profiles"
)

// Item is a profile to write, with the keys of the secrets that are kept for it: a place is made for them, and no more.
type Item struct {
	Profile profiles.Profile
	Secrets []string
}

// File is a file that was written. No file holds a secret.
type File struct {
	Path string // relative, with "/"
	Text string
}

// Written is what an export makes.
type Written struct {
	Files []File // the first is the one that matters; the others complete it
	Left  []Left
}

// Into writes the files into a folder, and nothing outside of it, whatever links are in it.
func (w Written) Into(folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, file := range w.Files {
		if err := root.MkdirAll(path.Dir(file.Path), 0o755); err != nil {
			return err
		}
		if err := root.WriteFile(file.Path, []byte(file.Text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// writing is one export being made.
type writing struct {
	format Format
	items  []*outgoing
	files  []File
}

func (w *writing) file(path, text string) { w.files = append(w.files, File{path, text}) }

// json adds a file of JSON.
func (w *writing) json(path string, value any) error {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return err
	}
	w.file(path, out.String())
	return nil
}

// Export writes profiles for another tool. What the format cannot hold is in Left.
func Export(id string, items []Item) (Written, error) {
	i := slices.IndexFunc(formats, func(f Format) bool { return f.ID == id })
	if i < 0 || formats[i].write == nil {
		return Written{}, fmt.Errorf("%s is not a format that Fob writes", clean(id))
	}
	w := &writing{format: formats[i]}
	taken := map[string]bool{}
	for _, item := range items {
		out := &outgoing{p: item.Profile.Clone(), secrets: item.Secrets, format: formats[i], carried: map[string]bool{"name": true}, variable: variableFor(item.Profile.Name, taken)}
		w.items = append(w.items, out)
	}
	if err := formats[i].write(w); err != nil {
		return Written{}, err
	}
	result := Written{Files: w.files}
	for _, out := range w.items {
		result.Left = append(result.Left, out.leftovers()...)
	}
	return result, nil
}

// variableFor is a profile's name as the beginning of the names of its variables.
func variableFor(name string, taken map[string]bool) string {
	variable := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, name), "_")
	if variable == "" || variable[0] <= '9' {
		variable = "profile_" + variable
	}
	free := variable
	for n := 2; taken[free]; n++ {
		free = variable + "_" + strconv.Itoa(n)
	}
	taken[free] = true
	return free
}

// outgoing is a profile on its way out: what was asked of it is carried, the rest is said to stay behind.
type outgoing struct {
	p        profiles.Profile
	secrets  []string
	format   Format
	variable string // what the names of its variables begin with
	carried  map[string]bool
	why      map[string]string // why a field stays behind, where there is more to say than that it has no place
	places   []string          // names of variables that wait for a secret
}

func (o *outgoing) done(key string) { o.carried[key] = true }

// refuse says why a field stays behind.
func (o *outgoing) refuse(key, why string) {
	if o.why == nil {
		o.why = map[string]string{}
	}
	o.why[key] = o.format.Label + " " + why
	delete(o.carried, key)
}

// take is a field's value as one text, and carries it; "" when there is none or it does not fit into one text.
func (o *outgoing) take(key string) string {
	values := o.p.Get(key)
	if len(values) == 0 {
		return ""
	}
	value := values[0]
	switch f, _ := profiles.FieldByKey(key); {
	case key == "scope":
		value = strings.Join(values, " ")
	case len(values) > 1:
		o.refuse(key, "takes one of several values, so only the first is there")
	case f.Multiline:
	}
	if o.foreign(key, value) {
		return ""
	}
	if len(values) == 1 || key == "scope" {
		o.done(key)
	}
	return value
}

// foreign says of a value whether the format would take it for something else.
func (o *outgoing) foreign(key, value string) bool {
	if strings.Contains(value, "{{") || strings.Contains(value, "}}") || strings.Contains(value, "{%") {
		o.refuse(key, "would take its braces for a variable")
		return true
	}
	if o.format.ID == "bruno" && strings.Contains(value, "'''") {
		o.refuse(key, "would take its quotes for a text of several lines")
		return true
	}
	return false
}

// place is what stands where a secret goes: a variable without a value; "" when no such secret is kept.
func (o *outgoing) place(key string) string {
	if !slices.Contains(o.secrets, key) {
		return ""
	}
	o.places = append(o.places, o.variable+"_"+key)
	return "{{" + o.variable + "_" + key + "}}"
}

// leftovers are the fields that were not carried.
func (o *outgoing) leftovers() []Left {
	var all []Left
	for _, f := range profiles.Fields() {
		if f.Kind == profiles.KindSecret {
			if slices.Contains(o.secrets, f.Key) {
				all = append(all, Left{o.p.Name, f.Key, "is a secret; no file gets one"})
			}
			continue
		}
		if len(o.p.Get(f.Key)) == 0 || o.carried[f.Key] {
			continue
		}
		why := o.why[f.Key]
		if why == "" {
			why = o.format.Label + " has no place for it"
		}
		all = append(all, Left{o.p.Name, f.Key, why})
	}
	return all
}

// NeedsEndpoints says whether the issuer has to be asked before the format can say anything of use.
func (i Item) NeedsEndpoints(id string) bool {
	p := i.Profile
	if p.Issuer == "" || p.Grant() == profiles.GrantOAuth1 || id == "openapi" && p.Grant() == profiles.GrantAuthorizationCode {
		return false
	}
	return p.TokenEndpoint == "" || p.AuthorizationEndpoint == "" && p.UsesBrowser()
}

// Complete puts in the endpoints that the issuer told, where the profile has none of its own.
func (i *Item) Complete(authorization, token string) {
	if i.Profile.AuthorizationEndpoint == "" && i.Profile.UsesBrowser() {
		i.Profile.AuthorizationEndpoint = authorization
	}
	if i.Profile.TokenEndpoint == "" && i.Profile.Grant() != profiles.GrantImplicit {
		i.Profile.TokenEndpoint = token
	}
}
