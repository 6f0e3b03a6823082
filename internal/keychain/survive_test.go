package keychain

import (
	"errors"
	"strings"
	"testing"
)

// A panic of go-keyring's, as when the keychain dies during a prompt, is an error of that call, and says nothing of what it was about.
func TestPanicOfTheKeychainIsAnError(t *testing.T) {
	err := func() (err error) {
		defer survive(&err)
		var closed *struct{ secret string }
		return errors.New(closed.secret)
	}()
	if !errors.Is(err, ErrNoKeychain) || !strings.Contains(err.Error(), "went away") {
		t.Errorf("%v", err)
	}
}
