package oauth

import (
	"crypto/tls"
	"strings"
	"testing"
)

// sender-constrained tokens are suggested when the server offers them
// and the client can have them, and not to one that does.
func TestSuggestions(t *testing.T) {
	dpop := `"dpop_signing_alg_values_supported":["ES256"]`
	mtls := `"tls_client_certificate_bound_access_tokens":true`
	certificate := new(tls.Certificate)
	for _, tt := range []struct {
		metadata string
		client   *Client
		want     string // the fields that are named
	}{
		{"", &Client{}, ""},
		{dpop, &Client{}, "dpop_bound_access_tokens"},
		{dpop, &Client{DPoP: true}, ""},
		{dpop, &Client{Certificate: certificate, CertificateBound: true}, ""},
		{mtls, &Client{}, ""}, // there is nothing to bind to
		{mtls, &Client{Certificate: certificate}, "tls_client_certificate_bound_access_tokens"},
		{dpop + "," + mtls, &Client{Certificate: certificate}, "dpop_bound_access_tokens tls_client_certificate_bound_access_tokens"},
		{`"tls_client_certificate_bound_access_tokens":"yes"`, &Client{Certificate: certificate}, ""},
	} {
		tt.client.Metadata = new(Metadata)
		document := strings.TrimSuffix(`{"issuer":"https://id.example",`+tt.metadata, ",") + "}"
		if err := tt.client.Metadata.UnmarshalJSON([]byte(document)); err != nil {
			t.Fatal(err)
		}
		var named []string
		for _, s := range tt.client.Suggestions() {
			for _, word := range strings.Fields(s) {
				if strings.HasSuffix(word, "_bound_access_tokens") {
					named = append(named, word)
				}
			}
		}
		if got := strings.Join(named, " "); got != tt.want {
			t.Errorf("%s: suggests %q, want %q", tt.metadata, got, tt.want)
		}
	}
	if (&Client{}).Suggestions() != nil {
		t.Error("something is suggested of a server that nobody knows")
	}
}

// F-101: a client is a value, so two calls may authenticate in two ways with
// all else shared.
func TestMethodPerCall(t *testing.T) {
	f := newFake(t)
	f.secret = "the-secret"
	keys, servers := new(KeySet), new(Servers)
	by := func(method string) *Client {
		c := f.client()
		c.AuthMethod, c.Keys, c.Servers = method, keys, servers
		return c
	}
	tok := f.mustLogin(by(AuthSecretPost))
	if form, auth := f.lastForm(); form.Get("client_secret") != "the-secret" || auth != "" {
		t.Errorf("form %v", form)
	}
	f.nonce = ""
	if _, err := by(AuthSecretBasic).Refresh(t.Context(), tok); err != nil {
		t.Fatal(err)
	}
	if form, auth := f.lastForm(); form.Has("client_secret") || auth == "" {
		t.Errorf("form %v", form)
	}
	if f.count("/jwks") != 1 {
		t.Error("the keys were fetched for each")
	}
}
