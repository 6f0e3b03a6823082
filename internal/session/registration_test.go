package session

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
	"fob/profiles"
)

// registering are options of a server at which clients register themselves.
func registering(o authserver.Options) authserver.Options {
	o.Registration = &authserver.Registration{RotateTokens: true}
	o.GrantTypes = append(o.GrantTypes, "authorization_code", "refresh_token")
	o.AuthMethods = []string{"none", "client_secret_basic", "private_key_jwt"}
	return o
}

func (r *rig) unregistered(name string) profiles.Profile {
	p := r.profile(name)
	p.ClientID = unregisteredID
	return p
}

// F-184: register, ask, change, delete; each answer's registration access token replaces the one before.
func TestRegistrationFromBirthToEnd(t *testing.T) {
	r := newRig(t, registering(authserver.Options{}))
	r.put(r.unregistered("self"))
	made, err := r.engine.Register(t.Context(), "self")
	if err != nil {
		t.Fatal(err)
	}
	if !made.Managed || made.ClientID == "" || !slices.Equal(r.server.RegisteredClients(), []string{made.ClientID}) {
		t.Fatalf("%+v, server has %v", made, r.server.RegisteredClients())
	}
	if p, _, _ := r.engine.Profile(t.Context(), "self"); p.ClientID != made.ClientID {
		t.Errorf("the profile has client %s", p.ClientID)
	}
	r.login("self")
	for range 3 { // with rotated registration access tokens
		if read, err := r.engine.Registration(t.Context(), "self"); err != nil || read.ClientID != made.ClientID {
			t.Fatalf("read: %+v, %v", read, err)
		}
	}
	r.reopen()
	p, _ := r.file.Get("self")
	p.ClientName = "Another name"
	r.put(p)
	changed, err := r.engine.UpdateRegistration(t.Context(), "self")
	if err != nil || !strings.Contains(string(changed.Metadata), "Another name") {
		t.Errorf("update: %s, %v", changed.Metadata, err)
	}
	if err := r.engine.Unregister(t.Context(), "self"); err != nil {
		t.Fatal(err)
	}
	if left := r.server.RegisteredClients(); len(left) != 0 {
		t.Errorf("left at the server: %v", left)
	}
	_, err = r.engine.Registration(t.Context(), "self")
	wantError(t, err, Failed, CodeNotRegistered)
	p, secretKeys, _ := r.engine.Profile(t.Context(), "self")
	if p.RegistrationClientURI != "" || len(secretKeys) > 0 {
		t.Errorf("left here: %q, %v", p.RegistrationClientURI, secretKeys)
	}
}

// the client goes with its profile, unless another profile uses it, too.
func TestRegistrationGoesWithItsProfile(t *testing.T) {
	r := newRig(t, registering(authserver.Options{}))
	r.put(r.unregistered("self"))
	r.login("self")
	p, _ := r.file.Get("self")
	p.Name, p.RegistrationClientURI = "sharing", ""
	r.put(p)
	if err := r.engine.RemoveProfile(t.Context(), "self"); err != nil {
		t.Fatal(err)
	}
	r.engine.work.Wait()
	if left := r.server.RegisteredClients(); len(left) != 1 {
		t.Errorf("the client that another profile uses is gone: %v", left)
	}
	r.put(r.unregistered("self"))
	r.login("self")
	if err := r.engine.RemoveProfile(t.Context(), "self"); err != nil {
		t.Fatal(err)
	}
	r.engine.work.Wait()
	if left := r.server.RegisteredClients(); len(left) != 1 {
		t.Errorf("left at the server: %v", left)
	}
}

// a client that the server has forgotten is registered again, once, before the browser shows an error page.
func TestForgottenClientIsRegisteredAgain(t *testing.T) {
	r := newRig(t, registering(authserver.Options{}))
	r.put(r.unregistered("self"))
	r.login("self") // a profile without a client gets one
	first, _ := r.file.Get("self")
	r.server.ForgetClient(first.ClientID)
	if s := r.login("self"); s.State != LoggedIn {
		t.Fatalf("%+v", s)
	}
	second, _ := r.file.Get("self")
	if second.ClientID == first.ClientID || !r.works(r.token("self").AccessToken) {
		t.Error("it was not registered again")
	}
	// Long after that it may be forgotten again: a login has succeeded in between.
	r.server.ForgetClient(second.ClientID)
	r.login("self")
	if third, _ := r.file.Get("self"); third.ClientID == second.ClientID || len(r.server.RegisteredClients()) != 1 {
		t.Errorf("registered now: %v", r.server.RegisteredClients())
	}
}

// the guard of the loop, at a server that forgets at once and says so at the token endpoint.
func TestServerThatForgetsAtOnce(t *testing.T) {
	r := newRig(t, registering(authserver.Options{}))
	r.put(r.unregistered("self"))
	r.server.Faults().Set(authserver.InvalidClient, authserver.UntilCleared)
	_, err := r.tryLogin("self")
	wantError(t, err, Failed, "invalid_client")
	if n := r.server.Stats().Requests["register"]; n != 2 {
		t.Errorf("%d registrations", n)
	}
	_, err = r.tryLogin("self")
	wantError(t, err, Failed, CodeForgottenAgain)
	if n := len(r.server.RegisteredClients()); n > 2 {
		t.Errorf("%d clients were registered", n)
	}
	r.server.Faults().Clear()
	r.login("self")
}

// A crash after the secrets were stored and before the profile had its client id is mended by the next login.
func TestCrashWhileRegistering(t *testing.T) {
	r := newRig(t, registering(authserver.Options{}))
	before := r.unregistered("self")
	r.put(before)
	if _, err := r.engine.Register(t.Context(), "self"); err != nil {
		t.Fatal(err)
	}
	after, _ := r.file.Get("self")
	if err := r.file.Put(before, "", false); err != nil { // as it was before
		t.Fatal(err)
	}
	r.reopen()
	r.login("self")
	if p, _ := r.file.Get("self"); p.ClientID != after.ClientID || len(r.server.RegisteredClients()) != 1 {
		t.Errorf("client %s, server has %v", p.ClientID, r.server.RegisteredClients())
	}
	// Somebody who enters a client by hand is not overruled.
	p := r.profile("self")
	r.put(p)
	r.login("self")
	if p, _ := r.file.Get("self"); p.ClientID != authserver.DemoClientID {
		t.Errorf("the client entered by hand was replaced by %s", p.ClientID)
	}
}

// What was edited while the server was asked stays edited, and the client that nobody needs does not stay there.
func TestEditWhileRegistering(t *testing.T) {
	r := newRig(t, registering(authserver.Options{}))
	p := r.unregistered("self")
	r.put(p)
	r.engine.http = &http.Client{Transport: before{r.server.Transport(), "/register", func() {
		p.ClientID = "entered-meanwhile"
		r.put(p)
	}}}
	_, err := r.engine.Register(t.Context(), "self")
	wantError(t, err, Failed, CodeProfileChanged)
	if got, _ := r.file.Get("self"); got.ClientID != "entered-meanwhile" || len(r.server.RegisteredClients()) != 0 {
		t.Errorf("client %s, server has %v", got.ClientID, r.server.RegisteredClients())
	}
}

// before does something before a POST to path goes out.
type before struct {
	http.RoundTripper
	path string
	do   func()
}

func (b before) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, b.path) {
		b.do()
	}
	return b.RoundTripper.RoundTrip(r)
}

// from an API's address to a call that succeeds.
func TestPasteAnAddress(t *testing.T) {
	r := newRig(t, registering(authserver.Options{ResourceMetadata: true}))
	api := issuer + "/api/whoami"
	found, err := r.engine.Explore(t.Context(), api)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Servers) != 1 || found.Servers[0] != issuer || len(found.Hosts) == 0 {
		t.Fatalf("%+v", found)
	}
	var hosts []string
	for _, h := range found.Hosts {
		hosts = append(hosts, h.Host)
	}
	_, err = r.engine.Adopt(t.Context(), Adoption{URL: api, Hosts: []string{"other.example"}})
	wantError(t, err, Failed, CodeForeignHost)
	if _, err := r.engine.Adopt(t.Context(), Adoption{URL: api, Hosts: nil}); err == nil {
		t.Error("adopted although no host was shown (R-204)")
	}
	_, err = r.engine.Adopt(t.Context(), Adoption{URL: api, Hosts: hosts, Server: "https://not-named.example"})
	wantError(t, err, Misused, CodeChooseServer)
	// a client that is known goes first.
	name, err := r.engine.Adopt(t.Context(), Adoption{URL: api, Hosts: hosts, Name: "api"})
	if err != nil || name != "api" {
		t.Fatalf("%q, %v", name, err)
	}
	if p, _ := r.file.Get("api"); p.ClientID != authserver.DemoClientID {
		t.Errorf("client %s", p.ClientID)
	}
	if err := r.engine.RemoveProfile(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	if err := r.engine.RemoveProfile(t.Context(), "api"); err != nil {
		t.Fatal(err)
	}
	name, err = r.engine.Adopt(t.Context(), Adoption{URL: api, Hosts: hosts, Name: "api"})
	if err != nil {
		t.Fatal(err)
	}
	p, _ := r.file.Get(name)
	if !slices.Equal(r.server.RegisteredClients(), []string{p.ClientID}) {
		t.Errorf("client %s, server has %v", p.ClientID, r.server.RegisteredClients())
	}
	r.login(name)
	if answer, err := r.engine.Request(t.Context(), Request{Name: name}); err != nil || answer.Status != http.StatusOK {
		t.Errorf("%d, %v", answer.Status, err)
	}
	if again, err := r.engine.Explore(t.Context(), api); err != nil || !slices.Contains(again.Profiles, name) {
		t.Errorf("it does not say that a profile is there: %v, %v", again.Profiles, err)
	}
}

// several servers: the person chooses. No way to a client id: asked for.
func TestPasteAnAddressWithQuestions(t *testing.T) {
	r := newRig(t, authserver.Options{ResourceMetadata: true, ResourceServers: []string{issuer, "http://127.0.0.1:1/other"}})
	if err := r.engine.RemoveProfile(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	api := issuer + "/api/whoami"
	found, err := r.engine.Explore(t.Context(), api)
	if err != nil {
		t.Fatal(err)
	}
	if found.Client != "ask" {
		t.Errorf("client by %s", found.Client)
	}
	var hosts []string
	for _, h := range found.Hosts {
		hosts = append(hosts, h.Host)
	}
	_, err = r.engine.Adopt(t.Context(), Adoption{URL: api, Hosts: hosts, Server: issuer})
	wantError(t, err, Failed, CodeNoClient)
	name, err := r.engine.Adopt(t.Context(), Adoption{URL: api, Hosts: hosts, Server: issuer, ClientID: authserver.DemoClientID})
	if err != nil {
		t.Fatal(err)
	}
	r.login(name)
}

// A registration that fails leaves no profile behind.
func TestAdoptionThatFails(t *testing.T) {
	r := newRig(t, registering(authserver.Options{ResourceMetadata: true}))
	if err := r.engine.RemoveProfile(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	r.server.Faults().Set(authserver.RegistrationRefused, authserver.UntilCleared)
	_, err := r.engine.Adopt(t.Context(), Adoption{URL: issuer + "/api/whoami", Hosts: []string{"127.0.0.1:1"}})
	if err == nil || len(r.file.All()) != 0 {
		t.Errorf("%v, profiles %v", err, r.file.All())
	}
}

// An answer that is brought twice at once is redeemed once.
func TestCompletedTwiceAtOnce(t *testing.T) {
	for range 5 {
		r := newRig(t, authserver.Options{})
		pending, err := r.engine.Begin(t.Context(), "work", LoginOptions{})
		if err != nil {
			t.Fatal(err)
		}
		answer := r.redirectOf(pending.URL)
		errs := make(chan error, 4)
		for range cap(errs) {
			go func() {
				_, err := r.engine.Complete(context.WithoutCancel(t.Context()), "", answer)
				errs <- err
			}()
		}
		good := 0
		for range cap(errs) {
			if err := <-errs; err == nil {
				good++
			} else {
				wantError(t, err, Failed, CodeNotWaiting)
			}
		}
		if stats := r.server.Stats(); good != 1 || stats.Codes != 1 || stats.CodesReplayed != 0 {
			t.Fatalf("%d succeeded, %d codes redeemed, %d replayed", good, stats.Codes, stats.CodesReplayed)
		}
	}
}

// What waits goes with its profile: to its new name, and away with it; the sweep of sealed files knows it.
func TestWaitingLoginsGoWithTheirProfile(t *testing.T) {
	r := newRig(t, authserver.Options{})
	r.login("work")
	pending, err := r.engine.Begin(t.Context(), "work", LoginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	key := r.engine.waiting.list()[0].Key
	if !slices.Contains(r.engine.Keys(), key) {
		t.Error("a sweep would remove it")
	}
	p := r.profile("job")
	if err := r.engine.PutProfile(t.Context(), p, nil, "work", false); err != nil {
		t.Fatal(err)
	}
	if runs, err := r.engine.Trace("job"); err != nil || len(runs) != 2 { // the login before, and the one begun
		t.Errorf("the trace stayed behind: %d, %v", len(runs), err)
	}
	r.reopen()
	if s, err := r.engine.Complete(t.Context(), "job", r.redirectOf(pending.URL)); err != nil || s.Name != "job" {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := r.engine.Begin(t.Context(), "job", LoginOptions{}); err != nil {
		t.Fatal(err)
	}
	key = r.engine.waiting.list()[0].Key
	if err := r.engine.RemoveProfile(t.Context(), "job"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Get(t.Context(), key); err == nil || len(r.engine.waiting.list()) > 0 {
		t.Error("the waiting login is still in the keychain")
	}
	r.put(p)
	if runs, err := r.engine.Trace("job"); err != nil || len(runs) != 0 {
		t.Errorf("the new profile of that name has the trace of the old: %d, %v", len(runs), err)
	}
}

// A begun login that nobody completes leaves nothing in the keychain, and a keychain that refuses leaves nothing on the list.
func TestWaitingLoginEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{})
		pending, err := r.engine.Begin(t.Context(), "work", LoginOptions{})
		if err != nil {
			t.Fatal(err)
		}
		key := r.engine.waiting.list()[0].Key
		answer := r.redirectOf(pending.URL)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go r.engine.Run(ctx)
		time.Sleep(2 * time.Hour)
		if _, err := r.store.Get(t.Context(), key); err == nil {
			t.Error("it is in the keychain still")
		}
		_, err = r.engine.Complete(t.Context(), "", answer)
		wantError(t, err, Failed, CodeNotWaiting)
		store := &brokenStore{Store: r.store}
		store.broken.Store(true)
		r.engine.store = store
		if _, err := r.engine.Begin(t.Context(), "work", LoginOptions{}); err == nil || len(r.engine.waiting.list()) > 0 {
			t.Errorf("%v, waiting %d", err, len(r.engine.waiting.list()))
		}
	})
}
