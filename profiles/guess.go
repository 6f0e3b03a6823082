package profiles

// grantSigns are fields that one grant alone has a use for.
var grantSigns = [...]struct {
	grant string
	keys  []string
}{
	{GrantTokenExchange, []string{"subject_token", "subject_profile", "subject_token_type", "requested_token_type", "actor_token", "actor_profile", "actor_token_type"}},
	{GrantOAuth1, []string{"temporary_credential_endpoint", "oauth_signature_method", "oauth_signature_placement", "oauth_body_hash"}},
	{GrantJWTBearer, []string{"assertion_issuer", "assertion_subject", "assertion_audience", "assertion_claims", "assertion_lifetime", "assertion_signing_alg"}},
	{GrantCIBA, []string{"binding_message", "login_hint_token", "user_code", "requested_expiry", "backchannel_authentication_request_signing_alg"}},
	{GrantDeviceCode, []string{"device_grant_type", "device_code_param"}},
}

// GuessGrant names the grant that fits what a profile without a grant type is given, and the field that says so; has tells which
// secrets are given. "" leaves the default. A grant that is unsafe by itself, as password is, is never guessed: who wants it
// names it.
func (p Profile) GuessGrant(has func(secret string) bool) (grant, because string) {
	given := func(key string) bool {
		if f, _ := FieldByKey(key); f.Kind == KindSecret {
			return has(key)
		}
		values := p.Get(key)
		return len(values) > 0 && values[0] != ""
	}
	if p.GrantType != "" {
		return "", ""
	}
	for _, sign := range grantSigns {
		for _, key := range sign.keys {
			if given(key) {
				return sign.grant, key
			}
		}
	}
	// What follows is said by an endpoint, where no other way in is given with it.
	if p.Issuer != "" || p.AuthorizationEndpoint != "" {
		return "", ""
	}
	switch {
	case p.DeviceAuthorizationEndpoint != "":
		return GrantDeviceCode, "device_authorization_endpoint"
	case p.BackchannelAuthenticationEndpoint != "":
		return GrantCIBA, "backchannel_authentication_endpoint"
	case p.TokenEndpoint == "":
		return "", ""
	}
	for _, key := range [...]string{"client_secret", "private_key", "tls_client_key"} {
		if given(key) {
			return GrantClientCredentials, key // nobody could log in anywhere
		}
	}
	return "", ""
}
