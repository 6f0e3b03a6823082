package oauth

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func FuzzInspectJWT(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Compact)
	}
	f.Add("")
	f.Add("e30.e30.")
	f.Add("e30.AA.AA.AA.AA")
	f.Fuzz(func(t *testing.T, in string) {
		jwt, err := InspectJWT(in)
		if (jwt == nil) == (err == nil) {
			t.Fatalf("%v, %v", jwt, err)
		}
		if err != nil {
			return
		}
		if jwt.Header == nil || jwt.Kind != Encrypted && jwt.Claims == nil {
			t.Errorf("%+v", jwt)
		}
		if _, err := json.Marshal(jwt); err != nil {
			t.Error(err)
		}
	})
}

func FuzzTokenAnswer(f *testing.F) {
	f.Add(200, `{"access_token":"a","token_type":"Bearer","expires_in":"3600","scope":"a b","x":1}`)
	f.Add(400, `{"error":"invalid_grant","error_description":"<b>no</b>","error_uri":"https://id.example/"}`)
	f.Add(502, `<html>`)
	f.Add(200, `{"error":{"message":"x"}}`)
	c := &Client{ID: "c"}
	f.Fuzz(func(t *testing.T, status int, body string) {
		ans := &answer{errand: &errand{what: "token endpoint"}, status: status, header: http.Header{}, body: []byte(body)}
		tok, err := c.readToken(ans, []string{"a"}, nil)
		if (tok == nil) == (err == nil) {
			t.Fatalf("%v, %v", tok, err)
		}
		if err != nil {
			printable(t, err.Error())
			return
		}
		if status < 200 || status > 299 || tok.AccessToken == "" || tok.Type != "Bearer" || len(tok.Scope) == 0 {
			t.Errorf("status %d, %+v", status, tok)
		}
		if !tok.ExpiresAt.IsZero() && !tok.ExpiresAt.After(tok.ObtainedAt) ||
			tok.ExpiresAt.After(tok.ObtainedAt.Add(maxLifetime*time.Second)) {
			t.Errorf("expires %v", tok.ExpiresAt)
		}
	})
}

func printable(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) || len(s) > 4*(maxDescription+maxURI+maxCode) || strings.ContainsAny(s, "<>") {
		t.Errorf("%q", s)
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			t.Errorf("%q has %U", s, r)
		}
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add(`{"issuer":"https://id.example","token_endpoint":"https://id.example/t","x":[1]}`)
	f.Add(`{"scopes_supported":["a",1]}`)
	f.Add(`{"mtls_endpoint_aliases":{"a":"b"},"claims_parameter_supported":"true"}`)
	f.Add("\xef\xbb\xbf{}")
	f.Fuzz(func(t *testing.T, in string) {
		var m, again Metadata
		if err := m.UnmarshalJSON([]byte(in)); err != nil {
			printable(t, err.Error())
			return
		}
		out, err := m.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalJSON(out); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if err := m.check(); err != nil {
			printable(t, err.Error())
		} else if u := m.TokenEndpoint; u != "" && !strings.HasPrefix(strings.ToLower(u), "https://") {
			if i := strings.ToLower(m.Issuer); !strings.HasPrefix(i, "http") || !strings.HasPrefix(strings.ToLower(u), "http://") {
				t.Errorf("%s of %s", u, m.Issuer)
			}
		}
	})
}

func FuzzKeys(f *testing.F) {
	f.Add(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	f.Add(`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},null,7,{"kty":"oct","k":"AA"}]}`)
	f.Add(`{"keys":{}}`)
	f.Fuzz(func(t *testing.T, in string) {
		for _, k := range parseKeys([]byte(in)) {
			if !k.IsPublic() || !k.Valid() {
				t.Errorf("%T", k.Key)
			}
		}
	})
}

func FuzzChallenges(f *testing.F) {
	f.Add(`Bearer realm="x, y", error="invalid_token", DPoP algs="ES256"`)
	f.Add(`Basic abc==, Bearer error="a\"b`)
	f.Fuzz(func(t *testing.T, in string) {
		list := parseChallenges([]string{in, in})
		if len(list) > maxChallenges {
			t.Errorf("%d challenges", len(list))
		}
		for _, c := range list {
			if c.Scheme == "" || c.Scheme != strings.ToLower(c.Scheme) {
				t.Errorf("%q", c.Scheme)
			}
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("<<b>script>", "secret-value")
	f.Add("a\x1b[0m\u202e", "")
	f.Fuzz(func(t *testing.T, in, secret string) {
		out := clean(redact(in, []string{secret}), maxDescription)
		printable(t, out)
		if utf8.RuneCountInString(out) > maxDescription+1 {
			t.Errorf("%d characters", utf8.RuneCountInString(out))
		}
	})
}
