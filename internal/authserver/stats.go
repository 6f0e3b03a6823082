package authserver

import (
	"maps"
	"sync"
)

// Stats are counts since the start of a server.
type Stats struct {
	// Requests counts by endpoint: discovery, jwks, authorize, par, device_authorization, device,
	// bc-authorize, token, revoke, userinfo, logout, api, home, other.
	Requests map[string]int
	// Logins counts sign-ins on the login page and by Options.AutoApprove.
	Logins int
	// Codes counts authorization codes redeemed, Refreshes refresh tokens exchanged.
	Codes, Refreshes int
	// OtherGrants counts tokens handed out for any other grant.
	OtherGrants int
	// CodesReplayed counts codes that came a second time.
	CodesReplayed int
	// GraceUsed counts superseded refresh tokens that came again within the grace period,
	// ReuseDetected those that came too late and cost their family.
	GraceUsed, ReuseDetected int
	// FamiliesRevoked counts grants revoked, for whatever reason.
	FamiliesRevoked int
	// LastError is the server's own account of the last request it refused; it names clients and
	// parameters, never tokens.
	LastError string
}

// counts is the Stats of a running server.
type counts struct {
	mu    sync.Mutex // guards stats
	stats Stats
}

func newCounts() *counts { return &counts{stats: Stats{Requests: map[string]int{}}} }

// add changes the counts under their lock.
func (c *counts) add(change func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.stats)
}

func (c *counts) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Requests = maps.Clone(s.Requests)
	return s
}
