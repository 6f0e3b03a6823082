package authserver

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// bubble is a person with a server in a synctest bubble, without a network.
func bubble(t *testing.T, o Options) *person {
	t.Helper()
	o.Issuer = "http://as.test"
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return newPerson(t, s, s.Transport())
}

func TestFakeTime(t *testing.T) {
	for name, opaque := range map[string]bool{"jwt": false, "opaque": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := bubble(t, Options{OpaqueTokens: opaque, AccessTokenTTL: time.Minute, RefreshTokenTTL: time.Hour})
				began := time.Now()
				tk := p.login()
				if *tk.ExpiresIn != 60 {
					t.Errorf("expires_in %d", *tk.ExpiresIn)
				}
				_, claims, err := decodeJWT(tk.ID)
				if err != nil || int64(claims["iat"].(float64)) != began.Unix() || began.Year() != 2000 {
					t.Errorf("iat %v in the bubble's %v, %v", claims["iat"], began, err)
				}
				time.Sleep(59 * time.Second)
				var who Whoami
				r := p.whoami(tk.Access)
				if err := json.Unmarshal([]byte(r.body), &who); err != nil || who.ExpiresIn != 1 {
					t.Errorf("a second before: %d %s", r.status, r.body)
				}
				time.Sleep(time.Second)
				if r := p.whoami(tk.Access); r.status != http.StatusUnauthorized {
					t.Errorf("at its end: %d", r.status)
				}
				next := p.token(refresh(tk.Refresh))
				if r := p.whoami(next.Access); r.status != http.StatusOK {
					t.Errorf("refreshed: %d", r.status)
				}
				time.Sleep(time.Hour)
				p.wantError(p.token(refresh(next.Refresh)), 400, "invalid_grant")
			})
		})
	}
}

func TestCodeExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := bubble(t, Options{AutoApprove: "ada"})
		code := p.code()
		time.Sleep(time.Minute)
		p.wantError(p.token(redeem(code)), 400, "invalid_grant")
	})
}

func TestBrowserSessionAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := bubble(t, Options{})
		p.login()
		time.Sleep(time.Minute)
		if r := p.authorize("max_age", "61"); !strings.Contains(r.body, "wants to act for") {
			t.Errorf("max_age 61 after a minute: %d", r.status)
		}
		if r := p.authorize("max_age", "60"); !strings.Contains(r.body, "Sign in to continue") {
			t.Errorf("max_age 60 after a minute: %d", r.status)
		}
		time.Sleep(browserLifetime)
		if r := p.authorize(); !strings.Contains(r.body, "Sign in to continue") {
			t.Errorf("after %v: %d", browserLifetime, r.status)
		}
	})
}

func TestDayOfRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := bubble(t, Options{AutoApprove: "ada", RefreshTokenTTL: time.Hour})
		tk := p.login()
		for range 24 * 12 {
			time.Sleep(5 * time.Minute)
			if tk = p.token(refresh(tk.Refresh)); tk.status != http.StatusOK {
				t.Fatalf("%v: %d %s", time.Now(), tk.status, tk.Error)
			}
		}
		if st := p.s.Stats(); st.Refreshes != 288 || st.ReuseDetected != 0 {
			t.Errorf("stats %+v", st)
		}
		if n := len(p.s.store.families); n != 1 {
			t.Errorf("%d families", n)
		}
		time.Sleep(3 * time.Hour)
		p.login()
		if n := len(p.s.store.families); n != 1 {
			t.Errorf("%d families after the first ended", n)
		}
	})
}

func TestGrantsWithoutRefreshAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := DemoClient()
		c.NoRefresh = true
		p := bubble(t, Options{AutoApprove: "ada", Clients: []Client{c}})
		for range 3 {
			p.login()
			time.Sleep(2 * time.Hour)
		}
		if n := len(p.s.store.families); n != 1 {
			t.Errorf("%d families", n)
		}
	})
}

func TestTransportFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := bubble(t, Options{AutoApprove: "ada"})
		tk := p.login()
		p.s.Faults().Set(TokenSlow, UntilCleared)
		p.s.Faults().SetDelay(time.Minute)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := p.try(p.request(http.MethodPost, "http://as.test/token", refresh(tk.Refresh)).WithContext(ctx))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		tk = p.token(refresh(tk.Refresh))
		if tk.status != http.StatusOK || time.Since(began) != 70*time.Second {
			t.Errorf("%d after %v", tk.status, time.Since(began))
		}
		p.s.Faults().Clear()
		p.s.Faults().Set(TokenLost, 1)
		if _, err := p.try(p.request(http.MethodPost, "http://as.test/token", refresh(tk.Refresh))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("lost answer: %v", err)
		}
		p.s.Faults().Set(TokenEndless, 1)
		resp, err := p.http.Do(p.request(http.MethodPost, "http://as.test/token", refresh(tk.Refresh)))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.CopyN(io.Discard, resp.Body, 3<<20); err != nil {
			t.Errorf("the endless answer ended after %d bytes: %v", n, err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestLateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := bubble(t, Options{AutoApprove: "ada", RotationGrace: -1})
		tk := p.login()
		p.s.Faults().SetDelay(3 * time.Second)
		p.s.Faults().Set(TokenLate, 1)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.try(p.request(http.MethodPost, "http://as.test/token", refresh(tk.Refresh)).WithContext(ctx)); err == nil {
			t.Error("the answer was not late")
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("gave up after %s", took)
		}
		// It was carried out all the same.
		p.wantError(p.token(refresh(tk.Refresh)), 400, "invalid_grant")
	})
}

func TestFaultsByChance(t *testing.T) {
	count := func(seed uint64) (applied []bool) {
		var f Faults
		f.SetChance(TokenError, 0.3, rand.New(rand.NewPCG(seed, 0)))
		for range 1000 {
			applied = append(applied, f.take(TokenError))
		}
		n := f.Applied(TokenError)
		if n < 200 || n > 400 {
			t.Errorf("%d of 1000 at a chance of 0.3", n)
		}
		f.Clear()
		if f.take(TokenError) {
			t.Error("applied after it was cleared")
		}
		return applied
	}
	if !slices.Equal(count(1), count(1)) || slices.Equal(count(1), count(2)) {
		t.Error("the seed does not decide")
	}
}
