package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// echoAPI starts an API that tells what it was sent; its address is $ECHO. /fresh refuses the first token that it sees, /deaf every
// one; /nonce wants a nonce in DPoP proofs; /away redirects to $ELSEWHERE, which tells what it was sent too.
func echoAPI(ts *testscript.TestScript, _ bool, _ []string) {
	e := &echo{}
	here, there := httptest.NewServer(e), httptest.NewServer(e)
	e.away = there.URL
	ts.Defer(func() { here.Close(); there.Close() })
	ts.Setenv("ECHO", here.URL+"/api")
	ts.Setenv("ELSEWHERE", there.URL)
}

type echo struct {
	away string

	mu    sync.Mutex // guards what follows
	stale []string   // by path: tokens that are refused
	all   int
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away
	}
	token := r.Header.Get("Authorization")
	e.mu.Lock()
	e.all++
	n := e.all
	known := slices.Contains(e.stale, r.URL.Path+token)
	first := !slices.ContainsFunc(e.stale, func(s string) bool { return strings.HasPrefix(s, r.URL.Path) })
	if first {
		e.stale = append(e.stale, r.URL.Path+token)
	}
	e.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Request", "seen")
	switch {
	case strings.HasSuffix(r.URL.Path, "/away"):
		http.Redirect(w, r, e.away+"/landed", http.StatusFound)
		return
	case strings.HasSuffix(r.URL.Path, "/nonce") && !strings.Contains(proof(r), `"nonce":"n-0"`):
		w.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce"`)
		w.Header().Set("DPoP-Nonce", "n-0")
		w.WriteHeader(http.StatusUnauthorized)
	case strings.HasSuffix(r.URL.Path, "/deaf"), strings.HasSuffix(r.URL.Path, "/fresh") && (first || known):
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
	}
	sum := sha256.Sum256(body)
	json.NewEncoder(w).Encode(map[string]any{"n": n, "method": r.Method, "path": r.URL.RequestURI(), "authorization": token, "dpop": r.Header.Get("DPoP") != "",
		"type": r.Header.Get("Content-Type"), "bytes": len(body), "sum": hex.EncodeToString(sum[:4])})
}

// proof is the claims of a DPoP proof.
func proof(r *http.Request) string {
	parts := strings.Split(r.Header.Get("DPoP"), ".")
	if len(parts) != 3 {
		return ""
	}
	claims, err := io.ReadAll(b64(parts[1]))
	if err != nil {
		return ""
	}
	return string(claims)
}

func b64(text string) io.Reader {
	return base64.NewDecoder(base64.RawURLEncoding, strings.NewReader(text))
}
