package oauth

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Token is what a login or a refresh yields. It is a plain value; the caller
// stores it before showing it to anybody. It never prints its secrets.
type Token struct {
	AccessToken  Secret
	RefreshToken Secret // empty when the server gives none
	IDToken      Secret // the last one that was validated; empty when there is none
	Type         string // token_type in its registered spelling: "Bearer"
	// Scope is what this access token may do. When the server did not say, it
	// is what was requested (RFC 6749 section 5.1).
	Scope []string
	// ScopeRequested is what was asked for; compare it with Scope.
	ScopeRequested []string
	// GrantScope is what the login granted: no refresh can go beyond it.
	GrantScope []string
	Resource   []string // RFC 8707, as requested at login
	// AuthorizationDetails is what was granted (RFC 9396 section 7), a JSON
	// array; nil when the server said nothing.
	AuthorizationDetails json.RawMessage
	// IssuedType is issued_token_type of a token exchange (RFC 8693 section 2.2.1).
	IssuedType string
	// ProofKey is the key the token is bound to; nil when it is a bearer token.
	ProofKey *ProofKey

	ObtainedAt       time.Time // wall clock, when the answer was complete
	ExpiresAt        time.Time // of the access token; zero: the server did not say
	RefreshExpiresAt time.Time // of the refresh token; zero: the server did not say
	RefreshExpiresBy string    // the member that said so: "refresh_expires_in"
	SessionExpiresAt time.Time // of the session at the server; zero: the server did not say
	SessionExpiresBy string    // the member or claim that said so

	Claims map[string]any // of the id_token; numbers are json.Number
	Checks []Check        // what was verified to get here
	// Extra holds further members of the answer. They may be secret too.
	Extra map[string]any
}

// Check is one check that was made on the way to a token.
type Check struct {
	Name   string `json:"name"`             // "iss", "signature", …
	Spec   string `json:"spec"`             // the section that demands it
	Detail string `json:"detail,omitempty"` // what was found
	OK     bool   `json:"ok"`
}

// Format writes kind and expiry, whatever the verb: Extra may hold secrets
// that are no Secret.
func (t Token) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, t.describe())
}

// LogValue makes log/slog write kind and expiry only.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.describe()) }

// MarshalJSON writes kind and expiry. Who stores a token writes what it needs
// of it, with Reveal.
func (t Token) MarshalJSON() ([]byte, error) { return json.Marshal(t.describe()) }

func (t Token) describe() string {
	if t.ExpiresAt.IsZero() {
		return t.Type + " token without known expiry"
	}
	return t.Type + " token until " + t.ExpiresAt.UTC().Format(time.RFC3339)
}

// readToken reads a token answer (RFC 6749 section 5.1). requested is the
// scope that an absent scope stands for.
func (c *Client) readToken(ans *answer, requested []string, proof *ProofKey) (*Token, error) {
	obj, err := ans.object()
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*Token, error) {
		return nil, &Error{what: ans.errand.what, Endpoint: ans.endpoint, Status: ans.status, Err: err}
	}
	t := &Token{
		AccessToken:    Secret(text(obj, "access_token")),
		RefreshToken:   Secret(text(obj, "refresh_token")),
		IDToken:        Secret(text(obj, "id_token")),
		ScopeRequested: requested,
		ObtainedAt:     c.clock(),
	}
	if t.AccessToken == "" {
		return fail(ErrNoToken)
	}
	t.IssuedType = text(obj, "issued_token_type")
	exchanged := ans.errand.form.Get("grant_type") == GrantTokenExchange
	switch kind := text(obj, "token_type"); {
	case exchanged && strings.EqualFold(kind, TypeNotApplicable):
		t.Type = TypeNotApplicable
	default:
		if t.Type, err = c.tokenType(kind, proof); err != nil {
			return fail(err)
		}
	}
	if t.Type == typeDPoP {
		t.ProofKey = proof
	}
	t.Checks = append(t.Checks, Check{Name: "token_type", Spec: "RFC 6749 7.1", OK: true, Detail: t.Type})
	t.AuthorizationDetails = grantedDetails(obj)
	t.Scope = grantedScope(c.splitScope(obj["scope"]), requested)
	t.ExpiresAt = expiry(t.ObtainedAt, obj["expires_in"])
	ahead, _ := c.servers().ClockOffset(ans.endpoint)
	t.readEnds(obj, ahead)
	for _, name := range [...]string{"access_token", "refresh_token", "id_token", "token_type", "scope",
		"expires_in", "refresh_expires_in", "refresh_token_expires_in", "issued_token_type"} {
		delete(obj, name)
	}
	if len(obj) > 0 {
		t.Extra = obj
	}
	return t, nil
}

// Types of access tokens.
const (
	typeBearer = "Bearer" // RFC 6750
	typeDPoP   = "DPoP"   // RFC 9449
)

// TypeNotApplicable is the token_type of an exchanged token that is no access
// token (RFC 8693 section 2.2.1): it goes into no header.
const TypeNotApplicable = "N_A"

// tokenType: "The client MUST NOT use an access token if it does not
// understand the token type" (RFC 6749 section 7.1); case does not matter
// (section 5.1). Where a bound token was asked for, a bearer token is a
// downgrade (RFC 9449 section 5) that the profile has to allow.
func (c *Client) tokenType(s string, proof *ProofKey) (string, error) {
	known := strings.EqualFold(s, typeBearer) || slices.ContainsFunc(c.BearerTypes, func(t string) bool {
		return strings.EqualFold(s, t)
	})
	switch {
	case strings.EqualFold(s, typeDPoP) && proof != nil:
		return typeDPoP, nil
	case known && proof != nil && !c.AllowBearer:
		return "", &reasoned{ErrTokenType, "a DPoP token was asked for, and a bearer token came"}
	case known:
		return typeBearer, nil
	}
	return "", &reasoned{ErrTokenType, "it is " + clean(fmt.Sprintf("%q", s), maxCode)}
}

// maxLifetime: a server that says more than 30 years means "never", or sent a
// date instead of a number of seconds.
const maxLifetime = 1e9

// expiry adds a lifetime in seconds, number or numeric string, to the time of
// the answer. Zero and less mean "not limited" to those who send them
// (Keycloak's offline tokens).
func expiry(from time.Time, lifetime any) time.Time {
	f, ok := number(lifetime)
	if !ok || f <= 0 || f > maxLifetime {
		return time.Time{}
	}
	return from.Add(time.Duration(f * float64(time.Second)))
}

// grantedScope reads the scope of an answer. Spaces separate (RFC 6749
// section 3.3); GitHub and Slack answer with commas, others with a list.
func grantedScope(v any, requested []string) []string {
	var granted []string
	switch v := v.(type) {
	case string:
		granted = strings.Fields(v)
		if len(granted) == 1 && strings.Contains(granted[0], ",") && !slices.Contains(requested, granted[0]) {
			granted = strings.Split(granted[0], ",")
		}
	case []any:
		granted = texts(v)
	}
	// They end in terminals and windows; what cannot be printed is no scope
	// (RFC 6749 section 3.3).
	granted = slices.DeleteFunc(unique(granted), func(s string) bool { return strings.ContainsFunc(s, unprintable) })
	if len(granted) == 0 {
		return slices.Clone(requested)
	}
	return granted
}
