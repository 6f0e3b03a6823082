package session

import (
	"maps"
	"slices"
	"time"
)

// Proxy is one that runs for a profile, as faces show it: without its secret.
type Proxy struct {
	ID       string    `json:"id"`
	At       string    `json:"at"` // host and port
	ReadOnly bool      `json:"read_only,omitempty"`
	Since    time.Time `json:"since"`
}

// running is a proxy, and how to end what is under way in it.
type running struct {
	Proxy
	name string // of the profile
	cut  func()
}

// Runs notes that a proxy uses the carrier, so that every face shows it, until over is called. cut is called when Fob is locked: what
// is asked from then on is refused, and what was let in before must end.
func (c *Carrier) Runs(p Proxy, cut func()) (over func()) {
	e := c.engine
	e.mu.Lock()
	if e.proxies == nil {
		e.proxies = map[string]running{}
	}
	e.proxies[p.ID] = running{p, c.name, cut}
	e.mu.Unlock()
	e.changed(c.name)
	return func() {
		e.mu.Lock()
		delete(e.proxies, p.ID)
		e.mu.Unlock()
		e.changed(c.name)
	}
}

// proxiesLocked are the proxies of a profile, the oldest first; Engine.mu is held.
func (e *Engine) proxiesLocked(name string) []Proxy {
	var all []Proxy
	for _, r := range e.proxies {
		if r.name == name {
			all = append(all, r.Proxy)
		}
	}
	slices.SortFunc(all, func(a, b Proxy) int { return a.Since.Compare(b.Since) })
	return all
}

// cutProxies ends what is under way in every proxy.
func (e *Engine) cutProxies() {
	e.mu.Lock()
	all := maps.Clone(e.proxies)
	e.mu.Unlock()
	for _, r := range all {
		r.cut()
	}
}
