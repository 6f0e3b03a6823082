//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"fob/internal/agent"
)

// soak is one run.
type soak struct {
	options
	home    *home
	servers *witnesses
	killer  *killer
	window  *agent.Client
	tray    *agent.Client
	all     []*profile
	stolen  *profile // is logged in when all is over, and a refresh token of it stolen; see ended
	began   time.Time

	mu     sync.Mutex // guards what follows
	report report
	excuse string          // what exit code 1 may be for now: the disk, the keychain; "" nothing
	ending map[string]bool // profiles whose login the server has ended: these may ask for a login
	asked  map[string]int  // how often watchers were told that these need one
}

// profile is one login.
type profile struct {
	name  string
	at    *witness
	quiet bool // nobody asks for it: the schedule alone keeps it
}

func newSoak(ctx context.Context, fob string, o options) (*soak, error) {
	h, err := newHome(fob)
	if err != nil {
		return nil, err
	}
	dirs := agent.Home{Config: filepath.Join(h.fobDir(), "config"), Data: filepath.Join(h.fobDir(), "data"), Runtime: filepath.Join(h.fobDir(), "run")}
	s := &soak{options: o, home: h, window: agent.NewClient(dirs), tray: agent.NewClient(dirs), began: time.Now(), ending: map[string]bool{}, asked: map[string]int{}}
	s.killer = &killer{client: agent.NewClient(dirs), file: h.killAt(), random: o.random(1), at: map[string]int{}}
	s.servers = &witnesses{killer: s.killer, wrong: s.violation}
	s.report = report{Seed: o.seed, Machine: machine(), Grace: int(grace.Seconds()), Began: s.began.UTC(), KilledAt: map[string]int{}, Faults: map[string]int{}, Commands: map[string]map[string]int{}}
	const servers, profiles, quiet = 6, 18, 6
	if err := s.servers.start(servers + 1); err != nil {
		s.close()
		return nil, err
	}
	for i := range profiles { // each server has three, one of them quiet
		s.all = append(s.all, &profile{name: "p" + strconv.Itoa(i), at: s.servers.each[i%servers], quiet: i >= profiles-quiet})
	}
	s.stolen = &profile{name: "stolen", at: s.servers.each[servers]}
	s.ending[s.stolen.name] = true
	if err := h.write(append(slices.Clip(s.all), s.stolen)); err != nil {
		s.close()
		return nil, err
	}
	for _, p := range s.all {
		if err := s.login(ctx, p); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

func (s *soak) login(ctx context.Context, p *profile) error {
	said, err := s.home.command(ctx, "login", p.name)
	if err == nil && said.code != 0 {
		err = fmt.Errorf("fob login %s: exit code %d: %s", p.name, said.code, said.err)
	}
	return err
}

func (s *soak) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	if _, err := s.home.command(ctx, "--no-start", "stop"); err != nil {
		fmt.Fprintln(os.Stderr, "fob: soak:", err)
	}
	if log, err := os.ReadFile(filepath.Join(s.home.fobDir(), "data", "agent.log")); err == nil { // beside the report
		_ = os.WriteFile(filepath.Join(s.dir, "agent.log"), log, 0o644)
	}
	for _, c := range []*agent.Client{s.window, s.tray, s.killer.client} {
		c.Close()
	}
	s.servers.close()
	s.home.close()
}

// violation is something that must not be; the run goes on, and fails at its end.
func (s *soak) violation(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.report.Violations) < 100 { // one cause may break a thousand requests
		s.report.Violations = append(s.report.Violations, fmt.Sprintf("after %s: %s", time.Since(s.began).Round(time.Millisecond), text))
		fmt.Fprintln(os.Stderr, "fob: soak: VIOLATION:", time.Now().Format(time.TimeOnly), text)
	}
}

// watch is what the window does: it follows the agent, whichever there is, and is told what each login is in.
func (s *soak) watch(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	last := map[string]agent.State{}
	for ctx.Err() == nil {
		_ = s.window.Watch(ctx, func(u agent.Update) { // ends with each agent
			for _, now := range u.Profiles {
				if now.State != last[now.Name] {
					s.turned(now)
				}
				last[now.Name] = now.State
			}
		})
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// turned is told of a state that a profile is in now.
func (s *soak) turned(now agent.Status) {
	if now.State != agent.LoginRequired && now.State != agent.LoggedOut {
		return
	}
	s.mu.Lock()
	expected := s.ending[now.Name]
	s.asked[now.Name]++
	if !expected {
		s.report.LoginsAsked++
	}
	s.mu.Unlock()
	if !expected {
		why := "without a reason"
		if now.Problem != nil {
			why = now.Problem.Code + ": " + now.Problem.Sentence
		}
		s.violation("%s is %s: %s", now.Name, now.State, why)
	}
}

// ask is one command line of a script: it asks for a token, a header or a refresh, and tries what it got.
func (s *soak) ask(ctx context.Context, random *rand.Rand, raced []*profile) {
	p := raced[random.IntN(len(raced))]
	verb := []string{"token", "token", "header", "refresh", "refresh"}[random.IntN(5)]
	begin := time.Now()
	said, err := s.home.command(ctx, verb, p.name)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		s.violation("%v", err)
		return
	}
	s.answered(ctx, p, verb, said, begin)
}

// press is somebody at the window or the tray, which keep a connection and start no agent.
func (s *soak) press(ctx context.Context, random *rand.Rand, p *profile) {
	verb, begin := []string{"window: details", "window: refresh", "window: refresh", "tray: copy"}[random.IntN(4)], time.Now()
	var h agent.Handout
	var err error
	switch verb {
	case "window: details":
		_, err = s.window.Details(ctx, p.name)
	case "window: refresh":
		_, err = s.window.Refresh(ctx, p.name)
	default:
		h, err = s.tray.Token(ctx, agent.TokenQuery{Name: p.name}, -1)
	}
	answer := said{out: h.AccessToken}
	var known *agent.Error
	switch {
	case errors.As(err, &known):
		answer = said{code: int(known.Kind), err: known.Sentence}
	case err != nil:
		answer = said{code: -1, err: err.Error()}
	}
	if ctx.Err() == nil {
		s.answered(ctx, p, verb, answer, begin)
	}
}

// answered judges what a client was answered.
func (s *soak) answered(ctx context.Context, p *profile, verb string, said said, begin time.Time) {
	s.mu.Lock()
	if s.report.Commands[verb] == nil {
		s.report.Commands[verb] = map[string]int{}
	}
	s.report.Commands[verb][strconv.Itoa(said.code)]++
	expected, excuse := s.ending[p.name], s.excuse
	s.mu.Unlock()
	switch said.code {
	case 0:
		s.try(ctx, p, verb, said.out, begin)
	case 1:
		if excuse == "" || !strings.Contains(said.err, excuse) {
			s.violation("fob %s %s: exit code 1: %s", verb, p.name, said.err)
		}
	case 3:
		if !expected {
			s.lost(ctx, p, verb, said)
		}
	case 4, 5: // the agent was killed; the server is down
	default:
		s.violation("fob %s %s: exit code %d: %s", verb, p.name, said.code, said.err)
	}
}

// lost is a login that the server had not ended and that is gone. It is counted once, and had again, so that the soak goes on.
func (s *soak) lost(ctx context.Context, p *profile, verb string, said said) {
	s.mu.Lock()
	again := s.ending[p.name]
	s.ending[p.name] = true
	if !again {
		s.report.LoginsAsked++
	}
	s.mu.Unlock()
	if again {
		return
	}
	s.violation("fob %s %s asks for a login: %s", verb, p.name, said.err)
	_ = s.login(ctx, p) // an agent that is killed meanwhile ends it, and the next command asks again
	s.mu.Lock()
	s.ending[p.name] = false
	s.mu.Unlock()
}

// try tries a token at the API. The command hands out one with half of its life left; a machine that is too slow to try it within
// that time learns nothing.
func (s *soak) try(ctx context.Context, p *profile, verb, out string, begin time.Time) {
	token := strings.TrimSpace(out)
	if verb == "header" {
		token = strings.TrimPrefix(token, "Authorization: Bearer ")
	}
	if verb == "refresh" || strings.HasPrefix(verb, "window") {
		return
	}
	s.killer.served(begin)
	if token == "" || strings.ContainsAny(token, " \n") {
		s.violation("fob %s %s: exit code 0 and no token", verb, p.name)
		return
	}
	good, err := p.at.takes(ctx, token)
	switch {
	case ctx.Err() != nil || time.Since(begin) > lifetime/3:
	case err != nil:
		s.violation("%v", err)
	case !good:
		s.mu.Lock()
		expected := s.ending[p.name]
		s.mu.Unlock()
		if !expected {
			s.violation("fob %s %s gave a token that the server does not take", verb, p.name)
		}
	default:
		s.mu.Lock()
		s.report.TokensTried++
		s.mu.Unlock()
	}
}

// presses at a time at the window and the tray: these cost no process, so that most of the machine is the agent's.
const presses = 4

// race runs the command lines, the window and the tray until ctx ends.
func (s *soak) race(ctx context.Context, part uint64) (wait func()) {
	var raced []*profile
	for _, p := range s.all {
		if !p.quiet {
			raced = append(raced, p)
		}
	}
	var all sync.WaitGroup
	for i := range s.clients {
		all.Go(func() {
			random := s.random(part<<16 + uint64(i))
			for ctx.Err() == nil {
				s.ask(ctx, random, raced)
				pause(ctx, time.Duration(random.IntN(int(200*time.Millisecond)))) // scripts do something between their questions
			}
		})
	}
	all.Go(func() { s.watch(ctx) })
	for i := range presses {
		all.Go(func() {
			random := s.random(part<<16 + uint64(s.clients+i))
			for ctx.Err() == nil {
				s.press(ctx, random, raced[random.IntN(len(raced))])
				pause(ctx, time.Duration(random.IntN(int(100*time.Millisecond))))
			}
		})
	}
	return all.Wait
}

// check makes the sums at the end, and is the verdict.
func (s *soak) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &s.report
	r.Seconds, r.Refreshes, r.Kills = int(time.Since(s.began).Seconds()), s.servers.refreshes(), s.killer.count()
	r.addUp()
	maps.Copy(r.KilledAt, s.killer.at)
	r.MostSpent = s.servers.mostSpent()
	for _, w := range s.servers.each {
		stats := w.server.Stats()
		r.FamiliesRevoked += stats.FamiliesRevoked
		r.GraceUsed += stats.GraceUsed
		for _, fault := range spoiling {
			if n := w.server.Faults().Applied(fault); n > 0 {
				r.Faults[string(fault)] += n
			}
		}
	}
	r.FamiliesRevoked -= r.EndedByServer
	r.Complete = !slices.ContainsFunc(r.Phases, func(p phaseReport) bool { return p.NotRun != "" }) && r.Refreshes >= s.refreshes && r.Kills >= s.kills
	if err := r.write(s.dir); err != nil {
		return err
	}
	between := r.Phases[len(r.Phases)-1]
	fmt.Printf("fob: soak: %s: %d refreshes, %d kills, in %d s\n", between.Name, between.Refreshes, between.Kills, between.Seconds)
	fmt.Printf("fob: soak: %d refreshes, %d kills, %d families revoked, %d logins asked for that the server had not ended; %d tokens tried, grace used %d times, one refresh token spent %d times at most\n",
		r.Refreshes, r.Kills, r.FamiliesRevoked, r.LoginsAsked, r.TokensTried, r.GraceUsed, r.MostSpent)
	switch {
	case r.FamiliesRevoked != 0 || r.LoginsAsked != 0 || len(r.Violations) != 0:
		return fmt.Errorf("%d families revoked, %d logins asked for, %d violations; again with SOAK_SEED=%d", r.FamiliesRevoked, r.LoginsAsked, len(r.Violations), s.seed)
	case r.TokensTried == 0 || r.GraceUsed == 0:
		return errors.New("nothing was tried, or no answer was ever lost: this run proves nothing")
	case !r.Complete:
		return fmt.Errorf("not complete: %d minutes were up, or a phase could not run; SOAK_MINUTES gives more", s.minutes)
	}
	return nil
}
