package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"fob/internal/keychain"
	"fob/oauth"
	"fob/profiles"
)

// secrets are what a profile keeps in the keychain beside its tokens, by key: client_secret, private_key and their kin. One
// item holds them all, so that a refresh reads one item whatever the client authentication.
type secrets map[string]string

// registered is the member that says that Fob itself registered the client (RFC 7591): what the server answered.
const registered = "registration"

func (s secrets) get(key string) oauth.Secret { return oauth.Secret(s[key]) }

// keys are those a person may know about.
func (s secrets) keys() []string {
	list := slices.Sorted(maps.Keys(s))
	return slices.DeleteFunc(list, func(key string) bool { return key == registered })
}

// secretKey names the keychain item of a profile's secrets: by profile and authorization server, because a secret entered for
// one server must not be sent to another.
func secretKey(p profiles.Profile) string {
	return "secrets/" + brief(p.Name) + "@" + short(authority(p))
}

// formerSecretKey is where the client secret rested alone before profiles had other secrets.
func formerSecretKey(p profiles.Profile) string {
	return "client_secret/" + brief(p.Name) + "@" + short(authority(p))
}

// readSecrets returns the secrets of p; none is no error.
func (e *Engine) readSecrets(ctx context.Context, p profiles.Profile) (secrets, error) {
	text, err := e.store.Get(ctx, secretKey(p))
	if errors.Is(err, keychain.ErrNotFound) {
		if text, err = e.store.Get(ctx, formerSecretKey(p)); err == nil {
			return secrets{"client_secret": string(text)}, nil
		}
		if errors.Is(err, keychain.ErrNotFound) {
			return secrets{}, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("profile %s: secrets: %w", p.Name, err)
	}
	var kept secrets
	if json.Unmarshal(text, &kept) != nil || kept == nil { // the cause could quote the item
		return nil, damaged("it is not one that Fob wrote", "give the secrets again: fob profile set "+quoteArg(p.Name)+" client_secret=-")
	}
	return kept, nil
}

// writeSecrets replaces the secrets of p, and removes the item when none is left.
func (e *Engine) writeSecrets(ctx context.Context, p profiles.Profile, s secrets) error {
	if len(s) == 0 {
		return e.deleteSecrets(ctx, p)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	defer e.secretEdits.Add(1)
	if err := e.store.Set(ctx, secretKey(p), text); err != nil {
		return err
	}
	return e.store.Delete(ctx, formerSecretKey(p))
}

func (e *Engine) deleteSecrets(ctx context.Context, p profiles.Profile) error {
	defer e.secretEdits.Add(1)
	if err := e.store.Delete(ctx, secretKey(p)); err != nil {
		return err
	}
	return e.store.Delete(ctx, formerSecretKey(p))
}

// checkSecrets refuses secrets that are given now and cannot be used, and what the profile may not be without them: a key that
// cannot be read is better said when it is given than at the next login.
func (e *Engine) checkSecrets(ctx context.Context, before, p profiles.Profile, existed bool, given map[string]string) error {
	if len(given) == 0 {
		return nil
	}
	kept := secrets{}
	if existed && authority(before) == authority(p) {
		var err error
		if kept, err = e.readSecrets(ctx, before); err != nil {
			return Explain(p.Name, err)
		}
	}
	for key, value := range given {
		if kept[key] = value; value == "" {
			delete(kept, key)
		}
	}
	if problems := p.ValidateSecrets(func(key string) bool { return kept[key] != "" }); len(problems) > 0 && slices.ContainsFunc(problems, func(problem profiles.Problem) bool {
		_, mentioned := given[problem.Key]
		return mentioned
	}) {
		return &Error{Kind: Misused, Code: CodeProfileInvalid, Sentence: "profile " + p.Name + ": " + problems[0].Error(), Remedy: "see fob profile fields for what each field takes"}
	}
	c := &client{profile: p, secrets: kept, Client: &oauth.Client{}}
	var said *Error
	if err := c.configureKeys(); errors.As(err, &said) {
		return &Error{Kind: Misused, Code: said.Code, Sentence: said.Sentence, Remedy: said.Remedy}
	}
	return nil
}

// putSecrets stores what an edit of a profile gives, keeps what it does not mention, and takes all to the profile's new name.
// An empty value removes a secret.
func (e *Engine) putSecrets(ctx context.Context, before, p profiles.Profile, existed bool, given map[string]string) error {
	moved := existed && before.Name != p.Name && authority(before) == authority(p)
	if len(given) == 0 && !moved {
		return nil
	}
	from := p
	if moved {
		from = before
	}
	kept, err := e.readSecrets(ctx, from)
	if err != nil {
		return err
	}
	for key, value := range given {
		if kept[key] = value; value == "" {
			delete(kept, key)
		}
	}
	if len(kept) == 0 && moved {
		return nil
	}
	return e.writeSecrets(ctx, p, kept)
}
