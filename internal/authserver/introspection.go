package authserver

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"
)

const introspectionJWT = "application/token-introspection+jwt"

func (s *Server) introspection() []provider.Option {
	if !s.opts.Introspection {
		return nil
	}
	// RFC 7662 section 2.1: "the endpoint MUST also require some form of authorization".
	return []provider.Option{provider.WithTokenIntrospection(func(_ context.Context, c *goidc.Client, _ goidc.TokenInfo) bool {
		return !c.IsPublic()
	})}
}

// answerIntrospect answers the introspection endpoint (RFC 7662), in a JWT if the client takes one
// (RFC 9701).
func (s *Server) answerIntrospect(a *answer, r *http.Request) {
	s.answerClient(a, r)
	var info map[string]any
	if a.status != http.StatusOK || json.Unmarshal(a.body.Bytes(), &info) != nil {
		return
	}
	token := requestOf(r.Context()).form.Get("token")
	if aud, ok := s.store.opaqueAudience(token); ok && info["active"] == true {
		info["aud"] = aud // go-oidc asks for it anew, without the request that it was made for
	}
	if s.faults.take(IntrospectionInactive) {
		info = map[string]any{"active": false}
	}
	a.replaceJSON(a.status, info)
	rec := requestOf(r.Context())
	if !strings.Contains(r.Header.Get("Accept"), introspectionJWT) || rec.client == nil {
		return
	}
	c := s.clientOf(rec.client.ID)
	claims := map[string]any{"iss": s.issuer, "aud": c.ID, "iat": time.Now().Unix(), "token_introspection": info}
	if s.faults.take(IntrospectionWrongAudience) {
		claims["aud"] = "another-client"
	}
	fault := Fault("")
	if s.faults.take(IntrospectionAlgNone) {
		fault = AlgNone
	}
	s.sendJWT(a, introspectionJWT, c, c.IntrospectionAlg, "token-introspection+jwt", c.IntrospectionEncryption, claims, fault)
}

// sendJWT answers with claims signed, and encrypted if the client wants that.
func (s *Server) sendJWT(a *answer, contentType string, c Client, alg, typ string, e Encryption, claims map[string]any, fault Fault) {
	jwt, err := s.signFor(c, alg, typ, claims, fault)
	if err == nil {
		jwt, err = s.encrypt(c, e, jwt)
	}
	if err != nil {
		a.refuse(http.StatusInternalServerError, "server_error", err.Error())
		return
	}
	a.replace(http.StatusOK, contentType, jwt)
}
