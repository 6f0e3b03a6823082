package authserver

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// The protected API has three addresses: /api/whoami wants the scope api; /api/strong, which is
// there with Options.ACRValues, wants the last of them; /api/admin, which is there with "admin" in
// Options.Scopes, wants that scope.
const (
	strongPath        = "/api/strong"
	adminPath         = "/api/admin"
	wellKnownResource = "/.well-known/oauth-protected-resource"
)

// resourcePath reports whether a path is one of the protected API.
func (s *Server) resourcePath(path string) bool {
	switch path {
	case apiPath:
		return true
	case strongPath:
		return len(s.opts.ACRValues) > 0
	case adminPath:
		return slices.Contains(s.opts.Scopes, "admin")
	}
	return false
}

// resourceMetadata is where the metadata of an API path is: the well-known part goes between the
// host and the path (RFC 9728 section 3.1).
func (s *Server) resourceMetadata(path string) string {
	return s.base.Scheme + "://" + s.base.Host + wellKnownResource + s.base.Path + path
}

// answerResource answers protected resource metadata (RFC 9728 section 2).
func (s *Server) answerResource(a *answer, path string) {
	if s.faults.take(ResourceMetadataDown) {
		a.later(http.StatusServiceUnavailable, s.faults.retry())
		return
	}
	servers := s.opts.ResourceServers
	if servers == nil {
		servers = []string{s.issuer}
	}
	doc := map[string]any{
		"resource": s.issuer + path, "authorization_servers": servers, "bearer_methods_supported": []string{"header"},
		"scopes_supported": append([]string{"api"}, s.opts.Scopes...), "resource_name": "Fob demo API",
	}
	if d := s.opts.DPoP; d != nil {
		doc["dpop_signing_alg_values_supported"] = d.algs()
		doc["dpop_bound_access_tokens_required"] = d.Required
	}
	if s.mtlsHost != "" {
		doc["tls_client_certificate_bound_access_tokens"] = true
	}
	if s.faults.take(ResourceOther) {
		doc["resource"] = "http://elsewhere.invalid/api"
	}
	if s.faults.take(ResourceOtherServer) {
		doc["authorization_servers"] = []string{"http://elsewhere.invalid"}
	}
	a.replaceJSON(http.StatusOK, doc)
}

// meets holds a good token to what its path wants. The answer is made if it falls short.
func (s *Server) meets(a *answer, r *http.Request, info access) bool {
	path := requestOf(r.Context()).path
	need := "api"
	if path == adminPath {
		need = "admin"
	}
	if !hasScope(info.Scopes, need) {
		// RFC 6750 section 3.1.
		a.header.Set("WWW-Authenticate", s.scheme(r)+` realm="fob-demo", error="insufficient_scope", scope="`+need+`"`+s.metadataHint(path))
		a.refuse(http.StatusForbidden, "insufficient_scope", "the access token is without the scope "+need)
		return false
	}
	if path != strongPath {
		return true
	}
	// RFC 9470 section 3.
	acr := s.opts.ACRValues[len(s.opts.ACRValues)-1]
	at, _ := info.AdditionalClaims["auth_time"].(float64)
	if n, ok := info.AdditionalClaims["auth_time"].(int64); ok {
		at = float64(n)
	}
	old := s.opts.StrongMaxAge > 0 && time.Since(time.Unix(int64(at), 0)) > s.opts.StrongMaxAge
	if asString(info.AdditionalClaims["acr"]) == acr && !old {
		return true
	}
	value := fmt.Sprintf(`%s realm="fob-demo", error="insufficient_user_authentication", error_description="sign in again", acr_values="%s"`, s.scheme(r), acr)
	if s.opts.StrongMaxAge > 0 {
		value += `, max_age="` + strconv.Itoa(seconds(s.opts.StrongMaxAge)) + `"`
	}
	a.header.Set("WWW-Authenticate", value+s.metadataHint(path))
	a.refuse(http.StatusUnauthorized, "insufficient_user_authentication", "the user has to sign in again")
	return false
}

// scheme is that of the token which came, for the challenge.
func (s *Server) scheme(r *http.Request) string {
	if s.opts.DPoP != nil && strings.HasPrefix(strings.ToLower(r.Header.Get("Authorization")), "dpop ") {
		return string(goidc.TokenTypeDPoP)
	}
	return string(goidc.TokenTypeBearer)
}

// metadataHint is the parameter of RFC 9728 section 5.1, if metadata is published.
func (s *Server) metadataHint(path string) string {
	if !s.opts.ResourceMetadata || !s.resourcePath(path) {
		return ""
	}
	return `, resource_metadata="` + s.resourceMetadata(path) + `"`
}
