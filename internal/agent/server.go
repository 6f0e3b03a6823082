package agent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"fob/internal/session"
	"fob/profiles"
)

// requestMax bounds a request: a profile with its parameters and a client secret is a few kilobytes.
const requestMax = 1 << 20

// Options are what a server needs beside the engine.
type Options struct {
	Version string
	Build   Build // of the program that the agent is; zero takes part in no take-over
	Log     *slog.Logger
	Store   Store
	// Keeps says what would be lost if another process took over; "" is nothing. Nil is nothing, too.
	Keeps func() string

	// Copy puts a secret on the clipboard of the desktop that env describes and clears it after the time given.
	Copy func(ctx context.Context, env map[string]string, text string, clearAfter time.Duration) error
	// Open shows a page in the browser of this machine's desktop, by the profile's own command if it has one.
	Open func(ctx context.Context, address, command string) error
	// Attach tells of a desktop to show the tray on.
	Attach func(env map[string]string)
	// Tray says whether the tray icon is shown.
	Tray func() bool
	// Demo starts the demo server and returns the name of its profile.
	Demo func(ctx context.Context) (string, error)
	// Doctor examines what only the process can know.
	Doctor func(ctx context.Context) []Finding
	// Prompt makes the segment of a shell's prompt.
	Prompt func([]Status, PromptRequest) string
	// StartAtLogin makes the desktop start the agent, or not.
	StartAtLogin func(bool) error
	// Logging says how the agent logs, LogLevel changes what it logs at least; nil where nothing is logged.
	Logging  func() LogState
	LogLevel func(string)
}

// Server answers the local API.
type Server struct {
	home     Home
	engine   *session.Engine
	options  Options
	settings *settingsFile
	http     *http.Server
	stop     chan struct{} // closed by the first request to stop
	stopping func()
	watchers watchSettings
	proxies  proxies
	handing  handover
	since    time.Time
}

// NewServer returns a server for engine. Serve it with [Server.Serve].
func NewServer(home Home, engine *session.Engine, o Options) (*Server, error) {
	settings, err := openSettings(home.settingsFile())
	if err != nil {
		o.Log.Warn("settings", "problem", err.Error())
	}
	s := &Server{home: home, engine: engine, options: o, settings: settings, stop: make(chan struct{}), since: time.Now().UTC().Round(time.Second)}
	if s.options.Logging == nil {
		s.options.Logging, s.options.LogLevel = func() LogState { return LogState{} }, func(string) {}
	}
	s.options.LogLevel(settings.get().LogLevel)
	if s.options.Keeps == nil {
		s.options.Keeps = func() string { return "" }
	}
	s.stopping = sync.OnceFunc(func() { close(s.stop) })
	s.http = &http.Server{
		Handler: gate(new(allowance).bounded(s.routes())), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn), // a panic in an answer is said here and nowhere else
	}
	return s, nil
}

// Settings returns the settings in force.
func (s *Server) Settings() Settings { return s.settings.get() }

// Stopped is closed when a client asked the agent to end.
func (s *Server) Stopped() <-chan struct{} { return s.stop }

// Stop asks the process to end, as a client's request does.
func (s *Server) Stop() { s.stopping() }

// Serve answers on l until ctx ends.
func (s *Server) Serve(ctx context.Context, l net.Listener) error { return s.serve(ctx, s.http, l) }

func (s *Server) serve(ctx context.Context, server *http.Server, l net.Listener) error {
	server.BaseContext = func(net.Listener) context.Context { return ctx }
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	// Streams end with ctx; what else is under way may finish.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		server.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	e := s.engine
	handle := func(pattern string, answer func(r *http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, requestMax)
			began := time.Now()
			value, err := answer(r)
			s.logAnswer(r, began, err)
			s.reply(w, r, value, err)
		})
	}
	handle("GET /v1/hello", func(*http.Request) (any, error) { return s.hello(), nil })
	handle("GET /v1/status", func(r *http.Request) (any, error) { return e.Status(r.URL.Query()["name"]...) })
	handle("GET /v1/details", func(r *http.Request) (any, error) { return e.Details(r.Context(), r.URL.Query().Get("name")) })
	handle("POST /v1/token", asked(func(ctx context.Context, q tokenRequest) (any, error) {
		ttl := time.Duration(-1)
		if q.MinTTL != nil {
			ttl = max(0, time.Duration(*q.MinTTL))
		}
		s.noticeUpgrade()
		return e.TokenFor(ctx, q.TokenQuery, ttl)
	}))
	handle("POST /v1/refresh", asked(func(ctx context.Context, q nameRequest) (any, error) { return e.Refresh(ctx, q.Name) }))
	handle("POST /v1/logout", asked(func(ctx context.Context, q logoutRequest) (any, error) { return e.Logout(ctx, q.Name, q.Local) }))
	handle("POST /v1/login/cancel", asked(func(_ context.Context, q nameRequest) (any, error) { return nil, e.CancelLogin(q.Name) }))
	handle("POST /v1/copy", asked(s.copy))
	handle("POST /v1/fill", asked(func(ctx context.Context, q FormRequest) (any, error) { return e.Fill(ctx, q) }))
	handle("GET /v1/profiles", func(*http.Request) (any, error) { return e.Profiles(), nil })
	handle("GET /v1/profile", func(r *http.Request) (any, error) { return s.profile(r.Context(), r.URL.Query().Get("name")) })
	handle("PUT /v1/profile", asked(func(ctx context.Context, q ProfileEdit) (any, error) {
		return nil, e.PutProfile(ctx, q.Profile, q.Secrets, q.Rename, q.Create)
	}))
	handle("DELETE /v1/profile", func(r *http.Request) (any, error) {
		return nil, e.RemoveProfile(r.Context(), r.URL.Query().Get("name"))
	})
	handle("POST /v1/discover", asked(s.discover))
	handle("GET /v1/settings", func(*http.Request) (any, error) { return s.settings.get(), nil })
	handle("PUT /v1/settings", asked(s.putSettings))
	handle("POST /v1/attach", asked(func(_ context.Context, q attachRequest) (any, error) { s.options.Attach(q.Env); return nil, nil }))
	handle("POST /v1/demo", func(r *http.Request) (any, error) {
		name, err := s.options.Demo(r.Context())
		return nameRequest{name}, err
	})
	handle("GET /v1/doctor", func(r *http.Request) (any, error) { return s.findings(r.Context()), nil })
	handle("POST /v1/report", asked(s.report))
	s.protocolRoutes(handle)
	s.storeRoutes(mux, handle)
	s.lockRoutes(handle)
	s.handoverRoute(handle)
	mux.HandleFunc("POST /v1/stop", func(w http.ResponseWriter, r *http.Request) {
		s.reply(w, r, struct{}{}, nil)
		s.stopping()
	})
	mux.HandleFunc("POST /v1/prompt", s.prompt)
	mux.HandleFunc("POST /v1/watch", s.watch)
	mux.HandleFunc("POST /v1/login", s.login)
	s.proxyRoutes(handle)
	mux.HandleFunc("POST /v1/proxy", s.proxy)
	return s.behindLock(mux)
}

// findings are what doctor says: the process's, and what was found damaged.
func (s *Server) findings(ctx context.Context) []Finding {
	all := s.options.Doctor(ctx)
	if damaged := s.settings.finding(); damaged != nil {
		all = append(all, *damaged)
	}
	return all
}

// logAnswer logs what was asked, without what it was about: names and addresses stand in the lines of what was done.
func (s *Server) logAnswer(r *http.Request, began time.Time, err error) {
	if !s.options.Log.Enabled(r.Context(), slog.LevelDebug) {
		return
	}
	about := []any{"method", r.Method, "path", r.URL.Path, "took", time.Since(began).Round(time.Microsecond).String()}
	if err != nil {
		about = append(about, "code", session.Explain("", err).Code)
	}
	s.options.Log.Debug("request", about...)
}

// asked makes a handler of a function that takes the request's JSON body.
func asked[Q any](answer func(context.Context, Q) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var q Q
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			return nil, badRequest()
		}
		return answer(r.Context(), q)
	}
}

// badRequest does not quote the request: it may hold a client secret.
func badRequest() *Error {
	return &Error{Kind: Misused, Code: "request", Sentence: "the agent could not read the request", Remedy: "agent and command may be of different versions: run fob stop and try again"}
}

// reply writes an answer or an error. The status codes are for people with curl; clients read the kind.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, value any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		said := s.said(r, err)
		w.WriteHeader(statusOf(said.Kind))
		value = errorAnswer{said}
	} else if value == nil {
		value = struct{}{}
	}
	json.NewEncoder(w).Encode(value) // a client that went away needs no answer
}

func (s *Server) said(r *http.Request, err error) *Error {
	said := session.Explain("", err)
	if said.Kind == Failed && said.Code == session.CodeInternal {
		s.options.Log.Warn("request", "path", r.URL.Path, "problem", said.Sentence)
	}
	return said
}

func statusOf(kind Kind) int {
	switch kind {
	case Misused:
		return http.StatusBadRequest
	case LogInFirst:
		return http.StatusUnauthorized
	case TryAgain:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func (s *Server) hello() Hello {
	return Hello{Version: s.options.Version, Build: s.options.Build, Since: s.since, PID: os.Getpid(), Store: s.options.Store.Kind(), Tray: s.options.Tray(), Damage: s.engine.Damage(), Lock: s.engine.Locked(), Log: s.options.Logging()}
}

func (s *Server) copy(ctx context.Context, q copyRequest) (any, error) {
	filled, err := s.engine.Fill(ctx, q.FormRequest)
	if err != nil {
		return nil, err
	}
	if err := s.clip(ctx, q.Env, q.Name, filled.Text, "print it instead: fob print"); err != nil {
		return nil, err
	}
	s.engine.Copied(q.Name, q.Form)
	return Copied{profiles.Duration(s.settings.get().ClearAfter()), filled.Note}, nil
}

// clip puts a secret on a clipboard, for as long as the settings say.
func (s *Server) clip(ctx context.Context, env map[string]string, name, text, instead string) error {
	if err := s.options.Copy(ctx, env, text, s.settings.get().ClearAfter()); err != nil {
		return &Error{Kind: Failed, Code: "clipboard", Sentence: "profile " + name + ": clipboard: " + strings.TrimPrefix(err.Error(), "clipboard: "), Remedy: instead}
	}
	return nil
}

func (s *Server) profile(ctx context.Context, name string) (any, error) {
	p, secrets, err := s.engine.Profile(ctx, name)
	if err != nil {
		return nil, err
	}
	return ProfileView{Profile: p, Secrets: secrets, Invalid: p.Validate()}, nil
}

func (s *Server) discover(ctx context.Context, q discoverRequest) (any, error) {
	m, err := s.engine.Discover(ctx, q.Issuer)
	if err != nil {
		return nil, err
	}
	return Discovery{
		Issuer: m.Issuer, AuthorizationEndpoint: m.AuthorizationEndpoint, TokenEndpoint: m.TokenEndpoint, RevocationEndpoint: m.RevocationEndpoint,
		UserinfoEndpoint: m.UserinfoEndpoint, EndSessionEndpoint: m.EndSessionEndpoint, JWKSURI: m.JWKSURI,
		ScopesSupported: m.ScopesSupported, TokenEndpointAuthMethodsSupported: m.TokenEndpointAuthMethodsSupported,
		CodeChallengeMethodsSupported: m.CodeChallengeMethodsSupported, GrantTypesSupported: m.GrantTypesSupported,
	}, nil
}

func (s *Server) putSettings(_ context.Context, q Settings) (any, error) {
	if err := q.validate(); err != nil {
		return nil, err
	}
	if q.StartAtLogin != s.settings.get().StartAtLogin {
		if err := s.options.StartAtLogin(q.StartAtLogin); err != nil {
			return nil, &Error{Kind: Failed, Code: "setting", Sentence: "start at login: " + err.Error(), Remedy: "nothing was changed"}
		}
	}
	if err := s.settings.put(q); err != nil {
		return nil, err
	}
	s.options.LogLevel(q.LogLevel)
	s.watchers.tell()
	return nil, nil
}

// watch streams everything, then each change.
func (s *Server) watch(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	lines := newLines(w)
	settings, forget := s.watchers.add()
	defer forget()
	ctx, cancel := context.WithCancel(r.Context())
	var telling sync.WaitGroup
	defer telling.Wait() // nobody writes to an answer that is over
	defer cancel()
	tell := sync.OnceFunc(func() { // after the first message, which is everything
		telling.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case <-settings:
					now := s.settings.get()
					lines.write(Update{Settings: &now})
				}
			}
		})
	})
	err := s.engine.Watch(ctx, func(all bool, changed []Status, removed []string) error {
		update := Update{Full: all, Profiles: changed, Removed: removed}
		if all {
			now := s.settings.get()
			update.Settings, update.Lock = &now, s.engine.Locked()
		}
		err := lines.write(update)
		tell()
		return err
	})
	select {
	case <-s.stop:
		if s.Successor() != "" {
			lines.write(errorAnswer{&Error{Kind: Unreachable, Code: CodeHandedOver, Sentence: "another agent takes over", Remedy: "ask again"}})
			return
		}
		lines.write(errorAnswer{&Error{Kind: Unreachable, Code: CodeStopped, Sentence: "the agent was stopped", Remedy: "open Fob again, or use any command"}})
		return
	default:
	}
	if err != nil && r.Context().Err() == nil {
		lines.write(errorAnswer{s.said(r, err)})
	}
}

// login streams one login; the client's going away is its leaving.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	s.streamLogin(w, r, func(ev LoginEvent) (LoginEvent, error) { return ev, nil })
}

// streamLogin runs one login and tells the client what show makes of each event; an error of show cancels the login.
func (s *Server) streamLogin(w http.ResponseWriter, r *http.Request, show func(LoginEvent) (LoginEvent, error)) {
	var q loginRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, requestMax)).Decode(&q); err != nil {
		s.reply(w, r, nil, badRequest())
		return
	}
	io.Copy(io.Discard, r.Body) // read to the end, or net/http does not notice the client's going
	lines := newLines(w)
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	status, err := s.engine.Login(ctx, q.Name, q.LoginOptions, func(ev LoginEvent) {
		shown, err := show(ev)
		if err != nil {
			cancel(err)
			return
		}
		lines.write(shown)
	})
	if refused := context.Cause(ctx); refused != nil && r.Context().Err() == nil {
		err = refused
	}
	if err != nil {
		lines.write(errorAnswer{s.said(r, err)})
		return
	}
	lines.write(LoginEvent{Kind: "done", Status: &status})
}
