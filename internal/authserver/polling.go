package authserver

import (
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// polls are the last polls of pending device and backchannel requests, by their code.
type polls struct {
	mu  sync.Mutex // guards all
	all map[string]poll
}

type poll struct {
	at       time.Time
	interval time.Duration
}

// slower is what every slow_down adds (RFC 8628 section 3.5: "the interval MUST be increased by 5
// seconds for this and all subsequent requests").
const slower = 5 * time.Second

// tooFast notes a poll and reports whether it came before its time.
func (p *polls) tooFast(code string, interval time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[string]poll{}
	}
	maps.DeleteFunc(p.all, func(_ string, old poll) bool { return time.Since(old.at) > time.Hour })
	last, ok := p.all[code]
	if !ok {
		last.interval = interval
	}
	fast := ok && time.Since(last.at) < last.interval
	if fast {
		last.interval += slower
	}
	last.at = time.Now()
	p.all[code] = last
	return fast
}

// pollRefused answers a poll for which go-oidc is not asked: it came too fast, which go-oidc does
// not notice, or a fault wants it so. gone says that the client gave up waiting.
func (s *Server) pollRefused(a *answer, r *http.Request) (refused, gone bool) {
	form := requestOf(r.Context()).form
	var code string
	var interval time.Duration
	switch goidc.GrantType(form.Get("grant_type")) {
	case goidc.GrantDeviceCode:
		code, interval = form.Get("device_code"), s.opts.Device.interval()
	case goidc.GrantCIBA:
		code, interval = form.Get("auth_req_id"), s.opts.CIBA.interval()
	default:
		return false, false
	}
	fault, _ := s.faults.first(PollCut, PollHangs, PollSlowDown, PollDenied, PollExpired)
	switch fault {
	case PollCut:
		panic(http.ErrAbortHandler)
	case PollHangs:
		<-r.Context().Done()
		return true, true
	case PollSlowDown:
		a.refuse(http.StatusBadRequest, "slow_down", "the demo server was told to slow this down")
	case PollDenied:
		a.refuse(http.StatusBadRequest, "access_denied", "the user said no")
	case PollExpired:
		a.refuse(http.StatusBadRequest, "expired_token", "the code has expired")
	default:
		if !s.store.pending(code) || !s.polls.tooFast(code, interval) {
			return false, false
		}
		a.refuse(http.StatusBadRequest, "slow_down", "polled before the interval was over")
	}
	return true, false
}

// pending reports whether a device code or auth_req_id still waits for its user or its client.
func (s *store) pending(code string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, as := range s.sessions {
		if code != "" && (as.DeviceCode == code || as.AuthReqID == code) {
			return true
		}
	}
	return false
}
