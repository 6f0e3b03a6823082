//go:build e2e && linux

package e2e

import (
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mcpServer is the demo of npm's @modelcontextprotocol/sdk: an API that answers 401 with protected resource metadata (RFC 9728),
// and an authorization server that registers whoever asks (RFC 7591) and asks nobody anything.
type mcpServer struct {
	*foreign
	t        *testing.T
	args     []string
	resource string // the API's address, …/mcp
	issuer   string // with the slash that it ends in
}

// startMCP starts it; with --strict its tokens must be for its resource (RFC 8707).
func startMCP(t *testing.T, args ...string) *mcpServer {
	t.Helper()
	m := &mcpServer{t: t, args: args}
	m.start()
	return m
}

func (m *mcpServer) start(args ...string) {
	m.t.Helper()
	words := append([]string{filepath.Join("mcp", "server.mjs")}, append(args, m.args...)...)
	m.foreign = startForeign(m.t, "MCP demo", exec.Command(node(), words...))
	var is struct{ Resource, Issuer string }
	m.ready(&is)
	m.resource, m.issuer = is.Resource, is.Issuer
}

// forget starts it again at the same addresses: it has its clients and tokens in memory.
func (m *mcpServer) forget() {
	m.t.Helper()
	m.end()
	var ports []string
	for _, address := range []string{m.resource, m.issuer} {
		at, err := url.Parse(address)
		must(m.t, err)
		ports = append(ports, at.Port())
	}
	m.start("--ports", strings.Join(ports, ","))
}

// initialize makes the first request of an MCP client; token may be "".
func (m *mcpServer) initialize(token string) reply {
	m.t.Helper()
	headers := []string{"Accept: application/json, text/event-stream"}
	if token != "" {
		headers = append(headers, "Authorization: Bearer "+token)
	}
	return sendJSON(m.t, http.DefaultClient, "POST", m.resource, map[string]any{
		"jsonrpc": "2.0", "id": 1, "method": "initialize",
		"params": map[string]any{"protocolVersion": "2025-06-18", "capabilities": map[string]any{}, "clientInfo": map[string]any{"name": "fob-e2e", "version": "0"}},
	}, headers...)
}

// The demo does what RFC 9728 and 7591 say, and lets nobody in without a token for it. Fob has no part in this test.
func TestMCPDemo(t *testing.T) {
	t.Parallel()
	m := startMCP(t, "--strict")
	hc := &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

	refused := m.initialize("")
	at := challengeParameter(refused.header.Get("WWW-Authenticate"), "resource_metadata")
	if refused.status != 401 || at == "" {
		t.Fatalf("without token: %d, WWW-Authenticate %q", refused.status, refused.header.Get("WWW-Authenticate"))
	}
	// Of a token that its authorization server does not know, the demo makes a 500.
	if answer := m.initialize("nonsense"); answer.status < 400 {
		t.Errorf("a token that is none: %d", answer.status)
	}
	resource := send(t, hc, at, nil)
	servers, _ := resource.body["authorization_servers"].([]any)
	if resource.body["resource"] != m.resource || len(servers) != 1 || servers[0] != m.issuer {
		t.Fatalf("protected resource metadata: %v", resource.body)
	}
	server := send(t, hc, m.issuer+".well-known/oauth-authorization-server", nil)
	if server.grants(t, "metadata", "issuer") != m.issuer {
		t.Errorf("issuer %v", server.body["issuer"])
	}
	registered := sendJSON(t, hc, "POST", server.grants(t, "metadata", "registration_endpoint"), map[string]any{
		"redirect_uris": []string{"http://127.0.0.1:9/callback"}, "token_endpoint_auth_method": "none",
	})
	id := registered.grants(t, "registration", "client_id")
	login := func(resource string) url.Values {
		request := authorization(id, "mcp:tools", "resource", resource)
		back := walk(t, hc, server.grants(t, "metadata", "authorization_endpoint")+"?"+request.Encode())
		return with(redeem(id, back.Query().Get("code")), "resource", resource)
	}
	token := server.grants(t, "metadata", "token_endpoint")
	send(t, hc, token, with(login(m.resource), "code_verifier", verifier+"x")).refuses(t, "another verifier", 400, "invalid_grant")
	if other := send(t, hc, token, login("https://elsewhere.example/")); other.status < 400 {
		t.Errorf("a token for another resource: %d", other.status)
	}
	access := send(t, hc, token, login(m.resource)).grants(t, "token", "access_token")
	if answer := m.initialize(access); answer.status != 200 {
		t.Errorf("with a token: %d", answer.status)
	}
}
