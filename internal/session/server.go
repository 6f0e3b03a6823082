package session

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"fob/oauth"
	"fob/profiles"
)

// metadataAge is how long a server's metadata serves refreshes before it is asked for again. A login always asks.
const metadataAge = 24 * time.Hour

// servers remembers what authorization servers said of themselves.
type servers struct {
	mu    sync.Mutex // guards known
	known map[servedAs]*oauth.Discovery
}

// servedAs is an issuer, whether its metadata may name a template for it, and the road by which it was asked: what is right for
// the one is not for the other.
type servedAs struct {
	issuer   string
	template bool
	road     *http.Client
}

// A login takes what the server says now; a refresh nothing that names new places.
const atLogin time.Duration = 0

// discover returns the issuer's metadata, asked for at most maxAge ago. When the server does not answer now, what it said
// before serves on. When it now names other hosts, they are for a person to see first: a login goes there, because the
// browser shows where, and a refresh does not.
func (e *Engine) discover(ctx context.Context, hc *http.Client, issuer string, template bool, maxAge time.Duration) (*oauth.Metadata, error) {
	as := servedAs{issuer, template, hc}
	e.servers.mu.Lock()
	known := e.servers.known[as]
	e.servers.mu.Unlock()
	if known != nil && wall().Sub(known.At) < maxAge {
		return known.Metadata, nil
	}
	found, err := oauth.DiscoverWith(ctx, hc, issuer, oauth.DiscoverOptions{TemplateIssuer: template, Known: known})
	switch {
	case err != nil && known != nil && oauth.Transient(err):
		return known.Metadata, nil
	case err != nil:
		return nil, err
	case len(found.Changed) > 0 && maxAge > atLogin:
		return nil, &Error{Kind: Failed, Code: CodeServerChanged, Sentence: "the authorization server " + issuer + " has changed what it says of itself: " + strings.Join(found.Changed, "; "),
			Remedy: "Fob sends nothing to new places unasked; log in again, and see where the browser goes"}
	}
	e.servers.mu.Lock()
	if e.servers.known == nil {
		e.servers.known = map[servedAs]*oauth.Discovery{}
	}
	e.servers.known[as] = found
	e.servers.mu.Unlock()
	return found.Metadata, nil
}

// Discover asks an issuer for its metadata (OIDC Discovery, RFC 8414). It is only shown: no refresh goes by it.
func (e *Engine) Discover(ctx context.Context, issuer string) (*oauth.Metadata, error) {
	found, err := oauth.DiscoverWith(ctx, e.http, issuer, oauth.DiscoverOptions{})
	if err != nil {
		return nil, Explain("", err)
	}
	return found.Metadata, nil
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
