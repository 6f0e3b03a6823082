package authserver

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"
)

// Registration says how clients register themselves (RFC 7591) and manage that (RFC 7592).
// Registered clients live in memory. What they may ask for is what some client of Options, or
// Options.GrantTypes, Options.ResponseTypes and Options.AuthMethods, make the server offer.
type Registration struct {
	// InitialToken is the initial access token that a registration needs; "" lets everybody.
	InitialToken string
	// SecretTTL is how long a client_secret is good, in whole seconds; 0 is for ever.
	SecretTTL time.Duration
	// RotateTokens hands out a new registration access token with every read and change.
	RotateTokens bool
}

// registered are the clients that registered themselves.
type registered struct {
	mu  sync.Mutex // guards all
	all map[string]goidc.Client
}

func (r *registered) get(id string) (goidc.Client, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.all[id]
	return c, ok
}

func (r *registered) set(c goidc.Client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[string]goidc.Client{}
	}
	r.all[c.ID] = c
}

func (r *registered) drop(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, id)
}

// ForgetClient forgets a client that registered itself, as servers do when they are cleaned up:
// from now on it is unknown.
func (s *Server) ForgetClient(id string) { s.registered.drop(id) }

// RegisteredClients returns the ids of the clients that registered themselves, sorted.
func (s *Server) RegisteredClients() []string {
	s.registered.mu.Lock()
	defer s.registered.mu.Unlock()
	return slices.Sorted(maps.Keys(s.registered.all))
}

var errInitialToken = errors.New("this is not the initial access token")

func (s *Server) registration() []provider.Option {
	o := s.opts.Registration
	if o == nil {
		return nil
	}
	opts := []provider.Option{
		provider.WithDefaultAuthn(goidc.AuthnMethodSecretBasic), // RFC 7591 section 2
		provider.WithLocalhostRedirectURIs(),
		provider.WithDCRInitialTokenValidator(func(_ context.Context, token string) error {
			if o.InitialToken != "" && subtle.ConstantTimeCompare([]byte(o.InitialToken), []byte(token)) != 1 {
				return errInitialToken
			}
			return nil
		}),
		provider.WithDCRClientHandler(func(_ context.Context, _ string, meta *goidc.ClientMeta) error {
			if meta.ScopeIDs == "" {
				meta.ScopeIDs = strings.Join(s.opts.scopeIDs(), " ")
			}
			return nil
		}),
	}
	if o.SecretTTL != 0 {
		opts = append(opts, provider.WithDCRSecretLifetime(seconds(o.SecretTTL)))
	}
	if o.RotateTokens {
		opts = append(opts, provider.WithDCRTokenRotation())
	}
	return opts
}

// answerRegister answers the registration endpoint and the client configuration endpoints.
func (s *Server) answerRegister(a *answer, r *http.Request) {
	switch fault, _ := s.faults.first(RegistrationDown, RegistrationRefused); fault {
	case RegistrationDown:
		a.later(http.StatusServiceUnavailable, s.faults.retry())
		return
	case RegistrationRefused:
		a.refuse(http.StatusBadRequest, "invalid_client_metadata", "the demo server was told to refuse this")
		return
	}
	s.protocol.ServeHTTP(a, r)
	if a.status == http.StatusForbidden { // no token at all
		a.status = http.StatusUnauthorized
	}
	if a.status == http.StatusUnauthorized {
		a.header.Set("WWW-Authenticate", `Bearer realm="fob-demo", error="invalid_token"`)
	}
	var doc map[string]any
	if a.status >= 300 || json.Unmarshal(a.body.Bytes(), &doc) != nil {
		return
	}
	// RFC 7592 section 3: registration_access_token is required in every answer; go-oidc repeats
	// neither it nor the secret.
	if c, ok := s.registered.get(asString(doc["client_id"])); ok {
		doc["registration_access_token"] = c.RegistrationToken
		doc["client_id_issued_at"] = c.CreatedAt
		if c.Secret != "" {
			doc["client_secret"], doc["client_secret_expires_at"] = c.Secret, c.SecretExpiresAt
		}
	}
	if s.faults.take(RegistrationOther) {
		doc["redirect_uris"] = []string{"http://elsewhere.invalid/callback"}
	}
	a.replaceJSON(a.status, doc)
}

// clientOfRecord is what go-oidc knows of a client, as a Client.
func clientOfRecord(c *goidc.Client) Client {
	keys := ""
	if c.JWKS != nil {
		data, _ := json.Marshal(c.JWKS) // it was JSON when it came
		keys = string(data)
	}
	return Client{
		ID: c.ID, Name: c.Name, Secret: c.Secret, JWKS: keys,
		IDTokenAlg:        string(c.IDTokenSigAlg),
		IDTokenEncryption: Encryption{Alg: string(c.IDTokenKeyEncAlg), Enc: string(c.IDTokenContentEncAlg)},
	}
}
