package oauth

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// ClientMetadata is what a client says about itself, and what the server
// settles on: in a registration (RFC 7591 section 2, OpenID Connect Dynamic
// Client Registration section 2 and the registry they opened) and in a client
// ID metadata document. It marshals under the registered names; a nil or empty
// member is not sent. What has no field here goes through Extra, names with a
// language tag ("client_name#fr") included.
type ClientMetadata struct {
	RedirectURIs           []string
	PostLogoutRedirectURIs []string
	RequestURIs            []string
	GrantTypes             []string
	ResponseTypes          []string
	Contacts               []string
	DefaultACRValues       []string
	AuthorizationDetails   []string // authorization_details_types
	Scope                  []string // sent as one string

	ClientName        string
	ClientURI         string
	LogoURI           string
	TOSURI            string
	PolicyURI         string
	ApplicationType   string // "native" or "web"
	SoftwareID        string
	SoftwareVersion   string
	SoftwareStatement string // a signed JWT (RFC 7591 section 2.3)
	InitiateLoginURI  string
	SubjectType       string
	SectorIdentifier  string // sector_identifier_uri
	JWKSURI           string
	JWKS              map[string]any // public keys only

	TokenEndpointAuthMethod     string
	TokenEndpointAuthSigningAlg string
	IDTokenSigningAlg           string
	IDTokenEncryptionAlg        string
	IDTokenEncryptionEnc        string
	UserinfoSigningAlg          string
	UserinfoEncryptionAlg       string
	UserinfoEncryptionEnc       string
	RequestObjectSigningAlg     string
	RequestObjectEncryptionAlg  string
	RequestObjectEncryptionEnc  string
	AuthorizationSigningAlg     string
	AuthorizationEncryptionAlg  string
	AuthorizationEncryptionEnc  string
	IntrospectionSigningAlg     string
	TLSClientAuthSubjectDN      string
	BackchannelDeliveryMode     string // backchannel_token_delivery_mode
	BackchannelSigningAlg       string // backchannel_authentication_request_signing_alg

	RequireAuthTime                    bool
	RequirePushedAuthorizationRequests bool
	RequireSignedRequestObject         bool
	DPoPBoundAccessTokens              bool
	CertificateBoundAccessTokens       bool // tls_client_certificate_bound_access_tokens

	// Extra holds the members that have no field here.
	Extra map[string]any
}

const (
	memberScope = "scope"
	memberJWKS  = "jwks"
)

// members lists the fields but Scope and JWKS, which are of types of their own.
func (c *ClientMetadata) members() []member {
	str := func(name string, p *string) member { return member{name: name, str: p} }
	list := func(name string, p *[]string) member { return member{name: name, list: p} }
	flag := func(name string, p *bool) member { return member{name: name, flag: p} }
	return []member{
		list("redirect_uris", &c.RedirectURIs),
		list("post_logout_redirect_uris", &c.PostLogoutRedirectURIs),
		list("request_uris", &c.RequestURIs),
		list("grant_types", &c.GrantTypes),
		list("response_types", &c.ResponseTypes),
		list("contacts", &c.Contacts),
		list("default_acr_values", &c.DefaultACRValues),
		list("authorization_details_types", &c.AuthorizationDetails),
		str("client_name", &c.ClientName),
		str("client_uri", &c.ClientURI),
		str("logo_uri", &c.LogoURI),
		str("tos_uri", &c.TOSURI),
		str("policy_uri", &c.PolicyURI),
		str("application_type", &c.ApplicationType),
		str("software_id", &c.SoftwareID),
		str("software_version", &c.SoftwareVersion),
		str("software_statement", &c.SoftwareStatement),
		str("initiate_login_uri", &c.InitiateLoginURI),
		str("subject_type", &c.SubjectType),
		str("sector_identifier_uri", &c.SectorIdentifier),
		str("jwks_uri", &c.JWKSURI),
		str("token_endpoint_auth_method", &c.TokenEndpointAuthMethod),
		str("token_endpoint_auth_signing_alg", &c.TokenEndpointAuthSigningAlg),
		str("id_token_signed_response_alg", &c.IDTokenSigningAlg),
		str("id_token_encrypted_response_alg", &c.IDTokenEncryptionAlg),
		str("id_token_encrypted_response_enc", &c.IDTokenEncryptionEnc),
		str("userinfo_signed_response_alg", &c.UserinfoSigningAlg),
		str("userinfo_encrypted_response_alg", &c.UserinfoEncryptionAlg),
		str("userinfo_encrypted_response_enc", &c.UserinfoEncryptionEnc),
		str("request_object_signing_alg", &c.RequestObjectSigningAlg),
		str("request_object_encryption_alg", &c.RequestObjectEncryptionAlg),
		str("request_object_encryption_enc", &c.RequestObjectEncryptionEnc),
		str("authorization_signed_response_alg", &c.AuthorizationSigningAlg),
		str("authorization_encrypted_response_alg", &c.AuthorizationEncryptionAlg),
		str("authorization_encrypted_response_enc", &c.AuthorizationEncryptionEnc),
		str("introspection_signed_response_alg", &c.IntrospectionSigningAlg),
		str("tls_client_auth_subject_dn", &c.TLSClientAuthSubjectDN),
		str("backchannel_token_delivery_mode", &c.BackchannelDeliveryMode),
		str("backchannel_authentication_request_signing_alg", &c.BackchannelSigningAlg),
		flag("require_auth_time", &c.RequireAuthTime),
		flag("require_pushed_authorization_requests", &c.RequirePushedAuthorizationRequests),
		flag("require_signed_request_object", &c.RequireSignedRequestObject),
		flag("dpop_bound_access_tokens", &c.DPoPBoundAccessTokens),
		flag("tls_client_certificate_bound_access_tokens", &c.CertificateBoundAccessTokens),
	}
}

// MarshalJSON writes the members under their registered names, Extra included.
func (c ClientMetadata) MarshalJSON() ([]byte, error) { return json.Marshal(c.object()) }

func (c ClientMetadata) object() map[string]any {
	obj := writeMembers(c.members(), c.Extra)
	for _, f := range c.members() {
		if f.list != nil && *f.list != nil && len(*f.list) == 0 {
			delete(obj, f.name) // a server would take it for "none at all"
		}
	}
	if len(c.Scope) > 0 {
		obj[memberScope] = strings.Join(c.Scope, " ")
	}
	if len(c.JWKS) > 0 {
		obj[memberJWKS] = c.JWKS
	}
	return obj
}

// UnmarshalJSON reads the members of a JSON object. One of the wrong type is
// refused, one that is unknown is kept.
func (c *ClientMetadata) UnmarshalJSON(data []byte) error {
	obj, err := decodeObject(data)
	if err != nil {
		return err
	}
	var read ClientMetadata
	if err := read.take(obj); err != nil {
		return err
	}
	*c = read
	return nil
}

// take moves what obj says over what was there, the rest into Extra.
func (c *ClientMetadata) take(obj map[string]any) error {
	if err := readMembers(obj, c.members(), ErrClientMetadata); err != nil {
		return err
	}
	switch v := obj[memberScope].(type) {
	case nil:
	case string:
		c.Scope = strings.Fields(v)
	case []any: // seen in the field
		if c.Scope = texts(v); len(c.Scope) != len(v) {
			return fmt.Errorf("%w: scope has the wrong type", ErrClientMetadata)
		}
	default:
		return fmt.Errorf("%w: scope has the wrong type", ErrClientMetadata)
	}
	delete(obj, memberScope)
	if v, found := obj[memberJWKS]; found && v != nil {
		set, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("%w: jwks has the wrong type", ErrClientMetadata)
		}
		c.JWKS = set
	}
	delete(obj, memberJWKS)
	if len(obj) == 0 {
		return nil
	}
	extra := make(map[string]any, len(c.Extra)+len(obj))
	for name, v := range c.Extra {
		extra[name] = v
	}
	for name, v := range obj {
		extra[name] = v
	}
	c.Extra = extra
	return nil
}

// NativeClient returns what a native app registers as at a server (RFC 8252
// section 8.4, RFC 7591 section 2): public, with the loopback redirect URIs of
// redirectURI in both spellings. Change it as needed before it is sent. A
// redirectURI with port 0 is registered without a port: servers that keep to
// RFC 8252 section 7.3 then take any. A nil m means that nothing is known of
// the server.
func NativeClient(m *Metadata, name, redirectURI string, scope []string) ClientMetadata {
	c := ClientMetadata{
		ClientName: name, ApplicationType: "native", Scope: scope, RedirectURIs: LoopbackTwins(redirectURI),
		TokenEndpointAuthMethod: AuthNone,
		GrantTypes:              []string{"authorization_code"}, ResponseTypes: []string{"code"},
	}
	if m == nil {
		m = new(Metadata)
	}
	if allows(m.GrantTypesSupported, "refresh_token") {
		c.GrantTypes = append(c.GrantTypes, "refresh_token")
	}
	// A server that lists methods and not none registers no public clients.
	if listed := m.TokenEndpointAuthMethodsSupported; !allows(listed, AuthNone) {
		for _, method := range [...]string{AuthSecretBasic, AuthSecretPost} {
			if slices.Contains(listed, method) {
				c.TokenEndpointAuthMethod = method
				break
			}
		}
	}
	return c
}

// LoopbackTwins returns a redirect URI and, when it is one on loopback, its
// twin: some servers compare the host as text, some listeners are on one and
// some browsers go to the other. Port 0 is left out.
func LoopbackTwins(redirectURI string) []string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme != "http" || !loopback(u) {
		return []string{redirectURI}
	}
	port := u.Port()
	with := func(host string) string {
		v := *u
		v.Host = host
		if port != "" && port != "0" {
			v.Host = net.JoinHostPort(host, port)
		}
		return v.String()
	}
	switch host := strings.ToLower(u.Hostname()); host {
	case "127.0.0.1":
		return []string{with(host), with("localhost")}
	case "localhost":
		return []string{with(host), with("127.0.0.1")}
	}
	return []string{redirectURI}
}

// RegistersRedirect reports whether a redirect URI is among those registered:
// by simple string comparison (RFC 9700 section 2.1), but for the port of a
// loopback address (RFC 8252 section 7.3).
func (c *ClientMetadata) RegistersRedirect(redirectURI string) bool {
	for _, have := range c.RedirectURIs {
		if have == redirectURI || sameButPort(have, redirectURI) {
			return true
		}
	}
	return false
}

func sameButPort(a, b string) bool {
	u, err := url.Parse(a)
	v, err2 := url.Parse(b)
	if err != nil || err2 != nil || u.Scheme != "http" || !loopback(u) || !strings.EqualFold(u.Hostname(), v.Hostname()) {
		return false
	}
	u.Host, v.Host = "", ""
	return u.String() == v.String()
}
