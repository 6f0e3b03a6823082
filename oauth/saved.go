package oauth

import (
	"encoding/json"
	"slices"
	"time"
)

// A login that waits can be put away and finished elsewhere: after a restart,
// or from another shell.

// savedVersion changes when a reader of the old form would go wrong.
const savedVersion = 1

type savedLogin struct {
	Version       int             `json:"version"`
	ClientID      string          `json:"client_id"`
	Issuer        string          `json:"issuer,omitempty"`
	Authorization string          `json:"authorization_endpoint"`
	TokenEndpoint string          `json:"token_endpoint,omitempty"`
	URL           string          `json:"url"`
	URLExpiresAt  *time.Time      `json:"url_expires_at,omitempty"`
	CreatedAt     time.Time       `json:"created_at"`
	State         string          `json:"state"`
	RedirectURI   string          `json:"redirect_uri,omitempty"`
	RedirectSent  string          `json:"redirect_uri_sent,omitempty"`
	Verifier      string          `json:"code_verifier,omitempty"`
	Nonce         string          `json:"nonce,omitempty"`
	ResponseType  []string        `json:"response_type"`
	ResponseMode  string          `json:"response_mode,omitempty"`
	Scope         []string        `json:"scope,omitempty"`
	ExtraScope    []string        `json:"extra_scope,omitempty"`
	Resource      []string        `json:"resource,omitempty"`
	Details       json.RawMessage `json:"authorization_details,omitempty"`
	MaxAge        *time.Duration  `json:"max_age,omitempty"`
	ACRWished     []string        `json:"acr_wished,omitempty"`
	ACRNeeded     []string        `json:"acr_needed,omitempty"`
	ProofKey      string          `json:"proof_key,omitempty"`
}

// Save writes a login that waits as text, to be finished by Client.Resume. The
// text holds the verifier and the proof key: keep it as a secret, for an hour at
// most, and delete it before it is redeemed, so that the login stays single
// use. Errors: ErrReused.
func (a *Authorization) Save() (Secret, error) {
	if a.redeemed.Load() {
		return "", &Error{what: "authorization", Endpoint: a.endpoint(), Err: ErrReused}
	}
	s := savedLogin{
		Version: savedVersion, ClientID: a.client.ID, Issuer: a.Issuer,
		Authorization: a.metadata.AuthorizationEndpoint, TokenEndpoint: a.metadata.TokenEndpoint,
		URL: a.URL, CreatedAt: a.CreatedAt, State: a.State, RedirectURI: a.RedirectURI, RedirectSent: a.redirectSent,
		Verifier: a.verifier.Reveal(), Nonce: a.nonce, ResponseType: a.responseType, ResponseMode: a.responseMode,
		Scope: a.scope, ExtraScope: a.extraScope, Resource: a.resource, Details: a.details,
		MaxAge: a.maxAge, ACRWished: a.acrWished, ACRNeeded: a.acrNeeded,
	}
	if !a.URLExpiresAt.IsZero() {
		s.URLExpiresAt = &a.URLExpiresAt
	}
	if a.proof != nil {
		s.ProofKey = a.proof.Private().Reveal()
	}
	text, err := json.Marshal(s)
	if err != nil {
		return "", &Error{what: "authorization", Endpoint: a.endpoint(), Err: requestError("it cannot be written as JSON")}
	}
	return Secret(text), nil
}

// Resume reads what Save wrote. The client must be the one of then, at the
// same server: a code goes to no other (RFC 9700 section 4.4). How old it may
// be is the caller's to decide, by CreatedAt.
func (c *Client) Resume(saved Secret) (*Authorization, error) {
	const what = "saved login"
	fail := func(why string) (*Authorization, error) { return nil, &Error{what: what, Err: requestError(why)} }
	var s savedLogin
	if json.Unmarshal([]byte(saved.Reveal()), &s) != nil {
		return fail("it cannot be read; start the login again")
	}
	m := c.Metadata
	switch {
	case s.Version != savedVersion:
		return fail("it was written by another version of this program; start the login again")
	case m == nil:
		return nil, &Error{what: what, Err: ErrNoEndpoint}
	case s.State == "" || len(s.ResponseType) == 0 || s.CreatedAt.IsZero():
		return fail("something is missing in it; start the login again")
	case s.ClientID != c.ID:
		return fail("it is another client's")
	case s.Issuer != m.Issuer || s.Issuer == "" && (s.Authorization != m.AuthorizationEndpoint || s.TokenEndpoint != m.TokenEndpoint):
		return nil, &Error{what: what, Err: &reasoned{ErrIssuer, "it was begun at " + clean(s.Issuer, maxURI) + ", and the client is of " + clean(m.Issuer, maxURI)}}
	case slices.Contains(s.ResponseType, "id_token") && s.Nonce == "":
		return fail("its nonce is missing; start the login again")
	}
	a := &Authorization{
		URL: s.URL, State: s.State, RedirectURI: s.RedirectURI, Issuer: s.Issuer, CreatedAt: s.CreatedAt,
		client: c, metadata: m, verifier: Secret(s.Verifier), nonce: s.Nonce, redirectSent: s.RedirectSent,
		responseType: s.ResponseType, responseMode: s.ResponseMode, scope: s.Scope, extraScope: s.ExtraScope,
		resource: s.Resource, details: s.Details, maxAge: s.MaxAge, acrWished: s.ACRWished, acrNeeded: s.ACRNeeded,
	}
	if s.URLExpiresAt != nil {
		a.URLExpiresAt = *s.URLExpiresAt
	}
	if s.ProofKey != "" {
		var err error
		if a.proof, err = ParseProofKey(Secret(s.ProofKey)); err != nil {
			return nil, &Error{what: what, Err: err}
		}
	}
	return a, nil
}
