package authserver

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// registry looks clients up for go-oidc.
type registry struct{ *Server }

// SaveClient keeps a client that registered itself.
func (r registry) SaveClient(_ context.Context, c *goidc.Client) error {
	r.registered.set(*c)
	return nil
}

// DeleteClient forgets one.
func (r registry) DeleteClient(_ context.Context, id string) error {
	r.registered.drop(id)
	return nil
}

// find returns what is registered under an id, or its document, as a copy that can be changed.
func (r registry) find(ctx context.Context, id string) (*goidc.Client, error) {
	if i := slices.IndexFunc(r.opts.Clients, func(c Client) bool { return c.ID == id }); i >= 0 {
		return r.opts.Clients[i].record(), nil
	}
	c, ok := r.registered.get(id)
	if !ok {
		rec := requestOf(ctx)
		if rec.document != nil && rec.document.ID == id {
			c = *rec.document
		} else {
			found, err := r.documentClient(ctx, id)
			if err != nil {
				return nil, err
			}
			rec.document = found
			c = *found
		}
	}
	if requestOf(ctx).endpoint != endpointRegister { // what is registered is told as it is
		// go-oidc takes a native client's registered port for no port, and finds nothing.
		c.ApplicationType = goidc.ApplicationTypeWeb
	}
	return &c, nil
}

// Client returns a client. Redirect URIs of the request at hand that differ from a registered
// loopback URI in their port alone are added to it, because go-oidc compares exactly.
func (r registry) Client(ctx context.Context, id string) (*goidc.Client, error) {
	c, err := r.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if requestOf(ctx).endpoint == endpointRegister {
		return c, nil
	}
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
