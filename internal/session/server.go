package session

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"fob/internal/keychain"
	"fob/oauth"
	"fob/profiles"
)

// metadataAge is how long a server's metadata serves refreshes before it is asked for again. A login always asks.
const metadataAge = 24 * time.Hour

// servers remembers what authorization servers said of themselves.
type servers struct {
	mu    sync.Mutex // guards known
	known map[string]*server
}

type server struct {
	metadata *oauth.Metadata
	at       time.Time
}

// discover returns the issuer's metadata, asked for at most maxAge ago. When the server does not answer now, what it said
// before serves on.
func (e *Engine) discover(ctx context.Context, issuer string, maxAge time.Duration) (*server, error) {
	e.servers.mu.Lock()
	known := e.servers.known[issuer]
	e.servers.mu.Unlock()
	if known != nil && wall().Sub(known.at) < maxAge {
		return known, nil
	}
	metadata, err := oauth.Discover(ctx, e.http, issuer)
	if err != nil {
		if known != nil && oauth.Transient(err) {
			return known, nil
		}
		return nil, err
	}
	fresh := &server{metadata: metadata, at: wall()}
	e.servers.mu.Lock()
	if e.servers.known == nil {
		e.servers.known = map[string]*server{}
	}
	e.servers.known[issuer] = fresh
	e.servers.mu.Unlock()
	return fresh, nil
}

// Discover asks an issuer for its metadata (OIDC Discovery, RFC 8414).
func (e *Engine) Discover(ctx context.Context, issuer string) (*oauth.Metadata, error) {
	found, err := e.discover(ctx, issuer, 0)
	if err != nil {
		return nil, Explain("", err)
	}
	return found.metadata, nil
}

// clientFor returns the OAuth client of a profile, with metadata that is at most maxAge old.
func (e *Engine) clientFor(ctx context.Context, p profiles.Profile, maxAge time.Duration) (*oauth.Client, error) {
	if problems := p.Validate(); len(problems) > 0 {
		return nil, &Error{Kind: Failed, Code: CodeProfileInvalid, Sentence: "profile " + p.Name + ": " + problems[0].Error(),
			Remedy: "edit the profile: fob profile edit " + quoteArg(p.Name)}
	}
	c := &oauth.Client{ID: p.ClientID, AuthMethod: p.TokenEndpointAuthMethod, HTTP: e.http, Keys: &e.keys, TokenParams: values(p.TokenParams)}
	var metadata oauth.Metadata
	if p.Issuer != "" && (p.AuthorizationEndpoint == "" || p.TokenEndpoint == "" || p.JWKSURI == "") {
		found, err := e.discover(ctx, p.Issuer, maxAge)
		if err != nil {
			return nil, err
		}
		metadata = *found.metadata
	}
	override(&metadata, p)
	c.Metadata = &metadata
	secret, err := e.store.Get(ctx, secretKey(p))
	switch {
	case err == nil:
		c.Secret = oauth.Secret(secret)
	case !errors.Is(err, keychain.ErrNotFound):
		return nil, fmt.Errorf("profile %s: client secret: %w", p.Name, err)
	case p.TokenEndpointAuthMethod == "client_secret_basic" || p.TokenEndpointAuthMethod == "client_secret_post":
		return nil, &Error{Kind: Failed, Code: CodeNoSecret, Sentence: "profile " + p.Name + ": " + p.TokenEndpointAuthMethod + " needs a client secret, and none is stored",
			Remedy: "store it: fob profile set " + quoteArg(p.Name) + " client_secret=-"}
	}
	return c, nil
}

// override puts the endpoints of the profile in place of the discovered ones.
func override(m *oauth.Metadata, p profiles.Profile) {
	for _, field := range []struct {
		into *string
		from string
	}{
		{&m.Issuer, p.Issuer}, {&m.AuthorizationEndpoint, p.AuthorizationEndpoint}, {&m.TokenEndpoint, p.TokenEndpoint},
		{&m.RevocationEndpoint, p.RevocationEndpoint}, {&m.UserinfoEndpoint, p.UserinfoEndpoint},
		{&m.EndSessionEndpoint, p.EndSessionEndpoint}, {&m.JWKSURI, p.JWKSURI},
	} {
		if field.from != "" {
			*field.into = field.from
		}
	}
}

func values(p profiles.Parameters) url.Values {
	if len(p) == 0 {
		return nil
	}
	v := url.Values{}
	for name, value := range p {
		v.Set(name, value)
	}
	return v
}
