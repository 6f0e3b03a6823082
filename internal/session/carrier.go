package session

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"fob/oauth"
	"fob/oauth/oauth1"
	"fob/profiles"
)

// Carrier makes requests to the API of one profile with the profile's credential, whatever that is, and to nothing else (R-303,
// It refreshes once on a 401 and answers DPoP nonces. Close it when nobody needs it any more.
type Carrier struct {
	engine *Engine
	name   string
	base   string

	mu      sync.Mutex // guards what follows
	profile *profiles.Profile
	secrets int64 // Engine.secretEdits when the client was made
	client  *client
	road    *oauth.Transport // with connections of its own, kept between requests
}

// Carrier returns a carrier for the API of a profile, which has to name one; a login may come later.
func (e *Engine) Carrier(ctx context.Context, name string) (*Carrier, error) {
	e.reload()
	c, err := e.carrier(ctx, name)
	if err != nil {
		return nil, Explain(name, err)
	}
	return c, nil
}

func (e *Engine) carrier(ctx context.Context, name string) (*Carrier, error) {
	p, err := e.present(name)
	if err != nil {
		return nil, err
	}
	if p.APIBaseURL == "" {
		return nil, &Error{Kind: Failed, Code: CodeNoAPI, Sentence: "profile " + name + ": Fob sends its token to no address but the profile's API, and it names none", Remedy: "set api_base_url in the profile"}
	}
	c := &Carrier{engine: e, name: name, base: p.APIBaseURL}
	return c, c.follow(ctx, p)
}

// present is the profile as it is now: the file's own, not to be written to.
func (e *Engine) present(name string) (*profiles.Profile, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l, ok := e.logins[name]
	if !ok {
		return nil, e.unknownLocked(name)
	}
	return l.profile, nil
}

// Base is the API's base URL.
func (c *Carrier) Base() string { return c.base }

// Close ends the connections that are not in use.
func (c *Carrier) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.road != nil {
		c.road.CloseIdleConnections()
	}
}

// follow takes up the profile and its secrets as they are now: with another certificate come other connections. Where nothing
// was changed it costs a comparison of pointers.
func (c *Carrier) follow(ctx context.Context, p *profiles.Profile) error {
	edits := c.engine.secretEdits.Load()
	c.mu.Lock()
	same := c.client != nil && c.secrets == edits && (c.profile == p || c.profile.Equal(*p))
	if same {
		c.profile = p
	}
	c.mu.Unlock()
	switch {
	case same:
		return nil
	case p.APIBaseURL != c.base:
		return &Error{Kind: Failed, Code: CodeNoAPI, Sentence: "profile " + c.name + ": its API is another one now: " + p.APIBaseURL, Remedy: "start again what was started for the one before"}
	}
	made, err := c.engine.localClient(ctx, *p)
	if err != nil {
		return err
	}
	t := made.Transport(c.base, made.use(), c.token)
	t.Refresh, t.Unexplained = c.refresh, true
	if t.Base == nil {
		own, err := oauth.NewHTTPClient(oauth.HTTPOptions{})
		if err != nil {
			return err
		}
		t.Base = own.Transport
	}
	if road, ok := t.Base.(*http.Transport); ok {
		road = road.Clone()
		road.MaxIdleConns, road.MaxIdleConnsPerHost, road.IdleConnTimeout = keptConns, keptConns, connsKept
		t.Base = road
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.road != nil {
		c.road.CloseIdleConnections()
	}
	c.profile, c.secrets, c.client, c.road = p, edits, made, t
	return nil
}

// Connections to the API are kept for a client that asks again soon, as many as a browser or a test suite has at once. Shorter
// than servers keep theirs: what is sent on a connection that is just being closed is lost.
const (
	keptConns = 64
	connsKept = 15 * time.Second
)

// RoundTrip makes a request with the credential (http.RoundTripper). Errors of the login are *[Error].
func (c *Carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	fail := func(err error) (*http.Response, error) {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	c.engine.reload()
	p, err := c.engine.present(c.name)
	if err != nil {
		return fail(err)
	}
	if err := c.follow(r.Context(), p); err != nil {
		return fail(err)
	}
	c.mu.Lock()
	made, road := c.client, c.road
	c.mu.Unlock()
	if !isOAuth1(*p) {
		answer, err := road.RoundTrip(r)
		return answer, c.asked(err)
	}
	if _, err := oauth.ResolveURL(c.base, r.URL.String()); err != nil {
		return fail(c.asked(err))
	}
	token, err := c.token(r.Context())
	if err != nil {
		return fail(err)
	}
	signer, err := made.oauth1Client()
	if err != nil {
		return fail(err)
	}
	answer, err := (&oauth1.Transport{Client: signer, Token: asOAuth1(token), Base: road.Base}).RoundTrip(r)
	return answer, c.asked(err)
}

// asked tells a request that cannot carry the credential from a mistake in the profile.
func (c *Carrier) asked(err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) || !errors.Is(err, oauth.ErrRequest) {
		return err
	}
	return &Error{Kind: Misused, Code: CodeForeignURL, Sentence: "profile " + c.name + ": " + err.Error(), Remedy: "the profile's token goes to " + c.base + " only, in the one place that the profile says", cause: err}
}

// token is the profile's, refreshed if need be.
func (c *Carrier) token(ctx context.Context) (*oauth.Token, error) {
	t, _, err := c.engine.fresh(ctx, c.name, -1)
	if err != nil {
		return nil, err
	}
	return t.Token, nil
}

// refresh gets another token than the one that the API refused. Many requests are refused at once, and one refresh serves them
// all; and what the API refuses although it is new is not refreshed again: the token is not what is wrong then.
func (c *Carrier) refresh(ctx context.Context, refused *oauth.Token) (*oauth.Token, error) {
	t, _, err := c.engine.usable(ctx, c.name)
	if err != nil {
		return nil, err
	}
	if age := wall().Sub(t.ObtainedAt); t.AccessToken != refused.AccessToken || age >= 0 && age < newFor {
		return t.Token, nil
	}
	if err := c.engine.awaitRefresh(ctx, c.name, forced); err != nil {
		return nil, err
	}
	return c.token(ctx)
}

// newFor is how long a token is new: an API that refuses everything costs one refresh in this time, whoever asks it.
const newFor = 10 * time.Second

// StepUp says what login an answer asks for, nil if none.
func (c *Carrier) StepUp(answer *http.Response) (*StepUp, error) {
	if answer.StatusCode != http.StatusUnauthorized && answer.StatusCode != http.StatusForbidden {
		return nil, nil
	}
	t, _, err := c.engine.usable(answer.Request.Context(), c.name)
	if err != nil || t.Type == typeOAuth1 {
		return nil, nil // there is nothing to step up from
	}
	return c.engine.stepUp(c.name, answer, t)
}

// Command is the login that meets a demand. What is asked for anyway is not worth a flag.
func (c *Carrier) Command(s *StepUp) string {
	o := s.Options
	if p, err := c.engine.present(c.name); err == nil {
		o.Scope = slices.DeleteFunc(slices.Clone(o.Scope), func(scope string) bool { return slices.Contains(p.Scope, scope) })
	}
	return "fob login " + quoteArg(c.name) + o.Flags()
}
