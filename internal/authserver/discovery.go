package authserver

import (
	"encoding/json"
	"net/http"
)

// answerDiscovery answers the metadata, for OpenID Connect and RFC 8414 alike.
func (s *Server) answerDiscovery(a *answer, r *http.Request) {
	if s.faults.take(DiscoveryDown) {
		a.later(http.StatusServiceUnavailable, s.faults.retry())
		return
	}
	s.protocol.ServeHTTP(a, r)
	var doc map[string]any
	if a.status != http.StatusOK || json.Unmarshal(a.body.Bytes(), &doc) != nil {
		return
	}
	aliases, _ := doc["mtls_endpoint_aliases"].(map[string]any)
	// go-oidc offers registration, this server does not.
	delete(doc, "registration_endpoint")
	delete(aliases, "registration_endpoint")
	doc["service_documentation"] = s.issuer + "/"
	if s.faults.take(DiscoveryOther) {
		doc["issuer"] = "http://elsewhere.invalid"
	}
	a.replaceJSON(a.status, doc)
}

// answerJWKS answers the public keys.
func (s *Server) answerJWKS(a *answer, r *http.Request) {
	if s.faults.take(JWKSDown) {
		a.later(http.StatusServiceUnavailable, s.faults.retry())
		return
	}
	s.protocol.ServeHTTP(a, r)
	if !s.faults.take(JWKSOdd) {
		return
	}
	var doc struct {
		Keys []any `json:"keys"`
	}
	if json.Unmarshal(a.body.Bytes(), &doc) != nil {
		return
	}
	odd := []any{
		map[string]any{"kty": "OKP", "crv": "Ed448", "kid": "odd-1", "x": "AAAA", "use": "sig"},
		map[string]any{"kty": "RSA", "kid": "odd-2", "n": "!", "e": "AQAB"},
		map[string]any{"kty": "unheard-of", "kid": "odd-3"},
		"not even an object",
	}
	doc.Keys = append(odd, doc.Keys...)
	a.replaceJSON(a.status, doc)
}
