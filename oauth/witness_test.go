package oauth

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
)

// Every grant against an authorization server that is not ours.

const witnessSecret = "a-secret-of-more-than-32-bytes-for-HS256"

// witness is a server that offers everything to everybody, with our keys.
func witness(keys *PrivateKeys) authserver.Options {
	return authserver.Options{
		Clients: []authserver.Client{
			{ID: "app", Secret: witnessSecret, CIBAUserCode: true, JWKS: string(keys.Public()), GrantTypes: []string{
				GrantClientCredentials, GrantPassword, GrantJWTBearer, GrantSAML2Bearer, GrantTokenExchange, GrantDeviceCode, GrantCIBA,
				"urn:example:badge", "refresh_token"}},
		},
		TrustedIssuers: []authserver.TrustedIssuer{{Issuer: "https://idp.example", JWKS: string(keys.Public())}},
		SAMLAssertions: []authserver.SAMLAssertion{{XML: saml, Login: "ada"}},
		CustomGrants:   []authserver.CustomGrant{{Type: "urn:example:badge", Parameters: url.Values{"badge": {"7"}}, Login: "grace"}},
		DPoP:           &authserver.DPoP{Nonce: true, ResourceNonce: true},
		Introspection:  true,
	}
}

func witnessKeys(t *testing.T) *PrivateKeys {
	t.Helper()
	_, keys, err := GeneratePrivateKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// whoami calls the server's API with a token.
func whoami(t *testing.T, c *Client, address string, tok *Token) string {
	t.Helper()
	hc := &http.Client{Transport: c.Transport(address, Use{}, static(tok))}
	resp, err := hc.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Status + " " + string(body)
}

// F-006, F-010, F-019, F-020, F-024, F-031, F-157; for all of them.
func TestWitnessGrants(t *testing.T) {
	keys := witnessKeys(t)
	server, err := authserver.Start(t.Context(), witness(keys))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	m, err := Discover(t.Context(), nil, server.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	for _, dpop := range []bool{false, true} {
		c := &Client{ID: "app", Secret: witnessSecret, Metadata: m, DPoP: dpop, PrivateKeys: keys}
		r := TokenRequest{Scope: []string{"api"}}
		own, err := c.ClientCredentials(t.Context(), r)
		if err != nil {
			t.Fatalf("client credentials, DPoP %v: %v; %s", dpop, err, server.Stats().LastError)
		}
		for name, get := range map[string]func() (*Token, error){
			"app": func() (*Token, error) { return own, nil },
			"Ada": func() (*Token, error) {
				return c.Password(t.Context(), "ada", "engine", TokenRequest{Scope: []string{"openid", "api"}})
			},
			"robot": func() (*Token, error) {
				a, err := c.MakeAssertion(AssertionClaims{Issuer: "https://idp.example", Subject: "robot"})
				if err != nil {
					return nil, err
				}
				return c.JWTBearer(t.Context(), a, r)
			},
			"Ada Lovelace": func() (*Token, error) { return c.SAMLBearer(t.Context(), []byte(saml), r) },
			"Grace": func() (*Token, error) {
				return c.Grant(t.Context(), "urn:example:badge", url.Values{"badge": {"7"}}, r)
			},
			"grace": func() (*Token, error) {
				first, err := c.Password(t.Context(), "grace", "compiler", r)
				if err != nil {
					return nil, err
				}
				tok, err := c.Exchange(t.Context(), ExchangeRequest{SubjectToken: first.AccessToken, SubjectTokenType: "access_token"}, r)
				if err == nil && (tok.IssuedType != TokenTypeAccess || !check(t, tok.Checks, "issued_token_type").OK) {
					t.Errorf("issued %q", tok.IssuedType)
				}
				return tok, err
			},
		} {
			tok, err := get()
			if err != nil {
				t.Errorf("%s, DPoP %v: %v; %s", name, dpop, err, server.Stats().LastError)
				continue
			}
			if got := whoami(t, c, server.API(), tok); !strings.HasPrefix(got, "200") || !strings.Contains(got, name) || (tok.ProofKey != nil) != dpop {
				t.Errorf("%s, DPoP %v: %s", name, dpop, got)
			}
			if name != "Ada" {
				continue
			}
			if tok.Claims["sub"] != "demo-ada" || !check(t, tok.Checks, "signature").OK {
				t.Errorf("%+v", tok.Checks)
			}
			if next, err := c.Refresh(t.Context(), tok); err != nil || (next.ProofKey != nil) != dpop {
				t.Errorf("refresh, DPoP %v: %v; %s", dpop, err, server.Stats().LastError)
			}
		}
		//
		for _, alg := range []string{"", "ES256"} {
			c.IntrospectionSigningAlg = alg
			in, err := c.Introspect(t.Context(), own.AccessToken, "access_token")
			if err != nil || !in.Active || alg != "" && !in.Verified {
				t.Errorf("introspection %q: %+v, %v", alg, in, err)
			}
			if in, err := c.Introspect(t.Context(), "unknown-token", ""); err != nil || in.Active || in.Claims != nil {
				t.Errorf("introspection of nothing %q: %+v, %v", alg, in, err)
			}
		}
	}
}

// witnessAt is the server inside of a synctest bubble.
func witnessAt(t *testing.T, keys *PrivateKeys) (*authserver.Server, *Client) {
	t.Helper()
	o := witness(keys)
	o.Issuer = "https://as.example"
	server, err := authserver.New(o)
	if err != nil {
		t.Fatal(err)
	}
	hc := &http.Client{Transport: server.Transport()}
	m, err := Discover(t.Context(), hc, server.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	return server, &Client{ID: "app", Secret: witnessSecret, HTTP: hc, Metadata: m, PrivateKeys: keys, DPoP: true}
}

// The server refuses those who ask too fast with slow_down, so that every poll
// in these tests was late enough, F-014, F-015.
func TestWitnessDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, c := witnessAt(t, witnessKeys(t))
		d, err := c.AuthorizeDevice(t.Context(), TokenRequest{Scope: []string{"openid", "api"}})
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(42*time.Second, func() {
			if err := server.ApproveDevice(d.UserCode, "ada"); err != nil {
				t.Error(err)
			}
		})
		start := time.Now()
		tok, err := d.Wait(t.Context())
		if err != nil || tok.Claims["sub"] != "demo-ada" || tok.ProofKey == nil {
			t.Fatalf("%v, %v; %s", tok, err, server.Stats().LastError)
		}
		if took := time.Since(start); took != 45*time.Second {
			t.Errorf("it took %v: not every five seconds", took)
		}
	})
}

func TestWitnessBackchannel(t *testing.T) { // R-235, F-028, F-029, F-030
	synctest.Test(t, func(t *testing.T) {
		server, c := witnessAt(t, witnessKeys(t))
		for _, alg := range []string{"", "ES256"} {
			c.BackchannelSigningAlg = alg
			a, err := c.AuthorizeBackchannel(t.Context(), BackchannelRequest{LoginHint: "ada", BindingMessage: "W4SCT", RequestedExpiry: 2 * time.Minute},
				TokenRequest{Scope: []string{"openid", "api"}})
			if err != nil {
				t.Fatalf("signed %q: %v; %s", alg, err, server.Stats().LastError)
			}
			time.AfterFunc(63*time.Second, func() {
				waiting := server.CIBARequests()
				if len(waiting) != 1 || waiting[0].BindingMessage != "W4SCT" || server.ApproveCIBA(waiting[0].ID) != nil {
					t.Errorf("%+v", waiting)
				}
			})
			tok, err := a.Wait(t.Context())
			if err != nil || tok.Claims["sub"] != "demo-ada" {
				t.Fatalf("signed %q: %v; %s", alg, err, server.Stats().LastError)
			}
		}
	})
}
