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

// access is an access token as the resource server sees it.
type access struct {
	goidc.TokenInfo
	audience []string
}

// bearer returns the access token of a request and what it stands for. go-oidc also takes a
// refresh token for an access token here; this does not. Without a token at all the refusal has no
// code (RFC 6750 section 3.1).
func (s *Server) bearer(r *http.Request) (access, *refusal) {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	known := strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "DPoP") && s.opts.DPoP != nil
	if !found || !known || token == "" {
		return access{}, &refusal{"", "send an access token: Authorization: Bearer …"}
	}
	head, claims, err := decodeJWT(token)
	var aud []string
	if err == nil {
		// RFC 9068 section 4: anything but at+jwt is refused, an id_token among it.
		if head["typ"] != "at+jwt" {
			return access{}, &refusal{"invalid_token", "this is no access token"}
		}
		aud = stringsIn(claims["aud"])
		if exp, _ := claims["exp"].(float64); float64(time.Now().Unix()) >= exp {
			return access{}, &refusal{"invalid_token", "the access token expired"}
		}
	} else if aud, found = s.store.opaqueAudience(token); !found {
		return access{}, &refusal{"invalid_token", "this is no access token"}
	}
	info, err := s.provider.Introspect(r.Context(), token)
	if err != nil || !info.IsActive {
		return access{}, &refusal{"invalid_token", "the access token is expired, revoked or not from here"}
	}
	if problem := checkCertificate(requestOf(r.Context()).certificate, info.Confirmation); problem != "" {
		return access{}, &refusal{"invalid_token", problem}
	}
	return access{info, aud}, s.proveAccess(r, scheme, token, info.Confirmation)
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

// challenge answers 401 (RFC 6750 section 3, RFC 9449 section 7.1).
func (s *Server) challenge(a *answer, r *http.Request, no *refusal) {
	value := `Bearer realm="fob-demo"`
	if no.code != "" {
		value += fmt.Sprintf(`, error="%s", error_description="%s"`, no.code, no.description)
	}
	hint := s.metadataHint(requestOf(r.Context()).path)
	value += hint
	proof := no
	if s.opts.DPoP == nil || !strings.HasPrefix(strings.ToLower(r.Header.Get("Authorization")), "dpop ") {
		a.header.Add("WWW-Authenticate", value)
		proof = nil
	}
	if s.opts.DPoP != nil {
		a.header.Add("WWW-Authenticate", s.dpopChallenge(proof)+hint)
	}
	code := no.code
	if code == "" {
		code = "invalid_token"
	}
	a.refuse(http.StatusUnauthorized, code, no.description)
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
	s.offerNonce(a, s.apiNonces)
	info, no := s.bearer(r)
	if no == nil && !slices.Contains(info.audience, s.issuer+apiPath) &&
		!slices.Contains(info.audience, s.issuer+requestOf(r.Context()).path) {
		no = &refusal{"invalid_token", "the access token is for somebody else"}
	}
	if no != nil {
		s.challenge(a, r, no)
		return
	}
	if !s.meets(a, r, info) {
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
		ClientID: info.ClientID, Scope: info.Scopes, Audience: info.audience,
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
	s.offerNonce(a, s.apiNonces)
	info, no := s.bearer(r)
	if no != nil {
		s.challenge(a, r, no)
		return
	}
	if !hasScope(info.Scopes, "openid") {
		a.header.Set("WWW-Authenticate", `Bearer realm="fob-demo", error="insufficient_scope", scope="openid"`)
		a.refuse(http.StatusForbidden, "insufficient_scope", "the access token is without the scope openid")
		return
	}
	g, err := s.store.Grant(r.Context(), info.GrantID)
	if err != nil {
		a.refuse(http.StatusInternalServerError, "server_error", "the grant of this token is gone")
		return
	}
	claims := s.userClaims(r.Context(), g)
	claims["sub"] = info.Subject
	if s.faults.take(UserinfoOther) {
		claims = map[string]any{"sub": "somebody-else"}
	}
	a.header.Set("Cache-Control", "no-store")
	c := s.clientOf(info.ClientID)
	if c.UserinfoAlg == "" && c.UserinfoEncryption.Alg == "" {
		a.replaceJSON(http.StatusOK, claims)
		return
	}
	claims["iss"], claims["aud"] = s.issuer, c.ID
	fault, _ := s.faults.first(UserinfoAlgNone, UserinfoBroken)
	fault = map[Fault]Fault{UserinfoAlgNone: AlgNone, UserinfoBroken: BrokenSignature}[fault]
	s.sendJWT(a, "application/jwt", c, c.UserinfoAlg, "JWT", c.UserinfoEncryption, claims, fault)
}
