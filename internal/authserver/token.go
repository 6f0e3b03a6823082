package authserver

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// answerToken answers the token endpoint. False says that the client gave up waiting.
func (s *Server) answerToken(a *answer, r *http.Request) bool {
	if s.faults.take(TokenSlow) && !s.dawdle(r) {
		return false
	}
	if s.refuseToken(a) {
		return true
	}
	if refused, gone := s.pollRefused(a, r); refused {
		s.bend(a) // GitHub's device flow says slow_down with status 200
		return !gone
	}
	if !s.takeGET(a, r) {
		return true
	}
	if err := s.takeQuery(r); err != nil {
		a.refuse(http.StatusBadRequest, "invalid_request", err.Error())
		return true
	}
	rec := requestOf(r.Context())
	refresh := rec.form.Get("grant_type") == "refresh_token"
	rec.keepRefresh = refresh && s.faults.take(NoRefreshToken)

	if s.disguise(a, r) {
		s.answerClient(a, r)
	}

	if a.status == http.StatusOK {
		s.counts.add(func(st *Stats) {
			switch rec.form.Get("grant_type") {
			case "refresh_token":
				st.Refreshes++
			case "authorization_code":
				st.Codes++
			default:
				st.OtherGrants++
			}
		})
		if err := s.completeTokens(a, rec); err != nil {
			a.refuse(http.StatusInternalServerError, "server_error", err.Error())
		}
	}
	s.bend(a)
	s.spoilToken(a)
	return !s.faults.take(TokenLate) || s.dawdle(r)
}

// dawdle waits for as long as slow answers take. False says that the client gave up waiting.
func (s *Server) dawdle(r *http.Request) bool {
	timer := time.NewTimer(s.faults.wait())
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// inTurn lets go-oidc answer while no other request changes grants.
func (s *Server) inTurn(a *answer, r *http.Request) {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.protocol.ServeHTTP(a, r)
}

// refuseToken applies the faults that keep a token request from being carried out.
func (s *Server) refuseToken(a *answer) bool {
	fault, ok := s.faults.first(TokenCut, TokenUnavailable, TokenBusy, TokenError, TokenHTML, TokenRedirect, InvalidGrant, InvalidClient)
	switch fault {
	case TokenCut:
		panic(http.ErrAbortHandler) // how net/http is told to drop a connection
	case TokenUnavailable:
		a.later(http.StatusServiceUnavailable, s.faults.retry())
	case TokenBusy:
		a.later(http.StatusTooManyRequests, s.faults.retry())
	case TokenError:
		a.refuse(http.StatusInternalServerError, "server_error", "the demo server was told to fail")
	case TokenHTML:
		a.replace(http.StatusBadGateway, "text/html; charset=utf-8", "<html><body><h1>502 Bad Gateway</h1><script>alert(1)</script></body></html>")
	case TokenRedirect:
		a.header.Set("Location", "http://elsewhere.invalid/token")
		a.replace(http.StatusTemporaryRedirect, "text/plain", "")
	case InvalidGrant:
		a.refuse(http.StatusBadRequest, "invalid_grant", "the demo server was told to refuse this")
	case InvalidClient:
		a.refuse(http.StatusUnauthorized, "invalid_client", "the demo server was told to refuse this")
	}
	return ok
}

// spoilToken applies the faults that hit an answer after the request was carried out.
func (s *Server) spoilToken(a *answer) {
	fault, _ := s.faults.first(TokenLost, TokenGateway, TokenHuge, TokenEndless, TokenTruncated)
	switch fault {
	case TokenLost:
		panic(http.ErrAbortHandler)
	case TokenGateway:
		a.replace(http.StatusGatewayTimeout, "text/html; charset=utf-8", "<html><body><h1>504 Gateway Time-out</h1></body></html>")
	case TokenHuge:
		a.body.Reset()
		fmt.Fprintf(&a.body, `{"access_token":"%s"}`, strings.Repeat("x", 10<<20))
	case TokenTruncated:
		a.body.Truncate(a.body.Len() / 2)
	case TokenEndless:
		a.body.Truncate(a.body.Len() / 2)
		a.tail = endless
	}
}

// endless writes for as long as somebody listens.
func endless(w io.Writer, done <-chan struct{}) {
	blank := []byte(strings.Repeat(" ", 32<<10))
	for {
		select {
		case <-done:
			return
		default:
		}
		if _, err := w.Write(blank); err != nil {
			return
		}
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
	}
}

// completeTokens adds to a good answer what go-oidc leaves out, at_hash, and applies the faults
// that hit its content.
func (s *Server) completeTokens(a *answer, rec *request) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(a.body.Bytes(), &members); err != nil {
		return fmt.Errorf("go-oidc's answer: %w", err)
	}
	if rec.grant == goidc.GrantTokenExchange {
		if err := s.completeExchange(rec, members); err != nil {
			a.refuse(http.StatusBadRequest, "invalid_request", err.Error())
			return nil
		}
	}
	if rec.client == nil {
		delete(members, "id_token") // there is nobody whom it could be for
	}
	if raw, ok := members["id_token"]; ok {
		var access, id string
		if err := json.Unmarshal(raw, &id); err != nil {
			return fmt.Errorf("go-oidc's id_token: %w", err)
		}
		if err := json.Unmarshal(members["access_token"], &access); err != nil {
			return fmt.Errorf("go-oidc's access_token: %w", err)
		}
		id, err := s.remakeIDToken(s.clientOf(rec.client.ID), id, bound{access: access})
		if err != nil {
			return err
		}
		members["id_token"], _ = json.Marshal(id)
		if s.faults.take(NoIDToken) {
			delete(members, "id_token")
		}
	}
	if rec.keepRefresh {
		delete(members, "refresh_token")
	}
	if s.faults.take(NoExpiresIn) {
		delete(members, "expires_in")
	}
	if s.faults.take(NoAccessToken) {
		delete(members, "access_token")
	}
	if s.faults.take(BearerForDPoP) {
		members["token_type"] = json.RawMessage(`"Bearer"`)
	}
	if s.faults.take(WrongTokenType) {
		members["token_type"] = json.RawMessage(`"mac"`)
	}
	a.replaceJSON(a.status, members)
	return nil
}
