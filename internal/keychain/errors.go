package keychain

import (
	"errors"
	"strings"
)

// The reasons why a keychain does not serve. Each reaches the caller inside an *Error, which names the object and a remedy;
// ask with errors.Is.
var (
	// ErrNotFound means that nothing is stored under that key. It is an answer of a working keychain.
	ErrNotFound = errors.New("nothing stored")
	// ErrNoKeychain means that this system offers no keychain at the moment: no session bus, or no Secret Service on it.
	ErrNoKeychain = errors.New("no OS keychain")
	// ErrNoCollection means that the keychain is there and has no collection yet to put items into.
	ErrNoCollection = errors.New("the keychain has no default collection")
	// ErrLocked means that somebody must unlock the keychain first.
	ErrLocked = errors.New("the keychain is locked")
	// ErrRefused means that the prompt was dismissed, or that the keychain kept the old value without saying why.
	ErrRefused = errors.New("the keychain refused")
	// ErrTimeout means that the keychain did not answer in time. What was asked may still happen; calls recover by themselves.
	ErrTimeout = errors.New("the keychain does not answer")
	// ErrDamaged means that something is stored which cannot be read any more. It is left where it is.
	ErrDamaged = errors.New("stored value damaged")
	// ErrTooLarge means that a key or a value is larger than any keychain takes.
	ErrTooLarge = errors.New("too large for the keychain")
	// ErrSealed is the file store's ErrLocked: the passphrase is needed.
	ErrSealed error = &wording{"the file store is locked", ErrLocked}
	// ErrNoPassphrase is the file store's ErrNoCollection: the first passphrase makes it.
	ErrNoPassphrase error = &wording{"the file store has no passphrase yet", ErrNoCollection}
	// ErrWeakPassphrase means that a new passphrase is too short.
	ErrWeakPassphrase error = &wording{"the passphrase is too short", ErrRefused}
	// ErrWrongPassphrase means that the passphrase is not the file store's, which stays locked.
	ErrWrongPassphrase error = &wording{"wrong passphrase for the file store", ErrLocked}
)

// wording is a kind in the words of one store.
type wording struct {
	words string
	kind  error
}

func (w *wording) Error() string { return w.words }
func (w *wording) Unwrap() error { return w.kind }

// Error says what went wrong with which object, and what the user can do.
type Error struct {
	Object string // what it concerns: `keychain item "work"`, or "keychain"
	Kind   error  // one of the Err… values of this package, or a context's error
	Detail string // what exactly is missing here, "" when Kind says it all
	Remedy string // what to do about it, in words; "" when nothing can be done
	Cause  error  // what lies below, or nil
}

// Error returns one line: object, kind, detail and cause, remedy.
func (e *Error) Error() string {
	parts := make([]string, 0, 4)
	if e.Object != "" {
		parts = append(parts, e.Object)
	}
	parts = append(parts, e.Kind.Error())
	if e.Detail != "" {
		parts = append(parts, e.Detail)
	}
	if e.Cause != nil {
		parts = append(parts, e.Cause.Error())
	}
	text := strings.Join(parts, ": ")
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	return text
}

// Unwrap makes errors.Is find the kind as well as the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

const orMemory = "or keep logins without one: FOB_STORE=file seals them with a passphrase, FOB_STORE=memory forgets them when the agent stops"

// remedy is the advice for a kind where the place that found it knows none better.
func remedy(kind error) string {
	switch kind {
	case ErrNoKeychain:
		return noKeychainRemedy + ", " + orMemory
	case ErrNoCollection:
		return "log in once while you are at the machine and choose a password for the new keychain, " + orMemory
	case ErrSealed:
		return "unlock it: fob store unlock; or let the agent read the passphrase from the file that " + PassphraseFileEnv + " names"
	case ErrNoPassphrase:
		return "choose one: fob store unlock; or let the agent read it from the file that " + PassphraseFileEnv + " names"
	case ErrWrongPassphrase:
		return "try again; nothing was changed"
	case ErrLocked:
		return "unlock it (log in to the desktop, or ask Fob for a login and answer the prompt), " + orMemory
	case ErrRefused:
		return "try again and answer the keychain's prompt"
	case ErrTimeout:
		return "see whether the keychain waits for an answer on the screen (KeePassXC asks for each item unless that is switched off in its settings), or restart it; Fob tries again by itself"
	case ErrDamaged:
		return "log in again, or enter the secret again; that replaces it"
	}
	return ""
}

// problem is an Error without an object yet; about adds it.
func problem(kind error, detail string, cause error) *Error {
	return &Error{Kind: kind, Detail: detail, Cause: cause, Remedy: remedy(kind)}
}

// about names the object an error is about, unless it names one already.
func about(object string, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Object: object, Kind: err}
	}
	if e.Object != "" {
		return err
	}
	named := *e
	named.Object = object
	return &named
}
