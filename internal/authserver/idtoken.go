package authserver

import (
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

// bound is what an id_token is bound to by hashes; "" is not there.
type bound struct{ access, code, state string }

// remakeIDToken signs go-oidc's id_token anew, in the client's algorithm, with the hashes that go
// with it (OpenID Connect Core sections 3.1.3.6 and 3.3.2.11) and with every fault that applies,
// and encrypts it if the client wants that.
func (s *Server) remakeIDToken(c Client, token string, to bound) (string, error) {
	_, claims, err := decodeJWT(token)
	if err != nil {
		return "", fmt.Errorf("go-oidc's id_token: %w", err)
	}
	for name, value := range map[string]string{"at_hash": to.access, "c_hash": to.code, "s_hash": to.state} {
		if delete(claims, name); value != "" {
			claims[name] = halfHash(c.IDTokenAlg, value)
		}
	}
	s.spoilClaims(claims)
	fault, _ := s.faults.first(AlgNone, AlgHS256, UnknownKid, ForeignKey, BrokenSignature, UnknownCrit)
	if token, err = s.signFor(c, c.IDTokenAlg, "JWT", claims, fault); err != nil {
		return "", err
	}
	return s.encrypt(c, c.IDTokenEncryption, token)
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

// atHash is at_hash for the algorithms that hash with SHA-256.
func atHash(access string) string { return halfHash("ES256", access) }

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
		{WrongCHash, func() { claims["c_hash"] = atHash("another code") }},
		{WrongSHash, func() { claims["s_hash"] = atHash("another state") }},
		{WrongACR, func() { claims["acr"] = "another" }},
		{WrongAtHash, func() { claims["at_hash"] = atHash("another token") }},
	}
	for _, lie := range lies {
		if s.faults.take(lie.fault) {
			lie.tell()
		}
	}
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
