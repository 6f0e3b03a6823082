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

func TestClientDocumentURL(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://app.example/client.json": true, "https://app.example:8443/a/b": true, "https://app.example/": true,
		"https://app.example/a..b": true, "https://app.example/client?v=1": true,
		"https://app.example": false, "http://app.example/c": false, "http://127.0.0.1/c": false, "https://u:p@app.example/c": false,
		"https://app.example/c#": false, "https://app.example/c#x": false, "https://app.example/a/../c": false,
		"https://app.example/./c": false, "https://app.example/%2E%2e/c": false, "app.example/c": false, "": false, "https:/c": false,
	} {
		warning, err := CheckClientDocumentURL(address)
		if ok != (err == nil) || err != nil && !errors.Is(err, ErrClientDocument) || (warning != "") != strings.Contains(address, "?") {
			t.Errorf("%s: %q, %v", address, warning, err)
		}
	}
}

func TestClientDocument(t *testing.T) {
	const address = "https://app.example/client.json"
	c := NativeClient(nil, "Fob", "http://127.0.0.1:0/cb", nil)
	data, err := ClientDocument(address, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"client_id": "https://app.example/client.json"`, `"http://127.0.0.1/cb"`, `"http://localhost/cb"`} {
		if !strings.Contains(string(data), part) {
			t.Errorf("no %s in %s", part, data)
		}
	}
	const head = `{"client_id":"https://app.example/client.json","redirect_uris":["http://127.0.0.1/cb"]`
	tests := []struct {
		name, doc string
		ok        bool
	}{
		{"none", head + `,"token_endpoint_auth_method":"none"}`, true},
		{"key", head + `,"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"https://app.example/keys"}`, true},
		{"other id", strings.Replace(head, "client.json", "Client.json", 1) + `,"token_endpoint_auth_method":"none"}`, false},
		{"no id", `{"redirect_uris":["a"],"token_endpoint_auth_method":"none"}`, false},
		{"default method", head + `}`, false},
		{"basic", head + `,"token_endpoint_auth_method":"client_secret_basic"}`, false},
		{"post", head + `,"token_endpoint_auth_method":"client_secret_post"}`, false},
		{"jwt", head + `,"token_endpoint_auth_method":"client_secret_jwt"}`, false},
		{"secret", head + `,"token_endpoint_auth_method":"none","client_secret":"x"}`, false},
		{"secret's end", head + `,"token_endpoint_auth_method":"none","client_secret_expires_at":0}`, false},
		{"key nowhere", head + `,"token_endpoint_auth_method":"private_key_jwt"}`, false},
		{"private key", head + `,"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{"kty":"EC","d":"x"}]}}`, false},
		{"no redirects", `{"client_id":"https://app.example/client.json","token_endpoint_auth_method":"none"}`, false},
		{"too large", head + `,"token_endpoint_auth_method":"none","x":"` + strings.Repeat("x", maxClientDocument) + `"}`, false},
	}
	for _, tt := range tests {
		if _, err := ReadClientDocument(address, []byte(tt.doc)); tt.ok != (err == nil) || err != nil && !errors.Is(err, ErrClientDocument) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	c.TokenEndpointAuthMethod = AuthSecretBasic
	if _, err := ClientDocument(address, c); !errors.Is(err, ErrClientDocument) {
		t.Error(err)
	}
}

func TestFetchClientDocument(t *testing.T) {
	const both = `{"client_id":"%s/c","redirect_uris":["http://127.0.0.1/cb","http://localhost/cb"],"token_endpoint_auth_method":"none"}`
	tests := []struct {
		name, kind, doc string
		status          int
		redirect        string
		want            error
	}{
		{"good", "application/json; charset=utf-8", both, 200, "http://localhost:7777/cb", nil},
		{"a type of its own", "application/cimd+json", both, 200, "http://127.0.0.1:0/cb", nil},
		{"status", "application/json", both, 203, "", ErrClientDocument},
		{"not there", "application/json", both, 404, "", ErrClientDocument},
		{"page", "text/html", both, 200, "", ErrClientDocument},
		{"moved", "application/json", both, 302, "", ErrRedirect},
		{"no JSON", "application/json", "hello", 200, "", ErrNotJSON},
		{"other redirect", "application/json", both, 200, "http://127.0.0.1:7777/other", ErrClientDocument},
		{"one spelling only", "application/json", strings.Replace(both, `,"http://localhost/cb"`, "", 1), 200, "http://127.0.0.1:7777/cb", ErrClientDocument},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var srv *httptest.Server
			srv = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.kind)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, strings.ReplaceAll(tt.doc, "%s", srv.URL))
			}))
			defer srv.Close()
			c, err := FetchClientDocument(t.Context(), srv.Client(), srv.URL+"/c", tt.redirect)
			if !errors.Is(err, tt.want) || (c == nil) != (tt.want != nil) {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
}

func TestClientWays(t *testing.T) {
	const doc = "https://app.example/client.json"
	takes := &Metadata{ClientIDMetadataDocumentSupported: true, RegistrationEndpoint: "https://id.example/r"}
	tests := []struct {
		name       string
		m          *Metadata
		registered bool
		document   string
		want       []ClientWay
	}{
		{"all", takes, true, doc, []ClientWay{WayRegistered, WayDocument, WayRegister, WayAsk}},
		{"no document", takes, false, "", []ClientWay{WayRegister, WayAsk}},
		{"no document that could be one", takes, false, "http://x/y", []ClientWay{WayRegister, WayAsk}},
		{"takes no documents", &Metadata{RegistrationEndpoint: "https://id.example/r"}, false, doc, []ClientWay{WayRegister, WayAsk}},
		{"takes nothing", &Metadata{}, false, doc, []ClientWay{WayAsk}},
		{"unknown", nil, true, doc, []ClientWay{WayRegistered, WayAsk}},
	}
	for _, tt := range tests {
		if got := ClientWays(tt.m, tt.registered, tt.document); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
