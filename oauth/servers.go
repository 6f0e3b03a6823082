package oauth

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Servers remembers what servers said that matters to the next request: the
// DPoP nonce to use (RFC 9449 section 8.2) and how far their clock is from
// this computer's. The zero value is ready; share one among clients that
// reach servers the same way (HTTP): who may sit in the middle of one of them
// could tell the others a wrong time.
type Servers struct {
	mu     sync.Mutex // guards nonces and clocks
	nonces map[string]string
	clocks map[string]clockSeen
}

// clockSeen is how far a server's clock was ahead, and when that was seen.
type clockSeen struct {
	ahead time.Duration
	at    time.Time
}

// clockAge: in a day a computer's clock has been set, or has strayed.
const clockAge = 24 * time.Hour

// maxNonce bounds what a server can make us keep and send back.
const maxNonce = 1024

// ClockOffset returns how far the clock of the server at address is ahead of
// this computer's (negative: behind), as its last answer's Date header told.
// It is exact to a second or two; false means that nothing is known, or that
// what is known is more than a day old.
func (s *Servers) ClockOffset(address string) (time.Duration, bool) {
	d, at, ok := s.Clock(address)
	return d, ok && time.Since(at).Abs() < clockAge
}

// Clock is ClockOffset of whatever age, with the time when it was seen. Keep
// both, and give them to SetClock after a restart.
func (s *Servers) Clock(address string) (ahead time.Duration, at time.Time, ok bool) {
	u, err := url.Parse(address)
	if s == nil || err != nil {
		return 0, at, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, ok := s.clocks[origin(u)]
	return seen.ahead, seen.at, ok
}

// SetClock notes what was seen before, unless something newer is known.
func (s *Servers) SetClock(address string, ahead time.Duration, at time.Time) {
	u, err := url.Parse(address)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clocks == nil {
		s.clocks = make(map[string]clockSeen)
	}
	if s.clocks[origin(u)].at.Before(at) {
		s.clocks[origin(u)] = clockSeen{ahead, at.Round(0)}
	}
}

// ClockMoved corrects what is known after this computer's clock was set by so
// much.
func (s *Servers) ClockMoved(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for server, seen := range s.clocks {
		s.clocks[server] = clockSeen{seen.ahead - by, seen.at.Add(by)}
	}
}

// nonce returns the nonce that the server wants in its next proof.
func (s *Servers) nonce(role string, u *url.URL) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nonces[role+origin(u)]
}

// Authorization server and resource server hand out nonces of their own
// (RFC 9449 section 9), also when they share an origin.
const (
	roleAS = "as "
	roleRS = "rs "
)

// learn takes what an answer says: "the client MUST use the new nonce",
// whatever the status (RFC 9449 section 8.2). It returns whether there was a
// nonce.
func (s *Servers) learn(role string, u *url.URL, header http.Header, sent, now time.Time) bool {
	nonce := header.Get("DPoP-Nonce")
	if len(nonce) > maxNonce {
		nonce = ""
	}
	date, err := http.ParseTime(header.Get("Date"))
	s.mu.Lock()
	defer s.mu.Unlock()
	if nonce != "" {
		if s.nonces == nil {
			s.nonces = make(map[string]string)
		}
		s.nonces[role+origin(u)] = nonce
	}
	if err == nil {
		if s.clocks == nil {
			s.clocks = make(map[string]clockSeen)
		}
		s.clocks[origin(u)] = clockSeen{clockAhead(date, sent, now), now.Round(0)}
	}
	return nonce != ""
}

// clockAhead is how far a clock is ahead that showed date between sending and
// receiving. The header has whole seconds, and a slow answer may have been
// written at any time in between: of what is possible, the least is assumed.
func clockAhead(date, sent, received time.Time) time.Duration {
	least, most := date.Sub(received), date.Add(time.Second).Sub(sent)
	return (max(least, 0) + min(most, 0)).Round(time.Second)
}

// origin is scheme, host and port (RFC 6454), the unit by which servers are
// remembered.
func origin(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return u.Scheme + "://" + host
	}
	return u.Scheme + "://" + host + ":" + port
}

// originOf is the origin of an address; "" if it is none.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return origin(u)
}

// servers is the memory of this client.
func (c *Client) servers() *Servers {
	if c.Servers != nil {
		return c.Servers
	}
	return &c.ownServers
}

// serverTime is the time as the server at u has it, for what it will compare
// with its own clock (iat and exp of assertions and proofs).
func (c *Client) serverTime(u *url.URL) time.Time {
	ahead, _ := c.servers().ClockOffset(u.String())
	return c.clock().Add(ahead)
}

// UseNonce notes the nonce that the API at address asked for in an answer that
// somebody else received (RFC 9449 section 9).
func (s *Servers) UseNonce(address, nonce string) {
	u, err := url.Parse(address)
	if err != nil || nonce == "" || len(nonce) > maxNonce {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.nonces == nil {
		s.nonces = make(map[string]string)
	}
	s.nonces[roleRS+origin(u)] = nonce
}
