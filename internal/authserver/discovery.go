package authserver

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
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
	if s.opts.Registration == nil {
		// go-oidc offers registration, this server does not.
		delete(doc, "registration_endpoint")
		delete(aliases, "registration_endpoint")
	}
	if s.opts.ClientMetadataDocuments {
		doc["client_id_metadata_document_supported"] = true
	}
	if aliases != nil && doc["device_authorization_endpoint"] != nil {
		aliases["device_authorization_endpoint"] = s.mutualIssuer() + "/device_authorization"
	}
	s.completeMetadata(doc)
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

// completeMetadata says what is done on our side of go-oidc.
func (s *Server) completeMetadata(doc map[string]any) {
	var idTokens, responses, userinfos, introspections []string
	var idEnc, responseEnc, userinfoEnc, introspectionEnc bool
	for _, c := range s.opts.Clients {
		idTokens, responses = append(idTokens, c.IDTokenAlg), append(responses, c.ResponseAlg)
		idEnc = idEnc || c.IDTokenEncryption.Alg != ""
		userinfos, introspections = append(userinfos, c.UserinfoAlg), append(introspections, c.IntrospectionAlg)
		userinfoEnc = userinfoEnc || c.UserinfoEncryption.Alg != ""
		introspectionEnc = introspectionEnc || c.IntrospectionEncryption.Alg != ""
		responseEnc = responseEnc || c.ResponseEncryption.Alg != ""
	}
	addAlgs(doc, "id_token_signing_alg_values_supported", idTokens)
	if len(strings.Join(userinfos, "")) > 0 || userinfoEnc {
		addAlgs(doc, "userinfo_signing_alg_values_supported", append(userinfos, "ES256"))
	}
	if s.opts.Introspection {
		addAlgs(doc, "introspection_signing_alg_values_supported", append(introspections, "ES256"))
	}
	grants := slices.DeleteFunc(stringsIn(doc["grant_types_supported"]), func(g string) bool {
		return g == string(goidc.GrantJWTBearer) && !s.opts.offersGrant(goidc.GrantJWTBearer)
	})
	doc["grant_types_supported"] = append(grants, s.opts.ownGrants()...)
	if s.opts.JARM {
		addAlgs(doc, "authorization_signing_alg_values_supported", responses)
	}
	for prefix, offered := range map[string]bool{
		"id_token": idEnc, "authorization": responseEnc, "userinfo": userinfoEnc, "introspection": introspectionEnc,
	} {
		if offered {
			doc[prefix+"_encryption_alg_values_supported"] = keyAlgs
			doc[prefix+"_encryption_enc_values_supported"] = contentAlgs
		}
	}
}

// addAlgs adds algorithms to a list of the metadata.
func addAlgs(doc map[string]any, name string, algs []string) {
	all := stringsIn(doc[name])
	for _, alg := range algs {
		if alg != "" && !slices.Contains(all, alg) {
			all = append(all, alg)
		}
	}
	doc[name] = all
}
