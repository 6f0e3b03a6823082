package carry

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fob/profiles"
)

// randomProfile is a valid profile with any of the fields set: examples, choices, and text that is awkward to write down.
func randomProfile(r *rand.Rand) profiles.Profile {
	awkward := []string{"plain", "with space", `qu"ote`, "co:lon", "#hash", "{brace}", "'''", "a{{b}}c", "~tilde", "@at", "- dash", "ünïcode", `back\slash`, "yes", "007", "[x]", "a,b", "'"}
	word := func() string { return awkward[r.IntN(len(awkward))] }
	var p profiles.Profile
	p.Name = []string{"work", "Work / staging", "a b", "ünï", "x.y-z_0", "{}", `"q"`}[r.IntN(7)]
	if p.Set("name", p.Name) != nil {
		p.Name = "work"
	}
	grants := []string{"", "authorization_code", "client_credentials", "implicit", "password", "device_code", "oauth1", "ciba", "token-exchange"}
	p.GrantType = grants[r.IntN(len(grants))]
	for _, f := range profiles.Fields() {
		if f.Kind == profiles.KindSecret || f.Key == "name" || f.Key == "grant_type" || r.IntN(3) > 0 {
			continue
		}
		values := []string{f.Example}
		switch {
		case len(f.Choices) > 0:
			values = []string{f.Choices[r.IntN(len(f.Choices))].Value}
		case f.Kind == profiles.KindText:
			values = []string{word()}
		case f.Kind == profiles.KindParameters && f.Key != "request_params" && f.Key != "request_headers":
			values = nil
			for range r.IntN(3) {
				values = append(values, "p"+strconv.Itoa(r.IntN(9))+strings.ReplaceAll(strings.TrimSpace(word()), " ", "")+"="+word())
			}
		case f.Key == "scope":
			values = []string{"openid", "api:read", "https://x.example/scope"}[:1+r.IntN(3)]
		case f.Key == "redirect_uri" || f.Key == "resource":
			values = []string{f.Example, f.Example + "/2"}[:1+r.IntN(2)]
		}
		_ = p.Set(f.Key, values...) // what is refused stays at its default
	}
	for _, key := range []string{"authorization_endpoint", "token_endpoint", "client_id"} {
		if len(p.Get(key)) == 0 && r.IntN(2) == 0 {
			f, _ := profiles.FieldByKey(key)
			_ = p.Set(key, f.Example)
		}
	}
	d := &draft{reading: &reading{}, p: p}
	for range 200 {
		needs := d.judge()
		if len(needs) == 0 {
			return d.p
		}
		for _, need := range needs {
			f, _ := profiles.FieldByKey(need.Key)
			if d.p.Set(need.Key, f.Example) != nil || len(d.p.Get(need.Key)) == 0 {
				return profiles.Profile{}
			}
		}
	}
	return profiles.Profile{}
}

// What a format can hold comes back as it was, and what it cannot is said to: every field of a profile is either equal after
// its export and import or in the list of what was left.
func TestExportsAreReadBack(t *testing.T) {
	for _, f := range formats {
		if f.write == nil {
			continue
		}
		t.Run(f.ID, func(t *testing.T) {
			carried := map[string]int{}
			for seed := range uint64(400) {
				r := rand.New(rand.NewPCG(seed, 5))
				p := randomProfile(r)
				if p.Name == "" {
					continue
				}
				var secrets []string
				if r.IntN(2) == 0 && p.TokenEndpointAuthMethod != "none" {
					secrets = append(secrets, "client_secret")
				}
				written, err := Export(f.ID, []Item{{p, secrets}})
				if err != nil {
					t.Fatal(err)
				}
				left := map[string]string{}
				for _, l := range written.Left {
					left[l.What] = l.Why
				}
				if len(written.Files) == 0 {
					if left["grant_type"] == "" {
						t.Fatalf("seed %d: nothing is written, and grant_type is not what was left", seed)
					}
					continue
				}
				found, err := Import(source(written), Options{})
				if err != nil || len(found.Drafts) != 1 || found.Format.ID != f.ID {
					t.Fatalf("seed %d: %d profiles, %v: %v\n%s", seed, len(found.Drafts), found.Format.ID, err, dump(written))
				}
				back := found.Drafts[0].Profile
				if len(found.Drafts[0].Secrets) > 0 {
					t.Errorf("seed %d: a secret was carried", seed)
				}
				for _, field := range profiles.Fields() {
					if _, said := left[field.Key]; said || field.Kind == profiles.KindSecret {
						continue
					}
					was, is := p.Get(field.Key), back.Get(field.Key)
					if field.Key == "grant_type" { // the default may be written or not
						was, is = []string{p.Grant()}, []string{back.Grant()}
					}
					if field.Key == "scope" && f.ID == "openapi" {
						slices.Sort(was)
						slices.Sort(is)
					}
					if !slices.Equal(was, is) {
						t.Errorf("seed %d: %s was %q and is %q\n%v\n%s", seed, field.Key, was, is, found.Left, dump(written))
					} else if len(was) > 0 {
						carried[field.Key]++
					}
				}
				if t.Failed() {
					t.FailNow()
				}
			}
			t.Logf("%d fields were carried: %v", len(carried), slices.Sorted(maps.Keys(carried)))
			if len(carried) < 7 {
				t.Error("next to nothing was carried")
			}
		})
	}
}

// source is what was written, as it would be given for reading.
func source(w Written) Source {
	if len(w.Files) == 1 || strings.HasSuffix(w.Files[0].Path, "_collection.json") {
		return Source{Name: "export", Text: w.Files[0].Text}
	}
	s := Source{Name: "export", Files: map[string]string{}}
	for _, f := range w.Files {
		s.Files[f.Path] = f.Text
	}
	return s
}

func dump(w Written) string {
	var out strings.Builder
	for _, f := range w.Files {
		out.WriteString("== " + f.Path + "\n" + f.Text)
	}
	return out.String()
}
