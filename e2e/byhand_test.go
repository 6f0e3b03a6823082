//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"net/url"
	"os/exec"
	"strings"
	"testing"
)

// The page in one run, the answer in another: somebody else's browser, or none on this machine. And what `fob trace` keeps of a login
// has every step and no secret. R-300, F-003, F-005, F-061, F-084.
func TestFobByHandAndTrace(t *testing.T) {
	t.Parallel()
	p, f := startFull(t), newQuiet(t)
	f.at(p, "hand", "client_secret_post", "scope=openid email offline_access", "prompt=consent")
	page := strings.TrimSpace(f.run("login", "hand", "--print-url").ok())
	back := walk(t, p.http(""), page)
	f.runWith(strings.Replace(back.String(), "state=", "state=x", 1), "login", "--complete", "-").exits(1).saying("no login of Fob's waits for this answer")
	f.runWith(back.String()+"\n", "login", "--complete", "-").exits(0).saying("logged in to hand as alice@example.com")
	f.runWith(back.String()+"\n", "login", "--complete", "-").exits(1).saying("it was completed before")
	canaries := map[string]string{"client secret": p.client("client_secret_post").Secret, "code": back.Query().Get("code"), "access token": f.token("hand"), "ID token": f.token("hand", "--id-token")}
	f.run("refresh", "hand").ok()
	canaries["second access token"] = f.token("hand")
	f.at(p, "key", "private_key_jwt-ES256", "dpop_bound_access_tokens=true")
	f.enter(p, "key").ok()
	canaries["DPoP token"], canaries["DPoP's ID token"] = f.token("key"), f.token("key", "--id-token")
	var jwk struct{ D string }
	must(t, json.Unmarshal(p.client("private_key_jwt-ES256").PrivateKey, &jwk))
	canaries["private key"] = jwk.D

	var shown strings.Builder
	for _, name := range []string{"hand", "key"} {
		for _, form := range [][]string{nil, {"--json"}, {"--curl"}} {
			shown.WriteString(f.run(append([]string{"trace", name}, form...)...).ok())
		}
	}
	for what, canary := range canaries {
		for _, form := range []string{canary, url.QueryEscape(canary)} {
			if canary == "" || strings.Contains(shown.String(), form) {
				t.Errorf("%s is in what fob trace shows", what)
			}
		}
	}
	if strings.Contains(shown.String(), "eyJ") { // assertions, proofs, tokens
		t.Error("a JWT is in what fob trace shows")
	}
	for _, word := range []string{p.issuer + "/.well-known/openid-configuration", "/request", "/auth?", "/token", "/jwks", "grant_type=authorization_code", "grant_type=refresh_token", "RFC 9126", "curl "} {
		if !strings.Contains(shown.String(), word) {
			t.Errorf("fob trace says nothing of %s", word)
		}
	}
	if t.Failed() {
		return
	}
	// The script is one that a shell takes.
	cmd := exec.Command("sh", "-n")
	cmd.Stdin = strings.NewReader(f.run("trace", "hand", "--curl").ok())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
