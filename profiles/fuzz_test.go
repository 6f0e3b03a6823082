package profiles

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// FuzzProfilesFile holds: no text makes the reader panic; what is not damaged is JSON; a write keeps every other entry
// and every member that Fob does not know as it was read, and can be read again. It works on the text alone, without a
// disk, so that it is fast.
func FuzzProfilesFile(f *testing.F) {
	full := full()
	for _, seed := range []string{
		"", "{}", "[]", "null", byHand, `{"version":1,"profiles":[]}`, `{"version":2,"profiles":[{"name":"a"}]}`,
		`{"profiles":[` + string(full.appendJSON(nil, "")) + `]}`, "\ufeff{\"profiles\":[{}]}", `{"profiles":[{"name":"a"},{"name":"a"}],"x":"\ud800"}`,
		`{"profiles":[[[[{"name":{}}]]],"\"",-1e5,true,null]}`, `{"\u0070rofiles":[{"n\u0061me":"b\\\"c"}]}`, `{"profiles":[{"name":"a","client_secret":"s"}]}`,
		`{"profiles":[{"name":"a",}]}`, `{"version":1e3}`, "{\"profiles\":[\n\t{\"name\" : \"a\" , \"scope\" : [ ] , \"token_params\" : { } } ] }\r\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := parseDocument("profiles.json", text)
		var bad *damage
		var newer *VersionError
		switch {
		case errors.As(err, &bad):
			if line, column := position(text, bad.offset); line < 1 || column < 1 || bad.reason == "" || bad.offset > len(text) {
				t.Fatalf("%d:%d %v", line, column, err)
			}
			return
		case errors.As(err, &newer):
			return
		case err != nil:
			t.Fatal(err)
		}
		if !json.Valid([]byte(strings.TrimPrefix(text, "\ufeff"))) {
			t.Fatal("not JSON and not damaged")
		}
		written, err := doc.put(minimal("fuzz"), "", true)
		if err != nil {
			if errors.Is(err, ErrExists) {
				return
			}
			t.Fatal(err)
		}
		now, err := parseDocument("profiles.json", written.text)
		if err != nil {
			t.Fatalf("written and not readable: %v\n%s", err, written.text)
		}
		checkKept(t, doc, now)
		checkKept(t, doc, written)
	})
}

// checkKept holds that now is doc with one entry more.
func checkKept(t *testing.T, doc, now *document) {
	if len(now.entries) != len(doc.entries)+1 || len(now.others) != len(doc.others) || len(now.byName) != len(doc.byName)+1 {
		t.Fatalf("%d entries became %d", len(doc.entries), len(now.entries))
	}
	for i, e := range doc.entries {
		n := now.entries[i]
		if n.raw != e.raw || !n.profile.Equal(e.profile) || (n.problems == nil) != (e.problems == nil) {
			t.Fatalf("entry %d: %s became %s", i, e.raw, n.raw)
		}
		if !strings.HasPrefix(now.text[n.at:], n.raw) {
			t.Fatalf("entry %d is not where it says: %d", i, n.at)
		}
		checkRoundTrip(t, e)
	}
	for i, m := range doc.others {
		if now.others[i].key != m.key || now.others[i].raw != m.raw {
			t.Fatalf("member %q: %s became %s", m.key, m.raw, now.others[i].raw)
		}
	}
}

func checkRoundTrip(t *testing.T, e *entry) {
	if e.problems != nil {
		return
	}
	var p Profile
	if err := json.Unmarshal(e.profile.appendJSON(nil, "    "), &p); err != nil {
		t.Fatalf("%s is written as %s: %v", e.raw, e.profile.appendJSON(nil, "    "), err)
	}
	p.secrets = e.profile.secrets // they are never written
	if !p.Equal(e.profile) {
		t.Fatalf("%s is written as %s", e.raw, p.appendJSON(nil, ""))
	}
	e.profile.Validate()
}
