package profiles

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestSetAndGet(t *testing.T) {
	tests := []struct {
		key    string
		values []string
		want   []string
	}{
		{"name", []string{"  work "}, []string{"work"}},
		{"scope", []string{"openid profile", "email openid"}, []string{"openid", "profile", "email"}},
		{"scope", []string{""}, nil},
		{"scope", []string{"  "}, nil},
		{"scope", nil, nil},
		{"resource", []string{"https://a.example", "urn:b"}, []string{"https://a.example", "urn:b"}},
		{"redirect_uri", []string{"http://127.0.0.1:1/a http://127.0.0.1:2/a"}, []string{"http://127.0.0.1:1/a", "http://127.0.0.1:2/a"}},
		{"login_timeout", []string{"600s"}, []string{"10m"}},
		{"login_timeout", []string{""}, nil},
		{"max_age", []string{"0"}, []string{"0"}},
		{"max_age", []string{""}, nil},
		{"authorize_params", []string{"b=2=3", "a=1"}, []string{"a=1", "b=2=3"}},
		{"authorize_params", nil, nil},
		{"authorize_params.access_type", []string{"offline"}, []string{"offline"}},
		{"authorize_params.access_type", []string{""}, nil},
		{"token_params.audience", []string{"x y"}, []string{"x y"}},
		{"issuer", []string{" https://login.example.com\n"}, []string{"https://login.example.com"}},
		{"claims", []string{"{ \"userinfo\" : {} }"}, []string{`{"userinfo":{}}`}},
		{"allow_http", []string{"true"}, []string{"true"}},
		{"allow_http", []string{"false"}, nil},
		{"request_params.refresh/resource", []string{""}, []string{""}}, // it is left out
		{"request_params.refresh/resource", nil, nil},
		{"authorize_params", []string{"resource="}, []string{"resource="}},
	}
	for _, tt := range tests {
		p := full()
		if err := p.Set(tt.key, tt.values...); err != nil {
			t.Errorf("Set(%s, %q): %v", tt.key, tt.values, err)
		}
		if got := p.Get(tt.key); !slices.Equal(got, tt.want) {
			t.Errorf("Set(%s, %q), Get = %q, want %q", tt.key, tt.values, got, tt.want)
		}
	}
}

func TestSetKeepsOtherParameters(t *testing.T) {
	p := Profile{AuthorizeParams: Parameters{"a": "1", "b": "2"}}
	q := p
	if err := q.Set("authorize_params.a"); err != nil {
		t.Fatal(err)
	}
	if got := q.Get("authorize_params"); !slices.Equal(got, []string{"b=2"}) {
		t.Errorf("authorize_params = %v", got)
	}
	if got := p.Get("authorize_params"); !slices.Equal(got, []string{"a=1", "b=2"}) {
		t.Errorf("a copy was changed too: %v", got)
	}
}

func TestSetRefuses(t *testing.T) {
	tests := []struct {
		key    string
		values []string
		want   string
	}{
		{"scopes", []string{"x"}, "scopes: is not a field of a profile; did you mean scope?"},
		{"client-id", []string{"x"}, "client-id: is not a field of a profile; did you mean client_id?"},
		{"authorise_params.x", []string{"x"}, "did you mean authorize_params.x?"},
		{"isuer", []string{"x"}, "did you mean issuer?"},
		{"scope.x", []string{"x"}, "is not a field of a profile"},
		{"name", nil, "name: is missing"},
		{"name", []string{"a", "b"}, "name: takes one value, not 2"},
		{"issuer", []string{"ftp://login.example.com"}, "issuer: begins with ftp://; only https"},
		{"authorize_params", []string{"a"}, "authorize_params: is not a parameter; write it as KEY=VALUE"},
		{"authorize_params", []string{"a=1", "a=2"}, "authorize_params: a is given twice"},
		{"authorize_params.state", []string{"x"}, "authorize_params.state: state is made by Fob"},
		{"authorize_params.a", []string{"x", "y"}, "takes one value, not 2"},
		{"token_params.client_secret", []string{"canary"}, "client_secret is a secret"},
		{"client_secret", []string{"canary"}, "client_secret: is kept in the keychain, not in the profile; give it as client_secret=@FILE"},
		{"scope", []string{"a", "b\"c"}, `scope: has the character '"'`},
	}
	for _, tt := range tests {
		p := full()
		before := p.Clone()
		err := p.Set(tt.key, tt.values...)
		var problem Problem
		if !errors.As(err, &problem) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Set(%s, %q) = %v, want %q", tt.key, tt.values, err, tt.want)
		}
		if problem.Key != tt.key {
			t.Errorf("Set(%s): the problem is of %q", tt.key, problem.Key)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("Set(%s) repeats a secret: %v", tt.key, err)
		}
		if !p.Equal(before) {
			t.Errorf("Set(%s, %q) changed the profile though it was refused", tt.key, tt.values)
		}
	}
}

// full has a value in every field but fapi_profile, which contradicts many of the others.
func full() Profile {
	age := 60
	p := Profile{
		Name: "work", Environment: "staging", Color: "teal", Preset: "oidc",
		Issuer: "https://login.example.com", AuthorizationEndpoint: "https://login.example.com/authorize?tenant=a&b",
		TokenEndpoint: "https://login.example.com/token", RevocationEndpoint: "https://login.example.com/revoke",
		UserinfoEndpoint: "https://login.example.com/userinfo", EndSessionEndpoint: "https://login.example.com/logout",
		JWKSURI: "https://login.example.com/keys", ClientID: "fob <desktop> & \"co\"", TokenEndpointAuthMethod: "none",
		GrantType: "authorization_code", Scope: List{"openid", "profile"}, Audience: "https://api.example.com",
		Resource: List{"https://api.example.com/v1"}, ResponseMode: "form_post", Prompt: "login consent", LoginHint: "zoë@example.com",
		MaxAge: &age, ACRValues: List{"urn:mfa", "pwd"}, AuthorizeParams: Parameters{"a": "1", "b": "2"},
		TokenParams: Parameters{"tenant": "acme"}, RedirectURI: List{"http://127.0.0.1:8400/cb", "http://127.0.0.1:8401/cb"},
		Browser: `firefox -P "my work"`, LoginTimeout: Duration(3e11), RefreshBefore: Duration(6e10), ReminderBefore: Duration(9e10),
		APIBaseURL: "https://api.example.com/v1",
	}
	for _, f := range Fields() { // those that are not told apart by a value of their own
		if f.member != nil && f.Key != "fapi_profile" && !isSet(f.member(&p)) {
			if err := p.Set(f.Key, f.Example); err != nil {
				panic(err)
			}
		}
	}
	return p
}

func TestEveryFieldIsCopiedComparedAndWritten(t *testing.T) {
	p := full()
	if problems := p.Validate(); problems != nil {
		t.Fatalf("full is not valid: %v", problems)
	}
	p.FAPIProfile = "fapi2"
	for _, f := range Fields() {
		if f.member == nil {
			continue
		}
		if len(p.Get(f.Key)) == 0 {
			t.Errorf("full() has no %s: add one", f.Key)
		}
		q := p.Clone()
		if !q.Equal(p) {
			t.Fatalf("%s: a copy is not equal", f.Key)
		}
		other := ""
		if f.Key == "name" {
			other = "another"
		}
		if err := q.Set(f.Key, other); err != nil {
			t.Fatalf("%s: %v", f.Key, err)
		}
		if q.Equal(p) {
			t.Errorf("%s: a change is not seen", f.Key)
		}
	}
}

func TestCloneSharesNothing(t *testing.T) {
	p := full()
	want := p.Clone()
	q := p.Clone()
	for _, f := range Fields() {
		if f.member == nil {
			continue
		}
		switch m := f.member(&q).(type) {
		case *List:
			(*m)[0] = "x"
		case *Parameters:
			for name := range *m {
				(*m)[name] = "x"
			}
		case **int:
			**m++
		}
	}
	if !p.Equal(want) {
		t.Error("changing a copy changed the original")
	}
}

func TestDefaults(t *testing.T) {
	var p Profile
	if got := p.RedirectURIs(); !slices.Equal(got, []string{"http://127.0.0.1:0/callback"}) {
		t.Errorf("RedirectURIs = %v", got)
	}
	if p.Grant() != "authorization_code" || p.OpenID() || p.ScopeString() != "" {
		t.Errorf("Grant %q, OpenID %t, ScopeString %q", p.Grant(), p.OpenID(), p.ScopeString())
	}
	p = full()
	got := p.RedirectURIs()
	got[0] = "x"
	if p.RedirectURI[0] == "x" || !p.OpenID() || p.ScopeString() != "openid profile" {
		t.Errorf("of a full profile: %v %t %q", p.RedirectURI, p.OpenID(), p.ScopeString())
	}
}
