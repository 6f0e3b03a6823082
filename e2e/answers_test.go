//go:build e2e && linux

package e2e

import (
	"strings"
	"testing"
)

// What the server says of the person and the token, in every clothing.
func TestFobAnswers(t *testing.T) {
	t.Parallel()
	p, all := startFull(t), newQuiet(t)

	// R-220, F-177, F-178, F-179: ID tokens of each algorithm, and encrypted.
	for client, alg := range map[string]string{"none": "RS256", "id-PS256": "PS256", "id-ES256": "ES256", "id-EdDSA": "EdDSA", "id-HS256": "HS256"} {
		t.Run("ID token, "+alg, func(t *testing.T) {
			f := all.in(t)
			f.at(p, client, client, "id_token_signed_response_alg="+alg)
			f.enter(p, client).ok()
			if header, _ := claimsOf(t, f.token(client, "--id-token")); header["alg"] != alg {
				t.Errorf("the ID token is signed with %v", header["alg"])
			}
		})
	}
	// What was not agreed on is refused, wherever it comes.
	t.Run("other algorithms than agreed", func(t *testing.T) {
		f := all.in(t)
		f.at(p, "other-id", "id-ES256", "id_token_signed_response_alg=PS256")
		f.enter(p, "other-id").exits(1).saying("ES256")
		f.at(p, "other-encryption", "id-encrypted", "id_token_encrypted_response_alg=RSA-OAEP")
		f.enter(p, "other-encryption").exits(1).saying("RSA-OAEP-256")
		f.at(p, "other-userinfo", "userinfo-signed", "userinfo_signed_response_alg=PS256")
		f.enter(p, "other-userinfo").ok()
		f.run("whoami", "other-userinfo").exits(1).saying("ES256")
		f.at(p, "other-introspection", "introspect", "introspection_signed_response_alg=PS256")
		f.enter(p, "other-introspection").ok()
		f.run("introspect", "other-introspection").exits(1).saying("the algorithm is not accepted")
	})
	for client, alg := range map[string]string{"id-encrypted": "RSA-OAEP-256", "id-encrypted-ECDH": "ECDH-ES"} {
		t.Run("ID token, "+alg, func(t *testing.T) {
			f := all.in(t)
			f.at(p, client, client, "id_token_encrypted_response_alg="+alg)
			f.enter(p, client).exits(0).saying("logged in to " + client + " as alice@example.com")
			shown := f.reads("show", client)
			claims, _ := shown["id_token_claims"].(map[string]any)
			has(t, "the claims inside", claims, map[string]any{"sub": "alice", "aud": client})
		})
	}
	// F-172: UserInfo as JSON, signed, encrypted.
	for _, client := range []string{"none", "userinfo-signed", "userinfo-encrypted"} {
		t.Run("UserInfo, "+client, func(t *testing.T) {
			f, name := all.in(t), "who-"+client
			var sets []string
			if client != "none" {
				sets = append(sets, "userinfo_signed_response_alg=ES256")
			}
			if client == "userinfo-encrypted" {
				sets = append(sets, "userinfo_encrypted_response_alg=RSA-OAEP-256", "userinfo_encrypted_response_enc=A256GCM")
			}
			f.at(p, name, client, sets...)
			f.enter(p, name).ok()
			has(t, "fob whoami", f.reads("whoami", name), map[string]any{"sub": "alice", "email": "alice@example.com"})
		})
	}
	// R-040, F-171: what the server makes of the token, as its signed word. As JSON: TestFobFAPI.
	t.Run("introspection", func(t *testing.T) {
		f := all.in(t)
		f.at(p, "asked", "client_secret_basic", "scope=openid email offline_access", "prompt=consent")
		f.enter(p, "asked").ok()
		said := f.reads("introspect", "asked")
		claims, _ := said["claims"].(map[string]any)
		has(t, "introspection", said, map[string]any{"active": true, "verified": true})
		has(t, "introspection", claims, map[string]any{"sub": "alice", "client_id": "client_secret_basic"})
		has(t, "introspection of the refresh token", f.reads("introspect", "asked", "--refresh-token"), map[string]any{"active": true})
		f.at(p, "signed", "introspect", "introspection_signed_response_alg=ES256")
		f.enter(p, "signed").ok()
		said = f.reads("introspect", "signed")
		claims, _ = said["claims"].(map[string]any)
		has(t, "introspection as JWT", said, map[string]any{"active": true, "verified": true})
		has(t, "introspection as JWT", claims, map[string]any{"sub": "alice", "client_id": "introspect"})
		// Revoked by somebody else, and Fob finds out when it asks.
		c := p.client("client_secret_basic")
		send(t, p.http(""), p.issuer+"/token/revocation", map[string][]string{"token": {f.token("asked")}}, basic(c.ID, c.Secret))
		if out := f.run("introspect", "asked"); out.code != 1 || !strings.Contains(out.err, "not active") {
			t.Errorf("of a revoked token Fob says, with %d: %s", out.code, out.err)
		}
	})
	// the session of the browser ends, too, and the next login has to be a new one.
	t.Run("logout", func(t *testing.T) {
		f := all.in(t)
		f.at(p, "leaving", "none")
		f.enter(p, "leaving").ok()
		before := p.requests()["/session/end"]
		out := f.run("logout", "leaving", "--end-session", "--browser", curlBrowser(f.desk, ""))
		out.exits(0).saying("logged out of leaving", "logout page: "+p.issuer+"/session/end?", "id_token_hint=")
		if n := p.requests()["/session/end"] - before; n != 1 {
			t.Errorf("the page that ends the session was opened %d times", n)
		}
		f.run("token", "leaving").exits(3)
	})
}
