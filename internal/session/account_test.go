package session

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fob/internal/authserver"
	"fob/profiles"
)

// F-173: what providers answer at the address that their preset names, as their documentation shows it.
func TestAccountOfEachProvider(t *testing.T) {
	for provider, c := range map[string]struct{ answer, want string }{
		"OpenID Connect":              {`{"sub":"1","name":"Ada","preferred_username":"ada","email":"ada@example.com"}`, "ada@example.com"},
		"OpenID Connect, no e-mail":   {`{"sub":"1","name":"Ada","preferred_username":"ada"}`, "ada"},
		"OpenID Connect, sub alone":   {`{"sub":"1"}`, "1"},
		"GitHub":                      {`{"login":"octocat","id":1,"name":"The Octocat","email":null}`, "octocat"},
		"GitHub, public e-mail":       {`{"login":"octocat","id":1,"email":"octo@example.com"}`, "octo@example.com"},
		"Bitbucket":                   {`{"username":"ada","display_name":"Ada","account_id":"5:x"}`, "ada"},
		"Discord":                     {`{"id":"80351110224678912","username":"nelly","discriminator":"0","global_name":"Nelly"}`, "nelly"},
		"Discord, older":              {`{"id":"80351110224678912","username":"Nelly","discriminator":"1337"}`, "Nelly#1337"},
		"Slack":                       {`{"ok":true,"url":"https://acme.slack.com/","team":"Acme","user":"ada","team_id":"T1","user_id":"U1"}`, "ada"},
		"Spotify":                     {`{"display_name":"Ada L","id":"31x","type":"user"}`, "Ada L"},
		"Spotify without a name":      {`{"display_name":null,"id":"31x"}`, "31x"},
		"Reddit":                      {`{"name":"ada_l","id":"abc","verified":true}`, "ada_l"},
		"Facebook":                    {`{"id":"1000","name":"Ada Lovelace"}`, "Ada Lovelace"},
		"Naver":                       {`{"resultcode":"00","response":{"email":"ada@naver.example","nickname":"ada","id":"32"}}`, "ada@naver.example"},
		"Naver, name alone":           {`{"resultcode":"00","response":{"nickname":"ada","id":"32"}}`, "ada"},
		"Kakao":                       {`{"id":123,"kakao_account":{"email":"ada@kakao.example"},"properties":{"nickname":"A"}}`, "ada@kakao.example"},
		"X":                           {`{"data":{"id":"2244994945","name":"Ada","username":"ada"}}`, "ada"},
		"Twitch":                      {`{"data":[{"id":"1","login":"ada"}]}`, "ada"},
		"Stack Exchange":              {`{"items":[{"display_name":"Ada","user_id":1}],"has_more":false}`, "Ada"},
		"DigitalOcean":                {`{"account":{"email":"ada@example.com","uuid":"x"}}`, "ada@example.com"},
		"Zoom":                        {`{"id":"z","email":"ada@example.com","display_name":"Ada"}`, "ada@example.com"},
		"an answer that names nobody": {`{"data":[],"items":{"0":1},"account":"x","id":7}`, ""},
	} {
		var claims map[string]any
		if err := json.Unmarshal([]byte(c.answer), &claims); err != nil {
			t.Fatal(err)
		}
		if got := account(claims); got != c.want {
			t.Errorf("%s: %q, want %q", provider, got, c.want)
		}
	}
}

// F-173: a server without OpenID Connect is asked at the address that the profile names.
func TestAccountOfAServerWithoutOpenID(t *testing.T) {
	asked := make(chan string, 9)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Authorization")
		_, _ = w.Write([]byte(`{"login":"octocat","id":1}`))
	}))
	t.Cleanup(api.Close)
	r := newRig(t, authserver.Options{})
	r.http = &http.Client{Transport: fork{api.URL, r.server.Transport()}}
	r.reopen()
	p := r.profile("work")
	p.Scope, p.UserinfoEndpoint = profiles.List{"api"}, api.URL+"/user"
	r.put(p)
	if s := r.login("work"); s.Account != "octocat" {
		t.Errorf("status %+v", s)
	}
	if got := <-asked; got != "Bearer "+r.token("work").AccessToken {
		t.Error("it was asked without the token")
	}
}

// fork sends what is for one address over the real network and the rest to the rig's server.
type fork struct {
	address string
	rest    http.RoundTripper
}

func (f fork) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.String(), f.address) {
		return http.DefaultTransport.RoundTrip(r)
	}
	return f.rest.RoundTrip(r)
}

// two accounts with the same e-mail address are two; one that changes its address stays itself.
func TestAccountIsIssuerAndSubject(t *testing.T) {
	r := newRig(t, authserver.Options{})
	as := func(sub, email string) {
		t.Helper()
		server, err := authserver.New(authserver.Options{Issuer: issuer, AutoApprove: "ada",
			Users: []authserver.User{{Login: "ada", Sub: sub, Email: email}}})
		if err != nil {
			t.Fatal(err)
		}
		r.server, r.http = server, &http.Client{Transport: server.Transport()}
		r.reopen()
		if s := r.login("work"); s.Account != email || s.Subject != sub {
			t.Fatalf("status %+v", s)
		}
	}
	last := func() string {
		t.Helper()
		d, err := r.engine.Details(t.Context(), "work")
		if err != nil || len(d.History) == 0 {
			t.Fatal(err)
		}
		return d.History[0].What
	}
	const other = "another account than before"
	as("1", "ada@example.com")
	if strings.Contains(last(), other) {
		t.Errorf("the first login: %s", last())
	}
	as("1", "lovelace@example.com")
	if strings.Contains(last(), other) {
		t.Errorf("the same account with another address: %s", last())
	}
	as("2", "lovelace@example.com")
	if !strings.Contains(last(), other) {
		t.Errorf("another account with the same address: %s", last())
	}
	r.engine.mu.Lock()
	kept := r.engine.logins["work"].rec
	r.engine.mu.Unlock()
	p := r.profile("work")
	if !kept.whose(&p).is(who{Issuer: issuer, Subject: "2"}) || kept.whose(&p).is(who{Issuer: "https://other.example", Subject: "2"}) {
		t.Error("the same sub at another issuer is another account")
	}
}
