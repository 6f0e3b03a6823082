package oauth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// dating is a server that takes assertions of its own minute only, and tells its time.
func dating(t *testing.T, asked *int) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked++
		var claims struct{ Iat int64 }
		parts := strings.Split(r.FormValue("client_assertion"), ".")
		if len(parts) != 3 {
			t.Errorf("no assertion: %v", r.Form)
			return
		}
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil || json.Unmarshal(payload, &claims) != nil {
			t.Errorf("no claims: %v", err)
		}
		if time.Since(time.Unix(claims.Iat, 0)).Abs() > time.Minute {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":"invalid_client"}`)
			return
		}
		_, _ = io.WriteString(w, `{"access_token":"a","token_type":"Bearer"}`)
	}))
	t.Cleanup(srv.Close)
	return srv
}

func TestAssertionOfAWrongClock(t *testing.T) { // F-136: nobody knew, or knew wrong, and the refusal tells
	for name, wrong := range map[string]time.Duration{"ahead": 2 * time.Hour, "behind": -2 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			srv := dating(t, &asked)
			client := func() *Client {
				return &Client{ID: "app", Secret: "a secret of thirty-two bytes, no less", AuthMethod: AuthSecretJWT, Metadata: &Metadata{Issuer: srv.URL, TokenEndpoint: srv.URL + "/token"},
					now: func() time.Time { return time.Now().Add(wrong) }}
			}
			c := client()
			if _, err := c.Refresh(t.Context(), &Token{RefreshToken: "r"}); err != nil || asked != 2 {
				t.Fatalf("%v after %d requests", err, asked)
			}
			if _, err := c.Refresh(t.Context(), &Token{RefreshToken: "r"}); err != nil || asked != 3 {
				t.Errorf("%v after %d requests: it learnt nothing", err, asked)
			}
			if _, _, known := c.Servers.Clock(srv.URL); known {
				t.Error("a client without Servers has none")
			}
			ahead, at, known := c.servers().Clock(srv.URL)
			if !known || (ahead+wrong).Abs() > 2*time.Second {
				t.Errorf("%s %v", ahead, known)
			}
			// Set since: what was kept is as wrong as the clock was.
			right := client()
			right.now, right.Servers = nil, new(Servers)
			right.Servers.SetClock(srv.URL, ahead, at.Add(-wrong))
			if _, err := right.Refresh(t.Context(), &Token{RefreshToken: "r"}); err != nil || asked != 5 {
				t.Errorf("%v after %d requests", err, asked)
			}
			// A clock that is right gets no second try.
			right.ID, asked = "app", 0
			srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = io.WriteString(w, `{"error":"invalid_client"}`)
			})
			if _, err := right.Refresh(t.Context(), &Token{RefreshToken: "r"}); !errors.Is(err, InvalidClient) || asked != 1 {
				t.Errorf("%v after %d requests", err, asked)
			}
		})
	}
}

func TestClockOfASlowAnswer(t *testing.T) {
	sent := time.Date(2026, 1, 1, 12, 0, 0, 300e6, time.UTC)
	for _, tt := range []struct {
		date, received time.Duration // after 12:00:00
		want           time.Duration
	}{
		{0, 400 * time.Millisecond, 0},
		{9 * time.Second, 10 * time.Second, 0}, // written when it was nearly here
		{0, 10 * time.Second, 0},               // or at once
		{20 * time.Second, 10 * time.Second, 10 * time.Second},
		{-93 * time.Second, time.Second, -92 * time.Second},
		{2 * time.Hour, time.Second, 2*time.Hour - time.Second},
	} {
		noon := sent.Truncate(time.Second)
		if got := clockAhead(noon.Add(tt.date), sent, noon.Add(tt.received)); (got - tt.want).Abs() > time.Second {
			t.Errorf("%s, received at %s: %s, want %s", tt.date, tt.received, got, tt.want)
		}
	}
	s := new(Servers)
	s.SetClock("https://as.example", time.Hour, time.Now().Add(-25*time.Hour))
	if _, known := s.ClockOffset("https://as.example/token"); known {
		t.Error("a day old, and still believed")
	}
	s.SetClock("https://as.example", time.Hour, time.Now())
	s.ClockMoved(-time.Hour) // this computer's was put back by an hour
	if ahead, known := s.ClockOffset("https://as.example/token"); !known || ahead != 2*time.Hour {
		t.Errorf("%s %v", ahead, known)
	}
}
