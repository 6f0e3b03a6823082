package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// oauth1Server: starts a server of OAuth 1.0a that shows a code instead of redirecting; its address is $OAUTH1. It holds a client to
// the parameters of each step (RFC 5849 §2) and leaves the signatures to the tests of package oauth1, which have the RFC's own.
func oauth1Server(ts *testscript.TestScript, _ bool, _ []string) {
	form := func(w http.ResponseWriter, values url.Values) {
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
		fmt.Fprint(w, values.Encode())
	}
	mux := http.NewServeMux()
	hold := func(path string, want map[string]string, answer url.Values) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			sent := oauth1Parameters(r.Header.Get("Authorization"))
			for name, value := range want {
				if sent[name] != value {
					http.Error(w, name+" is not "+value, http.StatusUnauthorized)
					return
				}
			}
			form(w, answer)
		})
	}
	hold("/temporary", map[string]string{"oauth_consumer_key": "consumer", "oauth_callback": "oob", "oauth_signature_method": "HMAC-SHA1"},
		url.Values{"oauth_token": {"temporary"}, "oauth_token_secret": {"canary-temporary"}, "oauth_callback_confirmed": {"true"}})
	hold("/token", map[string]string{"oauth_consumer_key": "consumer", "oauth_token": "temporary", "oauth_verifier": "4711"},
		url.Values{"oauth_token": {"lasting"}, "oauth_token_secret": {"canary-lasting"}})
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("oauth_token") != "temporary" {
			http.Error(w, "no such request", http.StatusBadRequest)
		}
	})
	s := httptest.NewServer(mux)
	ts.Defer(s.Close)
	ts.Setenv("OAUTH1", s.URL)
}

// oauth1Parameters are those of an Authorization header (RFC 5849 §3.5.1).
func oauth1Parameters(header string) map[string]string {
	sent := map[string]string{}
	for pair := range strings.SplitSeq(strings.TrimPrefix(header, "OAuth "), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if text, err := url.PathUnescape(strings.Trim(value, `"`)); err == nil {
			sent[name] = text
		}
	}
	return sent
}
