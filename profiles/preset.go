package profiles

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
)

// Preset is an authorization server that Fob knows: a profile with the answers to a few questions left open.
type Preset struct {
	ID            string   `json:"id"`
	Name          string   `json:"name"`
	Profile       Profile  `json:"profile"`                 // {key} stands for the answer to a question; Name is a suggestion
	Documentation string   `json:"documentation,omitempty"` // the server's own page
	Console       string   `json:"console,omitempty"`       // where one registers a client; may hold {key}, see ConsoleURL
	Register      string   `json:"register,omitempty"`      // what to register there, in the words of that page
	Notes         []string `json:"notes,omitempty"`         // what else one has to know, a sentence each
	// Words are what that page calls the fields of a profile, by their keys: "Consumer Key" for client_id.
	Words map[string]string `json:"words,omitempty"`
	// Port says whether the server ignores the port of a loopback redirect ("any") or compares it ("fixed"); "" where
	// nothing is redirected.
	Port      string     `json:"port,omitempty"`
	Scopes    List       `json:"scopes,omitempty"`    // to suggest, where the metadata of the server names none
	Color     string     `json:"color,omitempty"`     // of its brand, as #rrggbb
	Questions []Question `json:"questions,omitempty"` // what has to be known to fill in the profile
}

// Question is what a preset has to be told before a profile can be made of it.
type Question struct {
	Key     string `json:"key"`
	Label   string `json:"label"`
	Help    string `json:"help,omitempty"`
	Example string `json:"example,omitempty"`
	Default string `json:"default,omitempty"` // taken when there is no answer; "" asks for one
	Kind    string `json:"kind"`              // "url", "issuer", "host", "segment" (of a path), "guid" or "email"
}

//go:embed presets.jsonc
var presetData string

var loadPresets = sync.OnceValues(func() ([]Preset, error) {
	var data strings.Builder
	for line := range strings.Lines(presetData) {
		if !strings.HasPrefix(strings.TrimSpace(line), "//") {
			data.WriteString(line)
		}
	}
	dec := json.NewDecoder(strings.NewReader(data.String()))
	dec.DisallowUnknownFields()
	var all []Preset
	if err := dec.Decode(&all); err != nil {
		return nil, fmt.Errorf("presets: %w", err)
	}
	for i := range all {
		all[i].Profile.Preset = all[i].ID
	}
	return all, nil
})

// Presets returns every preset, in the order to offer them.
func Presets() []Preset {
	all, _ := loadPresets() // embedded: a test holds that it reads
	out := make([]Preset, len(all))
	for i, p := range all {
		out[i] = p.clone()
	}
	return out
}

// PresetByID finds a preset.
func PresetByID(id string) (Preset, bool) {
	all, _ := loadPresets()
	for _, p := range all {
		if p.ID == id {
			return p.clone(), true
		}
	}
	return Preset{}, false
}

func (p Preset) clone() Preset {
	p.Profile = p.Profile.Clone()
	p.Notes = slices.Clone(p.Notes)
	p.Questions = slices.Clone(p.Questions)
	p.Words = maps.Clone(p.Words)
	p.Scopes = slices.Clone(p.Scopes)
	return p
}

// New makes a profile of the preset. answers are by the keys of its questions; a question without an answer takes its
// default. The error is an [*InvalidError] that names each question whose answer is missing or wrong. The profile may
// still need a client ID: ask [Profile.Validate].
func (p Preset) New(name string, answers map[string]string) (Profile, error) {
	made := p.Profile.Clone()
	made.Preset = p.ID
	var problems []Problem
	var problem Problem
	if errors.As(made.Set("name", name), &problem) {
		problems = append(problems, problem)
	}
	var pairs []string
	for _, q := range p.Questions {
		answer, err := q.Check(answers[q.Key])
		if errors.As(err, &problem) {
			problems = append(problems, problem)
		}
		pairs = append(pairs, "{"+q.Key+"}", answer)
	}
	if problems != nil {
		return Profile{}, &InvalidError{Name: name, Problems: problems}
	}
	made.fill(strings.NewReplacer(pairs...))
	return made, nil
}

// ConsoleURL is where one registers a client, for these answers; "" when that is not known yet.
func (p Preset) ConsoleURL(answers map[string]string) string {
	var pairs []string
	for _, q := range p.Questions {
		if answer, err := q.Check(answers[q.Key]); err == nil {
			pairs = append(pairs, "{"+q.Key+"}", answer)
		}
	}
	address := strings.NewReplacer(pairs...).Replace(p.Console)
	if strings.Contains(address, "{") {
		return ""
	}
	return address
}

// fill puts the answers into every text of the profile.
func (p *Profile) fill(answers *strings.Replacer) {
	for i := range table {
		f := &table[i]
		if f.member == nil || f.Key == "name" {
			continue
		}
		switch m := f.member(p).(type) {
		case *string:
			*m = answers.Replace(*m)
		case *List:
			for j, v := range *m {
				(*m)[j] = answers.Replace(v)
			}
		case *Parameters:
			for k, v := range *m {
				(*m)[k] = answers.Replace(v)
			}
		}
	}
}

// Check returns the answer as it is filled in: without what people copy along (a scheme in front of a domain, a slash
// behind an address), or the default when it is empty. The error is a [Problem] under the question's key.
func (q Question) Check(answer string) (string, error) {
	answer = strings.TrimSpace(answer)
	if answer == "" {
		answer = q.Default
	}
	if answer == "" {
		return "", Problem{Key: q.Key, Message: missing + "; give it like " + q.Example}
	}
	var bad string
	switch q.Kind {
	case "url", "issuer":
		answer, bad = checkAddress(answer, q.Example)
		if q.Kind == "url" { // an issuer is kept as it is: it is compared to the letter (RFC 8414 §3.3)
			answer = strings.TrimRight(answer, "/")
		}
	case "host":
		answer, bad = checkHost(answer, q.Example)
	case "guid":
		answer = strings.ToLower(answer)
		if !isGUID(answer) {
			bad = "is not an ID; it looks like " + q.Example
		}
	case "email":
		name, host, found := strings.Cut(answer, "@")
		if host, bad = checkHost(host, q.Example); bad == "" && (!found || name == "" || checkClientID(name) != "") {
			bad = "is not an e-mail address; give it like " + q.Example
		}
		answer = name + "@" + host
	default:
		if strings.ContainsFunc(answer, func(r rune) bool { return !segmentRune(r) }) || answer == "." || answer == ".." {
			bad = "has a character that does not belong there; give it like " + q.Example
		}
	}
	if bad != "" {
		return "", Problem{Key: q.Key, Message: bad}
	}
	return answer, nil
}

// checkAddress takes an address with or without its scheme.
func checkAddress(answer, example string) (string, string) {
	if !strings.Contains(answer, "://") {
		answer = "https://" + answer
	}
	u, bad := checkSecure(answer, example)
	if u != nil && (u.RawQuery != "" || u.ForceQuery) {
		bad = "has a query (?…); give it like " + example
	}
	return answer, bad
}

func checkHost(answer, example string) (string, string) {
	answer = strings.TrimPrefix(strings.TrimPrefix(answer, "https://"), "http://")
	answer = strings.ToLower(strings.TrimSuffix(answer, "/"))
	ok := strings.Contains(answer, ".") && net.ParseIP(answer) == nil
	for label := range strings.SplitSeq(answer, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
		}) {
			ok = false
		}
	}
	if !ok {
		return answer, "is not a domain; give it like " + example
	}
	return answer, ""
}

// segmentRune says whether r can stand in one segment of a path as it is (RFC 3986 §2.3: unreserved).
func segmentRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~", r)
}

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (r == '-') || !hyphen && !strings.ContainsRune("0123456789abcdef", r) {
			return false
		}
	}
	return true
}
