package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"fob/profiles"
)

// ServeShared answers on the socket that is for forwarding, by ssh to another machine or into a container, until ctx ends. What
// asks there looks to the kernel like a process of this user (it is ssh), so the socket itself decides: it hands out tokens of
// profiles with agent_forwarding, logs in to them with the browser of this machine, and does nothing else. Other profiles do not
// exist there.
func (s *Server) ServeShared(ctx context.Context, l net.Listener) error {
	return s.serve(ctx, &http.Server{Handler: gate(s.sharedRoutes()), ReadHeaderTimeout: s.http.ReadHeaderTimeout, MaxHeaderBytes: s.http.MaxHeaderBytes, ErrorLog: s.http.ErrorLog}, l)
}

// sharedRoutes are the requests that the shared socket takes.
func (s *Server) sharedRoutes() http.Handler {
	mux, own := http.NewServeMux(), s.http.Handler
	for _, path := range []string{"token", "credential", "refresh", "login/cancel"} {
		mux.HandleFunc("POST /v1/"+path, s.onlyMarked(own.ServeHTTP))
	}
	var pages pageLimit
	mux.HandleFunc("POST /v1/login", s.onlyMarked(func(w http.ResponseWriter, r *http.Request) { s.loginElsewhere(w, r, &pages) }))
	for _, path := range []string{"details", "profile"} {
		mux.HandleFunc("GET /v1/"+path, func(w http.ResponseWriter, r *http.Request) {
			if err := s.marked(r.URL.Query().Get("name")); err != nil {
				s.reply(w, r, nil, err)
				return
			}
			own.ServeHTTP(w, r)
		})
	}
	mux.HandleFunc("GET /v1/hello", func(w http.ResponseWriter, r *http.Request) {
		hello := s.hello()
		s.reply(w, r, Hello{Version: hello.Version, Store: hello.Store, Shared: true}, nil)
	})
	mux.HandleFunc("GET /v1/profiles", func(w http.ResponseWriter, r *http.Request) { s.reply(w, r, s.markedProfiles(), nil) })
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, r *http.Request) {
		all, err := s.markedStatus(r.URL.Query()["name"])
		s.reply(w, r, all, err)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.reply(w, r, nil, &Error{Kind: Misused, Code: "not_shared", Sentence: "over a forwarded socket Fob hands out tokens and logs in; it does nothing else",
			Remedy: "do this on the machine that the agent runs on"})
	})
	return mux
}

// markedProfiles are the profiles that a fob elsewhere may use.
func (s *Server) markedProfiles() []profiles.Profile {
	return slices.DeleteFunc(s.engine.Profiles(), func(p profiles.Profile) bool { return !p.AgentForwarding })
}

// markedStatus is the status of the named profiles, or of all that are there.
func (s *Server) markedStatus(names []string) ([]Status, error) {
	if len(names) == 0 {
		for _, p := range s.markedProfiles() {
			names = append(names, p.Name)
		}
	}
	for _, name := range names {
		if err := s.marked(name); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return []Status{}, nil
	}
	return s.engine.Status(names...)
}

// marked refuses a profile that is not for faces elsewhere in the words of one that does not exist: what there is besides is nobody's
// business there.
func (s *Server) marked(name string) error {
	if slices.ContainsFunc(s.markedProfiles(), func(p profiles.Profile) bool { return p.Name == name }) {
		return nil
	}
	return &Error{Kind: Misused, Code: "not_shared", Sentence: fmt.Sprintf("the agent hands out no profile named %s over a forwarded socket", name),
		Remedy: "on the agent's machine: fob profile set NAME agent_forwarding=true"}
}

// onlyMarked lets a request through whose body names a marked profile.
func (s *Server) onlyMarked(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestMax))
		var q nameRequest
		if err != nil || json.Unmarshal(body, &q) != nil {
			s.reply(w, r, nil, badRequest())
			return
		}
		if err := s.marked(q.Name); err != nil {
			s.reply(w, r, nil, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next(w, r)
	}
}

// loginElsewhere streams a login that a face on another machine asked for: its page opens in the browser here, where the redirect
// comes back to.
func (s *Server) loginElsewhere(w http.ResponseWriter, r *http.Request, pages *pageLimit) {
	s.streamLogin(w, r, func(ev LoginEvent) (LoginEvent, error) {
		if ev.Kind != "open" || ev.Joined {
			return ev, nil
		}
		if err := pages.take(time.Now()); err != nil {
			return ev, err
		}
		if err := s.options.Open(r.Context(), ev.URL, ev.Browser); err != nil {
			s.options.Log.Info("login from elsewhere", "problem", err.Error())
			return ev, nil // the face shows the address
		}
		ev.Opened = true
		return ev, nil
	})
}

// pageEvery is how often a face elsewhere may open a page in the browser here: a machine in foreign hands must not fill the screen.
const pageEvery = 5 * time.Second

type pageLimit struct {
	mu   sync.Mutex // guards last
	last time.Time
}

func (p *pageLimit) take(now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if left := pageEvery - now.Sub(p.last); left > 0 {
		return &Error{Kind: TryAgain, Code: "too_many_logins", Sentence: "a login page was opened over the forwarded socket a moment ago",
			Remedy: fmt.Sprintf("try again in %d seconds", int(left.Seconds())+1)}
	}
	p.last = now
	return nil
}
