package authserver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"github.com/go-jose/go-jose/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"
)

// keyring holds the signing keys, newest first.
type keyring struct {
	changed func() // called without the lock after a key was made

	mu   sync.Mutex // guards keys
	keys []jose.JSONWebKey
}

// newKeyring takes the keys of an earlier run and makes what is missing: an ES256 key, and an
// RS256 key (which takes about 0.1 s) where it is wanted.
func newKeyring(old []jose.JSONWebKey, wantRSA bool) (*keyring, error) {
	k := &keyring{keys: slices.Clone(old)}
	if wantRSA && !slices.ContainsFunc(k.keys, hasAlg(goidc.RS256)) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, fmt.Errorf("RS256 key: %w", err)
		}
		k.keys = append(k.keys, jose.JSONWebKey{Key: key, KeyID: "rs256-" + random(4), Algorithm: string(goidc.RS256), Use: "sig"})
	}
	if slices.ContainsFunc(k.keys, hasAlg(goidc.ES256)) {
		return k, nil
	}
	return k, k.rotate()
}

func hasAlg(alg goidc.SignatureAlgorithm) func(jose.JSONWebKey) bool {
	return func(key jose.JSONWebKey) bool { return key.Algorithm == string(alg) }
}

// rotate puts a new ES256 key in front of the others.
func (k *keyring) rotate() error {
	key, err := newECKey()
	if err != nil {
		return err
	}
	k.mu.Lock()
	k.keys = append([]jose.JSONWebKey{key}, k.keys...)
	k.mu.Unlock()
	if k.changed != nil {
		k.changed()
	}
	return nil
}

// newECKey makes an ES256 key with a random key id.
func newECKey() (jose.JSONWebKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("ES256 key: %w", err)
	}
	return jose.JSONWebKey{Key: key, KeyID: "es256-" + random(4), Algorithm: string(goidc.ES256), Use: "sig"}, nil
}

// all returns the keys, private halves included.
func (k *keyring) all() []jose.JSONWebKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.keys)
}

// jwks is go-oidc's view of the keys.
func (k *keyring) jwks(context.Context) (goidc.JSONWebKeySet, error) {
	return goidc.JSONWebKeySet{Keys: k.all()}, nil
}

// forAlg returns the newest key for that algorithm.
func (k *keyring) forAlg(alg string) (jose.JSONWebKey, error) {
	keys := k.all()
	i := slices.IndexFunc(keys, hasAlg(goidc.SignatureAlgorithm(alg)))
	if i < 0 {
		return jose.JSONWebKey{}, fmt.Errorf("no key for %s", alg)
	}
	return keys[i], nil
}

// random returns n random bytes in hex.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b)
}
