package profiles

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestHandEditsArePickedUp(t *testing.T) {
	f := open(t, profilesFile(t, `{"version":1,"profiles":[]}`))
	reload := func(wantChanged bool, want string) {
		t.Helper()
		changed, err := f.Reload()
		if err != nil || changed != wantChanged || names(f) != want {
			t.Errorf("Reload = %t, %v with %q, want %t with %q", changed, err, names(f), wantChanged, want)
		}
	}
	reload(false, "")
	write(t, f.Path(), `{"profiles":[{"name":"a"}]}`)
	reload(true, "a")
	reload(false, "a")
	// The same size and the same time stamp, as an edit in the same moment has: it is seen nevertheless.
	info, err := os.Stat(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.Path(), `{"profiles":[{"name":"b"}]}`)
	if err := os.Chtimes(f.Path(), info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	reload(true, "b")
	// Once the stamp is old, one stat is all it takes: what cannot be seen there is not looked for.
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(f.Path(), old, old); err != nil {
		t.Fatal(err)
	}
	reload(false, "b")
	write(t, f.Path(), `{"profiles":[{"name":"c"}]}`)
	if err := os.Chtimes(f.Path(), old, old); err != nil {
		t.Fatal(err)
	}
	reload(false, "b")
	// Replaced by another file, as editors do.
	write(t, f.Path()+".new", `{"profiles":[{"name":"d"}]}`)
	if err := os.Chtimes(f.Path()+".new", old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(f.Path()+".new", f.Path()); err != nil {
		t.Fatal(err)
	}
	reload(true, "d")
	if err := os.Remove(f.Path()); err != nil {
		t.Fatal(err)
	}
	reload(true, "")
	reload(false, "")
}

func TestHandEditMeanwhileIsNotLost(t *testing.T) {
	f := open(t, profilesFile(t, `{"version":1,"profiles":[{"name":"a","issuer":"https://login.example.com","client_id":"c"}]}`))
	a, _ := f.Get("a")
	write(t, f.Path(), `{"version":1,"new":true,"profiles":[{"name":"a","issuer":"https://login.example.com","client_id":"c","x":1},{"name":"b"}]}`)
	a.ClientID = "changed"
	if err := f.Put(a, "", false); err != nil {
		t.Fatal(err)
	}
	text := read(t, f.Path())
	for _, kept := range []string{`"new": true`, `"x": 1`, `"name":"b"`, `"client_id": "changed"`} {
		if !strings.Contains(text, kept) {
			t.Errorf("%s is lost in %s", kept, text)
		}
	}
	// And one that comes between reading and renaming.
	raced := false
	f.step = func(step string, _ *os.File) {
		if step == "rename" && !raced {
			raced = true
			write(t, f.Path(), strings.Replace(read(t, f.Path()), `"name":"b"`, `"name":"late"`, 1))
		}
	}
	a.ClientID = "again"
	if err := f.Put(a, "", false); err != nil {
		t.Fatal(err)
	}
	if text := read(t, f.Path()); !strings.Contains(text, `"late"`) || !strings.Contains(text, `"again"`) {
		t.Errorf("one of two edits is lost: %s", text)
	}
}
