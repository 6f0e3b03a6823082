package profiles

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// many writes a file of n profiles of ordinary size, about 450 bytes each.
func many(b *testing.B, n int) string {
	d := &document{version: fileVersion}
	for i := range n {
		p := minimal(fmt.Sprintf("profile-%05d", i))
		p.Environment, p.Scope, p.APIBaseURL = "staging", List{"openid", "profile", "email", "offline_access"}, "https://api.example.com/v1"
		p.AuthorizeParams, p.RedirectURI = Parameters{"access_type": "offline"}, List{"http://127.0.0.1:8400/callback", "http://127.0.0.1:8401/callback"}
		d.entries = append(d.entries, newEntry(p))
	}
	path := filepath.Join(b.TempDir(), "profiles.json")
	if err := os.WriteFile(path, []byte(d.render()), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// The aim is under 150 ms: the agent opens the file once.
func BenchmarkOpen10000(b *testing.B) {
	path := many(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if f, err := OpenFile(path); err != nil || len(f.now.Load().doc.byName) != 10_000 {
			b.Fatal(err)
		}
	}
}

func BenchmarkPutAmong10000(b *testing.B) {
	f, err := OpenFile(many(b, 10_000))
	if err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		p, _ := f.Get("profile-05000")
		p.LoginHint = fmt.Sprint(i)
		i++
		if err := f.Put(p, "", false); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReloadUnchanged(b *testing.B) {
	path := many(b, 10_000)
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		b.Fatal(err)
	}
	f, err := OpenFile(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if changed, err := f.Reload(); changed || err != nil {
			b.Fatal(changed, err)
		}
	}
}

// A profile is checked whenever it is shown: a field that is not set must cost nothing.
func BenchmarkValidate(b *testing.B) {
	p := full()
	for b.Loop() {
		p.Validate()
	}
}

func BenchmarkValidateMinimal(b *testing.B) {
	p := minimal("x")
	for b.Loop() {
		p.Validate()
	}
}

func BenchmarkAll10000(b *testing.B) {
	f, err := OpenFile(many(b, 10_000))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		f.All()
	}
}
