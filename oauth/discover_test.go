package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestWellKnown(t *testing.T) { // F-175
	tests := []struct {
		issuer          string
		openid, rfc8414 string
		want            error
	}{
		{"https://id.example", "https://id.example/.well-known/openid-configuration", "https://id.example/.well-known/oauth-authorization-server", nil},
		{"https://id.example/", "https://id.example/.well-known/openid-configuration", "https://id.example/.well-known/oauth-authorization-server", nil},
		{"https://id.example/realms/dev", "https://id.example/realms/dev/.well-known/openid-configuration", "https://id.example/.well-known/oauth-authorization-server/realms/dev", nil},
		{"https://id.example/a%2Fb/", "https://id.example/a%2Fb/.well-known/openid-configuration", "https://id.example/.well-known/oauth-authorization-server/a%2Fb", nil},
		{"http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x/.well-known/openid-configuration", "http://127.0.0.1:8080/.well-known/oauth-authorization-server/x", nil},
		{"http://id.example", "", "", ErrInsecure},
		{"id.example", "", "", ErrMetadata},
		{"", "", "", ErrMetadata},
		{"https://id.example?x=1", "", "", ErrMetadata},
		{"https://id.example/?", "", "", ErrMetadata},
		{"https://id.example/#x", "", "", ErrMetadata},
		{"https://user@id.example", "", "", ErrMetadata},
	}
	for _, tt := range tests {
		places, err := wellKnown(tt.issuer)
		if !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%q: %v, want %v", tt.issuer, err, tt.want)
		}
		want := []string{tt.openid, tt.rfc8414}
		if host, path, found := strings.Cut(tt.rfc8414, "oauth-authorization-server/"); found { // the third form
			want = append(want, host+"openid-configuration/"+path)
		}
		if tt.want == nil && !slices.Equal(places, want) {
			t.Errorf("%q: %q", tt.issuer, places)
		}
	}
}

// discovery serves documents by path; %s becomes the server's address.
func discovery(t *testing.T, documents map[string]string) *httptest.Server {
	t.Helper()
	var srv *httptest.Server
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		doc, ok := documents[r.URL.Path]
		switch {
		case !ok:
			w.WriteHeader(404)
			_, _ = w.Write([]byte("<html>not found</html>"))
		case strings.HasPrefix(doc, "redirect "):
			http.Redirect(w, r, strings.ReplaceAll(doc[9:], "%s", srv.URL), http.StatusFound)
		case strings.HasPrefix(doc, "status "):
			var code int
			_, _ = fmt.Sscanf(doc, "status %d", &code)
			w.WriteHeader(code)
		default:
			_, _ = w.Write([]byte(strings.ReplaceAll(doc, "%s", srv.URL)))
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}

func TestDiscover(t *testing.T) { // F-174
	elsewhere := discovery(t, map[string]string{"/doc": `{"issuer":"x"}`})
	const (
		openid = "/.well-known/openid-configuration"
		oauth2 = "/.well-known/oauth-authorization-server"
		good   = `{"issuer":"%s","token_endpoint":"%s/token"}`
	)
	tests := []struct {
		name      string
		path      string // of the issuer
		documents map[string]string
		want      error
		transient bool
	}{
		{name: "OpenID Connect", documents: map[string]string{openid: good}},
		{name: "RFC 8414", documents: map[string]string{oauth2: good}},
		{name: "path, OpenID Connect", path: "/r", documents: map[string]string{"/r" + openid: `{"issuer":"%s/r"}`}},
		{name: "path, RFC 8414", path: "/r", documents: map[string]string{oauth2 + "/r": `{"issuer":"%s/r"}`}},
		{name: "path, OpenID Connect before the path", path: "/r", documents: map[string]string{openid + "/r": `{"issuer":"%s/r"}`}},
		{name: "final slash is part of the issuer", path: "/", documents: map[string]string{openid: `{"issuer":"%s/"}`}},
		{name: "second place after a foreign document", documents: map[string]string{openid: `{"issuer":"https://evil.example"}`, oauth2: good}},
		{name: "redirect within the origin", documents: map[string]string{openid: "redirect /moved", "/moved": good}},
		{name: "nulls", documents: map[string]string{openid: `{"issuer":"%s","jwks_uri":null,"scopes_supported":null}`}},

		{name: "nothing", want: ErrNotJSON},
		{name: "foreign issuer", documents: map[string]string{openid: `{"issuer":"https://evil.example"}`}, want: ErrIssuer},
		{name: "a slash more", documents: map[string]string{openid: `{"issuer":"%s/"}`}, want: ErrIssuer},
		{name: "a slash less", path: "/", documents: map[string]string{openid: `{"issuer":"%s"}`}, want: ErrIssuer},
		{name: "capitals", documents: map[string]string{openid: `{"ISSUER":"%s"}`}, want: ErrIssuer},
		{name: "no issuer", documents: map[string]string{openid: `{}`}, want: ErrIssuer},
		{name: "issuer twice", documents: map[string]string{openid: `{"issuer":"https://evil.example","issuer":"%s"}`}, want: ErrNotJSON},
		{name: "issuer of no type", documents: map[string]string{openid: `{"issuer":["%s"]}`}, want: ErrMetadata},
		{name: "list of no type", documents: map[string]string{openid: `{"issuer":"%s","scopes_supported":"a b"}`}, want: ErrMetadata},
		{name: "plain http endpoint", documents: map[string]string{openid: `{"issuer":"%s","token_endpoint":"http://id.example/token"}`}, want: ErrMetadata},
		{name: "endpoint with fragment", documents: map[string]string{openid: `{"issuer":"%s","token_endpoint":"https://id.example/token#x"}`}, want: ErrMetadata},
		{name: "plain http alias", documents: map[string]string{openid: `{"issuer":"%s","mtls_endpoint_aliases":{"token_endpoint":"http://id.example/"}}`}, want: ErrMetadata},
		{name: "redirect to another origin", documents: map[string]string{openid: "redirect " + elsewhere.URL + "/doc", oauth2: "redirect " + elsewhere.URL + "/doc"}, want: ErrRedirect, transient: true},
		{name: "redirect for ever", documents: map[string]string{openid: "redirect " + openid, oauth2: "redirect " + oauth2}, want: ErrRedirect},
		{name: "server down", documents: map[string]string{openid: "status 503", oauth2: "status 404"}, want: ErrNotJSON, transient: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := discovery(t, tt.documents)
			m, err := Discover(t.Context(), srv.Client(), srv.URL+tt.path)
			if tt.want == nil {
				if err != nil || m.Issuer != srv.URL+tt.path {
					t.Fatalf("%+v, %v", m, err)
				}
				return
			}
			if !errors.Is(err, tt.want) || Transient(err) != tt.transient || m != nil {
				t.Errorf("%v (transient %v), want %v", err, Transient(err), tt.want)
			}
		})
	}
}

// A server on the net must not send us to this computer: R-103.
func TestMetadataPointsHome(t *testing.T) {
	m := &Metadata{Issuer: "https://id.example", TokenEndpoint: "http://127.0.0.1:631/printers"}
	if err := m.check(); !errors.Is(err, ErrMetadata) {
		t.Error(err)
	}
}

func TestMetadataRoundTrip(t *testing.T) {
	in := `{"issuer":"https://id.example","token_endpoint":"https://id.example/t","scopes_supported":["a"],
		"grant_types_supported":[],"require_pushed_authorization_requests":true,"claims_parameter_supported":"true",
		"mtls_endpoint_aliases":{"token_endpoint":"https://mtls.example/t"},"x_vendor":{"n":12345678901234567890}}`
	var m, again Metadata
	if err := json.Unmarshal([]byte(in), &m); err != nil {
		t.Fatal(err)
	}
	if m.Extra["x_vendor"] == nil || len(m.Extra) != 1 || !m.ClaimsParameterSupported || m.GrantTypesSupported == nil {
		t.Errorf("%+v", m)
	}
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "12345678901234567890") {
		t.Errorf("lost digits: %s", out)
	}
	if err := json.Unmarshal(out, &again); err != nil || !reflect.DeepEqual(m, again) {
		t.Errorf("%v\n%+v\n%+v", err, m, again)
	}
	// Every field has a member, or it would not survive a restart.
	names := maps.Collect(func(yield func(any, bool) bool) {
		for _, f := range m.members() {
			switch {
			case f.str != nil:
				yield(f.str, true)
			case f.list != nil:
				yield(f.list, true)
			default:
				yield(f.flag, true)
			}
		}
	})
	v := reflect.ValueOf(&m).Elem()
	for i := range v.NumField() {
		if v.Field(i).Kind() != reflect.Map && !names[v.Field(i).Addr().Interface()] {
			t.Errorf("%s has no registered name", v.Type().Field(i).Name)
		}
	}
}
