package ui

import (
	"context"
	"encoding/json"
	"time"

	"fob/internal/agent"
)

// Agent is what the window asks of the agent; [*agent.Client] is one. It is the sum of what the window's parts ask.
type Agent interface {
	watcher
	keeper
	giver
	scribe
	asker
	finder
	house
}

// watcher tells what is and what changes.
type watcher interface {
	Watch(ctx context.Context, show func(agent.Update)) error
	Details(ctx context.Context, name string) (agent.Details, error)
}

// keeper begins, renews and ends logins.
type keeper interface {
	Login(ctx context.Context, name string, o agent.LoginOptions, event func(agent.LoginEvent)) (agent.Status, error)
	CancelLogin(ctx context.Context, name string) error
	Refresh(ctx context.Context, name string) (agent.Status, error)
	Logout(ctx context.Context, name string, local bool) (agent.Status, error)
	Begin(ctx context.Context, name string, o agent.LoginOptions) (agent.Pending, error)
	Complete(ctx context.Context, name, answer string) (agent.Status, error)
	EndSession(ctx context.Context, name string) (string, error)
}

// giver hands out tokens.
type giver interface {
	Copy(ctx context.Context, r agent.FormRequest, env map[string]string) (agent.Copied, error)
	Token(ctx context.Context, q agent.TokenQuery, minTTL time.Duration) (agent.Handout, error)
	CopyProxy(ctx context.Context, id string, env map[string]string) (agent.Copied, error)
	StopProxy(ctx context.Context, id string) error
}

// asker asks servers about a login, and tells what was said to them.
type asker interface {
	Introspect(ctx context.Context, name, which string) (agent.Introspection, error)
	UserInfo(ctx context.Context, name string) (map[string]any, error)
	Request(ctx context.Context, r agent.Request) (agent.Response, error)
	Trace(ctx context.Context, name string) ([]agent.TraceRun, error)
}

// finder makes profiles and keys that somebody else knows the half of.
type finder interface {
	Explore(ctx context.Context, address string) (agent.Exploration, error)
	Adopt(ctx context.Context, a agent.Adoption) (string, error)
	Keys(ctx context.Context, name string) (json.RawMessage, error)
	MakeKey(ctx context.Context, name, alg string, replace bool) (json.RawMessage, error)
}

// scribe reads and writes profiles.
type scribe interface {
	Profile(ctx context.Context, name string) (agent.ProfileView, error)
	PutProfile(ctx context.Context, edit agent.ProfileEdit) error
	RemoveProfile(ctx context.Context, name string) error
	Discover(ctx context.Context, issuer string) (agent.Discovery, error)
	Another(ctx context.Context, from, name string) (string, error)
	Pin(ctx context.Context, name string) (agent.Status, error)
	Unpin(ctx context.Context, name string) (agent.Status, error)
}

// house is what is not of one profile.
type house interface {
	Hello(ctx context.Context) (agent.Hello, error)
	Settings(ctx context.Context) (agent.Settings, error)
	PutSettings(ctx context.Context, s agent.Settings) error
	Lock(ctx context.Context) error
	Unlock(ctx context.Context) error
	Store(ctx context.Context) (agent.StoreView, error)
	UnlockStore(ctx context.Context, passphrase string, create bool) error
	MoveStore(ctx context.Context, to string, tell func(agent.StoreMove)) error
	Doctor(ctx context.Context) ([]agent.Finding, error)
	FollowLog(ctx context.Context, show func([]agent.LogLine) error) error
	Report(ctx context.Context, r agent.ReportRequest) (agent.BugReport, error)
	Demo(ctx context.Context) (string, error)
}
