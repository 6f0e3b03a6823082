package profiles

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

func profilesFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fob", "profiles.json")
	if text != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, path, text)
	}
	return path
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func open(t testing.TB, path string) *File {
	t.Helper()
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func names(f *File) string {
	var all []string
	for _, p := range f.All() {
		all = append(all, p.Name)
	}
	return strings.Join(all, " ")
}

func minimal(name string) Profile {
	return Profile{Name: name, Issuer: "https://login.example.com", ClientID: "c"}
}

func TestFileRoundTrip(t *testing.T) { // F-144
	path := profilesFile(t, "")
	f := open(t, path)
	if names(f) != "" {
		t.Errorf("a missing file holds %q", names(f))
	}
	want := full()
	for _, p := range []Profile{want, minimal("b"), minimal("c")} {
		if err := f.Put(p, "", true); err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, path)
	if names(again) != "work b c" || names(f) != names(again) {
		t.Errorf("written %q, read %q", names(f), names(again))
	}
	if got, ok := again.Get("work"); !ok || !got.Equal(want) {
		t.Errorf("read %s", got.appendJSON(nil, ""))
	}
	if err := f.Remove("b"); err != nil {
		t.Fatal(err)
	}
	renamed := minimal("d")
	if err := f.Put(renamed, "c", false); err != nil {
		t.Fatal(err)
	}
	if again := open(t, path); names(again) != "work d" {
		t.Errorf("after remove and rename: %q", names(again))
	}
	if runtime.GOOS != "windows" {
		for _, name := range []string{path, filepath.Dir(path)} {
			info, err := os.Stat(name)
			if err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: mode %v, %v: others can read it", name, info.Mode(), err)
			}
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("files are left beside it: %v", left)
	}
}

// The text is what a repository shows: one order, one indentation, one line more for one field more.
func TestFileText(t *testing.T) {
	f := open(t, profilesFile(t, ""))
	p := minimal("work")
	p.Scope = List{"openid", "email"}
	if err := f.Put(p, "", true); err != nil {
		t.Fatal(err)
	}
	const want = `{
  "version": 1,
  "profiles": [
    {
      "name": "work",
      "issuer": "https://login.example.com",
      "client_id": "c",
      "scope": "openid email"
    }
  ]
}
`
	if got := read(t, f.Path()); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if err := f.Remove("work"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, f.Path()); got != "{\n  \"version\": 1,\n  \"profiles\": []\n}\n" {
		t.Errorf("empty: %s", got)
	}
}

func TestPutRefuses(t *testing.T) {
	f := open(t, profilesFile(t, ""))
	for _, name := range []string{"a", "b"} {
		if err := f.Put(minimal(name), "", true); err != nil {
			t.Fatal(err)
		}
	}
	before := read(t, f.Path())
	tests := []struct {
		p      Profile
		rename string
		create bool
		is     error
		want   string
	}{
		{minimal("a"), "", true, ErrExists, "profile a: the name is taken"},
		{minimal("a"), "b", false, ErrExists, "profile a: the name is taken"},
		{minimal("c"), "x", false, ErrNotFound, "profile x: there is no such profile"},
		{Profile{Name: "c"}, "", true, nil, "profile c: issuer: is missing"},
		{minimal("-c"), "", true, nil, `name: begins with "-"`},
		{minimal(""), "", true, nil, "name: is missing"},
	}
	for _, tt := range tests {
		err := f.Put(tt.p, tt.rename, tt.create)
		if err == nil || !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("Put(%s, %q, %t) = %v, want %q", tt.p.Name, tt.rename, tt.create, err, tt.want)
		}
	}
	if err := f.Remove("x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Remove(x) = %v", err)
	}
	if read(t, f.Path()) != before {
		t.Error("a refused write changed the file")
	}
}

const byHand = `{ "$schema": "https://example.com/s.json",
	"version": 1, "theme": {"a":   [1, 2]},
  "profiles": [ {"name": "one",   "issuer": "https://login.example.com", "client_id": "c", "x-team": {"owner":"me" } },
    {"name": "two", "scope": 5, "note": "kept   as it is"},
    "not a profile",
    {"name": "one", "client_id": "twin"},
    {"name": "three", "issuer": "http://insecure.example.com", "client_id": "c"}
  ] }`

func TestBadProfilesAndUnknownMembersSurvive(t *testing.T) {
	f := open(t, profilesFile(t, byHand))
	if names(f) != "one three" {
		t.Errorf("usable: %q", names(f))
	}
	var got []string
	for _, b := range f.Bad() {
		got = append(got, fmt.Sprintf("%s %d:%d %s", b.Name, b.Line, b.Column, b.Problems[0]))
	}
	want := []string{
		"two 4:5 scope: is a number; write it as text in quotes, or as an array of such texts",
		` 5:5 name: is missing, the profile is text; write it as an object: {"name": …}`,
		"one 6:5 name: is taken by another profile too, in line 3; rename one of them",
	}
	if !slices.Equal(got, want) {
		t.Errorf("bad: %q\nwant %q", got, want)
	}
	if three, _ := f.Get("three"); len(three.Validate()) != 1 {
		t.Errorf("three: %v, want the insecure issuer", three.Validate())
	}
	one, _ := f.Get("one")
	one.ClientID = "changed"
	if err := f.Put(one, "", false); err != nil {
		t.Fatal(err)
	}
	if err := f.Put(minimal("four"), "", true); err != nil {
		t.Fatal(err)
	}
	text := read(t, f.Path())
	for _, kept := range []string{
		`"$schema": "https://example.com/s.json"`, `"theme": {"a":   [1, 2]}`, `"x-team": {"owner":"me" }`,
		`{"name": "two", "scope": 5, "note": "kept   as it is"}`, `"not a profile"`, `{"name": "one", "client_id": "twin"}`,
		`{"name": "three", "issuer": "http://insecure.example.com", "client_id": "c"}`, `"client_id": "changed"`,
	} {
		if strings.Count(text, kept) != 1 {
			t.Errorf("%s is lost or doubled in %s", kept, text)
		}
	}
	if again := open(t, f.Path()); len(again.Bad()) != 3 || names(again) != "one three four" {
		t.Errorf("read again: %q and %v", names(again), again.Bad())
	}
	// What cannot be read is not overwritten either.
	if err := f.Put(minimal("two"), "", false); err == nil || !strings.Contains(err.Error(), "scope: is a number") {
		t.Errorf("Put over an unreadable profile: %v", err)
	}
	// But it can be removed, and without its twin a profile is one again.
	for _, name := range []string{"two", "one"} {
		if err := f.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if one, _ := f.Get("one"); one.ClientID != "twin" || len(f.Bad()) != 1 {
		t.Errorf("after removing the first: %q, bad %v", one.ClientID, f.Bad())
	}
}

func TestSecretInTheFileIsRefusedAndNeverRepeated(t *testing.T) {
	const canary = "c4n4ry-5ecret"
	f := open(t, profilesFile(t, `{"version":1,"profiles":[
  {"name":"work","issuer":"https://login.example.com","client_id":"c","client_secret":"`+canary+`"}]}`))
	p, ok := f.Get("work")
	if !ok {
		t.Fatal("the profile is gone")
	}
	problems := p.Validate()
	if len(problems) != 1 || !strings.Contains(problems[0].Message, "fob profile set work client_secret=@FILE") {
		t.Errorf("Validate: %v", problems)
	}
	data, _ := json.Marshal(p)
	var q Profile // as it comes back from a face
	if err := json.Unmarshal(data, &q); err != nil {
		t.Fatal(err)
	}
	q.ClientID = "changed"
	err := f.Put(q, "", false)
	if err == nil || !strings.Contains(err.Error(), "client_secret") || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("Put: %v, want it refused: the only copy of the secret would be lost", err)
	}
	if all := fmt.Sprint(problems, err, string(data)); strings.Contains(all, canary) {
		t.Errorf("the secret is repeated: %s", all)
	}
	if !strings.Contains(read(t, f.Path()), canary) {
		t.Error("the only copy of the secret is lost")
	}
	write(t, f.Path(), strings.Replace(read(t, f.Path()), `,"client_secret":"`+canary+`"`, "", 1))
	if err := f.Put(q, "", false); err != nil {
		t.Errorf("after it was removed by hand: %v", err)
	}
}

func TestPutOfTheSameWritesNothing(t *testing.T) {
	f := open(t, profilesFile(t, byHand))
	one, _ := f.Get("one")
	if err := f.Put(one, "", false); err != nil {
		t.Fatal(err)
	}
	if read(t, f.Path()) != byHand {
		t.Error("the file was written though nothing changed")
	}
}

func TestNewerVersionIsReadOnly(t *testing.T) {
	const text = `{"version":2,"profiles":[{"name":"a","issuer":"https://login.example.com","client_id":"c"}]}`
	f := open(t, profilesFile(t, text))
	if names(f) != "a" || f.ReadOnly() == nil {
		t.Errorf("read %q, ReadOnly %v", names(f), f.ReadOnly())
	}
	var newer *VersionError
	for _, err := range []error{f.Put(minimal("b"), "", true), f.Remove("a")} {
		if !errors.As(err, &newer) || newer.Version != 2 || !strings.Contains(err.Error(), "has version 2 and this Fob knows version 1: it is only read; update Fob") {
			t.Errorf("a write: %v", err)
		}
	}
	if read(t, f.Path()) != text {
		t.Error("the file was written")
	}
	f, err := OpenFile(profilesFile(t, `{"version":3,"profiles":{"a":{}}}`))
	if !errors.As(err, &newer) || f == nil || f.Put(minimal("b"), "", true) == nil {
		t.Errorf("another shape: %v", err)
	}
}

func TestWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenFile(dir); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a directory: %v", err)
	}
	// The directory has become a file: nothing can be written, and it is said.
	f := open(t, filepath.Join(dir, "fob", "profiles.json"))
	write(t, filepath.Join(dir, "fob"), "in the way")
	if err := f.Put(minimal("a"), "", true); err == nil || !strings.HasPrefix(err.Error(), "profiles: ") || names(f) != "" {
		t.Errorf("Put where no directory can be: %v, %q", err, names(f))
	}
}

func TestManyAtOnce(t *testing.T) {
	f := open(t, profilesFile(t, ""))
	var wg sync.WaitGroup
	errs := make(chan error, 100)
	for i := range 20 {
		wg.Go(func() {
			p := minimal(fmt.Sprintf("p%02d", i))
			errs <- f.Put(p, "", true)
			p.Environment = "staging"
			errs <- f.Put(p, "", false)
			if got, ok := f.Get(p.Name); !ok || got.Environment != "staging" {
				errs <- fmt.Errorf("%s: read %v, %t", p.Name, got.Environment, ok)
			}
			f.All()
			_, err := f.Reload()
			errs <- err
			if i%4 == 0 {
				errs <- f.Remove(p.Name)
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if again := open(t, f.Path()); len(again.All()) != 15 || len(f.All()) != 15 || len(again.Bad()) != 0 {
		t.Errorf("%d profiles are in the file, %d in memory, want 15", len(again.All()), len(f.All()))
	}
}

func TestCallersShareNothing(t *testing.T) {
	f := open(t, profilesFile(t, ""))
	p := full()
	if err := f.Put(p, "", true); err != nil {
		t.Fatal(err)
	}
	p.Scope[0] = "x"
	f.All()[0].Scope[0] = "y"
	got, _ := f.Get("work")
	got.AuthorizeParams["a"] = "z"
	if again, _ := f.Get("work"); !again.Equal(full()) {
		t.Errorf("a caller changed the file's profile: %s", again.appendJSON(nil, ""))
	}
}
