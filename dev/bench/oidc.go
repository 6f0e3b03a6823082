package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"fob/internal/authserver"
)

// oidcAgent is Debian's oidc-agent with an account at the bench's server, to be asked the same as Fob.
type oidcAgent struct {
	env  []string
	stop func()
}

// account is the name of the account in oidc-agent.
const account = "bench"

// startOIDCAgent loads an account into an oidc-agent of its own. Without oidc-agent on the machine it returns nil.
func (b *bench) startOIDCAgent() (*oidcAgent, error) {
	if _, err := exec.LookPath("oidc-gen"); err != nil {
		return nil, nil
	}
	refresh, err := b.refreshToken()
	if err != nil {
		return nil, fmt.Errorf("oidc-agent: %w", err)
	}
	home := filepath.Join(b.root, "oidc")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	o := &oidcAgent{env: append(os.Environ(), "HOME="+home)}
	start := exec.Command("oidc-agent")
	start.Env = o.env
	said, err := start.Output()
	if err != nil {
		return nil, fmt.Errorf("oidc-agent: %w", err)
	}
	for _, statement := range strings.Split(string(said), ";") { // OIDC_SOCK=…; export …; OIDCD_PID=…
		if statement = strings.TrimSpace(statement); strings.HasPrefix(statement, "OIDC") {
			o.env = append(o.env, statement)
		}
	}
	o.stop = func() {
		end := exec.Command("oidc-agent", "-k")
		end.Env = o.env
		end.Run() // it ends with the machine at the latest
	}
	gen := exec.Command("oidc-gen", account, "--issuer", b.server.Issuer(), "--client-id", authserver.DemoClientID, "--pub",
		"--redirect-uri", "http://localhost:4242", "--scope", "openid profile offline_access api", "--rt-env=FOB_BENCH_RT",
		"--pw-cmd", "echo bench", "--prompt", "none", "--confirm-yes")
	gen.Env = append(o.env, "FOB_BENCH_RT="+refresh)
	if said, err := gen.CombinedOutput(); err != nil {
		o.stop()
		return nil, fmt.Errorf("oidc-gen: %w: %s", err, said)
	}
	return o, nil
}

// refreshToken logs in at the bench's server, which redirects at once, and returns the refresh token.
func (b *bench) refreshToken() (string, error) {
	const redirect, verifier = "http://127.0.0.1:4242/callback", "a-verifier-of-more-than-forty-three-characters"
	challenge := sha256.Sum256([]byte(verifier))
	direct := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := direct.Get(b.server.Issuer() + "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {authserver.DemoClientID}, "redirect_uri": {redirect}, "state": {"s"}, "nonce": {"n"},
		"scope": {"openid profile offline_access api"}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])},
	}.Encode())
	if err != nil {
		return "", err
	}
	answer.Body.Close()
	back, err := answer.Location()
	if err != nil {
		return "", err
	}
	answer, err = direct.PostForm(b.server.Issuer()+"/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {authserver.DemoClientID}, "redirect_uri": {redirect},
		"code": {back.Query().Get("code")}, "code_verifier": {verifier},
	})
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var token struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&token); err != nil {
		return "", err
	}
	if token.RefreshToken == "" {
		return "", errors.New("the server gave no refresh token")
	}
	return token.RefreshToken, nil
}
