//go:build e2e && linux

package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// Tokens that are worth nothing without the key that they are bound to, at a server that demands its nonce of every proof.
func TestFobSenderConstrained(t *testing.T) {
	t.Parallel()
	p, all := startFull(t), newQuiet(t)
	me := p.issuer + "/me"

	// F-057, F-157: login, refresh, and use by curl.
	t.Run("DPoP", func(t *testing.T) {
		f := all.in(t)
		f.at(p, "dpop", "dpop", "dpop_bound_access_tokens=true", "scope=openid email offline_access", "prompt=consent")
		f.enter(p, "dpop").ok()
		token := f.token("dpop")
		if bearer := send(t, p.http(""), me, nil, "Authorization: Bearer "+token); bearer.status < 400 {
			t.Errorf("the token is good without proof: %d", bearer.status)
		}
		has(t, "fob whoami", f.reads("whoami", "dpop"), map[string]any{"sub": "alice", "email": "alice@example.com"})
		// As its help shows it. Fob has seen this server's nonce already, and curl needs no second try.
		cmd := exec.Command("sh", "-c", `"$0" header dpop GET "$1" | curl -sS -H @- "$1"`, program(t, "fob"), me)
		cmd.Env = f.desk.env(f.vars...)
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), `"alice@example.com"`) {
			t.Errorf("curl with fob header: %v: %s", err, out)
		}
		// An API that Fob has not talked to says which nonce it wants, and the next header has it.
		refused := f.curl(p, "dpop", "GET", me, "--nonce", "of-yesterday")
		refused.refuses(t, "a stale nonce", 401, "use_dpop_nonce")
		f.curl(p, "dpop", "GET", me, "--nonce", refused.header.Get("DPoP-Nonce")).grants(t, "with the nonce", "sub")
		// A proof is for one request.
		headers := strings.Split(strings.TrimSpace(f.run("header", "dpop", "POST", me).ok()), "\n")
		send(t, p.http(""), me, nil, headers...).refuses(t, "the proof of another method", 401, "invalid_dpop_proof")
		f.run("header", "dpop").exits(2).saying("name the request")

		f.run("refresh", "dpop").ok()
		if f.token("dpop") == token {
			t.Error("the refresh brought no new token")
		}
		f.curl(p, "dpop", "GET", me).grants(t, "after the refresh", "sub")
		f.run("logout", "dpop").exits(0)
	})
	// F-158: another algorithm.
	t.Run("DPoP, EdDSA", func(t *testing.T) {
		f := all.in(t)
		f.at(p, "dpop-EdDSA", "dpop", "dpop_bound_access_tokens=true", "dpop_signing_alg=EdDSA")
		f.enter(p, "dpop-EdDSA").ok()
		f.curl(p, "dpop-EdDSA", "GET", me).grants(t, "EdDSA", "sub")
	})
	// F-103: bound to the certificate of the TLS connection.
	t.Run("certificate", func(t *testing.T) {
		f := all.in(t)
		f.at(p, "bound", "mtls-bound", "tls_client_certificate_bound_access_tokens=true", "scope=openid email offline_access", "prompt=consent")
		f.enter(p, "bound").ok()
		f.run("refresh", "bound").ok()
		has(t, "fob whoami", f.reads("whoami", "bound"), map[string]any{"sub": "alice"})
		token := f.token("bound")
		send(t, p.http("self"), p.mtls+"/me", nil, "Authorization: Bearer "+token).grants(t, "with the certificate", "sub")
		send(t, p.http("client"), p.mtls+"/me", nil, "Authorization: Bearer "+token).refuses(t, "with another", 401, "invalid_token")
	})
}

// The strict profile against clients that the server holds to it: pushed requests, PKCE, iss, DPoP or a certificate, asymmetric
// client authentication whose aud is the issuer..
func TestFobFAPI(t *testing.T) {
	t.Parallel()
	p, all := startFull(t, "--tls", "--no-rotation", "--plain-introspection"), newQuiet(t)
	for client, sets := range map[string][]string{
		"fapi":       {"dpop_bound_access_tokens=true", "id_token_signed_response_alg=ES256"},
		"fapi-PS256": {"dpop_bound_access_tokens=true", "id_token_signed_response_alg=PS256"},
		"fapi-mtls":  {"tls_client_certificate_bound_access_tokens=true", "id_token_signed_response_alg=PS256"},
	} {
		t.Run(client, func(t *testing.T) {
			f, before := all.in(t), p.requests()["/request"]
			f.at(p, client, client, append(sets, "fapi_profile=fapi2", "scope=openid email offline_access", "prompt=consent")...)
			said := f.enter(p, client)
			said.ok()
			if page := said.page(); strings.Count(page, "&") != 1 || !strings.Contains(page, "client_id=") || !strings.Contains(page, "request_uri=") {
				t.Errorf("the browser carries more than a reference: %s", page)
			}
			if p.requests()["/request"] == before {
				t.Error("the request was not pushed")
			}
			f.run("refresh", client).ok()
			f.run("refresh", client).ok() // with the same refresh token
			has(t, "fob whoami", f.reads("whoami", client), map[string]any{"sub": "alice"})
			// F-171: this server does not sign what it says of tokens.
			has(t, "fob introspect", f.reads("introspect", client), map[string]any{"active": true, "verified": false})
		})
	}
	// what is less does not even become a profile.
	t.Run("less", func(t *testing.T) {
		f := all.in(t)
		for name, less := range map[string]struct {
			client string
			sets   []string
			says   string
		}{
			"unbound": {"fapi", nil, "dpop_bound_access_tokens"},
			"shared":  {"client_secret_basic", []string{"dpop_bound_access_tokens=true"}, "token_endpoint_auth_method"},
			"RS256":   {"private_key_jwt-RS256", []string{"dpop_bound_access_tokens=true", "token_endpoint_auth_signing_alg=RS256"}, "token_endpoint_auth_signing_alg"},
		} {
			f.adds(p, name, less.client, append(less.sets, "fapi_profile=fapi2")...).exits(2).saying(less.says, "fapi2")
		}
	})
}

// page is the login page that was opened.
func (s said) page() string {
	for line := range strings.Lines(s.err) {
		if address, found := strings.CutPrefix(line, "fob: login page: "); found {
			return strings.TrimSpace(address)
		}
	}
	return ""
}
