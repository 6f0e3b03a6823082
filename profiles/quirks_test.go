package profiles

import (
	"encoding/json"
	"strings"
	"testing"
)

// F-116: the six points of a request's life, and what else servers do.
func TestQuirks(t *testing.T) {
	const text = `{"token_method":"GET","scope_separator":",","token_query":{"id":"{client_id}"},"refresh_query":{"a":"b"},` +
		`"api_query":{"key":"{client_secret}","site":"stackoverflow"},"revoke_query":{"t":"{access_token}"},"introspect_query":{"x":"y"},` +
		`"token_answer":{"form":true,"rename":{"authed_user.access_token":"access_token"},"defaults":{"expires_in":5,"token_type":"Bearer"}},` +
		`"refresh_answer":{"rename":{"expires":"expires_in"}},"error_member":"ok","error_description_member":"error.text","no_nonce":true,"no_redirect_uri":true}`
	var p Profile
	if err := p.Set("quirks", text); err != nil {
		t.Fatal(err)
	}
	q, err := p.ServerQuirks()
	if err != nil {
		t.Fatal(err)
	}
	if q.TokenMethod != "GET" || q.ScopeSeparator != "," || q.TokenQuery["id"] != "{client_id}" || q.RefreshQuery["a"] != "b" || q.APIQuery["site"] != "stackoverflow" ||
		q.RevokeQuery["t"] != "{access_token}" || q.IntrospectQuery["x"] != "y" || !q.TokenAnswer.Form || q.TokenAnswer.Rename["authed_user.access_token"] != "access_token" ||
		string(q.TokenAnswer.Defaults["expires_in"]) != "5" || q.RefreshAnswer.Rename["expires"] != "expires_in" || q.ErrorMember != "ok" ||
		q.ErrorDescriptionMember != "error.text" || !q.NoNonce || !q.NoRedirectURI {
		t.Errorf("%+v", q)
	}
	if got := q.JSON(); got != text {
		t.Errorf("got  %s\nwant %s", got, text)
	}
	if got := (Quirks{}).JSON(); got != "" {
		t.Errorf("no quirks are %q", got)
	}
	// What the type knows, the reader knows.
	var all map[string]any
	data, _ := json.Marshal(q)
	if err := json.Unmarshal(data, &all); err != nil || len(all) != len(quirkNames) || len(q.targets()) != len(quirkNames) {
		t.Errorf("%d members are written, %d are read, %d are named", len(all), len(q.targets()), len(quirkNames))
	}
}

func TestQuirksRefuse(t *testing.T) {
	tests := []struct{ text, want string }{
		{`x`, "is not JSON"},
		{`[]`, "is an array; write an object"},
		{`{"scope_seperator":","}`, `has the member "scope_seperator", which Fob does not know; it knows token_method, scope_separator`},
		{`{"scope_separator":1}`, "has a number for scope_separator; write text in quotes"},
		{`{"scope_separator":null}`, "has null for scope_separator"},
		{`{"no_nonce":"yes"}`, "has text for no_nonce; write true or false"},
		{`{"no_nonce":true,"no_nonce":true}`, `has "no_nonce" twice`},
		{`{"token_method":"PUT"}`, "has a token_method that is none"},
		{`{"api_query":{"a":1}}`, "has an object for api_query; write an object of texts"},
		{`{"api_query":{"a":"{secret}"}}`, "api_query.a has a placeholder that Fob does not know"},
		{`{"api_query":{"":"x"}}`, "api_query has a parameter without a name"},
		{`{"api_query":{"access_token":"canary"}}`, "api_query.access_token is a secret"},
		{`{"token_answer":{"defaults":{"access_token":"canary"}}}`, "token_answer.defaults has access_token, which is a secret"},
		{`{"token_answer":[]}`, "token_answer is an array"},
		{`{"token_answer":{"renames":{}}}`, `token_answer has the member "renames"`},
		{`{"token_answer":{"rename":{"a":"b.c"}}}`, "token_answer.rename has a path that is none"},
		{`{"token_answer":{"rename":{"a..b":"c"}}}`, "token_answer.rename has a path that is none"},
		{`{"error_member":"a."}`, "error_member is no path"},
		{`{"error_description_member":".a"}`, "error_description_member is no path"},
	}
	for _, tt := range tests {
		_, err := ParseQuirks(tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %q", tt.text, err, tt.want)
		}
		if problem := ValidateValue("quirks", tt.text); problem == nil {
			t.Errorf("%s passes the check of the field", tt.text)
		}
	}
}

func FuzzQuirks(f *testing.F) {
	for _, seed := range []string{`{}`, `{"token_answer":{"rename":{"a.b":"c"}}}`, `{"api_query":{"a":"{client_id}"}}`, `{"token_answer":null}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ParseQuirks(text)
		if err != nil {
			return
		}
		written := q.JSON()
		if written == "" {
			return
		}
		if again, err := ParseQuirks(written); err != nil || again.JSON() != written {
			t.Fatalf("%s is written as %s: %v", text, written, err)
		}
	})
}
