package session

import (
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/profiles"
)

// What each grant has of its own that is secret: private keys, DPoP keys, device codes, auth_req_ids, assertions, registration
// tokens. None is ever said, whether the server answers, fails, or repeats what it was sent.
func TestNoSecretOfAnyGrantIsSaid(t *testing.T) { // R-300 R-115 R-016
	private, set := clientKey(t, "ES256")
	robot, robotSet := clientKey(t, "ES256")
	const saml = `<Assertion ID="canary-saml-7361">ada</Assertion>`
	const urn = "urn:example:grant:badge"
	keyed := confidential("keyed", "private_key_jwt")
	keyed.JWKS = set
	maced := confidential("maced", "client_secret_jwt")
	maced.Secret = "canary-maced-secret-0123456789abcdef0123"
	device := authserver.DemoClient()
	device.GrantTypes = []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"}
	bank := confidential("bank", "client_secret_basic")
	bank.Secret, bank.GrantTypes = "canary-bank-secret-01234", []string{"urn:openid:params:grant-type:ciba", "refresh_token"}
	base := profiles.Profile{Issuer: issuer, Scope: profiles.List{"openid", "offline_access", "api"}, APIBaseURL: issuer + "/api/"}
	with := func(change func(*profiles.Profile)) profiles.Profile { p := base; change(&p); return p }
	for _, grant := range []struct {
		name    string
		options authserver.Options
		profile profiles.Profile
		secrets map[string]string
		least   int
	}{
		{"private_key_jwt with DPoP and PAR", authserver.Options{Clients: []authserver.Client{keyed}, DPoP: &authserver.DPoP{Nonce: true}, PAR: &authserver.PAR{}, Introspection: true},
			with(func(p *profiles.Profile) {
				p.ClientID, p.TokenEndpointAuthMethod, p.DPoPBoundAccessTokens, p.RequirePushedAuthorizationRequests = "keyed", "private_key_jwt", true, true
			}), map[string]string{"private_key": private}, 12},
		{"client_secret_jwt", authserver.Options{Clients: []authserver.Client{maced}, Introspection: true},
			with(func(p *profiles.Profile) { p.ClientID, p.TokenEndpointAuthMethod = "maced", "client_secret_jwt" }), map[string]string{"client_secret": maced.Secret}, 10},
		{"device", authserver.Options{Clients: []authserver.Client{device}},
			with(func(p *profiles.Profile) { p.ClientID, p.GrantType = device.ID, profiles.GrantDeviceCode }), nil, 6},
		{"CIBA", authserver.Options{Clients: []authserver.Client{bank}},
			with(func(p *profiles.Profile) { p.ClientID, p.GrantType, p.LoginHint = "bank", profiles.GrantCIBA, "ada" }), map[string]string{"client_secret": bank.Secret}, 6},
		{"client credentials", authserver.Options{Clients: []authserver.Client{service}},
			with(func(p *profiles.Profile) {
				p.ClientID, p.GrantType, p.Scope = "service", profiles.GrantClientCredentials, profiles.List{"api"}
			}), map[string]string{"client_secret": service.Secret}, 3},
		{"JWT bearer", authserver.Options{Clients: []authserver.Client{{ID: "a", GrantTypes: []string{"urn:ietf:params:oauth:grant-type:jwt-bearer"}, Scopes: []string{"api"}}},
			TrustedIssuers: []authserver.TrustedIssuer{{Issuer: "robot", JWKS: robotSet}}},
			with(func(p *profiles.Profile) {
				p.ClientID, p.GrantType, p.Scope, p.AssertionIssuer, p.AssertionSubject, p.TokenEndpointAuthMethod = "a", profiles.GrantJWTBearer, profiles.List{"api"}, "robot", "ada", "none"
			}), map[string]string{"private_key": robot}, 4},
		{"SAML bearer", authserver.Options{Clients: []authserver.Client{{ID: "a", GrantTypes: []string{"urn:ietf:params:oauth:grant-type:saml2-bearer"}, Scopes: []string{"api"}}},
			SAMLAssertions: []authserver.SAMLAssertion{{XML: saml, Login: "ada"}}},
			with(func(p *profiles.Profile) {
				p.ClientID, p.GrantType, p.Scope, p.TokenEndpointAuthMethod = "a", profiles.GrantSAML2Bearer, profiles.List{"api"}, "none"
			}), map[string]string{"assertion": saml}, 3},
		{"a grant of the server's own", authserver.Options{Clients: []authserver.Client{{ID: "a", GrantTypes: []string{urn}, Scopes: []string{"api"}}},
			CustomGrants: []authserver.CustomGrant{{Type: urn, Parameters: url.Values{"badge": {"canary-badge-4711"}}, Login: "ada"}}},
			with(func(p *profiles.Profile) {
				p.ClientID, p.GrantType, p.Scope, p.TokenEndpointAuthMethod, p.TokenParams = "a", urn, profiles.List{"api"}, "none", profiles.Parameters{"badge": "{assertion}"}
			}), map[string]string{"assertion": "canary-badge-4711"}, 3},
		{"registration", registering(authserver.Options{}),
			with(func(p *profiles.Profile) { p.ClientID = unregisteredID }), nil, 8},
	} {
		t.Run(grant.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWitness(t, "")
				w.serve(grant.options, grant.profile, grant.secrets)
				w.logInAnyhow()
				w.use()
				w.keychain()
				for _, fault := range []authserver.Fault{authserver.TokenError, authserver.InvalidClient, authserver.TokenTruncated} {
					w.server.Faults().Set(fault, authserver.UntilCleared)
					time.Sleep(10 * time.Minute)
					w.use()
					w.logInAnyhow()
					w.server.Faults().Clear()
				}
				w.tap.mu.Lock()
				w.tap.echo = true
				w.tap.mu.Unlock()
				time.Sleep(10 * time.Minute)
				w.use()
				w.logInAnyhow()
				w.use()
				w.keychain()
				w.check()
				if kinds := len(w.tap.known()); kinds < grant.least {
					t.Errorf("%d secrets passed: the tap hears nothing", kinds)
				}
			})
		})
	}
}

// logInAnyhow logs in by whatever the profile's grant asks of the person.
func (w *witness) logInAnyhow() {
	p, _ := w.file.Get("work")
	if p.UsesBrowser() {
		w.tryLogin()
		return
	}
	status, err := w.engine.Login(w.t.Context(), "work", within(time.Minute), func(ev LoginEvent) {
		w.say("shown", ev)
		if ev.UserCode != "" {
			_ = w.server.ApproveDevice(ev.UserCode, "ada")
		}
		for _, asked := range w.server.CIBARequests() {
			_ = w.server.ApproveCIBA(asked.ID)
		}
	})
	w.say("login", err)
	w.say("login", status)
}
