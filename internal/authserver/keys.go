package authserver

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// newKeyring takes the keys of an earlier run and makes what is missing: an ES256 key, and a key
// for every other algorithm that is wanted (one for RSA takes about 0.1 s).
func newKeyring(old []jose.JSONWebKey, want []string) (*keyring, error) {
	k := &keyring{keys: slices.Clone(old)}
	for _, alg := range want {
		if alg == string(goidc.ES256) || slices.ContainsFunc(k.keys, hasAlg(goidc.SignatureAlgorithm(alg))) {
			continue
		}
		key, err := newKey(alg)
		if err != nil {
			return nil, fmt.Errorf("%s key: %w", alg, err)
		}
		k.keys = append(k.keys, key)
	}
	if slices.ContainsFunc(k.keys, hasAlg(goidc.ES256)) {
		return k, nil
	}
	return k, k.rotate()
}

// newKey makes a key for an algorithm of RFC 7518 or RFC 8037, for signing or to encrypt to.
func newKey(alg string) (jose.JSONWebKey, error) {
	jwk := jose.JSONWebKey{KeyID: strings.ToLower(alg) + "-" + random(4), Algorithm: alg, Use: "sig"}
	var err error
	switch {
	case alg == "ES256":
		jwk.Key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case alg == "ES384":
		jwk.Key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case alg == "ES512":
		jwk.Key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case alg == "EdDSA":
		_, jwk.Key, err = ed25519.GenerateKey(rand.Reader)
	case strings.HasPrefix(alg, "ECDH-ES"):
		jwk.Use = "enc"
		jwk.Key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case strings.HasPrefix(alg, "RSA-OAEP"):
		jwk.Use = "enc"
		jwk.Key, err = rsa.GenerateKey(rand.Reader, 2048)
	case strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS"):
		jwk.Key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		err = errors.New("unknown algorithm")
	}
	return jwk, err
}

// algs returns the signature algorithms for which there are keys.
func (k *keyring) algs() []goidc.SignatureAlgorithm {
	var algs []goidc.SignatureAlgorithm
	for _, key := range k.all() {
		if key.Use == "sig" && !slices.Contains(algs, goidc.SignatureAlgorithm(key.Algorithm)) {
			algs = append(algs, goidc.SignatureAlgorithm(key.Algorithm))
		}
	}
	return algs
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
	key, err := newKey(string(goidc.ES256))
	if err != nil {
		return key, fmt.Errorf("ES256 key: %w", err)
	}
	return key, nil
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
