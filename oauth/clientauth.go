package oauth

import (
	"bytes"
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
	if c.AuthMethod != "" {
		return c.AuthMethod, "chosen in the profile"
	}
	can := c.authMethods()
	switch {
	case len(can) == 0:
		return AuthNone, "there is no client secret, private key or certificate"
	case listed == nil && c.Secret != "":
		// RFC 8414 section 2: "If omitted, the default is client_secret_basic".
		return AuthSecretBasic, "the server lists no methods, and this is the default"
	case listed == nil:
		return can[0].method, "the server lists no methods, and there is " + can[0].with + " and no client secret"
	}
	for _, m := range can {
		if !slices.Contains(listed, m.method) {
			continue
		}
		why = "there is " + m.with + ", and the server lists it"
		switch {
		// RFC 9700 section 2.5: "It is RECOMMENDED to use asymmetric
		// (public key based) methods for client authentication".
		case m.with == aSecret && slices.Contains(listed, AuthPrivateKeyJWT):
			why += "; a private key (private_key_jwt), which the server lists too, would be safer"
		case m.with == aSecret && slices.Contains(listed, AuthTLS):
			why += "; a certificate (tls_client_auth), which the server lists too, would be safer"
		case m.method == AuthSecretPost:
			why += " and not client_secret_basic"
		}
		return m.method, why
	}
	shown := clean(strings.Join(listed, ", "), maxDescription)
	if c.Secret != "" {
		return AuthSecretBasic, "there is a client secret, though the server lists only " + shown
	}
	if slices.Contains(listed, AuthNone) {
		return AuthNone, "the server lists it, and nothing that goes with " + can[0].with
	}
	return can[0].method, "there is " + can[0].with + ", though the server lists only " + shown
}

const aSecret = "a client secret"

// possible is a method that the client has what it takes for.
type possible struct{ method, with string }

// authMethods lists the methods the client can use, the best first: a key
// that never leaves (RFC 9700 section 2.5), then a secret.
func (c *Client) authMethods() []possible {
	var list []possible
	if c.PrivateKeys != nil {
		if _, err := c.PrivateKeys.signer(c.AuthSigningAlg, nil); err == nil {
			list = append(list, possible{AuthPrivateKeyJWT, "a private key"})
		}
	}
	if c.Certificate != nil {
		first, second := AuthTLS, AuthSelfSignedTLS
		if leaf := c.Certificate.Leaf; leaf != nil && bytes.Equal(leaf.RawIssuer, leaf.RawSubject) {
			first, second = second, first
		}
		list = append(list, possible{first, "a client certificate"}, possible{second, "a client certificate"})
	}
	if c.Secret != "" {
		list = append(list, possible{AuthSecretBasic, aSecret}, possible{AuthSecretPost, aSecret}, possible{AuthSecretJWT, aSecret})
	}
	return list
}

// outgoing is a request on its way: what client authentication may add to.
type outgoing struct {
	endpoint *url.URL   // where it goes
	query    url.Values // added to the endpoint's own
	header   http.Header
	form     url.Values

	certificate bool     // show Client.Certificate
	secrets     []string // in query and header, not to come back in an error
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
	case AuthSecretJWT:
		return c.authSecretJWT, nil
	case AuthPrivateKeyJWT:
		return c.authPrivateKeyJWT, nil
	case AuthTLS, AuthSelfSignedTLS:
		if c.Certificate == nil {
			return nil, requestError(method + " needs a client certificate; give tls_client_certificate and tls_client_key")
		}
		return c.authTLS, nil
	case AuthCustom:
		return c.authCustom, nil
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
