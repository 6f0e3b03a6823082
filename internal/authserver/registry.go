package authserver

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// registry looks clients up for go-oidc.
type registry struct{ *Server }

var errNoRegistration = errors.New("clients cannot be registered here")

// SaveClient refuses: there is no registration.
func (registry) SaveClient(context.Context, *goidc.Client) error { return errNoRegistration }

// DeleteClient refuses: there is no registration.
func (registry) DeleteClient(context.Context, string) error { return errNoRegistration }

// Client returns a registered client. Redirect URIs of the request at hand that differ from a
// registered loopback URI in their port alone are added to it, because go-oidc compares exactly.
func (r registry) Client(ctx context.Context, id string) (*goidc.Client, error) {
	i := slices.IndexFunc(r.opts.Clients, func(c Client) bool { return c.ID == id })
	if i < 0 {
		return nil, goidc.ErrNotFound
	}
	c := r.opts.Clients[i].record()
	rec := requestOf(ctx)
	rec.client = c
	if rec.endpoint == endpointRevoke && c.TokenRevocationAuthnMethod != "" {
		// go-oidc keeps the method of each endpoint and asks for that of the token endpoint.
		c.TokenAuthnMethod = c.TokenRevocationAuthnMethod
	}
	c.GrantTypes = r.grantsOf(rec, c)
	c.RedirectURIs = withAnyPort(c.RedirectURIs, rec.param("redirect_uri"))
	c.PostLogoutRedirectURIs = withAnyPort(c.PostLogoutRedirectURIs, rec.form.Get("post_logout_redirect_uri"))
	return c, nil
}

// withAnyPort adds asked to the registered URIs if it is one of them but for the port of a
// loopback host (RFC 8252 section 7.3: "MUST allow any port").
func withAnyPort(registered []string, asked string) []string {
	u, err := url.Parse(asked)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Port() == "" {
		return registered
	}
	switch u.Hostname() {
	case "127.0.0.1", "::1", "localhost":
	default:
		return registered
	}
	portless := strings.Replace(asked, ":"+u.Port(), "", 1)
	if u.Hostname() == "::1" {
		portless = strings.Replace(asked, "]:"+u.Port(), "]", 1)
	}
	if !slices.Contains(registered, portless) {
		return registered
	}
	return append(slices.Clone(registered), asked)
}
