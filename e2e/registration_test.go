//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"testing"
)

// A client that Fob registers itself, reads, changes and deletes: RFC 7591 and 7592 with an initial access token, over TLS, with a
// registration access token that changes with each use. R-110, F-184.
func TestFobRegistration(t *testing.T) {
	t.Parallel()
	p, f := startFull(t, "--initial-access-token", "--tls"), newQuiet(t)
	add := []string{"profile", "add", "made", "--issuer", p.issuer, "--register", "--set", "scope=openid email", "--set", "ca_certificate=@" + p.path("ca.pem")}
	f.run(add...).exits(1)
	f.run("profile", "remove", "made")
	f.run(append(add, "--set", "initial_access_token=@"+p.file("initial", p.initialAccessToken))...).exits(0).saying("registered a client at the server")
	registered := func() (id string, metadata map[string]any) {
		t.Helper()
		shown := f.reads("profile", "register", "made", "--show")
		if shown["managed"] != true {
			t.Error("the registration cannot be managed")
		}
		text, err := json.Marshal(shown["metadata"])
		must(t, err)
		must(t, json.Unmarshal(text, &metadata))
		return shown["client_id"].(string), metadata
	}
	id, metadata := registered()
	has(t, "registered", metadata, map[string]any{"application_type": "native", "token_endpoint_auth_method": "none"})
	f.enter(p, "made").exits(0).saying("logged in to made as alice@example.com")

	f.run("profile", "set", "made", "client_name=Fob of Ana").ok()
	f.run("profile", "register", "made", "--update").ok()
	if again, metadata := registered(); again != id || metadata["client_name"] != "Fob of Ana" {
		t.Errorf("updated: the same client: %t, named %v", again == id, metadata["client_name"])
	}
	f.enter(p, "made").ok()
	f.run("profile", "register", "made", "--delete").ok()
	f.run("profile", "register", "made", "--show").exits(1)
	if asked := send(t, p.http(""), p.issuer+"/auth?"+authorization(id, "openid").Encode(), nil); asked.status < 400 {
		t.Errorf("the deleted client is answered with %d", asked.status)
	}
}
