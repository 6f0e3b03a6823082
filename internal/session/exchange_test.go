package session

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/profiles"
)

const exchangeURN = "urn:ietf:params:oauth:grant-type:token-exchange"

// broker is a client that exchanges tokens.
var broker = authserver.Client{ID: "broker", Secret: "broker-secret-0123456789abcdef0123", AuthMethod: "client_secret_basic",
	GrantTypes: []string{exchangeURN}, Scopes: []string{"api", "openid", "profile", "email", "offline_access"}}

func derivedProfile(name, subject string) profiles.Profile {
	return profiles.Profile{Name: name, Issuer: issuer, ClientID: broker.ID, GrantType: profiles.GrantTokenExchange, Scope: profiles.List{"api"},
		SubjectProfile: subject, APIBaseURL: issuer + "/api/me"}
}

// derive adds a profile that derives its token from another's.
func (r *rig) derive(p profiles.Profile) {
	r.t.Helper()
	r.put2(p, map[string]string{"client_secret": broker.Secret})
}

// F-024, F-025, F-026: a profile derives its token from another's, and gets a new one when it has ended, also where the other's
// has to be renewed first, at the same server.
func TestDerivedToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withClients(authserver.Options{AccessTokenTTL: 5 * time.Minute}, broker))
		r.login("work")
		r.derive(derivedProfile("derived", "work"))
		first := r.token("derived")
		if !r.works(first.AccessToken) || first.AccessToken == r.token("work").AccessToken {
			t.Fatal("it is not a token of its own that works")
		}
		time.Sleep(6 * time.Minute)
		began := time.Now()
		later := r.token("derived")
		if later.AccessToken == first.AccessToken || !r.works(later.AccessToken) {
			t.Error("it was not derived again")
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s: the refresh of the one waited for the place of the other", took)
		}
		p := derivedProfile("by id_token", "work")
		p.SubjectTokenType = "id_token"
		r.derive(p)
		if !r.works(r.token("by id_token").AccessToken) {
			t.Error("the id_token was not exchanged")
		}
	})
}

// F-027: delegation with an actor (RFC 8693 §4.1).
func TestDerivedTokenWithActor(t *testing.T) {
	r := newRig(t, withClients(authserver.Options{}, broker, service))
	r.login("work")
	r.put2(serviceProfile("svc"), map[string]string{"client_secret": service.Secret})
	p := derivedProfile("delegated", "work")
	p.ActorProfile = "svc"
	r.derive(p)
	r.token("delegated")
	d, err := r.engine.Details(t.Context(), "delegated")
	if err != nil {
		t.Fatal(err)
	}
	if act, ok := d.AccessClaims["act"].(map[string]any); !ok || act["sub"] == "" {
		t.Errorf("the token names no actor: %v", d.AccessClaims)
	}
}

// Two profiles that derive from each other are told so at once, not after a wait.
func TestProfilesThatDeriveFromEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withClients(authserver.Options{}, broker))
		r.derive(derivedProfile("hen", "work"))
		r.derive(derivedProfile("egg", "hen"))
		r.derive(derivedProfile("hen", "egg"))
		began := time.Now()
		_, err := r.engine.Token(t.Context(), "egg", -1)
		wantError(t, err, Failed, CodeProfileInvalid)
		if !strings.Contains(err.Error(), "hen") || !strings.Contains(err.Error(), "egg") {
			t.Errorf("it does not name both: %v", err)
		}
		_, err = r.engine.Login(t.Context(), "hen", LoginOptions{}, func(LoginEvent) {})
		wantError(t, err, Failed, CodeProfileInvalid)
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s", took)
		}
		r.derive(derivedProfile("hen", "work"))
		r.login("work")
		if !r.works(r.token("egg").AccessToken) {
			t.Error("mended, it does not work")
		}
	})
}

// What a derived token wants is said of the profile that it is derived from, and heals as soon as somebody logs in there.
func TestDerivedTokenWithoutItsSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withClients(authserver.Options{}, broker))
		r.derive(derivedProfile("derived", "work"))
		_, err := r.engine.Token(t.Context(), "derived", -1)
		wantError(t, err, LogInFirst, CodeLoggedOut)
		var said *Error
		if errors.As(err, &said); !strings.Contains(said.Sentence, "profile work") || !strings.Contains(said.Sentence, "profile derived") || !strings.Contains(said.Remedy, "fob login work") {
			t.Errorf("%q, %q", said.Sentence, said.Remedy)
		}
		r.login("work")
		if !r.works(r.token("derived").AccessToken) {
			t.Error("it does not work after the login")
		}
		// Another person's login makes another token due.
		ctx, stop := context.WithCancel(t.Context())
		go r.engine.Run(ctx)
		first := r.token("derived")
		r.login("work")
		time.Sleep(time.Minute)
		if r.token("derived").AccessToken == first.AccessToken {
			t.Error("the token is still that of the login before")
		}
		if _, err := r.engine.Logout(t.Context(), "work", true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if s := r.status("derived"); s.State != Unusable || s.Problem == nil || s.Problem.Code != CodeLoggedOut || !strings.Contains(s.Problem.Remedy, "fob login work") {
			t.Errorf("without its source: %s, %+v", s.State, s.Problem)
		}
		asked := r.server.Stats().Requests["token"]
		time.Sleep(30 * time.Minute)
		if again := r.server.Stats().Requests["token"]; again != asked {
			t.Errorf("%d requests although nothing can be had", again-asked)
		}
		r.login("work")
		time.Sleep(time.Second)
		if s := r.status("derived"); s.State != LoggedIn {
			t.Errorf("after the login: %s", s.State)
		}
		stop()
		synctest.Wait()
	})
}

// A subject token can be given, too; it is a secret of the profile.
func TestGivenSubjectToken(t *testing.T) {
	r := newRig(t, withClients(authserver.Options{}, broker))
	r.login("work")
	p := derivedProfile("given", "")
	p.SubjectTokenType = "access_token"
	r.put2(p, map[string]string{"client_secret": broker.Secret, "subject_token": r.token("work").AccessToken})
	if !r.works(r.token("given").AccessToken) {
		t.Error("the given token was not exchanged")
	}
	// F-024: `fob exchange` keeps nothing.
	h, err := r.engine.Exchange(t.Context(), Exchange{Name: "given", SubjectProfile: "work", RequestedType: "access_token"})
	if err != nil || !r.works(h.AccessToken) || !strings.HasSuffix(h.IssuedType, ":access_token") {
		t.Errorf("%v, %q", err, h.IssuedType)
	}
}

// assertingRig has a server that trusts an issuer of assertions, as Google trusts service accounts, and a profile with its key.
func assertingRig(t *testing.T) (r *rig, p profiles.Profile, key string) {
	t.Helper()
	r = newRig(t, authserver.Options{})
	set, err := r.engine.MakeKey(t.Context(), "work", "ES256", false)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := r.engine.readSecrets(t.Context(), r.profile("work"))
	if err != nil {
		t.Fatal(err)
	}
	key = kept["private_key"]
	r = newRig(t, withClients(authserver.Options{TrustedIssuers: []authserver.TrustedIssuer{{Issuer: "robot@example.com", JWKS: string(set)}}},
		authserver.Client{ID: "asserter", GrantTypes: []string{"urn:ietf:params:oauth:grant-type:jwt-bearer"}, Scopes: []string{"api"}}))
	p = profiles.Profile{Name: "robot", Issuer: issuer, ClientID: "asserter", GrantType: profiles.GrantJWTBearer, Scope: profiles.List{"api"},
		AssertionIssuer: "robot@example.com", AssertionSubject: "ada", TokenEndpointAuthMethod: "none", AssertionClaims: `{"tier": "gold"}`}
	return r, p, key
}

// F-019, F-022, F-023: the assertion is made from the key for each token, and never kept.
func TestJWTBearer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, p, key := assertingRig(t)
		r.put2(p, map[string]string{"private_key": key})
		first := r.token("robot")
		if !r.works(first.AccessToken) {
			t.Fatal("the token does not work")
		}
		time.Sleep(6 * time.Minute)
		r.reopen()
		if later := r.token("robot"); later.AccessToken == first.AccessToken || !r.works(later.AccessToken) {
			t.Error("it was not asked for again")
		}
		c, err := r.engine.clientFor(t.Context(), p, metadataAge)
		if err != nil {
			t.Fatal(err)
		}
		assertion, err := c.assertion()
		if err != nil {
			t.Fatal(err)
		}
		p.Name, p.AssertionClaims = "given", ""
		r.put2(p, map[string]string{"assertion": assertion.Reveal()})
		if !r.works(r.token("given").AccessToken) {
			t.Error("a given assertion was not taken")
		}
		runs, err := r.engine.Trace("robot")
		if err != nil || len(runs) != 1 || runs[0].Operation != operationRefresh {
			t.Errorf("%d runs, %v", len(runs), err)
		}
	})
}

// F-020: the assertion goes as it was given.
func TestSAMLBearer(t *testing.T) {
	const assertion = `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="canary-saml">ada</saml:Assertion>`
	r := newRig(t, withClients(authserver.Options{SAMLAssertions: []authserver.SAMLAssertion{{XML: assertion, Login: "ada"}}},
		authserver.Client{ID: "saml", GrantTypes: []string{"urn:ietf:params:oauth:grant-type:saml2-bearer"}, Scopes: []string{"api"}}))
	p := profiles.Profile{Name: "saml", Issuer: issuer, ClientID: "saml", GrantType: profiles.GrantSAML2Bearer, Scope: profiles.List{"api"}, TokenEndpointAuthMethod: "none"}
	r.put2(p, nil)
	_, err := r.engine.Token(t.Context(), "saml", -1)
	wantError(t, err, Failed, CodeNoSecret)
	r.put2(p, map[string]string{"assertion": assertion})
	if !r.works(r.token("saml").AccessToken) {
		t.Error("the token does not work")
	}
}

// F-031: a grant of the server's own, with secrets of the profile among its parameters.
func TestCustomGrant(t *testing.T) {
	const urn = "urn:example:grant:badge"
	r := newRig(t, withClients(authserver.Options{CustomGrants: []authserver.CustomGrant{{Type: urn, Parameters: url.Values{"badge": {"no. canary-badge-4711"}, "door": {"7"}}, Login: "ada"}}},
		authserver.Client{ID: "badge", GrantTypes: []string{urn}, Scopes: []string{"api"}}))
	p := profiles.Profile{Name: "door", Issuer: issuer, ClientID: "badge", GrantType: urn, Scope: profiles.List{"api"}, TokenEndpointAuthMethod: "none",
		TokenParams: profiles.Parameters{"badge": "no. {assertion}", "door": "7"}}
	r.put2(p, map[string]string{"assertion": "canary-badge-4711"})
	if !r.works(r.token("door").AccessToken) {
		t.Error("the token does not work")
	}
	runs, err := r.engine.Trace("door")
	if err != nil || len(runs) != 1 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	for _, step := range runs[0].Steps {
		for _, m := range step.Form {
			if strings.Contains(m.Value, "canary") {
				t.Errorf("the trace tells %s", m.Name)
			}
		}
		if strings.Contains(step.Curl, "canary") {
			t.Error("the curl command tells a secret")
		}
	}
	p.TokenParams["door"] = "8"
	r.put2(p, nil)
	if s := r.status("door"); s.State != LoggedOut || s.Problem != nil {
		t.Errorf("asked for differently: %s, %+v", s.State, s.Problem)
	}
}
