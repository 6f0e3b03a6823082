//go:build e2e && linux

package e2e

import (
	"strings"
	"testing"
)

// Paste the address of an MCP server, and the call succeeds: 401, protected resource metadata, authorization server metadata,
// registration, login, call., F-184.
func TestFobMCP(t *testing.T) {
	t.Parallel()
	m, f := startMCP(t, "--strict"), newQuiet(t)
	browser := curlBrowser(f.desk, "")
	// Nobody is there to look at the hosts: nothing is done.
	f.run("login", "--url", m.resource).exits(2).saying("gets ", "--yes")
	said := f.run("login", "--url", m.resource, "--yes", "--browser", browser)
	name := strings.TrimSpace(said.ok())
	said.saying("Fob registers itself there as a client", "logged in to "+name)
	token := f.token(name)
	if answer := m.initialize(token); answer.status != 200 {
		t.Errorf("the API answers the token with %d", answer.status)
	}
	// The profile is there already: logged in again with the same client.
	clients := func() (id string) {
		t.Helper()
		shown := f.reads("profile", "show", name)
		profile, _ := shown["profile"].(map[string]any)
		id, _ = profile["client_id"].(string)
		return id
	}
	first := clients()
	if again := f.run("login", "--url", m.resource, "--yes", "--browser", browser); strings.TrimSpace(again.ok()) != name || clients() != first {
		t.Errorf("a second login for the same API: %s", again.err)
	}

	// The server forgets everybody, as servers with their clients in memory do: registered anew, once, without being asked.
	m.forget()
	f.run("login", name, "--browser", browser).ok()
	second := clients()
	if second == first || second == "" {
		t.Error("the client id is the one that the server has forgotten")
	}
	if answer := m.initialize(f.token(name)); answer.status != 200 {
		t.Errorf("after the server's restart the API answers with %d", answer.status)
	}
}
