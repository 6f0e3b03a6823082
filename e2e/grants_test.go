//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"strings"
	"testing"
)

// Logins without a browser here: on another device, on the phone, and with nobody.
func TestFobGrants(t *testing.T) {
	t.Parallel()
	p, all := startFull(t), newQuiet(t)

	// F-013, F-014, F-015, F-018: the code is shown, typed elsewhere, and the login ends.
	t.Run("device", func(t *testing.T) {
		f := all.in(t)
		f.at(p, "device", "none", "scope=openid email offline_access", "prompt=consent")
		w := f.start("device", "--device", "--json")
		code := w.deviceCode()
		if !strings.Contains(code.VerificationURIComplete, code.UserCode) || !strings.HasPrefix(code.VerificationURI, p.issuer) {
			t.Errorf("the device is sent to %s, %s", code.VerificationURI, code.VerificationURIComplete)
		}
		p.in(t).approveDevice(code.UserCode, "bob")
		w.end().exits(0).saying("type this code: "+code.UserCode, "logged in to device as bob@example.com")
		before := f.token("device")
		f.run("refresh", "device").ok()
		if f.token("device") == before {
			t.Error("the refresh brought no new token")
		}
		// As the profile's own grant; and refused.
		f.at(p, "own", "client_secret_post", "grant_type=device_code")
		w = f.start("own", "--json")
		p.in(t).denyDevice(w.deviceCode().UserCode)
		w.end().exits(1)
		f.at(p, "bound", "dpop", "grant_type=device_code", "dpop_bound_access_tokens=true")
		w = f.start("bound", "--json")
		p.in(t).approveDevice(w.deviceCode().UserCode, "carol")
		w.end().exits(0)
		has(t, "whoami", f.reads("whoami", "bound"), map[string]any{"sub": "carol"})
		send(t, p.http(""), p.issuer+"/me", nil, "Authorization: Bearer "+f.token("bound")).refuses(t, "without proof", 401, "invalid_token")
	})
	// R-235, F-028, F-029, F-030: approved on the phone, which shows the same words; refused; asked with a signed request.
	t.Run("CIBA", func(t *testing.T) {
		f, p := all.in(t), p.in(t)
		f.at(p, "phone", "client_secret_basic", "grant_type=ciba", "login_hint=carol", "binding_message=W4SCT")
		w := f.start("phone")
		asked := p.asked()
		if asked.User != "carol" || asked.Message != "W4SCT" || asked.Client != "client_secret_basic" {
			t.Errorf("the phone is asked %+v", asked)
		}
		p.approveCIBA(asked.ID)
		w.end().exits(0).saying("W4SCT", "logged in to phone as carol@example.com")
		w = f.start("phone")
		p.denyCIBA(p.asked().ID)
		w.end().exits(1)
		f.run("profile", "set", "phone", "login_hint=nobody").ok()
		f.start("phone").end().exits(1).saying("does not know this user") // unknown_user_id
		f.at(p, "signed", "ciba-signed", "grant_type=ciba", "login_hint=dave", "backchannel_authentication_request_signing_alg=ES256")
		w = f.start("signed")
		p.approveCIBA(p.asked().ID)
		w.end().exits(0).saying("logged in to signed as dave@example.com")
	})
	// F-006, F-135, F-159: nobody logs in, and the token is there when it is asked for.
	t.Run("client credentials", func(t *testing.T) {
		f := all.in(t)
		const api = "https://api.example.com/"
		f.at(p, "robot", "private_key_jwt-ES256", "grant_type=client_credentials", "resource="+api, "scope=api:read api:write")
		_, claims := claimsOf(t, f.token("robot"))
		has(t, "the robot's token", claims, map[string]any{"aud": api, "scope": "api:read api:write", "client_id": "private_key_jwt-ES256"})
		_, claims = claimsOf(t, f.token("robot", "--scope", "api:read"))
		has(t, "the narrower token", claims, map[string]any{"aud": api, "scope": "api:read"})
		if s := f.reads("status", "robot"); s["attended"] != false || s["state"] != "logged_in" {
			t.Errorf("the robot is %v, attended %v", s["state"], s["attended"])
		}
		before := f.token("robot")
		f.run("refresh", "robot").ok()
		if f.token("robot") == before {
			t.Error("asked anew, the server gave the same token")
		}
		f.at(p, "machine", "tls_client_auth", "grant_type=client_credentials", "-scope")
		send(t, p.http(""), p.issuer+"/token/introspection", map[string][]string{"token": {f.token("machine")}},
			basic("introspect", p.client("introspect").Secret)).grants(t, "the machine's token", "client_id")
	})
}

// deviceCode waits until a login says what to type where; it was begun with --json.
func (w *waiting) deviceCode() (code struct {
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
}) {
	w.t.Helper()
	until(w.t, "the code to type", func() bool {
		select {
		case <-w.done:
			w.t.Fatalf("fob login ended: %s", w.stderr)
		default:
		}
		line, _, whole := strings.Cut(w.stdout.String(), "\n")
		return whole && json.Unmarshal([]byte(line), &code) == nil && code.UserCode != ""
	})
	return code
}
