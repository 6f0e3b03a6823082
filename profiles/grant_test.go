package profiles

import (
	"strings"
	"testing"
)

// of makes a profile of KEY=VALUE separated by |, on top of a server and a client.
func of(t *testing.T, set string) Profile {
	t.Helper()
	p := Profile{Name: "x", Issuer: "https://login.example.com", ClientID: "c"}
	for _, pair := range strings.Split(set, "|") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			if err := p.Set(key, value); err != nil {
				t.Fatalf("%s: %v", pair, err)
			}
		}
	}
	return p
}

func TestGrants(t *testing.T) {
	tests := []struct {
		set                        string
		grant, uri, response       string
		attended, browser, aCustom bool
	}{
		{"", "authorization_code", "authorization_code", "code", true, true, false},
		{"response_type=code id_token", "authorization_code", "authorization_code", "code id_token", true, true, false}, // F-012
		{"grant_type=implicit", "implicit", "implicit", "token", true, true, false},                                     // F-011
		{"grant_type=implicit|scope=openid", "implicit", "implicit", "id_token token", true, true, false},
		{"grant_type=client_credentials", "client_credentials", "client_credentials", "", false, false, false}, // F-006
		{"grant_type=device_code", "device_code", "urn:ietf:params:oauth:grant-type:device_code", "", true, false, false},
		{"grant_type=urn:ietf:params:oauth:grant-type:device_code", "device_code", "urn:ietf:params:oauth:grant-type:device_code", "", true, false, false},
		{"grant_type=password", "password", "password", "", true, false, false},
		// the URNs to the letter.
		{"grant_type=jwt-bearer", "jwt-bearer", "urn:ietf:params:oauth:grant-type:jwt-bearer", "", false, false, false},
		{"grant_type=saml2-bearer", "saml2-bearer", "urn:ietf:params:oauth:grant-type:saml2-bearer", "", false, false, false},
		{"grant_type=token-exchange", "token-exchange", "urn:ietf:params:oauth:grant-type:token-exchange", "", false, false, false},
		{"grant_type=ciba", "ciba", "urn:openid:params:grant-type:ciba", "", true, false, false},
		{"grant_type=oauth1", "oauth1", "oauth1", "", true, true, false},
		{"grant_type=urn:example:grant", "urn:example:grant", "urn:example:grant", "", false, false, true}, // F-031
	}
	for _, tt := range tests {
		p := of(t, tt.set)
		if p.Grant() != tt.grant || GrantURI(p.Grant()) != tt.uri || p.Response() != tt.response {
			t.Errorf("%s: grant %q, %q, response %q", tt.set, p.Grant(), GrantURI(p.Grant()), p.Response())
		}
		if p.Attended() != tt.attended || p.UsesBrowser() != tt.browser || p.CustomGrant() != tt.aCustom {
			t.Errorf("%s: attended %t, browser %t, custom %t", tt.set, p.Attended(), p.UsesBrowser(), p.CustomGrant())
		}
	}
	// F-025: short names of token types.
	for name, want := range map[string]string{"saml2": "urn:ietf:params:oauth:token-type:saml2", "urn:example:t": "urn:example:t"} {
		if got := TokenTypeURI(name); got != want {
			t.Errorf("TokenTypeURI(%s) = %s, want %s", name, got, want)
		}
	}
}

const certificate = "-----BEGIN CERTIFICATE-----\nMIIBszCC\n-----END CERTIFICATE-----"

func TestValidateGrant(t *testing.T) {
	tests := []struct{ set, want string }{ // want is a prefix of each problem, separated by |
		{"grant_type=client_credentials", ""},
		// client_credentials only with client authentication.
		{"grant_type=client_credentials|token_endpoint_auth_method=none", "token_endpoint_auth_method: is none, and client_credentials"},
		{"grant_type=client_credentials|issuer=", "issuer: is missing; give the server's issuer, or token_endpoint when"},
		{"grant_type=client_credentials|issuer=|token_endpoint=https://a.example/t", ""},
		{"grant_type=client_credentials|client_id=", "client_id: is missing"},
		{"grant_type=device_code|issuer=|token_endpoint=https://a.example/t", "device_authorization_endpoint: is missing, and there is no issuer"},
		{"grant_type=device_code|issuer=", "issuer: is missing; give the server's issuer, or device_authorization_endpoint and token_endpoint"},
		{"grant_type=ciba|issuer=|token_endpoint=https://a.example/t|scope=openid", "backchannel_authentication_endpoint: is missing"},
		{"grant_type=implicit|issuer=|authorization_endpoint=https://a.example/a", ""},
		{"grant_type=jwt-bearer|client_id=", ""},   // RFC 7521 §4.1: the client is optional
		{"grant_type=saml2-bearer|client_id=", ""}, // F-020
		{"grant_type=token-exchange|client_id=", ""},
		{"grant_type=urn:example:g|client_id=", ""},
		{"grant_type=password", "username: is missing"},
		{"grant_type=password|username=ana", ""},
		// a CIBA login asks for openid, and one hint says who.
		{"grant_type=ciba", "scope: does not have openid"},
		{"grant_type=ciba|scope=openid|login_hint=a|id_token_hint=last", "id_token_hint: is set and login_hint as well"}, // F-029
		{"grant_type=token-exchange|subject_profile=x", "subject_profile: is this profile itself"},
		{"response_type=token", "response_type: has no code in it"},
		{"grant_type=implicit|response_type=code", "response_type: has a code in it"},
		{"response_type=code token|response_mode=query", "response_mode: puts a token into the address"},
		{"response_type=code id_token", "scope: does not have openid"},
		{"response_type=code id_token|scope=openid", ""},
		{"grant_type=oauth1|issuer=", "temporary_credential_endpoint: is missing|authorization_endpoint: is missing|token_endpoint: is missing"},
		{"grant_type=oauth1|issuer=|temporary_credential_endpoint=https://a.example/r|authorization_endpoint=https://a.example/a|token_endpoint=https://a.example/t|redirect_uri=oob", ""},
		// PLAINTEXT only over TLS.
		{"grant_type=oauth1|temporary_credential_endpoint=http://127.0.0.1/r|authorization_endpoint=https://a.example/a|token_endpoint=https://a.example/t|oauth_signature_method=PLAINTEXT", "temporary_credential_endpoint: is plain http, and PLAINTEXT"},
		{"redirect_uri=oob", "redirect_uri: is oob, which only OAuth 1.0a knows"},
		{"token_endpoint_auth_method=tls_client_auth", "tls_client_certificate: is missing; the client proves itself by it"},
		{"token_endpoint_auth_method=tls_client_auth|tls_client_certificate=" + certificate, ""},
		{"tls_client_certificate_bound_access_tokens=true", "tls_client_certificate: is missing; tokens shall be bound to it"},
		{"token_endpoint_auth_method=custom", "custom_auth_body: is missing; say where"},
		{"token_endpoint_auth_method=custom|custom_auth_headers.X-Key={client_secret}", ""}, // F-100
		{"resource=https://a.example|token_params=resource=", ""},                           // left out, not sent twice
	}
	for _, tt := range tests {
		p := of(t, tt.set)
		checkProblems(t, tt.set, p.Validate(), tt.want)
	}
}

func checkProblems(t *testing.T, what string, got []Problem, want string) {
	t.Helper()
	var wanted []string
	if want != "" {
		wanted = strings.Split(want, "|")
	}
	if len(got) != len(wanted) {
		t.Errorf("%s: %v, want %q", what, got, want)
		return
	}
	for i, problem := range got {
		if !strings.HasPrefix(problem.Error(), wanted[i]) {
			t.Errorf("%s: %v, want %q", what, problem, wanted[i])
		}
	}
}

func TestValidateSecrets(t *testing.T) {
	tests := []struct{ set, has, want string }{
		{"", "", ""},
		{"token_endpoint_auth_method=client_secret_post", "", "client_secret: is missing"},
		{"token_endpoint_auth_method=client_secret_post", "client_secret", ""},
		{"token_endpoint_auth_method=private_key_jwt", "client_secret", "private_key: is missing"},
		{"grant_type=client_credentials", "", "client_secret: is missing; client_credentials is the client proving itself"},
		{"grant_type=client_credentials", "private_key", ""},
		{"tls_client_certificate=" + certificate, "", "tls_client_key: is missing"},
		{"grant_type=jwt-bearer", "", "private_key: is missing; give the key that signs the assertion, or the assertion"}, // F-019
		{"grant_type=jwt-bearer", "assertion", ""},
		{"grant_type=jwt-bearer|client_id=", "private_key", "assertion_issuer: is missing"},
		{"grant_type=saml2-bearer", "private_key", "assertion: is missing"},
		// a subject, one of them; an actor type only with an actor.
		{"grant_type=token-exchange", "", "subject_profile: is missing"},
		{"grant_type=token-exchange|subject_profile=a", "subject_token", "subject_token: is set and subject_profile as well"},
		{"grant_type=token-exchange|subject_profile=a|actor_token_type=jwt", "", "actor_token_type: is set, and there is no actor_token"},
		{"grant_type=token-exchange|subject_profile=a|actor_token_type=jwt", "actor_token", ""},
		{"grant_type=token-exchange|subject_profile=a|actor_profile=b", "actor_token", "actor_token: is set and actor_profile as well"},
		// R-235, F-029: exactly one hint.
		{"grant_type=ciba|scope=openid", "", "login_hint: is missing"},
		{"grant_type=ciba|scope=openid|login_hint=a", "", ""},
		{"grant_type=ciba|scope=openid|login_hint=a", "login_hint_token", "login_hint_token: is set and another hint as well"},
	}
	for _, tt := range tests {
		p := of(t, tt.set)
		has := func(key string) bool { return key == tt.has }
		checkProblems(t, tt.set+" with "+tt.has, p.ValidateSecrets(has), tt.want)
	}
}

func TestFAPI(t *testing.T) {
	const strict = "fapi_profile=fapi2|dpop_bound_access_tokens=true|token_endpoint_auth_method=private_key_jwt"
	tests := []struct{ set, want string }{
		{strict, ""},
		{"fapi_profile=fapi2|dpop_bound_access_tokens=true", ""}, // which of the strong methods is for the login to choose
		{"fapi_profile=fapi2|tls_client_certificate_bound_access_tokens=true|tls_client_certificate=" + certificate, ""},
		{"fapi_profile=fapi2", "dpop_bound_access_tokens: is off"},
		{strict + "|token_endpoint_auth_method=client_secret_basic", "token_endpoint_auth_method: is too weak"},
		{strict + "|client_assertion_audience=token_endpoint", "client_assertion_audience: is not issuer"},
		{strict + "|issuer=|authorization_endpoint=https://a.example/a|token_endpoint=https://a.example/t", "issuer: is missing; it is compared"},
		{strict + "|grant_type=password|username=a", "grant_type: is not authorization_code"},
		{strict + "|response_type=code id_token|scope=openid", "response_type: is not code"},
		{strict + "|code_challenge_method=plain", "code_challenge_method: is not S256"},
		// PS256, ES256 and EdDSA only.
		{strict + "|request_object_signing_alg=RS256", "request_object_signing_alg: is none of PS256"},
		{strict + "|dpop_signing_alg=RS256", "dpop_signing_alg: is none of PS256"},
		{strict + "|id_token_signed_response_alg=HS256", "id_token_signed_response_alg: is none of PS256"},
		{strict + "|token_endpoint_auth_signing_alg=PS256", ""},
		{strict + "|allow_bearer_tokens=true", "allow_bearer_tokens: takes tokens"},
		{strict + "|allow_http=true", "allow_http: is on"},
		{strict + "|tls_skip_verify=true", "tls_skip_verify: is on"},
		{strict + `|quirks={"no_nonce":true}`, "quirks: has what the profile forbids"},
	}
	for _, tt := range tests {
		p := of(t, tt.set)
		checkProblems(t, tt.set, p.Validate(), tt.want)
	}
}

// plain http beyond this machine only where the profile allows it, whichever is set first.
func TestAllowHTTP(t *testing.T) {
	for _, set := range []string{"issuer=http://login.example.com", "issuer=http://login.example.com|allow_http=true", "allow_http=true|issuer=http://login.example.com",
		"token_endpoint=http://a.example/t", "allow_http=true|api_base_url=http://a.example"} {
		p := of(t, set)
		if problems := p.Validate(); (len(problems) == 0) != p.AllowHTTP {
			t.Errorf("%s: %v", set, problems)
		}
	}
	// Only that is allowed.
	bad := Profile{Name: "x", ClientID: "c", AllowHTTP: true, Issuer: "http://login.example.com?x=1", TokenEndpoint: "ftp://a.example", APIBaseURL: "http://a.example#x"}
	if problems := bad.Validate(); len(problems) != 3 {
		t.Errorf("allow_http allows more than http: %v", problems)
	}
	if err := (Profile{AllowHTTP: true}).ValidateValue("issuer", "http://login.example.com"); err != nil {
		t.Error(err)
	}
	if err := (Profile{}).ValidateValue("issuer", "http://login.example.com"); err == nil {
		t.Error("plain http is allowed by itself")
	}
}

// nothing is weak by silence. Each badge is of the field that makes it so.
func TestWeaknesses(t *testing.T) {
	tests := []struct{ set, want string }{
		{"", ""}, {"grant_type=client_credentials", ""}, {"listen_address=127.0.0.1:9000", ""}, {"listen_address=[::1]:9000", ""},
		{"code_challenge_method=S256", ""}, {"token_placement=header", ""}, {"response_type=code id_token", ""},
		{"grant_type=password", "grant_type"}, // F-010
		{"grant_type=implicit", "grant_type"},
		{"response_type=code token", "response_type"},
		{"code_challenge_method=plain", "code_challenge_method"}, // F-042
		{"code_challenge_method=none", "code_challenge_method"},  // F-043
		{"allow_http=true", "allow_http"},
		{"tls_skip_verify=true", "tls_skip_verify"},
		{"allow_bearer_tokens=true", "allow_bearer_tokens"},
		{"custom_auth_query.key={client_secret}", "custom_auth_query"},
		{"token_placement=query", "token_placement"},
		{"token_placement=body", "token_placement"},
		{"listen_address=0.0.0.0:8400", "listen_address"}, // F-073
		{"listen_address=:8400", "listen_address"},
		{"grant_type=oauth1|oauth_signature_method=PLAINTEXT", "oauth_signature_method"},
		{`quirks={"token_method":"GET"}`, "quirks"}, // F-112
		{`quirks={"no_nonce":true}`, "quirks"},
		{`quirks={"api_query":{"key":"{access_token}"}}`, "quirks"},
		{`quirks={"api_query":{"site":"stackoverflow"}}`, ""},
		{"allow_http=true|tls_skip_verify=true", "allow_http tls_skip_verify"},
	}
	for _, tt := range tests {
		var keys []string
		for _, w := range of(t, tt.set).Weaknesses() {
			keys = append(keys, w.Key)
			if !strings.HasSuffix(w.Sentence, ".") {
				t.Errorf("%s: %q is no sentence", tt.set, w.Sentence)
			}
			if _, ok := FieldByKey(w.Key); !ok {
				t.Errorf("%s: %s is no field", tt.set, w.Key)
			}
		}
		if got := strings.Join(keys, " "); got != tt.want {
			t.Errorf("%s: badges of %q, want %q", tt.set, got, tt.want)
		}
	}
}

// A field is shown where its grant or its method uses it, and hidden where it would only confuse.
func TestShownByGrant(t *testing.T) {
	tests := []struct{ set, shown, hidden string }{
		{"", "scope redirect_uri response_type login_hint authorize_params", "assertion username subject_profile binding_message realm device_grant_type custom_auth_body"},
		{"grant_type=client_credentials", "scope client_secret", "redirect_uri response_mode login_hint prompt"},
		{"grant_type=device_code", "device_grant_type login_timeout", "redirect_uri"},
		{"grant_type=ciba", "binding_message login_hint_token user_code login_hint acr_values id_token_hint", "redirect_uri prompt"},
		{"grant_type=jwt-bearer", "assertion assertion_issuer private_key", "redirect_uri subject_token"},
		{"grant_type=saml2-bearer", "assertion", "assertion_issuer"},
		{"grant_type=token-exchange", "subject_profile subject_token actor_token requested_token_type", "assertion"},
		{"grant_type=password", "username", "redirect_uri"},
		{"grant_type=oauth1", "temporary_credential_endpoint oauth_signature_method realm redirect_uri client_secret", "scope token_endpoint_auth_method dpop_bound_access_tokens private_key"},
		{"grant_type=oauth1|oauth_signature_method=RSA-SHA1", "private_key", ""},
		{"token_endpoint_auth_method=private_key_jwt", "private_key client_assertion_audience", "client_secret"},
		{"token_endpoint_auth_method=none|revocation_endpoint_auth_method=client_secret_post", "client_secret", ""}, // F-102
		{"token_endpoint_auth_method=tls_client_auth", "tls_client_certificate tls_client_key", "client_secret"},
		{"token_endpoint_auth_method=custom", "custom_auth_body custom_auth_query custom_auth_headers client_secret", ""},
		{"dpop_bound_access_tokens=true", "dpop_signing_alg allow_bearer_tokens", ""},
	}
	for _, tt := range tests {
		p := of(t, tt.set)
		for _, key := range strings.Fields(tt.shown + " " + tt.hidden) {
			f, ok := FieldByKey(key)
			if want := strings.Contains(" "+tt.shown+" ", " "+key+" "); !ok || f.Shown(p) != want {
				t.Errorf("%s: %s is shown: %t, want %t", tt.set, key, f.Shown(p), want)
			}
		}
	}
}
