package oauth

import (
	"strings"
	"testing"
)

// Vendors' own codes are recognized, in their own house or under a customer's
// name, and not in somebody else's: F-114.
func TestAdvice(t *testing.T) {
	const entra = "https://login.microsoftonline.com/common/oauth2/v2.0/token"
	tests := []struct {
		name string
		err  Error
		want string // in the sentence; "" is unknown
	}{
		{"Entra", Error{Endpoint: entra, Code: InvalidClient, Description: "AADSTS7000215: Invalid client secret provided. Trace ID: 1"}, "client secret is wrong"},
		{"Entra, another one", Error{Endpoint: entra, Code: InvalidClient, Description: "AADSTS7000222: The provided client secret keys are expired."}, "secret has ended"},
		{"Entra, a longer number", Error{Endpoint: entra, Code: InvalidClient, Description: "AADSTS70002155: x"}, ""},
		{"Entra under a name of its own", Error{Endpoint: "https://login.contoso.example/token", Code: InvalidClient, Description: "aadsts7000215: x"}, "client secret is wrong"},
		{"Entra's number elsewhere", Error{Endpoint: "https://github.com/login/oauth/access_token", Description: "AADSTS7000215"}, ""},
		{"GitHub", Error{Endpoint: "https://github.com/login/oauth/access_token", Code: "bad_verification_code"}, "code"},
		{"GitHub's code elsewhere", Error{Endpoint: "https://id.example/token", Code: "bad_verification_code"}, ""},
		{"a host that ends alike", Error{Endpoint: "https://notgithub.com/token", Code: "bad_verification_code"}, ""},
		{"Auth0", Error{Endpoint: "https://dev-1.eu.auth0.com/authorize", Code: AccessDenied, Description: "Service not found: https://api.example"}, "API"},
		{"Keycloak", Error{Endpoint: "https://sso.example/realms/a/protocol/openid-connect/token", Code: InvalidGrant, Description: "Session not active"}, "session"},
		{"nothing said", Error{Endpoint: entra, Status: 500}, ""},
	}
	for _, tt := range tests {
		sentence, remedy, known := tt.err.Advice()
		if known != (tt.want != "") || !strings.Contains(sentence, tt.want) || known && remedy == "" {
			t.Errorf("%s: %v, %q, %q", tt.name, known, sentence, remedy)
		}
	}
	// Every entry can be reached: said by its vendor, it is what is found.
	hosts := map[string]string{"Microsoft": entra, "Microsoft B2C": "https://x.b2clogin.com/", "Auth0": "https://x.auth0.com/", "Okta": "https://x.okta.com/",
		"Google": "https://oauth2.googleapis.com/token", "GitHub": "https://github.com/", "Slack": "https://slack.com/", "Facebook": "https://graph.facebook.com/",
		"Salesforce": "https://login.salesforce.com/", "Spotify": "https://accounts.spotify.com/", "Atlassian": "https://auth.atlassian.com/",
		"Keycloak": "https://sso.example/realms/x"}
	if len(vendorErrors()) < 200 {
		t.Errorf("%d entries", len(vendorErrors()))
	}
	for _, v := range vendorErrors() {
		e := Error{Endpoint: hosts[v.Vendor], Description: "so: " + v.Match + ", it says"}
		if found, known := e.vendorError(); !known || found.Sentence != v.Sentence {
			t.Errorf("%s, %s: found %q of %s", v.Vendor, v.Match, found.Match, found.Vendor)
		}
	}
}

// Each code of the RFCs has its value, a sentence and a remedy.
func TestEveryRegisteredCode(t *testing.T) { // F-114 F-086
	for spec, codes := range map[string]string{
		"RFC 6749":       "invalid_request unauthorized_client access_denied unsupported_response_type invalid_scope server_error temporarily_unavailable invalid_client invalid_grant unsupported_grant_type",
		"OIDC Core":      "interaction_required login_required account_selection_required consent_required invalid_request_uri invalid_request_object request_not_supported request_uri_not_supported registration_not_supported",
		"OIDC unmet":     "unmet_authentication_requirements",
		"RFC 6750":       "invalid_token insufficient_scope",
		"RFC 7009":       "unsupported_token_type",
		"RFC 7591":       "invalid_redirect_uri invalid_client_metadata invalid_software_statement unapproved_software_statement",
		"RFC 8628":       "authorization_pending slow_down expired_token",
		"RFC 8693, 8707": "invalid_target",
		"RFC 9101":       "invalid_request_object invalid_request_uri request_not_supported request_uri_not_supported",
		"RFC 9126":       "invalid_request",
		"RFC 9396":       "invalid_authorization_details",
		"RFC 9449":       "invalid_dpop_proof use_dpop_nonce",
		"RFC 9470":       "insufficient_user_authentication",
		"CIBA":           "expired_login_hint_token unknown_user_id missing_user_code invalid_user_code invalid_binding_message transaction_failed",
	} {
		for code := range strings.FieldsSeq(codes) {
			if c := Code(code); !c.known() {
				t.Errorf("%s: %s", spec, code)
			} else if sentence, remedy := c.Explain(); sentence == "" || remedy == "" || strings.HasSuffix(sentence+remedy, ".") {
				t.Errorf("%s: %q, %q", code, sentence, remedy)
			}
		}
	}
}
