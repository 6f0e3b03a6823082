package profiles

import (
	"errors"
	"strings"
	"testing"
)

func TestValidateValue(t *testing.T) { // F-062 F-047
	const ok = ""
	long := strings.Repeat("ä", 64)
	tests := []struct{ key, value, want string }{
		{"name", "acme staging_2.0", ok},
		{"name", "Ünïcode 名前", ok},
		{"name", long, ok},
		{"name", long + "x", "has 65 characters; at most 64 fit"},
		{"name", "", "is missing"},
		{"name", "-rf", `begins with "-"`},
		{"name", "a/b", `has a "/" in it`},
		{"name", "a\tb", "has a character that cannot be shown"},
		{"name", "a\u202eb", "has a character that cannot be shown"},
		{"name", "a\xffb", "has a character that cannot be shown"},
		{"environment", "staging", ok},
		{"environment", "a\nb", "has a character that cannot be shown"},
		{"color", "teal", ok},
		{"color", "#12aBef", ok},
		{"color", "#12aBe", "is not a color Fob knows; write red, orange"},
		{"color", "mauve", "or #rrggbb"},

		// an issuer is https, without query and fragment.: https but for this machine.
		{"issuer", "https://login.example.com/realms/a", ok},
		{"issuer", "https://login.example.com:8443/", ok},
		{"issuer", "http://localhost:8080/realms/a", ok},
		{"issuer", "http://127.0.0.1:8080", ok},
		{"issuer", "http://[::1]:8080", ok},
		{"issuer", "http://127.1.2.3", ok},
		{"issuer", "http://login.example.com", "sends tokens over plain http"},
		{"issuer", "http://localhost.example.com", "sends tokens over plain http"},
		{"issuer", "http://127.0.0.1.example.com", "sends tokens over plain http"},
		{"issuer", "http://[::ffff:127.0.0.1]", "sends tokens over plain http"},
		{"issuer", "http://0.0.0.0", "sends tokens over plain http"},
		{"issuer", "login.example.com", "is not a complete URL; write it with https:// in front"},
		{"issuer", "login.example.com:8443", "is not a complete URL"},
		{"issuer", "ftp://login.example.com", "begins with ftp://; only https"},
		{"issuer", "https://", "names no host"},
		{"issuer", "https://:443", "names no host"},
		{"issuer", "https:login", "names no host"},
		{"issuer", "https://a b.example.com", "has a space in it"},
		{"issuer", "https://a%zz.example.com", "is not a URL"},
		{"issuer", "https://me:canary@login.example.com", "holds a user name or password"},
		{"issuer", "https://login.example.com?x=1", "has a query (?…); an issuer has none"},
		{"issuer", "https://login.example.com?", "has a query"},
		{"issuer", "https://login.example.com#x", "has a #fragment"},
		{"issuer", "https://login.example.com#", "has a #fragment"},
		{"issuer", "https://login.example.com:0", "has a port that is not between 1 and 65535"},
		{"issuer", "https://login.example.com:70000", "has a port that is not between 1 and 65535"},
		// an endpoint keeps its query and has no fragment.
		{"token_endpoint", "https://login.example.com/token?tenant=a", ok},
		{"token_endpoint", "https://login.example.com/token#x", "has a #fragment"},
		{"authorization_endpoint", "https://login.example.com/authorize#", "has a #fragment"},
		{"authorization_endpoint", "http://login.example.com/authorize", "sends tokens over plain http"},
		{"revocation_endpoint", "http://login.example.com/revoke", "sends tokens over plain http"},
		{"userinfo_endpoint", "http://login.example.com/me", "sends tokens over plain http"},
		{"end_session_endpoint", "http://login.example.com/logout", "sends tokens over plain http"},
		{"jwks_uri", "http://login.example.com/keys", "sends tokens over plain http"},
		{"api_base_url", "https://api.example.com/v1", ok},
		{"api_base_url", "http://localhost:3000", ok},
		{"api_base_url", "http://api.example.com", "sends tokens over plain http"},
		{"api_base_url", "https://api.example.com?x=1", "has a query"},
		{"api_base_url", "https://api.example.com#x", "has a #fragment"},
		{"api_base_url", "https://u:canary@api.example.com", "holds a user name or password"},

		{"client_id", "https://app.example.com/client.json", ok},
		{"client_id", "", ok}, // whether there must be one is for the grant to say
		{"client_id", "clïent", "outside printable ASCII"},
		{"client_secret", "any thing: ü%&", ok},
		{"client_secret", "", ok},
		{"client_secret", "canary\nx", "has a line break"},
		{"token_endpoint_auth_method", "", ok},
		{"token_endpoint_auth_method", "none", ok},
		{"token_endpoint_auth_method", "private_key_jwt", ok},
		{"token_endpoint_auth_method", "secret", "is not one that Fob knows; it knows none, client_secret_basic, client_secret_post,"},
		{"grant_type", "authorization_code", ok},
		{"grant_type", "urn:example:grant", ok}, // F-031
		{"grant_type", "https://example.com/grant", ok},
		{"grant_type", "account_credentials", ok}, // against RFC 6749 §4.5, and Zoom's
		{"grant_type", "client_credential", "is not one that Fob knows"},
		{"grant_type", "a b", "is neither a grant that Fob knows nor an absolute URI"},
		{"grant_type", "code", "is not one that Fob knows; it knows authorization_code, client_credentials,"},

		{"scope", "openid https://www.googleapis.com/auth/drive users:read,write", ok},
		{"scope", "a\\b", "which no scope may hold (RFC 6749 §3.3)"},
		{"scope", "ä", "which no scope may hold"},
		{"scope", "openid\nprofile", ok}, // one a line, as an editor shows them
		// a resource is an absolute URI without fragment.
		{"resource", "https://api.example.com/v1 urn:example:api api://one", ok},
		{"resource", "/v1", "is not an absolute URI"},
		{"resource", "api.example.com", "is not an absolute URI"},
		{"resource", "https://api.example.com#x", "has a #fragment"},
		{"resource", "https://api.example.com/#", "has a #fragment"},
		{"response_mode", "fragment.jwt", ok},
		{"response_mode", "web_message", "it knows query, fragment, form_post"},
		{"prompt", "login consent", ok}, // F-050; the choices are tested with the table
		{"prompt", "none", ok},
		{"prompt", "select_account create", ok},
		{"prompt", "none login", "joins none with another value"},
		{"prompt", "\"", "is not a list of words"},
		{"max_age", "0", ok},
		{"max_age", "-1", "is not a number of seconds"},
		{"max_age", "1h", "is not a number of seconds"},
		{"acr_values", "urn:mfa", ok},
		{"authorize_params", "access_type=offline\nhd=example.com\n", ok},
		{"authorize_params", "access_type", "write it as KEY=VALUE"},
		{"authorize_params", "=x", "has no name in front"},
		{"authorize_params.access_type", "offline", ok},
		{"authorize_params.state", "x", "state is made by Fob for every request"},
		{"authorize_params.scope", "x", "scope has a field of its own"},
		{"authorize_params.a b", "x", "has a name with a space"},
		{"authorize_params.a", "x\ny", "has a line break"},
		{"token_params.audience", "x", ok},

		// loopback only, http, any port.
		{"redirect_uri", "http://127.0.0.1:0/callback", ok},
		{"redirect_uri", "http://127.0.0.1/callback http://[::1]:8400/cb http://localhost", ok},
		{"redirect_uri", "https://127.0.0.1/callback", "is https, for which this machine has no certificate"},
		{"redirect_uri", "http://192.168.1.2/callback", "does not name this machine"},
		{"redirect_uri", "http://127.0.0.1.example.com/callback", "does not name this machine"},
		{"redirect_uri", "http://127.0.0.1:99999/", "has a port that is not between 0 and 65535"},
		{"redirect_uri", "http://127.0.0.1/callback?x=1", "has a query"},
		{"redirect_uri", "http://127.0.0.1/callback#x", "has a #fragment"},
		{"redirect_uri", "http://u@127.0.0.1/callback", "holds a user name"},
		{"redirect_uri", "myapp://callback", "does not begin with http://"},
		{"browser", `firefox -P "my work"`, ok},
		{"browser", `"C:\Program Files\x.exe" -new`, ok},
		{"browser", `firefox "x`, "has a quote that is not closed"},
		{"login_timeout", "90s", ok},
		{"login_timeout", "0s", "is not between 1s and 1d"},
		{"login_timeout", "-5m", "is not between 1s and 1d"},
		{"login_timeout", "5", "is not a duration; write a number with its unit"},
		{"refresh_before", "31d", "is not between 0s and 30d"},
		{"reminder_before", "2d", ok},
		{"nonsense", "x", "is not a field of a profile"},

		// The rest of the protocol.
		{"authorization_details", `[{"type":"a"},{"type":"b","x":1}]`, ok},
		{"authorization_details", `[{"x":1}]`, "has an element without its type"},
		{"authorization_details", `[{"type":5}]`, "has an element without its type"},
		{"authorization_details", `{"type":"a"}`, "is an object; write an array"},
		{"authorization_details", `[{"type":"a"}`, "is not JSON"},
		{"claims", `{"id_token":{"email":null}}`, ok},
		{"claims", `{"id_token":["email"]}`, "id_token is an array; write an object of claims"},
		{"claims", "5", "is a number; write an object"},
		{"claims", `{"id_token":{},"id_token":{}}`, `has "id_token" twice`},
		{"assertion_claims", `{"scope":"read"}`, ok},
		{"assertion_claims", `{"iss":"x"}`, "iss has a field of its own; set assertion_issuer"},
		{"assertion_claims", `{"jti":"x"}`, "jti is made by Fob"},
		{"ui_locales", "de-CH en", ok},
		{"ui_locales", "de_CH", "is not a language"},
		{"dpop_bound_access_tokens", "true", ok},
		{"dpop_bound_access_tokens", "yes", "is neither true nor false"},
		{"dpop_signing_alg", "none", "is not one that Fob knows"},
		{"id_token_signed_response_alg", "none", "is not one that Fob knows"},
		{"id_token_signed_response_alg", "HS256", ok},
		{"request_object_signing_alg", "HS256", "is not one that Fob knows"},
		{"id_token_encrypted_response_alg", "RSA1_5", "is not one that Fob knows"},
		{"tls_client_certificate", certificate + "\n" + certificate, ok},
		{"tls_client_certificate", "MIIB", "is not PEM"},
		{"tls_client_certificate", certificate + "\n-----BEGIN CERTIFICATE-----\nMIIB", "has a certificate that is cut off"},
		{"tls_client_certificate", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", "holds something that is not a certificate"},
		{"ca_certificate", "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----", "holds a private key, which is a secret"},
		{"private_key", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----", ok},
		{"private_key", "a\x00b", "has a control character"},
		{"custom_auth_query", "key={client_secret}", ok}, // F-100
		{"custom_auth_body", "client_secret=canary", "client_secret is a secret"},
		{"custom_auth_body", "client_secret={client_secret}", ok},
		{"custom_auth_body", "a={token}", "has a placeholder that Fob does not know; it knows {client_id} and {client_secret}"},
		{"custom_auth_headers", "Authorization=Bearer canary", "Authorization is a secret"},
		{"custom_auth_headers", "Authorization=Key {client_secret}", ok},
		{"custom_auth_headers", "X Key={client_secret}", "has a name that no header can have"},
		{"request_params", "refresh/resource=", ok}, // the power to leave a parameter out, by request
		{"request_params", "refreshing/resource=", "does not begin with a kind of request"},
		{"request_params", "resource=x", "does not begin with a kind of request"},
		{"request_params", "authorization/state=", "state is made by Fob"}, // nobody switches it off
		{"request_params", "authorization/redirect_uri=", ok},              // F-059
		{"request_params", "token/client_secret=canary", "client_secret is a secret"},
		{"request_params", "revocation/token=canary", "token is made by Fob"},
		{"request_params.device/a.b", "x", ok},
		{"authorize_params", "resource=", ok},
		{"authorize_params", "nonce=", "nonce is made by Fob"},
		{"authorize_params", "code_challenge=", "code_challenge is made by Fob"},
		{"authorize_params", "request_uri=urn:x", "request_uri is made by Fob"},
		{"request_headers", "Origin=https://app.example.com", ok}, // F-111
		{"request_headers", "token/User-Agent=me/1.0", ok},        // F-120
		{"request_headers", "Authorization=canary", "Authorization is a secret"},
		{"request_headers", "token/Cookie=canary", "Cookie is a secret"},
		{"request_headers", "Host=x", "Host is made by Fob"},
		{"request_headers", "X-A=a\tb", "has a line break"},
		{"temporary_credential_params", "oauth_nonce=x", "oauth_nonce is made by Fob"},
		{"subject_token_type", "saml2", ok},                                            // F-025
		{"subject_token_type", "urn:example:type", ok},
		{"subject_token_type", "token", "is not one that Fob knows; it knows access_token, id_token"},
		{"client_assertion_audience", "token_endpoint", ok},
		{"client_assertion_audience", "login.example.com", "is neither issuer nor token_endpoint nor an absolute URI"},
		{"client_assertion_lifetime", "2d", "is not between 1s and 1d"},
		{"client_secret_expires_at", "0", ok},
		{"client_secret_expires_at", "-1", "is not a time"},
		{"requested_expiry", "0", "is not a number of seconds"},
		{"proxy", "socks5://127.0.0.1:1080", ok}, // F-118
		{"proxy", "none", ok},
		{"proxy", "ftp://proxy.example.com", "is not a proxy Fob can use"},
		{"proxy", "http://u:canary@proxy.example.com", "holds a user name or password"},
		{"proxy", "http://proxy.example.com/path", "has something behind the host"},
		{"listen_address", "0.0.0.0:8400", ok}, // F-073
		{"listen_address", ":8400", ok},
		{"listen_address", "[::]:8400", ok},
		{"listen_address", "0.0.0.0", "is not an address to listen on"},
		{"listen_address", "host.example.com:80", "is not an address to listen on"},
		{"token_header_name", "X-Api-Token", ok}, // F-152
		{"token_header_name", "X Api", "has a character that does not belong there"},
		{"device_code_param", "code", ok}, // F-017
		{"device_code_param", "a=b", "is not the name of a parameter"},
		{"token_types", "none example", ok},
	}
	for _, tt := range tests {
		err := ValidateValue(tt.key, tt.value)
		checkProblem(t, tt.key+" "+tt.value, err, tt.key, tt.want)
	}
}

func checkProblem(t *testing.T, what string, err error, key, want string) {
	t.Helper()
	var problem Problem
	switch {
	case want == "" && err != nil:
		t.Errorf("%q: %v, want no problem", what, err)
	case want != "" && (!errors.As(err, &problem) || !strings.Contains(problem.Message, want)):
		t.Errorf("%q: %v, want %q", what, err, want)
	case want != "" && problem.Key != key:
		t.Errorf("%q: the problem is of %q", what, problem.Key)
	case err != nil && strings.Contains(err.Error(), "canary"):
		t.Errorf("%q: a password is repeated: %v", what, err)
	}
}

// What Fob makes itself cannot be overridden by extra parameters, wherever they come from.
func TestExtraParametersOverrideNothing(t *testing.T) {
	for _, name := range []string{"state", "nonce", "code_challenge", "code_challenge_method", "client_id", "redirect_uri",
		"response_type", "grant_type", "code", "code_verifier", "refresh_token", "client_secret"} {
		p := full()
		p.AuthorizeParams, p.TokenParams = Parameters{name: "x"}, Parameters{name: "x"}
		problems := p.Validate()
		if len(problems) != 2 || problems[0].Key != "authorize_params."+name || problems[1].Key != "token_params."+name {
			t.Errorf("%s: %v, want two problems", name, problems)
		}
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name, set string // KEY=VALUE on top of a minimal profile, separated by |
		want      []string
	}{
		{"minimal", "", nil},
		{"no server", "issuer=", []string{"issuer: is missing; give the server's issuer, or authorization_endpoint and token_endpoint"}},
		{"both endpoints", "issuer=|authorization_endpoint=https://a.example/a|token_endpoint=https://a.example/t", nil},
		{"no token endpoint", "issuer=|authorization_endpoint=https://a.example/a", []string{"token_endpoint: is missing, and there is no issuer"}},
		{"no authorization endpoint", "issuer=|token_endpoint=https://a.example/t", []string{"authorization_endpoint: is missing, and there is no issuer"}},
		{"no client", "client_id=", []string{"client_id: is missing"}},
		// no parameter is sent twice.
		{"audience twice", "audience=x|token_params.audience=y", []string{"token_params.audience: would be sent twice"}},
		{"audience once", "token_params.audience=y", nil},
		{"resource twice", "resource=https://a.example|token_params.resource=y", []string{"token_params.resource: would be sent twice"}},
	}
	for _, tt := range tests {
		p := Profile{Name: "x", Issuer: "https://login.example.com", ClientID: "c"}
		for _, pair := range strings.Split(tt.set, "|") {
			if key, value, ok := strings.Cut(pair, "="); ok {
				if err := p.Set(key, value); err != nil {
					t.Fatalf("%s: %v", tt.name, err)
				}
			}
		}
		got := p.Validate()
		if len(got) != len(tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, got, tt.want)
			continue
		}
		for i, problem := range got {
			if !strings.HasPrefix(problem.Error(), tt.want[i]) {
				t.Errorf("%s: %v, want %q", tt.name, problem, tt.want[i])
			}
		}
	}
	// What did not come through Set is checked as well, and everything at once.
	bad := Profile{Name: " x", Scope: List{"a b", ""}, RedirectURI: List{""}, LoginTimeout: -1, Issuer: "x", Prompt: "none login"}
	var keys []string
	for _, problem := range bad.Validate() {
		keys = append(keys, problem.Key)
	}
	if got := strings.Join(keys, " "); got != "name issuer client_id scope prompt redirect_uri login_timeout" {
		t.Errorf("problems of %s", got)
	}
}
