package authserver

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
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
	// TLS makes Start serve the issuer over https with a certificate of [RootCAs].
	TLS bool
	// MutualTLS adds a second address that asks for client certificates and is published as
	// mtls_endpoint_aliases (RFC 8705 section 5); with Start it includes TLS. Tokens of clients
	// with CertificateBoundTokens are bound to the certificate. tls_client_auth trusts
	// [RootCAs] alone, which issues [ClientCertificate]. A server made by New has the second
	// address in name: "mtls." before the issuer's host (see [Server.TransportWith]).
	MutualTLS bool
	// AuthMethods offers client authentication methods beyond those of Clients, for clients
	// that register themselves.
	AuthMethods []string
	// DPoP takes proofs of possession and binds tokens to their keys; nil ignores proofs.
	DPoP *DPoP
	// PAR offers pushed authorization requests.
	PAR *PAR
	// JAR takes request objects (RFC 9101).
	JAR *JAR
	// JARM offers the response modes jwt, query.jwt, fragment.jwt and form_post.jwt; see
	// Client.ResponseAlg.
	JARM bool
	// AuthorizationDetailsTypes are the types of rich authorization requests (RFC 9396) that are
	// known; nil ignores authorization_details.
	AuthorizationDetailsTypes []string
	// ClaimsParameter honours the claims parameter (OpenID Connect Core section 5.5).
	ClaimsParameter bool
	// ACRValues are the authentication contexts that a sign-in can reach, weakest first. A user
	// who is signed in by a weaker one than acr_values asks for signs in again.
	ACRValues []string
	// Device and CIBA say how those grants work, if some client may use them.
	Device Device
	CIBA   CIBA
	// TrustedIssuers are those whose assertions are taken.
	TrustedIssuers []TrustedIssuer
	// SAMLAssertions and CustomGrants are what those grants take.
	SAMLAssertions []SAMLAssertion
	CustomGrants   []CustomGrant
	// Introspection offers token introspection (RFC 7662, and RFC 9701 to those who accept
	// application/token-introspection+jwt) to every client that authenticates.
	Introspection bool
	// GrantTypes and ResponseTypes are offered beyond what Clients may use, for clients that
	// register themselves.
	GrantTypes, ResponseTypes []string
	// Registration lets clients register themselves; nil does not.
	Registration *Registration
	// ClientMetadataDocuments takes clients whose client_id is the URL of their metadata, https or
	// loopback http.
	ClientMetadataDocuments bool
	// HTTPClient fetches documents and keys of clients; nil is one that follows no redirects.
	HTTPClient *http.Client
	// Scopes can be asked for beyond openid, profile, email, offline_access and api. "admin" opens
	// the API's /api/admin.
	Scopes []string
	// ResourceMetadata publishes protected resource metadata (RFC 9728) and points to it in
	// challenges; ResourceServers are its authorization_servers, nil is this server.
	ResourceMetadata bool
	ResourceServers  []string
	// StrongMaxAge is how old a sign-in the API's /api/strong takes; 0 is any. That address is
	// there with ACRValues, and wants the last of them (RFC 9470).
	StrongMaxAge time.Duration
	// TokenQuery are parameters that the URI of every token request must have, and nothing else;
	// nil takes none (RFC 6749 section 3.2).
	TokenQuery url.Values
	// AutoApprove is the login name of a user for whom the authorization endpoint redirects at
	// once, without pages, unless the login_hint names another; "" shows the pages.
	AutoApprove string
	// State is the file that remembers keys and grants over a restart, mode 0600; "" keeps them
	// in memory. It holds hashes of refresh tokens, never the tokens.
	State string
	// Faults make the server misbehave, switchable at any time; nil is a set of its own, reached
	// through Server.Faults.
	Faults *Faults
}

// JAR says how the server takes request objects (RFC 9101), which are verified with Client.JWKS.
type JAR struct {
	// Required refuses authorization requests without one; see Client.RequireJAR.
	Required bool
	// Encrypted publishes keys to encrypt to, for RSA-OAEP-256 and ECDH-ES, and takes request
	// objects that are encrypted after they were signed.
	Encrypted bool
}

// User can sign in.
type User struct {
	// Login is the name typed on the login page, and the claim preferred_username.
	Login string
	// Code is the user_code of backchannel requests (CIBA), if the user has one.
	Code string
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
		if err := o.Clients[i].complete(o.scopeIDs()); err != nil {
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

// scopeIDs are the scopes that can be asked for.
func (o Options) scopeIDs() []string {
	var ids []string
	for _, s := range scopes {
		ids = append(ids, s.id)
	}
	return append(ids, o.Scopes...)
}

// user finds a user by login name.
func (o Options) user(login string) (User, bool) {
	i := slices.IndexFunc(o.Users, func(u User) bool { return u.Login == login })
	if i < 0 {
		return User{}, false
	}
	return o.Users[i], true
}

// named finds a user by subject or login name.
func (o Options) named(sub string) (User, bool) {
	if u, ok := o.bySub(sub); ok {
		return u, true
	}
	return o.user(sub)
}

// bySub finds a user by subject.
func (o Options) bySub(sub string) (User, bool) {
	i := slices.IndexFunc(o.Users, func(u User) bool { return u.Sub == sub })
	if i < 0 {
		return User{}, false
	}
	return o.Users[i], true
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
