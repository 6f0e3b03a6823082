//go:build !linux

package keychain

import (
	"context"
	"errors"
	"runtime"

	"github.com/zalando/go-keyring"
)

const noKeychainRemedy = "see whether the system's keychain works for other programs"

// osKeychain is the keychain of the operating system, through go-keyring: see keyring.go.
type osKeychain struct{}

// ready asks for an item that nobody stored: a keychain that says so is there and open.
func (*osKeychain) ready(context.Context, bool) (Report, error) {
	report := Report{Owner: runtime.GOOS + " keychain", Lasts: true}
	switch runtime.GOOS {
	case "windows":
		report = Report{Owner: "Windows Credential Manager", Collection: "generic credentials", ItemLimit: 2560, Lasts: true}
	case "darwin":
		report = Report{Owner: "macOS Keychain", Collection: "login", ItemLimit: 3000, Lasts: true}
	}
	_, err := keyring.Get(service, "is anybody there")
	if err == nil || errors.Is(err, keyring.ErrNotFound) {
		return report, nil
	}
	return report, explain(err)
}

// diagnose has nothing to go by: go-keyring passes on the exit status of security(1), or a Windows error code.
func diagnose(err error) error { return problem(ErrRefused, "", err) }

// program has no more to say than ready: the keychain is the system's own.
func program(_ context.Context, r Report) string { return r.Owner }
