package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func challenged(lines ...string) http.Header { return http.Header{"Www-Authenticate": lines} }

// what an API demands of the next login.
func TestStepUp(t *testing.T) {
	tok := &Token{Scope: []string{"read"}, GrantScope: []string{"openid", "read"}}
	s, err := NeedStepUp(403, challenged(`Basic realm="x"`, `Bearer realm="api", error="insufficient_scope", scope="write admin", error_description="<b>more</b>"`), tok, nil)
	if err != nil || !slices.Equal(s.Scope, []string{"openid", "read", "admin", "write"}) || s.Code != InsufficientScope || s.Reason != "more" {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = NeedStepUp(401, challenged(`DPoP error="insufficient_user_authentication", acr_values="gold silver", max_age="5"`), tok, nil)
	if err != nil || !slices.Equal(s.ACRValues, []string{"gold", "silver"}) || *s.MaxAge != 5*time.Second || !slices.Equal(s.Scope, tok.GrantScope) {
		t.Errorf("%+v, %v", s, err)
	}
	r := AuthorizationRequest{Scope: []string{"openid", "files"}}
	s.Apply(&r)
	if !slices.Equal(r.Scope, []string{"openid", "files", "read"}) || !r.RequireACR || *r.MaxAge != 5*time.Second || !slices.Equal(r.ACRValues, s.ACRValues) {
		t.Errorf("%+v", r)
	}
	s, err = NeedStepUp(401, challenged(`Bearer error="insufficient_user_authentication"`), tok, nil)
	if err != nil || s.MaxAge == nil || *s.MaxAge != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	for name, tt := range map[string]struct {
		status int
		header http.Header
	}{
		"expired": {401, challenged(`Bearer error="invalid_token"`)}, "nothing": {401, nil}, "fine": {200, challenged(`Bearer error="insufficient_scope", scope="x"`)},
		"another scheme": {403, challenged(`Negotiate error="insufficient_scope", scope="x"`)}, "not found": {404, nil},
	} {
		if s, err := NeedStepUp(tt.status, tt.header, tok, nil); s != nil || err != nil {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// the same demand right after the login that met it is a loop.
func TestStepUpLoop(t *testing.T) {
	tok := &Token{Scope: []string{"read"}}
	header := challenged(`Bearer error="insufficient_user_authentication", acr_values="gold", max_age=60`)
	first, err := NeedStepUp(401, header, tok, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := NeedStepUp(401, header, tok, first); s != nil || !errors.Is(err, ErrStepUp) || !strings.Contains(err.Error(), "gold") {
		t.Errorf("%+v, %v", s, err)
	}
	other := challenged(`Bearer error="insufficient_scope", scope="write"`)
	second, err := NeedStepUp(403, other, tok, first)
	if err != nil || second == nil {
		t.Fatalf("another demand is none: %v", err)
	}
	// in another order, with more beside it, it is the same
	if s, err := NeedStepUp(403, challenged(`Bearer scope="write", error="insufficient_scope", realm="x"`), tok, second); s != nil || !errors.Is(err, ErrStepUp) {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := NeedStepUp(403, challenged(`Bearer error="insufficient_scope", scope="read"`), tok, nil); s != nil || !errors.Is(err, ErrStepUp) {
		t.Errorf("a scope that is there: %+v, %v", s, err)
	}
	if s, err := NeedStepUp(403, challenged(`Bearer error="insufficient_scope"`), tok, nil); s != nil || !errors.Is(err, ErrStepUp) {
		t.Errorf("no scope named: %+v, %v", s, err)
	}
}

// the new login is checked for what was demanded.
func TestStepUpChecked(t *testing.T) {
	f := newFake(t)
	f.claims["acr"] = "tin"
	r := openid
	(&StepUp{ACRValues: []string{"gold"}}).Apply(&r)
	f.refused(f.client(), r, "acr", ErrACR)
	f.claims["acr"] = "gold"
	if _, err := f.login(f.client(), r); err != nil {
		t.Error(err)
	}
}

func TestLogout(t *testing.T) {
	f := newFake(t)
	c := f.client()
	if _, err := c.EndSession("hint", ""); !errors.Is(err, ErrNoEndpoint) {
		t.Error(err)
	}
	f.metadata["end_session_endpoint"] = f.URL + "/logout?tenant=7"
	c = f.client()
	l, err := c.EndSession("eyJ.id.token", "http://127.0.0.1:7/out")
	if err != nil {
		t.Fatal(err)
	}
	q := query(t, l.URL)
	if q.Get("tenant") != "7" || q.Get("id_token_hint") != "eyJ.id.token" || q.Get("client_id") != "client" ||
		q.Get("post_logout_redirect_uri") != "http://127.0.0.1:7/out" || q.Get("state") != l.State || len(l.State) < 22 {
		t.Errorf("%v", q)
	}
	if err := l.Check(url.Values{"state": {l.State}}); err != nil {
		t.Error(err)
	}
	for _, bad := range []url.Values{nil, {"state": {""}}, {"state": {"x"}}, {"state": {l.State, l.State}}} {
		if err := l.Check(bad); !errors.Is(err, ErrResponse) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	l, err = c.EndSession("", "")
	if err != nil || l.State != "" || query(t, l.URL).Has("state") || query(t, l.URL).Has("id_token_hint") {
		t.Errorf("%+v, %v", l, err)
	}
	if l.Check(url.Values{"state": {""}}) == nil {
		t.Error("an empty state is taken")
	}
}
