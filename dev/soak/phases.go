//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"fob/internal/session"
)

// stepsShare of all kills are at named steps.
const stepsShare = 0.1

// handful of named steps is what the shortest soak kills at.
const handful = 5

// phase is one kind of misfortune.
type phase struct {
	name  string
	share float64 // of the refreshes and of the kills
	// meanwhile does it again and again until ctx ends, and returns how often.
	meanwhile func(ctx context.Context, s *soak) (int, error)
	notRun    string
	excuse    string // what may be said with exit code 1
}

// run runs every phase and gives the verdict.
func (s *soak) run(ctx context.Context) error {
	s.servers.misbehave(s.options, true)
	for i, p := range []phase{
		{name: "races and kills", share: 0.8},
		{name: "disk full", share: 0.1, meanwhile: diskFull, notRun: s.home.disk, excuse: "no space left"},
		{name: "keychain daemon killed", share: 0.1, meanwhile: daemonKilled, excuse: "keychain"},
	} {
		if err := s.soakThrough(ctx, uint64(i), p); err != nil {
			return err
		}
	}
	for _, last := range []func(context.Context) (phaseReport, error){s.steps, s.ended} {
		done, err := last(ctx)
		if err != nil {
			return err
		}
		s.done(done)
	}
	return s.check()
}

// done notes a phase.
func (s *soak) done(p phaseReport) {
	p.Recovery, p.Retry = s.killer.slowest().Milliseconds(), s.servers.latest().Milliseconds()
	s.mu.Lock()
	s.report.Phases = append(s.report.Phases, p)
	s.mu.Unlock()
	if p.NotRun != "" {
		fmt.Printf("fob: soak: %s: not run: %s\n", p.Name, p.NotRun)
		return
	}
	fmt.Printf("fob: soak: %s: %d refreshes, %d kills, %d times, in %d s; a token again after %d ms at most, a lost answer asked for again after %d ms at most\n",
		p.Name, p.Refreshes, p.Kills, p.Times, p.Seconds, p.Recovery, p.Retry)
}

// soakThrough races and kills until the phase's share is reached, while the misfortune happens again and again.
func (s *soak) soakThrough(ctx context.Context, part uint64, p phase) error {
	report := phaseReport{Name: p.name, NotRun: p.notRun}
	if p.notRun != "" {
		s.done(report)
		return nil
	}
	begin, refreshes, kills := time.Now(), s.servers.refreshes(), s.killer.count()
	wantRefreshes, wantKills := int(math.Ceil(p.share*float64(s.refreshes))), int(math.Ceil(p.share*(1-stepsShare)*float64(s.kills)))
	s.mu.Lock()
	s.excuse = p.excuse
	s.mu.Unlock()
	life, end := context.WithCancel(ctx)
	defer end()
	wait := s.race(life, part)
	misfortune := make(chan error, 1)
	go func() {
		if p.meanwhile == nil {
			misfortune <- nil
			return
		}
		n, err := p.meanwhile(life, s)
		report.Times = n
		misfortune <- err
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	said, limit := time.Now(), time.Duration(p.share*(1-stepsShare)*float64(s.minutes)*float64(time.Minute))
	for ctx.Err() == nil && time.Since(begin) < limit {
		doneRefreshes, doneKills := s.servers.refreshes()-refreshes, s.killer.count()-kills
		if doneRefreshes >= wantRefreshes && doneKills >= wantKills {
			break
		}
		// Kills are spread over the refreshes.
		if doneKills < wantKills && doneKills*wantRefreshes <= doneRefreshes*wantKills {
			if pause, now := s.killer.arm(); now {
				select {
				case <-time.After(pause):
				case <-ctx.Done():
				}
				s.killer.kill("any")
			}
		}
		if time.Since(said) > 10*time.Second {
			said = time.Now()
			fmt.Printf("fob: soak: %s: %d of %d refreshes, %d of %d kills\n", p.name, doneRefreshes, wantRefreshes, doneKills, wantKills)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	err := s.killer.disarm()
	end()
	wait()
	err = errors.Join(err, <-misfortune)
	s.mu.Lock()
	s.excuse = ""
	s.mu.Unlock()
	report.Refreshes, report.Kills, report.Seconds = s.servers.refreshes()-refreshes, s.killer.count()-kills, int(time.Since(begin).Seconds())
	s.done(report)
	if err == nil && ctx.Err() == nil {
		err = s.settle(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

// settle waits until each profile has a token again. Whatever happened, no login is lost.
func (s *soak) settle(ctx context.Context) error {
	for _, p := range s.all {
		if err := s.until(ctx, "token of "+p.name, func() (bool, error) {
			said, err := s.home.command(ctx, "token", p.name)
			if err == nil && said.code == 3 {
				s.lost(ctx, p, "token", said)
			}
			return said.code == 0 && err == nil, err
		}); err != nil {
			return err
		}
	}
	return nil
}

// until asks again and again.
func (s *soak) until(ctx context.Context, what string, condition func() (bool, error)) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	late := time.After(2 * time.Minute)
	for {
		if good, err := condition(); good || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-late:
			return fmt.Errorf("%s: not within two minutes", what)
		}
	}
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// diskFull fills the disk that Fob keeps everything on but the keychain, and empties it.
func diskFull(ctx context.Context, s *soak) (times int, err error) {
	random := s.random(2)
	for ctx.Err() == nil {
		free, err := s.home.fill()
		if err != nil {
			return times, err
		}
		times++
		pause(ctx, 200*time.Millisecond+time.Duration(random.IntN(1300))*time.Millisecond)
		if err := free(); err != nil {
			return times, err
		}
		pause(ctx, 500*time.Millisecond+time.Duration(random.IntN(1500))*time.Millisecond)
	}
	return times, nil
}

// daemonKilled kills the keychain daemon and starts it again.
func daemonKilled(ctx context.Context, s *soak) (times int, err error) {
	random := s.random(3)
	for ctx.Err() == nil {
		s.home.killDaemon()
		times++
		pause(ctx, time.Duration(random.IntN(1500))*time.Millisecond)
		if err := s.home.startDaemon(); err != nil {
			return times, err
		}
		pause(ctx, time.Second+time.Duration(random.IntN(2000))*time.Millisecond)
	}
	return times, nil
}

// steps has the agent kill itself at each step of a rotation that it names, once or many times.
func (s *soak) steps(ctx context.Context) (phaseReport, error) {
	report := phaseReport{Name: "each named step"}
	begin, refreshes, kills := time.Now(), s.servers.refreshes(), s.killer.count()
	s.servers.misbehave(s.options, false)
	life, end := context.WithCancel(ctx)
	defer end()
	watched := make(chan struct{})
	go func() { defer close(watched); s.watch(life) }()
	n := len(session.Steps)
	want := max(handful, int(math.Ceil(stepsShare*float64(s.kills))))
	if want > n { // each of them as often
		want = (want + n - 1) / n * n
	}
	for i := range want {
		step := session.Steps[i%n]
		if want < n {
			step = session.Steps[i*n/want]
		}
		if err := s.step(ctx, step); err != nil {
			return report, fmt.Errorf("killed at %s: %w", step, err)
		}
		report.Times++
	}
	end()
	<-watched
	report.Refreshes, report.Kills, report.Seconds = s.servers.refreshes()-refreshes, s.killer.count()-kills, int(time.Since(begin).Seconds())
	return report, nil
}

// step has the agent die at a step of the next rotation, and another one find what it left.
func (s *soak) step(ctx context.Context, step string) error {
	p := s.all[1] // its tokens are large: they pass every step
	before := s.killer.count()
	s.killer.armStep(step)
	// Whichever login rotates first, the agent dies there, and the command learns of it or was answered just before.
	died := func() (bool, error) {
		_, err := s.home.command(ctx, "refresh", p.name)
		return s.killer.count() > before, err
	}
	if err := s.until(ctx, "end of the agent: no rotation passes that step, or the program was not built with the tag soak", died); err != nil {
		return err
	}
	for _, verb := range []string{"token", "refresh", "token"} {
		begin := time.Now()
		said, err := s.home.command(ctx, verb, p.name)
		if err != nil || said.code != 0 {
			return errors.Join(err, fmt.Errorf("fob %s %s afterwards: exit code %d: %s", verb, p.name, said.code, said.err))
		}
		s.try(ctx, p, verb, said.out, begin)
	}
	return nil
}

// ended has a thief spend an old refresh token: the server takes that for what it is and ends the login, which is asked for, once,
// and no other. A soak whose servers do not do this, or that cannot see it, proves nothing.
func (s *soak) ended(ctx context.Context) (phaseReport, error) {
	begin := time.Now()
	report := phaseReport{Name: "login ended by the server"}
	s.servers.misbehave(s.options, false)
	refreshes := s.servers.refreshes()
	life, end := context.WithCancel(ctx)
	defer end()
	p := s.stolen
	if err := s.login(ctx, p); err != nil {
		return report, err
	}
	for range 2 {
		if said, err := s.home.command(ctx, "refresh", p.name); err != nil || said.code != 0 {
			return report, fmt.Errorf("fob refresh %s: exit code %d, %v: %s", p.name, said.code, err, said.err)
		}
	}
	watched := make(chan struct{})
	go func() { defer close(watched); s.watch(life) }()
	s.mu.Lock()
	s.asked[p.name] = 0
	s.mu.Unlock()
	pause(ctx, 1200*time.Millisecond) // its server's grace
	status, err := p.at.steal(ctx)
	if stats := p.at.server.Stats(); err != nil || status != http.StatusBadRequest || stats.ReuseDetected != 1 || stats.FamiliesRevoked != 1 {
		return report, fmt.Errorf("a stolen token was answered with %d, %v: %d detected, %d families revoked", status, err, stats.ReuseDetected, stats.FamiliesRevoked)
	}
	s.mu.Lock()
	s.report.EndedByServer = 1
	s.mu.Unlock()
	err = s.until(ctx, "login asked for", func() (bool, error) {
		said, err := s.home.command(ctx, "refresh", p.name)
		return said.code == 3, err
	})
	if err != nil {
		return report, err
	}
	for range 20 { // asked again, it says so again, and tells the window nothing new
		if said, err := s.home.command(ctx, "token", p.name); err != nil || said.code != 3 {
			return report, fmt.Errorf("fob token %s after its login ended: exit code %d, %v: %s", p.name, said.code, err, said.err)
		}
	}
	err = s.until(ctx, "window told", func() (bool, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.asked[p.name] > 0, nil
	})
	if err != nil {
		return report, err
	}
	if err := s.login(ctx, p); err != nil {
		return report, err
	}
	end()
	<-watched
	s.mu.Lock()
	report.Times = s.asked[p.name]
	s.mu.Unlock()
	if report.Times != 1 {
		s.violation("%s was said to need a login %d times", p.name, report.Times)
	}
	report.Refreshes, report.Seconds = s.servers.refreshes()-refreshes, int(time.Since(begin).Seconds())
	return report, nil
}
