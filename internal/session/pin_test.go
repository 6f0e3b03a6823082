package session

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/oauth"
	"fob/profiles"
)

// twoPeople is a rig whose server knows Ada and Bob; its browser is signed in as whoever somebody chose last.
func twoPeople(t *testing.T) *people {
	t.Helper()
	users := []authserver.User{{Login: "ada", Sub: "1", Email: "ada@example.com"}, {Login: "bob", Sub: "2", Email: "bob@example.com"},
		{Login: "twin", Sub: "3", Email: "ada@example.com"}, {Login: "nameless", Sub: "4"}}
	return &people{rig: newRig(t, authserver.Options{Users: users}), who: "ada"}
}

type people struct {
	*rig
	who   string // at the browser
	asked url.Values
	page  string // what the browser shows in the end
}

// logIn logs in with the browser's account, whatever the request hints at.
func (r *people) logIn(name string) (Status, error) {
	browsed := make(chan error, 1)
	browsed <- nil
	status, err := r.engine.Login(r.t.Context(), name, within(time.Minute), func(ev LoginEvent) {
		<-browsed
		go func() { browsed <- r.choose(ev.URL) }()
	})
	return status, errors.Join(err, <-browsed)
}

func (r *people) choose(page string) error {
	u, err := url.Parse(page)
	if err != nil {
		return err
	}
	r.asked = u.Query()
	q := u.Query()
	q.Set("login_hint", r.who)
	u.RawQuery = q.Encode()
	as := &http.Client{Transport: r.server.Transport(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := as.Get(u.String())
	if err != nil {
		return err
	}
	answer.Body.Close()
	back, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(answer.Header.Get("Location"))
	if err != nil {
		return err
	}
	defer back.Body.Close()
	text, err := io.ReadAll(back.Body)
	r.page = string(text)
	return err
}

func (r *people) in(name, as string) Status {
	r.t.Helper()
	r.who = as
	s, err := r.logIn(name)
	if err != nil {
		r.t.Fatalf("%s as %s: %v", name, as, err)
	}
	return s
}

func (r *people) pin(name string) {
	r.t.Helper()
	s, err := r.engine.Pin(r.t.Context(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	if s.Expected == nil {
		r.t.Fatalf("status %+v", s)
	}
}

// a pinned profile takes one account, and says both names when another one comes; the login of before stays.
func TestPin(t *testing.T) {
	r := twoPeople(t)
	_, err := r.engine.Pin(t.Context(), "work")
	wantError(t, err, LogInFirst, CodeLoggedOut)
	r.in("work", "ada")
	r.pin("work")
	p, _ := r.file.Get("work")
	if p.ExpectedSubject != "1" || p.ExpectedIssuer != issuer || p.ExpectedAccount != "ada@example.com" {
		t.Fatalf("profile %+v", p)
	}
	token := r.token("work")

	r.who = "bob"
	_, err = r.logIn("work")
	wantError(t, err, Failed, CodeOtherAccount)
	for _, want := range []string{"always ada@example.com", "this was bob@example.com", "profile work"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	var said *Error
	if errors.As(err, &said); !strings.Contains(said.Remedy, "fob login --account work") || !strings.Contains(said.Remedy, "fob profile another work") || !strings.Contains(said.Remedy, "untouched") {
		t.Errorf("remedy %q", said.Remedy)
	}
	for _, want := range []string{"This is another account", "profile work is always ada@example.com, and you signed in as bob@example.com", "Nothing was changed"} {
		if !strings.Contains(r.page, want) {
			t.Errorf("the page in the browser does not say %q", want)
		}
	}
	if got := r.asked.Get("login_hint"); got != "ada@example.com" {
		t.Errorf("login_hint %q", got)
	}
	if s := r.status("work"); s.State != LoggedIn || s.Account != "ada@example.com" || s.Problem != nil {
		t.Errorf("status %+v", s)
	}
	if r.token("work").AccessToken != token.AccessToken {
		t.Error("the token of before is not handed out")
	}
	r.reopen()
	if r.token("work").AccessToken != token.AccessToken {
		t.Error("after a restart the token of before is not handed out")
	}
	if s, err := r.engine.Refresh(t.Context(), "work"); err != nil || s.Account != "ada@example.com" {
		t.Errorf("it is not refreshed: %v", err)
	}
	r.in("work", "ada")
	if !strings.Contains(r.page, "You can go back to Fob") {
		t.Error("the page after a good login")
	}

	if _, err := r.engine.Unpin(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	if s := r.in("work", "bob"); s.Account != "bob@example.com" || s.Expected != nil {
		t.Errorf("status %+v", s)
	}
	if r.asked.Has("login_hint") {
		t.Error("a hint without a pin")
	}
}

// A login that nobody had before the refused one leaves nothing behind, and no login is ended at the server.
func TestPinRefusesTheFirstLogin(t *testing.T) {
	r := twoPeople(t)
	p := r.profile("work")
	p.ExpectedSubject = "1" // by hand, without a name
	r.put(p)
	r.put(r.profile("play"))
	other := r.in("play", "bob")
	_, err := r.logIn("work")
	wantError(t, err, Failed, CodeOtherAccount)
	if !strings.Contains(err.Error(), "always account 1, and this was bob@example.com") {
		t.Errorf("said %v", err)
	}
	var said *Error
	if errors.As(err, &said); !strings.Contains(said.Remedy, "profile play holds that one") {
		t.Errorf("remedy %q", said.Remedy)
	}
	if s := r.status("work"); s.State != LoggedOut || s.Account != "" {
		t.Errorf("status %+v", s)
	}
	if _, err := r.store.Get(t.Context(), itemKey(p)); err == nil {
		t.Error("the keychain has something")
	}
	if !r.works(r.token("play").AccessToken) || other.Subject != "2" {
		t.Error("the login of the other profile has ended")
	}
	if s, err := r.engine.Refresh(t.Context(), "play"); err != nil || s.State != LoggedIn {
		t.Errorf("the other profile's login: %v", err)
	}
}

// Two accounts of one name are told apart by what identifies them.
func TestPinTellsNamesakesApart(t *testing.T) {
	r := twoPeople(t)
	r.in("work", "ada")
	r.pin("work")
	r.who = "twin"
	_, err := r.logIn("work")
	wantError(t, err, Failed, CodeOtherAccount)
	if !strings.Contains(err.Error(), "always ada@example.com (sub 1), and this was ada@example.com (sub 3)") {
		t.Errorf("said %v", err)
	}
	r.who = "nameless"
	_, err = r.logIn("work")
	wantError(t, err, Failed, CodeOtherAccount)
	if !strings.Contains(err.Error(), "nameless") { // preferred_username
		t.Errorf("said %v", err)
	}
	for _, c := range []struct {
		want, got who
		say       string
	}{
		{who{"i", "1", "ada"}, who{"j", "1", "ada"}, "always ada of i, and this was ada of j"},
		{who{"i", "1", ""}, who{"i", "2", ""}, "always account 1, and this was account 2"},
		{who{"i", "1", "ada"}, who{}, "this was an account that the server does not identify"},
		{who{"i", "1", strings.Repeat("a", 200)}, who{"i", "2", "bob"}, "always " + strings.Repeat("a", 99) + "…, and this was bob"},
	} {
		if said := (&otherAccount{want: c.want, got: c.got}).Error(); !strings.Contains(said, c.say) {
			t.Errorf("%q, want %q", said, c.say)
		}
		if c.want.is(c.got) {
			t.Errorf("%+v is %+v", c.want, c.got)
		}
	}
}

// A pin that is set while another account's token is kept: that token is handed out no more, until the pin is taken back.
func TestPinOfAnEditedProfile(t *testing.T) {
	r := twoPeople(t)
	r.in("work", "bob")
	token := r.token("work")
	p := r.profile("work")
	p.ExpectedSubject, p.ExpectedAccount = "1", "ada@example.com"
	r.put(p)
	_, err := r.engine.Token(t.Context(), "work", -1)
	wantError(t, err, LogInFirst, CodeOtherAccount)
	if s := r.status("work"); s.State != LoginRequired || s.Problem == nil || !strings.Contains(s.Problem.Sentence, "always ada@example.com, and the login kept is that of bob@example.com") {
		t.Errorf("status %+v, problem %+v", s, s.Problem)
	}
	r.reopen()
	if _, err := r.engine.Token(t.Context(), "work", -1); err == nil {
		t.Error("after a restart it is handed out")
	}
	p.ExpectedIssuer, p.ExpectedSubject = "https://other.example", "2"
	r.put(p)
	if _, err := r.engine.Token(t.Context(), "work", -1); err == nil {
		t.Error("the same sub of another issuer is handed out")
	}
	r.pin("work") // to whom it is
	if r.token("work").AccessToken != token.AccessToken {
		t.Error("the pin taken back, the login is gone")
	}
	r.who = "ada"
	if _, err := r.logIn("work"); err == nil {
		t.Error("it is pinned to bob")
	}
}

// A server without OpenID Connect identifies the account at its userinfo endpoint, by the member that it has for it.
func TestPinWithoutOpenID(t *testing.T) {
	who, down := "1", false
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down {
			http.Error(w, "no", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(`{"login":"octo` + who + `","id":9007199254740993` + who + `,"plan":{"owner":"p` + who + `"}}`))
	}))
	t.Cleanup(api.Close)
	for member, want := range map[string]string{"": "90071992547409931", "plan.owner": "p1"} {
		who, down = "1", false
		r := newRig(t, authserver.Options{})
		r.http = &http.Client{Transport: fork{api.URL, r.server.Transport()}}
		r.reopen()
		p := r.profile("work")
		p.Scope, p.UserinfoEndpoint, p.AccountIDMember = profiles.List{"offline_access", "api"}, api.URL+"/user", member
		r.put(p)
		r.login("work")
		if s, err := r.engine.Pin(t.Context(), "work"); err != nil || s.Subject != want {
			t.Fatalf("%s: %q, %v", member, s.Subject, err)
		}
		token := r.login("work") // pinned, and kept with the token
		r.reopen()
		if s := r.status("work"); s.State != LoggedIn || s.Account != "octo1" || !s.ObtainedAt.Equal(*token.ObtainedAt) {
			t.Errorf("status %+v", s)
		}
		who = "2"
		_, err := r.tryLogin("work")
		wantError(t, err, Failed, CodeOtherAccount)
		if !strings.Contains(err.Error(), "always octo1, and this was octo2") {
			t.Errorf("said %v", err)
		}
		down = true
		_, err = r.tryLogin("work")
		wantError(t, err, TryAgain, CodeServer)
		if _, err := r.engine.Refresh(t.Context(), "work"); err != nil {
			t.Errorf("%s: a refresh needs nobody to say who it is: %v", member, err)
		}
	}
}

// A pin asks the server with a token that it takes.
func TestPinWithATokenThatEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		p := r.profile("work")
		p.Scope = profiles.List{"offline_access", "api"}
		r.put(p)
		r.login("work")
		p.UserinfoEndpoint = r.server.Issuer() + "/userinfo"
		r.put(p)
		time.Sleep(time.Hour)
		_, err := r.engine.Pin(t.Context(), "work")
		if n := r.server.Stats().Refreshes; n != 1 {
			t.Errorf("%d refreshes before the server was asked: %v", n, err)
		}
	})
}

// Where the server says nothing that identifies the account, there is nothing to pin; a pinned profile takes nothing from there.
func TestPinOfNobody(t *testing.T) {
	r := newRig(t, authserver.Options{})
	p := r.profile("work")
	p.Scope = profiles.List{"offline_access", "api"}
	r.put(p)
	r.login("work")
	_, err := r.engine.Pin(t.Context(), "work")
	wantError(t, err, Failed, CodeNoAccount)
	p.ExpectedSubject = "1"
	r.put(p)
	_, err = r.tryLogin("work")
	wantError(t, err, Failed, CodeOtherAccount)
	if !strings.Contains(err.Error(), "an account that the server does not identify") {
		t.Errorf("said %v", err)
	}
}

// "Add another account": everything but the login and the account comes along, secrets included.
func TestAnother(t *testing.T) {
	r := twoPeople(t)
	p := r.profile("work")
	p.LoginHint, p.Color = "ada@example.com", "teal"
	if err := r.engine.PutProfile(t.Context(), p, map[string]string{"client_secret": "s"}, "", false); err != nil {
		t.Fatal(err)
	}
	p.TokenEndpointAuthMethod = "none"
	r.put(p)
	r.in("work", "ada")
	r.pin("work")
	name, err := r.engine.Another(t.Context(), "work", "")
	if err != nil || name != "work 2" {
		t.Fatalf("%q, %v", name, err)
	}
	copied, secrets, err := r.engine.Profile(t.Context(), name)
	if err != nil || len(secrets) != 1 || secrets[0] != "client_secret" {
		t.Fatalf("secrets %v, %v", secrets, err)
	}
	p.Name, p.LoginHint = name, ""
	if !copied.Equal(p) {
		t.Errorf("profile %+v", copied)
	}
	if s := r.status(name); s.State != LoggedOut || s.Expected != nil {
		t.Errorf("status %+v", s)
	}
	token := r.token("work")
	r.in(name, "bob")
	r.pin(name)
	if r.token("work").AccessToken != token.AccessToken || r.token(name).AccessToken == token.AccessToken {
		t.Error("two profiles share a login")
	}
	r.reopen()
	for profile, account := range map[string]string{"work": "ada@example.com", name: "bob@example.com"} {
		if s, err := r.engine.Refresh(t.Context(), profile); err != nil || s.Account != account {
			t.Errorf("%s: %+v, %v", profile, s, err)
		}
	}
	_, err = r.engine.Another(t.Context(), "work", name)
	wantError(t, err, Misused, CodeProfileExists)
}

// A login that chooses the account keeps the consent that the profile asks for, and asks for a login where that is all that the server can.
func TestChoosingTheAccount(t *testing.T) {
	for _, c := range []struct {
		profile, asked string
		supported      []string
		want           string
	}{
		{"", "select_account", nil, "select_account"}, {"consent", "select_account", nil, "select_account consent"},
		{"login", "select_account", nil, "select_account"}, {"consent", "login", nil, "login"},
		{"", "select_account", []string{"login", "consent"}, "login"}, {"consent", "select_account", []string{"login", "consent"}, "login consent"},
		{"", "select_account", []string{"none"}, "select_account"}, {"", "select_account", []string{"login", "select_account"}, "select_account"},
	} {
		one := &client{profile: profiles.Profile{Prompt: c.profile}, Client: &oauth.Client{Metadata: &oauth.Metadata{PromptValuesSupported: c.supported}}}
		if got := one.prompt(c.asked); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// A server that does not know the prompt refuses the request; what to do instead is said.
func TestServerThatCannotAskForTheAccount(t *testing.T) {
	r := twoPeople(t)
	browsed := make(chan error, 1)
	_, err := r.engine.Login(t.Context(), "work", LoginOptions{Prompt: "select_account", Timeout: profiles.Duration(time.Minute)}, func(ev LoginEvent) {
		u, err := url.Parse(ev.URL)
		if err != nil {
			browsed <- err
			return
		}
		answer := url.Values{"error": {"invalid_request"}, "error_description": {"unsupported prompt value requested"}, "state": {u.Query().Get("state")}, "iss": {issuer}}
		go func() { browsed <- visit(u.Query().Get("redirect_uri") + "?" + answer.Encode()) }()
	})
	if failed := <-browsed; failed != nil {
		t.Fatal(failed)
	}
	wantError(t, err, Failed, "invalid_request")
	var said *Error
	if errors.As(err, &said); !strings.Contains(said.Remedy, "fob login --prompt login work") {
		t.Errorf("remedy %q", said.Remedy)
	}
}
