package keychain

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// PassphraseFileEnv names a file that holds the passphrase of the file store.
const PassphraseFileEnv = "FOB_PASSPHRASE_FILE"

// credentialsEnv is the folder in which systemd gives a service its credentials, and credentialName what ours is called there
// (systemd.exec(5), "Credentials").
const (
	credentialsEnv = "CREDENTIALS_DIRECTORY"
	credentialName = "fob-passphrase"
)

// passphraseMax is far above every passphrase; a file that is larger is something else.
const passphraseMax = 4096

// passphraseFile is the file that holds the passphrase: the one that is named, else systemd's credential, else "".
func passphraseFile(env func(string) string) (string, error) {
	if named := env(PassphraseFileEnv); named != "" {
		info, err := os.Stat(named)
		if err != nil {
			return "", &Error{Kind: ErrSealed, Detail: "no passphrase can be read from " + PassphraseFileEnv, Cause: err, Remedy: "see that the file is there and yours, or run `fob store unlock`"}
		}
		return named, private(named, info, env(credentialsEnv))
	}
	if dir := env(credentialsEnv); dir != "" {
		file := filepath.Join(dir, credentialName)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
	}
	return "", nil
}

// private refuses a file that other users may read. In systemd's folder of credentials the mode does not tell (a group's bit there
// is the mask of an access list), and the folder itself is closed to others.
func private(path string, info fs.FileInfo, credentials string) error {
	if runtime.GOOS == "windows" { // files are private by their access lists there
		return nil
	}
	if credentials != "" && filepath.Dir(path) == filepath.Clean(credentials) {
		return nil
	}
	switch {
	case !info.Mode().IsRegular():
		return &Error{Kind: ErrSealed, Detail: path + " is not a file", Remedy: "name a file of mode 0600 in " + PassphraseFileEnv}
	case info.Mode().Perm()&0o077 != 0:
		return &Error{Kind: ErrSealed, Detail: "others can read " + path, Remedy: "run: chmod 600 " + path + ", and choose another passphrase if somebody may have read it (fob store passphrase)"}
	}
	return nil
}

// readPassphrase reads the file's one line.
func readPassphrase(path string) (string, error) {
	unread := func(detail string, err error) error {
		return &Error{Kind: ErrSealed, Detail: path + detail, Cause: err, Remedy: "put the passphrase there, in one line"}
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", unread(" cannot be read", err)
	}
	if info.Size() > passphraseMax {
		return "", unread(" is too large to be a passphrase", nil)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", unread(" cannot be read", err)
	}
	passphrase := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if passphrase == "" || strings.Contains(passphrase, "\n") {
		return "", unread(" does not hold one line", nil)
	}
	return passphrase, nil
}

// Unlock opens the file store with its passphrase. With create, a store that is not there yet is made with it; without, that is
// ErrNoPassphrase. A passphrase that does not fit is ErrWrongPassphrase, and changes nothing.
func (k *Keychain) Unlock(ctx context.Context, passphrase string, create bool) error {
	return k.sealed(ctx, func(a *ageFiles) error { return a.open(passphrase, create) })
}

// SetPassphrase replaces the passphrase of the file store.
func (k *Keychain) SetPassphrase(ctx context.Context, before, passphrase string) error {
	return k.sealed(ctx, func(a *ageFiles) error { return a.change(before, passphrase) })
}

// sealed does work on the file store in a turn of its own. Somebody waits for it, and scrypt takes what it takes.
func (k *Keychain) sealed(ctx context.Context, work func(*ageFiles) error) error {
	files, ok := k.back.(*ageFiles)
	if !ok {
		return &Error{Object: "store", Kind: ErrRefused, Detail: "only the file store has a passphrase, and this is " + string(k.kind), Remedy: "move to it with `fob store move file`"}
	}
	u, err := k.turns.take(ctx, true)
	if err != nil {
		return about("store", err)
	}
	defer u.end()
	_, err = ask(ctx, u, func(context.Context) (struct{}, error) { return struct{}{}, work(files) })
	return about("store", err)
}
