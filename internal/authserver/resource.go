package authserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// bearer returns the access token of a request and what it stands for. go-oidc also takes a
// refresh token for an access token here; this does not. The problem is in words, for
// error_description; "" without a token at all (RFC 6750 section 3.1: no error code then).
func (s *Server) bearer(r *http.Request) (info goidc.TokenInfo, aud []string, problem string, ok bool) {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return info, nil, "", false
	}
	head, claims, err := decodeJWT(token)
	if err == nil {
		// RFC 9068 section 4: anything but at+jwt is refused, an id_token among it.
		if head["typ"] != "at+jwt" {
			return info, nil, "this is no access token", false
		}
		aud = stringsIn(claims["aud"])
		if exp, _ := claims["exp"].(float64); float64(time.Now().Unix()) >= exp {
			return info, nil, "the access token expired", false
		}
	} else if aud, found = s.store.opaqueAudience(token); !found {
		return info, nil, "this is no access token", false
	}
	info, err = s.provider.Introspect(r.Context(), token)
	if err != nil || !info.IsActive {
		return info, nil, "the access token is expired, revoked or not from here", false
	}
	if problem := checkCertificate(requestOf(r.Context()).certificate, info.Confirmation); problem != "" {
		return info, nil, problem, false
	}
	return info, aud, "", true
}

func stringsIn(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, one := range v {
			all = append(all, asString(one))
		}
		return all
	}
	return nil
}

// challenge answers 401 (RFC 6750 section 3).
func challenge(a *answer, problem string) {
	value := `Bearer realm="fob-demo"`
	if problem != "" {
		value += fmt.Sprintf(`, error="invalid_token", error_description="%s"`, problem)
	}
	a.header.Set("WWW-Authenticate", value)
	if problem == "" {
		problem = "send an access token: Authorization: Bearer …"
	}
	a.refuse(http.StatusUnauthorized, "invalid_token", problem)
}

// Whoami is the answer of the protected API.
type Whoami struct {
	Message           string    `json:"message"`
	Subject           string    `json:"sub"`
	Name              string    `json:"name"`
	PreferredUsername string    `json:"preferred_username"`
	Email             string    `json:"email"`
	ClientID          string    `json:"client_id"`
	Scope             string    `json:"scope"`
	Audience          []string  `json:"aud"`
	ExpiresAt         time.Time `json:"expires_at"`
	ExpiresIn         int       `json:"expires_in"` // seconds
}

// answerWhoami is the protected API: it says whose token it was given and until when it lasts. It
// wants a token for this API with the scope api.
func (s *Server) answerWhoami(a *answer, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		a.header.Set("Allow", "GET, HEAD")
		a.refuse(http.StatusMethodNotAllowed, "invalid_request", "GET this")
		return
	}
	if s.faults.take(APIUnavailable) {
		a.later(http.StatusServiceUnavailable, s.faults.retry())
		return
	}
	info, aud, problem, ok := s.bearer(r)
	if ok && !slices.Contains(aud, s.issuer+apiPath) {
		ok, problem = false, "the access token is for somebody else"
	}
	if !ok {
		challenge(a, problem)
		return
	}
	if !hasScope(info.Scopes, "api") {
		// RFC 6750 section 3.1.
		a.header.Set("WWW-Authenticate", `Bearer realm="fob-demo", error="insufficient_scope", scope="api"`)
		a.refuse(http.StatusForbidden, "insufficient_scope", "the access token is without the scope api")
		return
	}
	u, ok := s.opts.bySub(info.Subject)
	if !ok {
		u = User{Sub: info.Subject, Name: info.Subject} // a client that acts for itself
	}
	expires := time.Unix(int64(info.ExpiresAt), 0)
	left := time.Until(expires).Round(time.Second)
	data, err := json.MarshalIndent(Whoami{
		Message: fmt.Sprintf("Hello %s, your token works for another %s.", u.Name, left),
		Subject: u.Sub, Name: u.Name, PreferredUsername: u.Login, Email: u.Email,
		ClientID: info.ClientID, Scope: info.Scopes, Audience: aud,
		ExpiresAt: expires.UTC(), ExpiresIn: int(left / time.Second),
	}, "", "  ")
	if err != nil {
		a.refuse(http.StatusInternalServerError, "server_error", err.Error())
		return
	}
	a.header.Set("Cache-Control", "no-store")
	a.replace(http.StatusOK, "application/json", string(data)+"\n")
}

// answerUserinfo answers the userinfo endpoint (OpenID Connect Core section 5.3).
func (s *Server) answerUserinfo(a *answer, r *http.Request) {
	if _, _, problem, ok := s.bearer(r); !ok {
		challenge(a, problem)
		return
	}
	s.protocol.ServeHTTP(a, r)
	if a.status == http.StatusForbidden {
		a.header.Set("WWW-Authenticate", `Bearer realm="fob-demo", error="insufficient_scope", scope="openid"`)
	}
	if a.status == http.StatusOK && s.faults.take(UserinfoOther) {
		a.replaceJSON(http.StatusOK, map[string]string{"sub": "somebody-else"})
	}
}
