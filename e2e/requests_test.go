//go:build e2e && linux

package e2e

import (
	"strings"
	"testing"
)

// What a server demands of the authorization request, and the ways it answers. It refuses what is done otherwise: see
// TestFullRequests, which is of the server alone.
func TestFobRequests(t *testing.T) {
	t.Parallel()
	p, all := startFull(t), newQuiet(t)

	// F-055: pushed, because the profile or the server's metadata of the client says so.
	t.Run("pushed", func(t *testing.T) {
		f, before := all.in(t), p.requests()["/request"]
		f.at(p, "par", "par", "require_pushed_authorization_requests=true")
		f.vars = append(f.vars[:len(f.vars):len(f.vars)], "SSH_CONNECTION=there")
		f.enter(p, "par").exits(0).saying("ssh -L ") // the port, though the page's address does not say it
		if n := p.requests()["/request"] - before; n != 1 {
			t.Errorf("%d requests were pushed", n)
		}
	})
	// F-056: signed, and encrypted.
	t.Run("signed", func(t *testing.T) {
		f, before := all.in(t), p.requests()
		f.at(p, "jar", "jar", "require_signed_request_object=true")
		f.enter(p, "jar").ok()
		f.at(p, "jar-encrypted", "jar-encrypted", "require_signed_request_object=true", "request_object_signing_alg=PS256",
			"request_object_encryption_alg=RSA-OAEP-256", "request_object_encryption_enc=A256GCM")
		f.enter(p, "jar-encrypted").ok()
		f.at(p, "jar-pushed", "jar", "require_signed_request_object=true", "require_pushed_authorization_requests=true")
		f.enter(p, "jar-pushed").ok()
		after := p.requests()
		if n := after["request objects, encrypted"] - before["request objects, encrypted"]; n != 1 {
			t.Errorf("%d request objects were encrypted", n)
		}
		if n := after["request objects"] - before["request objects"]; n != 2 {
			t.Errorf("%d request objects were only signed", n)
		}
	})
	// the answer is a JWT of the server's, in the address, encrypted, or in a form.
	t.Run("signed answer", func(t *testing.T) {
		f := all.in(t)
		f.at(p, "jarm", "jarm", "response_mode=query.jwt", "authorization_signed_response_alg=ES256")
		f.enter(p, "jarm").ok()
		f.at(p, "jarm-refused", "jarm", "response_mode=jwt", "authorization_signed_response_alg=ES256", "login_hint=nobody")
		f.enter(p, "jarm-refused").exits(1).saying("the person said no")
		f.at(p, "jarm-other", "jarm", "response_mode=query.jwt", "authorization_signed_response_alg=PS256")
		f.enter(p, "jarm-other", "--timeout", "20s").exits(1).saying("ES256")
		f.at(p, "jarm-encrypted", "jarm-encrypted", "response_mode=query.jwt", "authorization_signed_response_alg=PS256",
			"authorization_encrypted_response_alg=RSA-OAEP-256", "authorization_encrypted_response_enc=A256GCM")
		f.enter(p, "jarm-encrypted").ok()
		f.at(p, "jarm-form", "jarm", "response_mode=form_post.jwt", "authorization_signed_response_alg=ES256")
		f.login("jarm-form", newPerson(f.desk))
	})
	// R-221, F-012: code and ID token at once, in the fragment that the page hands over, or as a form.
	t.Run("hybrid", func(t *testing.T) {
		f := all.in(t)
		f.at(p, "hybrid", "hybrid", "response_type=code id_token")
		f.login("hybrid", newPerson(f.desk))
		f.at(p, "hybrid-form", "hybrid", "response_type=code id_token token", "response_mode=form_post")
		f.login("hybrid-form", newPerson(f.desk))
		if weak := weaknesses(f, "hybrid-form"); !strings.Contains(weak, "response_type") {
			t.Errorf("a token in the browser's address has no badge: %s", weak)
		}
	})
	// R-190, F-011: only where the profile says so, and with a badge.
	t.Run("implicit", func(t *testing.T) {
		f := all.in(t)
		f.at(p, "implicit", "implicit", "grant_type=implicit", "response_type=id_token token")
		f.login("implicit", newPerson(f.desk))
		has(t, "implicit", f.reads("whoami", "implicit"), map[string]any{"sub": "alice", "email": "alice@example.com"})
		if weak := weaknesses(f, "implicit"); !strings.Contains(weak, "grant_type") {
			t.Errorf("the implicit grant has no badge: %s", weak)
		}
	})
	// what was granted is less than what was asked for, and is said.
	t.Run("details", func(t *testing.T) {
		f := all.in(t)
		const api = "https://api.example.com/"
		f.at(p, "details", "none", "resource="+api, "scope=openid api:read", `authorization_details=[{"type":"payment","amount":10}]`)
		f.enter(p, "details").ok()
		f.run("profile", "set", "details", `authorization_details=[{"type":"payment","amount":5000}]`).ok()
		f.enter(p, "details").ok()
		if shown := f.run("show", "details").ok(); !strings.Contains(shown, "with other values than requested") || !strings.Contains(shown, `"amount":1000`) {
			t.Errorf("fob show says nothing of the smaller grant:\n%s", shown)
		}
		f.run("profile", "set", "details", `authorization_details=[{"type":"bribe"}]`).ok()
		f.enter(p, "details").exits(1).saying("bribe is not among them") // not even sent
	})
	// R-195, F-053: a token for each resource, of one login.
	t.Run("resources", func(t *testing.T) {
		f := all.in(t)
		const api, files = "https://api.example.com/", "https://files.example.com/"
		// This server gives a token for one resource at a time, and for itself where none is named.
		f.at(p, "resources", "none", "resource="+api+" "+files, "scope=openid offline_access api:read files:read", "prompt=consent", "request_params.token/resource=", "request_params.refresh/resource=")
		f.enter(p, "resources").ok()
		_, claims := claimsOf(t, f.token("resources", "--resource", api))
		has(t, "the token for the API", claims, map[string]any{"aud": api, "scope": "api:read"})
		other := f.token("resources", "--resource", files)
		if strings.Count(other, ".") == 2 {
			t.Error("the token for the files is a JWT, which only the API's are")
		}
		f.run("token", "resources", "--resource", "https://evil.example/").exits(1).saying("was not asked for at login")
		if state := f.status("resources").State; state != "logged_in" {
			t.Errorf("after a resource that was never asked for the login is %s", state)
		}
		f.at(p, "unknown", "none", "resource=https://evil.example/")
		f.enter(p, "unknown").exits(1).saying("no such resource")
	})
	// the strength of the login that was asked for.
	t.Run("strength", func(t *testing.T) {
		f := all.in(t)
		f.at(p, "strong", "none", "acr_values=urn:example:gold", "max_age=60")
		f.enter(p, "strong").ok()
		_, claims := claimsOf(t, f.token("strong", "--id-token"))
		has(t, "the ID token", claims, map[string]any{"acr": "urn:example:gold"})
		f.at(p, "plain", "none")
		f.enter(p, "plain", "--acr", "urn:example:gold", "--max-age", "60").ok()
		_, claims = claimsOf(t, f.token("plain", "--id-token"))
		has(t, "the ID token of fob login --acr", claims, map[string]any{"acr": "urn:example:gold"})
	})
}

// weaknesses is what `fob status` says that is weak.
func weaknesses(f *fob, name string) string {
	f.t.Helper()
	list, _ := f.reads("status", name)["weaknesses"].([]any)
	var keys []string
	for _, weakness := range list {
		keys = append(keys, weakness.(map[string]any)["key"].(string))
	}
	return strings.Join(keys, " ")
}
