package ui

import (
	"testing"
	"time"

	"fob/internal/agent"
)

// A proxy that runs is seen under its profile, copied by the agent and stopped from here; behind the lock its address stays where it is.
func TestProxiesThatRun(t *testing.T) {
	play(t, "Acme API", func(t *testing.T, s *stage) {
		rows := s.detail.head.proxies
		if rows.content.Visible() {
			t.Error("there is no proxy yet")
		}
		status := *s.model.status("Acme API")
		for i, at := range []string{"127.0.0.1:45181", "127.0.0.1:8000", "[::1]:9000", "127.0.0.1:9001", "127.0.0.1:9002"} {
			status.Proxies = append(status.Proxies, agent.ProxyStatus{ID: "id-" + at, At: at, ReadOnly: i == 1, Since: noon})
		}
		all := status.Proxies
		for _, n := range []int{1, 5} {
			status.Proxies = all[:n]
			s.agent.tell(agent.Update{Profiles: []agent.Status{status}})
			s.settle()
			s.picture("proxies-" + map[int]string{1: "one", 5: "five"}[n])
		}
		s.sees("Proxy at 127.0.0.1:45181")
		s.sees("read-only, since " + noon.Local().Format("15:04"))
		s.sees("2 more: fob proxy --list")
		s.seesNot("9001")
		s.tap(rows.rows[1].copy)
		s.asked("copy proxy id-127.0.0.1:8000 :77", 1)
		s.sees("Address copied. Clears in 45 s.")
		s.tap(rows.rows[0].stop)
		s.asked("stop proxy id-127.0.0.1:45181", 1)
		s.sees("Proxy stopped.")
		status.Locked = true
		s.agent.tell(agent.Update{Profiles: []agent.Status{status}})
		s.settle()
		if !rows.rows[0].copy.Disabled() || rows.rows[0].stop.Disabled() {
			t.Error("behind the lock a proxy can be stopped, and its address not copied")
		}
		status.Proxies = nil
		s.agent.tell(agent.Update{Profiles: []agent.Status{status}})
		s.settle()
		s.pass(time.Second)
		s.seesNot("Proxy at")
	})
}
