package authserver

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"
)

// PAR says how the server takes pushed authorization requests (RFC 9126).
type PAR struct {
	// Required refuses authorization requests that were not pushed; see Client.RequirePAR.
	Required bool
	// TTL is how long a request_uri is good, in whole seconds; 0 is a minute.
	TTL time.Duration
}

func (s *Server) par() []provider.Option {
	if s.opts.PAR == nil {
		return nil
	}
	ttl := s.opts.PAR.TTL
	setDefault(&ttl, time.Minute)
	opts := []provider.Option{provider.WithPAR(s.store), provider.WithPARLifetime(seconds(ttl)), provider.WithPARSessionHandler(s.keepAudience)}
	if s.opts.PAR.Required {
		opts = append(opts, provider.WithPARRequired(s.store))
	}
	return opts
}

// answerPAR answers the pushed authorization request endpoint.
func (s *Server) answerPAR(a *answer, r *http.Request) {
	if s.faults.take(PARUnavailable) {
		a.later(http.StatusServiceUnavailable, s.faults.retry())
		return
	}
	s.answerClient(a, r)
	if a.status == http.StatusCreated && s.faults.take(PARExpired) {
		s.store.expirePushed()
	}
}

// answerClient answers what only an authenticated client may ask: it holds the request to the
// RFCs, then go-oidc decides.
func (s *Server) answerClient(a *answer, r *http.Request) {
	if err := s.checkClientRequest(r); err != nil {
		a.refuse(http.StatusBadRequest, "invalid_request", err.Error())
		return
	}
	if err := s.checkDetails(r.PostForm.Get("authorization_details")); err != nil {
		a.refuse(http.StatusBadRequest, "invalid_authorization_details", err.Error())
		return
	}
	if s.proveToken(a, r) {
		s.inTurn(a, r)
		fixStatus(a, r)
	}
}

// fixStatus corrects go-oidc, which says 403 and 401 where RFC 6749 section 5.2 has 400, and
// completes its 401, which answers in the scheme that the client used.
func fixStatus(a *answer, r *http.Request) {
	switch {
	case a.says("invalid_client"):
		a.status = http.StatusUnauthorized
		if r.Header.Get("Authorization") != "" {
			a.header.Set("WWW-Authenticate", `Basic realm="fob-demo"`)
		}
	case a.status == http.StatusForbidden, a.status == http.StatusUnauthorized:
		a.status = http.StatusBadRequest
	}
}

// keepAudience remembers what go-oidc does not know of a pushed request.
func (s *Server) keepAudience(ctx context.Context, as *goidc.AuthnSession, _ *goidc.Client) error {
	as.Store[keyAudience] = strings.Join(requestOf(ctx).audiences(), "\n")
	return nil
}

// SessionByPushedAuthReqID returns a pushed request, once (RFC 9126 section 4: "treat request_uri
// values as one-time use").
func (s *store) SessionByPushedAuthReqID(ctx context.Context, id string) (*goidc.AuthnSession, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, as := range s.sessions {
		if id == "" || as.PushedAuthReqID != id {
			continue
		}
		as.PushedAuthReqID = "" // before the copy, which go-oidc saves again
		found := cloneSession(as)
		// The client was looked up when its redirect URI was not known yet.
		if c := requestOf(ctx).client; c != nil {
			c.RedirectURIs = withAnyPort(c.RedirectURIs, found.RedirectURI)
		}
		return found, nil
	}
	return nil, goidc.ErrNotFound
}

// expirePushed ends the time of every pushed request.
func (s *store) expirePushed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, as := range s.sessions {
		if as.PushedAuthReqID != "" {
			as.ExpiresAt = int(time.Now().Unix())
		}
	}
}
