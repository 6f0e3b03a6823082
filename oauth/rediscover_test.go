package oauth

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// What is known is asked for again with its ETag, where it was: R-105.
func TestDiscoverAgain(t *testing.T) {
	const place = "/.well-known/oauth-authorization-server"
	var seen []string
	version, endpoint := `"v1"`, "%s/token"
	var srv *httptest.Server
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.Path+" "+r.Header.Get("If-None-Match"))
		if r.URL.Path != place {
			http.NotFound(w, r)
			return
		}
		if r.Header.Get("If-None-Match") == version {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", version)
		_, _ = io.WriteString(w, strings.ReplaceAll(`{"issuer":"%s","token_endpoint":"`+endpoint+`"}`, "%s", srv.URL))
	}))
	defer srv.Close()
	ask := func(known *Discovery) *Discovery {
		t.Helper()
		seen = nil
		d, err := DiscoverWith(t.Context(), nil, srv.URL, DiscoverOptions{Known: known})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first := ask(nil)
	if first.ETag != `"v1"` || first.Place != srv.URL+place || len(seen) != 2 || first.Changed != nil {
		t.Fatalf("%+v, %q", first, seen)
	}
	second := ask(first)
	if !slices.Equal(seen, []string{place + ` "v1"`}) || second.Metadata != first.Metadata || second.ETag != first.ETag ||
		second.At.Before(first.At) || second.Changed != nil {
		t.Errorf("%+v, %q", second, seen)
	}
	version, endpoint = `"v2"`, "https://evil.example/token"
	third := ask(second)
	if third.ETag != `"v2"` || len(third.Changed) != 1 || !strings.Contains(third.Changed[0], "token_endpoint: "+srv.URL+" → https://evil.example") {
		t.Errorf("%+v", third)
	}
	// What is known of another issuer is nothing.
	if d := ask(&Discovery{Metadata: &Metadata{Issuer: "https://id.example"}, Place: srv.URL + place, ETag: `"v2"`}); d.Changed != nil || d.Metadata.Issuer != srv.URL {
		t.Errorf("%+v", d)
	}
	// 304 that nobody asked for is no document.
	version = ""
	if _, err := DiscoverWith(t.Context(), nil, srv.URL, DiscoverOptions{}); !errors.Is(err, ErrNotJSON) || Transient(err) {
		t.Error(err)
	}
}

func TestMetadataChange(t *testing.T) {
	old := Metadata{Issuer: "https://id.example", TokenEndpoint: "https://id.example/t", JWKSURI: "https://keys.example/k",
		MTLSEndpointAliases: map[string]string{"token_endpoint": "https://mtls.example/t"}}
	with := func(f func(*Metadata)) *Metadata { m := old; f(&m); return &m }
	tests := []struct {
		name string
		new  *Metadata
		want []string
	}{
		{"nothing", &old, nil},
		{"path", with(func(m *Metadata) { m.TokenEndpoint = "https://ID.example:443/v2/t" }), nil},
		{"gone", with(func(m *Metadata) { m.JWKSURI = "" }), nil},
		{"capability", with(func(m *Metadata) { m.ScopesSupported = []string{"x"} }), nil},
		{"new at home", with(func(m *Metadata) { m.UserinfoEndpoint = "https://id.example/u" }), nil},
		{"new elsewhere", with(func(m *Metadata) { m.UserinfoEndpoint = "https://u.example/u" }), []string{"userinfo_endpoint: new, at https://u.example"}},
		{"host", with(func(m *Metadata) { m.JWKSURI = "https://id.example/k" }), []string{"jwks_uri: https://keys.example → https://id.example"}},
		{"port", with(func(m *Metadata) { m.TokenEndpoint = "https://id.example:444/t" }), []string{"token_endpoint: https://id.example → https://id.example:444"}},
		{"issuer", with(func(m *Metadata) { m.Issuer += "/" }), []string{"issuer: https://id.example → https://id.example/"}},
		{"alias", with(func(m *Metadata) { m.MTLSEndpointAliases = map[string]string{"token_endpoint": "https://x.example/"} }),
			[]string{"mtls_endpoint_aliases.token_endpoint: https://mtls.example → https://x.example"}},
	}
	for _, tt := range tests {
		if got := MetadataChange(&old, tt.new); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
	if MetadataChange(nil, &old) != nil {
		t.Error("a first document is no change")
	}
}

func TestCapabilityDefaults(t *testing.T) {
	var silent Metadata
	if !slices.Equal(silent.Grants(), []string{"authorization_code", "implicit"}) || !slices.Equal(silent.AuthMethods(), []string{"client_secret_basic"}) {
		t.Error(silent.Grants(), silent.AuthMethods())
	}
	m := Metadata{GrantTypesSupported: []string{}, TokenEndpointAuthMethodsSupported: []string{"none"}}
	if len(m.Grants()) != 0 || !slices.Equal(m.AuthMethods(), []string{"none"}) {
		t.Error(m.Grants(), m.AuthMethods())
	}
}

// A document for many tenants is used only by leave, and then every id_token
// must be of exactly the tenant it names: R-101.
func TestTemplateIssuer(t *testing.T) {
	const template = "https://login.example/{tenantid}/v2.0"
	for asked, want := range map[string]bool{
		"https://login.example/common/v2.0": true, "https://login.example/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0": true, template: true,
		"https://login.example/v2.0": false, "https://login.example/a/b/v2.0": false, "https://login.example//v2.0": false,
		"https://login.example/../v2.0": false, "https://evil.example/common/v2.0": false, "https://login.example/common/v2.0/": false,
	} {
		if got := sameIssuer(template, asked, true); got != want {
			t.Errorf("%s: %v", asked, got)
		}
		if sameIssuer(template, asked, false) && asked != template {
			t.Errorf("%s: without leave", asked)
		}
	}
	for _, hostile := range []string{"https://{tenantid}/v2.0", "{tenantid}", "https://login{tenantid}.example/", "https://login.example/x{tenantid}"} {
		if sameIssuer(hostile, strings.Replace(hostile, tenantID, "evil.example", 1), true) {
			t.Errorf("%s is no template", hostile)
		}
	}

	tests := []struct {
		name     string
		leave    bool
		iss, tid any
		response string // iss of the response, after the server's address
		want     error
	}{
		{"its tenant", true, "/t1/v2.0", "t1", "", nil},
		{"and in the response", true, "/t1/v2.0", "t1", "/t1/v2.0", nil},
		{"another tenant", true, "/t2/v2.0", "t1", "", ErrIssuer},
		{"no tenant", true, "/t1/v2.0", nil, "", ErrIssuer},
		{"a path for a tenant", true, "/a/b/v2.0", "a/b", "", ErrIssuer},
		{"the template itself", true, "/{tenantid}/v2.0", "{tenantid}", "", ErrIssuer},
		{"without leave", false, "/t1/v2.0", "t1", "", ErrIssuer},
		{"response of another server", true, "/t1/v2.0", "t1", "/t1/v3.0", ErrIssuer},
		{"response without leave", false, "/t1/v2.0", "t1", "/t1/v2.0", ErrIssuer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.metadata["issuer"] = f.URL + "/{tenantid}/v2.0"
			f.routes["/common/v2.0/.well-known/openid-configuration"] = func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, f.metadata) }
			f.claims["iss"], f.claims["tid"] = f.URL+tt.iss.(string), tt.tid
			if _, err := Discover(t.Context(), nil, f.URL+"/common/v2.0"); !errors.Is(err, ErrIssuer) {
				t.Fatalf("without leave: %v", err)
			}
			d, err := DiscoverWith(t.Context(), nil, f.URL+"/common/v2.0", DiscoverOptions{TemplateIssuer: true})
			if err != nil {
				t.Fatal(err)
			}
			c := &Client{ID: "client", Metadata: d.Metadata, TemplateIssuer: tt.leave}
			a, response := f.authorize(c, openid)
			if tt.response != "" {
				response.Set("iss", f.URL+tt.response)
			}
			if _, err := a.Redeem(t.Context(), response); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
				t.Errorf("%v, want %v", err, tt.want)
			} else if _, late := errors.AsType[*CheckError](err); err != nil && late != (tt.response == "") {
				t.Errorf("refused in the wrong place: %v", err)
			}
		})
	}
}
