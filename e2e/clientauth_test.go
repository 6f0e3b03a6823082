//go:build e2e && linux

package e2e

import (
	"net/url"
	"strings"
	"testing"
)

// Fob proves a client in each way that there is, at a server that refuses every other way: login, refresh, revocation.
//
// F-001, F-007, F-040, F-041, F-090, F-092, F-093, F-094, F-095, F-096, F-098, F-103, F-170.
func TestFobClientAuthentication(t *testing.T) {
	t.Parallel()
	p, all := startFull(t), newQuiet(t)
	for _, client := range []string{
		"none", "client_secret_basic", "client_secret_post", "client_secret_jwt",
		"private_key_jwt-ES256", "private_key_jwt-RS256", "private_key_jwt-PS256", "private_key_jwt-EdDSA",
		"tls_client_auth", "self_signed_tls_client_auth",
	} {
		t.Run(client, func(t *testing.T) {
			f := all.in(t)
			f.at(p, client, client, "scope=openid email offline_access", "prompt=consent")
			f.enter(p, client).exits(0).saying("logged in to " + client + " as alice@example.com")
			before := f.token(client)
			f.run("refresh", client).ok()
			if f.token(client) == before {
				t.Error("the refresh brought no new token")
			}
			if strings.HasSuffix(client, "tls_client_auth") {
				// the token is bound to the certificate; without it, it is worth nothing.
				send(t, p.http(""), p.issuer+"/me", nil, "Authorization: Bearer "+before).refuses(t, client, 401, "invalid_token")
			}
			last := f.token(client)
			f.run("logout", client).exits(0).saying("logged out of " + client)
			// revoked at the server, which tells somebody else so.
			said := send(t, p.http(""), p.issuer+"/token/introspection", url.Values{"token": {last}}, basic("introspect", p.client("introspect").Secret))
			if said.status != 200 || said.body["active"] != false {
				t.Errorf("after the logout the server calls the token active: %v (%d)", said.body["active"], said.status)
			}
		})
	}
	// And chosen by itself, from what the profile has and what the server takes. F-099
	for _, client := range []string{"none", "client_secret_basic", "private_key_jwt-ES256"} {
		t.Run("chosen for "+client, func(t *testing.T) {
			f, name := all.in(t), "chosen-"+client
			f.at(p, name, client, "-token_endpoint_auth_method")
			f.enter(p, name).ok()
		})
	}
}
