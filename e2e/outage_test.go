//go:build e2e && linux

package e2e

import "testing"

// Every exit code, met for real; and an outage of the server is never a reason to log in again. R-042.
func TestExitCodesAndOutage(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, bare...), startProvider(t, "--access-ttl", "6")
	f := newFob(d)

	f.run("--no-start", "token", "work").exits(4).saying("the agent cannot be reached", "without --no-start")
	f.run("token", "work").exits(2).saying("no profile is named work")
	f.run("token", "--bogus", "work").exits(2)
	f.run("frobnicate").exits(2)
	f.addNative("work", p)
	f.run("token", "work").exits(3)
	f.run("refresh", "work").exits(3)
	f.login("work", newPerson(d))
	f.run("token", "work", "--min-ttl", "1h").exits(1).saying("tokens live 6s")

	p.order("down")
	f.refreshEnds("work", 5).saying("the login is kept")
	// The token in hand serves to its end; from then on the answer is "try again", and nothing else.
	until(t, "token past its end", func() bool {
		said := f.run("token", "work", "--min-ttl", "0s")
		if said.code != 0 && said.code != 5 {
			t.Fatalf("during the outage: exit code %d\n%s", said.code, said.err)
		}
		return said.code == 5
	})
	if s := f.status("work"); s.State != "offline" || s.Problem == nil {
		t.Errorf("status during the outage: %+v", s)
	}
	f.run("stop").ok() // an agent that starts into the outage knows no better
	f.run("token", "work", "--min-ttl", "1s").exits(5)
	f.run("logout", "work").exits(5).saying("fob logout --local work")

	p.order("up")
	until(t, "token after the outage", func() bool {
		said := f.run("token", "work", "--min-ttl", "1s")
		if said.code != 0 && said.code != 5 {
			t.Fatalf("after the outage: exit code %d\n%s", said.code, said.err)
		}
		return said.code == 0
	})
	p.order("stumble 503")
	f.refreshEnds("work", 5)
	p.order("stumble 0")
	f.run("refresh", "work").ok()

	// The administrator ends the session: that is a reason, and the only one.
	p.order("revoke")
	f.refreshEnds("work", 3).saying("log in again: fob login work")
	f.run("token", "work").exits(3)
	if s := f.status("work"); s.State != "login_required" {
		t.Errorf("status after the revocation: %+v", s)
	}
	f.login("work", newPerson(d))
	f.run("refresh", "work").ok()
}
