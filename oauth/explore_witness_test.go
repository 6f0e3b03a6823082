package oauth_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"fob/internal/authserver"
	"fob/oauth"
)

// From an API's address to a call that succeeds, at a server that is not ours:
// 401, resource metadata, server metadata, registration, login, call; then the
// server forgets the client, which is registered once more, and deleted.
func TestWitnessURL(t *testing.T) {
	ctx := t.Context()
	server, err := authserver.Start(ctx, authserver.Options{
		AutoApprove: "ada", ResourceMetadata: true, IssuerPath: "/tenant", AuthMethods: []string{"none"},
		GrantTypes:   []string{"authorization_code", "refresh_token"},
		Registration: &authserver.Registration{InitialToken: "initial-access-token", RotateTokens: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()

	found, err := oauth.Explore(ctx, nil, server.API(), oauth.ExploreOptions{})
	if err != nil {
		t.Fatalf("%v %+v", err, found)
	}
	as, err := found.Server()
	if err != nil || as.Issuer != server.Issuer() || found.ResourceID() != server.API() || as.Ways[0] != oauth.WayRegister {
		t.Fatalf("%+v, %v", as, err)
	}
	m := as.Discovery.Metadata
	const redirect = "http://127.0.0.1:49152/callback"
	want := oauth.NativeClient(m, "Fob", redirect, []string{"api"})
	if _, err := oauth.Register(ctx, nil, m, want, ""); !errors.Is(err, oauth.ErrInitialToken) {
		t.Fatalf("without the initial access token: %v", err)
	}
	register := func() *oauth.Registration {
		t.Helper()
		r, err := oauth.Register(ctx, nil, m, want, "initial-access-token")
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	login := func(r *oauth.Registration) (*oauth.Token, error) {
		t.Helper()
		c := &oauth.Client{ID: r.ClientID, Secret: r.ClientSecret, AuthMethod: r.Metadata.TokenEndpointAuthMethod, Metadata: m}
		a, err := c.Authorize(ctx, oauth.AuthorizationRequest{RedirectURI: redirect, Scope: []string{"api"}, Resource: []string{found.ResourceID()}})
		if err != nil {
			return nil, err
		}
		return a.Redeem(ctx, browse(a))
	}
	r := register()
	tok, err := login(r)
	if err != nil {
		t.Fatalf("%v; %s", err, server.Stats().LastError)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.API(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+tok.AccessToken.Reveal())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the API says %s", resp.Status)
	}

	// every answer brings a new token, and only that one is good.
	read, err := r.Read(ctx, nil)
	if err != nil || read.RegistrationAccessToken == r.RegistrationAccessToken || read.Metadata.ApplicationType != "native" {
		t.Fatalf("%+v, %v", read, err)
	}
	if _, err := r.Read(ctx, nil); !errors.Is(err, oauth.ErrForgotten) {
		t.Errorf("the old token: %v", err)
	}
	change := read.Metadata
	change.ClientName = "Fob, renamed"
	changed, err := read.Update(ctx, nil, change)
	if err != nil || changed.Metadata.ClientName != "Fob, renamed" || changed.ClientID != r.ClientID {
		t.Fatalf("%+v, %v", changed, err)
	}

	// forgotten, once more, and no third time.
	server.ForgetClient(r.ClientID)
	failed := func(r *oauth.Registration) error {
		c := &oauth.Client{ID: r.ClientID, Metadata: m, AuthMethod: oauth.AuthNone}
		_, err := c.Refresh(ctx, tok)
		return err
	}
	refusal := failed(changed)
	if due, why, err := oauth.RegistrationDue(changed, as.Issuer, redirect, refusal, time.Now()); !due || err != nil {
		t.Fatalf("%v: %q, %v", refusal, why, err)
	}
	again := register()
	again.Renewals = changed.Renewals + 1
	if again.ClientID == changed.ClientID {
		t.Error("nobody new")
	}
	if _, err := login(again); err != nil {
		t.Errorf("%v; %s", err, server.Stats().LastError)
	}
	server.ForgetClient(again.ClientID)
	if due, _, err := oauth.RegistrationDue(again, as.Issuer, redirect, failed(again), time.Now()); due || !errors.Is(err, oauth.ErrForgottenAgain) {
		t.Errorf("%v, %v", due, err)
	}

	last := register()
	if err := last.Delete(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := last.Read(ctx, nil); !errors.Is(err, oauth.ErrForgotten) {
		t.Error(err)
	}

	// What the server breaks is refused by name.
	for fault, want := range map[authserver.Fault]error{
		authserver.ResourceOther: oauth.ErrResource,
	} {
		server.Faults().Set(fault, 10)
		if _, err := oauth.Explore(ctx, nil, server.API(), oauth.ExploreOptions{}); !errors.Is(err, want) {
			t.Errorf("%s: %v", fault, err)
		}
		server.Faults().Set(fault, 0)
	}
	server.Faults().Set(authserver.RegistrationOther, 1)
	if r, err := oauth.Register(ctx, nil, m, want, "initial-access-token"); r == nil || !errors.Is(err, oauth.ErrRegistration) {
		t.Errorf("%+v, %v", r, err)
	}
	server.Faults().Set(authserver.RegistrationDown, 1)
	if _, err := oauth.Register(ctx, nil, m, want, "initial-access-token"); !oauth.Transient(err) {
		t.Error(err)
	}
}
