package keychain

import (
	"errors"

	"github.com/zalando/go-keyring"
)

// service is the name that all of Fob's items carry in the OS keychain.
const service = "app.fob.Fob"

// osKeychain's calls know no context and may hang; turn.go deals with that. What to do before such a call, and what its errors
// mean, differs by system: see ready and diagnose.

func (*osKeychain) get(name string) (text string, err error) {
	defer survive(&err)
	text, err = keyring.Get(service, name)
	return text, explain(err)
}

func (*osKeychain) set(name, text string) (err error) {
	defer survive(&err)
	return explain(keyring.Set(service, name, text))
}

func (*osKeychain) remove(name string) (err error) {
	defer survive(&err)
	if err = explain(keyring.Delete(service, name)); errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// survive makes an error of go-keyring's panic: it reads the signal that ends a prompt from a channel that the bus closes when the
// keychain dies (secret_service.go, handlePrompt, 0.2.8), and the agent would die along. What it panics with says nothing of the secret.
func survive(err *error) {
	if p := recover(); p != nil {
		*err = problem(ErrNoKeychain, "it went away during the call", nil)
	}
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
