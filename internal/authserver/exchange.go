package authserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"
)

// keyActor holds, as JSON, the act claim of a grant made by token exchange (RFC 8693 section 4.1).
const keyActor = "act"

// prepareExchange does before go-oidc what it cannot be told: the token type jwt is issued as an
// access token, and without scope the new token has that of the subject token.
func (s *Server) prepareExchange(r *http.Request) {
	rec := requestOf(r.Context())
	if r.PostForm.Get("requested_token_type") == string(goidc.TokenTypeIdentifierJWT) && !s.opts.OpaqueTokens {
		r.PostForm.Set("requested_token_type", string(goidc.TokenTypeIdentifierAccessToken))
		rec.issuedType = string(goidc.TokenTypeIdentifierJWT)
	}
	if r.PostForm.Get("scope") != "" || r.PostForm.Get("subject_token_type") != string(goidc.TokenTypeIdentifierAccessToken) {
		return
	}
	if info, err := s.provider.Introspect(r.Context(), r.PostForm.Get("subject_token")); err == nil && info.IsActive {
		r.PostForm.Set("scope", info.Scopes)
	}
}

// party is whom a subject or actor token stands for.
type party struct {
	sub    string
	scopes string // of an access token
	bound  bool   // by a scope
	act    any
}

// exchange is the token exchange of RFC 8693: impersonation without an actor token, delegation with
// one.
func (s *Server) exchange(ctx context.Context, req goidc.TokenExchangeRequest) (goidc.TokenExchangeResult, error) {
	subject, err := s.partyOf(ctx, req.SubjectToken, req.SubjectTokenType)
	if err != nil {
		return goidc.TokenExchangeResult{}, goidc.NewError(goidc.ErrorCodeInvalidRequest, "subject_token: "+err.Error())
	}
	if subject.bound {
		for _, scope := range strings.Fields(requestOf(ctx).form.Get("scope")) {
			if !hasScope(subject.scopes, scope) {
				return goidc.TokenExchangeResult{}, goidc.NewError(goidc.ErrorCodeInvalidScope, "the subject token is without the scope "+scope)
			}
		}
	}
	result := goidc.TokenExchangeResult{Subject: subject.sub, Store: map[string]any{}}
	act := subject.act
	if req.ActorToken != "" {
		actor, err := s.partyOf(ctx, req.ActorToken, req.ActorTokenType)
		if err != nil {
			return result, goidc.NewError(goidc.ErrorCodeInvalidRequest, "actor_token: "+err.Error())
		}
		chain := map[string]any{"sub": actor.sub}
		if act != nil {
			chain["act"] = act
		}
		act = chain
	} else if requestOf(ctx).form.Has("actor_token_type") {
		// Section 2.1: actor_token_type "MUST NOT be included otherwise".
		return result, goidc.NewError(goidc.ErrorCodeInvalidRequest, "actor_token_type without actor_token")
	}
	if act != nil {
		data, err := json.Marshal(act)
		if err != nil {
			return result, err
		}
		result.Store[keyActor] = string(data)
	}
	return result, nil
}

// partyOf verifies a token of section 3.
func (s *Server) partyOf(ctx context.Context, token string, typ goidc.TokenTypeIdentifier) (party, error) {
	switch typ {
	case goidc.TokenTypeIdentifierAccessToken:
		head, claims, err := decodeJWT(token)
		if _, opaque := s.store.opaqueAudience(token); !opaque && (err != nil || head["typ"] != "at+jwt") {
			return party{}, errors.New("this is no access token")
		}
		info, err := s.provider.Introspect(ctx, token)
		if err != nil || !info.IsActive {
			return party{}, errors.New("the access token is expired, revoked or not from here")
		}
		return party{sub: info.Subject, scopes: info.Scopes, bound: true, act: claims["act"]}, nil
	case goidc.TokenTypeIdentifierIDToken:
		return s.idTokenParty(token)
	case goidc.TokenTypeIdentifierRefreshToken:
		g, err := s.store.find(func(f *family) bool { return f.Current == hash(token) && f.Grant.RevokedAt == 0 })
		if err != nil {
			return party{}, errors.New("the refresh token is spent, revoked or not from here")
		}
		return party{sub: g.Subject, scopes: g.Scopes, bound: true}, nil
	case goidc.TokenTypeIdentifierJWT:
		sub, err := s.trustedSubject(token)
		if u, ok := s.opts.named(sub); ok {
			sub = u.Sub
		}
		return party{sub: sub}, err
	case goidc.TokenTypeIdentifierSAML2:
		u, err := s.samlUser(token)
		return party{sub: u.Sub}, err
	}
	return party{}, errors.New("tokens of this type are not taken")
}

// idTokenParty verifies an id_token of ours.
func (s *Server) idTokenParty(token string) (party, error) {
	jws, err := jose.ParseSignedCompact(token, clientAlgs)
	if err != nil {
		return party{}, errors.New("this is no id_token")
	}
	var claims struct {
		Issuer  string `json:"iss"`
		Subject string `json:"sub"`
		Expiry  int64  `json:"exp"`
	}
	for _, key := range s.keys.all() {
		if key.KeyID != jws.Signatures[0].Protected.KeyID || jws.Signatures[0].Protected.ExtraHeaders[jose.HeaderType] == "at+jwt" {
			continue
		}
		payload, err := jws.Verify(key.Public())
		if err == nil && json.Unmarshal(payload, &claims) == nil && claims.Issuer == s.issuer && time.Now().Unix() < claims.Expiry {
			return party{sub: claims.Subject}, nil
		}
	}
	return party{}, errors.New("the id_token is expired or not from here")
}

// completeExchange corrects go-oidc's answer.
func (s *Server) completeExchange(rec *request, members map[string]json.RawMessage) error {
	if rec.issuedType != "" {
		members["issued_token_type"], _ = json.Marshal(rec.issuedType)
	}
	var issued, token string
	if err := json.Unmarshal(members["issued_token_type"], &issued); err != nil {
		return err
	}
	if members["access_token"] == nil {
		return errors.New("this client gets no such token")
	}
	if issued == string(goidc.TokenTypeIdentifierIDToken) && rec.client != nil {
		if err := json.Unmarshal(members["access_token"], &token); err != nil {
			return err
		}
		token, err := s.remakeIDToken(s.clientOf(rec.client.ID), token, bound{})
		if err != nil {
			return err
		}
		members["access_token"], _ = json.Marshal(token)
	}
	if s.faults.take(NoIssuedTokenType) {
		delete(members, "issued_token_type")
	}
	return nil
}
