package loopback

import (
	_ "embed"
	"net/http"
	"net/url"
	"sync"
)

// Responses in the fragment (OAuth 2.0 Multiple Response Type Encoding
// Practices) never leave the browser by themselves: a page of ours reads it,
// takes it out of the address bar and posts it to the same address.

//go:embed relay.js
var relayJS string

// relayPolicy lets the page post to its own origin, and nothing else.
var relayPolicy = sync.OnceValue(func() string { return policyFor(relayJS, "'self'") })

func relayPage() page {
	return page{kind: "wait", title: "One moment",
		text:   "Your browser is handing the sign-in page’s answer to Fob.",
		script: relayJS, policy: relayPolicy(),
		// With no-referrer a browser would hide whose form it is (Origin: null).
		referrer: "same-origin",
		noscript: "It needs JavaScript for that: the answer is in a part of the address that only this page can read. Allow JavaScript for it, or let the profile use response_mode form_post."}
}

// relays says whether a request is the first half: a page load whose query is
// no response.
func (r *Receiver) relays(req *http.Request, values url.Values) bool {
	return r.Fragment && req.Method == http.MethodGet && values.Get("state") == "" && values.Get("response") == ""
}

// ownForm: the second half comes from our own page, and the browser says so.
func (r *Receiver) ownForm(req *http.Request) bool {
	return r.Fragment && req.Header.Get("Origin") == "http://"+req.Host // Host was checked
}

// OAuth1Token is the StateOf of OAuth 1.0a (RFC 5849 section 2.2), whose
// response carries the temporary token instead of a state, and of those who
// say "denied" with it when access was not granted.
func OAuth1Token(values url.Values) string {
	token, denied := values["oauth_token"], values["denied"]
	switch {
	case len(token) == 1 && len(denied) == 0:
		return token[0]
	case len(token) == 0 && len(denied) == 1:
		return denied[0]
	}
	return ""
}
