package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fob/internal/agent"
)

// long is the agent over a long time, with many logins that really rotate: does it grow, and does it storm?
type long struct {
	*bench
	logins  int
	lasts   time.Duration
	servers *rotators
	home    agent.Home
	client  *agent.Client
	runtime runtimeSays
	pid     int
	ended   func() error // waits for the agent

	mu     sync.Mutex // guards what follows
	asked  stats      // what fob token took, since asking was last looked at
	wrong  []string   // what a visitor was answered that must not be
	visits int
}

// sample is the agent at one moment.
type sample struct {
	pss, heap, routines, threads, fds, files, disk, log float64
}

// measured is what must not grow, but for what moves by itself: a collection comes a megabyte later, a visitor is just there.
var measured = []struct {
	name  string
	of    func(sample) float64
	moves float64
}{
	{"PSS, MB", func(s sample) float64 { return s.pss }, 1},
	{"live heap, MB", func(s sample) float64 { return s.heap }, 1},
	{"goroutines", func(s sample) float64 { return s.routines }, 5},
	{"threads", func(s sample) float64 { return s.threads }, 2},
	{"open files", func(s sample) float64 { return s.fds }, 5},
	{"files on disk", func(s sample) float64 { return s.files }, 5},
	{"MB on disk", func(s sample) float64 { return s.disk }, 1},
}

const (
	sampledEvery = 30 * time.Second
	// growsAt is how much more the last third may have than the second.
	growsAt = 1.05
)

// longRun logs in, lets all logins end, and watches a new agent meet them: the start, a sleep in which a part of them ends, and then
// nothing but time and people who come and go.
func (b *bench) longRun() (err error) {
	l := &long{bench: b, logins: 10_000, lasts: 40 * time.Minute}
	for name, set := range map[string]func(int){
		"BENCH_PROFILES": func(n int) { l.logins = n },
		"BENCH_MINUTES":  func(n int) { l.lasts = time.Duration(n) * time.Minute },
	} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return fmt.Errorf("%s=%s is not a number above 0", name, text)
			}
			set(n)
		}
	}
	if err := l.prepare(); err != nil {
		return err
	}
	defer func() {
		l.client.Close()
		l.servers.close()
		if l.pid != 0 {
			err = errors.Join(err, l.halt())
		}
	}()
	if _, err := l.start(); err != nil {
		return err
	}
	if err := l.logInAll(); err != nil {
		return err
	}
	if err := l.halt(); err != nil {
		return err
	}
	time.Sleep(time.Until(l.servers.lastEnd())) // the night: every token has ended
	l.servers.lives(l.lasts / 6)
	return l.watch()
}

// prepare writes the profiles, and has servers for them.
func (l *long) prepare() error {
	var err error
	if l.servers, err = startRotators(8); err != nil {
		return err
	}
	l.in("long")
	root := filepath.Join(l.root, "long")
	l.home = agent.Home{Config: filepath.Join(root, "config"), Data: filepath.Join(root, "data"), Runtime: filepath.Join(root, "run")}
	l.client = agent.NewClient(l.home)
	passphrase := filepath.Join(l.root, "passphrase")
	if err := os.WriteFile(passphrase, []byte("ten thousand logins"), 0o600); err != nil {
		return err
	}
	l.env = append(l.env, "FOB_STORE=file", "FOB_PASSPHRASE_FILE="+passphrase, "DBUS_SESSION_BUS_ADDRESS=", "DISPLAY=")
	type profile struct {
		Name     string `json:"name"`
		ClientID string `json:"client_id"`
		Authz    string `json:"authorization_endpoint"`
		Token    string `json:"token_endpoint"`
	}
	all := make([]profile, l.logins)
	for i := range all {
		at := l.servers.of(i).url
		all[i] = profile{nameOf(i), "bench", at + "/authorize", at + "/token"}
	}
	text, err := json.Marshal(map[string]any{"version": 1, "profiles": all})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(l.home.Config, 0o700); err != nil {
		return err
	}
	return os.WriteFile(l.home.ProfilesFile(), text, 0o600)
}

func nameOf(i int) string { return fmt.Sprintf("p%05d", i) }

// start starts the agent and returns how long it took to its first answer. Its runtime tells on stderr what it has: the program
// that is shipped has no other window.
func (l *long) start() (time.Duration, error) {
	cmd := exec.Command(l.fob, "agent", "--no-tray")
	cmd.Env = append(slices.Clip(l.env), fmt.Sprintf("GODEBUG=gctrace=1,scheddetail=1,schedtrace=%d", sampledEvery.Milliseconds()/2))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	told := make(chan struct{})
	go func() { defer close(told); l.runtime.follow(stderr) }()
	l.pid = cmd.Process.Pid
	l.ended = func() error { <-told; return cmd.Wait() }
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		if _, err = l.client.Status(ctx, nameOf(0)); err == nil {
			return time.Since(begin), nil
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("the agent does not answer: %w; it says: %s", err, l.runtime.rest())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (l *long) halt() error {
	err := l.signal("TERM")
	l.pid = 0
	return errors.Join(err, l.ended())
}

// signal sends the agent a signal by its name: Windows has neither these nor /proc, and only compiles this.
func (l *long) signal(name string) error {
	return exec.Command("kill", "-"+name, strconv.Itoa(l.pid)).Run()
}

// logInAll has each profile take over a refresh token, eight at a time.
func (l *long) logInAll() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var next atomic.Int64
	errs := make([]error, 8)
	begin := time.Now()
	var all sync.WaitGroup
	for w := range errs {
		all.Go(func() {
			for i := int(next.Add(1) - 1); i < l.logins; i = int(next.Add(1) - 1) {
				o := agent.LoginOptions{RefreshToken: l.servers.of(i).first(nameOf(i))}
				if _, errs[w] = l.client.Login(ctx, nameOf(i), o, func(agent.LoginEvent) {}); errs[w] != nil {
					cancel()
					return
				}
			}
		})
	}
	all.Wait()
	took := time.Since(begin)
	report(fmt.Sprintf("%d logins, eight at a time", l.logins), fmt.Sprintf("%s, %.1f ms each", took.Round(time.Second), took.Seconds()*1000/float64(l.logins)))
	return errors.Join(errs...)
}

// watch is the run itself.
func (l *long) watch() error {
	began := l.servers.begin()
	took, err := l.start()
	if err != nil {
		return err
	}
	report("start to first answer, all tokens ended", round(took))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	visitors := l.visit(ctx)
	stormed := l.storm("after the start", began, l.logins)
	var samples []sample
	cpu, refreshes, at := time.Duration(0), l.servers.refreshed(), began
	end, sleeps := began.Add(l.lasts), began.Add(l.lasts/8)
	fmt.Println("  minute   PSS MB  heap MB  routines  threads  files open  CPU %  refreshes/s  files on disk  MB on disk  log KB")
	tick := time.NewTicker(sampledEvery)
	defer tick.Stop()
	for range tick.C {
		now := time.Now()
		s, u, err := l.sample()
		if err != nil {
			return err
		}
		samples = append(samples, s)
		total := l.servers.refreshed()
		since := now.Sub(at).Seconds()
		fmt.Printf("%8.1f %8.1f %8.0f %9.0f %8.0f %11.0f %6.1f %12.1f %14.0f %11.1f %7.0f\n", now.Sub(began).Minutes(), s.pss, s.heap, s.routines, s.threads, s.fds,
			100*(u.cpu-cpu).Seconds()/since, float64(total-refreshes)/since, s.files, s.disk, s.log)
		cpu, refreshes, at = u.cpu, total, now
		if stormed != nil && !now.Before(sleeps) {
			stop()
			visitors()
			stormed()
			stormed = nil
			if err := l.sleep(); err != nil {
				return err
			}
			ctx, stop = context.WithCancel(context.Background())
			defer stop()
			visitors = l.visit(ctx)
			refreshes, at = l.servers.refreshed(), time.Now()
			tick.Reset(sampledEvery)
		}
		if now.After(end) {
			break
		}
	}
	stop()
	visitors()
	return l.verdict(samples)
}

// sleep stops the agent for a while, as a computer that sleeps does, and sees what it does when it wakes up: the one who asks first
// gets a token that lives.
func (l *long) sleep() error {
	if err := l.signal("STOP"); err != nil {
		return err
	}
	time.Sleep(l.lasts / 8)
	woke := l.servers.begin()
	dead := l.servers.dead()
	if err := l.signal("CONT"); err != nil {
		return err
	}
	if len(dead) == 0 {
		return errors.New("no token ended while the agent slept: this run proves nothing")
	}
	first, err := l.ask(dead[len(dead)/2])
	if err != nil {
		return err
	}
	report("asleep", fmt.Sprintf("%s; %d tokens ended", (l.lasts/8).Round(time.Second), len(dead)))
	report("fob token of one that ended, right after", round(first))
	go l.storm("after the sleep", woke, len(dead))()
	return nil
}

// storm notes when n logins have been refreshed since began, and tells what the servers saw. The function that it returns waits for that.
func (l *long) storm(when string, began time.Time, n int) func() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for l.servers.since(began) < n && time.Since(began) < l.lasts/8 {
			time.Sleep(200 * time.Millisecond)
		}
		report(when, fmt.Sprintf("%d refreshed in %s; at most %s", l.servers.since(began), time.Since(began).Round(time.Second), l.servers.most()))
		l.mu.Lock()
		if len(l.asked) > 0 {
			report("  fob token meanwhile", fmt.Sprintf("%v, most %s", l.asked, round(slices.Max(l.asked))))
		}
		l.asked = nil
		l.mu.Unlock()
	}()
	return func() { <-done }
}

// visit has people and programs come and go until ctx ends: a token every second, all profiles every ten, a window that watches for
// twenty seconds of thirty.
func (l *long) visit(ctx context.Context) (wait func()) {
	var all sync.WaitGroup
	every := func(d time.Duration, do func() error) {
		all.Go(func() {
			tick := time.NewTicker(d)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				if err := do(); err != nil && ctx.Err() == nil {
					l.mu.Lock()
					l.wrong = append(l.wrong, err.Error())
					l.mu.Unlock()
				}
			}
		})
	}
	every(time.Second, func() error { _, err := l.ask(rand.IntN(l.logins)); return err })
	every(10*time.Second, func() error { _, err := l.run("status"); return err })
	every(30*time.Second, func() error {
		short, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		if err := l.client.Watch(short, func(agent.Update) {}); short.Err() == nil {
			return fmt.Errorf("watching ended: %w", err)
		}
		return nil
	})
	return all.Wait
}

// ask asks for a token as a script does, and sees that it lives.
func (l *long) ask(i int) (time.Duration, error) {
	cmd := exec.Command(l.fob, "token", nameOf(i))
	cmd.Env = l.env
	var said strings.Builder
	cmd.Stderr = &said
	begin := time.Now()
	out, err := cmd.Output()
	took := time.Since(begin)
	if err != nil {
		return took, fmt.Errorf("fob token %s: %w: %s", nameOf(i), err, said.String())
	}
	l.mu.Lock()
	l.asked, l.visits = append(l.asked, took), l.visits+1
	l.mu.Unlock()
	return took, alive(strings.TrimSpace(string(out)), time.Now())
}

// sample looks at the agent.
func (l *long) sample() (sample, usage, error) {
	u, err := used(l.pid)
	if err != nil {
		return sample{}, u, err
	}
	s := sample{pss: float64(u.pss) / 1024}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", l.pid))
	if err != nil {
		return s, u, err
	}
	s.fds = float64(len(fds))
	s.threads = float64(field(fmt.Sprintf("/proc/%d/status", l.pid), "Threads:"))
	s.heap, s.routines = l.runtime.now()
	err = filepath.WalkDir(l.home.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // files come and go
		}
		if info, err := d.Info(); err == nil {
			s.files++
			s.disk += float64(info.Size()) / (1 << 20)
			if strings.HasPrefix(path, l.home.LogFile()) {
				s.log += float64(info.Size()) / 1024
			}
		}
		return nil
	})
	return s, u, err
}

// verdict compares the last third with the one before.
func (l *long) verdict(samples []sample) error {
	second, last := samples[len(samples)/3:len(samples)*2/3], samples[len(samples)*2/3:]
	var grown []string
	for _, m := range measured {
		a, b := medianOf(second, m.of), medianOf(last, m.of)
		report(m.name+", second and last third", fmt.Sprintf("%.1f, %.1f: %.2f times", a, b, b/a))
		if b > a*growsAt+m.moves {
			grown = append(grown, m.name)
		}
	}
	fewest, most := l.servers.spread()
	report("refreshes of a login, fewest and most", fmt.Sprintf("%d, %d; %d in all", fewest, most, l.servers.refreshed()))
	report("refresh tokens that came again, that came too late", fmt.Sprintf("%d, %d", l.servers.again(), l.servers.late()))
	report("visitors with a token that lives", l.visits)
	all, one := l.servers.peak()
	switch {
	case len(l.wrong) > 0:
		return fmt.Errorf("%d visitors were answered wrongly; the first: %s", len(l.wrong), l.wrong[0])
	case all > 4 || one > 1:
		return fmt.Errorf("a storm: %d requests at a time, %d at one issuer", all, one)
	case l.servers.again() > 4 || l.servers.late() > 0: // 4 may have been under way when the agent was stopped
		return errors.New("refresh tokens were spent again")
	case len(grown) > 0:
		return fmt.Errorf("the last third has more than the second: %s", strings.Join(grown, ", "))
	}
	return nil
}

func medianOf(all []sample, of func(sample) float64) float64 {
	var values []float64
	for _, s := range all {
		values = append(values, of(s))
	}
	return median(values)
}

// runtimeSays is what Go's runtime in the agent tells on stderr: after each collection what is alive, and now and then each goroutine.
type runtimeSays struct {
	mu       sync.Mutex // guards what follows
	heap     float64    // MB that lived after the last collection
	routines float64
	counting float64
	other    strings.Builder // what is not the runtime's
}

var (
	collected = regexp.MustCompile(`^gc \d+ @.* \d+->\d+->(\d+) MB, `)
	routine   = regexp.MustCompile(`^ *G\d+: status=(\d+)`)
)

// gDead is the status of a goroutine that has ended and whose stack is kept for the next.
const gDead = "6"

func (r *runtimeSays) follow(stderr io.Reader) {
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		line := lines.Text()
		r.mu.Lock()
		if match := collected.FindStringSubmatch(line); match != nil {
			r.heap, _ = strconv.ParseFloat(match[1], 64)
		} else if match := routine.FindStringSubmatch(line); match != nil {
			if match[1] != gDead {
				r.counting++
			}
		} else if strings.HasPrefix(line, "SCHED ") { // the list before is whole
			r.routines, r.counting = r.counting, 0
		} else if strings.HasPrefix(line, "fob: ") {
			fmt.Fprintln(&r.other, line)
		}
		r.mu.Unlock()
	}
}

// rest is what the agent itself said.
func (r *runtimeSays) rest() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.other.String()
}

func (r *runtimeSays) now() (heap, routines float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heap, r.routines
}
