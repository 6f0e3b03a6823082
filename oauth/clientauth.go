package oauth

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Methods of client authentication (RFC 7591 section 2, OpenID Connect Core
// section 9, RFC 8705 section 2).
const (
	AuthNone          = "none"
	AuthSecretBasic   = "client_secret_basic"
	AuthSecretPost    = "client_secret_post"
	AuthSecretJWT     = "client_secret_jwt"
	AuthPrivateKeyJWT = "private_key_jwt"
	AuthTLS           = "tls_client_auth"
	AuthSelfSignedTLS = "self_signed_tls_client_auth"
	AuthCustom        = "custom" // as Client.CustomAuth says
)

// CustomAuth is a client authentication that no specification knows: values
// to add, in which {client_id} and {client_secret} stand for the client's own.
type CustomAuth struct {
	// Query goes into the address, where proxies and logs see it: a secret
	// there is against RFC 6749 section 2.3.1, and only for servers that
	// know nothing else.
	Query, Body, Header map[string]string
}

// ChosenAuthMethod returns the method by which the client authenticates at
// the token endpoint, and why that one.
func (c *Client) ChosenAuthMethod() (method, why string) {
	var listed []string
	if c.Metadata != nil {
		listed = c.Metadata.TokenEndpointAuthMethodsSupported
	}
	return c.chooseAuth(listed)
}

func (c *Client) chooseAuth(listed []string) (method, why string) {
	switch {
	case c.AuthMethod != "":
		return c.AuthMethod, "chosen in the profile"
	case c.Secret == "":
		return AuthNone, "there is no client secret"
	case listed == nil:
		// RFC 8414 section 2: "If omitted, the default is client_secret_basic".
		return AuthSecretBasic, "the server lists no methods, and this is the default"
	case slices.Contains(listed, AuthSecretBasic):
		return AuthSecretBasic, "the server lists it"
	case slices.Contains(listed, AuthSecretPost):
		return AuthSecretPost, "the server lists it and not client_secret_basic"
	}
	return AuthSecretBasic, "there is a client secret, though the server lists only " +
		clean(strings.Join(listed, ", "), maxDescription)
}

// outgoing is a request on its way: what client authentication may add to.
type outgoing struct {
	endpoint *url.URL   // where it goes
	query    url.Values // added to the endpoint's own
	header   http.Header
	form     url.Values
}

// clientAuth adds the client's credentials to a request. It is the last to
// touch it, and exactly one is used (RFC 6749 section 2.3).
type clientAuth func(*outgoing) error

// authenticator returns how the client authenticates with a method.
func (c *Client) authenticator(method string) (clientAuth, error) {
	if c.ID == "" {
		return nil, requestError("the client id is missing")
	}
	switch method {
	case AuthSecretBasic, AuthSecretPost, AuthSecretJWT:
		if c.Secret == "" {
			return nil, requestError(method + " needs a client secret")
		}
	}
	switch method {
	case AuthNone:
		return c.authNone, nil
	case AuthSecretBasic:
		return c.authBasic, nil
	case AuthSecretPost:
		return c.authPost, nil
	}
	return nil, requestError("the client authentication method " + clean(method, maxCode) + " is not known")
}

// authNone: "a client MUST send its client_id" when it does not authenticate
// (RFC 6749 sections 3.2.1 and 4.1.3).
func (c *Client) authNone(o *outgoing) error {
	o.form.Set("client_id", c.ID)
	o.form.Del("client_secret")
	return nil
}

// authBasic: both halves are form-encoded before they are joined (RFC 6749
// section 2.3.1), or a colon in the id would shift the secret.
func (c *Client) authBasic(o *outgoing) error {
	o.form.Del("client_id")
	o.form.Del("client_secret")
	id, secret := url.QueryEscape(c.ID), url.QueryEscape(c.Secret.Reveal())
	if c.RawBasic {
		id, secret = c.ID, c.Secret.Reveal()
	}
	o.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(id+":"+secret)))
	return nil
}

func (c *Client) authPost(o *outgoing) error {
	o.form.Set("client_id", c.ID)
	o.form.Set("client_secret", c.Secret.Reveal())
	return nil
}
