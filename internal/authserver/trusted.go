package authserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"
)

// TrustedIssuer is somebody whose JWTs are taken for users and services: as a JWT bearer
// assertion (RFC 7523), as a login_hint_token, as a subject token.
type TrustedIssuer struct {
	// Issuer is the iss.
	Issuer string
	// JWKS are its public keys, a JSON Web Key Set as text.
	JWKS string
}

var errAssertionExpired = errors.New("the assertion has expired")

// maxAssertionAge keeps an assertion from being a password: RFC 7523 section 3 lets a server
// reject an exp "unreasonably far in the future", and Google's limit is an hour.
const maxAssertionAge = time.Hour

// trustedSubject verifies a JWT of a trusted issuer (RFC 7523 section 3) and returns its sub.
func (s *Server) trustedSubject(token string) (string, error) {
	_, claims, err := decodeJWT(token)
	if err != nil {
		return "", errors.New("the assertion is no JWT")
	}
	i := slices.IndexFunc(s.opts.TrustedIssuers, func(t TrustedIssuer) bool { return t.Issuer == asString(claims["iss"]) })
	if i < 0 || asString(claims["iss"]) == "" {
		return "", errors.New("the assertion's issuer is not trusted")
	}
	var set goidc.JSONWebKeySet
	if err := json.Unmarshal([]byte(s.opts.TrustedIssuers[i].JWKS), &set); err != nil {
		return "", fmt.Errorf("the issuer's keys: %w", err)
	}
	jws, err := jose.ParseSignedCompact(token, clientAlgs)
	if err != nil {
		return "", errors.New("the assertion's algorithm is not taken here")
	}
	verified := false
	for _, key := range set.Keys {
		if kid := jws.Signatures[0].Protected.KeyID; kid != "" && kid != key.KeyID {
			continue
		}
		if _, err := jws.Verify(key.Key); err == nil {
			verified = true
		}
	}
	if !verified {
		return "", errors.New("the assertion's signature does not verify")
	}
	exp, ok := claims["exp"].(float64)
	left := time.Until(time.Unix(int64(exp), 0))
	nbf, _ := claims["nbf"].(float64)
	switch {
	case asString(claims["sub"]) == "":
		return "", errors.New("the assertion is without sub")
	case !slices.ContainsFunc(stringsIn(claims["aud"]), s.isAudience):
		return "", errors.New("the assertion is for another audience")
	case !ok:
		return "", errors.New("the assertion is without exp")
	case left <= 0:
		return "", errAssertionExpired
	case left > maxAssertionAge:
		return "", errors.New("the assertion is good for too long")
	case time.Until(time.Unix(int64(nbf), 0)) > 0:
		return "", errors.New("the assertion is not good yet")
	}
	if jti := asString(claims["jti"]); jti != "" {
		if err := s.replays.once("assertion " + asString(claims["iss"]) + " " + jti); err != nil {
			return "", err
		}
	}
	return asString(claims["sub"]), nil
}

// isAudience reports whether aud means this server: its issuer or its token endpoint.
func (s *Server) isAudience(aud string) bool { return aud == s.issuer || aud == s.issuer+"/token" }
