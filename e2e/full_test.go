//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// fullProvider is npm's oidc-provider with everything on that it has: full/server.mjs.
type fullProvider struct {
	*foreign
	*authority // its certificates and the clients'; path("ca.pem") is what to trust
	t          *testing.T

	issuer             string // http, or https with --tls
	mtls               string // the address of mtls_endpoint_aliases; it asks for a client certificate
	initialAccessToken string // for registration, with --initial-access-token
	clients            map[string]fullClient
}

// fullClient is a client of full/clients.mjs, by the registered names, and what only the client knows.
type fullClient struct {
	ID             string          `json:"client_id"`
	Secret         string          `json:"client_secret"`
	Method         string          `json:"token_endpoint_auth_method"`
	Alg            string          `json:"token_endpoint_auth_signing_alg"`
	PrivateKey     json.RawMessage `json:"private_key"` // a JWK: signs, or decrypts by its use
	PrivateKeyPEM  string          `json:"private_key_pem"`
	Certificate    string          `json:"tls_client_certificate"` // files
	CertificateKey string          `json:"tls_client_key"`
}

// startFull starts the provider: --tls, --pages, --access-ttl SECONDS, --no-nonces, --no-rotation, --initial-access-token, --plain-introspection.
// Nobody need sign in: people are alice or whom the login_hint says, and "nobody" says no.
func startFull(t *testing.T, args ...string) *fullProvider {
	t.Helper()
	p := &fullProvider{t: t, authority: newAuthority(t)}
	cmd := exec.Command(node(), append([]string{filepath.Join("full", "server.mjs"), "--dir", p.dir}, args...)...)
	// For the client metadata documents that it fetches from servers with a certificate of the authority.
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+p.path("ca.pem"))
	p.foreign = startForeign(t, "full provider", cmd, "Error")
	var is struct{ Issuer, MTLS string }
	p.ready(&is)
	p.issuer, p.mtls = is.Issuer, is.MTLS
	text, err := os.ReadFile(p.path("clients.json"))
	must(t, err)
	var file struct {
		InitialAccessToken string `json:"initial_access_token"`
		Clients            map[string]fullClient
	}
	must(t, json.Unmarshal(text, &file))
	p.initialAccessToken, p.clients = file.InitialAccessToken, file.Clients
	return p
}

// in is the same provider for a part of the test.
func (p *fullProvider) in(t *testing.T) *fullProvider {
	part, line, ca := *p, *p.foreign, *p.authority
	part.t, line.t, ca.t = t, t, t
	part.foreign, part.authority = &line, &ca
	return &part
}

// client is the client of that name; full/clients.mjs lists them.
func (p *fullProvider) client(name string) fullClient {
	p.t.Helper()
	c, known := p.clients[name]
	if !known {
		p.t.Fatalf("the full provider has no client %q", name)
	}
	return c
}

// approveDevice is the person who types the user code at the verification address and says yes; denyDevice the one who says no.
func (p *fullProvider) approveDevice(userCode, user string) {
	p.t.Helper()
	p.order("device approve " + userCode + " " + user)
}

func (p *fullProvider) denyDevice(userCode string) {
	p.t.Helper()
	p.order("device deny " + userCode)
}

// cibaRequest is what a device far away was asked.
type cibaRequest struct{ ID, User, Client, Message string }

// asked waits until a device far away is asked (CIBA).
func (p *fullProvider) asked() (r cibaRequest) {
	p.t.Helper()
	p.next("a backchannel request", func(line []byte) bool {
		var is struct {
			Event string
			cibaRequest
		}
		if json.Unmarshal(line, &is) != nil || is.Event != "ciba" {
			return false
		}
		must(p.t, json.Unmarshal(line, &r))
		return true
	})
	return r
}

// approveCIBA is the person at that device who says yes, and denyCIBA the one who says no.
func (p *fullProvider) approveCIBA(id string) {
	p.t.Helper()
	p.order("ciba approve " + id)
}

func (p *fullProvider) denyCIBA(id string) {
	p.t.Helper()
	p.order("ciba deny " + id)
}

// requests is how many requests each path had: "/token", "/request" (PAR), "/me" (userinfo), "/reg" and so on; and how many request objects
// came: "request objects", "request objects, encrypted".
func (p *fullProvider) requests() map[string]int {
	p.t.Helper()
	return p.order("seen")
}

func (p *fullProvider) order(words string) map[string]int {
	p.t.Helper()
	var answer struct{ Seen map[string]int }
	p.say(words, &answer)
	return answer.Seen
}

// http is a client that trusts the provider, has the certificate of that name ("" for none) and follows no redirects.
func (p *fullProvider) http(certificate string) *http.Client {
	transport := &http.Transport{TLSClientConfig: p.tls(certificate)}
	p.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// curlBrowser is a browser without pictures for servers that ask nothing of people: it follows redirects and keeps cookies, and
// is there at once. It cannot post a form nor send a fragment; newPerson can. ca may be "".
func curlBrowser(d *desk, ca string) string {
	d.t.Helper()
	path := filepath.Join(d.root, "curl-browser")
	trust := ""
	if ca != "" {
		trust = "--cacert '" + ca + "'"
	}
	must(d.t, os.WriteFile(path, []byte("#!/bin/sh\nexec curl -sSL -b '' "+trust+" -o /dev/null \"$1\"\n"), 0o755))
	return path
}
