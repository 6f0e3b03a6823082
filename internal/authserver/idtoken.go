package authserver

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"
)

// remakeIDToken signs go-oidc's id_token anew, with at_hash added (OpenID Connect Core section
// 3.1.3.6) and with every fault that applies.
func (s *Server) remakeIDToken(token, access string) (string, error) {
	head, claims, err := decodeJWT(token)
	if err != nil {
		return "", fmt.Errorf("go-oidc's id_token: %w", err)
	}
	claims["at_hash"] = atHash(access)
	s.spoilClaims(claims)
	alg, _ := head["alg"].(string)
	return s.signIDToken(alg, claims)
}

// decodeJWT splits a JWT of our own making, unverified.
func decodeJWT(token string) (head, claims map[string]any, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, nil, errors.New("not three parts")
	}
	for i, into := range []*map[string]any{&head, &claims} {
		data, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal(data, into); err != nil {
			return nil, nil, err
		}
	}
	return head, claims, nil
}

// atHash is the left half of the hash; ES256 and RS256 both hash with SHA-256.
func atHash(access string) string {
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// spoilClaims applies the faults that lie under a good signature.
func (s *Server) spoilClaims(claims map[string]any) {
	now := time.Now()
	lies := []struct {
		fault Fault
		tell  func()
	}{
		{WrongNonce, func() { claims["nonce"] = "not-the-nonce" }},
		{NoNonce, func() { delete(claims, "nonce") }},
		{WrongIssuer, func() { claims["iss"] = "http://elsewhere.invalid" }},
		{WrongAudience, func() { claims["aud"] = "another-client" }},
		{ExtraAudience, func() { claims["aud"] = []any{claims["aud"], "another-client"} }},
		{WrongSubject, func() { claims["sub"] = "somebody-else" }},
		{ExpiredIDToken, func() {
			claims["iat"], claims["exp"] = now.Add(-2*time.Hour).Unix(), now.Add(-time.Hour).Unix()
		}},
		{FutureIDToken, func() {
			claims["iat"], claims["exp"] = now.Add(time.Hour).Unix(), now.Add(2*time.Hour).Unix()
		}},
		{NoExpiry, func() { delete(claims, "exp") }},
		{WrongAuthTime, func() { claims["auth_time"] = now.Add(-time.Hour).Unix() }},
		{WrongAtHash, func() { claims["at_hash"] = atHash("another token") }},
	}
	for _, lie := range lies {
		if s.faults.take(lie.fault) {
			lie.tell()
		}
	}
}

// signIDToken signs claims, properly or as a fault wants it.
func (s *Server) signIDToken(alg string, claims map[string]any) (string, error) {
	key, err := s.keys.forAlg(alg)
	if err != nil {
		return "", err
	}
	opts := (&jose.SignerOptions{}).WithType("JWT")
	fault, _ := s.faults.first(AlgNone, AlgHS256, UnknownKid, ForeignKey, BrokenSignature, UnknownCrit)
	switch fault {
	case AlgNone:
		return unsigned(claims)
	case AlgHS256:
		opts = opts.WithHeader("kid", key.KeyID) // go-jose leaves it out with a secret
		key, err = publicAsSecret(key)
		alg = string(goidc.HS256)
	case UnknownKid:
		key.KeyID = "unknown-" + random(4)
	case ForeignKey:
		var foreign jose.JSONWebKey
		foreign, err = newECKey()
		foreign.KeyID = key.KeyID
		alg, key = foreign.Algorithm, foreign
	case UnknownCrit:
		opts = opts.WithHeader("crit", []string{"http://elsewhere.invalid/crit"}).WithHeader("http://elsewhere.invalid/crit", true)
	}
	if err != nil {
		return "", err
	}
	token, err := sign(alg, key, opts, claims)
	if err == nil && fault == BrokenSignature {
		i := strings.LastIndexByte(token, '.') + 10
		other := byte('A')
		if token[i] == other {
			other = 'B'
		}
		token = token[:i] + string(other) + token[i+1:]
	}
	return token, err
}

func sign(alg string, key jose.JSONWebKey, opts *jose.SignerOptions, claims map[string]any) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, opts)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}

// unsigned is the attack of RFC 8725 section 2.1.
func unsigned(claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	enc := base64.RawURLEncoding
	return enc.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + enc.EncodeToString(payload) + ".", nil
}

// publicAsSecret is the other attack of RFC 8725 section 2.1: the public key as an HMAC secret.
func publicAsSecret(key jose.JSONWebKey) (jose.JSONWebKey, error) {
	der, err := x509.MarshalPKIXPublicKey(key.Public().Key)
	key.Key, key.Algorithm = der, string(goidc.HS256)
	return key, err
}
