package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
)

// How the client authenticates.
func TestClientAuthentication(t *testing.T) { // F-091
	odd := "a:b c%/ü" // each of these breaks a naive Basic
	tests := []struct {
		name, method string
		secret       Secret
		listed       any
		wantMethod   string
		header       string // decoded user and password
		body         map[string]string
	}{
		{"public", "", "", nil, "none", "", map[string]string{"client_id": odd}},
		{"default", "", "s:%", nil, "client_secret_basic", odd, nil},
		{"both listed", "", "s:%", []string{"client_secret_post", "client_secret_basic"}, "client_secret_basic", odd, nil},
		{"only post listed", "", "s:%", []string{"private_key_jwt", "client_secret_post"}, "client_secret_post", "", map[string]string{"client_id": odd, "client_secret": "s:%"}},
		{"none of ours listed", "", "s:%", []string{"private_key_jwt"}, "client_secret_basic", odd, nil},
		{"post chosen", "client_secret_post", "s:%", []string{"client_secret_basic"}, "client_secret_post", "", map[string]string{"client_id": odd, "client_secret": "s:%"}},
		{"none chosen", "none", "s:%", nil, "none", "", map[string]string{"client_id": odd}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			if tt.listed != nil {
				f.metadata["token_endpoint_auth_methods_supported"] = tt.listed
			}
			f.claims["aud"] = odd
			c := f.client()
			c.ID, c.Secret, c.AuthMethod = odd, tt.secret, tt.method
			if m, why := c.ChosenAuthMethod(); m != tt.wantMethod || why == "" {
				t.Errorf("method %s, %s", m, why)
			}
			tok := f.mustLogin(c)
			if err := c.Revoke(t.Context(), tok.RefreshToken, "refresh_token"); err != nil {
				t.Error(err)
			}
			if len(f.forms) != 2 {
				t.Fatalf("%d forms", len(f.forms))
			}
			for i, form := range f.forms {
				for _, name := range []string{"client_id", "client_secret"} {
					if form.Get(name) != tt.body[name] {
						t.Errorf("%s = %q", name, form.Get(name))
					}
				}
				r := http.Request{Header: http.Header{"Authorization": {f.auths[i]}}}
				user, pass, ok := r.BasicAuth()
				if ok != (tt.header != "") {
					t.Fatalf("Basic: %v", ok)
				}
				user, err1 := url.QueryUnescape(user)
				pass, err2 := url.QueryUnescape(pass)
				if ok && (err1 != nil || err2 != nil || user != tt.header || pass != tt.secret.Reveal()) {
					t.Errorf("user %q, password %q, %v, %v", user, pass, err1, err2)
				}
			}
		})
	}
}

// F-091: some servers do not decode what RFC 6749 section 2.3.1 has encoded.
func TestRawBasic(t *testing.T) {
	f := newFake(t)
	c := f.client()
	c.ID, c.Secret, c.RawBasic = "a/b", "s+%:", true
	if err := c.Revoke(t.Context(), "token", ""); err != nil {
		t.Fatal(err)
	}
	_, auth := f.lastForm()
	r := http.Request{Header: http.Header{"Authorization": {auth}}}
	if user, pass, ok := r.BasicAuth(); !ok || user != "a/b" || pass != "s+%:" {
		t.Errorf("user %q, password %q", user, pass)
	}
}

func TestBadClient(t *testing.T) {
	m := &Metadata{TokenEndpoint: "https://id.example/token", RevocationEndpoint: "https://id.example/revoke"}
	for name, c := range map[string]*Client{
		"no id":          {Metadata: m},
		"no secret":      {ID: "c", AuthMethod: "client_secret_basic", Metadata: m},
		"unknown method": {ID: "c", AuthMethod: "tls", Metadata: m},
	} {
		if err := c.Revoke(t.Context(), "token", ""); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParameterTwice(t *testing.T) {
	f := newFake(t)
	c := f.client()
	c.TokenParams = url.Values{"x": {"1", "2"}}
	if _, err := f.login(c, openid); !errors.Is(err, ErrRequest) {
		t.Error(err)
	}
	c.TokenParams = url.Values{"x": {"1"}, "empty": {""}, "resource": {"https://a.example", "https://b.example"},
		"code_verifier": {"mine"}, "grant_type": {"password"}, "client_id": {"other"}}
	f.mustLogin(c)
	form, _ := f.lastForm()
	if len(form["resource"]) != 2 || form.Get("x") != "1" || form.Has("empty") {
		t.Errorf("form %v", form)
	}
	if form.Get("code_verifier") == "mine" || form.Get("grant_type") != "authorization_code" || form.Get("client_id") != "client" {
		t.Errorf("a parameter of the protocol was replaced: %v", form)
	}
}
