package session

import (
	"strings"
	"testing"
	"unicode/utf8"

	"fob/profiles"
)

func TestKeysFitEveryKeychain(t *testing.T) {
	const most = 200 - len("home/0123456789ab/") // what a keychain takes, less what tells homes apart
	seen := map[string]bool{}
	for _, name := range []string{"work", strings.Repeat("長", 64), strings.Repeat("長", 63) + "短", strings.Repeat("x", 64)} {
		p := profiles.Profile{Name: name, Issuer: "https://id.example", ClientID: "c"}
		for _, key := range []string{itemKey(p), secretKey(p)} {
			if len(key) > most || !utf8.ValidString(key) || seen[key] {
				t.Errorf("key of %d bytes, valid %v, known already %v", len(key), utf8.ValidString(key), seen[key])
			}
			seen[key] = true
		}
	}
	if key := itemKey(profiles.Profile{Name: "work"}); !strings.HasPrefix(key, "token/work@") {
		t.Errorf("a short name is not readable in the keychain: %s", key)
	}
}
