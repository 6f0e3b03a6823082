package session

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"fob/oauth"
	"fob/profiles"
)

// Poll asks once whether the person has approved a login by device code or on their phone, for scripts that do not want to wait:
// the first call begins the login and returns what to show, later ones ask the server once each. Nil and no error mean that
// nobody has approved yet; the login waits in the keychain meanwhile. Joined says that it waited already.
func (e *Engine) Poll(ctx context.Context, name string, o LoginOptions) (LoginEvent, *Status, error) {
	e.reload()
	if err := e.refusal(ctx); err != nil {
		return LoginEvent{}, nil, err
	}
	shown, done, err := e.pollOnce(ctx, name, o)
	if err != nil || !done {
		if err != nil {
			return shown, nil, Explain(name, err)
		}
		return shown, nil, nil
	}
	e.Poke()
	e.changed(name)
	status, err := e.one(name)
	return shown, &status, err
}

func (e *Engine) pollOnce(ctx context.Context, name string, o LoginOptions) (shown LoginEvent, done bool, err error) {
	p, ok := e.file.Get(name)
	if !ok {
		return shown, false, e.unknownProfile(name)
	}
	grant := p.Grant()
	if o.Device {
		grant = profiles.GrantDeviceCode
	}
	if grant != profiles.GrantDeviceCode && grant != profiles.GrantCIBA {
		return shown, false, &Error{Kind: Misused, Code: CodeNoBrowser, Sentence: "profile " + name + ": its grant " + p.Grant() + " waits for no approval elsewhere",
			Remedy: "log in: fob login " + quoteArg(name)}
	}
	if err := e.ready(ctx, true); err != nil {
		return shown, false, err
	}
	e.dropExpired(ctx)
	c, err := e.clientFor(ctx, p, atLogin)
	if err != nil {
		return shown, false, err
	}
	key := "waiting/" + short("poll", grant, name)
	w := waitingLogin{Key: key, Name: name}
	i := slices.IndexFunc(e.waiting.list(), func(one waitingLogin) bool { return one.Key == key })
	if i < 0 {
		shown, err := e.beginPoll(ctx, c, w, grant, o)
		return shown, false, err
	}
	w = e.waiting.list()[i]
	if !e.waiting.take(key) {
		return LoginEvent{Kind: grantEvent(grant), Until: w.Until, Joined: true}, false, nil // another call asks right now
	}
	defer e.waiting.giveBack(key)
	return e.askPoll(ctx, c, w, grant)
}

func grantEvent(grant string) string {
	if grant == profiles.GrantCIBA {
		return "ciba"
	}
	return "device"
}

// polled is a login that waits for approval: a device's or a phone's.
type polled interface {
	Poll(context.Context) (*oauth.Token, error)
	Save() (oauth.Secret, error)
}

// beginPoll asks the server for a code, or for the person's approval, and keeps what waits.
func (e *Engine) beginPoll(ctx context.Context, c *client, w waitingLogin, grant string, o LoginOptions) (LoginEvent, error) {
	var wait polled
	var shown LoginEvent
	if grant == profiles.GrantDeviceCode {
		d, err := c.AuthorizeDevice(ctx, c.request(o))
		if err != nil {
			return shown, err
		}
		wait, shown = d, LoginEvent{Kind: "device", UserCode: d.UserCode, VerificationURI: d.VerificationURI, VerificationURIComplete: d.VerificationURIComplete, Until: d.ExpiresAt}
	} else {
		b, err := c.AuthorizeBackchannel(ctx, e.backchannel(ctx, c, o), c.request(o))
		if err != nil {
			return shown, err
		}
		wait, shown = b, LoginEvent{Kind: "ciba", BindingMessage: c.profile.BindingMessage, Until: b.ExpiresAt}
	}
	if shown.Until.IsZero() || shown.Until.Sub(wall()) > pendingLife {
		shown.Until = wall().Add(pendingLife)
	}
	w.Until = shown.Until
	if err := e.waiting.change(func(all []waitingLogin) []waitingLogin { return append(all, w) }); err != nil {
		return shown, err
	}
	return shown, e.savePoll(ctx, c, w, wait)
}

func (e *Engine) savePoll(ctx context.Context, c *client, w waitingLogin, wait polled) error {
	saved, err := wait.Save()
	if err != nil {
		return err
	}
	text, err := json.Marshal(savedLogin{Version: 1, Profile: fingerprint(c.profile), Saved: saved.Reveal()})
	if err != nil {
		return err
	}
	return e.store.Set(ctx, w.Key, text)
}

// askPoll asks the server once; how long it wants to be left alone is kept with the login.
func (e *Engine) askPoll(ctx context.Context, c *client, w waitingLogin, grant string) (shown LoginEvent, done bool, err error) {
	shown = LoginEvent{Kind: grantEvent(grant), Until: w.Until, Joined: true}
	wait, err := e.resumePoll(ctx, c, w, grant, &shown)
	if err != nil {
		return shown, false, errors.Join(err, e.dropWaiting(ctx, w))
	}
	ctx = context.WithoutCancel(ctx) // the answer may be the token
	ctx, finish := e.traced(ctx, w.Name, operationLogin)
	token, err := wait.Poll(ctx)
	switch {
	case errors.Is(err, oauth.AuthorizationPending), errors.Is(err, oauth.SlowDown), oauth.Transient(err):
		return shown, false, e.savePoll(ctx, c, w, wait)
	case err == nil:
		err = e.keep(ctx, c, token)
	}
	finish(err)
	if undo := e.dropWaiting(ctx, w); err == nil {
		err = undo
	}
	if err != nil {
		return shown, false, err
	}
	e.nameAccount(ctx, w.Name, c, token)
	return shown, true, nil
}

func (e *Engine) resumePoll(ctx context.Context, c *client, w waitingLogin, grant string, shown *LoginEvent) (polled, error) {
	text, err := e.store.Get(ctx, w.Key)
	if err != nil {
		return nil, err
	}
	var saved savedLogin
	if json.Unmarshal(text, &saved) != nil || saved.Version != 1 {
		return nil, damaged("it is not one that Fob wrote", "begin the login again")
	}
	if !sameProfile(saved.Profile, c.profile) {
		return nil, &Error{Kind: Failed, Code: CodeProfileChanged, Sentence: "profile " + c.profile.Name + " was changed after this login began", Remedy: "begin again: fob login " + quoteArg(c.profile.Name) + " --poll-once"}
	}
	if grant == profiles.GrantCIBA {
		b, err := c.ResumeBackchannel(oauth.Secret(saved.Saved))
		if err != nil {
			return nil, err
		}
		shown.BindingMessage = b.BindingMessage
		return b, nil
	}
	d, err := c.ResumeDevice(oauth.Secret(saved.Saved))
	if err != nil {
		return nil, err
	}
	shown.UserCode, shown.VerificationURI, shown.VerificationURIComplete = d.UserCode, d.VerificationURI, d.VerificationURIComplete
	return d, nil
}
