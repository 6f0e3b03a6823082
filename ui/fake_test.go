package ui

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"fob/internal/agent"
	"fob/profiles"
)

// fakeAgent answers from memory, for the states that a real agent reaches only with a server, a keychain and patience. What
// it is asked is written down.
type fakeAgent struct {
	mu         sync.Mutex // guards what follows
	statuses   []agent.Status
	details    map[string]agent.Details
	views      map[string]agent.ProfileView
	prefs      agent.Settings
	hello      agent.Hello
	log        chan []agent.LogLine
	report     agent.BugReport
	asked      []string
	edits      []agent.ProfileEdit
	refuse     map[string]error // by method
	found      agent.Discovery
	findings   []agent.Finding
	startTakes time.Duration
	gone       bool
	watchers   []chan agent.Update
	ends       []chan error
	login      chan agent.LoginEvent // events of a login in progress
	hold       chan struct{}         // Discover and Explore wait for it when it is not nil
	options    []agent.LoginOptions  // of each login
	pending    agent.Pending
	answers    []string
	page       string // that ends the session
	active     agent.Introspection
	userinfo   map[string]any
	runs       []agent.TraceRun
	chain      agent.Exploration
	adopted    []agent.Adoption
	reply      agent.Response
	requests   []agent.Request

	kept      agent.StoreView
	passed    []string          // passphrases
	stretch   chan struct{}     // UnlockStore waits for it when it is not nil
	moves     []agent.StoreMove // what MoveStore tells
	answering chan struct{}     // Request waits for it when it is not nil
}

func newFake(statuses ...agent.Status) *fakeAgent {
	return &fakeAgent{statuses: statuses, details: map[string]agent.Details{}, views: map[string]agent.ProfileView{}, refuse: map[string]error{},
		prefs: agent.Settings{Theme: "system", ClipboardSeconds: 45}, login: make(chan agent.LoginEvent, 4),
		hello: agent.Hello{Version: "1.2.3", PID: 4711, Store: "keychain", Tray: true}, log: make(chan []agent.LogLine)}
}

func (f *fakeAgent) ask(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	call := fmt.Sprintf(format, args...)
	f.asked = append(f.asked, call)
	if f.gone {
		return errGone
	}
	for method, err := range f.refuse {
		if len(call) >= len(method) && call[:len(method)] == method {
			return err
		}
	}
	return nil
}

var errGone = &agent.Error{Kind: agent.Unreachable, Code: "agent_unreachable", Sentence: "the agent cannot be reached"}

func (f *fakeAgent) calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked)
}

// tell sends an update to whoever watches, and keeps its statuses.
func (f *fakeAgent) tell(update agent.Update) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range update.Profiles {
		i := slices.IndexFunc(f.statuses, func(old agent.Status) bool { return old.Name == s.Name })
		if i >= 0 {
			f.statuses[i] = s
		} else {
			f.statuses = append(f.statuses, s)
		}
	}
	f.statuses = slices.DeleteFunc(f.statuses, func(s agent.Status) bool { return slices.Contains(update.Removed, s.Name) })
	for _, w := range f.watchers {
		w <- update
	}
}

// die ends every watch, as an agent that is killed does; the agent stays away until it is revived.
func (f *fakeAgent) die() { f.leave(errGone) }

// leave ends the agent; those who watch hear why.
func (f *fakeAgent) leave(why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone = true
	for _, end := range f.ends {
		end <- why
	}
	f.watchers, f.ends = nil, nil
}

func (f *fakeAgent) revive() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone = false
}

func (f *fakeAgent) start(ctx context.Context) error {
	f.mu.Lock()
	takes := f.startTakes
	f.mu.Unlock()
	wait(ctx, takes)
	return f.ask("start")
}

func (f *fakeAgent) Watch(ctx context.Context, show func(agent.Update)) error {
	if err := f.ask("watch"); err != nil {
		return err
	}
	f.mu.Lock()
	updates, end := make(chan agent.Update, 16), make(chan error, 1)
	f.watchers, f.ends = append(f.watchers, updates), append(f.ends, end)
	prefs := f.prefs
	first := agent.Update{Full: true, Profiles: slices.Clone(f.statuses), Settings: &prefs}
	f.mu.Unlock()
	show(first)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-end:
			return err
		case update := <-updates:
			show(update)
		}
	}
}

func (f *fakeAgent) Details(_ context.Context, name string) (agent.Details, error) {
	err := f.ask("details %s", name)
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.details[name]
	for _, s := range f.statuses {
		if s.Name == name {
			d.Status = s
		}
	}
	return d, err
}

func (f *fakeAgent) Login(ctx context.Context, name string, o agent.LoginOptions, event func(agent.LoginEvent)) (agent.Status, error) {
	f.mu.Lock()
	f.options = append(f.options, o)
	f.mu.Unlock()
	if err := f.ask("login %s", name); err != nil {
		return agent.Status{}, err
	}
	for {
		select {
		case <-ctx.Done():
			return agent.Status{}, ctx.Err()
		case ev := <-f.login:
			event(ev)
			if ev.Kind == "done" {
				return *ev.Status, nil
			}
			if ev.Kind == "cancelled" {
				return agent.Status{}, &agent.Error{Kind: agent.Failed, Code: "cancelled", Sentence: "profile " + name + ": the login was cancelled"}
			}
		}
	}
}

func (f *fakeAgent) CancelLogin(_ context.Context, name string) error {
	err := f.ask("cancel %s", name)
	f.login <- agent.LoginEvent{Kind: "cancelled"}
	return err
}

func (f *fakeAgent) Refresh(_ context.Context, name string) (agent.Status, error) {
	return agent.Status{}, f.ask("refresh %s", name)
}

func (f *fakeAgent) Logout(_ context.Context, name string, local bool) (agent.Status, error) {
	return agent.Status{}, f.ask("logout %s local=%t", name, local)
}

func (f *fakeAgent) Copy(_ context.Context, r agent.FormRequest, env map[string]string) (agent.Copied, error) {
	return agent.Copied{ClearsAfter: profiles.Duration(45 * time.Second)}, f.ask("copy %s %s %s", r.Name, r.Form, env["DISPLAY"])
}

func (f *fakeAgent) CopyProxy(_ context.Context, id string, env map[string]string) (agent.Copied, error) {
	return agent.Copied{ClearsAfter: profiles.Duration(45 * time.Second)}, f.ask("copy proxy %s %s", id, env["DISPLAY"])
}

func (f *fakeAgent) StopProxy(_ context.Context, id string) error { return f.ask("stop proxy %s", id) }

func (f *fakeAgent) Token(_ context.Context, q agent.TokenQuery, _ time.Duration) (agent.Handout, error) {
	name := q.Name
	return agent.Handout{Name: name, AccessToken: "access-" + canary, IDToken: "id-" + canary, TokenType: "Bearer"}, f.ask("token %s", name)
}

// canary is the secret that must be on the screen only while it is revealed.
const canary = "c4n4ry.SECRET.t0k3n-c4n4ry.SECRET.t0k3n-c4n4ry.SECRET.t0k3n-c4n4ry.SECRET.t0k3n-c4n4ry.SECRET.t0k3n"

func (f *fakeAgent) Profile(_ context.Context, name string) (agent.ProfileView, error) {
	err := f.ask("profile %s", name)
	f.mu.Lock()
	defer f.mu.Unlock()
	view, ok := f.views[name]
	if !ok {
		view.Profile = profiles.Profile{Name: name, Issuer: "https://login.example.com", ClientID: "fob"}
		for _, s := range f.statuses {
			if s.Name == name {
				view.Profile.Environment, view.Profile.Color, view.Profile.Scope = s.Environment, s.Color, s.ScopeRequested
				view.Profile.APIBaseURL = s.APIBaseURL
			}
		}
	}
	return view, err
}

func (f *fakeAgent) PutProfile(_ context.Context, edit agent.ProfileEdit) error {
	err := f.ask("put %s", edit.Profile.Name)
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.edits = append(f.edits, edit)
	f.mu.Unlock()
	removed := []string(nil)
	if edit.Rename != "" {
		removed = append(removed, edit.Rename)
	}
	f.tell(agent.Update{Removed: removed, Profiles: []agent.Status{{Name: edit.Profile.Name, State: agent.LoggedOut, Environment: edit.Profile.Environment}}})
	return nil
}

func (f *fakeAgent) RemoveProfile(_ context.Context, name string) error {
	if err := f.ask("remove %s", name); err != nil {
		return err
	}
	f.tell(agent.Update{Removed: []string{name}})
	return nil
}

func (f *fakeAgent) Another(_ context.Context, from, name string) (string, error) {
	if err := f.ask("another %s", from); err != nil {
		return "", err
	}
	name = cmp.Or(name, from+" 2")
	f.mu.Lock()
	fresh := agent.Status{Name: name, State: agent.LoggedOut, Attended: true, Grant: "authorization_code"}
	f.mu.Unlock()
	f.tell(agent.Update{Profiles: []agent.Status{fresh}})
	return name, nil
}

func (f *fakeAgent) Pin(_ context.Context, name string) (agent.Status, error) {
	return f.setPin("pin "+name, name, true)
}

func (f *fakeAgent) Unpin(_ context.Context, name string) (agent.Status, error) {
	return f.setPin("unpin "+name, name, false)
}

func (f *fakeAgent) setPin(call, name string, on bool) (agent.Status, error) {
	if err := f.ask("%s", call); err != nil {
		return agent.Status{}, err
	}
	f.mu.Lock()
	i := slices.IndexFunc(f.statuses, func(s agent.Status) bool { return s.Name == name })
	s := f.statuses[i]
	f.mu.Unlock()
	s.Expected = nil
	if on {
		s.Expected = &agent.Account{Issuer: s.Issuer, Subject: s.Subject, Name: s.Account}
	}
	f.tell(agent.Update{Profiles: []agent.Status{s}})
	return s, nil
}

func (f *fakeAgent) Discover(ctx context.Context, issuer string) (agent.Discovery, error) {
	err := f.ask("discover %s", issuer)
	if f.hold != nil {
		select {
		case <-ctx.Done():
			return agent.Discovery{}, ctx.Err()
		case <-f.hold:
		}
	}
	return f.found, err
}

func (f *fakeAgent) Hello(context.Context) (agent.Hello, error) {
	return f.hello, f.ask("hello")
}

func (f *fakeAgent) Settings(context.Context) (agent.Settings, error) {
	err := f.ask("settings")
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.prefs, err
}

func (f *fakeAgent) PutSettings(_ context.Context, s agent.Settings) error {
	err := f.ask("put settings %+v", s)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		f.prefs = s
	}
	return err
}

func (f *fakeAgent) Store(context.Context) (agent.StoreView, error) {
	err := f.ask("store")
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kept, err
}

func (f *fakeAgent) UnlockStore(ctx context.Context, passphrase string, create bool) error {
	f.mu.Lock()
	f.passed = append(f.passed, passphrase)
	f.mu.Unlock()
	if f.stretch != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.stretch:
		}
	}
	return f.ask("unlock store create=%t", create)
}

func (f *fakeAgent) MoveStore(_ context.Context, to string, tell func(agent.StoreMove)) error {
	err := f.ask("move store %s", to)
	if err == nil {
		for _, move := range f.moves {
			tell(move)
		}
	}
	return err
}

func (f *fakeAgent) Lock(context.Context) error   { return f.ask("lock") }
func (f *fakeAgent) Unlock(context.Context) error { return f.ask("unlock") }

func (f *fakeAgent) Doctor(context.Context) ([]agent.Finding, error) {
	return f.findings, f.ask("doctor")
}

func (f *fakeAgent) FollowLog(ctx context.Context, show func([]agent.LogLine) error) error {
	if err := f.ask("log"); err != nil {
		return err
	}
	for {
		if err := show(<-f.log); err != nil {
			return err
		}
	}
}

func (f *fakeAgent) Report(_ context.Context, r agent.ReportRequest) (agent.BugReport, error) {
	return f.report, f.ask("report %v", r.Facts)
}

func (f *fakeAgent) Demo(context.Context) (string, error) {
	if err := f.ask("demo"); err != nil {
		return "", err
	}
	f.tell(agent.Update{Profiles: []agent.Status{{Name: "Demo", State: agent.LoggedOut, Issuer: "http://127.0.0.1:9480"}}})
	return "Demo", nil
}

func (f *fakeAgent) Begin(_ context.Context, name string, _ agent.LoginOptions) (agent.Pending, error) {
	return f.pending, f.ask("begin %s", name)
}

func (f *fakeAgent) Complete(_ context.Context, name, answer string) (agent.Status, error) {
	err := f.ask("complete %s", name)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers = append(f.answers, answer)
	return agent.Status{Name: name}, err
}

func (f *fakeAgent) EndSession(_ context.Context, name string) (string, error) {
	return f.page, f.ask("end session %s", name)
}

func (f *fakeAgent) Introspect(_ context.Context, name, which string) (agent.Introspection, error) {
	return f.active, f.ask("introspect %s %s", name, which)
}

func (f *fakeAgent) UserInfo(_ context.Context, name string) (map[string]any, error) {
	return f.userinfo, f.ask("userinfo %s", name)
}

func (f *fakeAgent) Request(ctx context.Context, r agent.Request) (agent.Response, error) {
	err := f.ask("request %s %s %s", r.Name, r.Method, r.URL)
	f.mu.Lock()
	f.requests = append(f.requests, r)
	f.mu.Unlock()
	if f.answering != nil {
		select {
		case <-ctx.Done():
			return agent.Response{}, ctx.Err()
		case <-f.answering:
		}
	}
	return f.reply, err
}

func (f *fakeAgent) Trace(_ context.Context, name string) ([]agent.TraceRun, error) {
	return f.runs, f.ask("trace %s", name)
}

func (f *fakeAgent) Explore(ctx context.Context, address string) (agent.Exploration, error) {
	err := f.ask("explore %s", address)
	if f.hold != nil {
		select {
		case <-ctx.Done():
			return agent.Exploration{}, ctx.Err()
		case <-f.hold:
		}
	}
	return f.chain, err
}

func (f *fakeAgent) Adopt(_ context.Context, a agent.Adoption) (string, error) {
	if err := f.ask("adopt %s", a.URL); err != nil {
		return "", err
	}
	f.mu.Lock()
	f.adopted = append(f.adopted, a)
	f.mu.Unlock()
	f.tell(agent.Update{Profiles: []agent.Status{{Name: "api.example.com", State: agent.LoggedOut, Grant: "authorization_code", Attended: true, APIBaseURL: a.URL}}})
	return "api.example.com", nil
}

func (f *fakeAgent) Keys(_ context.Context, name string) (json.RawMessage, error) {
	return json.RawMessage(`{"keys":[{"kty":"EC","kid":"one"}]}`), f.ask("keys %s", name)
}

func (f *fakeAgent) MakeKey(_ context.Context, name, alg string, replace bool) (json.RawMessage, error) {
	return json.RawMessage(`{"keys":[{"kty":"EC","kid":"two"}]}`), f.ask("make key %s %s replace=%t", name, alg, replace)
}

// noon is when the tests happen.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) *time.Time {
	t := noon.Add(d)
	return &t
}

// crowd is one profile in every state.
func crowd() []agent.Status {
	scopes := []string{"openid", "profile", "email", "orders:read", "orders:write"}
	return []agent.Status{
		{Name: "Acme API", Environment: "production", Color: "red", State: agent.LoggedIn, Account: "ada@example.com", Issuer: "https://login.acme.example",
			ObtainedAt: at(-18 * time.Minute), ExpiresAt: at(42 * time.Minute), RefreshDueAt: at(37 * time.Minute), Refreshable: true, HasIDToken: true,
			ScopeRequested: scopes, Scope: []string{"openid", "profile", "email", "orders:read", "offline_access"}, APIBaseURL: "https://api.acme.example/v1"},
		{Name: "GitHub", Environment: "production", State: agent.LoggedIn, Account: "ada", Issuer: "https://github.com",
			ObtainedAt: at(-90 * time.Hour), ScopeRequested: []string{"repo", "read:user"}, Scope: []string{"repo", "read:user"}},
		{Name: "Payments with a very long name that does not fit into the list", Environment: "production", Color: "purple", State: agent.Offline, Account: "grace.hopper.the.admiral@navy.example.com",
			ObtainedAt: at(-50 * time.Minute), ExpiresAt: at(10 * time.Minute), Refreshable: true, ScopeRequested: scopes, Scope: scopes,
			Problem: &agent.Problem{Code: "server_down", Sentence: "profile Payments: login.payments.example does not answer", Remedy: "check the network; the login is kept",
				Since: noon.Add(-4 * time.Minute), NextTry: at(40 * time.Second)}},
		{Name: "Acme API staging", Environment: "staging", Color: "teal", State: agent.Expiring, Account: "ada@example.com",
			ObtainedAt: at(-57 * time.Minute), ExpiresAt: at(3*time.Minute + 20*time.Second), ScopeRequested: scopes, Scope: scopes,
			Problem: &agent.Problem{Code: "expires_soon", Sentence: "the token ends in 3 minutes and cannot be refreshed", Remedy: "log in again before it ends", Since: noon.Add(-6 * time.Minute)}},
		{Name: "Keycloak", Environment: "staging", Color: "blue", State: agent.LoginRequired, Account: "ada", Issuer: "https://sso.example.com/realms/dev", ScopeRequested: scopes,
			Problem: &agent.Problem{Code: "invalid_grant", Sentence: "profile Keycloak: the server ended the session (invalid_grant)", Remedy: "log in again", Since: noon.Add(-2 * time.Hour)}},
		{Name: "Entra", Environment: "staging", State: agent.LoggingIn, ScopeRequested: scopes},
		{Name: "Okta sandbox", State: agent.LoggedOut, Issuer: "https://dev-1.okta.example", ScopeRequested: scopes},
		{Name: "Slack", State: agent.Unusable, Problem: &agent.Problem{Code: "client_id", Sentence: "profile Slack: client_id is missing", Remedy: "edit the profile and enter the client id", Since: noon.Add(-time.Hour)}},
	}
}

// depth are the details of the first of the crowd.
func depth() agent.Details {
	check := func(name, spec, detail string, ok bool) agent.Check {
		return agent.Check{Name: name, Spec: spec, Detail: detail, OK: ok}
	}
	return agent.Details{
		TokenType: "Bearer",
		IDClaims: map[string]any{"iss": "https://login.acme.example", "sub": "248289761001", "aud": "fob", "exp": float64(noon.Add(42 * time.Minute).Unix()),
			"iat": float64(noon.Add(-18 * time.Minute).Unix()), "auth_time": float64(noon.Add(-18 * time.Minute).Unix()), "email": "ada@example.com", "email_verified": true,
			"nonce": "n-0S6_WzA2Mj", "amr": []any{"pwd", "otp"}},
		AccessClaims: map[string]any{"iss": "https://login.acme.example", "aud": []any{"https://api.acme.example", "https://billing.acme.example"}, "scope": "openid profile email orders:read",
			"exp": float64(noon.Add(42 * time.Minute).Unix()), "jti": "f2c3a7de-18ab-4c1f-9f59-0d3b0b1c2e44", "realm_access": map[string]any{"roles": []any{"admin", "orders"}}},
		Checks: []agent.Check{
			check("issuer is the one that was asked", "OIDC Core 3.1.3.7 (2)", "https://login.acme.example", true),
			check("audience holds this client", "OIDC Core 3.1.3.7 (3)", "fob", true),
			check("algorithm is one that was agreed", "OIDC Core 3.1.3.7 (7)", "RS256", true),
			check("signature fits the issuer's key", "OIDC Core 3.1.3.7 (6)", "kid 2026-10", true),
			check("not expired", "OIDC Core 3.1.3.7 (9)", "42 min left", true),
			check("nonce is the one that was sent", "OIDC Core 3.1.3.7 (11)", "", true),
			check("access token fits at_hash", "OIDC Core 3.1.3.8", "", false),
		},
		History: []agent.Event{
			{At: noon.Add(-18 * time.Minute), What: "refreshed"},
			{At: noon.Add(-78 * time.Minute), What: "refresh: the server is down (503); tried again"},
			{At: noon.Add(-26 * time.Hour), What: "logged in as ada@example.com"},
		},
	}
}

// many are n profiles in ten environments.
func many(n int) []agent.Status {
	states := []agent.State{agent.LoggedIn, agent.LoggedOut, agent.Expiring, agent.LoginRequired, agent.Offline}
	all := make([]agent.Status, n)
	for i := range all {
		all[i] = agent.Status{Name: fmt.Sprintf("profile %05d", i), Environment: fmt.Sprintf("environment %d", i%10), State: states[i%len(states)],
			Account: fmt.Sprintf("user%d@example.com", i), ExpiresAt: at(time.Duration(i%90+1) * time.Minute), ObtainedAt: at(-time.Minute)}
	}
	slices.SortStableFunc(all, func(a, b agent.Status) int { return cmp.Compare(a.Name, b.Name) })
	return all
}
