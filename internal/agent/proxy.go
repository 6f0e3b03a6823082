package agent

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"fob/internal/proxy"
	"fob/internal/session"
	"fob/profiles"
)

// ProxyRequest says what proxy to run, and how: see [proxy.Options].
type ProxyRequest struct {
	Name     string   `json:"name"`
	Listen   string   `json:"listen,omitempty"`
	Header   string   `json:"header,omitempty"`
	Origins  []string `json:"origins,omitempty"`
	ReadOnly bool     `json:"read_only,omitempty"`
}

// RunningProxy is a proxy that listens. Its URL, or its header, is a secret.
type RunningProxy struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"` // of the profile
	API      string       `json:"api"`  // what the URL stands for
	URL      string       `json:"url"`
	Header   *HeaderField `json:"header,omitempty"` // each request has to bring it
	ReadOnly bool         `json:"read_only,omitempty"`
	Since    time.Time    `json:"since"`
}

// Text is what a program has to be given: the URL, and the header on a second line.
func (p RunningProxy) Text() string {
	if p.Header == nil {
		return p.URL
	}
	return p.URL + "\n" + p.Header.Name + ": " + p.Header.Value
}

// ProxyStatus is one that runs, in a [Status]: without its secret.
type ProxyStatus = session.Proxy

// ProxyEntry is one request that a proxy has answered.
type ProxyEntry = proxy.Entry

// ProxyEvent is what a proxy tells who runs it.
type ProxyEvent struct {
	Listening *RunningProxy `json:"listening,omitempty"` // first of all
	Request   *ProxyEntry   `json:"request,omitempty"`
	Missed    int           `json:"missed,omitempty"`  // requests that were not told of: there were too many at once
	Stopped   bool          `json:"stopped,omitempty"` // last of all: another face has ended it
}

// Proxy runs a proxy in the agent until ctx ends: the token, and the keys that prove it, do not leave the agent. The proxy ends
// with the caller, however that ends.
func (c *Client) Proxy(ctx context.Context, q ProxyRequest, event func(ProxyEvent)) error {
	return c.stream(ctx, "proxy", q, func(line []byte) error {
		var ev ProxyEvent
		if err := json.Unmarshal(line, &ev); err != nil {
			return err
		}
		event(ev)
		return nil
	})
}

// Proxies are those that run; while Fob is locked, without their secrets.
func (c *Client) Proxies(ctx context.Context) ([]RunningProxy, error) {
	var all []RunningProxy
	err := c.call(ctx, http.MethodGet, "proxies", nil, &all)
	return all, err
}

// CopyProxy puts the address of a proxy on the clipboard of the desktop that env describes, from which it goes again like a token.
func (c *Client) CopyProxy(ctx context.Context, id string, env map[string]string) (done Copied, err error) {
	return done, c.call(ctx, http.MethodPost, "proxy/copy", copyProxyRequest{id, env}, &done)
}

// StopProxy ends a proxy, whoever runs it.
func (c *Client) StopProxy(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "proxy?id="+url.QueryEscape(id), nil, nil)
}

type copyProxyRequest struct {
	ID  string            `json:"id"`
	Env map[string]string `json:"env"`
}

// maxProxies bounds what can be listened on at a time.
const maxProxies = 32

// proxies are those that run.
type proxies struct {
	mu  sync.Mutex // guards all
	all []runningProxy
}

// runningProxy is one, and how to end it.
type runningProxy struct {
	RunningProxy
	stop func()
}

func (p *proxies) list() []RunningProxy {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]RunningProxy, 0, len(p.all))
	for _, one := range p.all {
		all = append(all, one.RunningProxy)
	}
	return all
}

// withoutSecret is what may be known of the proxy while Fob is locked: that it is there, and where.
func (p RunningProxy) withoutSecret() RunningProxy {
	if at, err := url.Parse(p.URL); err == nil {
		p.URL = (&url.URL{Scheme: at.Scheme, Host: at.Host}).String()
	} else {
		p.URL = ""
	}
	if p.Header != nil {
		p.Header = &HeaderField{Name: p.Header.Name}
	}
	return p
}

// find returns the one of that id.
func (p *proxies) find(id string) (runningProxy, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.IndexFunc(p.all, func(one runningProxy) bool { return one.ID == id }); i >= 0 {
		return p.all[i], nil
	}
	return runningProxy{}, &Error{Kind: Misused, Code: "proxy", Sentence: "this proxy does not run any more", Remedy: "see those that do: fob proxy --list"}
}

// add notes one, unless there are too many.
func (p *proxies) add(one runningProxy) (forget func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.all) >= maxProxies {
		return nil, false
	}
	p.all = append(p.all, one)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.all = slices.DeleteFunc(p.all, func(other runningProxy) bool { return other.ID == one.ID })
	}, true
}

// logged is how many entries wait for the reader; further ones are only counted. Those that come within toldApart are told
// together: a process that wakes up for each request costs more than the proxy does.
const (
	logged    = 1024
	toldApart = 50 * time.Millisecond
)

// proxyLog is what the reader of a proxy's log has not been told yet.
type proxyLog struct {
	news chan struct{} // capacity 1

	mu     sync.Mutex // guards what follows
	events []any      // ProxyEvent
	missed int
}

func (l *proxyLog) add(entry ProxyEntry) {
	l.mu.Lock()
	if len(l.events) < logged {
		l.events = append(l.events, ProxyEvent{Request: &entry})
	} else {
		l.missed++
	}
	l.mu.Unlock()
	select {
	case l.news <- struct{}{}:
	default:
	}
}

func (l *proxyLog) take() []any {
	l.mu.Lock()
	defer l.mu.Unlock()
	events := l.events
	if l.missed > 0 {
		events = append(events, ProxyEvent{Missed: l.missed})
	}
	l.events, l.missed = nil, 0
	return events
}

// proxy runs one proxy; the client's going away ends it.
func (s *Server) proxy(w http.ResponseWriter, r *http.Request) {
	var q ProxyRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, requestMax)).Decode(&q); err != nil {
		s.reply(w, r, nil, badRequest())
		return
	}
	io.Copy(io.Discard, r.Body) // read to the end, or net/http does not notice the client's going
	carrier, err := s.engine.Carrier(r.Context(), q.Name)
	if err != nil {
		s.reply(w, r, nil, err)
		return
	}
	defer carrier.Close()
	told := &proxyLog{news: make(chan struct{}, 1)}
	p, err := proxy.Open(proxy.Options{
		Base: carrier.Base(), Listen: q.Listen, Header: q.Header, Origins: q.Origins, ReadOnly: q.ReadOnly, Carrier: carrier,
		Explain: func(err error) proxy.Refusal { return refusal(q.Name, err) },
		Demand:  func(answer *http.Response) (proxy.Demand, bool) { return demand(q.Name, carrier, answer) },
		Log:     told.add,
	})
	if err != nil {
		s.reply(w, r, nil, &Error{Kind: Misused, Code: "proxy", Sentence: "profile " + q.Name + ": proxy: " + err.Error(), Remedy: "see --listen, --header and --origin"})
		return
	}
	defer p.Close()
	running := RunningProxy{ID: rand.Text(), Name: q.Name, API: carrier.Base(), URL: p.URL(), ReadOnly: q.ReadOnly, Since: time.Now().UTC()}
	if name, value := p.Header(); name != "" {
		running.Header = &HeaderField{Name: name, Value: value}
	}
	stopped := make(chan struct{})
	forget, ok := s.proxies.add(runningProxy{running, sync.OnceFunc(func() { close(stopped) })})
	if !ok {
		s.reply(w, r, nil, &Error{Kind: Failed, Code: "proxy", Sentence: "too many proxies run already", Remedy: "end one of them with Ctrl+C"})
		return
	}
	defer forget()
	defer carrier.Runs(session.Proxy{ID: running.ID, At: p.Addr(), ReadOnly: q.ReadOnly, Since: running.Since}, p.Cut)()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- p.Serve(ctx) }()
	lines := newLines(w)
	if lines.write(ProxyEvent{Listening: &running}) != nil {
		cancel()
	}
	news, rested := told.news, (<-chan time.Time)(nil)
	for {
		select {
		case err := <-ended:
			if err != nil && r.Context().Err() == nil {
				lines.write(errorAnswer{s.said(r, err)})
			}
			return
		case <-stopped:
			lines.write(append(told.take(), ProxyEvent{Stopped: true})...)
			return
		case <-news:
			if lines.write(told.take()...) != nil {
				cancel()
			}
			news, rested = nil, time.After(toldApart)
		case <-rested:
			news, rested = told.news, nil
		}
	}
}

func (s *Server) proxyRoutes(handle func(string, func(*http.Request) (any, error))) {
	handle("GET /v1/proxies", func(*http.Request) (any, error) {
		all := s.proxies.list()
		if s.engine.Locked() != nil {
			for i, one := range all {
				all[i] = one.withoutSecret()
			}
		}
		return all, nil
	})
	handle("POST /v1/proxy/copy", asked(func(ctx context.Context, q copyProxyRequest) (any, error) {
		return Copied{ClearsAfter: profiles.Duration(s.settings.get().ClearAfter())}, s.CopyProxy(ctx, q.ID, q.Env)
	}))
	handle("DELETE /v1/proxy", func(r *http.Request) (any, error) { return nil, s.StopProxy(r.URL.Query().Get("id")) })
}

// CopyProxy puts the address of a proxy on a clipboard: it is a secret.
func (s *Server) CopyProxy(ctx context.Context, id string, env map[string]string) error {
	one, err := s.proxies.find(id)
	if lock := s.engine.Locked(); lock != nil {
		err = session.LockedError(*lock) // the tray asks here, and not through the socket
	}
	if err != nil {
		return err
	}
	return s.clip(ctx, env, one.Name, one.Text(), "read it where fob proxy runs, or in `fob proxy --list --json`")
}

// StopProxy ends a proxy.
func (s *Server) StopProxy(id string) error {
	one, err := s.proxies.find(id)
	if err == nil {
		one.stop()
	}
	return err
}

// refusal is what a proxy answers for an error of the login or of the network.
func refusal(name string, err error) proxy.Refusal {
	said := session.Explain(name, err)
	status := http.StatusBadGateway
	switch said.Kind {
	case Misused:
		status = http.StatusBadRequest
	case LogInFirst:
		status = http.StatusUnauthorized
	}
	if said.Code == CodeLocked { // a program that is told 401 would begin a login of its own
		status = http.StatusLocked
	}
	return proxy.Refusal{Status: status, Code: said.Code, Sentence: said.Sentence, Remedy: said.Remedy}
}

// demand is the login that an answer of the API asks for.
func demand(name string, carrier *session.Carrier, answer *http.Response) (proxy.Demand, bool) {
	step, err := carrier.StepUp(answer)
	if err != nil { // the API asks for what the last login gave it
		said := session.Explain(name, err)
		return proxy.Demand{Reason: said.Sentence, Remedy: said.Remedy}, true
	}
	if step == nil {
		return proxy.Demand{}, false
	}
	return proxy.Demand{Reason: step.Reason, Remedy: carrier.Command(step)}, true
}
