package session

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"fob/oauth"
	"fob/profiles"
)

// client is the OAuth client of a profile, with what the profile keeps beside it.
type client struct {
	*oauth.Client
	profile profiles.Profile
	secrets secrets

	// What vouch has found out of a login's new token.
	vouched *oauth.Token
	who     who
}

// clientFor returns the client of a profile, with metadata that is at most maxAge old.
func (e *Engine) clientFor(ctx context.Context, p profiles.Profile, maxAge time.Duration) (*client, error) {
	return e.clientWith(ctx, p, func(c *client) (err error) {
		if err := c.complete(); err != nil {
			return err
		}
		c.Metadata, err = e.metadataFor(ctx, p, c.HTTP, maxAge)
		return err
	})
}

// clientWith returns the client of a profile; ask is for its metadata.
func (e *Engine) clientWith(ctx context.Context, p profiles.Profile, ask func(*client) error) (*client, error) {
	if problems := p.Validate(); len(problems) > 0 {
		return nil, &Error{Kind: Failed, Code: CodeProfileInvalid, Sentence: "profile " + p.Name + ": " + problems[0].Error(),
			Remedy: "edit the profile: fob profile edit " + quoteArg(p.Name)}
	}
	kept, err := e.readSecrets(ctx, p)
	if err != nil {
		return nil, err
	}
	c := &client{profile: p, secrets: kept, Client: &oauth.Client{Keys: &e.keys}}
	way, err := e.roadFor(p)
	if err != nil {
		return nil, profileMistake(p, "ca_certificate", err)
	}
	c.HTTP, c.Servers = way.http, way.servers
	if err := c.configure(); err != nil {
		return nil, err
	}
	if ask != nil {
		if err := ask(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// complete says what the grant and the client authentication need and nobody has given.
func (c *client) complete() error {
	problems := c.profile.ValidateSecrets(func(key string) bool { return c.secrets[key] != "" })
	if len(problems) == 0 {
		return nil
	}
	name := quoteArg(c.profile.Name)
	return &Error{Kind: Failed, Code: CodeNoSecret, Sentence: "profile " + c.profile.Name + ": " + problems[0].Error(),
		Remedy: "store it: fob profile set " + name + " " + problems[0].Key + "=@FILE (or " + problems[0].Key + "=- to read it from stdin)"}
}

// profileMistake is a field that cannot be used as it is.
func profileMistake(p profiles.Profile, key string, err error) error {
	return &Error{Kind: Failed, Code: CodeProfileInvalid, Sentence: "profile " + p.Name + ": " + key + ": " + err.Error(),
		Remedy: "mend it: fob profile set " + quoteArg(p.Name) + " " + key + "=…", cause: err}
}

// metadataFor is what the profile's server says of itself, with the endpoints of the profile in place of its own.
func (e *Engine) metadataFor(ctx context.Context, p profiles.Profile, hc *http.Client, maxAge time.Duration) (*oauth.Metadata, error) {
	var m oauth.Metadata
	if p.Issuer != "" && !endpointsGiven(p) {
		found, err := e.discover(ctx, hc, p.Issuer, p.MultiTenantIssuer, maxAge)
		if err != nil {
			return nil, err
		}
		m = *found
	}
	issuer := p.Issuer
	if p.MultiTenantIssuer && m.Issuer != "" {
		issuer = "" // the document's is the template that each id_token's is compared with
	}
	for _, field := range []struct {
		into  *string
		from  string
		alias string // among mtls_endpoint_aliases (RFC 8705 §5)
	}{
		{&m.Issuer, issuer, ""}, {&m.AuthorizationEndpoint, p.AuthorizationEndpoint, ""}, {&m.TokenEndpoint, p.TokenEndpoint, "token_endpoint"},
		{&m.RevocationEndpoint, p.RevocationEndpoint, "revocation_endpoint"}, {&m.IntrospectionEndpoint, p.IntrospectionEndpoint, "introspection_endpoint"},
		{&m.UserinfoEndpoint, p.UserinfoEndpoint, "userinfo_endpoint"}, {&m.EndSessionEndpoint, p.EndSessionEndpoint, ""}, {&m.JWKSURI, p.JWKSURI, ""},
		{&m.PushedAuthorizationRequestEndpoint, p.PushedAuthorizationRequestEndpoint, "pushed_authorization_request_endpoint"},
		{&m.DeviceAuthorizationEndpoint, p.DeviceAuthorizationEndpoint, "device_authorization_endpoint"},
		{&m.BackchannelAuthenticationEndpoint, p.BackchannelAuthenticationEndpoint, "backchannel_authentication_endpoint"},
		{&m.RegistrationEndpoint, p.RegistrationEndpoint, ""},
	} {
		if field.from == "" {
			continue
		}
		*field.into = field.from
		if m.MTLSEndpointAliases[field.alias] != "" { // the profile's word outranks the server's, for whoever shows a certificate too
			m.MTLSEndpointAliases = maps.Clone(m.MTLSEndpointAliases)
			delete(m.MTLSEndpointAliases, field.alias)
		}
	}
	return &m, nil
}

// endpointsGiven says that the profile names every endpoint that its grant needs, so that nobody has to be asked.
func endpointsGiven(p profiles.Profile) bool {
	if p.TokenEndpoint == "" {
		return false
	}
	switch p.Grant() {
	case profiles.GrantAuthorizationCode, profiles.GrantImplicit:
		return p.AuthorizationEndpoint != "" && (p.JWKSURI != "" || !p.OpenID())
	case profiles.GrantDeviceCode:
		return p.DeviceAuthorizationEndpoint != ""
	case profiles.GrantCIBA:
		return p.BackchannelAuthenticationEndpoint != "" && p.JWKSURI != ""
	}
	return true
}

// configure fills in the client from the profile and its secrets.
func (c *client) configure() error {
	p, o := c.profile, c.Client
	o.ID, o.Secret = p.ClientID, c.secrets.get("client_secret")
	o.AuthMethod, o.RevocationAuthMethod = p.TokenEndpointAuthMethod, p.RevocationEndpointAuthMethod
	o.AuthSigningAlg = p.TokenEndpointAuthSigningAlg
	o.AssertionAudience, o.AssertionLifetime = p.ClientAssertionAudience, time.Duration(p.ClientAssertionLifetime)
	o.RawBasic = p.ClientSecretBasicEncoding == "raw"
	o.CustomAuth = oauth.CustomAuth{Query: p.CustomAuthQuery, Body: p.CustomAuthBody, Header: p.CustomAuthHeaders}
	o.CertificateBound = p.TLSClientCertificateBoundAccessTokens
	o.DPoP, o.DPoPAlg, o.AllowBearer = p.DPoPBoundAccessTokens, p.DPoPSigningAlg, p.AllowBearerTokens
	o.Strict, o.TemplateIssuer = p.FAPIProfile != "", p.MultiTenantIssuer
	o.RefreshEndpoint = p.RefreshEndpoint
	o.TokenParams = values(p.TokenParams)
	o.Params, o.Headers = byKind(p.RequestParams), headersByKind(p.RequestHeaders)
	o.AllowHTTP, o.Timeout = p.AllowHTTP, time.Duration(p.RequestTimeout)
	o.IDTokenAlg, o.TrustedAudiences = p.IDTokenSignedResponseAlg, p.TrustedAudiences
	for _, t := range p.TokenTypes {
		if t == "none" {
			t = ""
		}
		o.BearerTypes = append(o.BearerTypes, t)
	}
	o.DeviceGrantType, o.DeviceCodeParam = p.DeviceGrantType, p.DeviceCodeParam
	o.RequirePAR, o.RequireSignedRequestObject = p.RequirePushedAuthorizationRequests, p.RequireSignedRequestObject
	o.RequestObjectSigningAlg = p.RequestObjectSigningAlg
	o.RequestObjectEncryptionAlg, o.RequestObjectEncryptionEnc = p.RequestObjectEncryptionAlg, p.RequestObjectEncryptionEnc
	o.BackchannelSigningAlg = p.BackchannelAuthenticationRequestSigningAlg
	o.AuthorizationSignedResponseAlg, o.UserInfoSignedResponseAlg = p.AuthorizationSignedResponseAlg, p.UserinfoSignedResponseAlg
	o.IDTokenEncryptionAlg, o.IDTokenEncryptionEnc = p.IDTokenEncryptedResponseAlg, p.IDTokenEncryptedResponseEnc
	o.IntrospectionSigningAlg = p.IntrospectionSignedResponseAlg
	if err := c.configureQuirks(); err != nil {
		return err
	}
	return c.configureKeys()
}

// configureQuirks turns the profile's quirks into the protocol's.
func (c *client) configureQuirks() error {
	if c.profile.Quirks == "" {
		return nil
	}
	q, err := c.profile.ServerQuirks()
	if err != nil {
		return profileMistake(c.profile, "quirks", err)
	}
	c.Quirks = &oauth.Quirks{
		TokenMethod: q.TokenMethod, ScopeSeparator: q.ScopeSeparator,
		TokenQuery: q.TokenQuery, RefreshQuery: q.RefreshQuery, APIQuery: q.APIQuery, RevokeQuery: q.RevokeQuery, IntrospectQuery: q.IntrospectQuery,
		ErrorMember: q.ErrorMember, ErrorDescriptionMember: q.ErrorDescriptionMember, NoNonce: q.NoNonce, NoRedirectURI: q.NoRedirectURI,
	}
	answer := func(a *profiles.Answer) (oauth.AnswerQuirk, error) {
		if a == nil {
			return oauth.AnswerQuirk{}, nil
		}
		out := oauth.AnswerQuirk{Form: a.Form, Rename: a.Rename}
		for name, text := range a.Defaults {
			var value any
			if err := json.Unmarshal(text, &value); err != nil {
				return out, profileMistake(c.profile, "quirks", err)
			}
			if out.Defaults == nil {
				out.Defaults = map[string]any{}
			}
			out.Defaults[name] = value
		}
		return out, nil
	}
	if c.Quirks.TokenAnswer, err = answer(q.TokenAnswer); err != nil {
		return err
	}
	if q.RefreshAnswer == nil {
		q.RefreshAnswer = q.TokenAnswer
	}
	c.Quirks.RefreshAnswer, err = answer(q.RefreshAnswer)
	return err
}

// configureKeys reads the private keys and the TLS certificate.
func (c *client) configureKeys() error {
	p := c.profile
	password := c.secrets.get("private_key_password")
	if key := c.secrets["private_key"]; key != "" {
		keys, err := oauth.ParsePrivateKeys([]byte(key), password)
		if err != nil {
			return profileMistake(p, "private_key", err)
		}
		c.PrivateKeys = keys.WithKeyID(p.PrivateKeyID)
	}
	key := c.secrets["tls_client_key"]
	if key == "" && p.TLSClientCertificate == "" {
		return nil
	}
	certificate, err := oauth.ParseCertificate([]byte(p.TLSClientCertificate), []byte(key), password)
	if err != nil {
		return profileMistake(p, "tls_client_key", err)
	}
	c.Certificate = certificate
	return nil
}

// byKind reads "KIND/NAME" parameters.
func byKind(p profiles.Parameters) map[oauth.RequestKind]url.Values {
	if len(p) == 0 {
		return nil
	}
	all := map[oauth.RequestKind]url.Values{}
	for name, value := range p {
		kind, name, _ := strings.Cut(name, "/")
		if all[oauth.RequestKind(kind)] == nil {
			all[oauth.RequestKind(kind)] = url.Values{}
		}
		all[oauth.RequestKind(kind)].Set(name, value)
	}
	return all
}

// headersByKind reads "NAME" and "KIND/NAME" headers.
func headersByKind(p profiles.Parameters) map[oauth.RequestKind]http.Header {
	if len(p) == 0 {
		return nil
	}
	all := map[oauth.RequestKind]http.Header{}
	for name, value := range p {
		kind, header, found := strings.Cut(name, "/")
		if !found {
			kind, header = "", name
		}
		if all[oauth.RequestKind(kind)] == nil {
			all[oauth.RequestKind(kind)] = http.Header{}
		}
		all[oauth.RequestKind(kind)].Set(header, value)
	}
	return all
}
