package authserver

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestRotation(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada", RotationGrace: -1})
	first := p.login()
	second := p.token(refresh(first.Refresh))
	if second.status != http.StatusOK || second.Refresh == "" || second.Refresh == first.Refresh || second.Access == first.Access || second.ID == "" {
		t.Fatalf("refresh: %d %s", second.status, second.Error)
	}
	_, a, _ := decodeJWT(first.ID)
	_, b, _ := decodeJWT(second.ID)
	if a["auth_time"] != b["auth_time"] || a["sub"] != b["sub"] || b["at_hash"] != atHash(second.Access) {
		t.Errorf("id_tokens %v %v", a, b)
	}
	if tk := p.token(refresh(second.Refresh, "scope", "openid")); tk.status != http.StatusOK || tk.Scope != "openid" {
		t.Errorf("narrower scope: %d %q", tk.status, tk.Scope)
	}
	p.wantError(p.token(refresh(second.Refresh)), 400, "invalid_grant")
}

// R-307 rests on this: what follows a superseded token is certain.
func TestReuseRevokesFamily(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada", RotationGrace: -1})
	bystander := p.login()
	first := p.login()
	second := p.token(refresh(first.Refresh))
	if r := p.whoami(second.Access); r.status != http.StatusOK {
		t.Fatalf("whoami before: %d", r.status)
	}
	p.wantError(p.token(refresh(first.Refresh)), 400, "invalid_grant")
	p.wantError(p.token(refresh(second.Refresh)), 400, "invalid_grant")
	if r := p.whoami(second.Access); r.status != http.StatusUnauthorized {
		t.Errorf("access token of a revoked family: %d", r.status)
	}
	if st := p.s.Stats(); st.ReuseDetected != 1 || st.FamiliesRevoked != 1 {
		t.Errorf("stats %+v", st)
	}
	if tk := p.token(refresh(bystander.Refresh)); tk.status != http.StatusOK {
		t.Errorf("another family: %d %s", tk.status, tk.Error)
	}
}

func TestGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := bubble(t, Options{AutoApprove: "ada", RotationGrace: 10 * time.Second})
		first := p.login()
		second := p.token(refresh(first.Refresh))
		time.Sleep(9 * time.Second)
		third := p.token(refresh(first.Refresh))
		if third.status != http.StatusOK || third.Refresh == second.Refresh || third.Refresh == first.Refresh {
			t.Fatalf("within the grace: %d %s", third.status, third.Error)
		}
		fourth := p.token(refresh(third.Refresh))
		if fourth.status != http.StatusOK {
			t.Fatalf("the fresh successor: %d %s", fourth.status, fourth.Error)
		}
		time.Sleep(11 * time.Second)
		if st := p.s.Stats(); st.GraceUsed != 1 || st.ReuseDetected != 0 {
			t.Errorf("stats %+v", st)
		}
		p.wantError(p.token(refresh(second.Refresh)), 400, "invalid_grant")
		p.wantError(p.token(refresh(fourth.Refresh)), 400, "invalid_grant")
		if st := p.s.Stats(); st.ReuseDetected != 1 || st.FamiliesRevoked != 1 {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestNoRotation(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada", NoRotation: true, RotationGrace: -1})
	first := p.login()
	for range 3 {
		if tk := p.token(refresh(first.Refresh)); tk.status != http.StatusOK || (tk.Refresh != "" && tk.Refresh != first.Refresh) {
			t.Fatalf("%d %s %t", tk.status, tk.Error, tk.Refresh == first.Refresh)
		}
	}
}

func TestNoRefreshClient(t *testing.T) {
	c := DemoClient()
	c.NoRefresh = true
	p := start(t, Options{AutoApprove: "ada", Clients: []Client{c}})
	if tk := p.login(); tk.Refresh != "" {
		t.Error("a refresh token for a client without that grant")
	}
}

func TestOneRefreshTokenIsSpentOnce(t *testing.T) {
	p := bubble(t, Options{AutoApprove: "ada", RotationGrace: -1})
	for range 50 {
		first := p.login()
		var wg sync.WaitGroup
		good := make(chan bool, 8)
		ready := make(chan struct{})
		for range cap(good) {
			wg.Go(func() {
				req := p.request(http.MethodPost, p.s.Issuer()+"/token", refresh(first.Refresh))
				<-ready
				r, err := p.try(req)
				if err != nil {
					t.Error(err)
				}
				good <- r.status == http.StatusOK
			})
		}
		close(ready)
		wg.Wait()
		close(good)
		n := 0
		for ok := range good {
			if ok {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("%d of 8 succeeded", n)
		}
	}
	if st := p.s.Stats(); st.ReuseDetected != 50 || st.FamiliesRevoked != 50 {
		t.Errorf("stats %+v", st)
	}
}

func TestCodeReplayRevokes(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada"})
	code := p.code()
	tk := p.token(redeem(code))
	for range 2 {
		p.wantError(p.token(redeem(code)), 400, "invalid_grant")
	}
	p.wantError(p.token(refresh(tk.Refresh)), 400, "invalid_grant")
	if r := p.whoami(tk.Access); r.status != http.StatusUnauthorized {
		t.Errorf("access token after a replayed code: %d", r.status)
	}
	if st := p.s.Stats(); st.CodesReplayed != 2 || st.FamiliesRevoked != 1 {
		t.Errorf("stats %+v", st)
	}
}

func TestRevocation(t *testing.T) {
	p := start(t, Options{AutoApprove: "ada"})
	revoke := func(token string, pairs ...string) reply {
		t.Helper()
		return p.post(p.s.Issuer()+"/revoke", with(url.Values{"token": {token}, "client_id": {DemoClientID}}, pairs...))
	}
	for name, of := range map[string]func(tokens) string{
		"refresh token": func(tk tokens) string { return tk.Refresh },
		"access token":  func(tk tokens) string { return tk.Access },
	} {
		tk := p.login()
		for range 2 { // 200 the second time too
			if r := revoke(of(tk), "token_type_hint", "refresh_token"); r.status != http.StatusOK {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
		p.wantError(p.token(refresh(tk.Refresh)), 400, "invalid_grant")
		if r := p.whoami(tk.Access); r.status != http.StatusUnauthorized {
			t.Errorf("%s: access token still works: %d", name, r.status)
		}
	}
	tk := p.login()
	next := p.token(refresh(tk.Refresh))
	if r := revoke(tk.Refresh); r.status != http.StatusOK {
		t.Errorf("superseded token: %d", r.status)
	}
	p.wantError(p.token(refresh(next.Refresh)), 400, "invalid_grant")
	if r := revoke("unknown"); r.status != http.StatusOK {
		t.Errorf("unknown token: %d", r.status)
	}
	if r := revoke(p.login().Refresh, "client_id", "nobody"); r.status != http.StatusUnauthorized {
		t.Errorf("unknown client: %d", r.status)
	}
	tk = p.login()
	before := p.s.Stats().FamiliesRevoked
	p.s.RevokeAll()
	p.wantError(p.token(refresh(tk.Refresh)), 400, "invalid_grant")
	if n := p.s.Stats().FamiliesRevoked - before; n != 2 { // this one, and the one nobody was allowed to revoke
		t.Errorf("RevokeAll revoked %d families", n)
	}
}

func TestStateSurvivesRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "demo", "state.json")
	o := Options{AutoApprove: "ada", State: path, RotationGrace: -1}
	p := start(t, o)
	spent := p.login()
	tk := p.token(refresh(spent.Refresh))
	kept := p.login()
	jwks := p.get(p.s.Issuer() + "/jwks").body
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("state file: %v %v", info, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{tk.Refresh, tk.Access, tk.ID, kept.Refresh} {
		if strings.Contains(string(data), secret) {
			t.Error("the state file holds a token")
		}
	}
	issuer := p.s.Issuer()
	if err := p.s.Close(); err != nil {
		t.Fatal(err)
	}

	p = start(t, o)
	if p.s.Issuer() != issuer {
		t.Errorf("issuer was %s and is %s", issuer, p.s.Issuer())
	}
	if got := p.get(issuer + "/jwks").body; got != jwks {
		t.Errorf("keys were %s and are %s", jwks, got)
	}
	if r := p.whoami(tk.Access); r.status != http.StatusOK {
		t.Errorf("access token from before: %d %s", r.status, r.body)
	}
	next := p.token(refresh(tk.Refresh))
	if next.status != http.StatusOK {
		t.Fatalf("refresh token from before: %d %s (%s)", next.status, next.Error, p.s.Stats().LastError)
	}
	_, a, _ := decodeJWT(tk.ID)
	_, b, _ := decodeJWT(next.ID)
	if a["auth_time"] != b["auth_time"] || a["auth_time"] == nil || b["nonce"] != a["nonce"] {
		t.Errorf("id_tokens %v %v", a, b)
	}
	p.wantError(p.token(refresh(spent.Refresh)), 400, "invalid_grant") // reuse is seen across the restart
	p.wantError(p.token(refresh(next.Refresh)), 400, "invalid_grant")
	if tk := p.token(refresh(kept.Refresh)); tk.status != http.StatusOK {
		t.Errorf("the other login: %d %s", tk.status, tk.Error)
	}
}

func TestStateDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(path, []byte(`{"version":1,"keys":[{`), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, Options{AutoApprove: "ada", State: path})
	p.login()
	if data, err := os.ReadFile(path + ".damaged"); err != nil || !strings.HasSuffix(string(data), "[{") {
		t.Errorf("set aside: %q %v", data, err)
	}
	if _, err := Start(t.Context(), Options{State: filepath.Join(path, "below-a-file")}); err == nil {
		t.Error("a state file that cannot be written was taken")
	}
}

func TestPortTakenSinceLastRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	p := start(t, Options{State: path})
	other := start(t, Options{State: path})
	if p.s.Issuer() == other.s.Issuer() {
		t.Error("two servers at one address")
	}
}
