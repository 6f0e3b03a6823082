package session

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/internal/keychain"
	"fob/profiles"
)

// monthly is one of a dozen profiles, each of another kind.
type monthly struct {
	profile profiles.Profile
	host    string
	secrets map[string]string
	once    bool // its tokens end, and a person is needed each time
}

// The servers of the month. Nothing listens there: the agents' own network leads to them.
const (
	atRotates = "127.0.0.1:1"
	atShort   = "127.0.0.1:2"
	atStill   = "127.0.0.1:3"
	atOpaque  = "127.0.0.1:4"
	atEnds    = "127.0.0.1:5"
	atMachine = "127.0.0.1:6"
	atLarge   = "127.0.0.1:7"
)

// longestLife is that of an access token of the dozen.
const longestLife = 5 * time.Hour

// dozen makes the servers, and returns the profiles.
func (w *world) dozen() (all []monthly) {
	once := authserver.Client{ID: "once", RedirectURIs: authserver.DemoClient().RedirectURIs, GrantTypes: []string{"authorization_code"}}
	usual := authserver.Options{AccessTokenTTL: 5 * time.Hour}
	short, still, opaque, ends, machine := usual, usual, usual, usual, withClients(usual, service, once)
	short.AccessTokenTTL = 30 * time.Minute
	still.NoRotation = true
	opaque.OpaqueTokens, opaque.AccessTokenTTL = true, longestLife
	ends.RefreshTokenTTL = 3 * 24 * time.Hour // a weekend away is longer than that only without Fob
	w.serve(atRotates, usual)
	w.serve(atShort, short)
	w.serve(atStill, still)
	w.serve(atOpaque, opaque)
	w.serve(atEnds, ends)
	w.serve(atMachine, machine)
	w.serve(atLarge, authserver.Options{AccessTokenTTL: 4 * time.Hour, Users: []authserver.User{{Login: "ada", Name: fmt.Sprintf("%04000d", 1)}}})
	person := func(name, host string) monthly {
		return monthly{profile: profiles.Profile{Name: name, Issuer: issuerAt(host), ClientID: authserver.DemoClientID,
			Scope: profiles.List{"openid", "profile", "offline_access", "api"}}, host: host}
	}
	for _, kind := range []struct{ name, host string }{
		{"rotating", atRotates}, {"rotating too", atRotates}, {"short", atShort}, {"not rotating", atStill}, {"opaque", atOpaque},
		{"refresh token ends", atEnds}, {"large", atLarge}, {"early", atRotates}, {"narrow", atOpaque}, {"ended by the server", atStill},
	} {
		all = append(all, person(kind.name, kind.host))
	}
	all[7].profile.RefreshBefore = profiles.Duration(20 * time.Minute)
	all[8].profile.Scope = profiles.List{"offline_access", "api"}
	alone := person("no refresh token", atMachine)
	alone.profile.ClientID, alone.profile.Scope, alone.once = once.ID, profiles.List{"openid", "api"}, true
	robot := person("client credentials", atMachine)
	robot.profile.ClientID, robot.profile.GrantType, robot.profile.Scope = service.ID, profiles.GrantClientCredentials, profiles.List{"api"}
	robot.secrets = map[string]string{"client_secret": service.Secret}
	return append(all, alone, robot)
}

// month is thirty days of a dozen profiles.
type month struct {
	*world
	agent  *agentOf
	random *rand.Rand
	all    []monthly

	began    time.Time
	trouble  time.Time      // until when something may fail that is not the login's fault
	closed   time.Time      // until when the keychain is away
	wanted   map[string]int // how often each profile may have asked for a login
	told     map[string]int // by agents that are gone
	handouts int
	happened map[string]int
}

// TestAMonth lives through thirty days: nights of sleep, outages of servers and of the network, a keychain that is away or locked,
// a clock that is set by hours, agents that end and are killed. Every invariant is asserted at every step.,
// design.md decisions 3, 6 and 7
func TestAMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		m := &month{world: w, random: rand.New(rand.NewPCG(2026, 11)), all: w.dozen(), began: time.Now(), wanted: map[string]int{}, told: map[string]int{}, happened: map[string]int{}}
		m.agent = w.start(w.dir)
		for _, p := range m.all {
			if err := m.agent.engine.PutProfile(t.Context(), p.profile, p.secrets, "", false); err != nil {
				t.Fatal(err)
			}
			if p.secrets == nil {
				m.login(p)
			}
		}
		for day := range monthDays {
			for time.Since(m.began) < time.Duration(day*24+14)*time.Hour {
				m.happen(day)
				time.Sleep(time.Duration(10+m.random.IntN(110)) * time.Minute)
				m.step()
			}
			m.sleep(10*time.Hour, day)
		}
		m.mend()
		m.step()
		m.sums()
	})
}

func (m *month) login(p monthly) {
	m.t.Helper()
	m.servers[p.host].Faults().Set(authserver.TokenLost, 0) // it is for refreshes
	if err := m.agent.login(p.profile.Name, p.host); err != nil {
		m.t.Fatalf("%s: login %s: %v", m.when(), p.profile.Name, err)
	}
}

func (m *month) when() string {
	d := time.Since(m.began)
	return fmt.Sprintf("day %d, %02d:%02d", int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60)
}

// happen lets something go wrong, more often than in a month of anybody's.
func (m *month) happen(day int) {
	if !m.trouble.IsZero() {
		return // one trouble at a time is enough to tell whose fault a failure is
	}
	now := time.Now()
	lasts := time.Duration(2+m.random.IntN(60)) * time.Minute
	what := ""
	switch m.random.IntN(14) {
	case 0:
		what = "outage"
		faults := []authserver.Fault{authserver.TokenUnavailable, authserver.TokenError, authserver.TokenHTML, authserver.TokenCut}
		for _, s := range m.servers {
			s.Faults().Set(faults[m.random.IntN(len(faults))], authserver.UntilCleared)
		}
		m.trouble = now.Add(lasts)
	case 1:
		what = "no network"
		m.setOffline(true)
		m.trouble = now.Add(lasts)
	case 2:
		what = "keychain away"
		m.setClosed([]error{keychain.ErrNoKeychain, keychain.ErrLocked, keychain.ErrTimeout}[m.random.IntN(3)])
		m.trouble, m.closed = now.Add(lasts), now.Add(lasts)
	case 3:
		what = "answer lost"
		for _, s := range m.servers {
			s.Faults().Set(authserver.TokenLost, 1)
		}
	case 4:
		what = "agent restarted"
		m.restart(func() string { m.agent.engine.Close(); return m.agent.dir })
	case 5:
		what = "agent killed"
		m.restart(m.agent.kill)
	case 6:
		// A refresh is under way at each server when the agent is killed.
		what = "agent killed while it refreshes"
		for _, p := range m.all {
			go func() { _, _ = m.agent.engine.Refresh(m.t.Context(), p.profile.Name) }()
		}
		time.Sleep(time.Duration(m.random.IntN(600)) * time.Millisecond)
		m.restart(m.agent.kill)
	case 7:
		what = "clock set"
		by := time.Duration(1+m.random.IntN(300)) * time.Minute
		if chance(m.random, 2) {
			by = -by - longestLife // less, with no agent running, leaves no trace: clock_test.go has a clock set under a running one
		}
		m.restart(func() string {
			m.agent.engine.Close()
			m.setClock(m.agent.dir, by)
			return m.agent.dir
		})
		for _, p := range m.all {
			if p.once {
				m.login(p) // a token that says when it ends, by a clock that was wrong then, cannot be got anew
			}
		}
	case 8:
		if day%5 == 3 && m.happened["ended by the server"] < day/5+1 {
			what = "ended by the server"
			m.endByServer()
		}
	}
	if what != "" {
		m.happened[what]++
	}
}

// restart ends the agent in that way, and starts another on what it leaves.
func (m *month) restart(end func() string) {
	dir := end()
	for _, p := range m.all {
		m.told[p.profile.Name] += m.agent.told(p.profile.Name)
	}
	m.agent = m.start(dir)
}

// endByServer ends all logins at one server: that, and nothing else, asks a person, once.
func (m *month) endByServer() {
	const host = atStill
	m.servers[host].Faults().Set(authserver.TokenLost, 0) // an answer lost just then would be the reason that is told
	m.servers[host].RevokeAll()
	for _, p := range m.all {
		if p.host != host {
			continue
		}
		for range 30 {
			_, err := m.agent.engine.Refresh(m.t.Context(), p.profile.Name)
			wantError(m.t, err, LogInFirst, "invalid_grant")
		}
		time.Sleep(time.Hour)
		m.wanted[p.profile.Name]++
		m.login(p)
	}
}

// sleep is a night: timers stand still, the servers' time goes on, and the network comes up some seconds after the wake-up, of
// which the agent is told or not.
func (m *month) sleep(d time.Duration, day int) {
	m.agent.halt()
	m.setOffline(true)
	time.Sleep(d)
	m.agent.run()
	told := day%2 == 0
	if told {
		m.agent.engine.NetworkChanged()
	}
	time.Sleep(10 * time.Second)
	m.setOffline(false)
	if told {
		m.agent.engine.NetworkChanged()
	}
	time.Sleep(30 * time.Second) // with or without being told
	m.step()
}

// pauseMax is the longest that an outage may outlast itself: five minutes and a quarter between two tries.
const pauseMax = 7 * time.Minute

// mend ends a trouble whose time is over, and lets its pauses pass.
func (m *month) mend() {
	m.trouble, m.closed = time.Time{}, time.Time{}
	m.setOffline(false)
	m.setClosed(nil)
	for _, s := range m.servers {
		s.Faults().Clear()
	}
	time.Sleep(pauseMax)
}

// step asserts what must hold at every moment.
func (m *month) step() {
	m.t.Helper()
	m.verdict(m.when())
	if !m.trouble.IsZero() && !time.Now().Before(m.trouble) {
		m.mend()
	}
	now := time.Now()
	for _, p := range m.all {
		name := p.profile.Name
		h, err := m.agent.engine.Token(m.t.Context(), name, -1)
		var said *Error
		switch {
		case err == nil:
			m.handouts++
			if !m.takes(p.host, h.AccessToken) {
				m.t.Fatalf("%s: %s: a token that the server does not take", m.when(), name)
			}
			if !m.stored(h.AccessToken) {
				m.t.Fatalf("%s: %s: a token that is not stored", m.when(), name)
			}
			if s, err := m.agent.engine.one(name); err != nil || s.ObtainedAt == nil || s.ExpiresAt == nil || h.ExpiresAt == nil || !s.ExpiresAt.Equal(*h.ExpiresAt) || s.State == LoginRequired {
				m.t.Fatalf("%s: %s: the record does not agree: %+v, %v", m.when(), name, s, err)
			}
		case !errors.As(err, &said):
			m.t.Fatalf("%s: %s: %v", m.when(), name, err)
		case said.Kind == LogInFirst && p.once:
			m.again(p)
		case said.Kind == TryAgain && now.Before(m.trouble):
		case strings.HasPrefix(said.Code, CodeKeychain) && now.Before(m.closed):
		default:
			m.t.Fatalf("%s: %s: kind %d, code %s: %v", m.when(), name, said.Kind, said.Code, err)
		}
		if told := m.told[name] + m.agent.told(name); told > m.wanted[name] && !p.once {
			m.t.Fatalf("%s: %s asked for a login %d times, and the server has ended %d", m.when(), name, told, m.wanted[name])
		}
	}
}

// again logs in to what has no refresh token, when its token has really ended.
func (m *month) again(p monthly) {
	m.t.Helper()
	s, err := m.agent.engine.one(p.profile.Name)
	if err != nil || s.ExpiresAt != nil && time.Until(*s.ExpiresAt) > minTTLDefault {
		m.t.Fatalf("%s: %s asks for a login, and its token ends at %v, %v", m.when(), p.profile.Name, s.ExpiresAt, err)
	}
	if time.Now().After(m.trouble) {
		m.login(p)
	}
}

// sums are asserted at the end.
func (m *month) sums() {
	var refreshes, grace, reuse, revoked, busiest int
	for _, s := range m.servers {
		stats := s.Stats()
		refreshes, grace, reuse, revoked = refreshes+stats.Refreshes, grace+stats.GraceUsed, reuse+stats.ReuseDetected, revoked+stats.FamiliesRevoked
	}
	busiest = m.busiest
	m.t.Logf("%d handouts, %d refreshes, grace used %d times, at most %d requests a minute at one server; %v", m.handouts, refreshes, grace, busiest, m.happened)
	if reuse != 0 || revoked != 2*m.happened["ended by the server"] {
		m.t.Errorf("%d reuses, %d families revoked, %d times by the server", reuse, revoked, m.happened["ended by the server"])
	}
	if grace == 0 || m.handouts < 100*monthDays || len(m.happened) < 9 {
		m.t.Errorf("too little happened: %d handouts, grace used %d times, %v", m.handouts, grace, m.happened)
	}
	if most := 60; busiest > most {
		m.t.Errorf("%d requests in a minute at one server, want at most %d", busiest, most)
	}
}
