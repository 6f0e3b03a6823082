package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"fob/internal/keychain"
	"fob/profiles"
)

// Profiles returns all profiles in the order of the file.
func (e *Engine) Profiles() []profiles.Profile {
	e.reload()
	return e.file.All()
}

// Keys returns the keys of all items that the store may hold for the profiles there are.
func (e *Engine) Keys() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	keys := make([]string, 0, 3*len(e.logins))
	for _, l := range e.logins {
		keys = append(keys, l.key, secretKey(*l.profile), formerSecretKey(*l.profile))
		if l.rec.Key != "" && l.rec.Key != l.key {
			keys = append(keys, l.rec.Key)
		}
	}
	for _, w := range e.waiting.list() {
		keys = append(keys, w.Key)
	}
	if e.journal != nil {
		keys = append(keys, journalItem)
	}
	return keys
}

// Profile returns one profile and the keys of the secrets that are kept for it.
func (e *Engine) Profile(ctx context.Context, name string) (profiles.Profile, []string, error) {
	e.reload()
	p, ok := e.file.Get(name)
	if !ok {
		return p, nil, e.unknownProfile(name)
	}
	kept, err := e.readSecrets(ctx, p)
	if err != nil {
		e.log.Info("secrets", "profile", name, "problem", err.Error())
		return p, nil, nil // the profile can be shown all the same
	}
	return p, kept.keys(), nil
}

// PutProfile writes a profile and its secrets. rename is its name until now when that changes; create refuses a name that is
// taken. A login survives a new name; it does not survive another server, client or scope.
func (e *Engine) PutProfile(ctx context.Context, p profiles.Profile, secrets map[string]string, rename string, create bool) error {
	for key := range secrets {
		if f, known := profiles.FieldByKey(key); !known || f.Kind != profiles.KindSecret {
			return &Error{Kind: Misused, Code: CodeProfileInvalid, Sentence: "profile " + p.Name + ": " + key + " is not a secret that profiles have", Remedy: "see fob profile fields"}
		}
	}
	if secrets["client_secret"] != "" && p.TokenEndpointAuthMethod == "none" && p.Grant() != profiles.GrantOAuth1 {
		return &Error{Kind: Misused, Code: CodeProfileInvalid, Sentence: "profile " + p.Name + ": token_endpoint_auth_method is none, which uses no client secret",
			Remedy: "set token_endpoint_auth_method to client_secret_basic or client_secret_post as well, or leave the secret out"}
	}
	return e.putProfile(ctx, p, secrets, rename, create)
}

// putProfile is PutProfile with secrets that were taken before.
func (e *Engine) putProfile(ctx context.Context, p profiles.Profile, secrets map[string]string, rename string, create bool) error {
	if damage := e.Damage(); damage != nil {
		return unreadable(damage)
	}
	if problems := p.Validate(); len(problems) > 0 {
		return &Error{Kind: Misused, Code: CodeProfileInvalid, Sentence: "profile " + p.Name + ": " + problems[0].Error(), Remedy: "see fob profile fields for what each field takes"}
	}
	old := rename
	if old == "" {
		old = p.Name
	}
	_, existed := e.file.Get(old)
	if _, taken := e.file.Get(p.Name); taken && (create || rename != "" && rename != p.Name) {
		return &Error{Kind: Misused, Code: CodeProfileExists, Sentence: "there is already a profile " + quoteArg(p.Name), Remedy: "choose another name, or change that one: fob profile edit " + quoteArg(p.Name)}
	}
	if rename != "" && !existed {
		return e.unknownProfile(rename)
	}
	if existed {
		if err := e.CancelLogin(old); err != nil {
			return err
		}
		release, err := e.turn(ctx, old)
		if err != nil {
			return Explain(old, err)
		}
		defer release()
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	before, there := e.file.Get(old)
	if there != existed {
		return e.unknownProfile(old) // somebody else was faster
	}
	if _, _, err := e.finishLast(ctx, old); err != nil {
		return Explain(old, err) // or the newest token would stay behind
	}
	if err := e.checkSecrets(ctx, before, p, existed, secrets); err != nil {
		return err
	}
	if existed {
		if err := e.dropDerived(ctx, before, secrets); err != nil {
			return Explain(p.Name, err)
		}
	}
	// Secrets first: a profile must not point at a server before its secret is there, and an item without a profile
	// does no harm.
	if err := e.putSecrets(ctx, before, p, existed, secrets); err != nil {
		return Explain(p.Name, err)
	}
	if existed && old != p.Name {
		if err := e.moveLogin(ctx, before, p); err != nil {
			return Explain(old, err)
		}
	}
	if err := e.file.Put(p, rename, create); err != nil {
		return unwritten(p.Name, err)
	}
	e.sync()
	if existed && old != p.Name {
		e.cleanAfterMove(ctx, before)
		if err := errors.Join(e.renameWaiting(old, p.Name), e.traces.rename(old, p.Name)); err != nil {
			e.log.Warn("profile renamed", "profile", p.Name, "problem", err.Error())
		}
		e.forgetRecord(old)
	}
	e.mu.Lock()
	if l := e.logins[p.Name]; l != nil {
		l.rec.mended() // a new secret shows nowhere in the profile
		e.againLocked(l)
	}
	e.mu.Unlock()
	e.Poke()
	return nil
}

// derivedFrom are the secrets that a token is made of: with another one it is another token, and no field of the profile shows that.
var derivedFrom = []string{"assertion", "subject_token", "actor_token"}

// dropDerived removes the token that was made of a secret that is being replaced; it can be had again without a person. The turn is
// held.
func (e *Engine) dropDerived(ctx context.Context, before profiles.Profile, given map[string]string) error {
	if before.Attended() || !slices.ContainsFunc(derivedFrom, func(key string) bool { _, is := given[key]; return is }) {
		return nil
	}
	kept, err := e.readSecrets(ctx, before)
	if err != nil {
		return err
	}
	for _, key := range derivedFrom {
		if value, is := given[key]; is && value != kept[key] {
			return e.drop(ctx, before.Name, "forgot the token: its "+key+" was replaced")
		}
	}
	return nil
}

// editTimeout bounds what an edit asks of the keychain.
const editTimeout = time.Minute

// finishing is a context for work that, once begun, is finished whoever gives up waiting: half an edit is no edit.
func finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), editTimeout)
}

// unreadable refuses to write while profiles.json cannot be read: what is in it must not be lost.
func unreadable(damage *Problem) *Error {
	return &Error{Kind: Failed, Code: damage.Code, Sentence: damage.Sentence, Remedy: "mend the file or move it away first; nothing was changed"}
}

// unwritten is the error of a profiles.json that could not be written.
func unwritten(name string, err error) *Error {
	return &Error{Kind: Failed, Code: CodeProfileInvalid, Sentence: "profile " + name + ": " + trimName(err.Error(), name), Remedy: "nothing was changed", cause: err}
}

// moveLogin copies tokens and record to the profile's new name; the old ones are removed when the file has the new name.
func (e *Engine) moveLogin(ctx context.Context, before, p profiles.Profile) error {
	if authority(before) != authority(p) || before.ClientID != p.ClientID {
		return nil
	}
	kept, err := e.store.Get(ctx, itemKey(before))
	if errors.Is(err, keychain.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := e.store.Set(ctx, itemKey(p), kept); err != nil {
		return err
	}
	rec := record{}
	e.mu.Lock()
	if l := e.logins[before.Name]; l != nil {
		rec = l.rec
	}
	e.mu.Unlock()
	rec.Name, rec.Key = p.Name, itemKey(p)
	return e.records.write(rec, true)
}

// cleanAfterMove removes what a profile left under its old name. What stays behind for want of a keychain does no harm.
func (e *Engine) cleanAfterMove(ctx context.Context, before profiles.Profile) {
	err := errors.Join(e.store.Delete(ctx, itemKey(before)), e.deleteSecrets(ctx, before))
	if err != nil {
		e.log.Warn("keychain", "profile", before.Name, "problem", err.Error())
	}
}

// RemoveProfile forgets a profile, its tokens and its secrets. It revokes nothing: see [Engine.Logout].
func (e *Engine) RemoveProfile(ctx context.Context, name string) error {
	if damage := e.Damage(); damage != nil {
		return unreadable(damage)
	}
	p, ok := e.file.Get(name)
	if !ok {
		return e.unknownProfile(name)
	}
	if err := e.CancelLogin(name); err != nil {
		return err
	}
	release, err := e.turn(ctx, name)
	if err != nil {
		return Explain(name, err)
	}
	defer release()
	ctx, cancel := finishing(ctx)
	defer cancel()
	e.mu.Lock()
	l := e.logins[name]
	kept := l != nil && l.rec.Kept
	e.mu.Unlock()
	if l == nil {
		return e.unknownProfile(name) // somebody else was faster
	}
	unregister := e.unregistration(ctx, p)
	err = e.deleteSecrets(ctx, p)
	if err == nil {
		err = e.drop(ctx, name, "")
	}
	if err != nil && kept {
		return Explain(name, err)
	}
	if err := e.file.Remove(name); err != nil {
		return unwritten(name, err)
	}
	e.sync()
	e.forgetRecord(name)
	if err := e.dropWaitingOf(ctx, name); err != nil {
		e.log.Warn("waiting login", "profile", name, "problem", err.Error())
	}
	if unregister != nil {
		e.mu.Lock()
		_ = e.beginLocked(unregister) // when the agent is stopping, the server cleans up some day
		e.mu.Unlock()
	}
	return nil
}
