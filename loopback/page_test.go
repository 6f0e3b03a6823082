package loopback

import (
	"net/url"
	"testing"
)

func TestEveryStrayHasWords(t *testing.T) {
	for _, reason := range []string{StrayHost, StrayPath, StrayMethod, StrayBody, StrayNoState, StrayState, StrayRepeat, StrayLate} {
		if p := strayPage(reason); p.text == "" || p.title == "" {
			t.Errorf("%s: no words", reason)
		}
	}
	seen := map[string]string{}
	for _, code := range []string{"access_denied", "login_required", "consent_required", "server_error", "temporarily_unavailable", "invalid_scope", "unauthorized_client", "invalid_request", "x_unknown"} {
		p := responsePage(url.Values{"error": {code}})
		if p.detail != code || p.kind != "no" || seen[p.title] != "" {
			t.Errorf("%s: %v like %s", code, p, seen[p.title])
		}
		seen[p.title] = code
	}
}
