package oauth

import (
	"context"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// An unknown kid costs one more fetch, then none for a minute: R-055.
func TestUnknownKidIsRateLimited(t *testing.T) { // F-176
	f := newFake(t)
	now := time.Now()
	set := &KeySet{now: func() time.Time { return now }}
	find := func(kid string) error {
		_, err := set.find(t.Context(), nil, 0, f.URL+"/jwks", kid, jose.RS256)
		return err
	}
	expect := func(want int, what string) {
		t.Helper()
		if n := f.count("/jwks"); n != want {
			t.Errorf("%s: %d fetches, want %d", what, n, want)
		}
	}
	if err := find("k1"); err != nil {
		t.Fatal(err)
	}
	expect(1, "first use")
	for i := range 50 {
		if err := find(fmt.Sprintf("unknown-%d", i)); !errors.Is(err, ErrNoKey) || Transient(err) {
			t.Fatal(err)
		}
	}
	expect(2, "50 unknown kids")
	if err := find("k1"); err != nil {
		t.Error(err)
	}
	expect(2, "known kid")
	now = now.Add(keysPause)
	f.mu.Lock()
	f.jwks = jwksOf(jose.JSONWebKey{Key: f.key.Public(), KeyID: "k2"})
	f.mu.Unlock()
	if err := find("k2"); err != nil { // rotation
		t.Error(err)
	}
	expect(3, "rotation")
	if err := find("k1"); !errors.Is(err, ErrNoKey) {
		t.Errorf("withdrawn key: %v", err)
	}
	expect(3, "withdrawn key")
}

// The last good set stays while the issuer is away, and is refreshed hourly.
func TestLastGoodSetIsKept(t *testing.T) {
	f := newFake(t)
	now := time.Now()
	set := &KeySet{now: func() time.Time { return now }}
	find := func(kid string) error {
		_, err := set.find(t.Context(), nil, 0, f.URL+"/jwks", kid, jose.RS256)
		return err
	}
	if err := find("k1"); err != nil {
		t.Fatal(err)
	}
	for what, route := range map[string]http.HandlerFunc{
		"down":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
		"page":      func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"no keys":   func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, map[string]any{"keys": []any{}}) },
		"too large": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxBody+1)) },
	} {
		f.mu.Lock()
		f.routes["/jwks"] = route
		f.mu.Unlock()
		now = now.Add(keysFresh + time.Minute)
		before := f.count("/jwks")
		if err := find("k1"); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if err := find("k1"); err != nil || f.count("/jwks") != before+1 {
			t.Errorf("%s: %v, %d fetches", what, err, f.count("/jwks")-before)
		}
	}
	// While it is down an unknown kid may be one of the new set: try later.
	f.mu.Lock()
	f.routes["/jwks"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }
	f.mu.Unlock()
	now = now.Add(keysPause)
	for range 2 {
		if err := find("k9"); !Transient(err) {
			t.Errorf("unknown kid while down: %v", err)
		}
	}
	now = now.Add(-48 * time.Hour) // a clock set back does not freeze the cache
	before := f.count("/jwks")
	if err := find("k1"); err != nil || f.count("/jwks") != before+1 {
		t.Errorf("clock set back: %v", err)
	}
}

// Several waiters share one fetch, and one that gives up ends it for nobody.
func TestKeysAreFetchedOnce(t *testing.T) {
	f := newFake(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	f.routes["/jwks"] = func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		reply(w, 200, f.jwks)
	}
	set := new(KeySet)
	impatient, giveUp := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := set.find(impatient, nil, 0, f.URL+"/jwks", "k1", jose.RS256)
		gone <- err
	}()
	<-arrived
	giveUp()
	if err := <-gone; err == nil {
		t.Error("the impatient one got keys")
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if keys, err := set.find(t.Context(), nil, 0, f.URL+"/jwks", "k1", jose.RS256); err != nil || len(keys) != 1 {
				t.Errorf("%d keys, %v", len(keys), err)
			}
		})
	}
	close(release)
	wg.Wait()
	if n := f.count("/jwks"); n != 1 {
		t.Errorf("%d fetches", n)
	}
}

// One odd key does not cost the set, and what is no verification key is not
// one: R-053.
func TestOddKeysAreSkipped(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	es := ecKey(t, elliptic.P256())
	raw := func(k jose.JSONWebKey) json.RawMessage {
		b, err := k.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	body, err := json.Marshal(map[string]any{"keys": []any{
		json.RawMessage(`{"kty":"OKP","crv":"Ed448","kid":"ed448","x":"AA"}`),
		json.RawMessage(`{"kty":"XYZ"}`), json.RawMessage(`{}`), json.RawMessage(`7`), json.RawMessage(`null`),
		json.RawMessage(`{"kty":"RSA","kid":"bad","n":"!!","e":"AQAB"}`),
		raw(jose.JSONWebKey{Key: []byte("symmetric"), KeyID: "oct"}),
		raw(jose.JSONWebKey{Key: es, KeyID: "private"}),
		raw(jose.JSONWebKey{Key: small.Public(), KeyID: "small"}),
		raw(jose.JSONWebKey{Key: oneKey().Public(), KeyID: "enc", Use: "enc"}),
		raw(jose.JSONWebKey{Key: oneKey().Public(), KeyID: "rsa"}),
		raw(jose.JSONWebKey{Key: es.Public(), KeyID: "ec", Use: "sig"}),
		raw(jose.JSONWebKey{Key: edPublic, KeyID: "ed"}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	keys := parseKeys(body)
	var kids []string
	for _, k := range keys {
		kids = append(kids, k.KeyID)
	}
	if fmt.Sprint(kids) != "[rsa ec ed]" {
		t.Errorf("kept %v", kids)
	}
	for alg, want := range map[jose.SignatureAlgorithm]string{
		jose.RS256: "rsa", jose.PS512: "rsa", jose.ES256: "ec", jose.EdDSA: "ed", jose.ES384: "", jose.HS256: "", "none": "",
	} {
		got := ""
		for _, k := range matchKeys(keys, "", alg) {
			got += k.KeyID
		}
		if got != want {
			t.Errorf("%s: %q, want %q", alg, got, want)
		}
	}
	if parseKeys([]byte(`{"Keys":[]}`)) != nil || parseKeys([]byte(`[]`)) != nil || parseKeys(nil) != nil {
		t.Error("keys from nothing")
	}
}

// One issuer's keys say nothing about another's: R-053.
func TestKeysOfAnotherIssuer(t *testing.T) {
	f, g := newFake(t), newFake(t)
	g.key = otherKey()
	g.jwks = jwksOf(jose.JSONWebKey{Key: g.key.Public(), KeyID: "g1"})
	shared := new(KeySet)
	cf, cg := f.client(), g.client()
	cf.Keys, cg.Keys = shared, shared
	f.mustLogin(cf)
	g.header["kid"] = "g1"
	g.mustLogin(cg)
	// f's id_tokens signed with g's key, which is in the same cache
	f.header["kid"], f.key = "g1", g.key
	f.refused(cf, openid, "signature", ErrNoKey)
}

// One profile may skip the server's certificate, another trust an authority of
// its own: what they fetched must not vouch for a third: R-053.
func TestKeysOfAnotherRoadAreNotBelieved(t *testing.T) {
	f, evil := newFake(t), newFake(t)
	evil.jwks = jwksOf(jose.JSONWebKey{Key: otherKey().Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"})
	set := new(KeySet)
	elsewhere := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) { // somebody in the middle
		r = r.Clone(r.Context())
		r.URL.Host = strings.TrimPrefix(evil.URL, "http://")
		return http.DefaultTransport.RoundTrip(r)
	})}
	if _, err := set.find(t.Context(), elsewhere, 0, f.URL+"/jwks", "k1", jose.RS256); err != nil {
		t.Fatal(err)
	}
	keys, err := set.find(t.Context(), nil, 0, f.URL+"/jwks", "k1", jose.RS256)
	if err != nil || !f.key.PublicKey.Equal(keys[0].Key) {
		t.Errorf("the key of somebody else is believed: %v", err)
	}
	if _, err := set.find(t.Context(), nil, 0, f.URL+"/jwks", "k1", jose.RS256); err != nil || f.count("/jwks") != 1 {
		t.Errorf("%v, %d fetches", err, f.count("/jwks"))
	}
}

// Roads that nobody takes any more are forgotten.
func TestKeySetIsBounded(t *testing.T) {
	f := newFake(t)
	set := new(KeySet)
	for range 3 * maxIssuers {
		if _, err := set.find(t.Context(), &http.Client{}, 0, f.URL+"/jwks", "k1", jose.RS256); err != nil {
			t.Fatal(err)
		}
	}
	if len(set.issuer) > maxIssuers {
		t.Errorf("%d", len(set.issuer))
	}
}
