package oauth

import (
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
)

func TestResourcePlaces(t *testing.T) {
	const wk = "/.well-known/oauth-protected-resource"
	tests := []struct {
		in   string
		want []string
		err  error
	}{
		{"https://api.example", []string{"https://api.example" + wk}, nil},
		{"https://api.example/", []string{"https://api.example" + wk}, nil},
		{"https://api.example/mcp", []string{"https://api.example" + wk + "/mcp", "https://api.example" + wk}, nil},
		{"https://api.example/a/b/", []string{"https://api.example" + wk + "/a/b/", "https://api.example" + wk}, nil},
		{"https://api.example/a%2Fb?t=1", []string{"https://api.example" + wk + "/a%2Fb?t=1", "https://api.example" + wk}, nil},
		{"https://api.example?t=1", []string{"https://api.example" + wk + "?t=1", "https://api.example" + wk}, nil},
		{"http://127.0.0.1:8080/x", []string{"http://127.0.0.1:8080" + wk + "/x", "http://127.0.0.1:8080" + wk}, nil},
		{"http://api.example/x", nil, ErrInsecure},
		{"https://api.example/#x", nil, ErrNoEndpoint},
		{"https://user@api.example/", nil, ErrNoEndpoint},
		{"api.example", nil, ErrNoEndpoint},
	}
	for _, tt := range tests {
		places, err := resourcePlaces(tt.in, nil)
		var got []string
		for _, p := range places {
			got = append(got, p.address)
		}
		if !slices.Equal(got, tt.want) || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v", tt.in, got, err)
		}
	}
	named := func(address string) []Challenge {
		return []Challenge{{Scheme: "basic", Params: map[string]string{}}, {Scheme: "bearer", Params: map[string]string{"resource_metadata": address}}}
	}
	if p, err := resourcePlaces("https://api.example/x", named("https://other.example/m")); err != nil || len(p) != 1 || p[0].address != "https://other.example/m" || p[0].exact {
		t.Errorf("%+v, %v", p, err)
	}
	for address, want := range map[string]error{
		"http://api.example/m": ErrInsecure, "https://api.example/m#x": ErrNoEndpoint, "file:///etc/passwd": ErrNoEndpoint,
		"http://127.0.0.1:631/": ErrGuarded, "http://localhost/": ErrGuarded,
	} {
		if _, err := resourcePlaces("https://api.example/x", named(address)); !errors.Is(err, want) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestDiscoverResource(t *testing.T) {
	elsewhere := discovery(t, map[string]string{"/doc": `{"resource":"x"}`})
	const (
		wk   = "/.well-known/oauth-protected-resource"
		root = `{"resource":"%s","authorization_servers":["%s"],"scopes_supported":["a"]}`
		mcp  = `{"resource":"%s/mcp","authorization_servers":["%s"],"x":1}`
	)
	tests := []struct {
		name      string
		path      string // of the resource
		documents map[string]string
		named     string // resource_metadata of the challenge
		mismatch  bool
		resource  string // expected, after the server's address
		want      error
	}{
		{name: "no path", documents: map[string]string{wk: root}},
		{name: "a slash that every request has", path: "/", documents: map[string]string{wk: root}},
		{name: "and the other way round", documents: map[string]string{wk: `{"resource":"%s/"}`}, resource: "/"},
		{name: "path", path: "/mcp", documents: map[string]string{wk + "/mcp": mcp, wk: root}, resource: "/mcp"},
		{name: "root for a path", path: "/mcp", documents: map[string]string{wk: mcp}, resource: "/mcp"},
		{name: "root for all", path: "/mcp/x", documents: map[string]string{wk: root}},
		{name: "root when the path's is of another", path: "/mcp", documents: map[string]string{wk + "/mcp": `{"resource":"%s/x"}`, wk: root}},
		{name: "named", path: "/mcp", named: "/meta", documents: map[string]string{"/meta": mcp}, resource: "/mcp"},
		{name: "named, of the part above", path: "/mcp/tools?x=1", named: "/meta", documents: map[string]string{"/meta": mcp}, resource: "/mcp"},
		{name: "named, with a slash more", path: "/mcp", named: "/meta", documents: map[string]string{"/meta": `{"resource":"%s/mcp/"}`}, resource: "/mcp/"},

		{name: "nothing", path: "/mcp", want: ErrNoEndpoint},
		{name: "named nothing", path: "/mcp", named: "/meta", documents: map[string]string{wk: root}, want: ErrNotJSON},
		{name: "exact place, part above", path: "/mcp/x", documents: map[string]string{wk + "/mcp/x": mcp}, want: ErrResource},
		{name: "exact place, slash more", path: "/mcp", documents: map[string]string{wk + "/mcp": `{"resource":"%s/mcp/"}`}, want: ErrResource},
		{name: "named, of a neighbour", path: "/mcp", named: "/meta", documents: map[string]string{"/meta": `{"resource":"%s/mc"}`}, want: ErrResource},
		{name: "named, below", path: "/mcp", named: "/meta", documents: map[string]string{"/meta": `{"resource":"%s/mcp/x"}`}, want: ErrResource},
		{name: "named, out of it by dots", path: "/mcp/%2e./admin", named: "/meta", documents: map[string]string{"/meta": mcp}, want: ErrResource},
		{name: "named, another host", path: "/mcp", named: "/meta", documents: map[string]string{"/meta": `{"resource":"https://bank.example/"}`}, want: ErrResource},
		{name: "another host", documents: map[string]string{wk: `{"resource":"https://bank.example"}`}, want: ErrResource},
		{name: "another host, accepted by name", mismatch: true, documents: map[string]string{wk: `{"resource":"https://bank.example"}`}, resource: "!https://bank.example"},
		{name: "no resource", mismatch: true, documents: map[string]string{wk: `{}`}, want: ErrMetadata},
		{name: "fragment", mismatch: true, documents: map[string]string{wk: `{"resource":"%s#x"}`}, want: ErrMetadata},
		{name: "of no type", documents: map[string]string{wk: `{"resource":"%s","authorization_servers":"%s"}`}, want: ErrMetadata},
		{name: "plain http keys", documents: map[string]string{wk: `{"resource":"%s","jwks_uri":"http://a.example/"}`}, want: ErrMetadata},
		{name: "twice", documents: map[string]string{wk: `{"resource":"%s","resource":"x"}`}, want: ErrNotJSON},
		{name: "redirect elsewhere", documents: map[string]string{wk: "redirect " + elsewhere.URL + "/doc"}, want: ErrRedirect},
		{name: "too large", documents: map[string]string{wk: `{"resource":"%s","x":"` + strings.Repeat("x", maxBody) + `"}`}, want: ErrTooLarge},
		{name: "down", documents: map[string]string{wk: "status 503"}, want: ErrNotJSON},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := discovery(t, tt.documents)
			o := ResourceOptions{AllowResourceMismatch: tt.mismatch}
			if tt.named != "" {
				o.Challenges = []Challenge{{Scheme: "bearer", Params: map[string]string{"resource_metadata": srv.URL + tt.named}}}
			}
			m, err := DiscoverResource(t.Context(), srv.Client(), srv.URL+tt.path, o)
			if tt.want != nil {
				if m != nil || !errors.Is(err, tt.want) {
					t.Fatalf("%+v, %v, want %v", m, err, tt.want)
				}
				printable(t, err.Error())
				return
			}
			want := srv.URL + tt.resource
			if strings.HasPrefix(tt.resource, "!") {
				want = tt.resource[1:]
			}
			if err != nil || m.Resource != want {
				t.Fatalf("%+v, %v, want %s", m, err, want)
			}
		})
	}
}

// signed_metadata counts when its signature does: R-205.
func TestSignedResourceMetadata(t *testing.T) {
	const wk = "/.well-known/oauth-protected-resource"
	claims := func(more string) []byte {
		return []byte(`{"iss":"https://trust.example","scopes_supported":["signed"],"dpop_bound_access_tokens_required":true` + more + `}`)
	}
	jwks := func() string {
		text, err := json.Marshal(jwksOf(jose.JSONWebKey{Key: oneKey().Public(), KeyID: "k1", Use: "sig"}))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}()
	trusted, forged := signWith(t, jose.RS256, oneKey(), "k1"), signWith(t, jose.RS256, otherKey(), "k1")
	mac := signWith(t, jose.HS256, []byte(strings.Repeat("k", 32)), "k1")
	tests := []struct {
		name   string
		signed string
		trust  string // iss
		by     string
		want   error
	}{
		{"verified", trusted(claims("")), "https://trust.example", "https://trust.example", nil},
		{"nobody is believed", trusted(claims("")), "", "", nil},
		{"another is believed", forged(claims("")), "https://other.example", "", nil},
		{"forged", forged(claims("")), "https://trust.example", "", ErrSignature},
		{"MAC", mac(claims("")), "https://trust.example", "", ErrMetadata},
		{"unsigned", b64([]byte(`{"alg":"none"}`)) + "." + b64(claims("")) + ".", "https://trust.example", "", ErrMetadata},
		{"no JWT", "x", "https://trust.example", "", ErrMetadata},
		{"expired", trusted(claims(`,"exp":1`)), "https://trust.example", "", ErrMetadata},
		{"another resource", trusted(claims(`,"resource":"https://bank.example"`)), "https://trust.example", "", ErrResource},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := json.Marshal(map[string]any{"resource": "%s", "scopes_supported": []string{"plain"}, "signed_metadata": tt.signed, "x": 1})
			if err != nil {
				t.Fatal(err)
			}
			srv := discovery(t, map[string]string{wk: string(doc), "/keys": jwks})
			o := ResourceOptions{}
			if tt.trust != "" {
				o.SignedMetadataKeys = map[string]string{tt.trust: srv.URL + "/keys"}
			}
			m, err := DiscoverResource(t.Context(), srv.Client(), srv.URL, o)
			if !errors.Is(err, tt.want) || (m == nil) != (tt.want != nil) {
				t.Fatalf("%+v, %v", m, err)
			}
			if m == nil {
				return
			}
			want := "plain"
			if tt.by != "" {
				want = "signed"
			}
			if m.SignedBy != tt.by || m.ScopesSupported[0] != want || m.DPoPBoundAccessTokensRequired != (tt.by != "") || m.Extra["x"] == nil {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestResourceMetadataRoundTrip(t *testing.T) {
	in := `{"resource":"https://api.example","authorization_servers":["https://a.example","https://b.example"],
		"bearer_methods_supported":[],"dpop_bound_access_tokens_required":true,"tls_client_certificate_bound_access_tokens":true,"x":[1]}`
	var m, again ResourceMetadata
	if err := json.Unmarshal([]byte(in), &m); err != nil {
		t.Fatal(err)
	}
	if m.TakesHeader() || !m.DPoPBoundAccessTokensRequired || !m.CertificateBoundAccessTokens || len(m.AuthorizationServers) != 2 {
		t.Errorf("%+v", m)
	}
	if !new(ResourceMetadata).TakesHeader() {
		t.Error("silence is no refusal")
	}
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &again); err != nil || !reflect.DeepEqual(m, again) {
		t.Errorf("%v\n%+v\n%+v", err, m, again)
	}
}

func FuzzResourceMetadata(f *testing.F) {
	f.Add("https://api.example/mcp", `{"resource":"https://api.example/mcp","authorization_servers":["https://id.example"],"x":1}`)
	f.Add("https://api.example/mcp/x", `{"resource":"https://api.example/","bearer_methods_supported":[]}`)
	f.Add("https://api.example", `{"resource":"https://api.example:443/","signed_metadata":"e30.e30.AA"}`)
	f.Fuzz(func(t *testing.T, asked, doc string) {
		var m ResourceMetadata
		if err := m.UnmarshalJSON([]byte(doc)); err != nil {
			printable(t, err.Error())
			return
		}
		if _, err := json.Marshal(m); err != nil {
			t.Error(err)
		}
		for _, exact := range []bool{true, false} {
			if err := m.checkResource(asked, exact, false); err != nil {
				printable(t, err.Error())
				continue
			}
			// What is accepted is of the same origin.
			a, errA := url.Parse(asked)
			b, errB := url.Parse(m.Resource)
			if errA != nil || errB != nil || !sameOrigin(a, b) {
				t.Errorf("%q for %q", m.Resource, asked)
			}
		}
	})
}
