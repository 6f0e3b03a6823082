package agent

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fob/profiles"
)

var pattern = regexp.MustCompile(`"((?:GET|POST|PUT|DELETE) /v1/[a-z/-]+)"`)

// routesThere are the patterns of all requests that this package answers, read from its source: a new one cannot be forgotten.
func routesThere(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range pattern.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(all, found[1]) {
				all = append(all, found[1])
			}
		}
	}
	return all
}

// Which requests hand a token to somebody. All that faces get, they get by these.
var handOut = []string{"POST /v1/token", "POST /v1/copy", "POST /v1/fill", "POST /v1/credential"}

// apart are requests (beside those about the store and another agent) that stream, or that end, move or make what the others need; those that use a token are held elsewhere: the proxy
// and Request by the carrier's tests and TestNoStaleToken in package session.
var apart = []string{"POST /v1/refresh", "POST /v1/login", "POST /v1/watch", "POST /v1/proxy", "POST /v1/stop", "POST /v1/lock", "POST /v1/unlock", "POST /v1/logout", "DELETE /v1/profile",
	"DELETE /v1/registration", "POST /v1/registration", "PUT /v1/registration", "PUT /v1/profile", "POST /v1/profile/another", "POST /v1/profile/pin", "POST /v1/profile/unpin"}

// whatever the agent is asked, on its own socket and on the shared one, nothing of an edited profile's token comes out; before the
// edit it comes out where it is handed out, and nowhere else.
func TestNoRouteHandsOutAStaleToken(t *testing.T) {
	h := newHouse(t)
	h.add("work")
	p, _, err := h.engine.Profile(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	p.AgentForwarding = true
	if err := h.engine.PutProfile(t.Context(), p, nil, "", false); err != nil {
		t.Fatal(err)
	}
	h.login("work")
	handout, err := h.engine.Token(t.Context(), "work", -1)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"name": "work", "form": "header", "url": p.APIBaseURL, "method": "GET", "which": "access_token",
		"subject_profile": "work", "env": map[string]string{"DISPLAY": ":7"}})
	if err != nil {
		t.Fatal(err)
	}
	asked := func() (own, shared []string) {
		t.Helper()
		for i, handler := range []http.Handler{h.server.http.Handler, gate(h.server.sharedRoutes())} {
			for _, route := range routesThere(t) {
				if slices.Contains(apart, route) || strings.Contains(route, "/store") || strings.Contains(route, "/handover") {
					continue
				}
				method, path, _ := strings.Cut(route, " ")
				r := httptest.NewRequest(method, "http://fob"+path+"?name=work", strings.NewReader(string(body)))
				w := httptest.NewRecorder()
				func() {
					defer func() { // as net/http does: this house has no log and no clock, and what asks for them answers nothing
						if why := recover(); why != nil {
							t.Logf("%s: %v", route, why)
						}
					}()
					handler.ServeHTTP(w, r)
				}()
				text, err := io.ReadAll(w.Result().Body)
				if err != nil {
					t.Fatal(err)
				}
				select {
				case copied := <-h.copied:
					text = append(text, copied...)
				default:
				}
				if strings.Contains(string(text), handout.AccessToken) {
					if i == 0 {
						own = append(own, route)
					} else {
						shared = append(shared, route)
					}
				}
			}
		}
		slices.Sort(own)
		slices.Sort(shared)
		return own, shared
	}
	slices.Sort(handOut)
	own, shared := asked()
	if !slices.Equal(own, handOut) || !slices.Equal(shared, []string{"POST /v1/credential", "POST /v1/token"}) {
		t.Fatalf("the token comes out of %q, and on the shared socket of %q", own, shared)
	}
	edited := p.Clone()
	edited.AuthorizeParams = profiles.Parameters{"organization": "acme"}
	if err := h.engine.PutProfile(t.Context(), edited, nil, "", false); err != nil {
		t.Fatal(err)
	}
	if own, shared := asked(); len(own)+len(shared) > 0 {
		t.Errorf("after an edit the token comes out of %q, and on the shared socket of %q", own, shared)
	}
	if err := h.engine.PutProfile(t.Context(), p, nil, "", false); err != nil {
		t.Fatal(err)
	}
	if own, _ := asked(); len(own) == 0 {
		t.Error("the edit undone, the token is gone")
	}
}
