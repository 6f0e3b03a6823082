package agent

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// gate lets in programs and no pages. A browser opens no Unix socket and no named pipe, and a form post gets nowhere near; but
// somebody may have put a port before the socket (socat, ssh -L), and a page of any site could post to that. Browsers say where a
// request comes from, and by which name they got here (DNS rebinding).
func gate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header["Origin"])+len(r.Header["Sec-Fetch-Site"]) > 0 || r.Host != "fob" && r.Host != "localhost" && r.Host != "" {
			turnAway(w, http.StatusForbidden, &Error{Kind: Misused, Code: "no_page", Sentence: "the agent answers programs, not pages in a browser",
				Remedy: "ask for http://fob/v1/… or http://localhost/v1/…, without Origin"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// allowance bounds how often the agent is made to talk to servers: a program in a loop is stopped before a server takes
// the user's account for an attacker's. What is answered from memory is not bounded.
type allowance struct {
	mu   sync.Mutex // guards what follows
	left float64
	at   time.Time
}

// More than two processes in a loop of refreshes spend, less than a server minds.
const (
	allowedAtOnce  = 1000
	allowedASecond = 100
)

// take says whether one more is allowed.
func (a *allowance) take(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at.IsZero() {
		a.left = allowedAtOnce
	} else {
		a.left = min(allowedAtOnce, a.left+now.Sub(a.at).Seconds()*allowedASecond)
	}
	a.at = now
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}

// talks are the requests that make the agent talk to a server.
var talks = map[string]bool{
	"/v1/refresh": true, "/v1/login": true, "/v1/login/begin": true, "/v1/login/poll": true, "/v1/login/complete": true, "/v1/logout": true,
	"/v1/discover": true, "/v1/explore": true, "/v1/adopt": true, "/v1/registration": true, "/v1/introspect": true, "/v1/userinfo": true, "/v1/exchange": true,
}

// bounded refuses what is asked too often.
func (a *allowance) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if talks[r.URL.Path] && !a.take(time.Now()) {
			w.Header().Set("Retry-After", "1")
			turnAway(w, http.StatusTooManyRequests, &Error{Kind: TryAgain, Code: "too_many_requests", Sentence: "the agent is asked to talk to servers more often than anybody needs",
				Remedy: "end the program that does it; the tokens are kept fresh without it"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func turnAway(w http.ResponseWriter, status int, said *Error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(errorAnswer{said}) // a client that went away needs no answer
}
