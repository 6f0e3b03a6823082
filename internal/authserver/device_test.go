package authserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"
	cibaGrant   = "urn:openid:params:grant-type:ciba"
)

type deviceAnswer struct {
	DeviceCode string `json:"device_code"`
	UserCode   string `json:"user_code"`
	URI        string `json:"verification_uri"`
	Complete   string `json:"verification_uri_complete"`
	ExpiresIn  int    `json:"expires_in"`
	Interval   int    `json:"interval"`
}

func deviceClient() Client {
	return Client{ID: "tv", Name: "The television", GrantTypes: []string{deviceGrant, "refresh_token"}}
}

// connect begins a device authorization.
func (p *person) connect() deviceAnswer {
	p.t.Helper()
	var d deviceAnswer
	r := p.post(p.s.Issuer()+"/device_authorization", url.Values{"client_id": {"tv"}, "scope": {"openid profile api offline_access"}})
	if r.status != http.StatusOK || json.Unmarshal([]byte(r.body), &d) != nil || d.DeviceCode == "" {
		p.t.Fatalf("device authorization %d %s", r.status, r.body)
	}
	return d
}

func pollFor(d deviceAnswer) url.Values {
	return url.Values{"grant_type": {deviceGrant}, "client_id": {"tv"}, "device_code": {d.DeviceCode}}
}

func TestDevicePages(t *testing.T) {
	p := start(t, Options{IssuerPath: "/tenant", Clients: []Client{deviceClient()}})
	d := p.connect()
	if d.URI != p.s.Issuer()+"/device" || d.ExpiresIn != 300 || d.Interval != 5 || d.Complete != d.URI+"?user_code="+d.UserCode {
		t.Errorf("%+v", d)
	}
	if r := p.get(d.URI); r.status != http.StatusOK || !strings.Contains(r.body, "Which code") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := p.get(d.URI + "?user_code=BBBB-BBBB"); !strings.Contains(r.body, `role="alert"`) {
		t.Errorf("unknown code: %d %s", r.status, r.body)
	}
	page := p.get(d.URI + "?user_code=" + strings.ToLower(strings.ReplaceAll(d.UserCode, "-", "+")))
	if page = p.submit(page, url.Values{"account": {"ada"}}); !strings.Contains(page.body, "The television") {
		t.Fatalf("consent %d %s", page.status, page.body)
	}
	p.wantError(p.token(pollFor(d)), 400, "authorization_pending")
	if r := p.submit(page, consent); !strings.Contains(r.body, "Your device is signed in") {
		t.Fatalf("%d %s", r.status, r.body)
	}
	p.wantError(p.token(pollFor(d)), 400, "slow_down")

	d = p.connect()
	if page = p.get(d.Complete); !strings.Contains(page.body, "wants to act for Ada Lovelace") {
		t.Fatalf("%d %s", page.status, page.body)
	}
	p.submit(page, url.Values{"approve": {"yes"}, "scope": {"api", "offline_access"}})
	tk := p.token(pollFor(d))
	if tk.status != http.StatusOK || tk.Scope != "openid api offline_access" || tk.ID == "" {
		t.Fatalf("%d %s, scope %q, %s", tk.status, tk.Error, tk.Scope, p.s.Stats().LastError)
	}
	if tk = p.token(refresh(tk.Refresh, "client_id", "tv")); tk.status != http.StatusOK {
		t.Errorf("refresh %d %s", tk.status, tk.Error)
	}
	d = p.connect()
	if r := p.submit(p.get(d.Complete), url.Values{"cancel": {"yes"}}); r.status == http.StatusOK {
		t.Errorf("after Cancel: %d", r.status)
	}
	p.wantError(p.token(pollFor(d)), 400, "access_denied")
}

func TestDevicePolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := bubble(t, Options{Device: Device{Interval: 3 * time.Second, TTL: time.Minute, NoComplete: true}, Clients: []Client{deviceClient()}})
		d := p.connect()
		if d.Interval != 3 || d.ExpiresIn != 60 || d.Complete != "" {
			t.Errorf("%+v", d)
		}
		p.wantError(p.token(pollFor(d)), 400, "authorization_pending")
		time.Sleep(2 * time.Second)
		p.wantError(p.token(pollFor(d)), 400, "slow_down")
		time.Sleep(7 * time.Second) // 3 + 5 are wanted now
		p.wantError(p.token(pollFor(d)), 400, "slow_down")
		time.Sleep(13 * time.Second)
		p.wantError(p.token(pollFor(d)), 400, "authorization_pending")
		p.wantError(p.token(url.Values{"grant_type": {deviceGrant}, "client_id": {"tv"}, "device_code": {"guessed"}}), 400, "invalid_grant")
		if err := p.s.ApproveDevice(d.UserCode, "grace"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(13 * time.Second)
		tk := p.token(pollFor(d))
		if tk.status != http.StatusOK {
			t.Fatalf("%d %s", tk.status, tk.Error)
		}
		if r := p.whoami(tk.Access); !strings.Contains(r.body, "Grace Hopper") {
			t.Errorf("%d %s", r.status, r.body)
		}
		time.Sleep(13 * time.Second)
		p.wantError(p.token(pollFor(d)), 400, "invalid_grant") // spent
		if err := p.s.ApproveDevice(d.UserCode, "ada"); err == nil {
			t.Error("approved twice")
		}

		d = p.connect()
		if err := p.s.DenyDevice(strings.ToLower(d.UserCode)); err != nil {
			t.Fatal(err)
		}
		p.wantError(p.token(pollFor(d)), 400, "access_denied")
		d = p.connect()
		time.Sleep(time.Minute)
		p.wantError(p.token(pollFor(d)), 400, "expired_token")
		if err := p.s.ApproveDevice(d.UserCode, "ada"); err == nil {
			t.Error("approved too late")
		}
	})
}

func TestPollFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := bubble(t, Options{Clients: []Client{deviceClient()}})
		p.s.Faults().Set(NoInterval, 1)
		if d := p.connect(); d.Interval != 0 {
			t.Errorf("interval %d", d.Interval)
		}
		d := p.connect()
		for fault, want := range map[Fault]string{PollSlowDown: "slow_down", PollDenied: "access_denied", PollExpired: "expired_token"} {
			p.s.Faults().Set(fault, 1)
			p.wantError(p.token(pollFor(d)), 400, want)
		}
		p.s.Faults().Set(PollCut, 1)
		if _, err := p.try(p.request(http.MethodPost, p.s.Issuer()+"/token", pollFor(d))); err == nil {
			t.Error("not cut")
		}
		p.s.Faults().Set(PollHangs, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := p.try(p.request(http.MethodPost, p.s.Issuer()+"/token", pollFor(d)).WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("hanging: %v", err)
		}
		p.wantError(p.token(pollFor(d)), 400, "authorization_pending")
	})
}
