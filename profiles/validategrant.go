package profiles

import (
	"slices"
	"strings"
)

// validateServer asks for what a login cannot do without: an issuer, or the endpoints that the grant uses.
func (p *Profile) validateServer() []Problem {
	var needed []string
	switch p.Grant() {
	case GrantOAuth1: // nothing is discovered
		needed = []string{"temporary_credential_endpoint", "authorization_endpoint", "token_endpoint"}
	case GrantAuthorizationCode:
		needed = []string{"authorization_endpoint", "token_endpoint"}
	case GrantImplicit:
		needed = []string{"authorization_endpoint"}
	case GrantDeviceCode:
		needed = []string{"device_authorization_endpoint", "token_endpoint"}
	case GrantCIBA:
		needed = []string{"backchannel_authentication_endpoint", "token_endpoint"}
	default:
		needed = []string{"token_endpoint"}
	}
	if p.Issuer != "" && p.Grant() != GrantOAuth1 {
		return nil
	}
	var absent []string
	for _, key := range needed {
		if len(p.Get(key)) == 0 {
			absent = append(absent, key)
		}
	}
	switch {
	case len(absent) == 0:
		return nil
	case p.Grant() == GrantOAuth1:
		all := make([]Problem, 0, len(absent))
		for _, key := range absent {
			all = append(all, Problem{Key: key, Message: missing + "; OAuth 1.0a has no discovery, so give all three addresses (RFC 5849 §2)"})
		}
		return all
	case len(absent) < len(needed):
		return []Problem{{Key: absent[0], Message: missing + ", and there is no issuer to find it from; give one of the two"}}
	}
	return []Problem{{Key: "issuer", Message: missing +
		"; give the server's issuer, or " + strings.Join(needed, " and ") + " when it publishes none"}}
}

// validateClient asks for the client, where the grant has one, and for how it proves itself.
func (p *Profile) validateClient() []Problem {
	var all []Problem
	switch p.Grant() {
	case GrantJWTBearer, GrantSAML2Bearer, GrantTokenExchange: // RFC 7521 §4.1, RFC 8693 §2.1: a client is optional
	default:
		if p.ClientID == "" && !p.CustomGrant() {
			all = append(all, Problem{Key: "client_id", Message: missing})
		}
	}
	if p.Grant() == GrantClientCredentials && p.TokenEndpointAuthMethod == "none" { // RFC 6749 §4.4: confidential clients only
		all = append(all, Problem{Key: "token_endpoint_auth_method", Message: "is none, and client_credentials is the client proving itself; " +
			"choose how it does (RFC 6749 §4.4)"})
	}
	if authenticatesBy(*p, "tls_client_auth", "self_signed_tls_client_auth") && p.TLSClientCertificate == "" {
		all = append(all, Problem{Key: "tls_client_certificate", Message: missing + "; the client proves itself by it (RFC 8705 §2)"})
	}
	if p.TLSClientCertificateBoundAccessTokens && p.TLSClientCertificate == "" && !authenticatesBy(*p, "tls_client_auth", "self_signed_tls_client_auth") {
		all = append(all, Problem{Key: "tls_client_certificate", Message: missing + "; tokens shall be bound to it (RFC 8705 §3)"})
	}
	if usesCustomAuth(*p) && len(p.CustomAuthQuery)+len(p.CustomAuthBody)+len(p.CustomAuthHeaders) == 0 {
		all = append(all, Problem{Key: "custom_auth_body", Message: missing + "; say where {client_id} and {client_secret} go: " +
			"in custom_auth_body, custom_auth_headers or custom_auth_query"})
	}
	return all
}

// validateRedirect keeps "oob" to the protocol that knows it.
func (p *Profile) validateRedirect() []Problem {
	switch {
	case !slices.Contains(p.RedirectURI, outOfBand) || !p.UsesBrowser():
		return nil
	case p.Grant() != GrantOAuth1:
		return []Problem{{Key: "redirect_uri", Message: "is oob, which only OAuth 1.0a knows; write it like " + DefaultRedirectURI}}
	case len(p.RedirectURI) > 1:
		return []Problem{{Key: "redirect_uri", Message: "joins oob with another address; oob stands alone"}}
	}
	return nil
}

// validateGrant finds what contradicts the grant. What only the keychain knows is for [Profile.ValidateSecrets].
func (p *Profile) validateGrant() []Problem {
	var all []Problem
	add := func(is bool, key, message string) {
		if is {
			all = append(all, Problem{Key: key, Message: message})
		}
	}
	switch p.Grant() {
	case GrantAuthorizationCode:
		add(p.ResponseType != "" && !slices.Contains(strings.Fields(p.ResponseType), "code"), "response_type",
			"has no code in it; choose the grant implicit for it, or a type with code")
	case GrantImplicit:
		add(slices.Contains(strings.Fields(p.ResponseType), "code"), "response_type",
			"has a code in it; choose the grant authorization_code for it")
	case GrantCIBA:
		add(!p.OpenID(), "scope", "does not have openid, which a CIBA login must ask for (OpenID CIBA Core 1.0 §7.1)")
		add(p.LoginHint != "" && p.IDTokenHint != "", "id_token_hint", "is set and login_hint as well; exactly one hint says who logs in (OpenID CIBA Core 1.0 §7.1)")
	case GrantPassword:
		add(p.Username == "", "username", missing+"; the grant password sends it")
	case GrantTokenExchange:
		add(p.SubjectProfile != "" && p.SubjectProfile == p.Name, "subject_profile", "is this profile itself; name another one")
		add(p.ActorProfile != "" && p.ActorProfile == p.Name, "actor_profile", "is this profile itself; name another one")
	case GrantOAuth1:
		if p.OAuthSignatureMethod == "PLAINTEXT" { // RFC 5849 §3.4.4: only over TLS
			for _, key := range [...]string{"temporary_credential_endpoint", "token_endpoint"} {
				add(strings.HasPrefix(strings.Join(p.Get(key), ""), "http:"), key, "is plain http, and PLAINTEXT sends the secrets as they are; use https (RFC 5849 §3.4.4)")
			}
		}
	}
	if p.Response() != "" && p.Response() != "code" { // OAuth 2.0 Multiple Response Types §3: never in the query
		add(p.ResponseMode == "query" || p.ResponseMode == "query.jwt" && strings.Contains(p.Response(), "token"), "response_mode",
			"puts a token into the address; choose fragment or form_post")
	}
	if strings.Contains(p.Response(), "id_token") {
		add(!p.OpenID(), "scope", "does not have openid, without which there is no ID token (OpenID Connect Core §3.1.2.1)")
	}
	return all
}

// ValidateSecrets finds what [Profile.Validate] cannot see: which secrets the grant needs and which exclude each other.
// has says whether a secret of that key is stored.
func (p Profile) ValidateSecrets(has func(key string) bool) []Problem {
	var all []Problem
	add := func(is bool, key, message string) {
		if is {
			all = append(all, Problem{Key: key, Message: message})
		}
	}
	switch p.TokenEndpointAuthMethod {
	case "client_secret_basic", "client_secret_post", "client_secret_jwt":
		add(!has("client_secret"), "client_secret", missing+"; the client proves itself by it")
	case "private_key_jwt":
		add(!has("private_key"), "private_key", missing+"; the client proves itself by it (RFC 7523 §2.2)")
	case "":
		add(p.Grant() == GrantClientCredentials && !has("client_secret") && !has("private_key") && p.TLSClientCertificate == "", "client_secret",
			missing+"; client_credentials is the client proving itself (RFC 6749 §4.4)")
	}
	add(p.TLSClientCertificate != "" && !has("tls_client_key"), "tls_client_key", missing+"; the TLS certificate is of no use without it")
	switch p.Grant() {
	case GrantJWTBearer:
		add(!has("assertion") && !has("private_key"), "private_key", missing+"; give the key that signs the assertion, or the assertion itself")
		add(!has("assertion") && p.AssertionIssuer == "" && p.ClientID == "", "assertion_issuer", missing+"; say who the assertion is from, or give a client_id")
	case GrantSAML2Bearer:
		add(!has("assertion"), "assertion", missing+"; give the SAML assertion (RFC 7522 §2.1)")
	case GrantTokenExchange: // RFC 8693 §2.1
		add(p.SubjectProfile == "" && !has("subject_token"), "subject_profile", missing+"; name the profile whose token is exchanged, or give a subject_token")
		add(p.SubjectProfile != "" && has("subject_token"), "subject_token", "is set and subject_profile as well; remove one of them")
		add(p.ActorProfile != "" && has("actor_token"), "actor_token", "is set and actor_profile as well; remove one of them")
		add(p.ActorTokenType != "" && p.ActorProfile == "" && !has("actor_token"), "actor_token_type", "is set, and there is no actor_token it is of (RFC 8693 §2.1)")
	case GrantCIBA: // OpenID CIBA Core 1.0 §7.1: exactly one
		hints := 0
		for _, given := range [...]bool{p.LoginHint != "", p.IDTokenHint != "", has("login_hint_token")} {
			if given {
				hints++
			}
		}
		add(hints == 0, "login_hint", missing+"; say who logs in, by login_hint, login_hint_token or id_token_hint")
		add(hints > 1 && has("login_hint_token"), "login_hint_token", "is set and another hint as well; exactly one hint says who logs in")
	}
	return all
}

// validateFAPI finds what contradicts the strict switch (FAPI 2.0 Security Profile §5.3.3, §5.4).
func (p *Profile) validateFAPI() []Problem {
	if p.FAPIProfile != "fapi2" {
		return nil
	}
	var all []Problem
	add := func(is bool, key, message string) {
		if is {
			all = append(all, Problem{Key: key, Message: message + " (fapi_profile is fapi2)"})
		}
	}
	set := func(value string, fine ...string) bool { return value != "" && !slices.Contains(fine, value) }
	add(p.Issuer == "", "issuer", missing+"; it is compared in every answer")
	add(set(p.TokenEndpointAuthMethod, "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"), "token_endpoint_auth_method",
		"is too weak; use private_key_jwt, tls_client_auth or self_signed_tls_client_auth")
	add(set(p.ClientAssertionAudience, "issuer"), "client_assertion_audience", "is not issuer")
	add(p.Grant() != GrantAuthorizationCode, "grant_type", "is not authorization_code")
	add(set(p.ResponseType, "code"), "response_type", "is not code")
	add(set(p.CodeChallengeMethod, "S256"), "code_challenge_method", "is not S256")
	for _, alg := range [...]struct{ key, value string }{
		{"token_endpoint_auth_signing_alg", p.TokenEndpointAuthSigningAlg}, {"request_object_signing_alg", p.RequestObjectSigningAlg},
		{"authorization_signed_response_alg", p.AuthorizationSignedResponseAlg}, {"id_token_signed_response_alg", p.IDTokenSignedResponseAlg},
		{"userinfo_signed_response_alg", p.UserinfoSignedResponseAlg}, {"introspection_signed_response_alg", p.IntrospectionSignedResponseAlg},
		{"dpop_signing_alg", p.DPoPSigningAlg},
	} {
		add(set(alg.value, "PS256", "ES256", "EdDSA"), alg.key, "is none of PS256, ES256 and EdDSA")
	}
	add(!p.DPoPBoundAccessTokens && !p.TLSClientCertificateBoundAccessTokens, "dpop_bound_access_tokens",
		"is off, and tokens must be bound to a key; switch it on, or tls_client_certificate_bound_access_tokens")
	add(p.AllowBearerTokens, "allow_bearer_tokens", "takes tokens that are not bound")
	add(p.AllowHTTP, "allow_http", "is on, and every request goes over TLS")
	add(p.TLSSkipVerify, "tls_skip_verify", "is on, and every server is checked")
	if q, err := p.ServerQuirks(); err == nil {
		add(q.TokenMethod == "GET" || q.NoNonce || q.NoRedirectURI || q.secretInQuery(), "quirks", "has what the profile forbids: GET, no_nonce, no_redirect_uri or a secret in an address")
	}
	return all
}
