package authserver

import (
	"errors"
	"net/http"
	"net/url"
)

// checkClientRequest holds a token or revocation request to what RFC 6749 asks of clients and
// go-oidc lets pass, and translates Basic credentials, which go-oidc takes as they are: RFC 6749
// section 2.3.1 has both halves form-encoded first.
func (s *Server) checkClientRequest(r *http.Request) error {
	if err := once(r.PostForm, "resource", "audience"); err != nil {
		return err
	}
	// RFC 6749 section 2.3.1: credentials "MUST NOT be included in the request URI"; nothing else
	// belongs there either (section 3.2).
	if len(r.URL.Query()) > 0 {
		return errors.New("parameters in the URI are not taken here")
	}
	// Section 2.3: "The client MUST NOT use more than one authentication method in each request."
	if r.PostForm.Has("client_secret") && r.PostForm.Has("client_assertion") {
		return errors.New("two client authentication methods in one request")
	}
	if r.Header.Get("Authorization") == "" {
		return nil
	}
	id, secret, ok := r.BasicAuth()
	if !ok {
		return errors.New("the Authorization header is not Basic")
	}
	if r.PostForm.Has("client_secret") || r.PostForm.Has("client_assertion") {
		return errors.New("two client authentication methods in one request")
	}
	id, err := url.QueryUnescape(id)
	if err != nil {
		return errors.New("the client id in the Authorization header is not form-encoded")
	}
	if secret, err = url.QueryUnescape(secret); err != nil {
		return errors.New("the secret in the Authorization header is not form-encoded")
	}
	r.SetBasicAuth(id, secret)
	return nil
}

// answerRevoke answers the revocation endpoint (RFC 7009).
func (s *Server) answerRevoke(a *answer, r *http.Request) {
	// Section 2.2.1: after 503 "the client must assume the token still exists".
	if s.faults.take(RevokeUnavailable) {
		a.later(http.StatusServiceUnavailable, s.faults.retry())
		return
	}
	if err := s.checkClientRequest(r); err != nil {
		a.refuse(http.StatusBadRequest, "invalid_request", err.Error())
		return
	}
	s.inTurn(a, r)
	fixStatus(a, r)
}
