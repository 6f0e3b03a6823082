package oauth1

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"fob/oauth"
)

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

func FuzzTokenAnswer(f *testing.F) {
	f.Add(200, "", "oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true&oauth_expires_in=3600&user_id=1")
	f.Add(200, "", `{"oauth_token":"t","oauth_token_secret":"s","x":{"a":[1,null]},"n":1e9}`)
	f.Add(401, `OAuth realm="a, b",oauth_problem="nonce_used", oauth_problem_advice=%41`, "")
	f.Add(400, "", "oauth_problem=parameter_absent&oauth_parameters_absent=a%26b")
	f.Add(403, "", `{"errors":[{"code":1,"message":"<b>no</b>"}]}`)
	f.Add(200, "", "oauth_token=a&oauth_token=b")
	f.Add(200, "", "\ufeff{}")
	f.Add(502, "", "<html>")
	c := &Client{}
	f.Fuzz(func(t *testing.T, status int, challenge, body string) {
		ans := &answer{endpoint: "https://id.example/", status: status, header: http.Header{"Www-Authenticate": {challenge}}, body: []byte(body),
			secrets: []string{"consumer-secret"}}
		values, err := ans.parameters()
		if (values == nil) == (err == nil) {
			t.Fatalf("%v, %v", values, err)
		}
		if err != nil {
			printable(t, err.Error())
			if strings.Contains(err.Error(), "consumer-secret") {
				t.Errorf("%q", err)
			}
			return
		}
		if status < 200 || status > 299 {
			t.Errorf("status %d was taken", status)
		}
		token, err := c.readToken(values)
		if err != nil {
			printable(t, err.Error())
			return
		}
		if token.Token == "" || !token.ExpiresAt.IsZero() && !token.ExpiresAt.After(token.ObtainedAt) {
			t.Errorf("until %v", token.ExpiresAt)
		}
		printable(t, token.describe()[:min(len(token.describe()), 100)])
	})
}

func FuzzCallback(f *testing.F) {
	f.Add("oauth_token=t&oauth_verifier=v")
	f.Add("denied=t")
	f.Add("oauth_problem=user_refused&oauth_token=t&oauth_problem_advice=%1b")
	f.Add("error=%e2%80%ae")
	f.Fuzz(func(t *testing.T, query string) {
		response, _ := url.ParseQuery(query)
		if e := refusal(response); e != nil {
			printable(t, e.Error())
			if e.Code == "" {
				t.Errorf("%q has no code", query)
			}
		}
		a := &Authorization{Token: "t"}
		if mine, err := a.owns(response); mine && (err != nil || response.Get("oauth_token") != "t" && response.Get("denied") != "t") {
			t.Errorf("%q was taken", query)
		}
	})
}

// A base string has three parts, is the same whatever the order of the
// parameters, and says the same as net/url reads in it.
func FuzzBaseString(f *testing.F) {
	f.Add("GET", "https://example.com/r%20v/X?id=123", "a3=2+q&c2")
	f.Add("post", "https://EXAMPLE.com:443?b5=%3D%253D&a3=a&c%40=&a2=r%20b", "a=1&a=1&A=%ff")
	f.Add("X&Y", "https://[::1]:8443/%E2%98%83;x?a;b=1&=&", "oauth_signature=x&oauth_nonce=1")
	f.Fuzz(func(t *testing.T, method, address, form string) {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" {
			return
		}
		uri, err := baseURI(u, "")
		if err != nil {
			printable(t, err.Error())
			return
		}
		var all []pair
		for _, s := range []string{u.RawQuery, form} {
			list, err := parseForm("form", s)
			if err != nil {
				printable(t, err.Error())
				return
			}
			if again, err := parseForm("form", encodeForm(list)); err != nil || len(again) < len(list)-strings.Count(s, "&")-1 {
				t.Fatalf("%q, %v", again, err)
			}
			all = append(all, list...)
		}
		base := baseString(method, uri, all)
		backwards := make([]pair, 0, len(all))
		for i := range all {
			backwards = append(backwards, all[len(all)-1-i])
		}
		if again := baseString(method, uri, backwards); again != base {
			t.Fatalf("%s\n%s", base, again)
		}
		parts := strings.Split(base, "&")
		if len(parts) != 3 || strings.ContainsAny(base, "+ =?#/:") {
			t.Fatalf("%q", base)
		}
		normalized, err := url.PathUnescape(parts[2])
		if err != nil {
			t.Fatal(err)
		}
		read, err := url.ParseQuery(normalized)
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for _, p := range all {
			if p.name == "oauth_signature" {
				continue
			}
			count++
			found := false
			for _, v := range read[p.name] {
				found = found || v == p.value
			}
			if !found {
				t.Errorf("%q=%q is not in %q", p.name, p.value, normalized)
			}
		}
		total := 0
		for _, values := range read {
			total += len(values)
		}
		if total != count || read.Has("oauth_signature") {
			t.Errorf("%d parameters became %d", count, total)
		}
		if strings.HasSuffix(uri, ":443/") || strings.Contains(uri, "?") {
			t.Errorf("%q", uri)
		}
	})
}

func FuzzSign(f *testing.F) {
	f.Add("https://api.example/p?a=b&oauth_token=x", "a=b&oauth_signature=1", "r")
	f.Fuzz(func(t *testing.T, address, form, realm string) {
		c := &Client{ConsumerKey: "key", ConsumerSecret: "consumer-secret", Realm: realm}
		r, err := http.NewRequest("POST", address, strings.NewReader(form))
		if err != nil {
			return
		}
		r.Header.Set("Content-Type", formType)
		if err := c.Sign(r, &Token{Token: "t", Secret: oauth.Secret("token-secret")}); err != nil {
			printable(t, err.Error())
			return
		}
		if h := r.Header.Get("Authorization"); strings.ContainsAny(h, "\r\n\x00") || strings.Count(h, "oauth_signature=") != 1+strings.Count(realm, "oauth_signature=") {
			t.Errorf("%q", h)
		}
	})
}
