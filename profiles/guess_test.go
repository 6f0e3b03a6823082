package profiles

import (
	"slices"
	"strings"
	"testing"
)

// F-032: the grant that only fits what is given. R-190: none that is unsafe.
func TestGuessGrant(t *testing.T) {
	for _, tt := range []struct{ sets, secrets, grant, because string }{
		{"issuer=https://id.example", "", "", ""},
		{"issuer=https://id.example", "client_secret", "", ""}, // a confidential client with a browser
		{"issuer=https://id.example|subject_profile=work", "", GrantTokenExchange, "subject_profile"},
		{"issuer=https://id.example", "subject_token", GrantTokenExchange, "subject_token"},
		{"issuer=https://id.example|assertion_subject=ada", "private_key", GrantJWTBearer, "assertion_subject"},
		{"issuer=https://id.example|binding_message=W4SCT", "", GrantCIBA, "binding_message"},
		{"temporary_credential_endpoint=https://id.example/t|authorization_endpoint=https://id.example/a", "", GrantOAuth1, "temporary_credential_endpoint"},
		{"token_endpoint=https://id.example/t|device_authorization_endpoint=https://id.example/d", "", GrantDeviceCode, "device_authorization_endpoint"},
		{"token_endpoint=https://id.example/t|device_authorization_endpoint=https://id.example/d|authorization_endpoint=https://id.example/a", "", "", ""},
		{"token_endpoint=https://id.example/t|backchannel_authentication_endpoint=https://id.example/b", "client_secret", GrantCIBA, "backchannel_authentication_endpoint"},
		{"token_endpoint=https://id.example/t", "client_secret", GrantClientCredentials, "client_secret"},
		{"token_endpoint=https://id.example/t", "", "", ""},
		{"token_endpoint=https://id.example/t|authorization_endpoint=https://id.example/a", "client_secret", "", ""},
		{"token_endpoint=https://id.example/t|username=ada", "", "", ""},
		{"token_endpoint=https://id.example/t|grant_type=password", "client_secret", "", ""}, // named
	} {
		p := Profile{Name: "x"}
		for set := range strings.SplitSeq(tt.sets, "|") {
			key, value, _ := strings.Cut(set, "=")
			if err := p.Set(key, value); err != nil {
				t.Fatal(err)
			}
		}
		grant, because := p.GuessGrant(func(key string) bool { return slices.Contains(strings.Fields(tt.secrets), key) })
		if grant != tt.grant || because != tt.because {
			t.Errorf("%s, %s: %q by %q, want %q by %q", tt.sets, tt.secrets, grant, because, tt.grant, tt.because)
		}
	}
	for _, sign := range grantSigns {
		for _, key := range sign.keys {
			f, there := FieldByKey(key)
			if !there || !f.Shown(Profile{GrantType: sign.grant}) && sign.grant != GrantOAuth1 {
				t.Errorf("%s says %s, whose profile has no such field", key, sign.grant)
			}
		}
	}
}
