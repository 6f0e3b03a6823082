// Package profiles knows what the user configured: which authorization server, which client, which scopes, and how to
// log in there. It never holds a secret: client secrets and tokens rest in the keychain.
package profiles

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"
)

// Profile is one login a developer keeps. Its JSON members are the registered names of RFC 6749, 7591 and 8414 where
// one exists; the same names are used by `fob profile --set`, the window and the documentation. The zero value of a
// field is its default. Every field is described once, in the table behind [Fields].
type Profile struct {
	Name        string `json:"name"`
	Environment string `json:"environment,omitempty"`
	Color       string `json:"color,omitempty"` // a name of [Palette] or #rrggbb

	// Which authorization server. An issuer is discovered (OIDC Discovery, RFC 8414); an endpoint given here wins over
	// the discovered one.
	Issuer                             string `json:"issuer,omitempty"`
	MultiTenantIssuer                  bool   `json:"multi_tenant_issuer,omitempty"`
	AuthorizationEndpoint              string `json:"authorization_endpoint,omitempty"`
	TokenEndpoint                      string `json:"token_endpoint,omitempty"`
	RefreshEndpoint                    string `json:"refresh_endpoint,omitempty"` // "" is the token endpoint
	RevocationEndpoint                 string `json:"revocation_endpoint,omitempty"`
	IntrospectionEndpoint              string `json:"introspection_endpoint,omitempty"`
	UserinfoEndpoint                   string `json:"userinfo_endpoint,omitempty"`
	EndSessionEndpoint                 string `json:"end_session_endpoint,omitempty"`
	JWKSURI                            string `json:"jwks_uri,omitempty"`
	PushedAuthorizationRequestEndpoint string `json:"pushed_authorization_request_endpoint,omitempty"`
	DeviceAuthorizationEndpoint        string `json:"device_authorization_endpoint,omitempty"`
	BackchannelAuthenticationEndpoint  string `json:"backchannel_authentication_endpoint,omitempty"`
	RegistrationEndpoint               string `json:"registration_endpoint,omitempty"`
	TemporaryCredentialEndpoint        string `json:"temporary_credential_endpoint,omitempty"` // OAuth 1.0a

	// Which client, and how it proves itself.
	ClientID                     string     `json:"client_id,omitempty"`
	TokenEndpointAuthMethod      string     `json:"token_endpoint_auth_method,omitempty"` // "" lets Fob choose from what the server and the profile have
	TokenEndpointAuthSigningAlg  string     `json:"token_endpoint_auth_signing_alg,omitempty"`
	ClientName                   string     `json:"client_name,omitempty"`
	RevocationEndpointAuthMethod string     `json:"revocation_endpoint_auth_method,omitempty"` // "" is the token endpoint's
	ClientSecretBasicEncoding    string     `json:"client_secret_basic_encoding,omitempty"`    // "" is form
	ClientSecretExpiresAt        *int       `json:"client_secret_expires_at,omitempty"`        // Unix seconds; 0 is never
	ClientAssertionAudience      string     `json:"client_assertion_audience,omitempty"`       // "" is issuer
	ClientAssertionLifetime      Duration   `json:"client_assertion_lifetime,omitempty"`       // 0 is DefaultClientAssertionLifetime
	PrivateKeyID                 string     `json:"private_key_id,omitempty"`
	TLSClientCertificate         string     `json:"tls_client_certificate,omitempty"` // PEM, without its key
	CustomAuthQuery              Parameters `json:"custom_auth_query,omitempty"`
	CustomAuthBody               Parameters `json:"custom_auth_body,omitempty"`
	CustomAuthHeaders            Parameters `json:"custom_auth_headers,omitempty"`

	// What to ask for.
	GrantType            string     `json:"grant_type,omitempty"` // "" is authorization_code; see Grant
	Scope                List       `json:"scope,omitempty"`
	Username             string     `json:"username,omitempty"`
	ExtraScopeToConsent  List       `json:"extra_scope_to_consent,omitempty"`
	Audience             string     `json:"audience,omitempty"`
	Resource             List       `json:"resource,omitempty"`
	AuthorizationDetails string     `json:"authorization_details,omitempty"` // JSON: an array
	ResponseType         string     `json:"response_type,omitempty"`         // "" is the grant's own; see Response
	ResponseMode         string     `json:"response_mode,omitempty"`
	Prompt               string     `json:"prompt,omitempty"`
	LoginHint            string     `json:"login_hint,omitempty"`
	IDTokenHint          string     `json:"id_token_hint,omitempty"` // "" or "last"
	MaxAge               *int       `json:"max_age,omitempty"`       // seconds; nil asks for none, 0 asks for a fresh login
	ACRValues            List       `json:"acr_values,omitempty"`
	Claims               string     `json:"claims,omitempty"` // JSON: an object
	Display              string     `json:"display,omitempty"`
	UILocales            List       `json:"ui_locales,omitempty"`
	CodeChallengeMethod  string     `json:"code_challenge_method,omitempty"` // "" is S256; "none" sends no PKCE
	AuthorizeParams      Parameters `json:"authorize_params,omitempty"`      // an empty value leaves the parameter out
	TokenParams          Parameters `json:"token_params,omitempty"`          // an empty value leaves the parameter out
	RequestParams        Parameters `json:"request_params,omitempty"`        // KIND/NAME; an empty value leaves the parameter out
	RequestHeaders       Parameters `json:"request_headers,omitempty"`       // NAME or KIND/NAME
	FAPIProfile          string     `json:"fapi_profile,omitempty"`          // "" or "fapi2"

	// Whose login it is; see Pinned.
	ExpectedSubject string `json:"expected_subject,omitempty"`
	ExpectedIssuer  string `json:"expected_issuer,omitempty"`   // "" is the profile's own
	ExpectedAccount string `json:"expected_account,omitempty"`  // its name, for people
	AccountIDMember string `json:"account_id_member,omitempty"` // "" is sub or what providers have instead

	// A JWT bearer assertion made from the private key.
	AssertionIssuer     string   `json:"assertion_issuer,omitempty"`  // "" is the client ID
	AssertionSubject    string   `json:"assertion_subject,omitempty"` // "" is the issuer of the assertion
	AssertionAudience   string   `json:"assertion_audience,omitempty"`
	AssertionLifetime   Duration `json:"assertion_lifetime,omitempty"` // 0 is DefaultAssertionLifetime
	AssertionClaims     string   `json:"assertion_claims,omitempty"`   // JSON: an object
	AssertionSigningAlg string   `json:"assertion_signing_alg,omitempty"`

	// Token exchange. A token type is a short name or a URI; see TokenTypeURI.
	SubjectProfile     string `json:"subject_profile,omitempty"`
	SubjectTokenType   string `json:"subject_token_type,omitempty"`
	ActorProfile       string `json:"actor_profile,omitempty"`
	ActorTokenType     string `json:"actor_token_type,omitempty"`
	RequestedTokenType string `json:"requested_token_type,omitempty"`

	// A login on another device: CIBA and the device grant.
	BindingMessage                             string `json:"binding_message,omitempty"`
	RequestedExpiry                            *int   `json:"requested_expiry,omitempty"` // seconds
	BackchannelAuthenticationRequestSigningAlg string `json:"backchannel_authentication_request_signing_alg,omitempty"`
	DeviceGrantType                            string `json:"device_grant_type,omitempty"`
	DeviceCodeParam                            string `json:"device_code_param,omitempty"`

	// OAuth 1.0a.
	OAuthSignatureMethod      string     `json:"oauth_signature_method,omitempty"`    // "" is HMAC-SHA1
	OAuthSignaturePlacement   string     `json:"oauth_signature_placement,omitempty"` // "" is header
	Realm                     string     `json:"realm,omitempty"`
	OAuthBodyHash             bool       `json:"oauth_body_hash,omitempty"`
	TemporaryCredentialParams Parameters `json:"temporary_credential_params,omitempty"`

	// How the answer comes back.
	RedirectURI   List     `json:"redirect_uri,omitempty"` // tried in order; empty is DefaultRedirectURI
	Browser       string   `json:"browser,omitempty"`
	LoginTimeout  Duration `json:"login_timeout,omitempty"` // 0 is DefaultLoginTimeout
	ListenAddress string   `json:"listen_address,omitempty"`

	// What to do with the token.
	RefreshBefore     Duration `json:"refresh_before,omitempty"`  // 0 lets Fob choose from the token's lifetime
	ReminderBefore    Duration `json:"reminder_before,omitempty"` // 0 is DefaultReminderBefore
	APIBaseURL        string   `json:"api_base_url,omitempty"`
	TokenPlacement    string   `json:"token_placement,omitempty"` // "" is header
	TokenHeaderName   string   `json:"token_header_name,omitempty"`
	TokenHeaderScheme string   `json:"token_header_scheme,omitempty"` // "none" is no scheme
	// CredentialHosts are those that `fob credential` hands the token out for, beside the API's own: HOST or HOST:PORT.
	CredentialHosts    List   `json:"credential_hosts,omitempty"`
	CredentialUsername string `json:"credential_username,omitempty"` // "" is DefaultCredentialUsername
	AgentForwarding    bool   `json:"agent_forwarding,omitempty"`    // a forwarded socket hands its tokens out

	// What is signed and encrypted.
	RequirePushedAuthorizationRequests bool   `json:"require_pushed_authorization_requests,omitempty"`
	RequireSignedRequestObject         bool   `json:"require_signed_request_object,omitempty"`
	RequestObjectSigningAlg            string `json:"request_object_signing_alg,omitempty"`
	RequestObjectEncryptionAlg         string `json:"request_object_encryption_alg,omitempty"`
	RequestObjectEncryptionEnc         string `json:"request_object_encryption_enc,omitempty"`
	AuthorizationSignedResponseAlg     string `json:"authorization_signed_response_alg,omitempty"`
	AuthorizationEncryptedResponseAlg  string `json:"authorization_encrypted_response_alg,omitempty"`
	AuthorizationEncryptedResponseEnc  string `json:"authorization_encrypted_response_enc,omitempty"`
	IDTokenSignedResponseAlg           string `json:"id_token_signed_response_alg,omitempty"`
	IDTokenEncryptedResponseAlg        string `json:"id_token_encrypted_response_alg,omitempty"`
	IDTokenEncryptedResponseEnc        string `json:"id_token_encrypted_response_enc,omitempty"`
	UserinfoSignedResponseAlg          string `json:"userinfo_signed_response_alg,omitempty"`
	UserinfoEncryptedResponseAlg       string `json:"userinfo_encrypted_response_alg,omitempty"`
	UserinfoEncryptedResponseEnc       string `json:"userinfo_encrypted_response_enc,omitempty"`
	IntrospectionSignedResponseAlg     string `json:"introspection_signed_response_alg,omitempty"`
	TrustedAudiences                   List   `json:"trusted_audiences,omitempty"`

	// To whom a token is bound.
	DPoPBoundAccessTokens                 bool   `json:"dpop_bound_access_tokens,omitempty"`
	DPoPSigningAlg                        string `json:"dpop_signing_alg,omitempty"` // "" is ES256
	TLSClientCertificateBoundAccessTokens bool   `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	AllowBearerTokens                     bool   `json:"allow_bearer_tokens,omitempty"`
	TokenTypes                            List   `json:"token_types,omitempty"` // taken as Bearer; "none" is an answer without one

	// How the client was registered.
	RegistrationClientURI string `json:"registration_client_uri,omitempty"`

	// How the server is reached.
	Proxy          string   `json:"proxy,omitempty"` // "" is the system's, "none" is none
	RequestTimeout Duration `json:"request_timeout,omitempty"`
	CACertificate  string   `json:"ca_certificate,omitempty"` // PEM
	AllowHTTP      bool     `json:"allow_http,omitempty"`
	TLSSkipVerify  bool     `json:"tls_skip_verify,omitempty"`

	// Quirks is the JSON of a [Quirks]; see [Profile.ServerQuirks].
	Quirks string `json:"quirks,omitempty"`

	// Preset is the id of the preset the profile was made from; it only chooses texts and icons.
	Preset string `json:"preset,omitempty"`

	// unknown are the members this version of Fob does not know; they are written back as they were read.
	unknown []member
	// secrets are the keys of the secrets that somebody typed into the file; their values were dropped when reading.
	secrets []string
}

// Defaults of fields whose zero value stands for something.
const (
	// DefaultRedirectURI listens on the IPv4 loopback address with a port of the system's choice (RFC 8252 §7.3).
	DefaultRedirectURI = "http://127.0.0.1:0/callback"
	// DefaultCredentialUsername is what GitLab asks for and most servers that look at the token alone do not mind.
	DefaultCredentialUsername = "oauth2"
	// DefaultLoginTimeout is long enough to find a phone for the second factor.
	DefaultLoginTimeout = Duration(5 * time.Minute)
	// DefaultReminderBefore leaves time to finish what one is doing before logging in again.
	DefaultReminderBefore = Duration(10 * time.Minute)
	// DefaultGrantType is what a profile without a grant type uses.
	DefaultGrantType = GrantAuthorizationCode
	// DefaultClientAssertionLifetime is long enough for a slow network and short enough to be of no use to a thief.
	DefaultClientAssertionLifetime = Duration(time.Minute)
	// DefaultAssertionLifetime is what servers that bound it accept (Google refuses more than an hour).
	DefaultAssertionLifetime = Duration(5 * time.Minute)
	// DefaultRequestTimeout is how long one request to a server may take.
	DefaultRequestTimeout = Duration(30 * time.Second)
)

// List is a list of values. It reads a JSON array, or a string with its values separated by spaces (as RFC 6749 §3.3
// writes scope).
type List []string

// Parameters are extra request parameters by name; each value is sent once.
type Parameters map[string]string

// RedirectURIs are the redirect URIs to try in order, with the default applied. Port 0 stands for any port.
func (p Profile) RedirectURIs() []string {
	if len(p.RedirectURI) == 0 {
		return []string{DefaultRedirectURI}
	}
	return slices.Clone(p.RedirectURI)
}

// Timeout is how long a login waits for the browser, with the default applied.
func (p Profile) Timeout() time.Duration {
	if p.LoginTimeout == 0 {
		return time.Duration(DefaultLoginTimeout)
	}
	return time.Duration(p.LoginTimeout)
}

// Reminder is how long before the end of a token that cannot be refreshed Fob reminds, with the default applied.
func (p Profile) Reminder() time.Duration {
	if p.ReminderBefore == 0 {
		return time.Duration(DefaultReminderBefore)
	}
	return time.Duration(p.ReminderBefore)
}

// ScopeString is the scope as it is sent: one string with single spaces (RFC 6749 §3.3), "" to let the server choose.
func (p Profile) ScopeString() string { return strings.Join(p.Scope, " ") }

// OpenID says whether the profile asks for an ID token (OpenID Connect Core §3.1.2.1).
func (p Profile) OpenID() bool { return slices.Contains(p.Scope, "openid") }

// Clone returns a copy that shares nothing with p.
func (p Profile) Clone() Profile {
	for i := range table {
		if table[i].member == nil {
			continue
		}
		switch m := table[i].member(&p).(type) {
		case *List:
			*m = slices.Clone(*m)
		case *Parameters:
			*m = maps.Clone(*m)
		case **int:
			if *m != nil {
				n := **m
				*m = &n
			}
		}
	}
	p.unknown = slices.Clone(p.unknown)
	p.secrets = slices.Clone(p.secrets)
	return p
}

// Equal says whether p and q would be written alike: an empty list is the same as none, members that this version does
// not know count.
func (p Profile) Equal(q Profile) bool {
	return bytes.Equal(p.appendJSON(nil, ""), q.appendJSON(nil, "")) && slices.Equal(p.secrets, q.secrets)
}
