package session

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
)

// The profile of a login may go, come back or change its name while something is under way for it.

// remove takes a profile out of profiles.json as an editor would.
func (r *rig) remove(name string) {
	r.t.Helper()
	if err := r.file.Remove(name); err != nil {
		r.t.Fatal(err)
	}
	r.engine.sync()
}

// write writes a profile as an editor would.
func (r *rig) write(name string, edit func(*rig)) {
	r.t.Helper()
	edit(r)
	r.engine.sync()
}

func TestRemovedWhileARefreshWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute})
		r.login("work")
		time.Sleep(10 * time.Minute)
		release, err := r.engine.turn(t.Context(), "work")
		if err != nil {
			t.Fatal(err)
		}
		answer := make(chan error, 1)
		go func() {
			_, err := r.engine.Token(t.Context(), "work", -1)
			answer <- err
		}()
		synctest.Wait()
		r.remove("work")
		release()
		wantError(t, <-answer, Misused, CodeUnknownProfile)
	})
}

func TestRemovedTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, authserver.Options{})
		release, err := r.engine.turn(t.Context(), "work")
		if err != nil {
			t.Fatal(err)
		}
		answers := make(chan error, 3)
		p := r.profile("job")
		for range 2 {
			go func() { answers <- r.engine.RemoveProfile(t.Context(), "work") }()
		}
		synctest.Wait()
		go func() { answers <- r.engine.PutProfile(t.Context(), p, nil, "work", false) }()
		synctest.Wait()
		release()
		done := 0
		for range cap(answers) {
			if err := <-answers; err == nil {
				done++
			} else {
				wantError(t, err, Misused, CodeUnknownProfile)
			}
		}
		if done != 1 {
			t.Errorf("%d of three succeeded", done)
		}
		if _, err := r.engine.Status(); err != nil { // nobody keeps the lock
			t.Error(err)
		}
	})
}

func TestAnswerToARemovedProfileIsKept(t *testing.T) { // design.md decision 3: a rotated token is stored whatever happens meanwhile
	for name, meanwhile := range map[string]func(r *rig){
		"removed": func(r *rig) { r.remove("work") },
		"removed and back": func(r *rig) {
			r.remove("work")
			r.write("work", func(r *rig) { mustPut(r, "") })
		},
		"another client": func(r *rig) { r.write("work", func(r *rig) { mustPut(r, "another") }) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: -1})
				r.login("work")
				time.Sleep(10 * time.Minute)
				r.server.Faults().SetDelay(5 * time.Second)
				r.server.Faults().Set(authserver.TokenSlow, 1)
				var callers sync.WaitGroup
				callers.Go(func() { _, _ = r.engine.Token(t.Context(), "work", -1) })
				time.Sleep(time.Second)
				meanwhile(r)
				if name == "removed and back" {
					callers.Go(func() { _, _ = r.engine.Token(t.Context(), "work", -1) })
				}
				callers.Wait()
				r.write("work", func(r *rig) { mustPut(r, "") })
				time.Sleep(10 * time.Minute)
				if !r.works(r.token("work").AccessToken) {
					t.Error("the token does not work")
				}
				if stats := r.server.Stats(); stats.FamiliesRevoked != 0 || stats.Logins != 1 {
					t.Errorf("%d families revoked, %d logins", stats.FamiliesRevoked, stats.Logins)
				}
			})
		})
	}
}

// mustPut writes the rig's profile "work" into the file, for another client if one is named.
func mustPut(r *rig, client string) {
	r.t.Helper()
	p := r.profile("work")
	if client != "" {
		p.ClientID = client
	}
	if err := r.file.Put(p, "", false); err != nil {
		r.t.Fatal(err)
	}
}

func TestProfilesAddedAtOnce(t *testing.T) {
	r := newRig(t, authserver.Options{})
	var writers, readers sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				r.engine.sync()
			}
		})
	}
	for i := range 20 {
		writers.Go(func() { r.put(r.profile("p" + string(rune('a'+i)))) })
	}
	writers.Wait()
	stop()
	readers.Wait()
	if all, err := r.engine.Status(); err != nil || len(all) != 21 {
		t.Errorf("%d profiles known of 21: %v", len(all), err)
	}
}
