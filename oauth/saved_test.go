package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// F-003, F-061, R-084: a login is put away whole, and finished by another
// client value of the same client.
func TestSaveAndResume(t *testing.T) { // F-145
	f := newFake(t)
	f.token["token_type"] = "DPoP"
	age := time.Hour
	r := openid
	r.MaxAge, r.ACRValues, r.ExtraScope = &age, []string{"gold"}, []string{"mail"}
	r.Resource, r.AuthorizationDetails = []string{"https://api.example/"}, json.RawMessage(`[{"type":"payment"}]`)
	c := f.client()
	c.DPoP = true
	f.pushing(nil)
	c.Metadata.PushedAuthorizationRequestEndpoint = f.URL + "/par"
	a, err := c.Authorize(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	f.nonce = a.nonce
	saved, err := a.Save()
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprintf("%v %+v %#v", saved, saved, saved); strings.Contains(s, a.State) { // F-142
		t.Errorf("it prints: %s", s)
	}
	later := f.client()
	later.DPoP = true
	b, err := later.Resume(saved)
	if err != nil {
		t.Fatal(err)
	}
	if b.URL != a.URL || b.State != a.State || b.RedirectURI != a.RedirectURI || !b.CreatedAt.Equal(a.CreatedAt) || !b.URLExpiresAt.Equal(a.URLExpiresAt) {
		t.Errorf("%+v, want %+v", b, a)
	}
	f.claims["acr"] = "gold"
	tok, err := b.Redeem(t.Context(), url.Values{"code": {"c"}, "state": {b.State}})
	if err != nil {
		t.Fatal(err)
	}
	form, _ := f.lastForm()
	if form.Get("redirect_uri") != openid.RedirectURI || challengeS256(Secret(form.Get("code_verifier"))) != challengeS256(a.verifier) ||
		form.Get("resource") != "https://api.example/" || form.Get("scope") != "openid api" {
		t.Errorf("sent %v", form)
	}
	if tok.ProofKey.Thumbprint() != a.proof.Thumbprint() || !slices.Contains(tok.GrantScope, "mail") ||
		check(t, tok.Checks, "acr").Detail != "gold" || check(t, tok.Checks, "authorization_details").OK {
		t.Errorf("%+v", tok)
	}
	if _, err := b.Save(); !errors.Is(err, ErrReused) {
		t.Errorf("saved after it was redeemed: %v", err)
	}
	f.claims["auth_time"] = time.Now().Unix() - 7300 // max_age is still checked
	if b, err = later.Resume(saved); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Redeem(t.Context(), url.Values{"code": {"c"}, "state": {b.State}}); !errors.Is(err, ErrAuthTime) {
		t.Error(err)
	}
}

// a saved login goes back to its own client and server only.
func TestResumeRefuses(t *testing.T) {
	f, g := newFake(t), newFake(t)
	a, _ := f.authorize(f.client(), openid)
	saved, err := a.Save()
	if err != nil {
		t.Fatal(err)
	}
	edit := func(change func(map[string]any)) Secret {
		var m map[string]any
		if err := json.Unmarshal([]byte(saved.Reveal()), &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		out, _ := json.Marshal(m)
		return Secret(out)
	}
	other := f.client()
	other.ID = "other"
	for name, tt := range map[string]struct {
		c     *Client
		saved Secret
		want  error
	}{
		"another server": {g.client(), saved, ErrIssuer},
		"another client": {other, saved, ErrRequest},
		"no metadata":    {&Client{ID: "client"}, saved, ErrNoEndpoint},
		"nothing":        {f.client(), "", ErrRequest},
		"the mask":       {f.client(), masked, ErrRequest},
		"another form":   {f.client(), edit(func(m map[string]any) { m["version"] = 2 }), ErrRequest},
		"no state":       {f.client(), edit(func(m map[string]any) { delete(m, "state") }), ErrRequest},
		"no nonce": {f.client(), edit(func(m map[string]any) {
			m["response_type"] = []string{"id_token"}
			delete(m, "nonce")
		}), ErrRequest},
		"a broken key": {f.client(), edit(func(m map[string]any) { m["proof_key"] = "{}" }), ErrRequest},
	} {
		if got, err := tt.c.Resume(tt.saved); got != nil || !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		} else {
			noSecret(t, err.Error(), a.State, a.verifier.Reveal(), a.nonce)
		}
	}
	// Without an issuer the endpoints tell servers apart.
	byHand := &Client{ID: "c", Metadata: &Metadata{AuthorizationEndpoint: f.URL + "/a", TokenEndpoint: f.URL + "/token"}}
	a, err = byHand.Authorize(t.Context(), AuthorizationRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if saved, err = a.Save(); err != nil {
		t.Fatal(err)
	}
	if _, err := byHand.Resume(saved); err != nil {
		t.Error(err)
	}
	elsewhere := &Client{ID: "c", Metadata: &Metadata{AuthorizationEndpoint: f.URL + "/a", TokenEndpoint: g.URL + "/token"}}
	if _, err := elsewhere.Resume(saved); !errors.Is(err, ErrIssuer) {
		t.Error(err)
	}
}
