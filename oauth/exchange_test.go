package oauth

import (
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
)

func TestExchange(t *testing.T) { // F-024, F-027
	f, c := plain(t)
	f.token["issued_token_type"] = TokenTypeJWT
	tok, err := c.Exchange(t.Context(), ExchangeRequest{
		SubjectToken: "opaque-subject", SubjectTokenType: "access_token", ActorToken: "opaque-actor", RequestedTokenType: "jwt", // F-025
	}, TokenRequest{Scope: []string{"read"}, Resource: []string{"https://a.example", "https://b.example"},
		Audience: []string{"x", "y"}, Extra: url.Values{"vendor": {"1"}}})
	if err != nil {
		t.Fatal(err)
	}
	form, _ := f.lastForm()
	want := url.Values{
		"grant_type":    {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token": {"opaque-subject"}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		"actor_token": {"opaque-actor"}, "actor_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		"requested_token_type": {"urn:ietf:params:oauth:token-type:jwt"}, "scope": {"read"}, "client_id": {"client"},
		"resource": {"https://a.example", "https://b.example"}, "audience": {"x", "y"}, "vendor": {"1"},
	}
	if form.Encode() != want.Encode() {
		t.Errorf("form %v", form)
	}
	if tok.IssuedType != TokenTypeJWT || !check(t, tok.Checks, "issued_token_type").OK || tok.Extra["issued_token_type"] != nil {
		t.Errorf("issued %q, %v", tok.IssuedType, tok.Checks)
	}
	// Without an actor there is no actor_token_type.
	if tok, err = c.Exchange(t.Context(), ExchangeRequest{SubjectToken: "opaque-subject", RequestedTokenType: "id_token"}, TokenRequest{}); err != nil {
		t.Fatal(err)
	}
	if form, _ := f.lastForm(); form.Has("actor_token_type") || form.Has("actor_token") {
		t.Errorf("form %v", form)
	}
	if check(t, tok.Checks, "issued_token_type").OK {
		t.Error("another type than asked for passed in silence")
	}
	n := f.count("/token")
	for name, bad := range map[string]ExchangeRequest{
		"no subject": {}, "type without actor": {SubjectToken: "s", ActorTokenType: "jwt"},
	} {
		if _, err := c.Exchange(t.Context(), bad, TokenRequest{}); !errors.Is(err, ErrRequest) || f.count("/token") != n {
			t.Errorf("%s: %v", name, err)
		}
	}
	f.routes["/token"] = func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 400, map[string]any{"error": "invalid_target", "error_description": "not for opaque-subject"})
	}
	_, err = c.Exchange(t.Context(), ExchangeRequest{SubjectToken: "opaque-subject"}, TokenRequest{})
	if !errors.Is(err, InvalidTarget) {
		t.Error(err)
	}
	noSecret(t, err.Error(), "opaque-subject")
}

// what is no access token goes into no header.
func TestExchangeNotApplicable(t *testing.T) {
	f, c := plain(t)
	f.token["token_type"], f.token["issued_token_type"] = "n_a", TokenTypeSAML2
	c.DPoP = true // no bound token can come of this, and that is no downgrade
	tok, err := c.Exchange(t.Context(), ExchangeRequest{SubjectToken: "opaque-subject"}, TokenRequest{})
	if err != nil || tok.Type != TypeNotApplicable || tok.ProofKey != nil {
		t.Fatalf("%v %v", tok, err)
	}
	if _, err := tok.Header("GET", "https://api.example", nil); !errors.Is(err, ErrTokenType) {
		t.Errorf("a header was made of it: %v", err)
	}
	// Anywhere else N_A is an unknown type.
	if _, err := c.Grant(t.Context(), "urn:example:grant", nil, TokenRequest{}); !errors.Is(err, ErrTokenType) {
		t.Error(err)
	}
}

func TestGuessTokenType(t *testing.T) { // F-026
	key := ecKey(t, elliptic.P256())
	jwt := func(typ string, claims map[string]any) Secret {
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
		if err != nil {
			t.Fatal(err)
		}
		payload, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		jws, err := s.Sign(payload)
		if err != nil {
			t.Fatal(err)
		}
		out, err := jws.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return Secret(out)
	}
	access := jwt("at+jwt", map[string]any{"sub": "a"})
	id := jwt("JWT", map[string]any{"sub": "a", "at_hash": "x"})
	anyJWT := jwt("JWT", map[string]any{"sub": "a"})
	for _, c := range []struct {
		name    string
		token   Secret
		guess   string
		certain bool
	}{
		{"opaque", "2YotnFZFEjr1zCsicMWpAA", TokenTypeAccess, false},
		{"at+jwt", access, TokenTypeAccess, true},
		{"at_hash", id, TokenTypeID, true},
		{"a JWT", anyJWT, TokenTypeJWT, false},
		{"scope", jwt("JWT", map[string]any{"scope": "a"}), TokenTypeAccess, false},
		{"nonce", jwt("JWT", map[string]any{"nonce": "a"}), TokenTypeID, false},
		{"Keycloak's", jwt("JWT", map[string]any{"typ": "Refresh"}), TokenTypeRefresh, true},
		{"SAML 2", saml, TokenTypeSAML2, true},
		{"SAML 2 in base64", Secret(base64.StdEncoding.EncodeToString([]byte(saml))), TokenTypeSAML2, true},
		{"SAML 1", Secret(strings.ReplaceAll(saml, "SAML:2.0", "SAML:1.0")), TokenTypeSAML1, true},
	} {
		if guess, certain := GuessTokenType(c.token); guess != c.guess || certain != c.certain {
			t.Errorf("%s: %s, %v", c.name, guess, certain)
		}
	}
	f, c := plain(t)
	for _, e := range []ExchangeRequest{
		{SubjectToken: access, SubjectTokenType: "id_token"},
		{SubjectToken: id, SubjectTokenType: TokenTypeAccess},
		{SubjectToken: "opaque", SubjectTokenType: "jwt"},
		{SubjectToken: "opaque", SubjectTokenType: "saml2"},
		{SubjectToken: "opaque", ActorToken: id, ActorTokenType: "refresh_token"},
	} {
		if _, err := c.Exchange(t.Context(), e, TokenRequest{}); !errors.Is(err, ErrRequest) || f.count("/token") != 0 {
			t.Errorf("%s: %v", e.SubjectTokenType, err)
		} else {
			noSecret(t, err.Error(), access.Reveal(), id.Reveal())
		}
	}
	for _, e := range []ExchangeRequest{
		{SubjectToken: access, SubjectTokenType: "jwt"}, {SubjectToken: anyJWT, SubjectTokenType: "access_token"},
		{SubjectToken: id}, {SubjectToken: "opaque", SubjectTokenType: "urn:vendor:type"}, {SubjectToken: id, SubjectTokenType: "urn:vendor:type"},
	} {
		if _, err := c.Exchange(t.Context(), e, TokenRequest{}); err != nil {
			t.Errorf("%s: %v", e.SubjectTokenType, err)
		}
	}
}
