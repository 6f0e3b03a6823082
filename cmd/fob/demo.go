package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"

	"fob/internal/agent"
	"fob/internal/authserver"
	"fob/internal/session"
	"fob/profiles"
)

// demoProfile is the name of the profile that the demo makes.
const demoProfile = "Demo"

// demo is the built-in authorization server, for people who have none at hand. It runs in the agent, on loopback, from the
// first `fob demo` on as long as there is a profile that points at it.
type demo struct {
	home   agent.Home
	engine *session.Engine
	ctx    context.Context // the agent's life

	mu     sync.Mutex // one start at a time; held while the server starts, which takes milliseconds
	server *authserver.Server
}

// resume starts the demo server again when a demo profile is there, so that its login survives the agent's restart.
func (d *demo) resume() error {
	for _, p := range d.engine.Profiles() {
		if p.Preset == "demo" {
			_, err := d.start(d.ctx)
			return err
		}
	}
	return nil
}

// start runs the demo server, if it does not run, makes or mends its profile, and returns that profile's name.
func (d *demo) start(ctx context.Context) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server == nil {
		server, err := authserver.Start(d.ctx, authserver.Options{State: filepath.Join(d.home.Data, "demo.json")})
		if err != nil {
			return "", &agent.Error{Kind: agent.Failed, Code: "demo", Sentence: fmt.Sprintf("the demo server did not start: %v", err), Remedy: "see that programs may listen on 127.0.0.1"}
		}
		d.server = server
	}
	for _, p := range d.engine.Profiles() {
		if p.Preset != "demo" {
			continue
		}
		if p.Issuer == d.server.Issuer() {
			return p.Name, nil
		}
		// Another program took the port of before: the profile follows, its old tokens do not.
		p.Issuer, p.APIBaseURL = d.server.Issuer(), d.server.API()
		return p.Name, d.engine.PutProfile(ctx, p, nil, "", false)
	}
	p, err := d.profile()
	if err != nil {
		return "", err
	}
	return p.Name, d.engine.PutProfile(ctx, p, nil, "", true)
}

// profile is a new demo profile, under a name that is free.
func (d *demo) profile() (profiles.Profile, error) {
	preset, ok := profiles.PresetByID("demo")
	if !ok {
		return profiles.Profile{}, fmt.Errorf("the preset demo is missing")
	}
	taken := map[string]bool{}
	for _, p := range d.engine.Profiles() {
		taken[p.Name] = true
	}
	name := demoProfile
	for n := 2; taken[name]; n++ {
		name = fmt.Sprintf("%s %d", demoProfile, n)
	}
	p, err := preset.New(name, nil)
	if err != nil {
		return p, err
	}
	p.Preset, p.Issuer, p.APIBaseURL = "demo", d.server.Issuer(), d.server.API()
	p.ClientID = authserver.DemoClientID
	p.Scope = profiles.List{"openid", "profile", "email", "offline_access", "api"}
	return p, nil
}
