package oauth

import (
	"net/http"
	"net/url"
)

// RequestKind names a kind of request to an authorization server. Extra
// parameters and headers are given by kind.
type RequestKind string

// The kinds of request.
const (
	ForAuthorization RequestKind = "authorization" // through the browser
	ForPAR           RequestKind = "par"           // RFC 9126
	ForToken         RequestKind = "token"         // every grant but refresh_token
	ForRefresh       RequestKind = "refresh"
	ForDevice        RequestKind = "device" // device authorization, RFC 8628
	ForBackchannel   RequestKind = "ciba"   // backchannel authentication, CIBA
	ForRevocation    RequestKind = "revocation"
	ForIntrospection RequestKind = "introspection"
	ForUserInfo      RequestKind = "userinfo"
	ForRegistration  RequestKind = "registration" // RFC 7591, 7592
)

// params adds a profile's parameters of a kind to a form, and takes out what
// the profile wants left out (an empty value). What protects the exchange
// stays whatever the profile says.
func (c *Client) params(kind RequestKind, form url.Values) url.Values {
	out := make(url.Values, len(form)+len(c.TokenParams))
	add := func(extra url.Values) {
		for name, values := range extra {
			if !guarded(name) || omitted(values) {
				out[name] = values
			}
		}
	}
	tokens := kind == ForToken || kind == ForRefresh
	if tokens {
		add(c.TokenParams)
	}
	add(c.Params[kind])
	for name, values := range form {
		if len(values) == 0 || omitted(values) {
			continue
		}
		if asked, given := out[name]; given && omitted(asked) && mayOmit(name) {
			continue
		}
		out[name] = values
	}
	return out
}

// omitted says that a profile's parameter stands for "leave it out".
func omitted(values []string) bool { return len(values) == 1 && values[0] == "" }

// mayOmit: what a profile may take out of a request. The rest identifies the
// request or protects it.
func mayOmit(name string) bool {
	switch name {
	case "grant_type", "code", "code_verifier", "refresh_token", "client_id", "client_secret", "token", "assertion",
		"client_assertion", "client_assertion_type", "device_code", "auth_req_id", "subject_token", "subject_token_type",
		"state", "nonce", "code_challenge", "code_challenge_method", "response_type", "request", "request_uri", "username", "password":
		return false
	}
	return true
}

// headers adds a profile's headers of a kind. They cannot replace those of
// the protocol.
func (c *Client) headers(kind RequestKind, header http.Header) {
	for _, extra := range [...]http.Header{c.Headers[""], c.Headers[kind]} {
		for name, values := range extra {
			switch http.CanonicalHeaderKey(name) {
			case "Authorization", "Dpop", "Content-Type", "Content-Length", "Host", "Cookie":
				continue
			}
			header[http.CanonicalHeaderKey(name)] = values
		}
	}
}
