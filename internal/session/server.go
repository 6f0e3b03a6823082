package session

import (
	"context"
	"net/http"
	"net/url"
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
	known map[string]*server
}

type server struct {
	metadata *oauth.Metadata
	at       time.Time
}

// discover returns the issuer's metadata, asked for at most maxAge ago. When the server does not answer now, what it said
// before serves on.
func (e *Engine) discover(ctx context.Context, hc *http.Client, issuer string, maxAge time.Duration) (*server, error) {
	e.servers.mu.Lock()
	known := e.servers.known[issuer]
	e.servers.mu.Unlock()
	if known != nil && wall().Sub(known.at) < maxAge {
		return known, nil
	}
	metadata, err := oauth.Discover(ctx, hc, issuer)
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
	found, err := e.discover(ctx, e.http, issuer, 0)
	if err != nil {
		return nil, Explain("", err)
	}
	return found.metadata, nil
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
