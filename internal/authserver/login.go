package authserver

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// browsers are the people who signed in, by the cookie of their browser. They live in memory: a
// restart asks for the password again, tokens already handed out stay good.
type browsers struct {
	mu  sync.Mutex // guards all
	all map[string]*browser
}

// browser is one signed-in browser; it is replaced, never changed.
type browser struct {
	login    string
	at       time.Time
	acr      string              // how
	consents map[string][]string // scopes by client
}

func newBrowsers() *browsers { return &browsers{all: map[string]*browser{}} }

// browserLifetime ends a sign-in that nobody ended.
const browserLifetime = 12 * time.Hour

// get returns the browser with that cookie.
func (b *browsers) get(id string) (browser, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found, ok := b.all[id]
	if !ok || time.Since(found.at) > browserLifetime {
		delete(b.all, id)
		return browser{}, false
	}
	return *found, true
}

// set keeps a browser under that cookie and forgets those whose time is over.
func (b *browsers) set(id string, br browser) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for k, old := range b.all {
		if time.Since(old.at) > browserLifetime || len(b.all) >= maxSessions {
			delete(b.all, k)
		}
	}
	b.all[id] = &br
}

// drop forgets one browser.
func (b *browsers) drop(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.all, id)
}

// end signs a user out everywhere, or with "" everybody.
func (b *browsers) end(login string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, br := range b.all {
		if login == "" || br.login == login {
			delete(b.all, id)
		}
	}
}

// cookieName differs between issuers, because cookies do not tell ports apart and every demo and
// test server lives on 127.0.0.1.
func (s *Server) cookieName() string { return "fob_demo_" + hash(s.issuer)[:8] }

// signedIn returns who is signed in to the browser that sent r.
func (s *Server) signedIn(r *http.Request) (id string, br browser, u User, ok bool) {
	c, err := r.Cookie(s.cookieName())
	if err != nil {
		return "", browser{}, User{}, false
	}
	br, ok = s.browsers.get(c.Value)
	if !ok {
		return "", browser{}, User{}, false
	}
	u, ok = s.opts.user(br.login)
	return c.Value, br, u, ok
}

// signIn remembers a browser and gives it a cookie.
func (s *Server) signIn(w http.ResponseWriter, u User, acr string) browser {
	id, br := random(32), browser{login: u.Login, at: time.Now(), acr: acr, consents: map[string][]string{}}
	s.browsers.set(id, br)
	s.setCookie(w, id, 0)
	return br
}

func (s *Server) setCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(), Value: value, Path: s.base.Path + "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.base.Scheme == "https",
	})
}

// authenticate is go-oidc's policy: it is called for an authorization request that was found in
// order, and again for every form that the user sends.
func (s *Server) authenticate(w http.ResponseWriter, r *http.Request, as *goidc.AuthnSession, c *goidc.Client) (goidc.Status, error) {
	s.armorForm(w.Header(), as.RedirectURI)
	if as.Store == nil {
		as.Store = map[string]any{}
	}
	if r.PathValue("callback") == "" {
		return s.begin(w, r, as, c)
	}
	if r.Method != http.MethodPost {
		return s.show(w, r, as, c, "") // the page, reloaded
	}
	if r.PostForm.Get("cancel") != "" {
		return deny("access_denied", "the user said no")
	}
	switch as.Store[keyStep] {
	case "login":
		return s.submitLogin(w, r, as, c)
	case "consent":
		if r.PostForm.Get("switch") != "" {
			as.Store[keyStep] = "login"
			return s.show(w, r, as, c, "")
		}
		return s.submitConsent(r, as)
	}
	return deny("server_error", "this login is in no known state")
}

func deny(code, description string) (goidc.Status, error) {
	return goidc.StatusFailure, goidc.NewError(goidc.ErrorCode(code), description)
}

// begin decides what a new authorization request needs (OpenID Connect Core section 3.1.2.3).
func (s *Server) begin(w http.ResponseWriter, r *http.Request, as *goidc.AuthnSession, c *goidc.Client) (goidc.Status, error) {
	audience := requestOf(r.Context()).audiences()
	if pushed := asString(as.Store[keyAudience]); pushed != "" {
		audience = strings.Split(pushed, "\n")
	}
	for _, target := range as.Resources {
		if !s.opts.knownTarget(target, true) {
			return deny("invalid_target", "this resource is not known here")
		}
	}
	for _, target := range audience {
		if !s.opts.knownTarget(target, false) {
			return deny("invalid_target", "this audience is not known here")
		}
	}
	as.Store[keyAudience] = strings.Join(audience, "\n")
	if err := s.checkDetails(requestOf(r.Context()).form.Get("authorization_details")); err != nil {
		return deny("invalid_authorization_details", err.Error())
	}
	wanted := wantedACRs(as)

	if d := requestOf(r.Context()).decision; d != nil {
		if !d.allow {
			return deny("access_denied", "the user said no")
		}
		as.Store[keyACR] = s.reachedACR(wanted)
		return s.approve(as, d.user, time.Now(), as.Scopes)
	}
	if u, ok := s.opts.user(s.opts.AutoApprove); ok {
		if meant, err := s.hinted(as); err == nil && as.LoginHint != "" {
			u = meant
		}
		s.counts.add(func(st *Stats) { st.Logins++ })
		as.Store[keyACR] = s.reachedACR(wanted)
		return s.approve(as, u, time.Now(), as.Scopes)
	}
	_, br, u, ok := s.signedIn(r)
	if as.MaxAuthnAgeSecs != nil && time.Since(br.at) >= time.Duration(*as.MaxAuthnAgeSecs)*time.Second {
		ok = false
	}
	ok = ok && s.enoughACR(br.acr, wanted)
	switch as.Prompt {
	case goidc.PromptTypeNone:
		if !ok {
			return deny("login_required", "nobody is signed in")
		}
		if !br.consented(as) {
			return deny("consent_required", "the user has not agreed yet")
		}
	case goidc.PromptTypeLogin, goidc.PromptTypeSelectAccount:
		ok = false
	}
	if !ok {
		as.Store[keyStep] = "login"
		return s.show(w, r, as, c, "")
	}
	return s.continueAs(w, r, as, c, br, u)
}

// continueAs shows a known user the consent page. It comes at every login, also when the user
// agreed before: here one wants to see what happens, and to be somebody else for once. Only
// prompt=none passes it by.
func (s *Server) continueAs(w http.ResponseWriter, r *http.Request, as *goidc.AuthnSession, c *goidc.Client, br browser, u User) (goidc.Status, error) {
	as.Store[keyACR] = br.acr
	if as.Prompt == goidc.PromptTypeNone {
		return s.approve(as, u, br.at, as.Scopes)
	}
	as.Store[keyStep] = "consent"
	as.Store[keyLogin] = u.Login
	as.Store[keyAuthTime] = strconv.FormatInt(br.at.Unix(), 10)
	return s.show(w, r, as, c, "")
}

// consented reports whether the user agreed to all these scopes for this client before.
func (br browser) consented(as *goidc.AuthnSession) bool {
	agreed, ok := br.consents[as.ClientID]
	for _, scope := range strings.Fields(as.Scopes) {
		ok = ok && slices.Contains(agreed, scope)
	}
	return ok
}

// submitLogin looks at what came from the login page.
func (s *Server) submitLogin(w http.ResponseWriter, r *http.Request, as *goidc.AuthnSession, c *goidc.Client) (goidc.Status, error) {
	login := r.PostForm.Get("account")
	u, ok := s.opts.user(login)
	ok = ok && u.OneClick
	if login == "" {
		u, ok = s.opts.user(r.PostForm.Get("username"))
		ok = ok && subtle.ConstantTimeCompare([]byte(u.Password), []byte(r.PostForm.Get("password"))) == 1
	}
	if !ok {
		return s.show(w, r, as, c, "That user name and password do not go together.")
	}
	s.counts.add(func(st *Stats) { st.Logins++ })
	return s.continueAs(w, r, as, c, s.signIn(w, u, s.reachedACR(wantedACRs(as))), u)
}

// submitConsent grants the scopes that the user left ticked; openid cannot be unticked, because a
// login without it would not be one.
func (s *Server) submitConsent(r *http.Request, as *goidc.AuthnSession) (goidc.Status, error) {
	login, _ := as.Store[keyLogin].(string)
	u, ok := s.opts.user(login)
	at, err := strconv.ParseInt(asString(as.Store[keyAuthTime]), 10, 64)
	if !ok || err != nil {
		return deny("server_error", "the user of this login is not known")
	}
	var agreed []string
	for _, scope := range strings.Fields(as.Scopes) {
		if scope == "openid" || slices.Contains(r.PostForm["scope"], scope) {
			agreed = append(agreed, scope)
		}
	}
	if id, br, _, ok := s.signedIn(r); ok && br.login == login {
		consents := map[string][]string{as.ClientID: agreed}
		for k, v := range br.consents {
			if k != as.ClientID {
				consents[k] = v
			}
		}
		br.consents = consents
		s.browsers.set(id, br)
	}
	return s.approve(as, u, time.Unix(at, 0), strings.Join(agreed, " "))
}

func asString(v any) string {
	s, _ := v.(string)
	return s
}

// approve finishes an authorization.
func (s *Server) approve(as *goidc.AuthnSession, u User, at time.Time, scopes string) (goidc.Status, error) {
	as.Subject, as.Username = u.Sub, u.Login
	as.GrantedScopes = scopes
	as.GrantedAuthDetails = s.grantDetails(as.AuthDetails)
	as.Store[keyAuthTime] = strconv.FormatInt(at.Unix(), 10)
	return goidc.StatusSuccess, nil
}

// logOut ends the browser's session (OpenID Connect RP-Initiated Logout 1.0). Without an id_token
// that names the user, section 2 wants the user asked. Tokens are revoked at the revocation
// endpoint, not here.
func (s *Server) logOut(w http.ResponseWriter, r *http.Request, ls *goidc.LogoutSession) (goidc.Status, error) {
	s.armorForm(w.Header(), ls.PostLogoutRedirectURI)
	id, _, u, ok := s.signedIn(r)
	asked := r.Method == http.MethodPost && r.PathValue("callback") != ""
	if ok && !asked && ls.IDTokenHintClaims["sub"] != u.Sub {
		s.renderLogout(w, ls, u)
		return goidc.StatusPending, nil
	}
	s.browsers.drop(id)
	s.setCookie(w, "", -1)
	return goidc.StatusSuccess, nil
}
