package carry

import (
	"encoding/json"
	"fmt"
	"strings"

	"fob/profiles"
)

// Fob's own format: one profile as `fob profile export` prints it, an array of them, or a whole profiles.json. It is read
// strictly: who writes it means Fob.

func isOwn(_ Source, n node) bool {
	if n.has("profiles") {
		return n.at("profiles").list != nil || len(n.names) == 1 || n.has("version")
	}
	if n.list != nil {
		n = n.list[0]
	}
	known := 0
	for _, name := range n.names {
		if f, ok := profiles.FieldByKey(name); ok && f.Key == name {
			known++
		}
	}
	return n.has("name") && known > 1 && !n.has("issuer_url") // which oidc-agent writes; Fob's is issuer
}

// ParseOwn reads Fob's own format. The error is an [*profiles.InvalidError], or one of encoding/json.
func ParseOwn(text string) ([]profiles.Profile, error) {
	var many []profiles.Profile
	if strings.HasPrefix(strings.TrimSpace(text), "[") {
		if err := json.Unmarshal([]byte(text), &many); err != nil {
			return nil, err
		}
	} else {
		var members struct {
			Profiles json.RawMessage `json:"profiles"`
		}
		if err := json.Unmarshal([]byte(text), &members); err != nil {
			return nil, err
		}
		if members.Profiles != nil {
			return ParseOwn(string(members.Profiles))
		}
		var one profiles.Profile
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			return nil, err
		}
		many = append(many, one)
	}
	seen := map[string]bool{}
	for _, p := range many {
		if problems := p.Validate(); len(problems) > 0 {
			return nil, &profiles.InvalidError{Name: p.Name, Problems: problems}
		}
		if seen[p.Name] {
			return nil, fmt.Errorf("there are two profiles named %s", clean(p.Name))
		}
		seen[p.Name] = true
	}
	return many, nil
}

func readOwn(r *reading) error {
	all, err := ParseOwn(r.source.Text)
	for _, p := range all {
		r.found.Drafts = append(r.found.Drafts, Draft{Profile: p})
	}
	return err
}
