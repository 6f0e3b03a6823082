package session

import (
	"net/http"
	"sync"

	"fob/oauth"
	"fob/profiles"
)

// road is how a profile's servers are reached, and what was learnt on the way. Profiles that go the same way share it. Those that
// go another do not: where one skips the server's certificate, somebody in the middle may answer, and must not answer for the others.
type road struct {
	http    *http.Client
	servers *oauth.Servers
}

// network is what a profile says about the network.
type network struct {
	proxy, authorities string
	skipVerify         bool
}

// roads are those of the profiles that go a way of their own.
type roads struct {
	mu    sync.Mutex // guards known
	known map[network]*road
}

// roadFor is the road of a profile: the engine's, unless the profile says something about the network.
func (e *Engine) roadFor(p profiles.Profile) (*road, error) {
	n := network{p.Proxy, p.CACertificate, p.TLSSkipVerify}
	if n == (network{}) {
		return &road{e.http, &e.memory}, nil
	}
	e.roads.mu.Lock()
	defer e.roads.mu.Unlock()
	if r := e.roads.known[n]; r != nil {
		return r, nil
	}
	proxy := n.proxy
	if proxy == "none" {
		proxy = "direct"
	}
	hc, err := oauth.NewHTTPClient(oauth.HTTPOptions{CACertificate: []byte(n.authorities), Proxy: oauth.Secret(proxy), SkipVerify: n.skipVerify})
	if err != nil {
		return nil, err
	}
	if e.roads.known == nil {
		e.roads.known = map[network]*road{}
	}
	r := &road{hc, new(oauth.Servers)}
	e.roads.known[n] = r
	return r, nil
}
