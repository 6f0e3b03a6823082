package agent

import (
	"context"
	"net/http"

	"fob/internal/session"
)

// Lock is what is said of a lock that is in force.
type Lock = session.Lock

// What locks.
const (
	ByUser   = session.ByUser
	ByScreen = session.ByScreen
)

// CodeLocked is the code of the error that somebody is told who asks a locked agent for something secret.
const CodeLocked = session.CodeLocked

// Lock lets the agent hand out nothing and log in nobody until [Client.Unlock].
func (c *Client) Lock(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "lock", nil, nil)
}

// Unlock ends the lock, whatever began it.
func (c *Client) Unlock(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "unlock", nil, nil)
}

// openWhileLocked are the requests that a locked agent answers. What is not here it refuses, and so also what will be added: a way
// out that nobody thought of is closed.
var openWhileLocked = map[string]bool{
	"GET /v1/hello": true, "GET /v1/status": true, "GET /v1/details": true, "POST /v1/watch": true, "GET /v1/doctor": true, "POST /v1/report": true, "GET /v1/trace": true,
	"GET /v1/profiles": true, "GET /v1/profile": true, "GET /v1/settings": true, "GET /v1/store": true, "GET /v1/proxies": true, "PUT /v1/settings": true, "POST /v1/attach": true,
	"POST /v1/login/cancel": true, "POST /v1/logout": true, "DELETE /v1/proxy": true, // what takes away
	"POST /v1/store/unlock": true, // refreshes need it
	"POST /v1/lock":         true, "POST /v1/unlock": true, "POST /v1/stop": true, "POST /v1/handover": true,
}

// behindLock refuses what a locked agent does not answer.
func (s *Server) behindLock(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" && !openWhileLocked[pattern] {
			if lock := s.engine.Locked(); lock != nil {
				s.reply(w, r, nil, session.LockedError(*lock))
				return
			}
		}
		mux.ServeHTTP(w, r)
	})
}

func (s *Server) lockRoutes(handle func(string, func(*http.Request) (any, error))) {
	handle("POST /v1/lock", func(*http.Request) (any, error) { return nil, s.engine.Lock(session.ByUser) })
	handle("POST /v1/unlock", func(*http.Request) (any, error) { return nil, s.engine.Unlock(session.ByUser) })
}

// ScreenLocked tells that the desktop's screen was locked or unlocked. Whether that matters is the user's setting; what the screen
// has locked it unlocks in any case.
func (s *Server) ScreenLocked(locked bool) error {
	switch {
	case !locked:
		return s.engine.Unlock(session.ByScreen)
	case s.Settings().LockOnScreenLock:
		return s.engine.Lock(session.ByScreen)
	}
	return nil
}
