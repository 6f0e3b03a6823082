package session

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/authserver"
	"fob/internal/forms"
	"fob/profiles"
)

// Issue 5, "Copy as": every form of the table is filled in for a bearer token; those that are a request are for the API or for the
// request that was named.
func TestEveryFormOfABearerToken(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.login("work")
	p, _ := r.file.Get("work")
	for _, form := range forms.BuiltIn() {
		filled, err := r.engine.Fill(t.Context(), FormRequest{Name: "work", Form: Form(form.Name)})
		if err != nil || filled.Note != "" {
			t.Errorf("%s: %v, note %q", form.Name, err, filled.Note)
		}
		if form.Kind != forms.Call {
			continue
		}
		if !strings.Contains(filled.Text, p.APIBaseURL) {
			t.Errorf("%s is not for the API", form.Name)
		}
		filled, err = r.engine.Fill(t.Context(), FormRequest{Name: "work", Form: Form(form.Name), Method: "PATCH", URL: "/things/7", Header: []HeaderField{{"X-One", "two"}}, Body: `{"a":1}`})
		if err != nil || !strings.Contains(filled.Text, p.APIBaseURL+"/things/7") || !strings.Contains(filled.Text, "PATCH") || !strings.Contains(filled.Text, "X-One") || !strings.Contains(filled.Text, "two") {
			t.Errorf("%s: %v", form.Name, err)
		}
	}
	for _, r2 := range []FormRequest{
		{Name: "work", Form: FormCurl, URL: "/../x"}, {Name: "work", Form: FormCurl, Header: []HeaderField{{"authorization", "x"}}}, {Name: "work", Form: "env", Var: "A-B"},
	} {
		if _, err := r.engine.Fill(t.Context(), r2); err == nil {
			t.Errorf("%+v was filled in", r2)
		}
	}
}

// Issue 5: for DPoP the forms carry the proof for the method and URL asked for, say how long it is good, or say that they cannot.
func TestFormsOfABoundToken(t *testing.T) {
	pop := authserver.Client{ID: "pop", GrantTypes: []string{"authorization_code", "refresh_token"}, RedirectURIs: authserver.DemoClient().RedirectURIs, DPoPBoundTokens: true}
	r := newRig(t, authserver.Options{Clients: []authserver.Client{pop}, DPoP: &authserver.DPoP{}})
	r.put(profiles.Profile{Name: "bound", Issuer: issuer, ClientID: "pop", Scope: profiles.List{"openid", "api"}, DPoPBoundAccessTokens: true, APIBaseURL: r.server.API()})
	r.login("bound")
	for _, form := range forms.BuiltIn() {
		filled, err := r.engine.Fill(t.Context(), FormRequest{Name: "bound", Form: Form(form.Name)})
		switch form.Kind {
		case forms.Value:
			wantError(t, err, Failed, CodeNeedsRequest)
			if said := err.(*Error); !strings.Contains(said.Sentence, form.Name) || !strings.Contains(said.Remedy, "--as curl") {
				t.Errorf("%s: %s; %s", form.Name, said.Sentence, said.Remedy)
			}
		case forms.Call, forms.Headers:
			if err != nil || !strings.Contains(filled.Text, "DPoP ") || !strings.Contains(filled.Note, "GET "+r.server.API()+", once") {
				t.Errorf("%s: %v, note %q", form.Name, err, filled.Note)
			}
		}
	}
	header, err := r.engine.Fill(t.Context(), FormRequest{Name: "bound", Form: FormHeader, Method: http.MethodPost})
	if err != nil || r.letsIn(header.Text) {
		t.Errorf("a proof for POST lets a GET in: %v", err)
	}
	// A template may do without a header; one that wants it and has no request gets none.
	p, _ := r.file.Get("bound")
	p.APIBaseURL = ""
	r.put(p)
	dir := filepath.Dir(r.file.Path())
	for name, template := range map[string]string{"bare": "{{.Profile}} {{.TokenType}} {{.Account}}", "head": "{{.Header}}"} {
		if _, err := forms.Add(dir, name, "", template); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := r.engine.Text(t.Context(), "bound", "bare"); err != nil || !strings.HasPrefix(text, "bound DPoP demo-ada") {
		t.Errorf("%q, %v", text, err)
	}
	_, err = r.engine.Text(t.Context(), "bound", "head")
	wantError(t, err, Failed, CodeForm)
	if err := os.Remove(filepath.Join(dir, forms.FileName)); err != nil {
		t.Fatal(err)
	}
	_, err = r.engine.Text(t.Context(), "bound", "bare")
	wantError(t, err, Misused, CodeForm)
}

// The form that was copied last is remembered, but for the token itself.
func TestLastFormIsRemembered(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.login("work")
	r.engine.Copied("work", "postman")
	r.engine.Copied("work", FormAccessToken)
	r.engine.Copied("nobody", "postman")
	if got := r.status("work").LastForm; got != "postman" {
		t.Errorf("%q", got)
	}
}
