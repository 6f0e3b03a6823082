//go:build e2e && linux

package keychain

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The plain age tool opens the file store, as docs/servers.md says: the identity with the passphrase, an item with the identity.
func TestRealAge(t *testing.T) {
	a := newAgeFiles(filepath.Join(t.TempDir(), "store")) // scrypt as it is: the tool has its own limits
	k, err := openFiles(a)
	must(t, err)
	must(t, k.Unlock(t.Context(), passphrase, true))
	must(t, k.Set(t.Context(), "token/work", []byte("the token")))
	age := func(typed string) (string, error) {
		// age asks at the terminal, and nowhere else: script(1) is one.
		cmd := exec.Command("script", "-qec", "age -d -i "+a.path(identityFile)+" "+a.path(itemFile("token/work")), "/dev/null")
		cmd.Stdin = strings.NewReader(typed + "\n")
		out, err := cmd.CombinedOutput()
		return strings.ReplaceAll(string(out), "\r\n", "\n"), err
	}
	out, err := age(passphrase)
	if err != nil || !strings.Contains(out, ageItem+"token/work\nfob1 text the token") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := age("another passphrase"); err == nil || strings.Contains(out, "the token") {
		t.Errorf("with another passphrase: %v: %s", err, out)
	}
}
