package authserver

import (
	"crypto/sha256"
	_ "embed" // for the pages
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

//go:embed pages/pages.html
var pagesHTML string

//go:embed pages/pages.css
var pagesCSS string

// templates are parsed when the first page is shown: the command line links this package and must
// not pay for it.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("pages").Parse(pagesHTML))
})

// page is what a template shows.
type page struct {
	Title  string
	Name   string // of the template that fills the page
	CSS    template.CSS
	Issuer string
	API    string

	Action  string // where the form goes
	Client  string
	Return  string // where the browser goes afterwards
	Alert   string
	Users   []User
	Typed   string // user name to start from
	User    User
	Scopes  []scopeChoice
	Targets []string
	Code    string // of an error
	Reason  string
}

// scopeChoice is a line of the consent page.
type scopeChoice struct {
	ID, Words string
	Fixed     bool
}

// styleSource allows our one style sheet, and nothing else that is inline.
var styleSource = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(pagesCSS))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
})

// formPostHandler is the script in go-oidc's form_post page, by its hash.
var formPostHandler = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte("javascript:document.forms[0].submit()"))
	return "'unsafe-hashes' 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
})

// armor sets the headers that every page carries.
func (s *Server) armor(h http.Header) {
	h.Set("Cache-Control", "no-store")
	// Under no-referrer a browser would send Origin: null with our own forms (Fetch section 3.2),
	// and one without Sec-Fetch-Site would then look like a foreign site.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	s.armorForm(h, "")
}

// armorForm says where the forms of a page may lead. Chromium holds the redirect after a form to
// form-action too, so the client's redirect URI must be in it or "Allow" does nothing.
func (s *Server) armorForm(h http.Header, redirect string) {
	actions := "'self'"
	if u, err := url.Parse(redirect); err == nil && u.Host != "" {
		source := u.Scheme + "://" + u.Host
		// CSP has no syntax for IPv6 addresses (CSP3 section 2.3.1, host-char), and Chromium
		// ignores such a source; the scheme is the narrowest that works.
		if strings.Contains(u.Host, "[") {
			source = u.Scheme + ":"
		}
		actions += " " + source
	} else if redirect == "" {
		// An error that goes back by form_post leaves before the client is known here.
		actions += " http: https:"
	}
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+styleSource()+"; script-src "+formPostHandler()+
		"; form-action "+actions+"; base-uri 'none'; frame-ancestors 'none'")
}

// render writes a page.
func (s *Server) render(w http.ResponseWriter, status int, p page) {
	p.CSS = template.CSS(pagesCSS) //nolint:gosec // our own
	p.Issuer, p.API = s.issuer, s.API()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := templates().ExecuteTemplate(w, "page", p); err != nil {
		s.counts.add(func(st *Stats) { st.LastError = err.Error() })
	}
}

// show writes the page of the step at which an authorization stands.
func (s *Server) show(w http.ResponseWriter, r *http.Request, as *goidc.AuthnSession, c *goidc.Client, alert string) (goidc.Status, error) {
	p := page{
		Action: s.base.Path + "/authorize/" + as.ID,
		Client: c.Name,
		Return: hostOf(as.RedirectURI),
		Alert:  alert,
	}
	if as.DeviceCode != "" {
		p.Action = s.base.Path + devicePath + "/" + as.ID
	}
	if as.Store[keyStep] == "consent" {
		p.Name, p.Title = "consent", "Allow "+c.Name+"?"
		p.User, _ = s.opts.user(asString(as.Store[keyLogin]))
		p.Scopes = choices(as.Scopes)
		p.Targets = slices.Clone([]string(as.Resources))
		if a := asString(as.Store[keyAudience]); a != "" {
			p.Targets = append(p.Targets, strings.Split(a, "\n")...)
		}
	} else {
		p.Name, p.Title = "login", "Sign in"
		p.Users = s.opts.Users
		p.Typed = as.LoginHint
		if typed := r.PostForm.Get("username"); typed != "" {
			p.Typed = typed
		}
	}
	s.render(w, http.StatusOK, p)
	return goidc.StatusPending, nil
}

// choices puts requested scopes into words.
func choices(requested string) []scopeChoice {
	var all []scopeChoice
	for _, id := range strings.Fields(requested) {
		c := scopeChoice{ID: id, Words: id, Fixed: id == "openid"}
		for _, known := range scopes {
			if known.id == id {
				c.Words = known.words
			}
		}
		all = append(all, c)
	}
	return all
}

func hostOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	return u.Host
}

// renderLogout asks whether to sign out.
func (s *Server) renderLogout(w http.ResponseWriter, ls *goidc.LogoutSession, u User) {
	s.render(w, http.StatusOK, page{Name: "logout", Title: "Sign out?", Action: s.base.Path + "/logout/" + ls.ID, User: u})
}

// loggedOut is shown after a sign-out that leads nowhere else.
func (s *Server) loggedOut(w http.ResponseWriter, _ *http.Request, _ *goidc.LogoutSession) error {
	s.render(w, http.StatusOK, page{Name: "done", Title: "Signed out"})
	return nil
}

// renderHome tells somebody who came without a client where they are.
func (s *Server) renderHome(a *answer) {
	s.armor(a.Header())
	s.render(a, http.StatusOK, page{Name: "home", Title: "Running"})
}

func (s *Server) renderNotFound(a *answer) {
	s.renderProblem(a, http.StatusNotFound, "not_found", "there is nothing at this address")
}

func (s *Server) renderProblem(w http.ResponseWriter, status int, code, reason string) {
	if a, ok := w.(*answer); ok {
		s.armor(a.Header())
	}
	s.render(w, status, page{Name: "problem", Title: "This request was refused", Code: code, Reason: reason})
}

// renderError shows an authorization error that must not be redirected, because it is not known
// where to (RFC 6749 section 4.1.2.1).
func (s *Server) renderError(w http.ResponseWriter, _ *http.Request, err error) error {
	status, code, reason := http.StatusInternalServerError, "server_error", "something went wrong here"
	var oidc goidc.Error
	if errors.As(err, &oidc) {
		status, code, reason = oidc.StatusCode(), string(oidc.Code), oidc.Description
		if inner := errors.Unwrap(oidc); inner != nil {
			reason = inner.Error()
		}
	}
	s.renderProblem(w, status, code, reason)
	return nil
}
