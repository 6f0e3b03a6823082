package ui

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"fyne.io/fyne/v2"

	"fob/internal/agent"
)

// actions carries out what the user asks. It is where every goroutine of the window starts; what came of it is handed to
// post, which runs it where widgets may be touched.
type actions struct {
	ctx   context.Context
	agent Agent
	world World
	post  func(func())
	tasks sync.WaitGroup
	// clipboard is for what is no secret; tokens are copied by the agent, which clears them again.
	clipboard fyne.Clipboard
}

// begin runs work in a goroutine of its own and posts its outcome to done.
func begin[T any](a *actions, work func(context.Context) (T, error), done func(T, error)) {
	a.tasks.Add(1)
	go func() {
		defer a.tasks.Done()
		outcome, err := work(a.ctx)
		if a.ctx.Err() != nil {
			return // the window is closing: nobody is left to be told
		}
		a.post(func() { done(outcome, err) })
	}()
}

// nothing is the outcome of work that only succeeds or fails.
type nothing struct{}

func without(work func(context.Context) error) func(context.Context) (nothing, error) {
	return func(ctx context.Context) (nothing, error) { return nothing{}, work(ctx) }
}

func (a *actions) details(name string, done func(agent.Details, error)) {
	begin(a, func(ctx context.Context) (agent.Details, error) { return a.agent.Details(ctx, name) }, done)
}

func (a *actions) copy(r agent.FormRequest, done func(agent.Copied, error)) {
	begin(a, func(ctx context.Context) (agent.Copied, error) { return a.agent.Copy(ctx, r, a.world.Env) }, done)
}

func (a *actions) copyProxy(id string, done func(agent.Copied, error)) {
	begin(a, func(ctx context.Context) (agent.Copied, error) { return a.agent.CopyProxy(ctx, id, a.world.Env) }, done)
}

func (a *actions) stopProxy(id string, done func(error)) {
	begin(a, without(func(ctx context.Context) error { return a.agent.StopProxy(ctx, id) }), outcome(done))
}

func (a *actions) token(name string, done func(agent.Handout, error)) {
	begin(a, func(ctx context.Context) (agent.Handout, error) {
		return a.agent.Token(ctx, agent.TokenQuery{Name: name}, 0)
	}, done)
}

func (a *actions) refresh(name string, done func(agent.Status, error)) {
	begin(a, func(ctx context.Context) (agent.Status, error) { return a.agent.Refresh(ctx, name) }, done)
}

func (a *actions) logout(name string, local bool, done func(agent.Status, error)) {
	begin(a, func(ctx context.Context) (agent.Status, error) { return a.agent.Logout(ctx, name, local) }, done)
}

// login runs one login and opens its page when it has one, unless another face has opened it and reopen does not insist. told is
// posted with what the person has to do, unopened with the reason when no browser could be started.
func (a *actions) login(name string, o agent.LoginOptions, reopen bool, told func(agent.LoginEvent), unopened func(error), done func(agent.Status, error)) {
	begin(a, func(ctx context.Context) (agent.Status, error) {
		return a.agent.Login(ctx, name, o, func(event agent.LoginEvent) {
			if event.Kind == "done" {
				return
			}
			a.post(func() { told(event) })
			if event.Kind == "open" && (!event.Joined || reopen) {
				a.open(event.URL, event.Browser, unopened)
			}
		})
	}, done)
}

func (a *actions) begin(name string, done func(agent.Pending, error)) {
	begin(a, func(ctx context.Context) (agent.Pending, error) {
		return a.agent.Begin(ctx, name, agent.LoginOptions{})
	}, done)
}

func (a *actions) complete(name, answer string, done func(agent.Status, error)) {
	begin(a, func(ctx context.Context) (agent.Status, error) { return a.agent.Complete(ctx, name, answer) }, done)
}

func (a *actions) endSession(name string, done func(string, error)) {
	begin(a, func(ctx context.Context) (string, error) { return a.agent.EndSession(ctx, name) }, done)
}

func (a *actions) introspect(name string, done func(agent.Introspection, error)) {
	begin(a, func(ctx context.Context) (agent.Introspection, error) {
		return a.agent.Introspect(ctx, name, "access_token")
	}, done)
}

func (a *actions) userInfo(name string, done func(map[string]any, error)) {
	begin(a, func(ctx context.Context) (map[string]any, error) { return a.agent.UserInfo(ctx, name) }, done)
}

func (a *actions) keys(name string, done func(json.RawMessage, error)) {
	begin(a, func(ctx context.Context) (json.RawMessage, error) { return a.agent.Keys(ctx, name) }, done)
}

func (a *actions) makeKey(name, alg string, replace bool, done func(json.RawMessage, error)) {
	begin(a, func(ctx context.Context) (json.RawMessage, error) { return a.agent.MakeKey(ctx, name, alg, replace) }, done)
}

func (a *actions) trace(name string, done func([]agent.TraceRun, error)) {
	begin(a, func(ctx context.Context) ([]agent.TraceRun, error) { return a.agent.Trace(ctx, name) }, done)
}

// request makes a request to a profile's API; the returned function gives up.
func (a *actions) request(r agent.Request, done func(timedResponse, error)) (cancel func()) {
	mine, cancel := context.WithCancel(a.ctx)
	begin(a, func(context.Context) (timedResponse, error) {
		defer cancel()
		began := time.Now()
		answer, err := a.agent.Request(mine, r)
		return timedResponse{answer, time.Since(began)}, err
	}, done)
	return cancel
}

// explore finds out what is behind an address; the returned function gives up.
func (a *actions) explore(address string, done func(agent.Exploration, error)) (cancel func()) {
	mine, cancel := context.WithCancel(a.ctx)
	begin(a, func(context.Context) (agent.Exploration, error) {
		defer cancel()
		return a.agent.Explore(mine, address)
	}, func(found agent.Exploration, err error) {
		if !errors.Is(err, context.Canceled) {
			done(found, err)
		}
	})
	return cancel
}

func (a *actions) adopt(adoption agent.Adoption, done func(string, error)) {
	begin(a, func(ctx context.Context) (string, error) { return a.agent.Adopt(ctx, adoption) }, done)
}

// open shows a page in the desktop's browser, or with the profile's own command.
func (a *actions) open(url, command string, failed func(error)) {
	begin(a, without(func(ctx context.Context) error { return a.world.Open(ctx, url, command) }), func(_ nothing, err error) {
		if err != nil {
			failed(err)
		}
	})
}

func (a *actions) cancelLogin(name string, done func(error)) {
	begin(a, without(func(ctx context.Context) error { return a.agent.CancelLogin(ctx, name) }), outcome(done))
}

func (a *actions) demo(done func(string, error)) { begin(a, a.agent.Demo, done) }

func (a *actions) profile(name string, done func(agent.ProfileView, error)) {
	begin(a, func(ctx context.Context) (agent.ProfileView, error) { return a.agent.Profile(ctx, name) }, done)
}

func (a *actions) put(edit agent.ProfileEdit, done func(error)) {
	begin(a, without(func(ctx context.Context) error { return a.agent.PutProfile(ctx, edit) }), outcome(done))
}

// another makes a profile like the named one for another account.
func (a *actions) another(from string, done func(string, error)) {
	begin(a, func(ctx context.Context) (string, error) { return a.agent.Another(ctx, from, "") }, done)
}

// pin keeps a profile to its account, or no longer.
func (a *actions) pin(name string, always bool, done func(agent.Status, error)) {
	change := a.agent.Unpin
	if always {
		change = a.agent.Pin
	}
	begin(a, func(ctx context.Context) (agent.Status, error) { return change(ctx, name) }, done)
}

func (a *actions) remove(name string, done func(error)) {
	begin(a, without(func(ctx context.Context) error { return a.agent.RemoveProfile(ctx, name) }), outcome(done))
}

// discover asks an issuer for its metadata; the returned function gives up.
func (a *actions) discover(issuer string, done func(agent.Discovery, error)) (cancel func()) {
	mine, cancel := context.WithCancel(a.ctx)
	begin(a, func(context.Context) (agent.Discovery, error) {
		defer cancel()
		return a.agent.Discover(mine, issuer)
	}, func(found agent.Discovery, err error) {
		if !errors.Is(err, context.Canceled) {
			done(found, err)
		}
	})
	return cancel
}

func (a *actions) hello(done func(agent.Hello, error)) { begin(a, a.agent.Hello, done) }

func (a *actions) doctor(done func([]agent.Finding, error)) { begin(a, a.agent.Doctor, done) }

func (a *actions) settings(done func(agent.Settings, error)) { begin(a, a.agent.Settings, done) }

func (a *actions) putSettings(s agent.Settings, done func(error)) {
	begin(a, without(func(ctx context.Context) error { return a.agent.PutSettings(ctx, s) }), outcome(done))
}

// after posts do once d has passed, unless the returned function is called before.
func (a *actions) after(d time.Duration, do func()) (stop func()) {
	mine, cancel := context.WithCancel(a.ctx)
	a.tasks.Add(1)
	go func() {
		defer a.tasks.Done()
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-mine.Done():
		case <-timer.C:
			a.post(func() {
				if mine.Err() == nil {
					cancel()
					do()
				}
			})
		}
	}()
	return cancel
}

// every posts do each d until the window closes.
func (a *actions) every(d time.Duration, do func()) {
	a.tasks.Add(1)
	go func() {
		defer a.tasks.Done()
		ticker := time.NewTicker(d)
		defer ticker.Stop()
		for {
			select {
			case <-a.ctx.Done():
				return
			case <-ticker.C:
				a.post(do)
			}
		}
	}()
}

func outcome(done func(error)) func(nothing, error) {
	return func(_ nothing, err error) { done(err) }
}
