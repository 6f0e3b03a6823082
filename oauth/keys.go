package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

const (
	// keysFresh: a key that an issuer withdrew is trusted an hour longer at
	// most, and an issuer is asked once an hour at most while all is well.
	keysFresh = time.Hour
	// keysPause: a JWT that names an unknown key makes us ask again (issuers
	// rotate), but not more than once a minute: anybody can invent key ids.
	keysPause = time.Minute
	// maxIssuers bounds the cache: a developer has some dozens of profiles, and
	// who makes a new HTTP client for every request must not fill the memory.
	maxIssuers = 64
	// maxKeys of one issuer; large providers publish under ten.
	maxKeys = 100
)

// KeySet caches the signing keys of issuers by the address of their key set
// (jwks_uri) and the HTTP client that fetched them: what came without a check
// of the server's certificate proves nothing to those who check it. The zero
// value is ready; share one among clients.
type KeySet struct {
	mu     sync.Mutex // guards issuer and what its values hold; never held over I/O
	issuer map[keyPlace]*issuerKeys

	now func() time.Time // nil: the wall clock
}

// keyPlace is a key set and the road to it.
type keyPlace struct {
	uri  string
	road *http.Client // as the caller gave it, nil included
}

type issuerKeys struct {
	keys    []jose.JSONWebKey // the last good set
	fetched time.Time         // when it came
	tried   time.Time         // when a fetch last began
	err     error             // how the last fetch ended
	flight  *keyFlight        // the fetch under way, nil if none
}

// keyFlight is one fetch that several callers wait for. It outlives a caller
// that gives up.
type keyFlight struct {
	done chan struct{}
	err  error
}

func (s *KeySet) clock() time.Time {
	if s.now != nil {
		return s.now().Round(0)
	}
	return time.Now().Round(0)
}

// find returns the keys of an issuer that may have made a signature with alg,
// by kid when there is one. It fetches the set on first use, when it is old,
// and when the kid is unknown; the last good set stays when that fails.
func (s *KeySet) find(ctx context.Context, hc *http.Client, timeout time.Duration, uri, kid string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey, error) {
	return s.findAt(ctx, keyPlace{uri, hc}, hc, timeout, kid, alg)
}

// findAt is find where hc is made of the road's client (Strict).
func (s *KeySet) findAt(ctx context.Context, at keyPlace, hc *http.Client, timeout time.Duration, kid string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey, error) {
	s.mu.Lock()
	e := s.entry(at)
	now := s.clock()
	found := matchKeys(e.keys, kid, alg)
	rested := e.tried.IsZero() || now.Sub(e.tried) >= keysPause || now.Before(e.tried)
	fresh := now.Sub(e.fetched) < keysFresh && !now.Before(e.fetched)
	first := e.fetched.IsZero()
	// The very first set may be seconds old when the issuer rotates: one
	// unknown kid is always worth one more fetch, hence tried, not fetched.
	if len(found) > 0 && (fresh || !rested) || len(found) == 0 && !first && !rested && e.flight == nil {
		err := e.err
		s.mu.Unlock()
		if len(found) == 0 && err == nil {
			err = ErrNoKey
		}
		if len(found) > 0 {
			err = nil
		}
		return found, err
	}
	flight := e.flight
	if flight == nil {
		flight = &keyFlight{done: make(chan struct{})}
		e.flight = flight
		if !first {
			e.tried = now
		}
		go s.fetch(context.WithoutCancel(ctx), hc, timeout, at.uri, e, flight)
	}
	s.mu.Unlock()

	select {
	case <-flight.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if again := matchKeys(e.keys, kid, alg); len(again) > 0 {
		return again, nil
	}
	if flight.err != nil {
		return nil, flight.err
	}
	return nil, ErrNoKey
}

// entry returns what is known of a place; s.mu is held.
func (s *KeySet) entry(at keyPlace) *issuerKeys {
	if e := s.issuer[at]; e != nil {
		return e
	}
	if s.issuer == nil {
		s.issuer = make(map[keyPlace]*issuerKeys)
	}
	if len(s.issuer) >= maxIssuers {
		var oldest *keyPlace
		for p, e := range s.issuer {
			if e.flight == nil && (oldest == nil || e.fetched.Before(s.issuer[*oldest].fetched)) {
				oldest = &p
			}
		}
		if oldest != nil {
			delete(s.issuer, *oldest)
		}
	}
	e := new(issuerKeys)
	s.issuer[at] = e
	return e
}

func (s *KeySet) fetch(ctx context.Context, hc *http.Client, timeout time.Duration, uri string, e *issuerKeys, flight *keyFlight) {
	keys, err := fetchKeys(ctx, hc, timeout, uri)
	s.mu.Lock()
	e.err, e.flight, flight.err = err, nil, err
	if err == nil {
		e.keys, e.fetched = keys, s.clock()
	}
	s.mu.Unlock()
	close(flight.done)
}

func fetchKeys(ctx context.Context, hc *http.Client, timeout time.Duration, uri string) ([]jose.JSONWebKey, error) {
	const what = "key set"
	ans, err := get(ctx, hc, what, uri, timeout)
	if err != nil {
		return nil, err
	}
	if _, err := ans.object(); err != nil {
		return nil, err
	}
	keys := parseKeys(ans.body)
	if len(keys) == 0 {
		return nil, &Error{what: what, Endpoint: ans.endpoint, Status: ans.status, Err: ErrNoKey}
	}
	return keys, nil
}

// parseKeys reads a key set key by key: "Implementations SHOULD ignore JWKs
// … that use kty values that are not understood, … are missing required
// members, or … are out of the supported ranges" (RFC 7517 section 5), and
// go-jose's own set fails whole for one odd key.
func parseKeys(data []byte) []jose.JSONWebKey {
	return slices.DeleteFunc(readKeys(data), func(k jose.JSONWebKey) bool { return !usable(&k) })
}

// readKeys reads the keys that are understood, whatever they are for.
func readKeys(data []byte) []jose.JSONWebKey {
	var set map[string]json.RawMessage // a map, because a struct matches any case
	var list []json.RawMessage
	if json.Unmarshal(data, &set) != nil || json.Unmarshal(set["keys"], &list) != nil {
		return nil
	}
	var keys []jose.JSONWebKey
	for _, raw := range list[:min(len(list), maxKeys)] {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// usable keeps public keys that may verify signatures. A symmetric or private
// key in public is nobody's proof of anything.
func usable(k *jose.JSONWebKey) bool {
	if k.Use != "" && k.Use != "sig" {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= 2048 // RFC 7518 section 3.3
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}

// matchKeys picks the keys that fit a signature's kid and alg. Without kid all
// keys of the right type are tried.
func matchKeys(keys []jose.JSONWebKey, kid string, alg jose.SignatureAlgorithm) []jose.JSONWebKey {
	var list []jose.JSONWebKey
	for _, k := range keys {
		if (kid == "" || k.KeyID == kid) && (k.Algorithm == "" || k.Algorithm == string(alg)) && fits(k.Key, alg) {
			list = append(list, k)
		}
	}
	return list
}

// fits ties an algorithm to its type of key (RFC 8725 section 3.1).
func fits(key any, alg jose.SignatureAlgorithm) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(string(alg), "RS") || strings.HasPrefix(string(alg), "PS")
	case *ecdsa.PublicKey:
		switch alg {
		case jose.ES256:
			return key.Curve.Params().BitSize == 256
		case jose.ES384:
			return key.Curve.Params().BitSize == 384
		case jose.ES512:
			return key.Curve.Params().BitSize == 521
		}
	case ed25519.PublicKey:
		return alg == jose.EdDSA
	}
	return false
}
