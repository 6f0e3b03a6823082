//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// provider is npm's oidc-provider with the configuration of provider/server.mjs.
type provider struct {
	*foreign
	issuer string
}

// tally is what the provider counted.
type tally struct {
	Token   int `json:"token"`   // answers of the token endpoint
	Refresh int `json:"refresh"` // those to a refresh token
	Basic   int `json:"basic"`   // those to a client that authenticated with Basic

	RefreshTokens []string `json:"refreshTokens"` // all that were ever issued
}

type providerLine struct {
	Issuer, Done, Event string
	Seen                tally
}

// node is the Node.js to run; dev/e2e.sh names one where the system's own is too old.
func node() string {
	if path := os.Getenv("FOB_E2E_NODE"); path != "" {
		return path
	}
	return "node"
}

func startProvider(t *testing.T, args ...string) *provider {
	t.Helper()
	cmd := exec.Command(node(), append([]string{filepath.Join("provider", "server.mjs")}, args...)...)
	cmd.Env = append(os.Environ(), "E2E_CLIENT_SECRET="+clientSecret)
	p := &provider{foreign: startForeign(t, "provider", cmd, "Error")}
	p.issuer = p.line("issuer", func(l providerLine) bool { return l.Issuer != "" }).Issuer
	return p
}

// line waits for a line of the provider's.
func (p *provider) line(what string, wanted func(providerLine) bool) (line providerLine) {
	p.t.Helper()
	p.next(what, func(text []byte) bool {
		line = providerLine{}
		return json.Unmarshal(text, &line) == nil && wanted(line)
	})
	return line
}

// order has the provider do something: down, up, hold before|after, release, stale, stumble STATUS, revoke, seen.
func (p *provider) order(words string) tally {
	p.t.Helper()
	_, err := io.WriteString(p.stdin, words+"\n")
	must(p.t, err)
	name, _, _ := strings.Cut(words, " ")
	return p.line(words, func(l providerLine) bool { return l.Done == name }).Seen
}

// held waits until a token request is being held back.
func (p *provider) held() {
	p.t.Helper()
	p.line("a held request", func(l providerLine) bool { return l.Event == "held" })
}

// dropped waits until a request held before it was looked at has been given up.
func (p *provider) dropped() {
	p.t.Helper()
	p.line("a dropped request", func(l providerLine) bool { return l.Event == "dropped" })
}

// whoami asks the provider's userinfo endpoint with the token: the person's e-mail address, or the status.
func (p *provider) whoami(token string) (email string, status int) {
	p.t.Helper()
	request, err := http.NewRequest("GET", p.issuer+"/me", nil)
	must(p.t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	must(p.t, err)
	defer response.Body.Close()
	var claims struct{ Email string }
	must(p.t, json.NewDecoder(response.Body).Decode(&claims))
	return claims.Email, response.StatusCode
}

// clientSecret is the canary that no file, log, argv or environment of Fob's may hold; each of its odd characters is one that
// RFC 6749 §2.3.1 wants encoded before Basic.
const clientSecret = "canary s:e%c+r/e t&=~"
