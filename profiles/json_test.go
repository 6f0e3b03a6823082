package profiles

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestJSONRoundTrip(t *testing.T) {
	fresh := 0
	for _, p := range []Profile{full(), {Name: "small"}, {Name: "fresh", MaxAge: &fresh}, {Name: "one", RedirectURI: List{"http://localhost:0"}}} {
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var q Profile
		if err := json.Unmarshal(data, &q); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if !q.Equal(p) {
			t.Errorf("%s became %s", data, q.appendJSON(nil, ""))
		}
		for _, f := range Fields() {
			if got, want := q.Get(f.Key), p.Get(f.Key); !slices.Equal(got, want) {
				t.Errorf("%s: %s = %v, want %v", p.Name, f.Key, got, want)
			}
		}
	}
}

// The forms in which values are written: scope as RFC 7591 §2 has it, a redirect URI alone as text, resource as an array.
func TestJSONForm(t *testing.T) {
	fresh := 0
	p := Profile{Name: "x <&>", Scope: List{"openid", "profile"}, Resource: List{"https://a.example"}, RedirectURI: List{"http://localhost:0"},
		MaxAge: &fresh, LoginTimeout: Duration(60e9), AuthorizeParams: Parameters{"b": "2", "a": "1"}}
	const want = `{
      "name": "x <&>",
      "scope": "openid profile",
      "resource": [
        "https://a.example"
      ],
      "max_age": 0,
      "authorize_params": {
        "a": "1",
        "b": "2"
      },
      "redirect_uri": "http://localhost:0",
      "login_timeout": "1m"
    }`
	if got := string(p.appendJSON(nil, "    ")); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	p.RedirectURI = append(p.RedirectURI, "http://localhost:1")
	if got := string(p.appendJSON(nil, "")); !strings.Contains(got, `"redirect_uri":["http://localhost:0","http://localhost:1"]`) {
		t.Errorf("two redirect URIs are written as %s", got)
	}
}

func TestJSONReads(t *testing.T) {
	tests := []struct {
		json, key string
		want      []string
	}{
		{`"scope":"openid  profile"`, "scope", []string{"openid", "profile"}},
		{`"scope":["openid","profile email"]`, "scope", []string{"openid", "profile", "email"}},
		{`"redirect_uri":"http://localhost:0"`, "redirect_uri", []string{"http://localhost:0"}},
		{`"redirect_uri":["http://localhost:0","http://localhost:1"]`, "redirect_uri", []string{"http://localhost:0", "http://localhost:1"}},
		{`"resource":"https://a.example"`, "resource", []string{"https://a.example"}},
		{`"claims":{ "id_token" : {} }`, "claims", []string{`{"id_token":{}}`}},
		{`"claims":"{ \"id_token\" : {} }"`, "claims", []string{`{"id_token":{}}`}},
		{`"claims":"not JSON"`, "claims", []string{"not JSON"}},
		{`"allow_http":true`, "allow_http", []string{"true"}},
		{`"allow_http":false`, "allow_http", nil},
		{`"token_params":{"resource":""}`, "token_params", []string{"resource="}},
		{`"resource":[]`, "resource", nil},
		{`"max_age":0`, "max_age", []string{"0"}},
		{`"max_age":null`, "max_age", nil},
		{`"issuer":null`, "issuer", nil},
		{`"login_timeout":"90s"`, "login_timeout", []string{"1m30s"}},
		{`"environment":"\u0073t\"a"`, "environment", []string{`st"a`}},
		{` "authorize_params" : { "a" : "1" } `, "authorize_params.a", []string{"1"}},
	}
	for _, tt := range tests {
		var p Profile
		if err := json.Unmarshal([]byte(`{"name":"x",`+tt.json+`}`), &p); err != nil {
			t.Errorf("%s: %v", tt.json, err)
		}
		if got := p.Get(tt.key); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %s = %q, want %q", tt.json, tt.key, got, tt.want)
		}
	}
}

func TestJSONRefuses(t *testing.T) {
	tests := []struct{ json, want string }{
		{`[]`, "the profile is an array"},
		{`"x"`, "the profile is text"},
		{`{}`, "profile: name: is missing"},
		{`{"name":5}`, "name: is a number; write it as text in quotes"},
		{`{"name":"x","scope":5}`, "profile x: scope: is a number"},
		{`{"name":"x","scope":["a",true]}`, "scope: holds true; write each value as text"},
		{`{"name":"x","max_age":"5"}`, "max_age: is text; write a whole number without quotes"},
		{`{"name":"x","max_age":1.5}`, "max_age: is a number; write a whole number"},
		{`{"name":"x","login_timeout":"5"}`, "login_timeout: is not a duration"},
		{`{"name":"x","login_timeout":5}`, "login_timeout: is a number; write it as text in quotes"},
		{`{"name":"x","authorize_params":[]}`, "authorize_params: is an array; write it as an object"},
		{`{"name":"x","authorize_params":{"a":1}}`, `authorize_params: holds a number for "a"`},
		{`{"name":"x","authorize_params":{"a":"1","a":"2"}}`, `authorize_params: holds "a" twice`},
		{`{"name":"x","issuer":"a","issuer":"b"}`, "issuer: is there twice"},
		{`{"name":"x","allow_http":"true"}`, "allow_http: is text; write true or false without quotes"},
		{`{"name":"x","claims":5}`, "claims: is a number; write it as JSON, like {"},
		{`{"name":"x","scope":5,"issuer":6}`, "scope: is a number; write it as text in quotes, or as an array of such texts; issuer: is a number"},
	}
	for _, tt := range tests {
		var p Profile
		err := json.Unmarshal([]byte(tt.json), &p)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.json, err, tt.want)
		}
	}
	if err := new(Profile).UnmarshalJSON([]byte(`{"name":`)); err == nil {
		t.Error("half a profile was read")
	}
}

func TestJSONKeepsUnknownMembers(t *testing.T) {
	const text = `{"name":"x","future":{"a":[1,2.50,"\u00e9"]},"tls":null}`
	var p Profile
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	if got := string(p.Clone().appendJSON(nil, "")); got != text {
		t.Errorf("got  %s\nwant %s", got, text)
	}
	if p.Equal(Profile{Name: "x"}) {
		t.Error("unknown members are not compared")
	}
}

// No secret passes through a profile: not from JSON, not from Set, not into any output. A new field that takes one, or
// a reader that keeps one, turns this red.
func TestNoSecretIsEverWritten(t *testing.T) {
	const canary = "c4n4ry-5ecret"
	for _, member := range []string{
		`"client_secret":"` + canary + `"`, `"clientSecret":"` + canary + `"`, `"Client-Secret":["` + canary + `"]`,
		`"refresh_token":"` + canary + `"`, `"access_token":{"x":"` + canary + `"}`, `"password":"` + canary + `"`,
		`"token_params":{"client_secret":"` + canary + `"}`, `"authorize_params":{"CLIENT_SECRET":"` + canary + `"}`,
		`"token_params":{"password":"` + canary + `"}`,
		`"private_key":"` + canary + `"`, `"privateKey":{"d":"` + canary + `"}`, `"private_key_password":"` + canary + `"`, `"tls_client_key":"` + canary + `"`,
		`"tls_client_certificate":"-----BEGIN PRIVATE KEY-----` + canary + `"`, `"ca_certificate":"-----BEGIN RSA PRIVATE KEY-----` + canary + `"`,
		`"registration_access_token":"` + canary + `"`, `"initial_access_token":"` + canary + `"`, `"subject_token":"` + canary + `"`, `"actor_token":"` + canary + `"`,
		`"assertion":"` + canary + `"`, `"login_hint_token":"` + canary + `"`, `"user_code":"` + canary + `"`,
		`"custom_auth_body":{"client_secret":"` + canary + `"}`, `"custom_auth_headers":{"Authorization":"Basic ` + canary + `"}`,
		`"request_params":{"token/client_secret":"` + canary + `"}`, `"request_headers":{"token/Cookie":"` + canary + `"}`, `"request_headers":{"Authorization":"` + canary + `"}`,
	} {
		var p Profile
		if err := json.Unmarshal([]byte(`{"name":"a b","issuer":"https://login.example.com","client_id":"c",`+member+`}`), &p); err != nil {
			t.Errorf("%s: %v", member, err)
		}
		problems := p.Validate()
		if len(problems) != 1 {
			t.Errorf("%s: %v, want one problem", member, problems)
		}
		if strings.Contains(strings.ToLower(member), "secret\":\""+canary) && !strings.Contains(member, "params") && !strings.Contains(member, "custom") &&
			!strings.Contains(problems[0].Error(), "client_secret: is in plain text in profiles.json and is not used; remove it from the file and "+
				"store it with `fob profile set \"a b\" client_secret=@FILE`") {
			t.Errorf("%s: %v does not say how to store it", member, problems)
		}
		data, _ := json.Marshal(p)
		all := string(data) + string(p.appendJSON(nil, "    ")) + (&InvalidError{Name: p.Name, Problems: problems}).Error()
		for _, f := range Fields() {
			all += strings.Join(p.Get(f.Key), " ")
		}
		if strings.Contains(all, canary) {
			t.Errorf("%s: the secret comes out again", member)
		}
	}
	for _, f := range Fields() {
		var p Profile
		if f.Kind == KindSecret && (p.Set(f.Key, canary) == nil || p.Get(f.Key) != nil) {
			t.Errorf("%s is kept in the profile", f.Key)
		}
	}
}

func TestListReads(t *testing.T) {
	var l List
	for text, want := range map[string][]string{`"a b"`: {"a", "b"}, `["a b","c"]`: {"a b", "c"}, `null`: nil, ` "a" `: {"a"}} {
		if err := json.Unmarshal([]byte(text), &l); err != nil || !slices.Equal(l, want) {
			t.Errorf("%s: %q, %v, want %q", text, l, err, want)
		}
	}
	if err := json.Unmarshal([]byte(`5`), &l); err == nil {
		t.Error("a number is a list")
	}
}
