package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"sync"
	"time"
)

// A login that is approved elsewhere: the device grant (RFC 8628) and CIBA.
// Both ask the token endpoint again and again, by the same rules.

const (
	// defaultInterval: "If no value is provided, clients MUST use 5 as the
	// default" (RFC 8628 section 3.2; CIBA Core section 7.3).
	defaultInterval = 5 * time.Second
	// minInterval: a server that says 0 means "soon", not "all the time".
	minInterval = time.Second
	// slowerBy: "the interval MUST be increased by 5 seconds for this and
	// all subsequent requests" (RFC 8628 section 3.5).
	slowerBy = 5 * time.Second
	// maxInterval: where back-off and servers' wishes end; codes live for
	// minutes.
	maxInterval = 2 * time.Minute
	// defaultWait for an answer without expires_in, which both require.
	defaultWait = 10 * time.Minute
)

// poller asks until somebody has approved.
type poller struct {
	client    *Client
	metadata  *Metadata
	what      string
	grantType string
	param     string // the name that code has at the token endpoint
	code      Secret
	scope     []string
	resource  []string
	proof     *ProofKey
	expires   time.Time
	more      func(*idTokenVerifier)     // what the grant knows about its id_token
	finish    func(*Token, Secret) error // the grant's own checks of a token
	required  bool                       // an id_token must come

	mu       sync.Mutex    // guards what follows; never held over I/O
	interval time.Duration // slow_down included
	backoff  time.Duration // added while the network is away
	next     time.Time     // not before; zero: at once
	over     bool
}

// wait polls until there is a token, an error that ends it, or no time left.
func (p *poller) wait(ctx context.Context) (*Token, error) {
	p.mu.Lock()
	if p.next.IsZero() {
		p.next = p.client.clock().Add(p.interval) // nobody approves faster
	}
	p.mu.Unlock()
	for {
		t, err := p.poll(ctx)
		p.mu.Lock()
		over := p.over
		p.mu.Unlock()
		if err == nil || over || !waiting(err) || ctx.Err() != nil {
			return t, err
		}
	}
}

// waiting: the same question may be asked again. "If the client receives an
// error response with any other error code, it MUST stop" (RFC 8628 section
// 3.5); an answer without a code, or none at all, is the network's.
func waiting(err error) bool {
	if errors.Is(err, AuthorizationPending) || errors.Is(err, SlowDown) {
		return true
	}
	var e *Error
	return errors.As(err, &e) && e.Code == "" && Transient(err)
}

// poll asks once, as soon as the server may be asked.
func (p *poller) poll(ctx context.Context) (*Token, error) {
	fail := func(err error) (*Token, error) { return nil, &Error{what: p.what, Err: err} }
	p.mu.Lock()
	at, over := p.next, p.over
	p.mu.Unlock()
	if over {
		return fail(ErrReused)
	}
	if now := p.client.clock(); at.After(now) {
		if at.After(p.expires) {
			at = p.expires
		}
		timer := time.NewTimer(at.Sub(now))
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return fail(context.Cause(ctx))
		case <-timer.C:
		}
	}
	if !p.client.clock().Before(p.expires) {
		p.end()
		return fail(ExpiredToken)
	}
	t, err := p.ask(ctx)
	p.settle(err)
	return t, err
}

func (p *poller) end() {
	p.mu.Lock()
	p.over, p.code = true, ""
	p.mu.Unlock()
}

// settle decides when to ask next.
func (p *poller) settle(err error) {
	if err == nil || !waiting(err) {
		if err == nil || !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			p.end()
		}
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	switch {
	case errors.Is(err, SlowDown):
		p.interval, p.backoff = min(p.interval+slowerBy, maxInterval), 0
	case errors.Is(err, AuthorizationPending):
		p.backoff = 0
	default:
		// "The use of an exponential backoff algorithm … such as doubling the
		// polling interval on each such connection timeout, is RECOMMENDED."
		p.backoff = min(p.backoff+p.interval+p.backoff, maxInterval)
	}
	p.next = p.client.clock().Add(max(p.interval+p.backoff, RetryAfter(err)))
}

// ask is one token request (RFC 8628 section 3.4, CIBA Core section 10.1).
func (p *poller) ask(ctx context.Context) (*Token, error) {
	c := p.client
	p.mu.Lock()
	code := p.code
	p.mu.Unlock()
	k := c.tokenCall(p.metadata, ForToken, url.Values{
		"grant_type": {p.grantType}, p.param: {code.Reveal()}, "resource": p.resource,
	}, p.proof)
	k.secrets = []string{code.Reveal()}
	t, err := c.grantCall(ctx, k, p.scope, p.resource)
	if err != nil {
		return nil, err
	}
	p.end() // whatever becomes of the token, the code is spent
	if t.IDToken == "" && p.required {
		return nil, &Error{what: p.what, Endpoint: p.metadata.TokenEndpoint, Err: ErrNoIDToken}
	}
	if t, err = c.settle(ctx, p.metadata, t, p.scope, p.more); err != nil {
		return nil, err
	}
	if p.finish != nil {
		if err := p.finish(t, code); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// savedWait is a waiting login as text. It holds secrets.
type savedWait struct {
	Version       int       `json:"v"`
	GrantType     string    `json:"grant_type"`
	ClientID      string    `json:"client_id"`
	Issuer        string    `json:"issuer,omitempty"`
	TokenEndpoint string    `json:"token_endpoint"`
	Param         string    `json:"param"`
	Code          string    `json:"code"`
	Scope         []string  `json:"scope,omitempty"`
	Resource      []string  `json:"resource,omitempty"`
	Proof         string    `json:"dpop_key,omitempty"`
	Expires       time.Time `json:"expires_at"`
	Interval      float64   `json:"interval"`
	Next          time.Time `json:"next,omitzero"`

	UserCode string   `json:"user_code,omitempty"`
	URI      string   `json:"verification_uri,omitempty"`
	URIFull  string   `json:"verification_uri_complete,omitempty"`
	Message  string   `json:"binding_message,omitempty"`
	ACR      []string `json:"acr_values,omitempty"`
}

func (p *poller) save() (savedWait, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return savedWait{}, &Error{what: p.what, Err: ErrReused}
	}
	s := savedWait{
		Version: 1, GrantType: p.grantType, ClientID: p.client.ID, Issuer: p.metadata.Issuer,
		TokenEndpoint: p.metadata.TokenEndpoint, Param: p.param, Code: p.code.Reveal(), Scope: p.scope,
		Resource: p.resource, Expires: p.expires, Interval: p.interval.Seconds(), Next: p.next,
	}
	if p.proof != nil {
		s.Proof = p.proof.Private().Reveal()
	}
	return s, nil
}

func (s savedWait) text() (Secret, error) {
	b, err := json.Marshal(s)
	return Secret(b), err
}

// resume reads what save wrote. The client has to be the same one at the same
// server: a code goes nowhere else.
func (c *Client) resume(what string, saved Secret) (savedWait, *poller, error) {
	var s savedWait
	fail := func(why string) (savedWait, *poller, error) {
		return s, nil, &Error{what: what, Err: requestError(why)}
	}
	if json.Unmarshal([]byte(saved.Reveal()), &s) != nil || s.Version != 1 || s.Code == "" || s.Param == "" {
		return fail("this is no saved login of this version; start the login again")
	}
	if c.Metadata == nil || s.ClientID != c.ID || s.Issuer != c.Metadata.Issuer || s.TokenEndpoint != c.Metadata.TokenEndpoint {
		return fail("the saved login is of another client or server; start the login again")
	}
	p := &poller{
		client: c, metadata: c.Metadata, what: what, grantType: s.GrantType, param: s.Param, code: Secret(s.Code),
		scope: s.Scope, resource: s.Resource, expires: s.Expires, next: s.Next,
		interval: pollInterval(s.Interval),
	}
	if s.Proof != "" {
		var err error
		if p.proof, err = ParseProofKey(Secret(s.Proof)); err != nil {
			return s, nil, &Error{what: what, Err: err}
		}
	}
	return s, p, nil
}

// pollInterval reads an interval in seconds; absent means the default.
func pollInterval(v any) time.Duration {
	f, ok := number(v)
	if !ok || f < 0 {
		return defaultInterval
	}
	return min(max(time.Duration(min(f, maxInterval.Seconds())*float64(time.Second)), minInterval), maxInterval)
}
