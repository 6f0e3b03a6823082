//go:build e2e && linux

package e2e

import "testing"

// kill -9 at any moment leaves a login that can be used, as far as it is up to Fob. R-306.
func TestKilled(t *testing.T) {
	t.Parallel()
	// during has the agent killed while a refresh waits at the server, and says how `fob token` ends afterwards.
	during := func(t *testing.T, where string, code int, args ...string) {
		t.Parallel()
		d, p := newDesk(t, bare...), startProvider(t, args...)
		f := newFob(d)
		f.addNative("work", p)
		f.login("work", newPerson(d))
		before := f.token("work")
		p.order("hold " + where)
		cut := f.command(t.Context(), "refresh", "work")
		must(t, cut.Start())
		p.held()
		f.killAgent()
		if err := cut.Wait(); err == nil || cut.ProcessState.ExitCode() != 4 {
			t.Errorf("fob refresh while its agent is killed: %v, want exit code 4", err)
		}
		if where == "before" {
			p.dropped()
		}
		p.order("release")
		// The token of before is still the one in the keychain, and still good.
		if token := f.token("work"); token != before {
			t.Error("another token than before")
		}
		if _, status := p.whoami(before); status != 200 {
			t.Errorf("the token of before is answered with %d", status)
		}
		said := f.run("refresh", "work").exits(code)
		if code != 0 {
			said.saying("fob login work")
			return
		}
		if after := f.token("work"); after == before {
			t.Error("refreshed to the same token")
		}
	}
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		d, p := newDesk(t, bare...), startProvider(t)
		f := newFob(d)
		f.addNative("work", p)
		f.login("work", newPerson(d))
		before := f.token("work")
		for range 3 {
			f.killAgent()
			if f.token("work") != before {
				t.Error("another token than before")
			}
			f.run("refresh", "work").ok()
			before = f.token("work")
		}
	})
	t.Run("the server never saw the request", func(t *testing.T) { during(t, "before", 0) })
	t.Run("the answer is lost", func(t *testing.T) { during(t, "after", 0, "--no-rotation") })
	// A server that rotates without any grace has spent the old token, and the new one went nowhere: a person is needed, and
	// is asked once.
	t.Run("the answer is lost and the token spent", func(t *testing.T) { during(t, "after", 3) })
}
