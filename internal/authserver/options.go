package authserver

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// Options say what a server offers and to whom. The zero value is the demo.
type Options struct {
	// Addr is where Start listens; "" is 127.0.0.1:0.
	Addr string
	// Issuer is the issuer identifier; "" lets Start derive it from the address. New demands it.
	Issuer string
	// IssuerPath is appended to the issuer that Start derives, such as "/tenant", to test
	// discovery for issuers with a path (RFC 8414 section 3.1).
	IssuerPath string
	// Clients are the registered clients; nil registers DemoClient alone.
	Clients []Client
	// Users can sign in; nil is the demo's two accounts.
	Users []User
	// AccessTokenTTL, RefreshTokenTTL and IDTokenTTL are lifetimes in whole seconds, rounded up.
	// Defaults: 5 minutes, so that one sees a refresh happen; 30 days since the last refresh;
	// 5 minutes.
	AccessTokenTTL, RefreshTokenTTL, IDTokenTTL time.Duration
	// RotationGrace is how long a refresh token that was already exchanged may be exchanged again
	// for a fresh successor, because the answer may have been lost. Later use revokes the whole
	// family. 0 is 10 s; a negative value grants nothing.
	RotationGrace time.Duration
	// NoRotation keeps one refresh token for the whole life of a grant.
	NoRotation bool
	// OpaqueTokens hands out random access tokens instead of JWTs (RFC 9068). They are not kept
	// in the state file.
	OpaqueTokens bool
	// Resources are the resource indicators (RFC 8707) and audiences that are known; any other
	// is answered with invalid_target. nil knows every absolute URI and every audience.
	Resources []string
	// AutoApprove is the login name of a user for whom the authorization endpoint redirects at
	// once, without pages; "" shows the pages.
	AutoApprove string
	// State is the file that remembers keys and grants over a restart, mode 0600; "" keeps them
	// in memory. It holds hashes of refresh tokens, never the tokens.
	State string
	// Faults make the server misbehave, switchable at any time; nil is a set of its own, reached
	// through Server.Faults.
	Faults *Faults
}

// Client is a registered client.
type Client struct {
	// ID is the client_id. One that authenticates with client_secret_basic may not hold a colon,
	// which go-oidc could not tell from the separator.
	ID string
	// Name is shown on the consent page; "" shows the ID.
	Name string
	// Secret makes the client a confidential one; "" is a public client.
	Secret string
	// AuthMethod is none, client_secret_basic or client_secret_post; "" is none without and
	// client_secret_basic with a secret.
	AuthMethod string
	// RedirectURIs are compared exactly, but for the port of an http URI on 127.0.0.1, [::1] or
	// localhost that is registered without one (RFC 8252 section 7.3).
	RedirectURIs []string
	// PostLogoutRedirectURIs are compared as RedirectURIs are.
	PostLogoutRedirectURIs []string
	// Scopes may be asked for; nil allows all of openid, profile, email, offline_access, api.
	Scopes []string
	// NoRefresh withholds refresh tokens.
	NoRefresh bool
	// IDTokenAlg signs the client's id_tokens: ES256 (also "") or RS256. An RSA key is made, and
	// published, only if some client wants one.
	IDTokenAlg string
}

// User can sign in.
type User struct {
	// Login is the name typed on the login page, and the claim preferred_username.
	Login string
	// Password is compared exactly.
	Password string
	// Sub, Name and Email are claims; Sub and Name "" are the login name.
	Sub, Name, Email string
	// OneClick lets anybody choose this user on the login page without typing the password,
	// which the page also shows. Only for accounts that guard nothing.
	OneClick bool
}

// DemoClientID is the client that the demo registers.
const DemoClientID = "fob-demo"

// DemoClient returns the demo's public client: any loopback port, path /callback, code with PKCE
// and refresh.
func DemoClient() Client {
	return Client{
		ID:           DemoClientID,
		Name:         "Fob on this computer",
		RedirectURIs: []string{"http://127.0.0.1/callback", "http://[::1]/callback", "http://localhost/callback"},
	}
}

// DemoUsers returns the demo's accounts.
func DemoUsers() []User {
	return []User{
		{Login: "ada", Password: "engine", Sub: "demo-ada", Name: "Ada Lovelace", Email: "ada@demo.example", OneClick: true},
		{Login: "grace", Password: "compiler", Sub: "demo-grace", Name: "Grace Hopper", Email: "grace@demo.example", OneClick: true},
	}
}

const (
	// 5 minutes: short enough that a first-time user watches one refresh, long enough to paste
	// a token somewhere.
	defaultAccessTTL  = 5 * time.Minute
	defaultRefreshTTL = 30 * 24 * time.Hour
	// 10 s covers a client that repeats a lost request at once; real servers grant 5 to 60 s.
	defaultGrace = 10 * time.Second
)

// scopes are what can be asked for, and how the consent page says it.
var scopes = []struct{ id, words string }{
	{"openid", "Know who you are: a name tag that stays the same at every login"},
	{"profile", "Read your name and user name"},
	{"email", "Read your e-mail address"},
	{"offline_access", "Stay logged in while you are away"},
	{"api", "Call the demo API in your name"},
}

// complete returns the options with every default filled in.
func (o Options) complete() (Options, error) {
	if o.Clients == nil {
		o.Clients = []Client{DemoClient()}
	}
	if o.Users == nil {
		o.Users = DemoUsers()
	}
	o.Clients, o.Users = slices.Clone(o.Clients), slices.Clone(o.Users)
	setDefault(&o.AccessTokenTTL, defaultAccessTTL)
	setDefault(&o.RefreshTokenTTL, defaultRefreshTTL)
	setDefault(&o.IDTokenTTL, defaultAccessTTL)
	setDefault(&o.RotationGrace, defaultGrace)
	for i := range o.Users {
		if o.Users[i].Sub == "" {
			o.Users[i].Sub = o.Users[i].Login
		}
		if o.Users[i].Name == "" {
			o.Users[i].Name = o.Users[i].Login
		}
	}
	for i := range o.Clients {
		if err := o.Clients[i].complete(); err != nil {
			return o, err
		}
	}
	if _, ok := o.user(o.AutoApprove); !ok && o.AutoApprove != "" {
		return o, fmt.Errorf("auto-approved user %q does not exist", o.AutoApprove)
	}
	return o, nil
}

func setDefault(d *time.Duration, def time.Duration) {
	if *d == 0 {
		*d = def
	}
}

// complete fills a client's defaults and refuses what could not work.
func (c *Client) complete() error {
	if c.Name == "" {
		c.Name = c.ID
	}
	if c.AuthMethod == "" {
		c.AuthMethod = string(goidc.AuthnMethodNone)
		if c.Secret != "" {
			c.AuthMethod = string(goidc.AuthnMethodSecretBasic)
		}
	}
	if c.IDTokenAlg == "" {
		c.IDTokenAlg = string(goidc.ES256)
	}
	if c.Scopes == nil {
		for _, s := range scopes {
			c.Scopes = append(c.Scopes, s.id)
		}
	}
	switch goidc.AuthnMethod(c.AuthMethod) {
	case goidc.AuthnMethodNone, goidc.AuthnMethodSecretPost:
	case goidc.AuthnMethodSecretBasic:
		if strings.Contains(c.ID, ":") {
			return fmt.Errorf("client %q: a colon in the id does not go with client_secret_basic here", c.ID)
		}
	default:
		return fmt.Errorf("client %q: authentication method %q is not offered", c.ID, c.AuthMethod)
	}
	if (c.Secret == "") != (c.AuthMethod == string(goidc.AuthnMethodNone)) {
		return fmt.Errorf("client %q: a secret and the method %q contradict each other", c.ID, c.AuthMethod)
	}
	if c.IDTokenAlg != string(goidc.ES256) && c.IDTokenAlg != string(goidc.RS256) {
		return fmt.Errorf("client %q: id_tokens cannot be signed with %q", c.ID, c.IDTokenAlg)
	}
	return nil
}

// user finds a user by login name.
func (o Options) user(login string) (User, bool) {
	i := slices.IndexFunc(o.Users, func(u User) bool { return u.Login == login })
	if i < 0 {
		return User{}, false
	}
	return o.Users[i], true
}

// bySub finds a user by subject.
func (o Options) bySub(sub string) (User, bool) {
	i := slices.IndexFunc(o.Users, func(u User) bool { return u.Sub == sub })
	if i < 0 {
		return User{}, false
	}
	return o.Users[i], true
}

// wantsRSA reports whether some client's id_tokens are signed with RS256.
func (o Options) wantsRSA() bool {
	return slices.ContainsFunc(o.Clients, func(c Client) bool { return c.IDTokenAlg == string(goidc.RS256) })
}

// knownTarget reports whether tokens may be asked for that resource or audience.
func (o Options) knownTarget(target string, isResource bool) bool {
	if o.Resources != nil {
		return slices.Contains(o.Resources, target)
	}
	if !isResource {
		return target != ""
	}
	u, err := url.Parse(target)
	// RFC 8707 section 2: an absolute URI without a fragment component.
	return err == nil && u.IsAbs() && !strings.Contains(target, "#")
}

// seconds rounds a lifetime up to the whole seconds that go-oidc counts in.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
