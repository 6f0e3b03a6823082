package keychain

import (
	"errors"

	"github.com/zalando/go-keyring"
)

// service is the name that all of Fob's items carry in the OS keychain.
const service = "app.fob.Fob"

// osKeychain's calls know no context and may hang; turn.go deals with that. What to do before such a call, and what its errors
// mean, differs by system: see ready and diagnose.

func (*osKeychain) get(name string) (string, error) {
	text, err := keyring.Get(service, name)
	return text, explain(err)
}

func (*osKeychain) set(name, text string) error {
	return explain(keyring.Set(service, name, text))
}

func (*osKeychain) remove(name string) error {
	err := explain(keyring.Delete(service, name))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrNotFound):
		return problem(ErrNotFound, "", nil)
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return problem(ErrTooLarge, "", err)
	case errors.Is(err, keyring.ErrUnsupportedPlatform):
		return problem(ErrNoKeychain, "", err)
	}
	return diagnose(err)
}
