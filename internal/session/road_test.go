package session

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fob/profiles"
)

// What was learnt on a road without checks (tls_skip_verify) is not believed by
// a profile that checks: neither where the endpoints are nor what time it is.
func TestProfilesOfOneIssuerAndTwoRoads(t *testing.T) {
	e := &Engine{http: new(http.Client)}
	strict, err := e.roadFor(profiles.Profile{})
	if err != nil {
		t.Fatal(err)
	}
	loose, err := e.roadFor(profiles.Profile{TLSSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	var place string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"issuer":"http://%s","authorization_endpoint":"http://%s/a","token_endpoint":"http://%s/%s"}`, r.Host, r.Host, r.Host, place)
	}))
	defer srv.Close()
	place = "of-somebody-in-the-middle"
	if _, err := e.discover(t.Context(), loose.http, srv.URL, false, time.Hour); err != nil {
		t.Fatal(err)
	}
	place = "token"
	m, err := e.discover(t.Context(), strict.http, srv.URL, false, time.Hour)
	if err != nil || !strings.HasSuffix(m.TokenEndpoint, "/token") {
		t.Errorf("%v, %v", m, err)
	}
	if loose.servers == strict.servers {
		t.Error("nonces and clocks are shared")
	}
	again, err := e.roadFor(profiles.Profile{TLSSkipVerify: true})
	if err != nil || again != loose || loose.http == strict.http {
		t.Error("a road is taken again, so that its connections and keys are")
	}
	if _, err := e.roadFor(profiles.Profile{CACertificate: string(bytes.Repeat([]byte("x"), 10))}); err == nil {
		t.Error("no certificate")
	}
}
