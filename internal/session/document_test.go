package session

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"fob/internal/authserver"
)

// documents is a host that serves one client ID metadata document; what is for other hosts goes on.
type documents struct {
	next http.RoundTripper
	body map[string]any
	kind string
}

func (d *documents) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "app.example" {
		return d.next.RoundTrip(r)
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", d.kind)
	err := json.NewEncoder(w).Encode(d.body)
	answer := w.Result()
	answer.Request = r
	return answer, err
}

// a login by the user's own metadata document, where the server takes documents; a document that
// servers refuse is refused before there is a profile, and a server that takes none gets a registered client.
func TestAdoptWithADocument(t *testing.T) {
	const id = "https://app.example/client.json"
	host := &documents{kind: "application/json", body: map[string]any{
		"client_id": id, "client_name": "Mine", "token_endpoint_auth_method": "none", "grant_types": []string{"authorization_code", "refresh_token"},
		"redirect_uris": []string{"http://127.0.0.1/callback", "http://localhost/callback"},
	}}
	r := newRig(t, registering(authserver.Options{ResourceMetadata: true, ClientMetadataDocuments: true, HTTPClient: &http.Client{Transport: host}}))
	host.next = r.server.Transport()
	r.http.Transport = host
	if err := r.engine.RemoveProfile(t.Context(), "work"); err != nil { // its client would go first
		t.Fatal(err)
	}
	adopt := func() (string, error) {
		t.Helper()
		found, err := r.engine.Explore(t.Context(), r.server.API())
		if err != nil {
			t.Fatal(err)
		}
		a := Adoption{URL: r.server.API(), Name: "mine", Document: id}
		for _, h := range found.Hosts {
			a.Hosts = append(a.Hosts, h.Host)
		}
		return r.engine.Adopt(t.Context(), a)
	}
	for name, spoil := range map[string]func() (undo func()){
		"another client_id": func() func() { host.body["client_id"] = id + "x"; return func() { host.body["client_id"] = id } },
		"a secret":          func() func() { host.body["client_secret"] = "x"; return func() { delete(host.body, "client_secret") } },
		"not JSON":          func() func() { host.kind = "text/html"; return func() { host.kind = "application/json" } },
	} {
		undo := spoil()
		_, err := adopt()
		wantError(t, err, Failed, CodeClientDocument)
		if _, there := r.file.Get("mine"); there {
			t.Errorf("%s: a profile was made", name)
		}
		undo()
	}
	name, err := adopt()
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := r.file.Get(name); p.ClientID != id || len(r.server.RegisteredClients()) != 0 {
		t.Errorf("client %s, registered %v", p.ClientID, r.server.RegisteredClients())
	}
	r.login(name)
	if answer, err := r.engine.Request(t.Context(), Request{Name: name}); err != nil || answer.Status != http.StatusOK {
		t.Errorf("%d, %v", answer.Status, err)
	}
}

// where the server does not say that it takes documents, none is used.
func TestDocumentWhereNoneIsTaken(t *testing.T) {
	host := &documents{kind: "application/json"}
	r := newRig(t, registering(authserver.Options{ResourceMetadata: true}))
	host.next = r.server.Transport()
	r.http.Transport = host
	if err := r.engine.RemoveProfile(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	found, err := r.engine.Explore(t.Context(), r.server.API())
	if err != nil {
		t.Fatal(err)
	}
	a := Adoption{URL: r.server.API(), Name: "mine", Document: "https://app.example/client.json"}
	for _, h := range found.Hosts {
		a.Hosts = append(a.Hosts, h.Host)
	}
	name, err := r.engine.Adopt(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := r.file.Get(name); !slices.Contains(r.server.RegisteredClients(), p.ClientID) {
		t.Errorf("client %s", p.ClientID)
	}
}
